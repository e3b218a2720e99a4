//! Actions on a release: whether one fits, and the question that is asked before it is sent.

use std::sync::Arc;

use crate::api::release::{GateState, GateStatus, ReleaseKind};
use crate::api::release_action::Parameters;
use crate::api::{ActionKind, Environment, Phase, Release};
use crate::app::ask::{self, Question};
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::confirm::Intent;
use crate::app::state::effect::Effect;
use crate::app::state::located::ReleaseId;
use crate::app::state::pending::Pending;
use crate::app::state::store::Store;
use crate::app::state::target::{Availability, Invocation, Target};
use crate::app::{driving, guard, needs, shifting, target};
use crate::domain::action_already;
use crate::domain::action_rule::{self, rule};
use crate::domain::gate::force;

/// Whether that action can be taken on what the target means.
pub(super) fn availability(store: &Store, target: &Target, kind: ActionKind) -> Availability {
    match subject(store, target, kind) {
        Ok(_) => Availability::Ready,
        Err(reason) => Availability::Unavailable(reason),
    }
}

/// With what an action is taken, as far as the command line or key said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct With {
    /// Its parameters.
    pub(super) parameters: Option<Box<Parameters>>,
    /// Why.
    pub(super) reason: String,
}

/// Opens the question whether to take that action; all that was said with the command is its reason.
pub(super) fn ask(store: &mut Store, invocation: &Invocation, kind: ActionKind) -> Vec<Effect> {
    let reason = invocation.argument.clone().unwrap_or_default();
    ask_with(store, invocation, kind, With { parameters: None, reason })
}

/// Opens the question whether to take that action with these parameters.
pub(super) fn ask_with(
    store: &mut Store,
    invocation: &Invocation,
    kind: ActionKind,
    with: With,
) -> Vec<Effect> {
    let Ok(id) = subject(store, &invocation.target, kind) else { return Vec::new() };
    open(store, &id, kind, with)
}

/// Opens the question for this very release.
pub(super) fn open(store: &mut Store, id: &ReleaseId, kind: ActionKind, with: With) -> Vec<Effect> {
    let (Some(release), Some(environment)) = (store.release(id).cloned(), store.environment_of(id)) else {
        return Vec::new();
    };
    let question = Question {
        verb: rule(kind).button,
        environment,
        release: Some(id.clone()),
        confirmation: action_rule::confirmation(kind, with.parameters.as_deref(), Some(&release)),
        reason_least: if rule(kind).needs_reason { 3 } else { 0 },
        reason: &with.reason,
        intent: Intent::Action { kind, release: Arc::clone(&release), parameters: with.parameters },
    };
    ask::open(store, question)
}

/// The release that the action would be taken on, or why it cannot be.
pub(super) fn subject(store: &Store, target: &Target, kind: ActionKind) -> Result<ReleaseId, String> {
    let Some(id) = target::subject(store, target, |release| fits(release, kind).is_ok()) else {
        return Err("no release here".to_owned());
    };
    why_not(store, &id, kind).map_or(Ok(id), Err)
}

/// Why this action cannot be taken on this release now; absent when it can.
pub(super) fn why_not(store: &Store, id: &ReleaseId, kind: ActionKind) -> Option<String> {
    let Some(release) = store.release(id) else { return Some("this release is gone".to_owned()) };
    let environment_id = store.environment_of(id)?;
    let known = store.cluster(id.cluster).zip(store.environment(&environment_id));
    // a stop needs the release alone
    if known.is_none() && !guard::is_stop(kind) {
        return Some(format!("environment {} is not known", environment_id.key));
    }
    if let Some(reason) = guard::refusal_of(store, &environment_id, (kind.verb(), kind)) {
        return Some(reason);
    }
    if let Err(reason) = fits(release, kind) {
        return Some(reason);
    }
    // a stop does not wait for the judgement of anything else
    let is_in_the_way = |what: &str| {
        !guard::is_stop(kind) || what.to_lowercase().starts_with(&rule(kind).button.to_lowercase())
    };
    let is_ours = |pending: &&Pending| pending.release == *id && !pending.creates;
    if let Some(pending) = store.pending.iter().filter(is_ours).find(|pending| is_in_the_way(&pending.what)) {
        return Some(format!("{} was sent already and is not judged yet", pending.what));
    }
    let (cluster, environment) = known?;
    match kind {
        ActionKind::Approve => needs::why_not_approve(cluster, environment, release),
        ActionKind::Withdraw => needs::why_not_withdraw(cluster, environment, release),
        ActionKind::Check => needs::why_not_check(environment, release),
        ActionKind::HandOver => why_not_hand_over(store, (cluster, environment), release),
        _ => None,
    }
}

