//! `changes`.

use super::prelude::*;
use crate::app::changes;

pub(super) const COMMAND: Command = Command {
    id: "changes",
    title: "changes",
    help: "What changed in the environment in the last hour: releases, weights, approvals, pauses, freezes",
    keys: &[KeyChord::char('h')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: needs_environment,
    run: |store, invocation| {
        if let Some(environment) = &invocation.target.environment {
            changes::open(store, environment.clone());
        }
        Vec::new()
    },
};
