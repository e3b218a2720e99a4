//! Which releases wait for something that we can do.

use crate::api::release::{ApprovalRecord, GateState, PlanStep};
use crate::api::strategy::{ChecklistStep, Step};
use crate::api::{Environment, EnvironmentKey, Phase, Release, Verb};
use crate::app::state::cluster_state::{ClusterState, CurrentUser};
use crate::app::steps;
use crate::domain::{self, approval, intent};

/// The author of what the controller does by itself.
const CONTROLLER: &str = "controller";

/// Whether we hold that permission there, as far as the server has told.
pub(super) fn may(cluster: &ClusterState, key: &EnvironmentKey, verb: Verb) -> bool {
    cluster.permissions.get(key).is_some_and(|verbs| verbs.contains(&verb))
}

/// Whether this release waits for something that we may do: our approval, an item of the checklist, or a decision on a failed or
/// stopped rollout.
pub(super) fn needs_me(cluster: &ClusterState, release: &Release) -> bool {
    let environment = cluster.environments.get(&release.environment_key());
    needs_my_decision(cluster, release)
        || environment.is_some_and(|environment| {
            needs_my_approval(cluster, environment, release)
                || !checks_for_me(cluster, environment, release).is_empty()
        })
}

/// Whether our approval is missing, would count, and is ours to give.
pub(super) fn needs_my_approval(
    cluster: &ClusterState,
    environment: &Environment,
    release: &Release,
) -> bool {
    waits_for_approval(release)
        && may(cluster, &environment.key(), Verb::Approve)
        && why_not_approve(cluster, environment, release).is_none()
}

/// The items of the checklist that we may tick.
pub(super) fn checks_for_me<'a>(
    cluster: &ClusterState,
    environment: &'a Environment,
    release: &'a Release,
) -> Vec<&'a str> {
    if waits_for_checks(release) && may(cluster, &environment.key(), Verb::Approve) {
        unticked(environment, release)
    } else {
        Vec::new()
    }
}

/// Whether a failed or stopped rollout waits for a decision that we may take.
pub(super) fn needs_my_decision(cluster: &ClusterState, release: &Release) -> bool {
    let key = release.environment_key();
    match release.phase() {
        Phase::Held => may(cluster, &key, Verb::Shift) || may(cluster, &key, Verb::Rollback),
        // nobody else feels called to resume what no person has paused
        Phase::Paused => stopped_by_plan(release) && may(cluster, &key, Verb::Shift),
        _ => false,
    }
}

fn stopped_by_plan(release: &Release) -> bool {
    let paused = release.status.as_ref().and_then(|status| status.paused.as_ref());
    paused.is_none_or(|paused| paused.by == CONTROLLER)
}

/// Whether a release is for that environment; a key is not built for it, since every release is asked for every environment.
pub(super) fn is_into(release: &Release, key: &EnvironmentKey) -> bool {
    release.metadata.namespace.as_deref() == Some(&*key.namespace) && *release.spec.environment == *key.name
}

/// Approval is among the gates that are still shut: before it begins, or at a step in its middle.
pub(super) fn waits_for_approval(release: &Release) -> bool {
    let gates = release.status.as_ref().map(|status| status.gates.as_slice()).unwrap_or_default();
    let shut = gates.iter().any(|gate| gate.name == "approval" && gate.state != GateState::Pass);
    shut && (release.phase() == Phase::Pending || approval_step(release).is_some())
}

/// It waits for items of a checklist: before it begins, or at a step in its middle.
pub(super) fn waits_for_checks(release: &Release) -> bool {
    match release.phase() {
        Phase::Pending => release.status.as_ref().is_some_and(|status| status.plan.is_some()),
        _ => checklist_step(release).is_some(),
    }
}

/// Index of the present step, where it asks for an approval in the middle of the rollout.
fn approval_step(release: &Release) -> Option<i32> {
    match step_of_people(release)? {
        (index, Step::Approval(_)) => Some(index),
        _ => None,
    }
}

/// The present step, where it asks for a checklist in the middle of the rollout.
fn checklist_step(release: &Release) -> Option<&ChecklistStep> {
    match step_of_people(release)? {
        (_, Step::Checklist(step)) => Some(step),
        _ => None,
    }
}

