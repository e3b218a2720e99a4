//! `previous-pane`.

use super::prelude::*;
use crate::app::{matrix, overlays};
use crate::config::key::Modifiers;

pub(super) const COMMAND: Command = Command {
    id: "previous-pane",
    title: "previous pane",
    help: "To the pane before",
    keys: &[KeyChord::new(KeyCode::Tab, Modifiers::SHIFT)],
    scope: Scope::Everywhere,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        if matches!(store.ui.view(), View::Matrix) {
            matrix::along(store, -1);
        } else {
            store.ui.focus = overlays::cycle(Pane::of(store.ui.view()), store.ui.focus, -1);
        }
        Vec::new()
    },
};
