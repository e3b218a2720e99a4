//! Actions on a release, and the slots that a person can fill.

use super::name::{object_name, short_hash};
use super::{Act, Author, IntentError, check};
use crate::api::release_action::{Expected, FilledSlot, ReleaseActionSpec, ReleaseRef};
use crate::api::{ActionKind, Environment, Release, ReleaseAction};
use crate::domain::action_rule::rule;
use crate::domain::identity;

/// An action on a release: compare-and-swap on what its author saw of it.
///
/// Approvals name the slots that the author's groups let them fill. Approve, Check and Reject are bound to the plan; steps to the
/// step that was seen (0 while execution has not begun); Abort and Rollback to the object alone, since they must never come too late.
///
/// Only an approval needs the Environment; stopping a release does not.
pub(crate) fn action(
    release: &Release,
    environment: Option<&Environment>,
    kind: ActionKind,
    author: Author<'_>,
    (act, nonce): (&Act, &str),
) -> Result<ReleaseAction, IntentError> {
    let name = release.metadata.name.clone().unwrap_or_default();
    check_state(release, kind)?;
    check(kind, act)?;
    let slots = match kind {
        ActionKind::Approve => {
            let missing = || IntentError::NoEnvironment(release.environment_key().to_string());
            Some(fillable_slots(release, environment.ok_or_else(missing)?, author)?)
        }
        _ => None,
    };
    let status = release.status.as_ref();
    let plan_digest = status.and_then(|status| status.plan.as_ref()).map(|plan| plan.digest.clone());
    let bound_to_plan = matches!(kind, ActionKind::Approve | ActionKind::Check);
    if bound_to_plan && plan_digest.is_none() {
        return Err(IntentError::NoPlan(name));
    }
    let step = status.and_then(|status| status.step.as_ref()).map_or(0, |step| step.index);
    let bound_to_step = matches!(
        kind,
        ActionKind::Pause
            | ActionKind::Resume
            | ActionKind::SetWeight
            | ActionKind::Promote
            | ActionKind::PromoteFull
            | ActionKind::Retry
    );
    let expected = Expected {
        generation: release.metadata.generation,
        step: bound_to_step.then_some(step),
        plan_digest: plan_digest.filter(|_| bound_to_plan),
    };
    let uid = release.metadata.uid.clone().unwrap_or_default();
    let seen_step = step.to_string();
    let hash = short_hash(&[&uid, kind.as_str(), &seen_step, author.user, nonce]);
    let mut action = ReleaseAction::new(
        &object_name(&name, &kind.as_str().to_ascii_lowercase(), &hash),
        ReleaseActionSpec {
            environment: release.spec.environment.clone(),
            release: Some(ReleaseRef { name, uid, requested_by: Some(release.spec.requested_by.clone()) }),
            action: kind,
            parameters: act.sent_parameters(),
            expected: Some(expected),
            actor: author.user.to_owned(),
            slots,
            reason: act.reason.clone(),
            evidence: act.evidence.clone(),
        },
    );
    action.metadata.namespace.clone_from(&release.metadata.namespace);
    Ok(action)
}

/// The slots of the environment's approval that this person can fill, in the environment's order.
#[must_use]
pub(crate) fn slots_for(environment: &Environment, groups: &[Box<str>]) -> Vec<FilledSlot> {
    let slots =
        environment.spec.approval.as_ref().map(|approval| approval.slots.as_slice()).unwrap_or_default();
    slots
        .iter()
        .filter(|slot| slot.group.as_deref().is_none_or(|group| groups.iter().any(|mine| &**mine == group)))
        .take(8)
        .map(|slot| FilledSlot { name: slot.name.clone(), group: slot.group.clone() })
        .collect()
}

fn fillable_slots(
    release: &Release,
    environment: &Environment,
    author: Author<'_>,
) -> Result<Vec<FilledSlot>, IntentError> {
    let name = environment.metadata.name.clone().unwrap_or_default();
    let Some(approval) = environment.spec.approval.as_ref().filter(|approval| !approval.slots.is_empty())
    else {
        return Err(IntentError::NoApprovalNeeded(name));
    };
    let is_own = identity::is_same_in(Some(environment), &release.spec.requested_by, author.user);
    if approval.prevent_self_approval && is_own {
        return Err(IntentError::SelfApproval {
            user: author.user.to_owned(),
            release: release.metadata.name.clone().unwrap_or_default(),
        });
    }
    let slots = slots_for(environment, author.groups);
    if slots.is_empty() {
        let groups: Vec<&str> = approval.slots.iter().filter_map(|slot| slot.group.as_deref()).collect();
        return Err(IntentError::NoSlot {
            user: author.user.to_owned(),
            environment: name,
            groups: groups.join(", "),
        });
    }
    Ok(slots)
}

/// A final release can only be rolled back, and only when it changed something.
fn check_state(release: &Release, kind: ActionKind) -> Result<(), IntentError> {
    let phase = release.phase();
    if phase.is_final() && !rule(kind).phases.contains(&phase) {
        return Err(IntentError::Ended {
            release: release.metadata.name.clone().unwrap_or_default(),
            phase,
            action: kind.as_str().to_ascii_lowercase(),
        });
    }
    Ok(())
}

pub(super) fn check_reason(kind: ActionKind, reason: Option<&str>) -> Result<(), IntentError> {
    let needed = needs_reason(kind);
    if needed && reason.is_none_or(|reason| reason.trim().chars().count() < 3) {
        return Err(IntentError::ReasonMissing(rule(kind).button.to_lowercase(), 3));
    }
    Ok(())
}

/// Whether the API server refuses this action without a reason.
#[must_use]
pub(super) const fn needs_reason(kind: ActionKind) -> bool {
    rule(kind).needs_reason
}
