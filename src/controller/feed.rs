//! What the cluster reports, and whom that wakes.

use std::fmt::Debug;
use std::panic::AssertUnwindSafe;

use futures::future::join_all;
use futures::{FutureExt, Stream, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{DynamicObject, PartialObjectMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::{self, ObjectRef, store::Writer};
use kube::runtime::watcher::{Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::attempt;
use super::context::Context;
use super::metadata::namespace;
use super::undecodable::Sieve;
use crate::api::environment::WorkloadKind;
use crate::api::names::EnvironmentKey;
use crate::api::release::Phase;
use crate::api::strategy::Track;
use crate::api::{Environment, Release, ReleaseAction, Stored};
use crate::cluster::workload_row;
use crate::domain::workload_kind::{KINDS, KindRow};
use crate::domain::{environment_action, lane};

/// Objects of a namespace, or of all.
pub(super) fn scoped<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// Keeps a store up to date and hands every change on; ends never. An object that cannot be decoded is reported and left out: it
/// neither stops the watch nor the first list.
pub(super) async fn keep<K, F, Fut>(context: &Context, scope: Option<&str>, writer: Writer<K>, mut changed: F)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
    F: FnMut(Event<K>) -> Fut,
    Fut: Future<Output = ()>,
{
    let api: Api<Stored<K>> = scoped(&context.core.client, scope);
    let (store, sieve) = (writer.as_reader(), Sieve::<K>::new(context, scope));
    let events = watcher(api, context.core.deadlines.watcher())
        .modify(|object| object.meta_mut().managed_fields = None)
        .default_backoff()
        .filter_map(async |event| match event {
            Ok(event) => sieve.pass(event, &store).await.map(Ok),
            Err(error) => Some(Err(error)),
        });
    let mut events = std::pin::pin!(reflector::reflector(writer, events));
    while let Some(event) = events.next().await {
        match event {
            // whatever an object holds, the watch goes on
            Ok(event) => {
                if let Err(panic) = AssertUnwindSafe(changed(event)).catch_unwind().await {
                    tracing::error!(kind = %K::kind(&()), error = attempt::words(&*panic), "a change was not handled");
                }
            }
            Err(error) => tracing::warn!(kind = %K::kind(&()), %error, "the watch was interrupted"),
        }
    }
}

/// Workloads of every kind: whoever follows their rollout looks again. A kind that the server does not have, or that the controller may
/// not watch, is looked at when its release is.
pub(super) async fn follow_workloads(client: &Client, scope: Option<&str>, context: &Context) {
    join_all(KINDS.iter().map(|row| follow_kind(client, scope, row, context))).await;
}

async fn follow_kind(client: &Client, scope: Option<&str>, row: &KindRow, context: &Context) {
    let resource = workload_row::resource(row);
    let api: Api<PartialObjectMeta<DynamicObject>> = match scope {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let events = watcher(api, context.core.deadlines.watcher()).default_backoff();
    let mut events = std::pin::pin!(events);
    let mut is_interrupted = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(workload) | Event::Delete(workload)) => {
                is_interrupted = false;
                workload_changed(row.kind, &workload.metadata, context).await;
            }
            Ok(_) => is_interrupted = false,
            Err(error) if !is_interrupted => {
                is_interrupted = true;
                tracing::warn!(kind = %row.kind, %error, "the watch of workloads was interrupted");
            }
            Err(_) => {}
        }
    }
}

async fn workload_changed(kind: WorkloadKind, workload: &ObjectMeta, context: &Context) {
    context.memory.workloads.forget(workload.namespace.as_deref().unwrap_or_default());
    let name = workload.name.as_deref().unwrap_or_default();
    for environment in context.environments.state() {
        let runs = environment.metadata.namespace == workload.namespace
            && environment.spec.components.iter().any(|component| {
                let own = &component.workload;
                own.kind == kind
                    && [Track::Stable, Track::Canary, Track::Green]
                        .iter()
                        .any(|track| track.workload_name(&own.name) == name)
            });
        if runs {
            wake_environment(context, &environment).await;
            wake_releases(context, &environment.key(), Phase::holds_lane).await;
        }
    }
}

pub(super) async fn wake_environment(context: &Context, environment: &Environment) {
    let _ = context.wake_environment.send(ObjectRef::from_obj(environment)).await;
}

pub(super) async fn wake_releases(context: &Context, key: &EnvironmentKey, wanted: impl Fn(Phase) -> bool) {
    for release in context.releases_of(key) {
        if wanted(release.phase()) {
            let _ = context.wake_release.send(ObjectRef::from_obj(&*release)).await;
        }
    }
}

/// Wakes the releases that wait for their turn only. Whoever waits for something else looks again when that is reported, or soon by
/// itself: waking hundreds at the end of each release would keep the next intent waiting.
async fn wake_ready(context: &Context, key: &EnvironmentKey) {
    for release in context.releases_of(key).into_iter().filter(|release| lane::is_ready(release)) {
        let _ = context.wake_release.send(ObjectRef::from_obj(&*release)).await;
    }
}

/// A release was reported.
pub(super) async fn release_changed(event: Event<Release>, context: &Context) {
    context.releases_by_environment.changed(&event);
    let (release, is_news) = match event {
        Event::Apply(release) => (release, true),
        Event::InitApply(release) => (release, false),
        Event::Delete(release) => {
            let uid = release.metadata.uid.as_deref().unwrap_or_default();
            context.memory.forget(uid);
            context.core.running.forget(&format!("release {}", release.key()));
            context.notifications.forget(uid);
            (release, true)
        }
        Event::Init | Event::InitDone => return,
    };
    let _ = context.wake_release.send(ObjectRef::from_obj(&release)).await;
    if is_news {
        let key = release.environment_key();
        let environment = ObjectRef::new(&key.name).within(&key.namespace);
        let _ = context.wake_environment.send(environment).await;
        // the lane may be free now: of those who wait, it concerns the ones that wait for nothing else
        if release.phase() != Phase::Pending && !release.phase().holds_lane() {
            wake_ready(context, &key).await;
        }
    }
}

/// An environment was reported.
pub(super) async fn environment_changed(event: Event<Environment>, context: &Context) {
    match event {
        Event::Apply(environment) => {
            let key = environment.key();
            let is_new = environment.status.is_none();
            context.policies.want(namespace(&environment));
            wake_environment(context, &environment).await;
            let news = context.memory.known.news(&environment);
            if news.for_releases {
                wake_releases(context, &key, |phase| !phase.is_final()).await;
            }
            if news.for_promotions {
                wake_promotions(context, &key).await;
            }
            if is_new {
                wake_siblings(context, namespace(&environment)).await;
            }
        }
        Event::InitApply(environment) => wake_environment(context, &environment).await,
        Event::Delete(environment) => {
            context.memory.known.forget(&environment);
            context.core.running.forget(&format!("environment {}", environment.key()));
            wake_releases(context, &environment.key(), |phase| !phase.is_final()).await;
            wake_siblings(context, namespace(&environment)).await;
        }
        Event::Init | Event::InitDone => {}
    }
}

async fn wake_siblings(context: &Context, namespace: &str) {
    for other in context.environments.state() {
        if other.metadata.namespace.as_deref() == Some(namespace) {
            wake_environment(context, &other).await;
        }
    }
}

/// Whoever waits for versions to prove themselves there looks again.
async fn wake_promotions(context: &Context, from: &EnvironmentKey) {
    for environment in context.environments.state() {
        let waits = environment.spec.promotion.as_ref().is_some_and(|promotion| {
            *promotion.from.namespace == *from.namespace && *promotion.from.name == *from.name
        });
        if waits {
            wake_releases(context, &environment.key(), |phase| phase == Phase::Pending).await;
        }
    }
}

/// An action was reported.
pub(super) async fn action_changed(event: Event<ReleaseAction>, context: &Context) {
    context.actions_by_environment.changed(&event);
    context.actions_by_release.changed(&event);
    let action = match event {
        Event::Apply(action) | Event::InitApply(action) => action,
        Event::Delete(action) => {
            let uid = action.metadata.uid.as_deref().unwrap_or_default();
            context.memory.answer_reported(uid);
            context.core.running.stop_judged(uid);
            return;
        }
        Event::Init | Event::InitDone => return,
    };
    let uid = action.metadata.uid.as_deref().unwrap_or_default();
    if action.is_judged() {
        context.memory.answer_reported(uid);
        context.core.running.stop_judged(uid);
    } else if environment_action::stops(action.spec.action) {
        context.core.running.stop_reported(uid);
        wake_stop(&action, context).await;
    }
    let is_sealed = action.status.as_ref().is_some_and(|status| status.seal.is_some());
    if action.is_judged() && is_sealed {
        return;
    }
    if !action.is_judged()
        && let Some(key) = action.release_key()
    {
        let _ = context.wake_at_once.send(ObjectRef::new(&key.name).within(&key.namespace)).await;
    }
    let environment = ObjectRef::new(&action.spec.environment).within(namespace(&action));
    let _ = context.wake_environment.send(environment).await;
}

/// A stop is judged by a queue of its own.
async fn wake_stop(action: &ReleaseAction, context: &Context) {
    let _ = if let Some(key) = action.release_key() {
        context.wake_to_stop.send(ObjectRef::new(&key.name).within(&key.namespace)).await.is_ok()
    } else {
        let environment = ObjectRef::new(&action.spec.environment).within(namespace(action));
        context.wake_stops.send(environment).await.is_ok()
    };
}

/// A channel as the stream that the applier reads.
pub(super) fn queue<K: Resource>(
    mut receiver: mpsc::Receiver<ObjectRef<K>>,
) -> impl Stream<Item = Result<ObjectRef<K>, std::convert::Infallible>>
where
    K::DynamicType: Eq + std::hash::Hash + Clone,
{
    futures::stream::poll_fn(move |task| receiver.poll_recv(task)).map(Ok)
}
