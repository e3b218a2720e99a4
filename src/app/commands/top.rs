//! `top`.

use super::prelude::*;
use crate::app::movement::{self, Move};

pub(super) const COMMAND: Command = Command {
    id: "top",
    title: "top",
    help: "To the first row",
    keys: &[KeyChord::char('g'), KeyChord::plain(KeyCode::Home)],
    scope: Scope::Everywhere,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        movement::go(store, Move::Top);
        Vec::new()
    },
};
