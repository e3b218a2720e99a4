//! `silence`.

use super::prelude::*;
use crate::app::{alertmanagers, overlays};

pub(super) const COMMAND: Command = Command {
    id: "silence",
    title: "silence",
    help: "Among alerts: keep the chosen one quiet for a time: :silence 2h [LABEL=VALUE…] REASON",
    keys: &[KeyChord::char('s')],
    scope: Scope::Alerts,
    group: Group::Guarding,
    verb: None,
    cli: Some("silence"),
    confirmation: Confirmation::Light,
    availability: |store, _| alertmanagers::availability(store),
    run: |store, invocation| {
        if let Some(argument) = &invocation.argument {
            return alertmanagers::silence(store, argument);
        }
        overlays::open_palette_with(store, "silence ");
        Vec::new()
    },
};
