//! `down`.

use super::prelude::*;
use crate::app::movement::{self, Move};

pub(super) const COMMAND: Command = Command {
    id: "down",
    title: "down",
    help: "Down one row",
    keys: &[KeyChord::plain(KeyCode::Down), KeyChord::char('j')],
    scope: Scope::Everywhere,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        movement::go(store, Move::Down);
        Vec::new()
    },
};
