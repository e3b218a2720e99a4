//! Alerts and silences.

use super::prelude::*;
use crate::app::{alertmanagers, palette};

const ROW: Command = Command { scope: Scope::Alerts, group: Group::Guarding, ..Command::ROW };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "silence",
        title: "silence",
        help: "Silence the selected alert: :silence 2h [LABEL=VALUE…] REASON",
        keys: &[KeyChord::char('s')],
        cli: Some("silence"),
        confirmation: Confirmation::Light,
        availability: Some(|store, _| alertmanagers::availability(store)),
        run: |store, invocation| {
            if let Some(argument) = &invocation.argument {
                return alertmanagers::silence(store, argument);
            }
            palette::open_with(store, "silence ");
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "expire-silence",
        title: "expire silence",
        help: "Expire the silence of the selected alert",
        keys: &[KeyChord::char('S')],
        cli: Some("expire-silence"),
        confirmation: Confirmation::Light,
        availability: Some(|store, _| alertmanagers::expiry(store)),
        run: |store, _| alertmanagers::expire(store),
        ..ROW
    },
];
