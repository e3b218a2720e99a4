//! What must be true before a release may change anything, and who can make it so.
//!
//! Owns the verdicts. They are asked for while a release waits, and all of them again at the moment of execution. Must not know how
//! a preflight question is answered (`crate::gate`); an answer that is missing or old holds.

use chrono::{DateTime, TimeDelta, Utc};

use super::approval::Tally;
use super::health::Question;
use super::lane;
use super::plan;
use super::rollout::Observed;
use crate::api::environment::Environment;
use crate::api::release::{GateState, GateStatus, Phase, Plan, Release, ReleaseKind};

mod policy;
mod preflight;
mod promotion;

/// Name of the gate of people's approvals.
pub const APPROVAL: &str = "approval";

/// The gates of one release at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Every gate that this environment has for this release.
    pub gates: Vec<GateStatus>,
    /// Set when no waiting helps: the phase to end in, and why.
    pub fatal: Option<(Phase, String)>,
    /// Questions that must be asked (again).
    pub questions: Vec<(String, Question)>,
}

impl Evaluation {
    /// Whether the release may execute.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.fatal.is_none()
            && !self.gates.is_empty()
            && self.gates.iter().all(|gate| gate.state == GateState::Pass)
    }

    /// The gate that speaks for all that hold: a failed one before an unknown one before a waiting one.
    #[must_use]
    pub fn foremost(&self) -> Option<&GateStatus> {
        let rank = |state| match state {
            GateState::Fail => 0,
            GateState::NoData => 1,
            GateState::Wait => 2,
            GateState::Pass => 3,
        };
        self.gates.iter().filter(|gate| gate.state != GateState::Pass).min_by_key(|gate| rank(gate.state))
    }

    fn push(&mut self, gate: Gate) {
        self.gates.push(gate.0);
    }
}

/// When gates are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The release waits.
    Waiting,
    /// The release holds the lane and is about to change the first workload.
    Executing,
}

/// One evaluation's inputs.
pub(super) struct Case<'a> {
    pub observed: &'a Observed,
    pub environment: &'a Environment,
    pub plan: &'a Plan,
    pub moment: Moment,
    pub now: DateTime<Utc>,
}

impl Case<'_> {
    pub(super) fn release(&self) -> &Release {
        &self.observed.release
    }

    /// `someone with VERB on environments/NAME`.
    pub(super) fn someone_with(&self, verb: &str) -> String {
        format!("someone with {verb} on environments/{}", self.release().spec.environment)
    }
}

/// A gate under construction.
pub(super) struct Gate(GateStatus);

impl Gate {
    pub(super) fn new(name: impl Into<String>, state: GateState, detail: impl Into<String>) -> Self {
        let detail = super::timeline::cut(detail.into(), 512);
        Self(GateStatus { name: name.into(), state, detail, ..GateStatus::default() })
    }

    pub(super) fn pass(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(name, GateState::Pass, detail)
    }

    pub(super) fn wait(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(name, GateState::Wait, detail)
    }

    pub(super) fn fail(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(name, GateState::Fail, detail)
    }

    pub(super) fn no_data(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(name, GateState::NoData, detail)
    }

    pub(super) fn cleared_by(mut self, who: impl Into<String>) -> Self {
        self.0.cleared_by = Some(super::timeline::cut(who.into(), 256));
        self
    }
}

/// The verdict of every gate.
///
/// `tally` is the state of the review, where the environment asks for one.
#[must_use]
pub fn evaluate(
    observed: &Observed,
    plan: &Plan,
    tally: Option<&Tally>,
    moment: Moment,
    now: DateTime<Utc>,
) -> Evaluation {
    let mut all = Evaluation::default();
    let Some(environment) = observed.environment.as_ref() else {
        all.push(environment_missing(&observed.release));
        return all;
    };
    let case = Case { observed, environment, plan, moment, now };
    match policy::judge(&case) {
        Ok(gate) => all.push(gate),
        Err((phase, why)) => {
            all.push(Gate::fail("policy", why.clone()));
            all.fatal = Some((phase, why));
            return all;
        }
    }
    all.push(policy::workloads(&case));
    if let Some(gate) = policy::deny_list(&case) {
        all.push(gate);
    }
    let waiver = waiver(&observed.release);
    for (gate, may_be_waived) in people_and_time(&case, tally, waiver.is_some()) {
        match waiver.filter(|_| may_be_waived && gate.0.state != GateState::Pass) {
            Some(why) => all.push(Gate::pass(gate.0.name, format!("waived: {why}"))),
            None => all.push(gate),
        }
    }
    if waiver.is_none() {
        preflight::judge(&case, &mut all);
    }
    all.push(lane_gate(&case));
    all
}

/// Why gates of people and time do not hold this release, where they do not: the policies ask for the verb `override` or
/// `rollback` in exchange, and for a reason.
#[must_use]
pub fn waiver(release: &Release) -> Option<&'static str> {
    if release.spec.kind == ReleaseKind::Rollback {
        Some("a rollback waits for nobody")
    } else if release.spec.emergency == Some(true) {
        Some("emergency release")
    } else {
        None
    }
}

