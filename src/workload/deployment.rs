//! Deployments, and their ReplicaSets as revisions.

use chrono::TimeDelta;
use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::{Api, ResourceExt};

use super::{Error, ImageChange, Operation, Revision, Target, Workload, Written};
use super::{operate, patch, replica_sets, template};
use crate::api::environment::WorkloadKind;
use crate::api::labels::{ANNOTATION_REVISION, ANNOTATION_TEMPLATE};
use crate::api::time::from_time;
use crate::domain::rollout_status::{Progressing, WorkloadState};

/// The kind `apps/v1` Deployment.
pub(super) struct Deployments;

const KIND: WorkloadKind = WorkloadKind::Deployment;

impl Workload for Deployments {
    fn kind(&self) -> WorkloadKind {
        KIND
    }

    fn observe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Option<WorkloadState>, Error>> {
        async move {
            let api: Api<Deployment> = patch::api(target);
            let found = api.get_opt(&target.name).await.map_err(|e| patch::failed(KIND, target, e))?;
            Ok(found.map(|deployment| state(&deployment, &target.container)))
        }
        .boxed()
    }

    fn set_image<'a>(
        &'a self,
        target: &'a Target,
        change: &'a ImageChange,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        async move {
            let past = if change.is_undo { self.revisions(target).await? } else { Vec::new() };
            let template = |object: &Deployment| object.spec.template.clone();
            patch::set_image::<Deployment>(KIND, target, (change, &past), template).await
        }
        .boxed()
    }

    fn operate<'a>(
        &'a self,
        target: &'a Target,
        wanted: &'a Operation,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        operate::operate::<Deployment>(KIND, target, wanted, |object| object.spec.replicas.unwrap_or(1))
            .boxed()
    }

    fn revisions<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Vec<Revision>, Error>> {
        async move {
            let api: Api<Deployment> = patch::api(target);
            let found = api.get_opt(&target.name).await.map_err(|e| patch::failed(KIND, target, e))?;
            let object = found.ok_or_else(|| Error::Missing { kind: KIND, name: target.name.clone() })?;
            let owner = replica_sets::Owner {
                kind: KIND,
                uid: object.uid(),
                selector: object.spec.selector.clone(),
                revision: revision_of(&object),
                annotation: ANNOTATION_REVISION,
            };
            replica_sets::revisions(target, owner).await
        }
        .boxed()
    }
}

fn revision_of(object: &impl ResourceExt) -> Option<i64> {
    object.annotations().get(ANNOTATION_REVISION)?.parse().ok()
}

fn text(value: Option<&IntOrString>) -> Option<String> {
    value.map(|value| match value {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(text) => text.clone(),
    })
}

pub(super) fn state(deployment: &Deployment, container: &str) -> WorkloadState {
    let mut state = WorkloadState::new(KIND, deployment.name_any());
    state.resource_version = deployment.resource_version().unwrap_or_default();
    state.generation = deployment.metadata.generation.unwrap_or_default();
    state.revision = revision_of(deployment);
    let spec = &deployment.spec;
    state.desired = spec.replicas.unwrap_or(1);
    state.paused = spec.paused.unwrap_or(false);
    state.image = patch::image(&spec.template, container);
    state.images = patch::images(&spec.template);
    state.configs = patch::configs(&spec.template);
    state.template = Some(template::hash(&spec.template, container));
    state.made_of = deployment.annotations().get(ANNOTATION_TEMPLATE).cloned();
    state.progress_deadline = TimeDelta::seconds(spec.progress_deadline_seconds.unwrap_or(600).into());
    let rolling = spec.strategy.as_ref().and_then(|strategy| strategy.rolling_update.as_ref());
    state.max_unavailable = rolling.and_then(|rolling| text(rolling.max_unavailable.as_ref()));
    state.max_surge = rolling.and_then(|rolling| text(rolling.max_surge.as_ref()));
    if let Some(status) = &deployment.status {
        state.observed_generation = status.observed_generation.unwrap_or_default();
        state.replicas = status.replicas.unwrap_or_default();
        state.updated = status.updated_replicas.unwrap_or_default();
        state.ready = status.ready_replicas.unwrap_or_default();
        state.available = status.available_replicas.unwrap_or_default();
        let conditions = status.conditions.as_deref().unwrap_or_default();
        state.progressing =
            conditions.iter().find(|c| c.type_.as_deref() == Some("Progressing")).map(|condition| {
                Progressing {
                    reason: condition.reason.clone().unwrap_or_default(),
                    updated_at: condition.last_update_time.as_ref().map(from_time),
                }
            });
    }
    state
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment() -> Deployment {
        serde_json::from_value(json!({
            "metadata": {
                "name": "api", "uid": "u1", "generation": 3, "resourceVersion": "42",
                "annotations": {"deployment.kubernetes.io/revision": "5"}
            },
            "spec": {
                "replicas": 4, "paused": true, "progressDeadlineSeconds": 30, "selector": {"matchLabels": {"app": "api"}},
                "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
                "template": {"spec": {"containers": [{"name": "api", "image": "api:v1"}]}}
            },
            "status": {
                "observedGeneration": 2, "replicas": 5, "updatedReplicas": 1, "readyReplicas": 4, "availableReplicas": 3,
                "conditions": [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated",
                    "lastUpdateTime": "2026-01-02T03:04:05Z"}]
            }
        }))
        .unwrap()
    }

    #[test]
    fn everything_that_decisions_need_is_read() {
        let state = state(&deployment(), "api");
        assert_eq!(state.image.as_deref(), Some("api:v1"));
        assert_eq!((state.generation, state.observed_generation, state.revision), (3, 2, Some(5)));
        assert_eq!(
            (state.desired, state.replicas, state.updated, state.ready, state.available),
            (4, 5, 1, 4, 3)
        );
        assert_eq!((state.max_unavailable.as_deref(), state.max_surge.as_deref()), (Some("0"), Some("25%")));
        assert!(state.paused && state.progressing.is_some());
        assert_eq!(state.progress_deadline, TimeDelta::seconds(30));
        assert_eq!(super::state(&deployment(), "other").image, None);
    }
}
