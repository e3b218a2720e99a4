//! Stops: freeze, deny and stop of an environment; pause, abort and reject of a release. They are judged by queues of their own, which
//! wait for no turn, no lane, no other action and no workload. Must not start anything.
//!
//! Each attempt has a deadline of its own, short at first: a lost answer costs one attempt, not the stop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;

use super::act::{self, act};
use super::context::Context;
use super::environment::actions::{one, open_stops};
use super::error::Error;
use super::events;
use super::metadata::namespace;
use super::requests::get;
use super::{policies, reconcile, status};
use crate::api::release::Phase;
use crate::api::{Environment, Release, ReleaseAction};
use crate::domain::environment_action;
use crate::domain::health::Answers;
use crate::domain::rollout::{self, Observed};
use crate::domain::timeline::{self, CONTROLLER};

/// The longest wait between two attempts at a stop.
const AGAIN: Duration = Duration::from_secs(1);
/// Lost races in a row after which an attempt ends.
const RACES: usize = 8;

/// Judges the stops of an environment, each on its own: one that fails keeps none of the others waiting.
pub(super) async fn environment(
    environment: Arc<Environment>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let _ = context.environments.wait_until_ready().await;
    let _ = context.actions.wait_until_ready().await;
    let mut worst = None;
    for action in open_stops(&environment, &context) {
        if let Err(error) = in_time(&environment, &context, &action).await {
            if error.ends_work() {
                return Err(error);
            }
            report(&*environment, &context, &action, &error).await;
            worst = Some(error);
        }
    }
    worst.map_or_else(|| Ok(Action::await_change()), Err)
}

/// One attempt at one stop of an environment.
async fn in_time(
    environment: &Arc<Environment>,
    context: &Arc<Context>,
    action: &Arc<ReleaseAction>,
) -> Result<(), Error> {
    let uid = action.metadata.uid.clone().unwrap_or_default();
    let limit = context.core.deadlines.of_stop(context.memory.failures(&uid));
    let object = format!("{} of environment {}", action.spec.action, environment.key());
    let work = {
        let (environment, context, action) = (environment.clone(), context.clone(), action.clone());
        async move {
            let mut races = 0;
            loop {
                match Box::pin(one(&environment, &context, &action)).await {
                    Err(error) if error.is_race() && races < RACES => races += 1,
                    done => return done.map(drop),
                }
            }
        }
    };
    let done = context.core.running.run(object, limit, work).await;
    if done.is_err() {
        context.memory.failed(&uid);
    }
    done
}

/// Judges the stops of a release: with a whole look while that is quick, else by the release alone.
pub(super) async fn release(release: Arc<Release>, context: Arc<Context>) -> Result<Action, Error> {
    let _ = context.releases.wait_until_ready().await;
    let _ = context.actions.wait_until_ready().await;
    let key = format!("stop/{}", release.metadata.uid.as_deref().unwrap_or_default());
    let limit = context.core.deadlines.of_stop(context.memory.failures(&key));
    let work = {
        let (release, context) = (release.clone(), context.clone());
        async move { judge(&release, &context, limit / 2).await }
    };
    let done = context.core.running.run(format!("stop of release {}", release.key()), limit, work).await;
    match &done {
        Ok(()) => context.memory.succeeded(&key),
        Err(error) if error.ends_work() => {}
        Err(error) => {
            context.memory.failed(&key);
            for action in open_stops_of(&release, &context) {
                report(&*release, &context, &action, error).await;
            }
        }
    }
    done?;
    let _ = context.wake_release.send(ObjectRef::from_obj(&*release)).await;
    Ok(Action::await_change())
}

/// What to do after a failed attempt.
pub(super) fn after_failure(error: &Error) -> Action {
    Action::requeue(if error.is_race() { Duration::from_millis(50) } else { AGAIN })
}

fn open_stops_of(release: &Release, context: &Context) -> Vec<Arc<ReleaseAction>> {
    let mut open = context.actions_of(&release.key());
    open.retain(|action| !action.is_judged() && environment_action::stops(action.spec.action));
    open
}

