//! `left`.

use super::prelude::*;
use crate::app::texts;

pub(super) const COMMAND: Command = Command {
    id: "left",
    title: "left",
    help: "Move a text back to the beginning of its lines",
    keys: &[KeyChord::plain(KeyCode::Left)],
    scope: Scope::Texts,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        if let Some(look) = texts::look(store) {
            look.aside(false);
        }
        Vec::new()
    },
};
