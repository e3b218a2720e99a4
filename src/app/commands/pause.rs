//! `pause`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::act;

pub(super) const COMMAND: Command = Command {
    id: "pause",
    title: "pause",
    help: "Stop the release at its present step; what runs is still watched",
    keys: &[KeyChord::char('p')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Shift),
    cli: Some("pause"),
    confirmation: rule(ActionKind::Pause).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::Pause),
    run: |store, invocation| act::ask(store, invocation, ActionKind::Pause, COMMAND.confirmation),
};
