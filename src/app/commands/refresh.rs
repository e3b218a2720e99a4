//! `refresh`.

use super::prelude::*;
use crate::app::differences;

pub(super) const COMMAND: Command = Command {
    id: "refresh",
    title: "refresh",
    help: "Ask for metrics, and for both sides of differences, again now",
    keys: &[KeyChord::ctrl('r')],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        differences::refresh(store);
        vec![Effect::RefreshMetrics]
    },
};
