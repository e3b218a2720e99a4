//! Judging actions: compare-and-swap. An action that no longer fits what its author saw is refused with the reason, never applied
//! to a later step.
//!
//! Admission attests who wrote an action, nothing about what it names; everything it claims is compared with the release itself.

use super::rollout::Observed;
use chrono::{DateTime, Utc};

use super::{action_already, action_rule, approval, identity, plan};
use crate::api::Environment;
use crate::api::environment::IdentityRules;
use crate::api::release::{ApprovalRecord, Phase, PlanStep, Release, ReleaseKind, ReleaseStatus};
use crate::api::release_action::{ActionKind, ActionResult, ReleaseAction};
use crate::api::stored;
use crate::api::strategy::{ApprovalStep, Step};

/// What becomes of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Applied or refused.
    pub result: ActionResult,
    /// One sentence.
    pub message: String,
    /// It claimed something that its author must have known to be untrue: worth an alert.
    pub is_suspicious: bool,
}

impl Verdict {
    fn refused(message: impl Into<String>) -> Self {
        Self { result: ActionResult::Refused, message: message.into(), is_suspicious: false }
    }

    fn suspicious(message: impl Into<String>) -> Self {
        Self { is_suspicious: true, ..Self::refused(message) }
    }

    /// Whether it was applied.
    #[must_use]
    pub(crate) fn is_applied(&self) -> bool {
        self.result == ActionResult::Applied
    }
}

/// What is said of an action that was applied; the same whenever it is asked, so that an interrupted write can be made good.
#[must_use]
pub(crate) fn applied(action: &ReleaseAction) -> Verdict {
    let message = match action.spec.action {
        ActionKind::Approve => "approved",
        ActionKind::Withdraw => "taken back: the approval no longer counts",
        ActionKind::Check => "ticked",
        ActionKind::Override => "passed by force, which another person must review afterwards",
        ActionKind::Drive => "at the wheel",
        ActionKind::HandOver => "handed over",
        ActionKind::Reject => "rejected",
        ActionKind::Pause => {
            "paused: no further component is started; pods that are being replaced finish, since the workload itself is not paused"
        }
        ActionKind::Resume => "resumed",
        ActionKind::Abort => "aborted; its changes, if any, are being rolled back",
        ActionKind::Rollback => "rolling back its changes, if any",
        ActionKind::SetWeight => "the weight is shifted",
        ActionKind::Promote => "on to the next step",
        ActionKind::PromoteFull => "on to all weight on the new version",
        ActionKind::Retry => "started again from its present step",
        _ => "carried out",
    };
    Verdict { result: ActionResult::Applied, message: message.into(), is_suspicious: false }
}

/// Judges one action against the release's present status.
#[must_use]
pub(crate) fn judge(
    observed: &Observed,
    status: &ReleaseStatus,
    action: &ReleaseAction,
    now: DateTime<Utc>,
) -> Verdict {
    let refusal = unknown(action)
        .map(Verdict::refused)
        .or_else(|| target(&observed.release, action))
        .or_else(|| expectation(&observed.release, status, action))
        .or_else(|| phase(observed, status, action))
        .or_else(|| match action.spec.action {
            ActionKind::Approve => approve(observed, status, action),
            ActionKind::Withdraw => people::withdraw(observed, status, action),
            ActionKind::Check => people::check(observed, status, action),
            ActionKind::Override => people::force(observed, status, action, now),
            ActionKind::Drive => people::drive(action, now),
            ActionKind::HandOver => people::hand_over(observed, status, action, now),
            ActionKind::SetWeight | ActionKind::Promote | ActionKind::PromoteFull => {
                shift::judge(observed, status, action, now)
            }
            _ => None,
        });
    refusal.unwrap_or_else(|| applied(action))
}

/// Refuses an action that this version decodes only in part. Unknown parts of `spec.evidence` are ignored, and so are unknown fields
/// of actions that stop something.
pub(super) fn unknown(action: &ReleaseAction) -> Option<String> {
    let parts = stored::unknown_parts(action);
    let stops = action_rule::rule(action.spec.action).is_stop();
    let matters =
        |part: &stored::UnknownPart| !(part.path.starts_with("spec.evidence") || stops && part.is_field);
    let part = parts.iter().find(|part| matters(part))?;
    Some(format!(
        "this controller does not understand {part}. Upgrade the controller, or ask again without it"
    ))
}

