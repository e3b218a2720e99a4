//! `approve`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::{act, inbox};

pub(super) const COMMAND: Command = Command {
    id: "approve",
    title: "approve",
    help: "Approve the release that waits; in the inbox: do what the item asks for",
    keys: &[KeyChord::char('v')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Approve),
    cli: Some("approve"),
    confirmation: rule(ActionKind::Approve).confirmation,
    availability: |store, target| {
        inbox::availability(store).unwrap_or_else(|| act::availability(store, target, ActionKind::Approve))
    },
    run: |store, invocation| match inbox::availability(store) {
        Some(_) => inbox::act(store, invocation.argument.as_deref().unwrap_or_default()),
        None => act::ask(store, invocation, ActionKind::Approve, COMMAND.confirmation),
    },
};
