//! `scale`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::act::With;
use crate::app::arguments::Words;
use crate::app::environment_act;

pub(super) const COMMAND: Command = Command {
    id: "scale",
    title: "scale",
    help: "Set the replicas of a component, or put them back: :scale backend 0, :scale backend back",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: Some(Verb::Scale),
    cli: Some("scale"),
    confirmation: rule(ActionKind::Scale).confirmation,
    availability: |store, target| environment_act::availability(store, target, ActionKind::Scale),
    run,
};

/// To nothing is a stop: it is asked for as one.
fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = &invocation.target.environment else { return Vec::new() };
    let mut words = Words::of(invocation.argument.as_deref());
    let component = environment_act::component(store, environment, &mut words);
    let replicas = match words.first().as_deref() {
        Some("back") => Some(None),
        Some(number) => number.parse::<i32>().ok().filter(|count| (0..=10_000).contains(count)).map(Some),
        None => None,
    };
    let (Some(component), Some(replicas)) = (component, replicas) else {
        store.say(
            Level::Warning,
            "scale: what, and to how many? :scale COMPONENT 3, or :scale COMPONENT back",
        );
        return Vec::new();
    };
    let confirmation = if replicas == Some(0) { Confirmation::Wide } else { COMMAND.confirmation };
    let parameters = Parameters { component: Some(component), replicas, ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    environment_act::ask(store, environment, ActionKind::Scale, (confirmation, with))
}
