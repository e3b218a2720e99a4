//! `filter`.

use super::prelude::*;
use crate::app::overlays;

pub(super) const COMMAND: Command = Command {
    id: "filter",
    title: "filter",
    help: "Look for text in the focused pane; `!` inverts, `-l version=v1` asks for a label",
    keys: &[KeyChord::char('/')],
    scope: Scope::Everywhere,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| {
        match &invocation.argument {
            Some(text) => overlays::apply_filter(store, store.ui.focus, text),
            None => overlays::open_filter(store),
        }
        Vec::new()
    },
};
