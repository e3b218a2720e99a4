//! `override`.

use chrono::TimeDelta;

use super::prelude::*;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::act::{self, With};
use crate::app::arguments::Words;

/// For how long a gate stays open where nobody says.
const USUAL: TimeDelta = TimeDelta::minutes(30);

pub(super) const COMMAND: Command = Command {
    id: "override",
    title: "override",
    help: "Break-glass: pass a gate by force for a time: :override GATE 30m INC-1 REASON",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: Some(Verb::Override),
    cli: Some("override"),
    confirmation: rule(ActionKind::Override).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::Override),
    run,
};

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Ok(id) = act::subject(store, &invocation.target, ActionKind::Override) else { return Vec::new() };
    let mut words = Words::of(invocation.argument.as_deref());
    let wanted = words.first().unwrap_or_default();
    let gate = store.release(&id).and_then(|release| {
        act::forcible(release).find(|gate| gate.name == wanted).map(|gate| gate.name.clone())
    });
    let until = store.now + words.span().unwrap_or(USUAL);
    let incident = words.incident();
    let (Some(gate), Some(incident)) = (gate, incident) else {
        store.say(Level::Warning, "override: which gate, in which incident? :override GATE 30m INC-1 REASON");
        return Vec::new();
    };
    let parameters = Parameters {
        gate: Some(gate),
        until: Some(until),
        incident: Some(incident),
        ..Parameters::default()
    };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    act::open(store, &id, ActionKind::Override, (COMMAND.confirmation, with))
}
