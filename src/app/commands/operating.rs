//! Scaling and restarting components.

use super::prelude::*;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::act::With;
use crate::app::arguments::Arguments;
use crate::app::environment_act;

const ROW: Command = Command { group: Group::Guarding, ..Command::ROW };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "scale",
        title: "scale",
        help: "Scale a component: :scale backend 0, :scale backend back",
        cli: Some("scale"),
        run: scale,
        ..ROW.action(ActionKind::Scale)
    },
    Command {
        id: "restart",
        title: "restart",
        help: "Restart the pods of a component: :restart backend REASON",
        cli: Some("restart"),
        run: restart,
        ..ROW.action(ActionKind::Restart)
    },
];

fn scale(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = &invocation.target.environment else { return Vec::new() };
    let mut words = Arguments::of(invocation.argument.as_deref());
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
    let parameters = Parameters { component: Some(component), replicas, ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    environment_act::ask(store, environment, ActionKind::Scale, with)
}

fn restart(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = &invocation.target.environment else { return Vec::new() };
    let mut words = Arguments::of(invocation.argument.as_deref());
    let component = environment_act::component(store, environment, &mut words);
    let Some(component) = component else {
        store.say(Level::Warning, "restart: which component? :restart COMPONENT REASON");
        return Vec::new();
    };
    let parameters = Parameters { component: Some(component), ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    environment_act::ask(store, environment, ActionKind::Restart, with)
}
