//! What people do around a release rather than to it: take back an approval, tick an item, break the glass, take the wheel.
//!
//! Each function says why not; nothing when nothing stands against it.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Verdict, called};
use crate::api::environment::IdentityRules;
use crate::api::release::{ApprovalRecord, GateState, Phase, PlanStep, ReleaseStatus};
use crate::api::release_action::{ActionKind, ActionResult, Parameters, ReleaseAction};
use crate::api::strategy::Step;
use crate::domain::gate::{self, force};
use crate::domain::rollout::Observed;
use crate::domain::span;
use crate::domain::{approval, attested, debt, driver, identity, plan};

/// How far the clock of a client may be ahead of the server's.
const SLACK: TimeDelta = TimeDelta::minutes(1);

fn rule(observed: &Observed) -> Option<&IdentityRules> {
    observed.environment.as_ref().and_then(|environment| environment.spec.identity.as_ref())
}

/// What nobody attests is nobody's, and does not count.
fn attested(observed: &Observed, action: &ReleaseAction) -> Option<Verdict> {
    let attests = |environment| attested::is_attested(environment, action.created_at());
    (!observed.environment.as_ref().is_some_and(attests)).then(|| {
        Verdict::refused("the admission policies were not in force: nobody attests who its author is")
    })
}

fn parameters(action: &ReleaseAction) -> Parameters {
    action.spec.parameters.clone().unwrap_or_default()
}

/// Only one's own approval of the present plan, while it stands.
pub(super) fn withdraw(
    observed: &Observed,
    status: &ReleaseStatus,
    action: &ReleaseAction,
) -> Option<Verdict> {
    let rule = rule(observed);
    let actor = &action.spec.actor;
    let stands = |record: &ApprovalRecord| {
        observed.environment.as_ref().is_some_and(|environment| approval::stands(environment, record))
    };
    let counts =
        status.approvals.iter().any(|record| stands(record) && identity::is_same(rule, &record.actor, actor));
    // a record that was crowded out may still count: the person's own action tells of it
    let is_crowded = || {
        status.approvals.len() >= approval::RECORDS
            && observed.actions.iter().any(|given| {
                given.spec.action == ActionKind::Approve
                    && given
                        .status
                        .as_ref()
                        .is_some_and(|judged| judged.result == Some(ActionResult::Applied))
                    && given.spec.release.as_ref().map(|release| &release.uid)
                        == observed.release.metadata.uid.as_ref()
                    && identity::is_same(rule, &given.spec.actor, actor)
            })
    };
    (!counts && !is_crowded()).then(|| {
        Verdict::refused(format!("{} has no approval of this plan that counts", called(rule, actor)))
    })
}

/// An item of the environment's checklist that is not ticked yet, by someone who saw the present plan.
pub(super) fn check(observed: &Observed, status: &ReleaseStatus, action: &ReleaseAction) -> Option<Verdict> {
    let gates = observed.environment.as_ref().and_then(|environment| environment.spec.gates.as_ref());
    let item = parameters(action).item.unwrap_or_default();
    let step = match plan::present(status).filter(|_| status.phase != Phase::Pending) {
        Some((_, PlanStep::Canary(Step::Checklist(step)))) => Some(step),
        _ => None,
    };
    let items = match step {
        Some(step) => gate::step_items(observed.environment.as_ref(), step),
        None => gates.map(|gates| gates.checklist.clone()).unwrap_or_default(),
    };
    if !items.contains(&item) {
        let whose = if step.is_some() { "step" } else { "environment" };
        return Some(Verdict::refused(format!("this {whose}'s checklist has no item `{item}`")));
    }
    if action.spec.expected.as_ref().and_then(|expected| expected.plan_digest.as_ref()).is_none() {
        return Some(Verdict::refused("it does not say for which plan it ticks the item"));
    }
    let since = status.step.as_ref().filter(|_| step.is_some()).map(|step| step.started_at);
    if let Some(early) = super::too_early(status, action) {
        return Some(early);
    }
    if let Some(check) = gate::ticked_since(status, &item, since.unwrap_or(DateTime::UNIX_EPOCH)) {
        return Some(Verdict::refused(format!("`{item}` is ticked already, by {}", check.by)));
    }
    attested(observed, action)
}

/// A gate that holds this release and may be passed by force, for a short time.
pub(super) fn force(
    observed: &Observed,
    status: &ReleaseStatus,
    action: &ReleaseAction,
    now: DateTime<Utc>,
) -> Option<Verdict> {
    let given = parameters(action);
    let name = given.gate.unwrap_or_default();
    let refused = |why: String| Some(Verdict::refused(why));
    let is_blank = |text: Option<&str>| text.is_none_or(|text| text.trim().is_empty());
    if is_blank(given.incident.as_deref()) || is_blank(action.spec.reason.as_deref()) {
        return refused("it names no incident and reason: break-glass needs both".to_owned());
    }
    if !force::may_be_forced(&name) {
        return refused(format!("gate {name} cannot be passed by force"));
    }
    let debts = observed.environment.iter().filter_map(|environment| environment.status.as_ref());
    if debts.map(|status| status.debts.len()).sum::<usize>() >= debt::MOST {
        return refused(format!("{} debts wait for a review: review them first", debt::MOST));
    }
    let Some(gate) = status.gates.iter().find(|gate| gate.name == name) else {
        return refused(format!("this release has no gate {name}"));
    };
    if let Some(record) = force::current(status, &name, now) {
        return refused(format!("{} has passed gate {name} by force already", record.by));
    }
    if gate.state == GateState::Pass {
        return refused(format!("gate {name} passes: nothing is to be forced"));
    }
    ends(given.until, action, force::LONGEST, now).or_else(|| attested(observed, action))
}

/// A claim of the wheel, for a working day at most. That another one holds it forbids nothing.
pub(super) fn drive(action: &ReleaseAction, now: DateTime<Utc>) -> Option<Verdict> {
    ends(parameters(action).until, action, driver::LONGEST, now)
}

/// Only who drives leaves the wheel, or anybody once the claim has ended.
pub(super) fn hand_over(
    observed: &Observed,
    status: &ReleaseStatus,
    action: &ReleaseAction,
    now: DateTime<Utc>,
) -> Option<Verdict> {
    let last = status.driver.as_ref().filter(|last| !last.by.is_empty());
    let Some(last) = last else { return Some(Verdict::refused("nobody drives this release")) };
    let is_theirs = identity::is_same(rule(observed), &last.by, &action.spec.actor);
    let holds = driver::current(status, now).is_some();
    (holds && !is_theirs)
        .then(|| Verdict::refused(format!("{} drives this release: take over, or ask them", last.by)))
}

/// Whether something ends in time: ahead, and no further than `longest` from when the server accepted it.
fn ends(
    until: Option<DateTime<Utc>>,
    action: &ReleaseAction,
    longest: TimeDelta,
    now: DateTime<Utc>,
) -> Option<Verdict> {
    let Some(until) = until else { return Some(Verdict::refused("it does not say when it ends")) };
    if until <= now {
        return Some(Verdict::refused("it ends before it begins"));
    }
    let begins = action.created_at().unwrap_or(now);
    (until.signed_duration_since(begins) > span::sum(longest, SLACK))
        .then(|| Verdict::refused(format!("it may last {} hours at most", longest.num_hours())))
}
