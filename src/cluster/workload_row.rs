//! `Deployments`, `StatefulSets`, `DaemonSets` and Argo Rollouts as rows. One slim type serves all four, so that they share one watch in the binary.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::ApiResource;
use kube::core::DynamicResourceScope;
use kube::core::GroupVersionKind;
use serde::{Deserialize, Deserializer, Serialize};

use super::slim;
use crate::api::environment::WorkloadKind;
use crate::api::labels::ANNOTATION_REVISION;
use crate::api::time::from_time;
use crate::domain::diagnosis::{self, WorkloadFacts};
use crate::domain::workload_kind::{self, KindRow};
use crate::domain::workload_row::{WorkloadKey, WorkloadRow};
use crate::sanitize;

/// A workload, without what no row needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SlimWorkload {
    #[serde(deserialize_with = "slim::written")]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Spec {
    replicas: Option<i32>,
    template: Template,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Template {
    metadata: Labelled,
    spec: PodSpec,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Labelled {
    labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct PodSpec {
    containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Container {
    name: String,
    image: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    #[serde(deserialize_with = "generation")]
    observed_generation: i64,
    phase: String,
    message: String,
    current_step_index: Option<i32>,
    updated_replicas: i32,
    ready_replicas: i32,
    available_replicas: i32,
    desired_number_scheduled: i32,
    updated_number_scheduled: i32,
    number_ready: i32,
    number_available: i32,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    type_: String,
    status: String,
    reason: String,
    message: String,
}

/// Argo writes its generations as texts.
fn generation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(i64),
        Text(String),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Number(number) => number,
        Written::Text(text) => text.parse().unwrap_or_default(),
    })
}

impl Resource for SlimWorkload {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.kind)
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.group)
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.version)
    }

    fn api_version(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.api_version)
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&resource.plural)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// The API of a kind.
#[must_use]
pub(crate) fn resource(row: &KindRow) -> ApiResource {
    let gvk = GroupVersionKind::gvk(row.group, row.version, row.kind.as_str());
    ApiResource::from_gvk_with_plural(&gvk, row.plural)
}

/// Key and row of a workload, for a feed.
#[must_use]
pub(crate) fn entry(kind: WorkloadKind, workload: &SlimWorkload) -> (WorkloadKey, WorkloadRow) {
    let row = row(kind, workload);
    (row.key.clone(), row)
}

/// The labels that its pods get.
pub(super) fn pod_labels(workload: &SlimWorkload) -> &BTreeMap<String, String> {
    &workload.spec.template.metadata.labels
}

/// The row of a workload.
#[must_use]
pub(crate) fn row(kind: WorkloadKind, workload: &SlimWorkload) -> WorkloadRow {
    let SlimWorkload { metadata, spec, status } = workload;
    let [desired, updated, ready, available] = if kind == WorkloadKind::DaemonSet {
        [
            status.desired_number_scheduled,
            status.updated_number_scheduled,
            status.number_ready,
            status.number_available,
        ]
    } else {
        [
            spec.replicas.unwrap_or(1),
            status.updated_replicas,
            status.ready_replicas,
            status.available_replicas,
        ]
    };
    let revision = metadata.annotations.as_ref().and_then(|annotations| annotations.get(ANNOTATION_REVISION));
    let observed = status.observed_generation >= metadata.generation.unwrap_or_default();
    let progress = status.conditions.iter().find(|condition| condition.type_ == "Progressing");
    WorkloadRow {
        key: WorkloadKey {
            namespace: line(metadata.namespace.as_deref()),
            kind,
            name: line(metadata.name.as_deref()),
        },
        desired,
        updated,
        ready,
        available,
        images: spec
            .template
            .spec
            .containers
            .iter()
            .map(|container| (line(Some(&container.name)), line(Some(&container.image))))
            .collect(),
        revision: revision.and_then(|revision| revision.parse().ok()).unwrap_or_default(),
        progress_reason: line(progress.map(|condition| condition.reason.as_str())),
        phase: phase(kind, status),
        observed,
        created: metadata.creation_timestamp.as_ref().map(from_time),
        facts: Arc::new(WorkloadFacts { rolls: updated < desired || !observed, ..facts(metadata, status) }),
    }
}

