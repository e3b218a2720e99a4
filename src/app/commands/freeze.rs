//! `freeze`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::act::With;
use crate::app::arguments::Words;
use crate::app::environment_act;

pub(super) const COMMAND: Command = Command {
    id: "freeze",
    title: "freeze",
    help: "Stop all releases of an environment: :freeze production 2h INC-1 [hold|rollback] REASON",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: Some(Verb::Freeze),
    cli: Some("freeze"),
    confirmation: rule(ActionKind::Freeze).confirmation,
    availability: |store, target| environment_act::availability(store, target, ActionKind::Freeze),
    run,
};

/// Without a span it lasts until somebody lifts it; without a policy, what executes may finish.
fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = &invocation.target.environment else { return Vec::new() };
    let mut words = Words::of(invocation.argument.as_deref());
    let until = words.span().map(|span| store.now + span);
    let in_flight = words.in_flight();
    let incident = words.incident();
    let parameters = Parameters { until, in_flight, incident, ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    environment_act::ask(store, environment, ActionKind::Freeze, (COMMAND.confirmation, with))
}
