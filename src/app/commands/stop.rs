//! `stop`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::act::With;
use crate::app::environment_act;

pub(super) const COMMAND: Command = Command {
    id: "stop",
    title: "stop",
    help: "Emergency stop: abort everything that waits or runs in an environment",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: Some(Verb::Rollback),
    cli: Some("stop"),
    confirmation: rule(ActionKind::AbortAll).confirmation,
    availability: |store, target| environment_act::availability(store, target, ActionKind::AbortAll),
    run: |store, invocation| {
        let Some(environment) = &invocation.target.environment else { return Vec::new() };
        let reason = invocation.argument.clone().unwrap_or_default();
        let with = With { parameters: None, reason };
        environment_act::ask(store, environment, ActionKind::AbortAll, (COMMAND.confirmation, with))
    },
};
