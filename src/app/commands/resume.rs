//! `resume`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::act;

pub(super) const COMMAND: Command = Command {
    id: "resume",
    title: "resume",
    help: "Go on with a paused release",
    keys: &[KeyChord::char('u')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Shift),
    cli: Some("resume"),
    confirmation: rule(ActionKind::Resume).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::Resume),
    run: |store, invocation| act::ask(store, invocation, ActionKind::Resume, COMMAND.confirmation),
};
