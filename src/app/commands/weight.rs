//! `weight`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::api::strategy::Weight;
use crate::app::act::{self, With};
use crate::app::arguments::Words;
use crate::app::overlays;
use crate::app::shifting::{self, Direction};

pub(super) const COMMAND: Command = Command {
    id: "weight",
    title: "weight",
    help: "Shift the canary's weight up or down, as far as the policy lets it: :weight 30 REASON",
    keys: &[KeyChord::char('+'), KeyChord::char('-')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Shift),
    cli: Some("weight"),
    confirmation: rule(ActionKind::SetWeight).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::SetWeight),
    run,
};

/// A key opens the form with a proposal; a number that the policy lets pass goes straight to the question.
fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Ok(id) = act::subject(store, &invocation.target, ActionKind::SetWeight) else { return Vec::new() };
    let mut words = Words::of(invocation.argument.as_deref());
    let Some(word) = words.first() else {
        let direction = if invocation.key == Some(1) { Direction::Down } else { Direction::Up };
        overlays::open_weight(store, &id, direction);
        return Vec::new();
    };
    let Some(wanted) = word.strip_suffix('%').unwrap_or(&word).parse().ok().and_then(Weight::new) else {
        store.say(Level::Warning, "weight: how much? :weight 30 REASON, from 0 to 100");
        return Vec::new();
    };
    if let Some(refusal) = shifting::preview(store, &id, wanted).and_then(|preview| preview.refusal) {
        store.say(Level::Warning, format!("weight: {refusal}"));
        return Vec::new();
    }
    let weight = Some(i32::from(wanted.percent()));
    let parameters = Parameters { weight, ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    act::open(store, &id, ActionKind::SetWeight, (COMMAND.confirmation, with))
}
