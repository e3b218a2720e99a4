//! `wrap`.

use super::prelude::*;
use crate::app::texts;

pub(super) const COMMAND: Command = Command {
    id: "wrap",
    title: "wrap",
    help: "Let long lines of a text go on in the next row, or leave the screen",
    keys: &[KeyChord::char('w')],
    scope: Scope::Texts,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        if let Some(look) = texts::look(store) {
            look.wrap = !look.wrap;
            look.column = 0;
        }
        Vec::new()
    },
};
