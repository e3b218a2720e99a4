//! `retry`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::act;

pub(super) const COMMAND: Command = Command {
    id: "retry",
    title: "retry",
    help: "Try a held release again from its present step",
    keys: &[KeyChord::char('t')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Shift),
    cli: Some("retry"),
    confirmation: rule(ActionKind::Retry).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::Retry),
    run: |store, invocation| act::ask(store, invocation, ActionKind::Retry, COMMAND.confirmation),
};
