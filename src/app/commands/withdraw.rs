//! `withdraw`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::act;

pub(super) const COMMAND: Command = Command {
    id: "withdraw",
    title: "withdraw",
    help: "Take your own approval back, as long as the release has not started",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: Some(Verb::Approve),
    cli: Some("withdraw"),
    confirmation: rule(ActionKind::Withdraw).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::Withdraw),
    run: |store, invocation| act::ask(store, invocation, ActionKind::Withdraw, COMMAND.confirmation),
};
