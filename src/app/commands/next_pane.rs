//! `next-pane`.

use super::prelude::*;
use crate::app::{matrix, overlays};

pub(super) const COMMAND: Command = Command {
    id: "next-pane",
    title: "next pane",
    help: "To the next pane; in the matrix: to the next environment",
    keys: &[KeyChord::plain(KeyCode::Tab)],
    scope: Scope::Everywhere,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        if matches!(store.ui.view(), View::Matrix) {
            matrix::along(store, 1);
        } else {
            store.ui.focus = overlays::cycle(Pane::of(store.ui.view()), store.ui.focus, 1);
        }
        Vec::new()
    },
};
