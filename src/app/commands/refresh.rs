//! `refresh`.

use super::prelude::*;

pub(super) const COMMAND: Command = Command {
    id: "refresh",
    title: "refresh",
    help: "Ask for metrics again now",
    keys: &[KeyChord::ctrl('r')],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |_, _| vec![Effect::RefreshMetrics],
};
