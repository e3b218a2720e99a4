//! `unfreeze`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::act::With;
use crate::app::environment_act;

pub(super) const COMMAND: Command = Command {
    id: "unfreeze",
    title: "unfreeze",
    help: "Let releases into a frozen environment again",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: Some(Verb::Freeze),
    cli: Some("unfreeze"),
    confirmation: rule(ActionKind::Unfreeze).confirmation,
    availability: |store, target| environment_act::availability(store, target, ActionKind::Unfreeze),
    run: |store, invocation| {
        let Some(environment) = &invocation.target.environment else { return Vec::new() };
        let reason = invocation.argument.clone().unwrap_or_default();
        let with = With { parameters: None, reason };
        environment_act::ask(store, environment, ActionKind::Unfreeze, (COMMAND.confirmation, with))
    },
};
