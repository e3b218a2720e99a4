//! `abort`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::act;

pub(super) const COMMAND: Command = Command {
    id: "abort",
    title: "abort",
    help: "Stop the release and put back what it changed",
    keys: &[KeyChord::char('A')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Rollback),
    cli: Some("abort"),
    confirmation: rule(ActionKind::Abort).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::Abort),
    run: |store, invocation| act::ask(store, invocation, ActionKind::Abort, COMMAND.confirmation),
};
