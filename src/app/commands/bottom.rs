//! `bottom`.

use super::prelude::*;
use crate::app::movement::{self, Move};

pub(super) const COMMAND: Command = Command {
    id: "bottom",
    title: "bottom",
    help: "To the last row",
    keys: &[KeyChord::char('G'), KeyChord::plain(KeyCode::End)],
    scope: Scope::Everywhere,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        movement::go(store, Move::Bottom);
        Vec::new()
    },
};
