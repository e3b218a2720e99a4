//! `right`.

use super::prelude::*;
use crate::app::texts;

pub(super) const COMMAND: Command = Command {
    id: "right",
    title: "right",
    help: "Move a text to see more of its long lines",
    keys: &[KeyChord::plain(KeyCode::Right)],
    scope: Scope::Texts,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        if let Some(look) = texts::look(store) {
            look.aside(true);
        }
        Vec::new()
    },
};