/// What still stops a release that has begun: looked at before every further component. Nothing when nothing does.
#[must_use]
pub fn standing(observed: &Observed, plan: &Plan, now: DateTime<Utc>) -> Option<GateStatus> {
    let Some(environment) = observed.environment.as_ref() else {
        return Some(environment_missing(&observed.release).0);
    };
    let case = Case { observed, environment, plan, moment: Moment::Executing, now };
    let denied = policy::deny_list(&case);
    let frozen = waiver(&observed.release).is_none().then(|| policy::frozen(&case));
    denied.into_iter().chain(frozen).map(|gate| gate.0).find(|gate| gate.state != GateState::Pass)
}

fn environment_missing(release: &Release) -> Gate {
    let name = &release.spec.environment;
    Gate::fail("environment", format!("Environment {name} does not exist"))
        .cleared_by(format!("a platform owner creates environments/{name}"))
}

/// Gates with whether an emergency or a rollback passes them.
fn people_and_time(case: &Case<'_>, tally: Option<&Tally>, is_waived: bool) -> Vec<(Gate, bool)> {
    let mut gates = vec![(policy::frozen(case), true)];
    let spec = &case.environment.spec;
    if let Some(rule) = &spec.promotion {
        gates.push((promotion::judge(case, rule), true));
    }
    if !spec.windows.is_empty() {
        let detail = "windows are not yet judged by this version, so that nothing starts";
        gates.push((
            Gate::no_data("windows", detail)
                .cleared_by(case.someone_with("override") + ", by an emergency release"),
            true,
        ));
    }
    if spec.gates.as_ref().is_some_and(|gates| !gates.checklist.is_empty()) {
        let detail = "the checklist is not yet judged by this version, so that nothing starts";
        gates.push((
            Gate::no_data("checklist", detail)
                .cleared_by(case.someone_with("override") + ", by an emergency release"),
            true,
        ));
    }
    let Some(review) = &spec.approval else { return gates };
    if let Some(timer) = review.wait_timer {
        gates.push((wait_timer(case, timer.to_delta()), true));
    }
    if !review.slots.is_empty() && !is_waived {
        gates.push((approval(case, review.prevent_self_approval, tally), true));
    } else if !review.slots.is_empty() {
        gates.push((Gate::wait(APPROVAL, ""), true));
    }
    gates
}

fn wait_timer(case: &Case<'_>, timer: TimeDelta) -> Gate {
    let Some(end) = case.release().created_at().and_then(|at| at.checked_add_signed(timer)) else {
        return Gate::no_data("wait-timer", "the time of the request is unknown");
    };
    if end <= case.now {
        Gate::pass("wait-timer", format!("over since {}", end.format("%H:%M:%SZ")))
    } else {
        Gate::wait("wait-timer", format!("waits until {}", end.format("%Y-%m-%d %H:%M:%SZ")))
            .cleared_by("time")
    }
}

fn approval(case: &Case<'_>, no_self_approval: bool, tally: Option<&Tally>) -> Gate {
    let Some(tally) = tally else { return Gate::no_data(APPROVAL, "approvals are not counted yet") };
    let (taken, needed) = tally.count();
    if tally.is_enough() {
        return Gate::pass(APPROVAL, format!("{taken} of {needed} people"));
    }
    let missing = tally.missing().join(", ");
    let mut who = case.someone_with("approve");
    if no_self_approval {
        who = format!("{who}, not {}", case.release().spec.requested_by);
    }
    Gate::wait(APPROVAL, format!("{taken} of {needed} people; open: {missing}")).cleared_by(who)
}

fn lane_gate(case: &Case<'_>) -> Gate {
    let me = case.release();
    let others = &case.observed.others;
    if case.moment == Moment::Executing {
        // two of them can only hold the lane when a leader was cut off in between: the later one steps back
        let started = |release: &Release| release.status.as_ref().and_then(|status| status.started_at);
        let rival = lane::holder(me, others)
            .filter(|other| (started(other), lane::order(other)) < (started(me), lane::order(me)));
        return match rival {
            Some(other) => taken(other.metadata.name.as_deref().unwrap_or_default()),
            None => Gate::pass(lane::GATE, "taken by this release"),
        };
    }
    match lane::turn(me, others) {
        lane::Turn::Free => Gate::pass(lane::GATE, "free"),
        lane::Turn::Taken(name) => taken(&name),
        lane::Turn::Behind(name) => {
            Gate::wait(lane::GATE, format!("{name} is older, ready as well, and goes first"))
                .cleared_by(format!("the end of {name}"))
        }
    }
}

fn taken(name: &str) -> Gate {
    Gate::wait(lane::GATE, format!("{name} is being executed")).cleared_by(format!("the end of {name}"))
}

/// Targets of the plan's components, with the environment's own description of each.
pub(super) fn targets<'a>(
    case: &'a Case<'a>,
) -> impl Iterator<Item = (&'a crate::api::environment::Component, &'a str)> + 'a {
    case.environment.spec.components.iter().filter_map(move |component| {
        plan::target(case.release(), &component.name).map(|image| (component, image))
    })
}

#[cfg(test)]
mod tests;
