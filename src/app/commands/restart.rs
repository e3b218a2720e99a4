//! `restart`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::act::With;
use crate::app::arguments::Words;
use crate::app::environment_act;

pub(super) const COMMAND: Command = Command {
    id: "restart",
    title: "restart",
    help: "Restart the pods of a component, a few at a time: :restart backend REASON",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: Some(Verb::Scale),
    cli: Some("restart"),
    confirmation: rule(ActionKind::Restart).confirmation,
    availability: |store, target| environment_act::availability(store, target, ActionKind::Restart),
    run,
};

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = &invocation.target.environment else { return Vec::new() };
    let mut words = Words::of(invocation.argument.as_deref());
    let component = environment_act::component(store, environment, &mut words);
    let Some(component) = component else {
        store.say(Level::Warning, "restart: which component? :restart COMPONENT REASON");
        return Vec::new();
    };
    let parameters = Parameters { component: Some(component), ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    environment_act::ask(store, environment, ActionKind::Restart, (COMMAND.confirmation, with))
}
