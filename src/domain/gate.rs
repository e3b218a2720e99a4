//! What must be true before a release may change anything, and who can make it so.
//!
//! Owns the verdicts. They are asked for while a release waits, and all of them again at the moment of execution. Must not know how
//! a preflight question is answered (`crate::gate`); an answer that is missing or old holds.

use chrono::{DateTime, TimeDelta, Utc};

use super::approval::Tally;
use super::health::Question;
use super::rollout::Observed;
use super::{freeze, identity, lane, plan, window};
use crate::api::environment::{Environment, Frozen};
use crate::api::release::{
    GateState, GateStatus, OverrideRecord, Phase, Plan, Release, ReleaseKind, ReleaseStatus,
};
use crate::api::stored;

mod checklist;
pub(crate) mod force;
mod names;
mod objective;
mod people;
mod policies;
mod policy;
mod preflight;
mod promotion;
mod routing;
mod source_health;
mod time;

pub(crate) use checklist::{NAME as CHECKLIST, step_items, ticked_since};
pub(crate) use policy::{DENY_LIST, DOWNGRADE, FROZEN, POLICY, ROLLED_BACK};
pub(crate) use promotion::is_itself;

/// Name of the gate of the Environment itself: it exists, and this version understands it.
pub(crate) const ENVIRONMENT: &str = "environment";
/// Name of the gate of people's approvals.
pub(crate) const APPROVAL: &str = "approval";
/// Name of the gate of what break-glass left to review.
pub(crate) const POST_REVIEW: &str = "post-review";
/// Name of the gate of break-glass while too much is left to review.
pub(crate) const BREAK_GLASS: &str = "break-glass";

/// The gates of one release at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Evaluation {
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
    pub(crate) fn passes(&self) -> bool {
        self.fatal.is_none()
            && !self.gates.is_empty()
            && self.gates.iter().all(|gate| gate.state == GateState::Pass)
    }

    /// The gate that speaks for all that hold: a failed one before an unknown one before a waiting one.
    #[must_use]
    pub(crate) fn foremost(&self) -> Option<&GateStatus> {
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
pub(crate) enum Moment {
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
    pub status: &'a ReleaseStatus,
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

    /// The person behind an account.
    pub(super) fn person<'b>(&'b self, account: &'b str) -> &'b str {
        identity::person_in(Some(self.environment), account)
    }

    /// A command on this release.
    pub(super) fn on_release(&self, verb: &str, rest: &str) -> String {
        format!("release-cockpit {verb} {} {rest}", self.release().key()).trim_end().to_owned()
    }

    /// A command on the environment.
    pub(super) fn on_environment(&self, verb: &str, rest: &str) -> String {
        format!("release-cockpit {verb} {} {rest}", self.environment.key()).trim_end().to_owned()
    }

    /// The command that passes a gate by force.
    pub(super) fn by_force(&self, gate: &str) -> String {
        self.on_release("override", &format!("--gate {gate} --until 1h --incident '…' --reason '…'"))
    }
}

/// A word of a shell's command line.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
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

    /// It clears by itself then.
    pub(super) fn clears_at(mut self, at: impl Into<Option<DateTime<Utc>>>) -> Self {
        self.0.clears_at = at.into();
        self
    }

    /// The command that clears it; one that would be cut is left out, since half a command does harm.
    pub(super) fn command(mut self, command: impl Into<String>) -> Self {
        self.0.command = Some(command.into()).filter(|command| command.chars().count() <= 512);
        self
    }
}

