//! Pods as rows: readiness, the word that kubectl's STATUS column shows, and the cause of trouble in one line.
//!
//! Owns the part of a pod that is read at all ([`SlimPod`]). The word in `status` follows `printPod` of Kubernetes'
//! `pkg/printers/internalversion`, so that both tools say the same of the same pod.

mod cause;
mod facts;
mod status;

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::{Deserialize, Serialize};

use super::slim;
use crate::api::labels::{LABEL_POD_TEMPLATE_HASH, LABEL_ROLLOUT_HASH, LABEL_TRACK};
use crate::api::time::from_time;
use crate::domain::diagnosis;
use crate::domain::pod_row::{PodHealth, PodKey, PodRow};
use crate::sanitize;

/// A pod, without what no row needs.
#[derive(kube::Resource, Clone, Debug, Serialize, Deserialize)]
#[resource(inherit = "k8s_openapi::api::core::v1::Pod")]
pub struct SlimPod {
    #[serde(deserialize_with = "slim::metadata")]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    containers: Vec<Container>,
    init_containers: Vec<Container>,
    node_name: String,
    image_pull_secrets: Vec<Named>,
    scheduling_gates: Vec<Named>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    name: String,
    image: String,
    restart_policy: String,
    resources: Resources,
}

impl Container {
    /// A sidecar: an init container that keeps running beside the others.
    fn is_restartable(&self) -> bool {
        self.restart_policy == "Always"
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Resources {
    limits: Limits,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Limits {
    memory: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    phase: String,
    reason: String,
    message: String,
    conditions: Vec<PodCondition>,
    #[serde(rename = "podIP")]
    pod_ip: String,
    container_statuses: Vec<ContainerStatus>,
    init_container_statuses: Vec<ContainerStatus>,
}

impl Status {
    fn condition(&self, type_: &str) -> Option<&PodCondition> {
        self.conditions.iter().find(|condition| condition.type_ == type_)
    }

    fn holds(&self, type_: &str) -> bool {
        self.condition(type_).is_some_and(|condition| condition.status == "True")
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct PodCondition {
    #[serde(rename = "type")]
    type_: String,
    status: String,
    reason: String,
    message: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerStatus {
    name: String,
    #[serde(rename = "imageID")]
    image_id: String,
    ready: bool,
    started: Option<bool>,
    restart_count: u32,
    state: ContainerState,
    last_state: ContainerState,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct ContainerState {
    waiting: Option<Waiting>,
    running: Option<Running>,
    terminated: Option<Terminated>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
    message: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Running {}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Terminated {
    exit_code: i32,
    signal: i32,
    reason: String,
    message: String,
    finished_at: Option<Time>,
}

/// Key and row of a pod, for a feed.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "a feed hands its objects over")]
pub fn entry(pod: SlimPod) -> (PodKey, PodRow) {
    let row = row(&pod);
    (row.key.clone(), row)
}

/// Whether a pod has begun and not ended yet, though it may be on its way out.
pub(super) fn runs(pod: &SlimPod) -> bool {
    pod.status.phase == "Running"
}

/// The row of a pod. Reads no clock: ages are left to whoever draws.
#[must_use]
pub fn row(pod: &SlimPod) -> PodRow {
    let shown = status::of(pod);
    let (owner_kind, owner) = owner(&pod.metadata);
    let health = health(pod, &shown);
    let facts = matches!(health, PodHealth::Failing | PodHealth::Starting).then(|| Arc::new(facts::of(pod)));
    let diagnosis =
        facts.as_deref().and_then(|facts| diagnosis::diagnose(&diagnosis::Facts::of_pod(facts, None)));
    let cause = diagnosis.map_or_else(|| cause::of(pod), |diagnosis| diagnosis.sentence);
    PodRow {
        key: PodKey {
            namespace: line(pod.metadata.namespace.as_deref()),
            name: line(pod.metadata.name.as_deref()),
        },
        version: version(&pod.spec, &owner),
        owner_kind,
        owner,
        template_hash: template_hash(&pod.metadata).into(),
        ready: shown.ready,
        total: shown.total,
        health,
        status: sanitize::line(&shown.reason).into(),
        restarts: shown.restarts,
        last_restart: shown.last_restart,
        track: match label(&pod.metadata, LABEL_TRACK) {
            "" => "stable".into(),
            track => sanitize::line(track).into(),
        },
        node: sanitize::line(&pod.spec.node_name).into(),
        ip: sanitize::line(&pod.status.pod_ip).into(),
        digest: digest(&pod.status, &pod.spec, &pod.metadata),
        labels: labels(&pod.metadata),
        created: pod.metadata.creation_timestamp.as_ref().map(from_time),
        cause: sanitize::line(&cause).into(),
        facts,
    }
}

fn line(text: Option<&str>) -> Box<str> {
    sanitize::line(text.unwrap_or_default()).into()
}

fn label<'a>(metadata: &'a ObjectMeta, key: &str) -> &'a str {
    metadata.labels.as_ref().and_then(|labels| labels.get(key)).map_or("", String::as_str)
}

fn template_hash(metadata: &ObjectMeta) -> &str {
    match label(metadata, LABEL_ROLLOUT_HASH) {
        "" => label(metadata, LABEL_POD_TEMPLATE_HASH),
        hash => hash,
    }
}

/// Kind and name of the workload; a ReplicaSet stands for the Deployment or Rollout that named it after its template's hash.
fn owner(metadata: &ObjectMeta) -> (Box<str>, Box<str>) {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    let Some(owner) = owners.iter().find(|owner| owner.controller == Some(true)).or(owners.first()) else {
        return ("".into(), "".into());
    };
    if owner.kind == "ReplicaSet" {
        for (key, kind) in [(LABEL_ROLLOUT_HASH, "Rollout"), (LABEL_POD_TEMPLATE_HASH, "Deployment")] {
            let hash = label(metadata, key);
            let name = owner.name.strip_suffix(hash).and_then(|name| name.strip_suffix('-'));
            if let Some(name) = name.filter(|_| !hash.is_empty()) {
                return (kind.into(), sanitize::line(name).into());
            }
        }
    }
    (sanitize::line(&owner.kind).into(), sanitize::line(&owner.name).into())
}

/// Tag of the container named like the workload, else of the first one.
fn version(spec: &Spec, owner: &str) -> Box<str> {
    let container =
        spec.containers.iter().find(|container| container.name == owner).or(spec.containers.first());
    container.map_or_else(|| "".into(), |container| sanitize::line(&tag(&container.image)).into())
}

/// The tag of an image; a digest alone is cut to its first digits; nothing means `latest`, as for the kubelet.
pub(super) fn tag(image: &str) -> String {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    // A colon before the last slash belongs to the registry's port.
    let tag = name.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    match (tag, digest) {
        (Some(tag), _) => tag.to_owned(),
        (None, Some(digest)) => digest.chars().take("sha256:".len() + 12).collect(),
        (None, None) => "latest".to_owned(),
    }
}

/// The first digits of the digest that the main container's image was pulled by.
fn digest(status: &Status, spec: &Spec, metadata: &ObjectMeta) -> Box<str> {
    let (_, owner) = owner(metadata);
    let main = spec.containers.iter().find(|container| *container.name == *owner).or(spec.containers.first());
    let pulled = main.and_then(|main| status.container_statuses.iter().find(|one| one.name == main.name));
    let id = pulled.map_or("", |status| status.image_id.as_str());
    let digits = id.rsplit_once("sha256:").map_or("", |(_, digits)| digits);
    digits.chars().filter(char::is_ascii_hexdigit).take(12).collect::<String>().into()
}

/// Labels as text, so that ten thousand pods keep small; what rows have a field for is left out.
fn labels(metadata: &ObjectMeta) -> Box<str> {
    let known = [LABEL_ROLLOUT_HASH, LABEL_POD_TEMPLATE_HASH, LABEL_TRACK];
    let all = metadata.labels.iter().flatten().filter(|(key, _)| !known.contains(&key.as_str()));
    let lines: Vec<String> =
        all.map(|(key, value)| sanitize::line(&format!("{key}={value}")).into_owned()).collect();
    lines.join("\n").into()
}

fn health(pod: &SlimPod, shown: &status::Shown) -> PodHealth {
    if pod.metadata.deletion_timestamp.is_some() {
        return PodHealth::Terminating;
    }
    let unschedulable =
        pod.status.condition("PodScheduled").is_some_and(|condition| condition.reason == "Unschedulable");
    match pod.status.phase.as_str() {
        "Succeeded" => PodHealth::Completed,
        "Failed" | "Unknown" => PodHealth::Failing,
        _ if unschedulable || status::is_trouble(&shown.reason) => PodHealth::Failing,
        _ if pod.status.holds("Ready") || (shown.total > 0 && shown.ready == shown.total) => PodHealth::Ready,
        _ => PodHealth::Starting,
    }
}

#[cfg(test)]
#[expect(
    clippy::needless_pass_by_value,
    clippy::too_many_lines,
    reason = "fixtures are written where they are used"
)]
mod tests;