fn step_of_people(release: &Release) -> Option<(i32, &Step)> {
    let index = release.status.as_ref()?.step.as_ref()?.index;
    match steps::current(release).filter(|_| matches!(release.phase(), Phase::Progressing | Phase::Paused))? {
        PlanStep::Canary(step) => Some((index, step)),
        _ => None,
    }
}

/// Why our approval would not count, whatever we may do by RBAC.
pub(super) fn why_not_approve(
    cluster: &ClusterState,
    environment: &Environment,
    release: &Release,
) -> Option<String> {
    let Some(identity) = &cluster.identity else { return Some("not connected yet".to_owned()) };
    let Some(approval) = &environment.spec.approval else {
        return Some("this environment asks for no approval".to_owned());
    };
    if approval.prevent_self_approval && is_me(environment, identity, &release.spec.requested_by) {
        return Some("you asked for it: someone else must approve".to_owned());
    }
    let records = release.status.as_ref().map(|status| status.approvals.as_slice()).unwrap_or_default();
    let asked = approval_step(release);
    let given = |r: &&ApprovalRecord| r.step == asked && approval::stands(environment, r);
    if records.iter().filter(given).any(|r| is_me(environment, identity, &r.actor)) {
        return Some("you have approved it already".to_owned());
    }
    if intent::slots_for(environment, &identity.groups).is_empty() {
        let groups: Vec<&str> = approval.slots.iter().filter_map(|slot| slot.group.as_deref()).collect();
        return Some(format!("only members of {} may approve", groups.join(", ")));
    }
    None
}

/// Why our approval cannot be taken back; absent when it can.
pub(super) fn why_not_withdraw(
    cluster: &ClusterState,
    environment: &Environment,
    release: &Release,
) -> Option<String> {
    let Some(identity) = &cluster.identity else { return Some("not connected yet".to_owned()) };
    let records = release.status.as_ref().map(|status| status.approvals.as_slice()).unwrap_or_default();
    let mine =
        |r: &&ApprovalRecord| approval::stands(environment, r) && is_me(environment, identity, &r.actor);
    records.iter().find(mine).is_none().then(|| "no approval of yours counts here".to_owned())
}

/// Why no item can be ticked; absent when one can.
pub(super) fn why_not_check(environment: &Environment, release: &Release) -> Option<String> {
    if items(environment, release).is_empty() {
        return Some("this environment has no checklist".to_owned());
    }
    unticked(environment, release).is_empty().then(|| "every item is ticked".to_owned())
}

/// The items that are asked for now: the present step's own, else the environment's.
pub(super) fn items<'a>(environment: &'a Environment, release: &'a Release) -> &'a [String] {
    let own = checklist_step(release).map(|step| step.items.as_slice()).filter(|items| !items.is_empty());
    let gates = environment.spec.gates.as_ref();
    own.or_else(|| gates.map(|gates| gates.checklist.as_slice())).unwrap_or_default()
}

/// The items of the checklist that nobody has ticked for the present plan, and since its present step began where that asks for them.
pub(super) fn unticked<'a>(environment: &'a Environment, release: &'a Release) -> Vec<&'a str> {
    let status = release.status.as_ref();
    let digest = status.and_then(|status| status.plan.as_ref()).map(|plan| plan.digest.as_str());
    let step = status.and_then(|status| status.step.as_ref()).filter(|_| checklist_step(release).is_some());
    let since = step.map(|step| step.started_at);
    let ticked = |item: &str| {
        status.is_some_and(|status| {
            status.checks.iter().any(|check| {
                let counts =
                    Some(check.digest.as_str()) == digest && since.is_none_or(|since| check.at >= since);
                check.item == item && counts
            })
        })
    };
    items(environment, release).iter().map(String::as_str).filter(|item| !ticked(item)).collect()
}

/// Whether that account and ours are one person there.
pub(super) fn is_me(environment: &Environment, identity: &CurrentUser, account: &str) -> bool {
    domain::identity::is_same_in(Some(environment), account, &identity.user)
}
