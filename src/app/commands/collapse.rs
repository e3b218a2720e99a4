//! `collapse`.

use super::prelude::*;
use crate::app::sections;

pub(super) const COMMAND: Command = Command {
    id: "collapse",
    title: "collapse",
    help: "Fold the section of the selected environment; :collapse NAME another one",
    keys: &[KeyChord::plain(KeyCode::Left)],
    scope: Scope::Home,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: needs_sections,
    run: |store, invocation| {
        sections::fold(store, invocation.argument.as_deref().map(str::trim), true);
        Vec::new()
    },
};
