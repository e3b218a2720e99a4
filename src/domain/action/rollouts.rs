//! Promote, and what else is meant for the Argo Rollouts among a release's components.

use super::Verdict;
use crate::api::release::{Phase, ReleaseStatus};
use crate::api::release_action::{ActionKind, ReleaseAction};
use crate::domain::rollout::Observed;

/// What the Argo Rollouts among a release's components say to an action.
pub(super) enum Say {
    /// Nothing: it is not meant for them.
    None,
    /// It fits where one of them stands.
    Fits,
    /// It does not.
    Against(Verdict),
}

/// Asks the Argo Rollouts of a release.
pub(super) fn judge(observed: &Observed, status: &ReleaseStatus, action: &ReleaseAction) -> Say {
    let kind = action.spec.action;
    if !matches!(kind, ActionKind::Promote | ActionKind::PromoteFull) {
        return Say::None;
    }
    let mut rollouts = observed.workloads.values().filter_map(|workload| workload.argo.as_deref()).peekable();
    if rollouts.peek().is_none() {
        return Say::None;
    }
    let phase = status.phase;
    if !matches!(phase, Phase::Progressing | Phase::Paused) {
        return Say::Against(Verdict::refused(format!("{kind} does not fit: it is {phase}")));
    }
    if kind == ActionKind::Promote && has_moved_since(status, action) {
        return Say::Against(Verdict::refused(
            "the Rollout has moved since: look where it stands, and ask again",
        ));
    }
    let can = rollouts.any(|argo| {
        let last = i32::try_from(argo.steps.len()).unwrap_or(i32::MAX);
        let can_step = argo.step.is_some_and(|step| step < last);
        let on_its_way = !argo.is_promoted() && !argo.is_aborted;
        on_its_way && (kind == ActionKind::PromoteFull || argo.is_held() || can_step)
    });
    if can {
        return Say::Fits;
    }
    Say::Against(Verdict::refused(format!("{kind} does not fit: no Rollout stands at a step or pause")))
}

/// Whether a Rollout paused or went on after that action was written: its author saw another step. The server keeps whole seconds.
fn has_moved_since(status: &ReleaseStatus, action: &ReleaseAction) -> bool {
    let moves = status
        .timeline
        .iter()
        .filter(|e| matches!(e.reason.as_str(), "PausedByRollout" | "ResumedByRollout"));
    let last = moves.map(|entry| entry.at.timestamp()).max();
    last.zip(action.created_at()).is_some_and(|(moved, written)| written.timestamp() < moved)
}
