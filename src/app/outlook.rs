//! What comes next for a release, when, and what happens if nobody acts: so that a person at three in the morning need not know the
//! rules by heart.

use chrono::{DateTime, Utc};

use crate::api::environment::OnFailure;
use crate::api::release::{GateState, PlanStep, ReleaseStatus};
use crate::api::strategy::{AnalysisStep, Step};
use crate::api::{Environment, Phase, Release};
use crate::app::steps::{self, StepWords};
use crate::app::tracks;

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outlook {
    /// The next step in a few words; absent where none follows.
    pub next: Option<String>,
    /// When it begins by itself, where only time is missing.
    pub at: Option<DateTime<Utc>>,
    /// What happens if nobody acts: one sentence.
    pub otherwise: String,
    /// It stays so until a person acts.
    pub waits: bool,
}

/// The outlook of a release; none once it has ended, or before there is a plan.
#[must_use]
pub(crate) fn outlook(release: &Release, environment: &Environment) -> Option<Outlook> {
    let status = release.status.as_ref()?;
    let plan = status.plan.as_ref()?;
    let phase = release.phase();
    if phase.is_final() {
        return None;
    }
    let (done, _) = steps::done(release)?;
    let begun = status.started_at.is_some();
    let next = plan.steps.get(if begun { done + 1 } else { 0 }).map(|step| StepWords(step).to_string());
    let at = status.step.as_ref().and_then(|step| step.until).filter(|_| phase == Phase::Progressing);
    let (otherwise, waits) = otherwise(release, environment, status);
    Some(Outlook { next: next.filter(|_| phase != Phase::RollingBack), at, otherwise, waits })
}

/// What happens if nobody acts, and whether that is nothing.
fn otherwise(release: &Release, environment: &Environment, status: &ReleaseStatus) -> (String, bool) {
    let place = place(status);
    if let Some((component, _)) = tracks::drifts(status).next() {
        let sentence = format!(
            "it stays {place}: the router of {component} was changed by somebody else; resume takes that over, abort puts it back"
        );
        return (sentence, true);
    }
    match release.phase() {
        Phase::Pending => (pending(release, environment, status), true),
        Phase::Paused => (format!("it stays {place} until somebody resumes, promotes or aborts it"), true),
        Phase::Held => (format!("it stays {place} until somebody retries, rolls back or aborts it"), true),
        Phase::RollingBack => ("it goes back to the version before by itself".to_owned(), false),
        Phase::Verifying => (format!("it succeeds when the watch is over; {}", failure(environment)), false),
        _ => step(release, environment, status, &place),
    }
}

/// Where it stays: `at 10%`, or at the step.
fn place(status: &ReleaseStatus) -> String {
    match &status.weight {
        Some(weight) if !status.tracks.is_empty() => format!("at {}%", weight.desired),
        _ => "where it is".to_owned(),
    }
}

fn pending(release: &Release, environment: &Environment, status: &ReleaseStatus) -> String {
    let shut = |gate: &&crate::api::release::GateStatus| gate.state != GateState::Pass;
    let timed = status.gates.iter().filter(shut).all(|gate| gate.clears_at.is_some());
    if timed {
        return "it begins by itself when its gates open".to_owned();
    }
    let limit = environment.spec.approval.as_ref().and_then(|approval| approval.expires_after);
    let end = limit.zip(release.created_at()).and_then(|(limit, at)| at.checked_add_signed(limit.to_delta()));
    match end {
        Some(end) => {
            format!("it waits, and expires at {}Z; nothing is changed", end.format("%Y-%m-%d %H:%M"))
        }
        None => "it waits; nothing is changed".to_owned(),
    }
}

/// What follows a failure.
fn failure(environment: &Environment) -> &'static str {
    match environment.spec.on_failure {
        OnFailure::Rollback => "a failure rolls it back",
        OnFailure::Hold => "a failure holds it for a person",
    }
}

fn step(release: &Release, environment: &Environment, status: &ReleaseStatus, place: &str) -> (String, bool) {
    let fails = failure(environment);
    let failing = status.analysis.iter().find(|verdict| verdict.state == GateState::Fail);
    if let Some(failing) = failing.filter(|_| environment.spec.rollback_on.analysis) {
        return (format!("{} is failing: {fails}", failing.name), false);
    }
    match steps::current(release) {
        Some(PlanStep::Canary(Step::Pause(pause))) if pause.duration.is_none() => {
            (format!("it stays {place} until somebody promotes, resumes or aborts it"), true)
        }
        Some(PlanStep::Canary(Step::Approval(_))) => {
            (format!("it stays {place} until enough people approve, or somebody aborts it"), true)
        }
        Some(PlanStep::Canary(Step::Checklist(_))) => {
            (format!("it stays {place} until every item is ticked, or somebody aborts it"), true)
        }
        Some(PlanStep::Canary(Step::Analysis(step))) => match unknown(status, step) {
            Some(name) => (format!("it stays {place} while {name} has no data: no data is never good"), true),
            None => (format!("it goes on when every analysis passes; {fails}"), false),
        },
        Some(PlanStep::Keep(_)) => (
            "the old version is brought to the new one then, and the instant way back ends".to_owned(),
            false,
        ),
        _ => (format!("it goes on by itself; {fails}"), false),
    }
}

/// An analysis of that step which cannot be judged.
fn unknown<'a>(status: &'a ReleaseStatus, step: &AnalysisStep) -> Option<&'a str> {
    if status.analysis.is_empty() {
        return Some("the analysis");
    }
    let asked = |name: &String| step.names.is_empty() || step.names.contains(name);
    let found = status.analysis.iter().find(|v| v.state == GateState::NoData && asked(&v.name));
    found.map(|verdict| verdict.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{canary_paused, now, planera, progressive, release_id};
    use chrono::TimeDelta;

    fn outlook_of(world: &crate::app::fixtures::World) -> Option<Outlook> {
        let id = release_id("production", "production-v1-8-2-cc");
        let environment = world.store.environment(&world.store.environment_of(&id).unwrap()).unwrap();
        outlook(world.store.release(&id).unwrap(), environment)
    }

    #[test]
    fn every_state_says_what_happens_if_nobody_acts() {
        let expected = [
            ("canary-paused", Some("it goes on by itself; a failure rolls it back")),
            ("canary-analysis-fails", Some("error-rate is failing: a failure rolls it back")),
            ("canary-no-data", Some("it stays at 10% while error-rate has no data: no data is never good")),
            (
                "canary-drift",
                Some(
                    "it stays at 10%: the router of backend was changed by somebody else; resume takes that over, abort \
                     puts it back",
                ),
            ),
            ("green-before-switch", Some("it stays at 0% until somebody resumes, promotes or aborts it")),
            (
                "green-kept",
                Some("the old version is brought to the new one then, and the instant way back ends"),
            ),
            ("canary-rolled-back", None),
        ];
        for ((name, world), (wanted, sentence)) in progressive().into_iter().zip(expected) {
            assert_eq!(name, wanted);
            assert_eq!(outlook_of(&world).map(|outlook| outlook.otherwise).as_deref(), sentence, "{name}");
        }
        assert_eq!(outlook_of(&planera()).unwrap().otherwise, "it waits; nothing is changed");
    }

    #[test]
    fn a_timed_pause_says_what_follows_and_when() {
        let outlook = outlook_of(&canary_paused()).unwrap();
        assert_eq!(outlook.next.as_deref(), Some("analysis"));
        assert_eq!(outlook.at, Some(now() + TimeDelta::seconds(130)));
        assert!(!outlook.waits);
    }
}