/// The conditions that tell of trouble, and who last wrote the images.
fn facts(metadata: &ObjectMeta, status: &Status) -> WorkloadFacts {
    let is_trouble = |condition: &&Condition| {
        condition.type_ == "ReplicaFailure"
            || (condition.type_ == "Progressing" && condition.status == "False")
    };
    let told = |condition: &Condition| diagnosis::Condition {
        kind: line(Some(&condition.type_)),
        status: line(Some(&condition.status)),
        reason: line(Some(&condition.reason)),
        message: line(Some(&condition.message)),
    };
    let writers = metadata.managed_fields.as_deref().unwrap_or_default();
    let last = writers.iter().max_by_key(|entry| entry.time.as_ref().map(from_time));
    WorkloadFacts {
        name: line(metadata.name.as_deref()),
        conditions: status.conditions.iter().filter(is_trouble).map(told).collect(),
        written_by: last.and_then(|entry| entry.manager.as_deref()).map(|manager| line(Some(manager))),
        ..WorkloadFacts::default()
    }
}

/// Argo's own words for where a Rollout is.
fn phase(kind: WorkloadKind, status: &Status) -> Box<str> {
    if !workload_kind::row(kind).has_own_plan {
        return "".into();
    }
    let step = status.current_step_index.map_or(String::new(), |step| format!(" at step {}", step + 1));
    let detail = if status.message.is_empty() { String::new() } else { format!(": {}", status.message) };
    line(Some(&format!("{}{step}{detail}", status.phase)))
}

fn line(text: Option<&str>) -> Box<str> {
    sanitize::line(text.unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(kind: WorkloadKind, value: Value) -> WorkloadRow {
        row(kind, &serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_deployment_in_the_middle_of_its_rollout() {
        let row = read(
            WorkloadKind::Deployment,
            json!({
                "metadata": {"name": "backend", "namespace": "shop", "generation": 4,
                    "annotations": {"deployment.kubernetes.io/revision": "7", "other": "x"}},
                "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "backend", "image": "r/b:v2"}]}}},
                "status": {"observedGeneration": 4, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 3,
                    "conditions": [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}]},
            }),
        );
        assert_eq!((row.desired, row.updated, row.ready, row.available), (3, 1, 3, 3));
        assert_eq!((row.revision, &*row.progress_reason, row.observed), (7, "ReplicaSetUpdated", true));
        assert_eq!(row.image("backend"), Some("r/b:v2"));
    }

    #[test]
    fn a_rollout_tells_its_phase_and_step() {
        let row = read(
            WorkloadKind::Rollout,
            json!({
                "metadata": {"name": "api", "namespace": "shop", "generation": 2, "annotations": {"rollout.argoproj.io/revision": "4"}},
                "spec": {"replicas": 4},
                "status": {"observedGeneration": "2", "phase": "Paused", "message": "CanaryPauseStep", "currentStepIndex": 1,
                    "updatedReplicas": 1, "readyReplicas": 4, "availableReplicas": 4},
            }),
        );
        assert_eq!((row.desired, row.updated, row.observed, row.revision), (4, 1, true, 4));
        assert_eq!(&*row.phase, "Paused at step 2: CanaryPauseStep");
    }

    #[test]
    fn a_daemon_set_counts_nodes_and_an_unseen_spec_is_not_observed() {
        let row = read(
            WorkloadKind::DaemonSet,
            json!({
                "metadata": {"name": "agent", "namespace": "shop", "generation": 2},
                "status": {"observedGeneration": 1, "desiredNumberScheduled": 5, "updatedNumberScheduled": 2,
                    "numberReady": 4, "numberAvailable": 4},
            }),
        );
        assert_eq!((row.desired, row.updated, row.ready, row.available, row.observed), (5, 2, 4, 4, false));
        assert_eq!(row.revision, 0);
    }
}
