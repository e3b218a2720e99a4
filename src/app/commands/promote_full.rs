//! `promote-full`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::act;

pub(super) const COMMAND: Command = Command {
    id: "promote-full",
    title: "full",
    help: "Send everything to the new version now, past the steps that are left",
    keys: &[KeyChord::char('F')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Shift),
    cli: Some("promote-full"),
    confirmation: rule(ActionKind::PromoteFull).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::PromoteFull),
    run: |store, invocation| act::ask(store, invocation, ActionKind::PromoteFull, COMMAND.confirmation),
};
