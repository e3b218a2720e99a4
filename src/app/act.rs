//! Actions on a release: whether one fits, and the question that is asked before it is sent.

use std::sync::Arc;

use crate::api::{ActionKind, Phase, Release};
use crate::app::ask::{self, Question};
use crate::app::command::{Availability, Confirmation, Invocation, Target};
use crate::app::confirm::Intent;
use crate::app::effect::Effect;
use crate::app::located::ReleaseId;
use crate::app::store::Store;
use crate::app::{guard, needs, target};
use crate::domain::intent;

/// Whether that action can be taken on what the target means.
pub(super) fn availability(store: &Store, target: &Target, kind: ActionKind) -> Availability {
    match subject(store, target, kind) {
        Ok(_) => Availability::Ready,
        Err(reason) => Availability::Unavailable(reason),
    }
}

/// Opens the question whether to take that action.
pub(super) fn ask(
    store: &mut Store,
    invocation: &Invocation,
    kind: ActionKind,
    confirmation: Confirmation,
) -> Vec<Effect> {
    let Ok(id) = subject(store, &invocation.target, kind) else { return Vec::new() };
    open(store, &id, kind, (confirmation, invocation.argument.as_deref()));
    Vec::new()
}

/// Opens the question for this very release.
pub(super) fn open(
    store: &mut Store,
    id: &ReleaseId,
    kind: ActionKind,
    (confirmation, reason): (Confirmation, Option<&str>),
) {
    let (Some(release), Some(environment)) = (store.release(id).cloned(), store.environment_of(id)) else {
        return;
    };
    let question = Question {
        verb: word(kind),
        environment,
        release: Some(id.clone()),
        typed: confirmation == Confirmation::Typed,
        reason_required: intent::needs_reason(kind),
        reason: reason.unwrap_or_default(),
        intent: Intent::Action { kind, release: Arc::clone(&release) },
    };
    ask::open(store, question);
}

/// The word on the button.
const fn word(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Rollback => "Roll back",
        other => other.as_str(),
    }
}

/// The release that the action would be taken on, or why it cannot be.
fn subject(store: &Store, target: &Target, kind: ActionKind) -> Result<ReleaseId, String> {
    let Some(id) = target::subject(store, target, |release| fits(release, kind).is_ok()) else {
        return Err("no release here".to_owned());
    };
    why_not(store, &id, kind).map_or(Ok(id), Err)
}

/// Why this action cannot be taken on this release now; absent when it can.
pub(super) fn why_not(store: &Store, id: &ReleaseId, kind: ActionKind) -> Option<String> {
    let Some(release) = store.release(id) else { return Some("this release is gone".to_owned()) };
    let environment_id = store.environment_of(id)?;
    let (Some(cluster), Some(environment)) = (store.cluster(id.cluster), store.environment(&environment_id))
    else {
        return Some(format!("environment {} is not known", environment_id.key));
    };
    if let Some(reason) = guard::permission(store, &environment_id, kind.verb()) {
        return Some(reason);
    }
    if let Some(reason) = guard::lock(store, id.cluster) {
        return Some(reason);
    }
    if let Err(reason) = fits(release, kind) {
        return Some(reason);
    }
    if let Some(pending) = store.pending.iter().find(|pending| pending.release == *id && !pending.creates) {
        return Some(format!("{} was sent already and is not judged yet", pending.what));
    }
    match kind {
        ActionKind::Approve => needs::why_not_approve(cluster, environment, release),
        _ => None,
    }
}

/// Whether the release is where the action makes sense; the controller judges by the same rules.
pub(super) fn fits(release: &Release, kind: ActionKind) -> Result<(), String> {
    use Phase::{Held, Paused, Pending, Progressing, Verifying};
    let phase = release.phase();
    let planned = release.status.as_ref().is_some_and(|status| status.plan.is_some());
    let fits = match kind {
        ActionKind::Approve if phase == Pending && !planned => {
            return Err("the controller has not looked at this release yet".to_owned());
        }
        ActionKind::Approve => phase == Pending && needs::waits_for_approval(release),
        ActionKind::Reject => phase == Pending,
        ActionKind::Pause => matches!(phase, Progressing | Verifying),
        ActionKind::Resume => phase == Paused,
        ActionKind::Abort => matches!(phase, Pending | Progressing | Paused | Verifying | Held),
        ActionKind::Rollback => matches!(phase, Progressing | Paused | Verifying | Held),
        ActionKind::Retry => phase == Held,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let version = &release.spec.version;
    Err(match (kind, phase) {
        (_, phase) if phase.is_final() => format!("{version} has ended: {phase}"),
        (ActionKind::Approve, _) => format!("{version} is not waiting for approval"),
        (ActionKind::Retry, _) => format!("{version} is {phase}: only a held release is tried again"),
        (ActionKind::Resume, _) => format!("{version} is {phase}, not paused"),
        (_, Pending) => format!("{version} has not started"),
        (_, phase) => format!("{version} is {phase} already"),
    })
}
