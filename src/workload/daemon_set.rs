//! The kind `DaemonSet`, and its `ControllerRevision`s as revisions.

use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::apps::v1::DaemonSet;
use kube::{Api, ResourceExt};

use super::controller_revisions::{self, owned};
use super::{Error, ImageChange, Operation, Revision, Target, Workload, Written};
use super::{operate, patch};
use crate::api::environment::WorkloadKind;
use crate::domain::rollout_status::WorkloadState;

/// The kind `apps/v1` DaemonSet.
pub(super) struct DaemonSets;

const KIND: WorkloadKind = WorkloadKind::DaemonSet;

impl Workload for DaemonSets {
    fn kind(&self) -> WorkloadKind {
        KIND
    }

    fn observe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Option<WorkloadState>, Error>> {
        async move {
            let api: Api<DaemonSet> = patch::api(target);
            let found = api.get_opt(&target.name).await.map_err(|e| patch::failed(KIND, target, e))?;
            let Some(object) = found else { return Ok(None) };
            let mut state = state(&object, &target.container);
            let uid = object.uid().unwrap_or_default();
            state.revision = controller_revisions::newest(&owned(KIND, target, &uid).await?);
            Ok(Some(state))
        }
        .boxed()
    }

    fn set_image<'a>(
        &'a self,
        target: &'a Target,
        change: &'a ImageChange,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        let template = |object: &DaemonSet| object.spec.template.clone();
        patch::set_image::<DaemonSet>(KIND, target, (change, &[]), template).boxed()
    }

    fn operate<'a>(
        &'a self,
        target: &'a Target,
        wanted: &'a Operation,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        operate::operate::<DaemonSet>(KIND, target, wanted, |_| 0).boxed()
    }

    fn revisions<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Vec<Revision>, Error>> {
        async move {
            let api: Api<DaemonSet> = patch::api(target);
            let found = api.get_opt(&target.name).await.map_err(|e| patch::failed(KIND, target, e))?;
            let object = found.ok_or_else(|| Error::Missing { kind: KIND, name: target.name.clone() })?;
            let uid = object.uid().unwrap_or_default();
            Ok(controller_revisions::revisions(&owned(KIND, target, &uid).await?, &target.container))
        }
        .boxed()
    }
}

fn state(object: &DaemonSet, container: &str) -> WorkloadState {
    let mut state = WorkloadState::new(KIND, object.name_any());
    state.resource_version = object.resource_version().unwrap_or_default();
    state.generation = object.metadata.generation.unwrap_or_default();
    let spec = &object.spec;
    state.image = patch::image(&spec.template, container);
    state.images = patch::images(&spec.template);
    state.configs = patch::configs(&spec.template);
    let strategy = spec.update_strategy.as_ref();
    state.on_delete = strategy.is_some_and(|strategy| strategy.type_.as_deref() == Some("OnDelete"));
    if let Some(status) = &object.status {
        state.observed_generation = status.observed_generation.unwrap_or_default();
        state.desired = status.desired_number_scheduled;
        state.replicas = status.current_number_scheduled;
        state.updated = status.updated_number_scheduled.unwrap_or_default();
        state.ready = status.number_ready;
        state.available = status.number_available.unwrap_or_default();
    }
    state
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wanted_is_counted_in_nodes() {
        let object: DaemonSet = serde_json::from_value(json!({
            "metadata": {"name": "agent", "generation": 2},
            "spec": {
                "selector": {}, "updateStrategy": {"type": "OnDelete"},
                "template": {"spec": {"containers": [{"name": "agent", "image": "agent:v1"}]}}
            },
            "status": {"desiredNumberScheduled": 3, "currentNumberScheduled": 3, "numberReady": 2, "numberMisscheduled": 0,
                "updatedNumberScheduled": 1, "numberAvailable": 2}
        }))
        .unwrap();
        let state = state(&object, "agent");
        assert_eq!((state.desired, state.updated, state.available, state.on_delete), (3, 1, 2, true));
    }
}
