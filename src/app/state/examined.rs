//! What was read about pods and workloads that are not well.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::diagnosis::{Evidence, WorkloadEvidence};
use crate::domain::pod_row::PodKey;
use crate::domain::workload_row::WorkloadKey;

/// What was read about a pod besides itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// When it was asked for.
    pub asked: DateTime<Utc>,
    /// The answer; absent while it is on its way.
    pub evidence: Option<Arc<Evidence>>,
}

/// What a cause was found of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A pod.
    Pod(PodKey),
    /// A workload.
    Workload(WorkloadKey),
}

impl Subject {
    /// Name of the object.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Pod(key) => &key.name,
            Self::Workload(key) => &key.name,
        }
    }
}

/// What was read about a workload besides itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// When it was asked for.
    pub(in crate::app) asked: DateTime<Utc>,
    /// The answer.
    pub(in crate::app) evidence: WorkloadEvidence,
}
