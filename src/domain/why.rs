//! Why a release does not go on: each thing that it waits for, with who can clear it, when, and by which command.
//!
//! Owns the order and the words for what is no gate (a pause, a failure that is held). The gates' own verdicts are the controller's:
//! what the command line and the cockpit show is what it will act upon, never a second opinion.

use chrono::{DateTime, Utc};

use crate::api::Verb;
use crate::api::release::{GateState, GateStatus, Phase, PlanStep, Release, ReleaseStatus};
use crate::domain::labelled::unlabelled;
use crate::domain::outcome;

/// One thing that a release waits for, or has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// Name of the gate, or `cause`, `paused`, `held`, `undo`, `watch`, `controller`.
    pub gate: String,
    /// The verdict.
    pub state: GateState,
    /// One sentence.
    pub detail: String,
    /// Who or what can clear it.
    pub who: Option<String>,
    /// When it clears by itself.
    pub clears_at: Option<DateTime<Utc>>,
    /// The command that clears it, or what helps where no command of ours does.
    pub command: Option<String>,
}

/// What a release waits for: failed gates first, then unknown, waiting and passed ones. Passed gates are listed until the release
/// starts. Empty once it has ended.
#[must_use]
pub(crate) fn explain(release: &Release, now: DateTime<Utc>) -> Vec<Reason> {
    let phase = release.phase();
    if phase.is_final() {
        return Vec::new();
    }
    let nothing = ReleaseStatus::default();
    let status = release.status.as_ref().unwrap_or(&nothing);
    let mut reasons: Vec<Reason> = state(release, status).into_iter().collect();
    // what passed before it began says nothing of the present: the router no longer sends 0%
    let is_past = |gate: &GateStatus| phase.holds_lane() && gate.state == GateState::Pass;
    let mut gates: Vec<&GateStatus> = status.gates.iter().filter(|gate| !is_past(gate)).collect();
    gates.sort_by_key(|gate| rank(gate.state));
    if gates.is_empty() && phase == Phase::Pending {
        reasons.push(Reason {
            gate: "controller".to_owned(),
            state: GateState::NoData,
            detail: "the controller has not looked at it yet".to_owned(),
            who: Some("the controller: is it running?".to_owned()),
            clears_at: None,
            command: None,
        });
    }
    reasons.extend(gates.into_iter().map(|gate| from_gate(gate, now)));
    reasons
}

impl Reason {
    /// Whether it holds the release.
    #[must_use]
    pub(crate) fn holds(&self) -> bool {
        self.state != GateState::Pass
    }
}

const fn rank(state: GateState) -> u8 {
    match state {
        GateState::Fail => 0,
        GateState::NoData => 1,
        GateState::Wait => 2,
        GateState::Pass => 3,
    }
}

fn from_gate(gate: &GateStatus, now: DateTime<Utc>) -> Reason {
    let is_due = gate.state != GateState::Pass && gate.clears_at.is_some_and(|at| at <= now);
    let detail = unlabelled(&gate.name, &gate.detail);
    let detail = if is_due { format!("{detail}; due now") } else { detail.to_owned() };
    Reason {
        gate: gate.name.clone(),
        state: gate.state,
        detail,
        who: gate.cleared_by.clone(),
        clears_at: gate.clears_at,
        command: gate.command.clone(),
    }
}

