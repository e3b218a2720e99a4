//! `help`.

use super::prelude::*;
use crate::app::ui_state::Overlay;

pub(super) const COMMAND: Command = Command {
    id: "help",
    title: "help",
    help: "Every key and what it does",
    keys: &[KeyChord::char('?')],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        store.ui.overlays.push(Overlay::Help { offset: 0 });
        Vec::new()
    },
};
