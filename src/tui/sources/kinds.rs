//! The kinds that are followed, and what stands in for an environment where none can be had.

use std::sync::Arc;

use kube::Resource;
use kube::core::NamespaceResourceScope;

use super::watcher::Kind;
use crate::api::{Environment, EnvironmentKey, Release, ReleaseAction, ReleaseKey};
use crate::cluster::event_row::{self, SlimEvent};
use crate::cluster::pod_row::{self, SlimPod};
use crate::domain::event_row::{EventKey, EventRow};
use crate::domain::pod_row::{PodKey, PodRow};

/// An environment without a name and components: whatever the namespace holds.
pub(super) fn nameless(namespace: &str) -> Option<Environment> {
    let spec = serde_json::json!({"application": namespace, "tier": "development", "components": []});
    let mut environment = Environment::new("", serde_json::from_value(spec).ok()?);
    environment.metadata.namespace = Some(namespace.to_owned());
    Some(environment)
}

pub(super) fn environments() -> Kind<Environment, EnvironmentKey, Arc<Environment>> {
    ours(|object: Environment| (object.key(), Arc::new(object)))
}

pub(super) fn releases() -> Kind<Release, ReleaseKey, Arc<Release>> {
    ours(|object: Release| (object.key(), Arc::new(object)))
}

pub(super) fn actions() -> Kind<ReleaseAction, ReleaseKey, Arc<ReleaseAction>> {
    ours(|object: ReleaseAction| {
        let metadata = &object.metadata;
        let key = ReleaseKey::new(
            metadata.namespace.as_deref().unwrap_or_default(),
            metadata.name.as_deref().unwrap_or_default(),
        );
        (key, Arc::new(object))
    })
}

fn ours<W, K, V>(row: fn(W) -> (K, V)) -> Kind<W, K, V>
where
    W: Resource<DynamicType = (), Scope = NamespaceResourceScope> + 'static,
    K: 'static,
    V: 'static,
{
    Kind::of(format!("{}.{}", W::plural(&()), W::group(&())), row)
}

pub(super) fn events() -> Kind<SlimEvent, EventKey, EventRow> {
    Kind::of("events".to_owned(), event_row::entry)
}

pub(super) fn pods() -> Kind<SlimPod, PodKey, PodRow> {
    Kind::of("pods".to_owned(), pod_row::entry)
}
