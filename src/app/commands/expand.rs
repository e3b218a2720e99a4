//! `expand`.

use super::prelude::*;
use crate::app::sections;

pub(super) const COMMAND: Command = Command {
    id: "expand",
    title: "expand",
    help: "Unfold the section of the selected environment; :expand NAME another one",
    keys: &[KeyChord::plain(KeyCode::Right)],
    scope: Scope::Home,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: needs_sections,
    run: |store, invocation| {
        sections::fold(store, invocation.argument.as_deref().map(str::trim), false);
        Vec::new()
    },
};
