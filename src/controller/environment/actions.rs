//! Carrying out what people ask of an environment: one action after the other, each on what the API server says now.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Api;

use crate::api::release::Phase;
use crate::api::release_action::{ActionKind, ActionResult};
use crate::api::{Environment, Release, ReleaseAction};
use crate::controller::act;
use crate::controller::context::Context;
use crate::controller::error::{Error, read_failed};
use crate::controller::observe::{self, api, name, namespace};
use crate::controller::{policies, status};
use crate::domain::action::Verdict;
use crate::domain::environment_action::{self, Effect, Judgement, Situation};
use crate::workload::{self, Operation, OperationKind};

/// The actions that name an environment, as last reported.
pub(super) fn of(environment: &Environment, context: &Context) -> Vec<Arc<ReleaseAction>> {
    context.actions_by_environment.of(namespace(environment), name(environment))
}

/// Carries out what nobody has judged yet, oldest first; the environment as it is stored then, where that changed. Actions on
/// releases that do not exist would otherwise stay without an answer: they are refused.
pub(super) async fn carry_out(
    environment: &Environment,
    context: &Arc<Context>,
) -> Result<Option<Environment>, Error> {
    let mut open: Vec<_> =
        of(environment, context).into_iter().filter(|action| !action.is_judged()).collect();
    open.sort_by_key(|action| (action.created_at(), action.metadata.name.clone()));
    let mut newest = None;
    for action in open {
        if let Some(key) = action.release_key() {
            let releases: Api<Release> = api(context, &key.namespace);
            let found = releases.get_opt(&key.name).await.map_err(read_failed("read the release"))?;
            if found.is_none() {
                let message = format!("there is no release {}", key.name);
                answer(context, environment, &action, ActionResult::Refused, &message).await?;
            }
        } else if let Some(changed) = one(environment, context, &action).await? {
            newest = Some(changed);
        }
    }
    Ok(newest)
}

/// One action on the environment; the environment after it.
async fn one(
    environment: &Environment,
    context: &Arc<Context>,
    action: &ReleaseAction,
) -> Result<Option<Environment>, Error> {
    // until it is known whether the policies are in force, nobody knows who asks; a stop waits for no answer
    if !environment_action::only_stops(action.spec.action) {
        Box::pin(policies::look(context, namespace(environment))).await;
        if context.policies.of(namespace(environment)).is_none() {
            return Ok(None);
        }
    }
    let verdict = context.policies.of(namespace(environment));
    // the report may be older than the answer
    let actions: Api<ReleaseAction> = api(context, namespace(environment));
    let found = actions.get_opt(name(action)).await.map_err(read_failed("read the action"))?;
    let Some(action) = found.filter(|found| !found.is_judged()) else { return Ok(None) };
    let environments: Api<Environment> = api(context, namespace(environment));
    let found = environments.get_opt(name(environment)).await.map_err(read_failed("read the environment"))?;
    let Some(mut environment) = found else { return Ok(None) };
    if verdict.is_some() {
        policies::stamp(&mut environment, verdict, context.core.clock.now());
    }
    let judgement = judge(&environment, context, &action).await?;
    let is_news = judgement.after.is_some() || !judgement.verdict.is_applied();
    let verdict = judgement.verdict.clone();
    let stored = fulfil(&environment, context, &action, judgement).await?;
    answer(context, &environment, &action, verdict.result, &verdict.message).await?;
    if is_news {
        tell(context, &environment, &action, &verdict).await;
    }
    Ok(Some(stored.unwrap_or(environment)))
}

async fn judge(
    environment: &Environment,
    context: &Arc<Context>,
    action: &ReleaseAction,
) -> Result<Judgement, Error> {
    let space = namespace(environment);
    let mut workloads = BTreeMap::new();
    let mut autoscalers = BTreeMap::new();
    if matches!(action.spec.action, ActionKind::Scale | ActionKind::Restart) {
        let wanted = action.spec.parameters.as_ref().and_then(|parameters| parameters.component.as_deref());
        if let Some(component) = wanted.and_then(|wanted| environment.spec.component(wanted)) {
            let key = component.name.to_string();
            if let Some(state) = observe::workload_of(context, space, component).await? {
                workloads.insert(key.clone(), state);
            }
            let all = workload::autoscalers(&context.core.client, space).await;
            let ours = all.into_iter().find(|(target, _)| *target == component.workload);
            autoscalers.extend(ours.map(|(_, autoscaler)| (key, autoscaler)));
        }
    }
    let releases = context.releases_of(&environment.key());
    let seen =
        Situation { environment, workloads: &workloads, autoscalers: &autoscalers, releases: &releases };
    Ok(environment_action::judge(&seen, action, context.core.clock.now()))
}

/// Writes down what was, does what is asked, writes down that it is done: wherever this stops, the next look goes on from there.
async fn fulfil(
    environment: &Environment,
    context: &Arc<Context>,
    action: &ReleaseAction,
    judgement: Judgement,
) -> Result<Option<Environment>, Error> {
    let permit = |before: String| context.core.permit(name(environment), Phase::Pending, before);
    let mut stored = None;
    if let Some(before) = &judgement.before {
        permit(format!("prepare {}", name(action)))?;
        stored = Some(status::store(context, environment, before, "the environment").await?);
    }
    if let Some(effect) = &judgement.effect {
        permit(format!("operate {}", name(action)))?;
        operate(environment, context, action, effect).await?;
    }
    if let Some(after) = &judgement.after {
        permit(format!("fulfil {}", name(action)))?;
        let newest = stored.as_ref().unwrap_or(environment);
        stored = Some(status::store(context, newest, after, "the environment").await?);
    }
    Ok(stored)
}

async fn operate(
    environment: &Environment,
    context: &Arc<Context>,
    action: &ReleaseAction,
    effect: &Effect,
) -> Result<(), Error> {
    let (component, kind) = match effect {
        Effect::Scale { component, from, to } => (component, OperationKind::Scale { from: *from, to: *to }),
        Effect::Restart { component } => (component, OperationKind::Restart(context.core.clock.now())),
    };
    let Some(component) = environment.spec.component(component.as_str()) else {
        return Err(Error::Changed("the environment"));
    };
    let target = observe::target(context, namespace(environment), component);
    let operation = Operation { kind, action: name(action).to_owned() };
    workload::workload(component.workload.kind)?.operate(&target, &operation).await?;
    tracing::info!(environment = %environment.key(), component = %component.name, action = name(action), ?kind, "done");
    Ok(())
}

async fn answer(
    context: &Arc<Context>,
    environment: &Environment,
    action: &ReleaseAction,
    result: ActionResult,
    message: &str,
) -> Result<(), Error> {
    context.core.permit(name(environment), Phase::Pending, format!("answer {}", name(action)))?;
    act::answer(context, action, result, message).await
}

/// Everybody who looks at the environment's Events is told.
async fn tell(context: &Context, environment: &Environment, action: &ReleaseAction, verdict: &Verdict) {
    let (kind, actor) = (action.spec.action, &action.spec.actor);
    let why = action.spec.reason.as_deref().unwrap_or("no reason given");
    let message = format!("{kind} by {actor}: {} ({why})", verdict.message);
    let reason = if verdict.is_applied() { kind.as_str() } else { "ActionRefused" };
    tracing::info!(environment = %environment.key(), reason, suspicious = verdict.is_suspicious, "{message}");
    act::emit(context, environment, reason, &message, verdict.is_suspicious || !verdict.is_applied()).await;
}
