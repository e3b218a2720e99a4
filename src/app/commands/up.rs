//! `up`.

use super::prelude::*;
use crate::app::movement::{self, Move};

pub(super) const COMMAND: Command = Command {
    id: "up",
    title: "up",
    help: "Up one row",
    keys: &[KeyChord::plain(KeyCode::Up), KeyChord::char('k')],
    scope: Scope::Everywhere,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        movement::go(store, Move::Up);
        Vec::new()
    },
};
