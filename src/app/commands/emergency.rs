//! `emergency`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::app::rollback;

pub(super) const COMMAND: Command = Command {
    id: "emergency",
    title: "emergency",
    help: "In the rollback view: go back at once, without a second person; it must be reviewed afterwards",
    keys: &[KeyChord::char('e')],
    scope: Scope::Rollback,
    group: Group::Releasing,
    verb: Some(Verb::Rollback),
    cli: Some("rollback"),
    confirmation: rule(ActionKind::Rollback).confirmation,
    availability: |store, _| match store.ui.view() {
        View::Rollback(view) => rollback::availability(store, view, true),
        _ => Availability::Unavailable("look at the versions to go back to first".to_owned()),
    },
    run: |store, invocation| {
        rollback::confirm_emergency(store, invocation.argument.as_deref().unwrap_or_default())
    },
};
