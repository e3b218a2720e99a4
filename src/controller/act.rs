//! Doing what was decided: the status first, then the effects, each of which is harmless when repeated.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;

use super::context::Context;
use super::error::Error;
use super::events::{self, COURTESY};
use super::metadata::{name, namespace};
use super::observe;
use super::requests;
use super::status;
use super::{attempt, claiming};
use crate::api::environment::Component;
use crate::api::release::GateState;
use crate::api::release_action::{ActionResult, ReleaseActionStatus};
use crate::api::{Environment, Release, ReleaseAction};
use crate::domain::environment_action::ledger;
use crate::domain::health::{Answer, Question};
use crate::domain::rollout::{self, Decision, Effect, Observed, RolloutChange, SetImage, WriteOutcome};
use crate::gate::{self, Scope};
use crate::workload::{self, ImageChange};

mod tracks;

/// Stores the status and carries out the effects in their order. Stops at the first failure; the next look decides again. Whether
/// the API server refused a change, which the next look takes into account.
pub(super) async fn act(
    context: &Arc<Context>,
    observed: &Observed,
    decision: &Decision,
) -> Result<bool, Error> {
    let release = &observed.release;
    let phase = decision.status.phase;
    let permit = |before: String| context.core.permit(name(release), phase, before);
    claiming::claim(context, observed, decision).await?;
    account(context, observed, decision).await?;
    if release.status.as_ref() != Some(&decision.status) {
        permit("status".to_owned())?;
        status::store(context, release, &decision.status, "the release").await?;
        if release.phase() != phase {
            tracing::info!(release = %release.key(), from = %release.phase(), to = %phase, "{}", decision.status.message);
        }
    }
    for effect in &decision.effects {
        match effect {
            Effect::JudgeAction { name, result, message } => {
                permit(format!("judge {name}"))?;
                judge(context, observed, name, *result, message).await?;
            }
            Effect::EmitEvent { reason, message, is_warning } => {
                events::emit(context, release, reason, message, *is_warning).await;
            }
            Effect::Ask { name, question } => ask(context, release, name, question),
            _ => {
                confirm(context, observed, decision).await?;
                if !change(context, observed, effect, &permit).await? {
                    return Ok(true);
                }
            }
        }
    }
    permit("end".to_owned())?;
    Ok(false)
}

/// Whether the release still intends what was decided: somebody may have stopped it since, or another replica may carry it on. Any
/// difference is a lost race, and nothing is changed.
async fn confirm(context: &Arc<Context>, observed: &Observed, decision: &Decision) -> Result<(), Error> {
    let release = &observed.release;
    let stored: Option<Release> =
        requests::get(context, namespace(release), name(release), "read the release").await?;
    let is_meant = stored
        .filter(|stored| stored.metadata.uid == release.metadata.uid)
        .is_some_and(|stored| rollout::is_same_intent(&stored.status.unwrap_or_default(), &decision.status));
    if is_meant { Ok(()) } else { Err(Error::Changed("the release")) }
}

/// Changes a workload or what sends traffic to it, and remembers what the API server answered; whether it accepted the change.
async fn change(
    context: &Arc<Context>,
    observed: &Observed,
    effect: &Effect,
    permit: &tracks::Permit<'_>,
) -> Result<bool, Error> {
    let release = &observed.release;
    let done = match effect {
        Effect::SetImage(change) => {
            permit(format!("set-image {}", change.component))?;
            set_image(context, observed, change).await
        }
        Effect::Rollout(change) => {
            permit(format!("{} {}", change.ask.verb.as_str(), change.component))?;
            ask_rollout(context, observed, change).await
        }
        effect => tracks::carry_out(context, release, effect, permit).await,
    };
    let refusal = match done {
        Ok(()) => None,
        Err(error) if error.is_race() || error.ends_work() => return Err(error),
        Err(error) => {
            tracing::warn!(release = %release.key(), %error, "refused");
            context.core.counters.refused();
            Some(observe::refusal(&error))
        }
    };
    let is_accepted = refusal.is_none();
    if let Some(component) = effect.component() {
        let uid = release.metadata.uid.as_deref().unwrap_or_default();
        let at = context.core.clock.now();
        context.memory.written(uid, component.as_str(), WriteOutcome { at, refusal });
    }
    Ok(is_accepted)
}

/// What the release leaves behind in its environment is written down before its own status says so.
async fn account(context: &Arc<Context>, observed: &Observed, decision: &Decision) -> Result<(), Error> {
    let release = &observed.release;
    // the policy under which the release began decides, even where somebody has changed it since
    let versions = observed.environment.as_ref().and_then(|environment| environment.spec.versions.as_ref());
    let status = observed.environment.as_ref().and_then(|environment| environment.status.clone());
    if ledger::accounted(versions, &status.unwrap_or_default(), release, &decision.status).is_none() {
        return Ok(());
    }
    // what was observed bears the verdict on the policies of this moment, which is not for storing
    let wanted = &release.spec.environment;
    let found =
        requests::get::<Environment>(context, namespace(release), wanted, "read the environment").await?;
    let Some(environment) = found else { return Ok(()) };
    let status = environment.status.clone().unwrap_or_default();
    let Some(new) = ledger::accounted(versions, &status, release, &decision.status) else { return Ok(()) };
    context.core.permit(name(release), decision.status.phase, "account")?;
    status::store(context, &environment, &new, "the environment").await.map(drop)
}