/// Whether it means this very release.
fn target(release: &Release, action: &ReleaseAction) -> Option<Verdict> {
    let Some(target) = &action.spec.release else {
        return Some(Verdict::refused("it names no release"));
    };
    let name = release.metadata.name.as_deref().unwrap_or_default();
    if target.name != name {
        return Some(Verdict::refused(format!("it names release {}, not {name}", target.name)));
    }
    if release.metadata.uid.as_deref() != Some(target.uid.as_str()) {
        return Some(Verdict::refused(format!(
            "it means another release of the name {name}: the uid differs"
        )));
    }
    if action.spec.environment != release.spec.environment {
        return Some(Verdict::suspicious(format!(
            "it names environment {}, while {name} is for {}",
            action.spec.environment, release.spec.environment
        )));
    }
    match &target.requested_by {
        Some(claimed) if *claimed != release.spec.requested_by => Some(Verdict::suspicious(format!(
            "it names {claimed} as requester, while {name} was requested by {}",
            release.spec.requested_by
        ))),
        _ => None,
    }
}

/// Whether what its author saw is still true.
fn expectation(release: &Release, status: &ReleaseStatus, action: &ReleaseAction) -> Option<Verdict> {
    let expected = action.spec.expected.as_ref()?;
    if let Some(generation) = expected.generation
        && release.metadata.generation.is_some_and(|found| found != generation)
    {
        return Some(Verdict::refused(format!("it expects generation {generation} of the release")));
    }
    if let Some(wanted) = &expected.plan_digest {
        let found = status.plan.as_ref().map_or("", |plan| plan.digest.as_str());
        if wanted != found {
            return Some(Verdict::refused(format!(
                "the plan has changed: its author saw {}, now it is {}",
                short(wanted),
                short(found)
            )));
        }
    }
    let step = expected.step?;
    match &status.step {
        Some(found) if found.index == step => None,
        Some(found) if found.index > step => {
            Some(Verdict::refused(format!("already advanced to step {}", plan::number(found.index))))
        }
        Some(found) => Some(Verdict::refused(format!("still at step {}", plan::number(found.index)))),
        // a client that saw nothing started has no other number to give
        None if step == 0 => None,
        None => Some(Verdict::refused("not started yet")),
    }
}

fn short(digest: &str) -> &str {
    if digest.is_empty() { "nothing" } else { digest.get(..15).unwrap_or(digest) }
}

/// Whether the release is where the action makes sense.
fn phase(observed: &Observed, status: &ReleaseStatus, action: &ReleaseAction) -> Option<Verdict> {
    let phase = status.phase;
    match rollouts::judge(observed, status, action) {
        rollouts::Say::None => {}
        rollouts::Say::Fits => return None,
        rollouts::Say::Against(verdict) => return Some(verdict),
    }
    match action.spec.action {
        ActionKind::Withdraw if phase.holds_lane() => {
            return Some(Verdict::refused(
                "execution has begun: an approval can no longer be taken back, but the release aborted",
            ));
        }
        ActionKind::Rollback if observed.release.spec.kind == ReleaseKind::Rollback => {
            return Some(Verdict::refused(rollback_of_a_rollback(&observed.release, status)));
        }
        ActionKind::Rollback if phase == Phase::Succeeded => return rollback_of_the_past(observed, status),
        ActionKind::Start => {
            return Some(Verdict::refused(if phase == Phase::Pending {
                "no start is needed: it begins by itself as soon as its gates pass".to_owned()
            } else {
                format!("it is already {phase}")
            }));
        }
        other if action_rule::rule(other).phases.is_empty() => {
            return Some(Verdict::refused(format!("{other} is not carried out by this version")));
        }
        _ => {}
    }
    if action_rule::fits(action.spec.action, &observed.release, status) {
        return None;
    }
    let kind = action.spec.action;
    if let Some(done) = action_already::done(kind, &observed.release.spec.version, status) {
        return Some(Verdict::refused(done));
    }
    Some(Verdict::refused(match phase {
        Phase::Pending => format!("{kind} does not fit: it has not started"),
        Phase::RollingBack => format!("{kind} does not fit: it is already being rolled back"),
        phase if phase.is_final() => format!("{kind} does not fit: it has already ended as {phase}"),
        phase => format!("{kind} does not fit: it is {phase}"),
    }))
}

/// What a step waits for is said after it began; the server keeps whole seconds. Nothing where that is so, or where no step waits.
fn too_early(status: &ReleaseStatus, action: &ReleaseAction) -> Option<Verdict> {
    let step = status.step.as_ref().filter(|_| status.phase != Phase::Pending)?;
    let is_early = action.created_at().is_none_or(|at| at.timestamp() < step.started_at.timestamp());
    is_early.then(|| Verdict::refused(format!("it was given before step {} began", plan::number(step.index))))
}

/// Undoing a rollback would bring the version back that somebody has just left: two people who roll back mean the same thing.
fn rollback_of_a_rollback(release: &Release, status: &ReleaseStatus) -> String {
    let (version, by) = (&release.spec.version, &release.spec.requested_by);
    if status.phase.is_final() {
        return format!(
            "this release is {by}'s rollback to {version}, which has ended as {}: roll back to an older version, or deploy the newer one again",
            status.phase
        );
    }
    format!(
        "{by} is already rolling back to {version} with this release; abort it to return to the version before"
    )
}

