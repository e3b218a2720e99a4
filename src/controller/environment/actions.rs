//! Carrying out what people ask of an environment: one action after the other, each on what the API server says now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::reflector::ObjectRef;

use crate::api::names::ReleaseKey;
use crate::api::release::Phase;
use crate::api::release_action::{ActionKind, ActionResult};
use crate::api::{Environment, Release, ReleaseAction};
use crate::controller::act;
use crate::controller::context::Context;
use crate::controller::error::Error;
use crate::controller::events;
use crate::controller::metadata::{name, namespace};
use crate::controller::observe;
use crate::controller::requests::get;
use crate::controller::{policies, status};
use crate::domain::action::Verdict;
use crate::domain::environment_action::{self, Effect, Judgement, Situation};
use crate::workload::{self, Operation, OperationKind};

/// Actions carried out in one turn, so that a flood of them does not keep other environments or a stop waiting.
const AT_ONCE: usize = 32;

/// The actions that name an environment, as last reported.
pub(super) fn of(environment: &Environment, context: &Context) -> Vec<Arc<ReleaseAction>> {
    context.actions_in(&environment.key())
}

/// What became of the actions of an environment in one turn.
#[derive(Debug, Default)]
pub(super) struct Acted {
    /// The environment as it is stored then, where that changed.
    pub environment: Option<Environment>,
    /// When to look again, by the wall, where some are left.
    pub again: Option<Duration>,
}

/// The stops of an environment that nobody has judged yet, oldest first.
pub(in crate::controller) fn open_stops(
    environment: &Environment,
    context: &Context,
) -> Vec<Arc<ReleaseAction>> {
    let mut open = of(environment, context);
    open.retain(|action| !action.is_judged() && environment_action::only_stops(action.spec.action));
    open.sort_by_key(|action| (action.created_at(), action.metadata.name.clone()));
    open
}

/// What nobody has judged yet and this turn is for, oldest first: actions on the environment that do not stop anything, and actions on
/// releases that do not exist, which would otherwise stay without an answer.
fn open(environment: &Environment, context: &Context) -> Vec<Arc<ReleaseAction>> {
    let mut open = of(environment, context);
    open.retain(|action| {
        let uid = action.metadata.uid.as_deref().unwrap_or_default();
        let is_for_us = match action.release_key() {
            Some(key) => {
                let reference = ObjectRef::<Release>::new(&key.name).within(&key.namespace);
                context.releases.get(&reference).is_none()
            }
            None => !environment_action::only_stops(action.spec.action),
        };
        is_for_us && !action.is_judged() && context.memory.postponed(uid).is_none()
    });
    open.sort_by_key(|action| (action.created_at(), action.metadata.name.clone()));
    open
}

/// Carries out what nobody has judged yet. What fails is tried again later and keeps nothing else waiting. Stops have a queue of their
/// own; this one ends its turn for them.
pub(super) async fn carry_out(environment: &Environment, context: &Arc<Context>) -> Result<Acted, Error> {
    let open = open(environment, context);
    let mut acted = Acted::default();
    // until it is known whether the policies are in force, nobody knows who asks
    let is_known = if open.iter().any(|action| action.release_key().is_none()) {
        Box::pin(policies::look(context, namespace(environment))).await;
        context.policies.of(namespace(environment)).is_some()
    } else {
        false
    };
    for (count, action) in open.iter().enumerate() {
        if count == AT_ONCE || !open_stops(environment, context).is_empty() {
            acted.again = Some(Duration::ZERO);
            break;
        }
        let done = match action.release_key() {
            Some(key) => refuse_unknown(environment, context, action, &key).await.map(|()| None),
            None if is_known => {
                Box::pin(one(acted.environment.as_ref().unwrap_or(environment), context, action)).await
            }
            None => continue,
        };
        match done {
            Ok(changed) => acted.environment = changed.or(acted.environment),
            Err(error) if error.ends_work() => return Err(error),
            Err(error) => {
                let wait = put_off(environment, context, action, &error).await;
                acted.again = Some(acted.again.map_or(wait, |again| again.min(wait)));
            }
        }
    }
    Ok(acted)
}

/// Tries an action again later, and records why it waits.
async fn put_off(
    environment: &Environment,
    context: &Context,
    action: &ReleaseAction,
    error: &Error,
) -> Duration {
    let uid = action.metadata.uid.as_deref().unwrap_or_default();
    if error.is_race() {
        return Duration::from_millis(100);
    }
    tracing::warn!(environment = %environment.key(), action = name(action), kind = %action.spec.action, %error, "an action waits");
    let wait = context.memory.postpone(uid);
    act::note_waiting(context, action, &error.to_string()).await;
    wait
}

/// Refuses an action on a release that does not exist.
async fn refuse_unknown(
    environment: &Environment,
    context: &Arc<Context>,
    action: &ReleaseAction,
    key: &ReleaseKey,
) -> Result<(), Error> {
    let found: Option<Release> = get(context, &key.namespace, &key.name, "read the release").await?;
    if found.is_some() {
        return Ok(());
    }
    let message = format!("there is no release {}", key.name);
    answer(context, environment, action, ActionResult::Refused, &message).await
}

/// One action on the environment; the environment after it.
pub(in crate::controller) async fn one(
    environment: &Environment,
    context: &Arc<Context>,
    action: &ReleaseAction,
) -> Result<Option<Environment>, Error> {
    let verdict = context.policies.of(namespace(environment));
    let space = namespace(environment);
    let found: Option<Environment> = get(context, space, name(environment), "read the environment").await?;
    let Some(mut environment) = found else { return Ok(None) };
    if verdict.is_some() {
        policies::stamp(&mut environment, verdict, context.core.clock.now());
    }
    let overtaken = environment_action::overtaken(action, &of(&environment, context));
    let judgement = match overtaken {
        Some(verdict) => Judgement { verdict, before: None, effect: None, after: None },
        None => judge(&environment, context, action).await?,
    };
    let is_news = judgement.after.is_some() || !judgement.verdict.is_applied();
    let mut verdict = judgement.verdict.clone();
    let stored = match fulfil(&environment, context, action, judgement).await {
        Ok(stored) => stored,
        Err(error) if error.is_refused_for_good() => {
            verdict = Verdict {
                result: ActionResult::Refused,
                message: format!("it cannot be carried out: {error}"),
                is_suspicious: false,
            };
            None
        }
        Err(error) => return Err(error),
    };
    answer(context, &environment, action, verdict.result, &verdict.message).await?;
    if is_news {
        tell(context, &environment, action, &verdict).await;
    }
    Ok(stored)
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
        let done = operate(environment, context, action, effect).await;
        if let (Err(error), Some(newest)) = (&done, &stored)
            && error.is_refused_for_good()
        {
            // what was written down for an effect that will never be is taken back
            let before = environment.status.clone().unwrap_or_default();
            status::store(context, newest, &before, "the environment").await?;
        }
        done?;
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
    events::emit(context, environment, reason, &message, verdict.is_suspicious || !verdict.is_applied())
        .await;
}