async fn judge(release: &Release, context: &Arc<Context>, patience: Duration) -> Result<(), Error> {
    let whole = tokio::time::timeout(patience, Box::pin(reconcile::carry_on(release, context))).await;
    if let Ok(Err(error)) = whole
        && error.ends_work()
    {
        return Err(error);
    }
    for _ in 0..RACES {
        if open_stops_of(release, context).is_empty() {
            return Ok(());
        }
        match Box::pin(alone(release, context)).await {
            Err(error) if error.is_race() => {}
            done => return done,
        }
    }
    Err(Error::Changed("the release"))
}

/// Judges stops by the release and what the watches reported, without any other request than those that are needed to write it down.
async fn alone(release: &Release, context: &Arc<Context>) -> Result<(), Error> {
    let key = release.key();
    let found: Option<Release> = get(context, &key.namespace, &key.name, "read the release").await?;
    let Some(found) = found.filter(|found| found.metadata.uid == release.metadata.uid) else { return Ok(()) };
    let space = namespace(release);
    let reported = context.environments.get(&ObjectRef::new(&release.spec.environment).within(space));
    let mut environment = reported.map(|environment| (*environment).clone());
    if let Some(environment) = &mut environment {
        policies::stamp(environment, context.policies.of(space), context.core.clock.now());
    }
    let governs = super::observe::pinned(&found, environment.as_mut());
    let observed = Observed {
        governs,
        others: context.releases_of(&release.environment_key()),
        actions: context.actions_of(&key).iter().map(|action| (**action).clone()).collect(),
        release: found,
        environment,
        source: None,
        workloads: BTreeMap::new(),
        tracks: BTreeMap::new(),
        traffic: BTreeMap::new(),
        autoscalers: BTreeMap::new(),
        crashes: BTreeMap::new(),
        answers: Answers::default(),
        writes: std::collections::BTreeMap::new(),
        unreadable: std::collections::BTreeMap::new(),
        causes: BTreeMap::new(),
    };
    let decision = rollout::stop(&observed, context.core.clock.now());
    if decision.effects.is_empty() {
        return Err(Error::LaneBusy);
    }
    act(context, &observed, &decision).await.map(drop)
}

/// Shows why a stop still waits: in the log, and once it is late on the action and as an Event of its object.
async fn report<K>(object: &K, context: &Context, action: &ReleaseAction, error: &Error)
where
    K: kube::Resource<DynamicType = ()>,
{
    let age = context.core.running.stop_age(action.metadata.uid.as_deref().unwrap_or_default());
    let (kind, actor) = (action.spec.action, &action.spec.actor);
    let sentence = format!("{kind} by {actor} has been waiting for {} s: {error}", age.as_secs());
    tracing::warn!(namespace = namespace(action), "{sentence}");
    if age > context.core.deadlines.stop {
        act::note_waiting(context, action, &error.to_string()).await;
        events::emit(context, object, "StopDelayed", &sentence, true).await;
    }
}

/// Ends a release whose reconcile panicked, by the smallest possible write: nothing is decided about it any more.
pub(super) async fn end_after_panic(release: &Release, context: &Context, panic: &str) {
    let sentence = format!(
        "the controller cannot carry this release on: {panic}. Nothing was restored. Deploy or roll back again"
    );
    tracing::error!(release = %release.key(), panic, "a reconcile panicked");
    let ended = async {
        let key = release.key();
        let found: Option<Release> = get(context, &key.namespace, &key.name, "read the release").await?;
        let Some(found) = found.filter(|found| found.metadata.uid == release.metadata.uid) else {
            return Ok(());
        };
        if found.phase().is_final() {
            return Ok(());
        }
        let now = context.core.clock.now();
        let mut new = found.status.clone().unwrap_or_default();
        (new.phase, new.finished_at, new.paused) = (Phase::Errored, Some(now), None);
        new.message = timeline::cut(sentence.clone(), 1024);
        timeline::push(&mut new, now, CONTROLLER, "ReconcilePanicked", sentence.clone());
        context.core.may_write()?;
        status::store(context, &found, &new, "the release").await.map(drop)
    };
    // the next look panics again and tries this again
    match ended.await {
        Ok(()) => events::emit(context, release, "ReconcilePanicked", &sentence, true).await,
        Err(error) => tracing::warn!(release = %release.key(), %error, "it was not ended after a panic"),
    }
}
