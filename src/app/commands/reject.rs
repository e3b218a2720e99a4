//! `reject`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::act;

pub(super) const COMMAND: Command = Command {
    id: "reject",
    title: "reject",
    help: "Say no to a waiting release, finally and with a reason",
    keys: &[KeyChord::char('x')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Approve),
    cli: Some("reject"),
    confirmation: rule(ActionKind::Reject).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::Reject),
    run: |store, invocation| act::ask(store, invocation, ActionKind::Reject, COMMAND.confirmation),
};
