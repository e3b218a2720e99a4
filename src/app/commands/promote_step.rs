//! `promote-step`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::act;

pub(super) const COMMAND: Command = Command {
    id: "promote-step",
    title: "next",
    help: "Go on to the next step of a canary or blue-green release before the present one ends",
    keys: &[KeyChord::char('>')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Shift),
    cli: Some("promote-step"),
    confirmation: rule(ActionKind::Promote).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::Promote),
    run: |store, invocation| act::ask(store, invocation, ActionKind::Promote, COMMAND.confirmation),
};
