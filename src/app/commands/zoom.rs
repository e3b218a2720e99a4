//! `zoom`.

use super::prelude::*;
use crate::app::zoom;

pub(super) const COMMAND: Command = Command {
    id: "zoom",
    title: "zoom",
    help: "Show one metric pane alone: a cursor, exact values, longer times; :zoom NAME",
    keys: &[KeyChord::char('z')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: needs_environment,
    run: |store, invocation| {
        if let Some(environment) = &invocation.target.environment {
            zoom::open(store, environment.clone(), invocation.argument.as_deref());
        }
        Vec::new()
    },
};
