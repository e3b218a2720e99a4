//! `deploy`.

use super::prelude::*;
use crate::api::ReleaseKind;
use crate::app::{guard, overlays};

pub(super) const COMMAND: Command = Command {
    id: "deploy",
    title: "deploy",
    help: "Bring a version into the selected environment",
    keys: &[KeyChord::char('n')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Deploy),
    cli: Some("deploy"),
    confirmation: Confirmation::Scaled,
    availability: |store, target| {
        let frozen = target.environment.as_ref().and_then(|id| guard::freeze(store, id));
        frozen.map_or(Availability::Ready, Availability::Unavailable)
    },
    run: |store, invocation| {
        let version = invocation.argument.as_deref().unwrap_or_default();
        if let Some(environment) = &invocation.target.environment {
            overlays::open_form(store, ReleaseKind::Deploy, environment, version);
        }
        Vec::new()
    },
};
