//! Shifting a canary by hand, and going to the next step: inside the policy, and never past what people have yet to say.

use chrono::{DateTime, Utc};

use super::Verdict;
use crate::api::environment::InFlight;
use crate::api::release::{PlanStep, ReleaseStatus};
use crate::api::release_action::{ActionKind, ReleaseAction};
use crate::api::strategy::{Step, Weight};
use crate::domain::labelled::labelled;
use crate::domain::rollout::Observed;
use crate::domain::{gate, plan, weight};

/// Why a weight, the next step or the end cannot be had now. Where Argo Rollouts have steps of their own, those are meant.
pub(super) fn judge(
    observed: &Observed,
    status: &ReleaseStatus,
    action: &ReleaseAction,
    now: DateTime<Utc>,
) -> Option<Verdict> {
    let is_argo = observed.workloads.values().any(|workload| workload.argo.is_some());
    if is_argo && action.spec.action != ActionKind::SetWeight {
        return None;
    }
    let why = match action.spec.action {
        ActionKind::SetWeight => set_weight(observed, status, action, now),
        ActionKind::Promote => {
            drift(status).or_else(|| no_next_step(status)).or_else(|| stands(observed, status, now))
        }
        ActionKind::PromoteFull => {
            drift(status).or_else(|| no_way_to_the_end(status)).or_else(|| stands(observed, status, now))
        }
        _ => None,
    };
    why.map(Verdict::refused)
}

/// What a person must say first of a router that somebody else changed.
fn drift(status: &ReleaseStatus) -> Option<String> {
    let track = status.tracks.iter().find(|track| track.drift.is_some())?;
    Some(format!("{}; resume takes that over first", track.drift.as_deref().unwrap_or_default()))
}

/// What stands against sending more to the new version.
fn stands(observed: &Observed, status: &ReleaseStatus, now: DateTime<Utc>) -> Option<String> {
    let frozen = gate::freeze_in_flight(observed, status, now);
    let frozen = frozen.filter(|(frozen, _)| frozen.in_flight != InFlight::Finish).map(|(_, gate)| gate);
    let gate = frozen.or_else(|| gate::standing(observed, status, now))?;
    Some(labelled(&gate.name, &gate.detail))
}

fn set_weight(
    observed: &Observed,
    status: &ReleaseStatus,
    action: &ReleaseAction,
    now: DateTime<Utc>,
) -> Option<String> {
    let given = action.spec.parameters.as_ref().and_then(|parameters| parameters.weight);
    let wanted = given.and_then(|percent| u8::try_from(percent).ok()).and_then(Weight::new);
    let Some(wanted) = wanted else { return Some("it names no weight from 0 to 100".to_owned()) };
    let Some(environment) = &observed.environment else {
        return Some("the Environment does not exist".to_owned());
    };
    let desired = status.weight.as_ref().map_or(0, |weight| weight.desired);
    let grows = i32::from(wanted.percent()) > desired;
    drift(status)
        .or_else(|| weight::refusal(environment, status, wanted, now))
        .or_else(|| stands(observed, status, now).filter(|_| grows))
}

/// Why nobody can lead a release from its present step to the next one; nothing: anybody with the right may.
#[must_use]
pub(crate) fn no_next_step(status: &ReleaseStatus) -> Option<String> {
    let Some((index, step)) = plan::present(status) else {
        return Some("no step of its plan is left".to_owned());
    };
    let number = plan::number(index);
    match step {
        PlanStep::Canary(Step::Pause(_) | Step::Analysis(_)) | PlanStep::Keep(_) => None,
        PlanStep::Canary(Step::SetWeight(weight)) => {
            Some(format!("step {number} is still on its way to {weight}"))
        }
        PlanStep::Canary(Step::Approval(_)) => {
            Some(format!("step {number} waits for an approval, which nobody passes"))
        }
        PlanStep::Canary(Step::Checklist(_)) => {
            Some(format!("step {number} waits for its checklist, which nobody passes"))
        }
        _ => Some(format!("step {number} goes on by itself")),
    }
}

/// Why nobody can lead a release to all weight on the new version: nobody goes past what people have yet to say.
#[must_use]
pub(crate) fn no_way_to_the_end(status: &ReleaseStatus) -> Option<String> {
    let Some((index, _)) = plan::present(status) else {
        return Some("no step of its plan is left".to_owned());
    };
    let Some(end) = plan::full_step(status) else {
        return Some(format!("step {} goes on by itself: nothing is left to skip", plan::number(index)));
    };
    let steps = status.plan.as_ref().map_or(&[][..], |plan| plan.steps.as_slice());
    let from = usize::try_from(index).unwrap_or(0);
    let people = steps.iter().zip(1..).take(end).skip(from).find_map(|(step, number)| match step {
        PlanStep::Canary(Step::Approval(_)) => Some((number, "an approval")),
        PlanStep::Canary(Step::Checklist(_)) => Some((number, "a checklist")),
        _ => None,
    })?;
    Some(format!("step {} asks for {}, which nobody passes", people.0, people.1))
}
