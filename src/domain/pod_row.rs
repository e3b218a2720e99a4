//! A pod as a table shows it: small, owned, comparable. The store keeps these instead of Kubernetes' own objects.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::diagnosis::PodFacts;

/// Namespace and name of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodKey {
    /// Namespace.
    pub namespace: Box<str>,
    /// Name.
    pub name: Box<str>,
}

/// One row of the pods pane. All texts are sanitised.
#[derive(Clone, Debug, PartialEq)]
pub struct PodRow {
    /// Where it lives.
    pub key: PodKey,
    /// Kind of the workload that owns it (through its ReplicaSet, for a Deployment); empty when nothing does.
    pub owner_kind: Box<str>,
    /// Name of the workload that owns it.
    pub owner: Box<str>,
    /// `pod-template-hash`, by which the pods of one revision are known; empty when absent.
    pub template_hash: Box<str>,
    /// Containers that are ready.
    pub ready: u16,
    /// Containers in all.
    pub total: u16,
    /// The word in kubectl's STATUS column.
    pub status: Box<str>,
    /// How it fares.
    pub health: PodHealth,
    /// Restarts of all containers.
    pub restarts: u32,
    /// When a container last ended.
    pub last_restart: Option<DateTime<Utc>>,
    /// Tag of the released container's (else the first container's) image.
    pub version: Box<str>,
    /// `stable`, `canary`, or what its `track` label says.
    pub track: Box<str>,
    /// The node that it runs on; empty while unscheduled.
    pub node: Box<str>,
    /// Its own address; empty while it has none.
    pub ip: Box<str>,
    /// The first digits of the released container's image as the node has pulled it; empty until then.
    pub digest: Box<str>,
    /// Its labels, one `key=value` a line, without those that have a field of their own.
    pub labels: Box<str>,
    /// When it was created.
    pub created: Option<DateTime<Utc>>,
    /// One line of cause where something is wrong, such as `exit 137 OOMKilled`; else empty.
    pub cause: Box<str>,
    /// What tells the cause, while it is not well.
    pub facts: Option<Arc<PodFacts>>,
}

/// How a pod fares, for colour and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodHealth {
    /// Something is wrong with it.
    Failing,
    /// On its way up.
    Starting,
    /// On its way down.
    Terminating,
    /// Does its work.
    Ready,
    /// Ended well.
    Completed,
}