async fn set_image(context: &Arc<Context>, observed: &Observed, change: &SetImage) -> Result<(), Error> {
    let release = &observed.release;
    let component =
        observed.environment.as_ref().and_then(|env| env.spec.component(change.component.as_str()));
    let Some(component) = component.filter(|c| c.workload == change.workload) else {
        return Err(Error::Changed("the environment"));
    };
    let written = write_image(context, release, component, change).await;
    if written.is_ok() {
        tracing::info!(release = %release.key(), component = %change.component, image = %change.to, "image set");
    }
    written
}

async fn write_image(
    context: &Arc<Context>,
    release: &Release,
    component: &Component,
    change: &SetImage,
) -> Result<(), Error> {
    let target = observe::target(context, namespace(release), component);
    let workload = workload::workload(component.workload.kind)?;
    let others = change.others.iter().map(|other| workload::ContainerChange {
        container: other.container.clone(),
        from: other.from.clone(),
        to: other.to.clone(),
    });
    let change = ImageChange {
        from: change.from.clone(),
        to: change.to.clone(),
        others: others.collect(),
        partition: change.partition,
        release: release.key().to_string(),
        cause: change.change_cause.clone(),
        is_undo: change.is_undo,
    };
    workload.set_image(&target, &change).await?;
    Ok(())
}

async fn ask_rollout(
    context: &Arc<Context>,
    observed: &Observed,
    change: &RolloutChange,
) -> Result<(), Error> {
    let release = &observed.release;
    let component =
        observed.environment.as_ref().and_then(|env| env.spec.component(change.component.as_str()));
    let Some(component) = component.filter(|c| c.workload == change.workload) else {
        return Err(Error::Changed("the environment"));
    };
    let target = observe::target(context, namespace(release), component);
    workload::workload(component.workload.kind)?.ask(&target, &change.ask).await?;
    tracing::info!(release = %release.key(), component = %change.component, verb = change.ask.verb.as_str(), "asked");
    Ok(())
}

async fn judge(
    context: &Arc<Context>,
    observed: &Observed,
    name: &str,
    result: ActionResult,
    message: &str,
) -> Result<(), Error> {
    let action = observed.actions.iter().find(|action| action.metadata.name.as_deref() == Some(name));
    match action {
        Some(action) => answer(context, action, result, message).await,
        None => Ok(()),
    }
}

/// Says what became of an action.
pub(super) async fn answer(
    context: &Arc<Context>,
    action: &ReleaseAction,
    result: ActionResult,
    message: &str,
) -> Result<(), Error> {
    let message = crate::domain::timeline::cut(message.to_owned(), 1024);
    let at = context.core.clock.now();
    let status =
        ReleaseActionStatus { result: Some(result), message: Some(message), at: Some(at), seal: None };
    let mut newest = None;
    loop {
        match status::store(context, newest.as_ref().unwrap_or(action), &status, "the action").await {
            Ok(_) => break,
            // an action that is gone needs no answer
            Err(Error::Kube { source, .. }) if matches!(&*source, kube::Error::Api(s) if s.code == 404) => {
                break;
            }
            // it was reported in an older version than the one that is stored
            Err(Error::Changed(_)) if newest.is_none() => {
                let (space, name) = (namespace(action), self::name(action));
                match requests::get::<ReleaseAction>(context, space, name, "read the action").await? {
                    Some(found) if !found.is_judged() => newest = Some(found),
                    _ => break,
                }
            }
            Err(error) => return Err(error),
        }
    }
    let uid = action.metadata.uid.as_deref().unwrap_or_default();
    context.memory.judged(uid, status);
    if let Some(took) = context.core.running.stop_judged(uid) {
        context.core.counters.stopped(took, took > context.core.deadlines.stop);
    }
    Ok(())
}

/// Writes on an action why it still waits. A courtesy: a failure is logged and forgotten.
pub(super) async fn note_waiting(context: &Context, action: &ReleaseAction, why: &str) {
    let why =
        crate::domain::timeline::cut(crate::sanitize::line(&format!("waiting: {why}")).into_owned(), 1024);
    if action.status.as_ref().is_some_and(|status| status.message.as_deref() == Some(&why)) {
        return;
    }
    let status = ReleaseActionStatus { message: Some(why), ..ReleaseActionStatus::default() };
    let written = status::store(context, action, &status, "the action");
    match tokio::time::timeout(COURTESY, written).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "why an action waits was not recorded"),
        Err(_) => tracing::debug!("why an action waits was not recorded in time"),
    }
}

/// Asks in the background and wakes the release when the answer is there.
fn ask(context: &Arc<Context>, release: &Release, name: &str, question: &Question) {
    let uid = release.metadata.uid.clone().unwrap_or_default();
    if !context.memory.begin_asking(&uid, name) {
        return;
    }
    let scope = Scope {
        client: context.core.patient_client.clone(),
        outbound: context.core.outbound.clone(),
        registries: context.core.registries.clone(),
        prometheus: context.core.prometheus.clone(),
        namespace: namespace(release).to_owned(),
        clock: context.core.clock.clone(),
    };
    let (context, release) = (context.clone(), release.clone());
    let (name, question) = (name.to_owned(), question.clone());
    tokio::spawn(async move {
        let over = context.over.clone();
        let limit = context.core.deadlines.reconcile;
        let asked =
            AssertUnwindSafe(tokio::time::timeout(limit, gate::ask(&scope, &question))).catch_unwind();
        let Some(answer) = over.run_until_cancelled(asked).await else { return };
        let no_data = |why: String| Answer::new(context.core.clock.now(), GateState::NoData, why);
        let answer = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => no_data(format!("no answer within {} s", limit.as_secs())),
            Err(panic) => no_data(format!("the check failed in the program: {}", attempt::words(&*panic))),
        };
        context.memory.answered(&uid, &name, answer);
        context.wake(&release);
    });
}
