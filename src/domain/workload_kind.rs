//! The kinds of workload: what is particular to each, one row per kind.
//!
//! A new kind is a variant of [`WorkloadKind`], a row here and an adapter in `workload`. Everything that differs between kinds and needs
//! no request is read from here, so that no other file names a kind.

use crate::api::environment::WorkloadKind;
use crate::domain::object_name::{LABEL, SUBDOMAIN};
use crate::domain::rollout_status::{self, RolloutStatus, WorkloadState};

/// What is particular to a kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KindRow {
    /// The kind.
    pub kind: WorkloadKind,
    /// Its API group.
    pub group: &'static str,
    /// Version of the group.
    pub version: &'static str,
    /// Plural name of the resource, as in paths and RBAC rules.
    pub plural: &'static str,
    /// What follows the workload's name in the names of its pods, as a regular expression. Generated parts have no dash.
    pub pod_suffix: &'static str,
    /// The longest name in bytes, and why it is shorter than Kubernetes' own limit.
    pub longest_name: (usize, Option<&'static str>),
    /// Its replicas in Prometheus.
    pub replicas: ReplicaMetrics,
    /// What records its revisions.
    pub revisions: Revisions,
    /// Whether its spec has `replicas` that a person may set.
    pub scales: bool,
    /// Whether a canary or preview workload can run beside it, in whatever way.
    pub has_two_tracks: bool,
    /// Whether it has a partition that holds some of its pods on the old revision.
    pub has_partition: bool,
    /// Whether its controller has a plan of its own (Argo Rollouts).
    pub has_own_plan: bool,
    /// Whether a cordoned node's pods are left alone by `kubectl drain`.
    pub stays_on_drain: bool,
    /// How far its rollout is, as `kubectl rollout status` judges it.
    pub rollout_status: fn(&WorkloadState) -> RolloutStatus,
}

/// What kube-state-metrics (for a Rollout: Argo's controller) exposes about replicas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplicaMetrics {
    /// Replicas that are wanted.
    pub desired: &'static str,
    /// Replicas that are available.
    pub available: &'static str,
    /// Label that holds the workload's name.
    pub label: &'static str,
    /// Whether the exporter's own namespace label usually wins, so that the workload's is `exported_namespace`.
    pub is_exported_namespace: bool,
}

/// What records the revisions of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revisions {
    /// ReplicaSets, one per template.
    ReplicaSets,
    /// ControllerRevisions. Their kinds report refused pods in Events only, not in a condition.
    ControllerRevisions,
}

impl KindRow {
    /// `GROUP/VERSION`, as in `apiVersion` and in paths below `/apis`.
    #[must_use]
    pub(crate) fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// Path of an object on the API server.
    #[must_use]
    pub(crate) fn path(&self, namespace: &str, name: &str) -> String {
        format!("/apis/{}/namespaces/{namespace}/{}/{name}", self.api_version(), self.plural)
    }
}

/// A hyphen and the hash of a pod template, which has at most ten characters.
const HASH: usize = 11;

const APPS: KindRow = KindRow {
    kind: WorkloadKind::Deployment,
    group: "apps",
    version: "v1",
    plural: "deployments",
    pod_suffix: "-[0-9a-z]+-[0-9a-z]+",
    longest_name: (SUBDOMAIN - HASH, Some("its ReplicaSets are named after it")),
    replicas: ReplicaMetrics {
        desired: "kube_deployment_spec_replicas",
        available: "kube_deployment_status_replicas_available",
        label: "deployment",
        is_exported_namespace: false,
    },
    revisions: Revisions::ReplicaSets,
    scales: true,
    has_two_tracks: true,
    has_partition: false,
    has_own_plan: false,
    stays_on_drain: false,
    rollout_status: rollout_status::deployment,
};

/// Every kind, in the order of [`WorkloadKind::ALL`].
pub(crate) const KINDS: [KindRow; WorkloadKind::ALL.len()] = [
    APPS,
    KindRow {
        kind: WorkloadKind::StatefulSet,
        plural: "statefulsets",
        pod_suffix: "-[0-9]+",
        longest_name: (LABEL - HASH, Some("its pods bear the name of its revision as a label")),
        replicas: ReplicaMetrics {
            desired: "kube_statefulset_replicas",
            available: "kube_statefulset_status_replicas_ready",
            label: "statefulset",
            is_exported_namespace: false,
        },
        revisions: Revisions::ControllerRevisions,
        has_two_tracks: false,
        has_partition: true,
        rollout_status: rollout_status::stateful_set,
        ..APPS
    },
    KindRow {
        kind: WorkloadKind::DaemonSet,
        plural: "daemonsets",
        pod_suffix: "-[0-9a-z]+",
        longest_name: (SUBDOMAIN, None),
        replicas: ReplicaMetrics {
            desired: "kube_daemonset_status_desired_number_scheduled",
            available: "kube_daemonset_status_number_available",
            label: "daemonset",
            is_exported_namespace: false,
        },
        revisions: Revisions::ControllerRevisions,
        scales: false,
        has_two_tracks: false,
        stays_on_drain: true,
        rollout_status: rollout_status::daemon_set,
        ..APPS
    },
    KindRow {
        kind: WorkloadKind::Rollout,
        group: "argoproj.io",
        version: "v1alpha1",
        plural: "rollouts",
        replicas: ReplicaMetrics {
            desired: "rollout_info_replicas_desired",
            available: "rollout_info_replicas_available",
            label: "name",
            is_exported_namespace: true,
        },
        scales: false,
        has_own_plan: true,
        rollout_status: rollout_status::rollout,
        ..APPS
    },
];

/// The row of a kind.
#[must_use]
pub(crate) const fn row(kind: WorkloadKind) -> &'static KindRow {
    let mut at = 0;
    while at < KINDS.len() {
        if KINDS[at].kind as u8 == kind as u8 {
            return &KINDS[at];
        }
        at = at.saturating_add(1);
    }
    // every kind has its row: a test holds the table to `WorkloadKind::ALL`
    &KINDS[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row() {
        assert_eq!(KINDS.map(|row| row.kind), WorkloadKind::ALL);
        for kind in WorkloadKind::ALL {
            let row = row(kind);
            assert_eq!(row.kind, kind);
            assert_eq!(row.plural, format!("{}s", kind.as_str().to_lowercase()));
        }
        let path = row(WorkloadKind::Rollout).path("shop", "api");
        assert_eq!(path, "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/api");
    }
}
