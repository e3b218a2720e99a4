//! When a rollout is done, goes on or has failed: the rules of `kubectl rollout status`, for each kind of workload.
//!
//! Owns the state of a workload as decisions see it, and these rules. Must not know how a workload is read (`workload`).

use chrono::{DateTime, TimeDelta, Utc};

use super::argo_rollout::{self, ArgoPhase, ArgoRollout};
use super::config_drift::ConfigRef;
use super::containers::ContainerImage;
use crate::api::environment::WorkloadKind;

/// A workload as last observed; what a component's container runs, and how far its rollout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadState {
    /// Kind of the object.
    pub kind: WorkloadKind,
    /// Name of the object.
    pub name: String,
    /// Image of the component's container; nothing when the pod template has no such container.
    pub image: Option<String>,
    /// Every container and init container of the pod template.
    pub images: Vec<ContainerImage>,
    /// `metadata.resourceVersion`, for preconditions.
    pub resource_version: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// `status.observedGeneration`.
    pub observed_generation: i64,
    /// Pods wanted: `spec.replicas`, or `status.desiredNumberScheduled` of a DaemonSet.
    pub desired: i32,
    /// Pods of every revision.
    pub replicas: i32,
    /// Pods of the newest revision.
    pub updated: i32,
    /// Pods that are ready.
    pub ready: i32,
    /// Pods that are available.
    pub available: i32,
    /// `spec.paused` of a Deployment.
    pub paused: bool,
    /// The condition `Progressing` of a Deployment.
    pub progressing: Option<Progressing>,
    /// Number of the newest revision.
    pub revision: Option<i64>,
    /// How long a rollout may stand still.
    pub progress_deadline: TimeDelta,
    /// `maxUnavailable` as the object writes it.
    pub max_unavailable: Option<String>,
    /// `maxSurge` as the object writes it.
    pub max_surge: Option<String>,
    /// `partition` of a StatefulSet.
    pub partition: Option<i32>,
    /// Field manager that set `partition`; the controller's own where it is among them.
    pub partition_by: Option<String>,
    /// Whether the update strategy is `OnDelete`, whose progress nobody can follow.
    pub on_delete: bool,
    /// `status.currentRevision` of a StatefulSet.
    pub current_revision: String,
    /// `status.updateRevision` of a StatefulSet.
    pub update_revision: String,
    /// The ConfigMaps and Secrets that its pods take configuration from.
    pub configs: Vec<ConfigRef>,
    /// Hash of the pod template, but for the image of the component's container and what only restarts pods. Of Deployments only.
    pub template: Option<String>,
    /// Hash of the pod template that this workload is a copy of.
    pub made_of: Option<String>,
    /// What only an Argo Rollout has.
    pub argo: Option<Box<ArgoRollout>>,
}

impl WorkloadState {
    /// A workload of that kind and name of which nothing else is known.
    #[must_use]
    pub fn new(kind: WorkloadKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            image: None,
            images: Vec::new(),
            resource_version: String::new(),
            generation: 0,
            observed_generation: 0,
            desired: 0,
            replicas: 0,
            updated: 0,
            ready: 0,
            available: 0,
            paused: false,
            progressing: None,
            revision: None,
            progress_deadline: TimeDelta::seconds(600),
            max_unavailable: None,
            max_surge: None,
            partition: None,
            partition_by: None,
            on_delete: false,
            current_revision: String::new(),
            update_revision: String::new(),
            configs: Vec::new(),
            template: None,
            made_of: None,
            argo: None,
        }
    }

    /// Pods of the newest revision that are available, as far as the counts tell: old pods may be among the available ones.
    #[must_use]
    pub fn updated_available(&self) -> i32 {
        let old = self.replicas.saturating_sub(self.updated).max(0);
        self.available.saturating_sub(old).clamp(0, self.updated.max(0))
    }

    /// Pods that a StatefulSet keeps at their old template, by its partition.
    #[must_use]
    pub fn kept_back(&self) -> i32 {
        let kept = self.partition.unwrap_or(0).clamp(0, self.desired.max(0));
        kept.min(self.desired.saturating_sub(self.updated).max(0))
    }
}

