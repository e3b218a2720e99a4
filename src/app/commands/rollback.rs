//! `rollback`.

use super::prelude::*;
use crate::app::views;

pub(super) const COMMAND: Command = Command {
    id: "rollback",
    title: "rollback",
    help: "Look at the versions to go back to; enter there asks, nothing is done before",
    keys: &[KeyChord::char('R')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: None,
    cli: Some("rollback"),
    confirmation: Confirmation::None,
    availability: needs_environment,
    run: |store, invocation| {
        if let Some(environment) = invocation.target.environment.clone() {
            views::open_rollback(store, environment);
        }
        Vec::new()
    },
};
