//! `hand-over`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::act;

pub(super) const COMMAND: Command = Command {
    id: "hand-over",
    title: "hand over",
    help: "Leave the wheel of a release that you drive, with a note for the next one: :hand-over NOTE",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: Some(Verb::Shift),
    cli: Some("hand-over"),
    confirmation: rule(ActionKind::HandOver).confirmation,
    availability: |store, target| act::availability(store, target, ActionKind::HandOver),
    run: |store, invocation| act::ask(store, invocation, ActionKind::HandOver, COMMAND.confirmation),
};
