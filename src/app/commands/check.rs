//! `check`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::act::{self, With};
use crate::app::needs;

pub(super) const COMMAND: Command = Command {
    id: "check",
    title: "check",
    help: "Tick an item of the checklist of the release that waits: :check ITEM",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: Some(Verb::Approve),
    cli: Some("check"),
    confirmation: rule(ActionKind::Check).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::Check),
    run,
};

/// The item may be cut short, as long as one item alone fits; without a word the only one that is open is meant.
fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Ok(id) = act::subject(store, &invocation.target, ActionKind::Check) else { return Vec::new() };
    let environment = store.environment_of(&id).and_then(|id| store.environment(&id));
    let (Some(release), Some(environment)) = (store.release(&id), environment) else { return Vec::new() };
    let wanted = invocation.argument.as_deref().unwrap_or_default().to_lowercase();
    let open = needs::unticked(environment, release);
    let fitting: Vec<&&str> = open.iter().filter(|item| item.to_lowercase().contains(&wanted)).collect();
    let [item] = fitting.as_slice() else {
        let sentence = format!("check: which item? open are {}", open.join(", "));
        store.say(Level::Warning, sentence);
        return Vec::new();
    };
    let item = (**item).to_owned();
    let parameters = Parameters { item: Some(item), ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: String::new() };
    act::open(store, &id, ActionKind::Check, (COMMAND.confirmation, with))
}
