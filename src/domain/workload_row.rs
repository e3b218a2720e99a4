//! A workload as the screen needs it: counts, images, revision. Kept instead of Kubernetes' own objects.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::diagnosis::WorkloadFacts;
use crate::api::environment::WorkloadKind;

/// Namespace, kind and name of a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadKey {
    /// Namespace.
    pub namespace: Box<str>,
    /// Kind.
    pub kind: WorkloadKind,
    /// Name.
    pub name: Box<str>,
}

/// One workload. All texts are sanitised.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadRow {
    /// Where it lives.
    pub key: WorkloadKey,
    /// Pods wanted.
    pub desired: i32,
    /// Pods of the newest template.
    pub updated: i32,
    /// Pods that are ready.
    pub ready: i32,
    /// Pods that have been ready long enough.
    pub available: i32,
    /// Container name and image, in order.
    pub images: Box<[(Box<str>, Box<str>)]>,
    /// Revision number, 0 when the kind has none.
    pub revision: i64,
    /// Reason of the Progressing condition, such as `ProgressDeadlineExceeded`; empty when absent.
    pub progress_reason: Box<str>,
    /// Phase, step and reason of an Argo Rollout in its own words, such as `Paused at step 2: CanaryPauseStep`; empty for other kinds.
    pub phase: Box<str>,
    /// The controller of the workload has seen the newest spec.
    pub observed: bool,
    /// When it was created.
    pub created: Option<DateTime<Utc>>,
    /// What tells why it does not get on: conditions, and who last wrote its images.
    pub facts: Arc<WorkloadFacts>,
}

impl WorkloadRow {
    /// The image of that container.
    #[must_use]
    pub fn image(&self, container: &str) -> Option<&str> {
        self.images.iter().find(|(name, _)| &**name == container).map(|(_, image)| &**image)
    }
}
