//! Promote, and what else is meant for the Argo Rollouts among a release's components.

use super::Verdict;
use crate::api::release::{Phase, ReleaseStatus};
use crate::api::release_action::ActionKind;
use crate::domain::rollout::Observed;

/// `Some(None)`: it fits; `Some(Some)`: it does not; nothing where Argo Rollouts have no say.
pub(super) fn judge(
    observed: &Observed,
    status: &ReleaseStatus,
    kind: ActionKind,
) -> Option<Option<Verdict>> {
    if !matches!(kind, ActionKind::Promote | ActionKind::PromoteFull) {
        return None;
    }
    let mut rollouts = observed.workloads.values().filter_map(|workload| workload.argo.as_deref()).peekable();
    rollouts.peek()?;
    let phase = status.phase;
    if !matches!(phase, Phase::Progressing | Phase::Paused) {
        return Some(Some(Verdict::refused(format!("{kind} does not fit: it is {phase}"))));
    }
    let can = rollouts.any(|argo| {
        let last = i32::try_from(argo.steps.len()).unwrap_or(i32::MAX);
        let can_step = argo.step.is_some_and(|step| step < last);
        let on_its_way = !argo.is_promoted() && !argo.is_aborted;
        on_its_way && (kind == ActionKind::PromoteFull || argo.is_held() || can_step)
    });
    Some(
        (!can)
            .then(|| Verdict::refused(format!("{kind} does not fit: no Rollout stands at a step or pause"))),
    )
}
