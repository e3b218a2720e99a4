//! `page-down`.

use super::prelude::*;
use crate::app::movement::{self, Move};

pub(super) const COMMAND: Command = Command {
    id: "page-down",
    title: "page down",
    help: "Down one page",
    keys: &[KeyChord::plain(KeyCode::PageDown), KeyChord::ctrl('f')],
    scope: Scope::Everywhere,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        movement::go(store, Move::PageDown);
        Vec::new()
    },
};
