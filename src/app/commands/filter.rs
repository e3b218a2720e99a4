//! `filter`.

use super::prelude::*;
use crate::app::overlays;
use crate::app::ui_state::Purpose;

pub(super) const COMMAND: Command = Command {
    id: "filter",
    title: "filter",
    help: "Show what matches in the focused pane; `!` inverts, `-l version=v1` asks for a label",
    keys: &[KeyChord::char('/')],
    scope: Scope::Everywhere,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| {
        let is_text = matches!(store.ui.view(), View::Text(_) | View::Logs(_));
        match &invocation.argument {
            Some(text) if is_text => overlays::apply_pattern(store, Purpose::Filter, text),
            None if is_text => overlays::open_pattern(store, Purpose::Filter),
            Some(text) => overlays::apply_filter(store, store.ui.focus, text),
            None => overlays::open_filter(store),
        }
        Vec::new()
    },
};
