//! `review`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::act::With;
use crate::app::arguments::Words;
use crate::app::environment_act;

pub(super) const COMMAND: Command = Command {
    id: "review",
    title: "review",
    help: "Clear what somebody else's break-glass left behind: :review [DEBT] REASON",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: Some(Verb::Approve),
    cli: Some("review"),
    confirmation: rule(ActionKind::Review).confirmation,
    availability: |store, target| environment_act::availability(store, target, ActionKind::Review),
    run,
};

/// Without a name the oldest debt is meant.
fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = &invocation.target.environment else { return Vec::new() };
    let debts = environment_act::reviewable(store, environment);
    let argument = invocation.argument.as_deref().unwrap_or_default();
    let first = argument.split_whitespace().next().unwrap_or_default();
    let named = debts.iter().find(|debt| debt.id == first);
    let Some(debt) = named.or(debts.first()).map(|debt| debt.id.clone()) else { return Vec::new() };
    let mut words = Words::of(Some(argument));
    if named.is_some() {
        words.first();
    }
    let parameters = Parameters { debt: Some(debt), ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    environment_act::ask(store, environment, ActionKind::Review, (COMMAND.confirmation, with))
}