/// A finished release can be rolled back while nothing later has touched the environment and nothing executes there.
fn rollback_of_the_past(observed: &Observed, status: &ReleaseStatus) -> Option<Verdict> {
    let me = &observed.release;
    let later = observed.others.iter().find(|other| {
        let started = other.status.as_ref().and_then(|status| status.started_at);
        let put_back = matches!(other.phase(), Phase::RolledBack | Phase::Aborted);
        other.spec.environment == me.spec.environment
            && other.metadata.uid != me.metadata.uid
            && !put_back
            && (started > status.started_at || other.phase().holds_lane())
    });
    if let Some(other) = later {
        let name = other.metadata.name.as_deref().unwrap_or_default();
        return Some(Verdict::refused(format!(
            "{name} came later: roll that one back, or deploy the version wanted"
        )));
    }
    status.before.is_empty().then(|| Verdict::refused("nothing is recorded that it could go back to"))
}

/// The approval that a release which executes waits for, with the index of its step.
fn step_of_approval(status: &ReleaseStatus) -> Option<(i32, &ApprovalStep)> {
    match plan::present(status).filter(|_| status.phase != Phase::Pending)? {
        (index, PlanStep::Canary(Step::Approval(step))) => Some((index, step)),
        _ => None,
    }
}

fn approve(observed: &Observed, status: &ReleaseStatus, action: &ReleaseAction) -> Option<Verdict> {
    let Some(environment) = &observed.environment else {
        return Some(Verdict::refused("the Environment does not exist"));
    };
    let policy = environment.spec.approval.as_ref().filter(|policy| !policy.slots.is_empty());
    let Some(policy) = policy else {
        return Some(Verdict::refused("this environment asks for no approval"));
    };
    let actor = &action.spec.actor;
    let rule = environment.spec.identity.as_ref();
    let requester = &observed.release.spec.requested_by;
    if policy.prevent_self_approval && identity::is_same(rule, actor, requester) {
        let who = called(rule, actor);
        return Some(Verdict::suspicious(format!("{who} requested this release and may not approve it")));
    }
    let named = action.spec.slots.as_deref().unwrap_or_default();
    let slots = approval::slots_of(policy, action);
    if let Some(missing) =
        named.iter().find(|n| !slots.iter().any(|s| s.name == n.name && s.group == n.group))
    {
        let group = missing.group.as_deref().map_or(String::new(), |group| format!(" for group {group}"));
        return Some(Verdict::refused(format!(
            "this environment has no approval slot {}{group}",
            missing.name
        )));
    }
    if let Some(early) = too_early(status, action) {
        return Some(early);
    }
    let at_step = step_of_approval(status);
    let asked = at_step.map(|(_, step)| approval::policy_of_step(policy, step));
    let slots = asked.as_ref().map_or(slots, |asked| approval::slots_of(asked, action));
    if slots.is_empty() && at_step.is_some() {
        return Some(Verdict::refused("it fills no slot that this step asks for"));
    }
    if slots.is_empty() {
        return Some(Verdict::refused("it names no slot, and every slot here belongs to a group"));
    }
    let seen = action.spec.expected.as_ref().and_then(|expected| expected.plan_digest.as_ref());
    if seen.is_none() {
        return Some(Verdict::refused("it does not say which plan it approves"));
    }
    let wanted: Vec<&str> = slots.iter().map(|slot| slot.name.as_str()).collect();
    let at_step = at_step.map(|(index, _)| index);
    let said = status.approvals.iter().filter(|record| record.step == at_step);
    already(environment, said, actor, &wanted)
}

/// A person approves a plan once, with whatever account and for whatever slots: who means it otherwise takes the first one back.
fn already<'a>(
    environment: &Environment,
    mut said: impl Iterator<Item = &'a ApprovalRecord>,
    actor: &str,
    wanted: &[&str],
) -> Option<Verdict> {
    let is_theirs = |record: &&ApprovalRecord| {
        approval::stands(environment, record) && identity::is_same_in(Some(environment), &record.actor, actor)
    };
    let record = said.find(is_theirs)?;
    let who = called(environment.spec.identity.as_ref(), actor);
    let covers = wanted.iter().all(|slot| record.slots.iter().any(|filled| filled == slot));
    Some(Verdict::refused(if covers {
        format!("{who} has already approved this plan")
    } else {
        format!(
            "{who} has already approved this plan, for {}: take that back first, to approve for {}",
            record.slots.join(", "),
            wanted.join(", ")
        )
    }))
}

/// The account, with the person behind it where that is another name.
fn called(rule: Option<&IdentityRules>, account: &str) -> String {
    let person = identity::person(rule, account);
    if person == account { account.to_owned() } else { format!("{account} (who is {person})") }
}

mod people;
mod rollouts;
mod shift;

pub(crate) use shift::{no_next_step, no_way_to_the_end};

#[cfg(test)]
mod tests;
