//! What a resumed release does next: which weight it keeps, for how long, and what follows.
//!
//! Pausing stops the plan's clock. A weight that a person chose stays until the present step is over; where it lies below the plan's,
//! the plan's own weight comes next, never a larger one.

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::release::{Phase, PlanStep, ReleaseStatus};
use crate::api::strategy::{Step, Weight};
use crate::domain::age::Age;
use crate::domain::plan;
use crate::domain::step_words::StepWords;

/// When a timed step ends: its span from its beginning, without the time during which it was paused.
///
/// `span` is the step's duration. While the release is paused, the end moves on with `now`.
#[must_use]
pub(crate) fn end_of_step(status: &ReleaseStatus, span: TimeDelta, now: DateTime<Utc>) -> DateTime<Utc> {
    let began = status.step.as_ref().map_or(now, |step| step.started_at);
    end(status, began, span, now)
}

/// As [`end_of_step`], for a watch that began at `began`.
#[must_use]
pub(crate) fn end(
    status: &ReleaseStatus,
    began: DateTime<Utc>,
    span: TimeDelta,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let stopped = status.step.as_ref().and_then(|step| step.paused_for).unwrap_or_default().to_delta();
    let stopping = paused_since(status)
        .map_or(TimeDelta::zero(), |since| now.signed_duration_since(since).max(TimeDelta::zero()));
    [span, stopped, stopping]
        .into_iter()
        .try_fold(began, DateTime::checked_add_signed)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn paused_since(status: &ReleaseStatus) -> Option<DateTime<Utc>> {
    status.paused.as_ref().filter(|_| status.phase == Phase::Paused).map(|paused| paused.at)
}

/// The weight that the plan has reached at the present step: that of the last step that sets one.
#[must_use]
pub(crate) fn planned_weight(status: &ReleaseStatus) -> Option<Weight> {
    let (index, _) = plan::present(status)?;
    let reached = usize::try_from(index).ok()?.saturating_add(1);
    let steps = &status.plan.as_ref()?.steps;
    steps.iter().take(reached).rev().find_map(|step| match step {
        PlanStep::Canary(Step::SetWeight(weight)) => Some(*weight),
        _ => None,
    })
}

/// The plan's weight, where a person holds the release below it and the next step would send more: it comes first.
#[must_use]
pub(crate) fn weight_before_next_step(status: &ReleaseStatus) -> Option<Weight> {
    let weights = status.weight.as_ref().filter(|weights| weights.by.is_some())?;
    let planned = planned_weight(status)?;
    let is_below = weights.desired < i32::from(planned.percent());
    let grows = !matches!(
        next_step(status),
        Some(PlanStep::Canary(Step::Pause(_) | Step::Analysis(_) | Step::Approval(_) | Step::Checklist(_)))
    );
    (is_below && grows).then_some(planned)
}

fn next_step(status: &ReleaseStatus) -> Option<&PlanStep> {
    let (index, _) = plan::present(status)?;
    status.plan.as_ref()?.steps.get(usize::try_from(index).ok()?.checked_add(1)?)
}

/// What a paused release does once it is resumed, in one line: `stays at 30% (set by bob) for 28s, then weight 50%`.
///
/// `bake` is the plan's watch after the last step.
#[must_use]
pub(crate) fn after_resume(status: &ReleaseStatus, now: DateTime<Utc>) -> String {
    let resumes_watch = status.paused.as_ref().is_some_and(|paused| paused.resume_to == Phase::Verifying);
    if resumes_watch {
        let bake = status.plan.iter().flat_map(|plan| &plan.steps).find_map(|step| match step {
            PlanStep::Bake(bake) => Some(bake.duration.to_delta()),
            _ => None,
        });
        let began = status.verifying_since.unwrap_or(now);
        return format!(
            "is watched for {} more",
            left(end(status, began, bake.unwrap_or_default(), now), now)
        );
    }
    let Some((_, step)) = plan::present(status) else { return "ends by itself".to_owned() };
    let (stays, then) = (stays(status), then(status));
    match step {
        PlanStep::Canary(Step::Pause(pause)) => match pause.duration {
            Some(span) => {
                let left = left(end_of_step(status, span.to_delta(), now), now);
                format!("{stays} for {left}, then {then}")
            }
            None if is_paused_by_plan(status) => match weight_before_next_step(status) {
                Some(planned) => format!("weight {planned} at once (the plan's), then it pauses again"),
                None => format!("{then} at once"),
            },
            None => format!("{stays} until it is promoted, then {then}"),
        },
        PlanStep::Canary(Step::SetWeight(weight)) if !is_held_by_hand(status, *weight) => {
            format!("weight {weight} at once, then {then}")
        }
        PlanStep::Canary(Step::SetWeight(_)) => format!("{stays}, then {then}"),
        PlanStep::Canary(step) => {
            format!("{stays} until its {} passes, then {then}", StepWords(&PlanStep::Canary(step.clone())))
        }
        PlanStep::Keep(keep) => {
            let left = left(end_of_step(status, keep.duration.to_delta(), now), now);
            format!("keeps the old version for {left}, then {then}")
        }
        other => format!("{} at once, then {then}", StepWords(other)),
    }
}

fn is_paused_by_plan(status: &ReleaseStatus) -> bool {
    status.paused.as_ref().is_some_and(|paused| paused.by == crate::domain::timeline::CONTROLLER)
}

/// Whether a person chose another weight than that one.
fn is_held_by_hand(status: &ReleaseStatus, weight: Weight) -> bool {
    let weights = status.weight.as_ref();
    weights.is_some_and(|weights| weights.by.is_some() && weights.desired != i32::from(weight.percent()))
}

fn stays(status: &ReleaseStatus) -> String {
    let weights = status.weight.as_ref();
    let by =
        weights.and_then(|weights| weights.by.as_ref()).map_or(String::new(), |by| format!(" (set by {by})"));
    format!("stays at {}%{by}", weights.map_or(0, |weights| weights.desired))
}

fn then(status: &ReleaseStatus) -> String {
    if let Some(planned) = weight_before_next_step(status) {
        return format!("weight {planned} (the plan's) for the whole step again");
    }
    next_step(status).map_or_else(|| "ends by itself".to_owned(), |step| StepWords(step).to_string())
}

fn left(end: DateTime<Utc>, now: DateTime<Utc>) -> Age {
    Age::between(now, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::{Paused, Plan, StepProgress, Weights};
    use crate::domain::fixtures::at;
    use serde_json::json;

    /// A canary of 10, 50 and 100 per cent, paused at step `index` by `by` from second 10 on, at `weight`, set by `hand`.
    fn paused(index: i32, by: &str, (weight, hand): (i32, Option<&str>)) -> ReleaseStatus {
        let steps = json!([
            {"canary": {"setWeight": 10}}, {"canary": {"pause": {"duration": "60s"}}},
            {"canary": {"setWeight": 50}}, {"canary": {"pause": {"duration": "30s"}}},
            {"canary": {"approval": {}}}, {"canary": {"pause": {}}},
            {"canary": {"setWeight": 100}}, {"bake": {"duration": "5m"}}
        ]);
        ReleaseStatus {
            phase: Phase::Paused,
            plan: Some(Plan { steps: serde_json::from_value(steps).unwrap(), ..Plan::default() }),
            step: Some(StepProgress { index, started_at: at(0), until: None, paused_for: None }),
            weight: Some(Weights { desired: weight, by: hand.map(Into::into), ..Weights::default() }),
            paused: Some(Paused { by: by.into(), at: at(10), reason: None, resume_to: Phase::Progressing }),
            ..ReleaseStatus::default()
        }
    }

    #[test]
    fn the_operator_reads_beforehand_what_comes_next() {
        let (plan, hand) = (crate::domain::timeline::CONTROLLER, Some("bob"));
        for (index, by, weight, expected) in [
            (1, "carol", (10, None), "stays at 10% for 50s, then weight 50%"),
            (3, "carol", (50, None), "stays at 50% for 20s, then approval"),
            (3, "carol", (30, hand), "stays at 30% (set by bob) for 20s, then approval"),
            (2, "carol", (50, None), "weight 50% at once, then pause 30s"),
            (2, "carol", (30, hand), "stays at 30% (set by bob), then pause 30s"),
            (
                1,
                "carol",
                (5, hand),
                "stays at 5% (set by bob) for 50s, then weight 10% (the plan's) for the whole step again",
            ),
            (4, "carol", (50, None), "stays at 50% until its approval passes, then pause until promoted"),
            (5, plan, (50, None), "weight 100% at once"),
            (5, plan, (30, hand), "weight 50% at once (the plan's), then it pauses again"),
            (5, "carol", (50, None), "stays at 50% until it is promoted, then weight 100%"),
        ] {
            assert_eq!(after_resume(&paused(index, by, weight), at(200)), expected, "step {index} by {by}");
        }
        let mut watched = paused(7, "carol", (100, None));
        watched.paused.as_mut().unwrap().resume_to = Phase::Verifying;
        watched.verifying_since = Some(at(0));
        assert_eq!(after_resume(&watched, at(500)), "is watched for 4m50s more");
    }

    #[test]
    fn a_weight_below_the_plans_comes_back_before_anything_larger() {
        for (index, weight, expected) in [
            (1, (5, Some("bob")), Some(10)),
            (1, (10, None), None),
            (1, (30, Some("bob")), None),
            (3, (30, Some("bob")), None), // an approval comes next: nothing grows
            (5, (30, Some("bob")), Some(50)),
            (6, (70, Some("bob")), Some(100)),
        ] {
            let found = weight_before_next_step(&paused(index, "carol", weight));
            assert_eq!(
                found.map(|weight| i32::from(weight.percent())),
                expected,
                "step {index} at {weight:?}"
            );
        }
    }

    #[test]
    fn a_pause_stops_the_clock() {
        let mut status = paused(1, "carol", (10, None));
        let span = TimeDelta::seconds(60);
        assert_eq!(end_of_step(&status, span, at(10)), at(60));
        assert_eq!(end_of_step(&status, span, at(500)), at(550), "50 s are left however long it is paused");
        status.phase = Phase::Progressing;
        status.paused = None;
        status.step.as_mut().unwrap().paused_for = Some(crate::api::Duration::from_secs(490));
        assert_eq!(end_of_step(&status, span, at(501)), at(550));
        assert_eq!(end_of_step(&status, TimeDelta::MAX, at(501)), DateTime::<Utc>::MAX_UTC);
    }
}
