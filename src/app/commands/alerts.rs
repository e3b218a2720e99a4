//! `alerts`.

use super::prelude::*;
use crate::app::alerts;

pub(super) const COMMAND: Command = Command {
    id: "alerts",
    title: "alerts",
    help: "Alerts of Prometheus, the worst first; again: of this environment only, then everybody's",
    keys: &[KeyChord::char('a')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: Some("alerts"),
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| {
        alerts::open(store, invocation.argument.as_deref());
        Vec::new()
    },
};