/// The verdict of every gate.
///
/// `status` is the release's own so far: its plan, what was ticked and what was passed by force. `tally` is the state of the review,
/// where the environment asks for one.
#[must_use]
pub(crate) fn evaluate(
    observed: &Observed,
    status: &ReleaseStatus,
    tally: Option<&Tally>,
    moment: Moment,
    now: DateTime<Utc>,
) -> Evaluation {
    let mut all = Evaluation::default();
    let Some(environment) = observed.environment.as_ref() else {
        all.push(environment_missing(&observed.release));
        return all;
    };
    if let Some(gate) = not_understood(environment).or_else(|| release_not_understood(&observed.release)) {
        // every other verdict might rest on what is missing
        all.gates.push(gate);
        return all;
    }
    let nothing = Plan::default();
    let plan = status.plan.as_ref().unwrap_or(&nothing);
    let case = Case { observed, environment, plan, status, moment, now };
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
    if let Some(gate) = policies::judge(&case) {
        all.push(gate);
    }
    if let Some(gate) = people::break_glass(&case) {
        all.push(gate);
    }
    let waiver = waiver(&observed.release, now);
    for gate in people_and_time(&case, tally, waiver.is_some()) {
        match waiver.as_ref().filter(|_| gate.0.state != GateState::Pass) {
            Some(why) => all.push(Gate::pass(gate.0.name, format!("waived: {why}"))),
            None => all.push(force::apply(&case, gate)),
        }
    }
    preflight::versions(&case, waiver.is_some(), &mut all);
    if waiver.is_none() {
        objective::ask(&case, &mut all);
        source_health::ask(&case, &mut all);
        preflight::judge(&case, &mut all);
    }
    if observed.release.spec.kind != ReleaseKind::Rollback {
        names::of_workloads(&case, &mut all);
    }
    if waiver.is_none() {
        routing::judge(&case, &mut all);
    } else {
        names::of_second_workloads(&case, &mut all);
    }
    all.push(lane_gate(&case));
    all.gates.extend(
        [policy::downgrade(&case), policy::rolled_back(&case)].into_iter().flatten().map(|gate| gate.0),
    );
    all
}

/// How long after its request an emergency release passes the gates of people and time.
const EMERGENCY: TimeDelta = TimeDelta::hours(1);

/// Why gates of people and time do not hold this release, where they do not: the policies ask for the verb `override` or
/// `rollback` in exchange, and for a reason.
#[must_use]
pub(crate) fn waiver(release: &Release, now: DateTime<Utc>) -> Option<String> {
    if release.spec.kind == ReleaseKind::Rollback {
        return Some("a rollback waits for nobody".to_owned());
    }
    let end = emergency_ends(release).filter(|end| *end > now)?;
    Some(format!("emergency release, until {}", end.format("%Y-%m-%d %H:%M:%SZ")))
}

/// When an emergency release becomes one like any other. Nothing where it is none, or where nobody attests its age.
#[must_use]
pub(crate) fn emergency_ends(release: &Release) -> Option<DateTime<Utc>> {
    let is_emergency = release.spec.emergency == Some(true) && release.spec.kind != ReleaseKind::Rollback;
    release.created_at().filter(|_| is_emergency)?.checked_add_signed(EMERGENCY)
}

/// What still stops a release that has begun: looked at before every further component. Nothing when nothing does.
#[must_use]
pub(crate) fn standing(
    observed: &Observed,
    status: &ReleaseStatus,
    now: DateTime<Utc>,
) -> Option<GateStatus> {
    let Some(environment) = observed.environment.as_ref() else {
        return Some(environment_missing(&observed.release).0);
    };
    let nothing = Plan::default();
    let plan = status.plan.as_ref().unwrap_or(&nothing);
    let case = Case { observed, environment, plan, status, moment: Moment::Executing, now };
    policy::deny_list(&case).map(|gate| gate.0).filter(|gate| gate.state != GateState::Pass)
}