/// The condition `Progressing` of a Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progressing {
    /// CamelCase reason.
    pub reason: String,
    /// `lastUpdateTime`, where the server tells one.
    pub updated_at: Option<DateTime<Utc>>,
}

/// Reason of the condition `Progressing` when a rollout stood still for too long.
pub const PROGRESS_DEADLINE_EXCEEDED: &str = "ProgressDeadlineExceeded";

/// How far a rollout is, with one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RolloutStatus {
    /// It is done.
    Done(String),
    /// It goes on.
    Waiting(String),
    /// It cannot finish by itself.
    Failed(String),
}

impl RolloutStatus {
    /// The sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Done(message) | Self::Waiting(message) | Self::Failed(message) => message,
        }
    }

    /// Whether it is done.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

pub(super) fn deployment(w: &WorkloadState) -> RolloutStatus {
    let name = &w.name;
    if w.generation > w.observed_generation {
        return RolloutStatus::Waiting(format!(
            "waiting for the change of deployment \"{name}\" to be observed"
        ));
    }
    if w.paused && (w.updated < w.desired || w.replicas > w.updated) {
        return RolloutStatus::Waiting(format!(
            "deployment \"{name}\" is paused with {} of {} replicas updated: kubectl rollout resume lets it move",
            w.updated, w.desired
        ));
    }
    if w.progressing.as_ref().is_some_and(|p| p.reason == PROGRESS_DEADLINE_EXCEEDED) {
        return RolloutStatus::Failed(format!("deployment \"{name}\" exceeded its progress deadline"));
    }
    if w.updated < w.desired {
        return RolloutStatus::Waiting(format!(
            "deployment \"{name}\": {} out of {} new replicas have been updated",
            w.updated, w.desired
        ));
    }
    if w.replicas > w.updated {
        return RolloutStatus::Waiting(format!(
            "deployment \"{name}\": {} old replicas are pending termination",
            w.replicas.saturating_sub(w.updated)
        ));
    }
    if w.available < w.updated {
        return RolloutStatus::Waiting(format!(
            "deployment \"{name}\": {} of {} updated replicas are available",
            w.available, w.updated
        ));
    }
    RolloutStatus::Done(format!("deployment \"{name}\" is rolled out"))
}

pub(super) fn stateful_set(w: &WorkloadState) -> RolloutStatus {
    let name = &w.name;
    if w.on_delete {
        return RolloutStatus::Failed(format!(
            "stateful set \"{name}\" has the strategy OnDelete, whose progress cannot be followed"
        ));
    }
    if w.observed_generation == 0 || w.generation > w.observed_generation {
        return RolloutStatus::Waiting(format!(
            "waiting for the change of stateful set \"{name}\" to be observed"
        ));
    }
    if w.ready < w.desired {
        return RolloutStatus::Waiting(format!(
            "stateful set \"{name}\": waiting for {} pods to be ready",
            w.desired.saturating_sub(w.ready)
        ));
    }
    if let Some(partition) = w.partition {
        let wanted = w.desired.saturating_sub(partition);
        if w.updated < wanted {
            return RolloutStatus::Waiting(format!(
                "stateful set \"{name}\": {} out of {wanted} new pods have been updated",
                w.updated
            ));
        }
        return RolloutStatus::Done(format!(
            "stateful set \"{name}\" is rolled out: {} new pods have been updated",
            w.updated
        ));
    }
    if w.update_revision != w.current_revision {
        return RolloutStatus::Waiting(format!(
            "stateful set \"{name}\": {} pods at revision {}",
            w.updated, w.update_revision
        ));
    }
    RolloutStatus::Done(format!("stateful set \"{name}\" is rolled out at revision {}", w.current_revision))
}

