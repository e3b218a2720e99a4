//! `drive`.

use chrono::TimeDelta;

use super::prelude::*;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::act::{self, With};
use crate::app::arguments::Words;

/// For how long a claim holds where nobody says.
const USUAL: TimeDelta = TimeDelta::minutes(30);

pub(super) const COMMAND: Command = Command {
    id: "drive",
    title: "drive",
    help: "Tell everybody that you drive this release, for a time: :drive 30m",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: Some(Verb::Shift),
    cli: Some("drive"),
    confirmation: rule(ActionKind::Drive).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::Drive),
    run,
};

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let mut words = Words::of(invocation.argument.as_deref());
    let until = store.now + words.span().unwrap_or(USUAL);
    let parameters = Parameters { until: Some(until), ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    act::ask_with(store, invocation, ActionKind::Drive, (COMMAND.confirmation, with))
}
