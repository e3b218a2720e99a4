//! How far the rollout of a workload is, whatever its kind.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::rollout_status::{PROGRESS_DEADLINE_EXCEEDED, RolloutStatus, WorkloadState};
use crate::domain::{span, workload_kind};

/// The verdict of `kubectl rollout status` on what was observed.
#[must_use]
pub(crate) fn rollout_status(workload: &WorkloadState) -> RolloutStatus {
    (workload_kind::row(workload.kind).rollout_status)(workload)
}

/// How long ago the intent of a change may have been stored for the change to be made without storing it anew.
#[must_use]
pub(crate) fn tolerance(deadline: TimeDelta) -> TimeDelta {
    TimeDelta::seconds(15).min(deadline)
}

/// As [`rollout_status`], for a change meant at `since` and made within the [`tolerance`].
///
/// A Deployment that missed its deadline keeps saying so after the next change, until its controller sees progress again; and the
/// change is often made in the very second of the miss, to undo it. A deadline counts only when it was missed a whole deadline
/// after the intent, or when that much time has passed since the change.
#[must_use]
pub(crate) fn rollout_status_since(
    workload: &WorkloadState,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> RolloutStatus {
    let status = rollout_status(workload);
    let RolloutStatus::Failed(message) = &status else { return status };
    let Some(progressing) = workload.progressing.as_ref().filter(|p| p.reason == PROGRESS_DEADLINE_EXCEEDED)
    else {
        return status;
    };
    let deadline = workload.progress_deadline;
    let late = span::sum(deadline, tolerance(deadline));
    // the server keeps whole seconds
    let is_old = progressing
        .updated_at
        .is_some_and(|at| span::sum(at.signed_duration_since(since), TimeDelta::seconds(1)) < deadline);
    if is_old && now.signed_duration_since(since) < late {
        return RolloutStatus::Waiting(format!("{message} before this change; waiting for new progress"));
    }
    status
}

impl WorkloadState {
    /// Whether everything that is wanted runs, in the newest revision.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.desired > 0
            && self.kept_back() == 0
            && matches!(rollout_status(self), RolloutStatus::Done(_))
            && self.ready >= self.desired
    }
}
