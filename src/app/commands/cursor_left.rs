//! `cursor-left`.

use super::prelude::*;
use crate::app::zoom;
use crate::config::key::Modifiers;

pub(super) const COMMAND: Command = Command {
    id: "cursor-left",
    title: "cursor left",
    help: "Move the cursor of a zoomed pane to the sample before; with shift ten at a time",
    keys: &[KeyChord::plain(KeyCode::Left), KeyChord::new(KeyCode::Left, Modifiers::SHIFT)],
    scope: Scope::Zoom,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| {
        let samples = if invocation.key == Some(1) { 10 } else { 1 };
        zoom::move_cursor(store, -samples);
        Vec::new()
    },
};
