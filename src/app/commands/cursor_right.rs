//! `cursor-right`.

use super::prelude::*;
use crate::app::zoom;
use crate::config::key::Modifiers;

pub(super) const COMMAND: Command = Command {
    id: "cursor-right",
    title: "cursor right",
    help: "Move the cursor of a zoomed pane to the next sample, at last to the present",
    keys: &[KeyChord::plain(KeyCode::Right), KeyChord::new(KeyCode::Right, Modifiers::SHIFT)],
    scope: Scope::Zoom,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| {
        let samples = if invocation.key == Some(1) { 10 } else { 1 };
        zoom::move_cursor(store, samples);
        Vec::new()
    },
};
