//! `page-up`.

use super::prelude::*;
use crate::app::movement::{self, Move};

pub(super) const COMMAND: Command = Command {
    id: "page-up",
    title: "page up",
    help: "Up one page",
    keys: &[KeyChord::plain(KeyCode::PageUp), KeyChord::ctrl('b')],
    scope: Scope::Everywhere,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        movement::go(store, Move::PageUp);
        Vec::new()
    },
};
