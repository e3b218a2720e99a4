//! `events`.

use super::prelude::*;
use crate::app::events;

pub(super) const COMMAND: Command = Command {
    id: "events",
    title: "events",
    help: "Events of Kubernetes around the environment: newest first, gathered, with counts",
    keys: &[KeyChord::char('E')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: Some("events"),
    confirmation: Confirmation::None,
    availability: needs_environment,
    run: |store, invocation| {
        if let Some(environment) = &invocation.target.environment {
            events::open(store, environment.clone());
        }
        Vec::new()
    },
};
