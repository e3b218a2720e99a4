//! Which releases wait for something that we can do.

use crate::api::release::{ApprovalState, GateState};
use crate::api::{Environment, EnvironmentKey, Phase, Release, Verb};
use crate::app::cluster_state::ClusterState;
use crate::domain::{self, intent};

/// The author of what the controller does by itself.
const CONTROLLER: &str = "controller";

/// Whether this release waits for something that we may do: our approval, or a decision on a failed or stopped rollout.
pub(super) fn needs_me(cluster: &ClusterState, release: &Release) -> bool {
    let key = release.environment_key();
    let may = |verb| cluster.permissions.get(&key).is_some_and(|verbs| verbs.contains(&verb));
    match release.phase() {
        Phase::Pending => {
            waits_for_approval(release)
                && may(Verb::Approve)
                && cluster
                    .environments
                    .get(&key)
                    .is_some_and(|environment| why_not_approve(cluster, environment, release).is_none())
        }
        Phase::Held => may(Verb::Shift) || may(Verb::Rollback),
        // nobody else feels called to resume what no person has paused
        Phase::Paused => stopped_by_plan(release) && may(Verb::Shift),
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

/// Approval is among the gates that are still shut.
pub(super) fn waits_for_approval(release: &Release) -> bool {
    let gates = release.status.as_ref().map(|status| status.gates.as_slice()).unwrap_or_default();
    gates.iter().any(|gate| gate.name == "approval" && gate.state != GateState::Pass)
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
    let is_me = |account: &str| domain::identity::is_same_in(Some(environment), account, &identity.user);
    if approval.prevent_self_approval && is_me(&release.spec.requested_by) {
        return Some("you asked for it: someone else must approve".to_owned());
    }
    let records = release.status.as_ref().map(|status| status.approvals.as_slice()).unwrap_or_default();
    if records.iter().any(|r| r.state == ApprovalState::Counted && is_me(&r.actor)) {
        return Some("you have approved it already".to_owned());
    }
    if intent::slots_for(environment, &identity.groups).is_empty() {
        let groups: Vec<&str> = approval.slots.iter().filter_map(|slot| slot.group.as_deref()).collect();
        return Some(format!("only members of {} may approve", groups.join(", ")));
    }
    None
}
