//! A rollout stood still for longer than it may, and no pod says why.
//!
//! Condition `Progressing`, reason `ProgressDeadlineExceeded`: `pkg/controller/deployment/progress.go`. Behind all that tells
//! what keeps the pods from getting well: it says more.

use super::facts::Facts;
use super::words::joined;
use super::{Cause, Found, Jump};

pub(super) const CAUSE: Cause = Cause { id: "progress-deadline", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    let workload = facts.workload?;
    let stuck = workload.conditions.iter().find(|condition| {
        &*condition.kind == "Progressing"
            && &*condition.reason == crate::domain::rollout_status::PROGRESS_DEADLINE_EXCEEDED
    })?;
    Some(Found {
        sentence: format!("{} made no progress within its progressDeadlineSeconds", workload.name),
        evidence: joined(&stuck.reason, &stuck.message),
        remedy: "look at its newest pods: they do not become available".to_owned(),
        jump: Some(Jump::Workload),
    })
}