fn why_not_hand_over(
    store: &Store,
    (cluster, environment): (&ClusterState, &Environment),
    release: &Release,
) -> Option<String> {
    let mine = |by: &str| cluster.identity.as_ref().is_some_and(|me| needs::is_me(environment, me, by));
    match driving::of(release, store.now).map(|driving| driving.by) {
        Some(by) if mine(by) => None,
        None | Some("") => Some("nobody drives it: :drive claims it".to_owned()),
        Some(by) => Some(format!("{by} drives it, not you")),
    }
}

/// Whether the release is where the action makes sense, by the rules that the controller judges by.
pub(super) fn fits(release: &Release, kind: ActionKind) -> Result<(), String> {
    let phase = release.phase();
    let planned = release.status.as_ref().is_some_and(|status| status.plan.is_some());
    match kind {
        ActionKind::Approve if phase == Phase::Pending && !planned => {
            return Err("the controller has not looked at this release yet".to_owned());
        }
        ActionKind::Rollback if release.spec.kind == ReleaseKind::Rollback && !phase.is_final() => {
            let (by, version) = (&release.spec.requested_by, &release.spec.version);
            return Err(format!("{by} is already rolling back to {version}"));
        }
        ActionKind::SetWeight | ActionKind::Promote | ActionKind::PromoteFull => {
            shifting::fits(release, kind)?;
        }
        _ => {}
    }
    let status = release.status.clone().unwrap_or_default();
    let fits = !phase.is_final()
        && action_rule::fits(kind, release, &status)
        && match kind {
            ActionKind::Approve => needs::waits_for_approval(release),
            ActionKind::Override => forcible(release).next().is_some(),
            _ => true,
        };
    if fits {
        return Ok(());
    }
    if let Some(done) = action_already::done(kind, &release.spec.version, &status) {
        return Err(done);
    }
    let version = &release.spec.version;
    Err(match (kind, phase) {
        (_, phase) if phase.is_final() => format!("{version} has ended: {phase}"),
        (ActionKind::Approve, _) => format!("{version} is not waiting for approval"),
        (ActionKind::Override, Phase::Pending) => format!("no gate of {version} is shut that may be forced"),
        (ActionKind::Withdraw | ActionKind::Check | ActionKind::Override, _) => {
            format!("{version} has started: {phase}")
        }
        (ActionKind::Retry, _) => format!("{version} is {phase}: only a held release is tried again"),
        (ActionKind::Resume, _) => format!("{version} is {phase}, not paused"),
        (_, Phase::Pending) => format!("{version} has not started"),
        (_, phase) => format!("{version} is {phase} already"),
    })
}

/// The gates as last judged.
pub(super) fn gates(release: &Release) -> impl Iterator<Item = &GateStatus> {
    release.status.iter().flat_map(|status| &status.gates)
}

/// The gates that hold it and that may be passed by force.
pub(super) fn forcible(release: &Release) -> impl Iterator<Item = &GateStatus> {
    gates(release).filter(|gate| gate.state != GateState::Pass && force::may_be_forced(&gate.name))
}
