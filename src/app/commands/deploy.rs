//! `deploy`.

use super::prelude::*;
use crate::api::ReleaseKind;
use crate::app::overlays;

pub(super) const COMMAND: Command = Command {
    id: "deploy",
    title: "deploy",
    help: "Bring a version into the selected environment",
    keys: &[KeyChord::char('n')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Deploy),
    cli: Some("deploy"),
    confirmation: Confirmation::Typed,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| {
        let version = invocation.argument.as_deref().unwrap_or_default();
        if let Some(environment) = &invocation.target.environment {
            overlays::open_form(store, ReleaseKind::Deploy, environment, version);
        }
        Vec::new()
    },
};