/// The freeze that a release which executes meets now, with the gate that tells of it. Rollbacks and emergencies meet none, nor does
/// a release that began because someone passed this very freeze by force.
#[must_use]
pub(crate) fn freeze_in_flight(
    observed: &Observed,
    status: &ReleaseStatus,
    now: DateTime<Utc>,
) -> Option<(Frozen, GateStatus)> {
    let spec = &observed.release.spec;
    if spec.kind == ReleaseKind::Rollback || spec.emergency == Some(true) {
        return None;
    }
    let environment = observed.environment.as_ref()?;
    let is_forced = |frozen: &Frozen, record: &OverrideRecord| {
        record.gate == policy::FROZEN
            && status.started_at.is_some_and(|started| record.until > started)
            && frozen.at.is_none_or(|at| at <= record.at)
    };
    let mut freezes = policy::freezes(environment, now);
    freezes.retain(|frozen| !status.overrides.iter().any(|record| is_forced(frozen, record)));
    let frozen = freeze::strictest(&freezes)?.clone();
    let nothing = Plan::default();
    let case = Case { observed, environment, plan: &nothing, status, moment: Moment::Executing, now };
    Some((frozen, policy::frozen(&case).0))
}

/// The gate that holds every release of an environment which this version understands in part only; nothing where it understands
/// all of it.
#[must_use]
pub(crate) fn not_understood(environment: &Environment) -> Option<GateStatus> {
    let unknown = stored::unknown(environment)?;
    let name = environment.metadata.name.as_deref().unwrap_or_default();
    let detail = format!("this controller does not understand {unknown} of Environment {name}");
    let gate = Gate::no_data(ENVIRONMENT, detail);
    Some(gate.cleared_by("an upgrade of the controller, or a platform owner who corrects the Environment").0)
}

/// The gate of a release with unknown fields in its spec, which this version would ignore.
fn release_not_understood(release: &Release) -> Option<GateStatus> {
    let unknown = stored::unknown(release)?;
    let detail = format!("this controller does not understand {unknown} of this release");
    Some(
        Gate::no_data(ENVIRONMENT, detail)
            .cleared_by("an upgrade of the controller, or a release without it")
            .0,
    )
}

fn environment_missing(release: &Release) -> Gate {
    let name = &release.spec.environment;
    Gate::fail(ENVIRONMENT, format!("Environment {name} does not exist"))
        .cleared_by(format!("a platform owner creates environments/{name}"))
}

/// Gates that an emergency or a rollback passes.
fn people_and_time(case: &Case<'_>, tally: Option<&Tally>, is_waived: bool) -> Vec<Gate> {
    let mut gates = vec![policy::frozen(case)];
    gates.extend(policy::retired(case));
    gates.extend(objective::readable(case));
    gates.extend(objective::judge(case));
    let spec = &case.environment.spec;
    gates.extend(people::post_review(case));
    gates.extend(people::rejected(case, tally));
    if let Some(rule) = &spec.promotion {
        gates.push(promotion::judge(case, rule));
        gates.extend(source_health::judge(case));
    }
    if !spec.windows.is_empty() {
        gates.push(time::windows(case));
    }
    gates.extend(checklist::judge(case));
    let Some(review) = &spec.approval else { return gates };
    if let Some(timer) = review.wait_timer {
        gates.push(time::wait_timer(case, timer.to_delta()));
    }
    if !review.slots.is_empty() && !is_waived {
        gates.push(people::approval(case, review.prevent_self_approval, tally));
    } else if !review.slots.is_empty() {
        gates.push(Gate::wait(APPROVAL, ""));
    }
    gates
}

fn lane_gate(case: &Case<'_>) -> Gate {
    if case.moment == Moment::Waiting {
        return people::turn(case);
    }
    let (me, others) = (case.release(), &case.observed.others);
    // two of them can only hold the lane when a leader was cut off in between: the later one steps back
    let started = |release: &Release| release.status.as_ref().and_then(|status| status.started_at);
    let rival = lane::holder(me, others)
        .filter(|other| (started(other), lane::order(other)) < (started(me), lane::order(me)));
    match rival {
        Some(_) => people::turn(case),
        None => Gate::pass(lane::GATE, "taken by this release"),
    }
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
