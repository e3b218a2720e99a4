//! `approve`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::act;

pub(super) const COMMAND: Command = Command {
    id: "approve",
    title: "approve",
    help: "Approve the release that waits; production asks for the typed phrase",
    keys: &[KeyChord::char('v')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Approve),
    cli: Some("approve"),
    confirmation: Confirmation::Typed,
    availability: |store, target| act::availability(store, target, ActionKind::Approve),
    run: |store, invocation| act::ask(store, invocation, ActionKind::Approve, COMMAND.confirmation),
};
