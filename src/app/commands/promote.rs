//! `promote`.

use super::prelude::*;
use crate::api::ReleaseKind;
use crate::app::{guard, overlays, versions};

pub(super) const COMMAND: Command = Command {
    id: "promote",
    title: "promote",
    help: "Bring what runs in the environment before into the selected one, with the same digests",
    keys: &[KeyChord::char('P')],
    scope: Scope::Cluster,
    group: Group::Releasing,
    verb: Some(Verb::Deploy),
    cli: Some("promote"),
    confirmation: Confirmation::Scaled,
    availability: available,
    run: |store, invocation| {
        if let Some(environment) = &invocation.target.environment {
            overlays::open_form(store, ReleaseKind::Promote, environment, "");
        }
        Vec::new()
    },
};

fn available(store: &Store, target: &Target) -> Availability {
    let id = target.environment.as_ref();
    let Some((id, environment)) = id.and_then(|id| Some((id, store.environment(id)?))) else {
        return Availability::Unavailable("no environment is selected".to_owned());
    };
    if let Some(reason) = guard::freeze(store, id) {
        return Availability::Unavailable(reason);
    }
    let Some(source) = versions::source(store, environment, id.cluster) else {
        return Availability::Unavailable(format!(
            "{} names none that versions are promoted from",
            id.key.name
        ));
    };
    versions::promotable(store, &source)
        .map_or_else(|error| Availability::Unavailable(error.to_string()), |_| Availability::Ready)
}