pub(super) fn daemon_set(w: &WorkloadState) -> RolloutStatus {
    let name = &w.name;
    if w.on_delete {
        return RolloutStatus::Failed(format!(
            "daemon set \"{name}\" has the strategy OnDelete, whose progress cannot be followed"
        ));
    }
    if w.generation > w.observed_generation {
        return RolloutStatus::Waiting(format!(
            "waiting for the change of daemon set \"{name}\" to be observed"
        ));
    }
    if w.updated < w.desired {
        return RolloutStatus::Waiting(format!(
            "daemon set \"{name}\": {} out of {} new pods have been updated",
            w.updated, w.desired
        ));
    }
    if w.available < w.desired {
        return RolloutStatus::Waiting(format!(
            "daemon set \"{name}\": {} of {} updated pods are available",
            w.available, w.desired
        ));
    }
    RolloutStatus::Done(format!("daemon set \"{name}\" is rolled out"))
}

pub(super) fn rollout(w: &WorkloadState) -> RolloutStatus {
    let name = &w.name;
    let Some(argo) = &w.argo else {
        return RolloutStatus::Failed(format!("rollout \"{name}\" cannot be read"));
    };
    let (phase, message) = argo_rollout::phase(w, argo);
    match phase {
        ArgoPhase::Healthy => RolloutStatus::Done(format!("rollout \"{name}\" is healthy")),
        ArgoPhase::Degraded if !argo_rollout::is_old_abort(argo) => {
            RolloutStatus::Failed(format!("rollout \"{name}\" is degraded: {message}"))
        }
        ArgoPhase::Degraded => {
            RolloutStatus::Waiting(format!("rollout \"{name}\": waiting for the retry to be observed"))
        }
        ArgoPhase::Paused => RolloutStatus::Waiting(format!("rollout \"{name}\" is paused: {message}")),
        ArgoPhase::Progressing => RolloutStatus::Waiting(format!("rollout \"{name}\": {message}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rollout_verdict::{rollout_status, rollout_status_since};

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    fn state(kind: WorkloadKind, numbers: [i32; 5]) -> WorkloadState {
        let [desired, replicas, updated, ready, available] = numbers;
        WorkloadState {
            generation: 2,
            observed_generation: 2,
            desired,
            replicas,
            updated,
            ready,
            available,
            ..WorkloadState::new(kind, "api")
        }
    }

    #[test]
    fn a_deployment_is_judged_in_kubectls_order() {
        use WorkloadKind::Deployment;
        for (numbers, expected) in [
            ([4, 4, 1, 4, 4], "1 out of 4 new replicas have been updated"),
            ([4, 5, 4, 4, 4], "1 old replicas are pending termination"),
            ([4, 4, 4, 3, 3], "3 of 4 updated replicas are available"),
            ([4, 4, 4, 4, 4], "is rolled out"),
            ([0, 0, 0, 0, 0], "is rolled out"),
        ] {
            let status = rollout_status(&state(Deployment, numbers));
            assert!(status.message().contains(expected), "{numbers:?}: {status:?}");
            assert_eq!(status.is_done(), expected == "is rolled out");
        }
    }

    #[test]
    fn an_unobserved_change_comes_before_everything() {
        for kind in [WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet] {
            let mut workload = state(kind, [1, 1, 1, 1, 1]);
            workload.generation = 3;
            workload.progressing =
                Some(Progressing { reason: PROGRESS_DEADLINE_EXCEEDED.into(), updated_at: None });
            assert!(matches!(rollout_status(&workload), RolloutStatus::Waiting(m) if m.contains("observed")));
        }
    }

    #[test]
    fn a_missed_deadline_is_an_error_even_when_the_numbers_fit() {
        let mut workload = state(WorkloadKind::Deployment, [1, 1, 1, 1, 1]);
        workload.progressing =
            Some(Progressing { reason: PROGRESS_DEADLINE_EXCEEDED.into(), updated_at: None });
        assert!(matches!(rollout_status(&workload), RolloutStatus::Failed(_)));
    }

    #[test]
    fn a_deadline_missed_before_the_change_does_not_count_until_its_own_has_passed() {
        let mut workload = state(WorkloadKind::Deployment, [4, 5, 1, 4, 4]);
        workload.progressing =
            Some(Progressing { reason: PROGRESS_DEADLINE_EXCEEDED.into(), updated_at: Some(at(100)) });
        assert!(matches!(rollout_status_since(&workload, at(200), at(210)), RolloutStatus::Waiting(_)));
        assert!(matches!(rollout_status_since(&workload, at(200), at(814)), RolloutStatus::Waiting(_)));
        assert!(matches!(rollout_status_since(&workload, at(200), at(815)), RolloutStatus::Failed(_)));
        // in the second in which it was missed, and just before
        assert!(matches!(rollout_status_since(&workload, at(100), at(101)), RolloutStatus::Waiting(_)));
        assert!(matches!(rollout_status_since(&workload, at(99), at(101)), RolloutStatus::Waiting(_)));
        // missed by a server whose clock is ahead of ours
        workload.progressing =
            Some(Progressing { reason: PROGRESS_DEADLINE_EXCEEDED.into(), updated_at: Some(at(800)) });
        assert!(matches!(rollout_status_since(&workload, at(200), at(790)), RolloutStatus::Failed(_)));
    }

    #[test]
    fn a_stateful_set_honours_its_partition() {
        use WorkloadKind::StatefulSet;
        let mut workload = state(StatefulSet, [5, 5, 1, 5, 5]);
        workload.partition = Some(3);
        assert!(rollout_status(&workload).message().contains("1 out of 2"));
        workload.updated = 2;
        assert!(rollout_status(&workload).is_done());
        workload.ready = 4;
        assert!(rollout_status(&workload).message().contains("1 pods to be ready"));
        workload.partition = None;
        workload.ready = 5;
        workload.update_revision = "new".into();
        assert!(!rollout_status(&workload).is_done());
        workload.current_revision = "new".into();
        assert!(rollout_status(&workload).is_done());
        workload.on_delete = true;
        assert!(matches!(rollout_status(&workload), RolloutStatus::Failed(_)));
    }

    #[test]
    fn a_daemon_set_counts_nodes() {
        use WorkloadKind::DaemonSet;
        assert!(rollout_status(&state(DaemonSet, [3, 0, 2, 3, 3])).message().contains("2 out of 3"));
        assert!(rollout_status(&state(DaemonSet, [3, 0, 3, 2, 2])).message().contains("2 of 3"));
        assert!(rollout_status(&state(DaemonSet, [3, 0, 3, 3, 3])).is_done());
    }

    #[test]
    fn old_pods_are_not_counted_as_updated_and_available() {
        for (numbers, expected) in
            [([4, 5, 1, 4, 4], 0), ([4, 5, 2, 4, 4], 1), ([4, 4, 4, 4, 4], 4), ([4, 4, 0, 4, 4], 0)]
        {
            assert_eq!(state(WorkloadKind::Deployment, numbers).updated_available(), expected, "{numbers:?}");
        }
    }

    #[test]
    fn no_number_that_a_server_can_hold_overflows() {
        let numbers = [i32::MIN, -1, 0, 1, i32::MAX];
        for kind in [WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet] {
            for (first, second) in numbers.into_iter().flat_map(|a| numbers.map(|b| (a, b))) {
                let mut workload = state(kind, [first, second, first, second, first]);
                workload.partition = Some(second);
                let _ = (workload.is_healthy(), rollout_status(&workload));
                assert!(workload.updated_available() >= 0, "{kind} {first} {second}");
                assert!(workload.kept_back() >= 0, "{kind} {first} {second}");
                workload.progress_deadline = TimeDelta::MAX;
                workload.progressing =
                    Some(Progressing { reason: PROGRESS_DEADLINE_EXCEEDED.into(), updated_at: Some(at(0)) });
                let _ = rollout_status_since(&workload, at(0), DateTime::<Utc>::MAX_UTC);
            }
        }
    }
}