/// What the phase itself waits for.
fn state(release: &Release, status: &ReleaseStatus) -> Option<Reason> {
    let someone =
        |verb: Verb| format!("someone with {} on environments/{}", verb.as_str(), release.spec.environment);
    let command = |verb: &str| format!("release-cockpit {verb} {}", release.key());
    let reason = |gate: &str, state, detail: String| Reason {
        gate: gate.to_owned(),
        state,
        detail,
        who: None,
        clears_at: None,
        command: None,
    };
    match release.phase() {
        Phase::Paused => {
            let paused = status.paused.as_ref();
            let by = paused.map_or("someone", |paused| paused.by.as_str());
            let why = paused.and_then(|paused| paused.reason.as_deref());
            let detail =
                why.map_or_else(|| format!("paused by {by}"), |why| format!("paused by {by}: {why}"));
            Some(Reason {
                who: Some(someone(Verb::Shift)),
                command: Some(command("resume")),
                ..reason("paused", GateState::Wait, detail)
            })
        }
        Phase::Held => Some(Reason {
            who: Some(format!("{}, or {}, who rolls it back", someone(Verb::Shift), someone(Verb::Rollback))),
            command: Some(command("retry")),
            ..reason("held", GateState::Fail, outcome::message(release).into_owned())
        }),
        Phase::RollingBack => Some(Reason {
            who: Some("the controller, which restores what was changed".to_owned()),
            ..reason("undo", GateState::Wait, outcome::message(release).into_owned())
        }),
        Phase::Verifying => {
            let bake = status.plan.as_ref().and_then(|plan| {
                plan.steps.iter().find_map(|step| match step {
                    PlanStep::Bake(bake) => Some(bake.duration.to_delta()),
                    _ => None,
                })
            });
            let end = status.verifying_since.and_then(|since| since.checked_add_signed(bake?));
            Some(Reason {
                who: Some("time".to_owned()),
                clears_at: end,
                ..reason("watch", GateState::Wait, status.message.clone())
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::Paused;
    use crate::domain::fixtures::{at, release};

    fn gate(name: &str, state: GateState) -> GateStatus {
        GateStatus {
            name: name.into(),
            state,
            detail: format!("{name} says so"),
            cleared_by: Some("someone".into()),
            clears_at: (name == "wait-timer").then(|| at(50)),
            command: (name == "approval").then(|| "release-cockpit approve planera/planera-2".into()),
        }
    }

    fn explained(status: Option<ReleaseStatus>, secs: i64) -> Vec<Reason> {
        let mut release = release("v2");
        release.status = status;
        explain(&release, at(secs))
    }

    #[test]
    fn what_holds_comes_first_and_keeps_its_way_out() {
        let gates = vec![
            gate("policy", GateState::Pass),
            gate("wait-timer", GateState::Wait),
            gate("windows", GateState::NoData),
            gate("approval", GateState::Wait),
            gate("deny-list", GateState::Fail),
        ];
        let status = ReleaseStatus { gates, ..ReleaseStatus::default() };
        let reasons = explained(Some(status.clone()), 10);
        let names: Vec<_> = reasons.iter().map(|reason| reason.gate.as_str()).collect();
        assert_eq!(names, ["deny-list", "windows", "wait-timer", "approval", "policy"]);
        assert_eq!(reasons.iter().filter(|reason| reason.holds()).count(), 4);
        assert_eq!(reasons[2].clears_at, Some(at(50)));
        assert_eq!(reasons[3].command.as_deref(), Some("release-cockpit approve planera/planera-2"));
        assert_eq!(reasons[2].detail, "wait-timer says so");
        assert_eq!(explained(Some(status), 50)[2].detail, "wait-timer says so; due now");
    }

    #[test]
    fn phases_that_wait_for_a_person_say_for_whom() {
        for (phase, gate, command) in [
            (Phase::Paused, "paused", Some("release-cockpit resume planera/planera-2")),
            (Phase::Held, "held", Some("release-cockpit retry planera/planera-2")),
            (Phase::RollingBack, "undo", None),
            (Phase::Verifying, "watch", None),
        ] {
            let paused = Paused {
                by: "carol".into(),
                at: at(0),
                reason: Some("lunch".into()),
                resume_to: Phase::Progressing,
            };
            let status = ReleaseStatus {
                phase,
                message: "said".into(),
                paused: (phase == Phase::Paused).then_some(paused),
                ..ReleaseStatus::default()
            };
            let reasons = explained(Some(status), 10);
            assert_eq!((reasons[0].gate.as_str(), reasons[0].command.as_deref()), (gate, command));
            assert!(reasons[0].holds() && reasons[0].who.is_some());
            let detail = if phase == Phase::Paused { "paused by carol: lunch" } else { "said" };
            assert_eq!(reasons[0].detail, detail);
        }
    }

    #[test]
    fn no_name_is_said_twice_and_no_passed_gate_outlives_its_moment() {
        let mut doubled = gate("errors", GateState::NoData);
        doubled.detail = "errors: errors: 3 of 50 requests".into();
        let gates = vec![doubled, gate("traffic/backend", GateState::Pass)];
        let names = |phase| {
            let status = ReleaseStatus { phase, gates: gates.clone(), ..ReleaseStatus::default() };
            explained(Some(status), 10)
                .into_iter()
                .map(|found| (found.gate, found.detail))
                .collect::<Vec<_>>()
        };
        let errors = ("errors".to_owned(), "3 of 50 requests".to_owned());
        let traffic = ("traffic/backend".to_owned(), "traffic/backend says so".to_owned());
        assert_eq!(names(Phase::Pending), [errors.clone(), traffic]);
        assert_eq!(names(Phase::Progressing), [errors]);
    }

    #[test]
    fn a_held_release_is_not_held_twice() {
        let status = ReleaseStatus {
            phase: Phase::Held,
            message: "held: it fails".into(),
            ..ReleaseStatus::default()
        };
        assert_eq!(explained(Some(status), 10)[0].detail, "it fails");
        let silent = ReleaseStatus { phase: Phase::Held, ..ReleaseStatus::default() };
        assert!(explained(Some(silent), 10)[0].detail.starts_with("no reason recorded"));
    }

    #[test]
    fn an_unseen_release_waits_for_the_controller_and_an_ended_one_for_nothing() {
        let unseen = explained(None, 10);
        assert_eq!((unseen.len(), unseen[0].gate.as_str()), (1, "controller"));
        let ended = ReleaseStatus {
            phase: Phase::Rejected,
            gates: vec![gate("approval", GateState::Wait)],
            ..ReleaseStatus::default()
        };
        assert!(explained(Some(ended), 10).is_empty());
    }
}
