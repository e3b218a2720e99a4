//! `expire-silence`.

use super::prelude::*;
use crate::app::alertmanagers;

pub(super) const COMMAND: Command = Command {
    id: "expire-silence",
    title: "end silence",
    help: "Among alerts: end the silence that keeps the chosen one quiet",
    keys: &[KeyChord::char('S')],
    scope: Scope::Alerts,
    group: Group::Guarding,
    verb: None,
    cli: Some("expire-silence"),
    confirmation: Confirmation::Light,
    availability: |store, _| alertmanagers::expiry(store),
    run: |store, _| alertmanagers::expire(store),
};
