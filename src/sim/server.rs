//! The embedded world behind a loopback port: the Kubernetes API, and the Prometheus API under `/prometheus`. The registry of its
//! images has a port of its own, as registries have.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Error;
use super::apiserver::policy::Evaluated;
use super::apiserver::{Shared, serve};
use super::kinds::RESOURCES;
use super::registry::Registry;
use super::scenario::Scenario;
use super::script;
use super::store::Key;
use super::world::World;
use crate::time::Clock;

/// Wall time between two steps of the world.
const TICK: Duration = Duration::from_millis(50);

/// How to start.
#[derive(Clone, Copy, Debug, Default)]
pub struct StartOptions {
    /// Port on 127.0.0.1; any free one when absent.
    pub port: Option<u16>,
    /// Leave the scenario's script out: nobody else acts.
    pub without_script: bool,
}

/// A running world. It ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// The Kubernetes API, `http://127.0.0.1:PORT`.
    pub kube_url: Url,
    /// The Prometheus API, `http://127.0.0.1:PORT/prometheus`.
    pub prometheus_url: Url,
    /// The Alertmanager API, `http://127.0.0.1:PORT/alertmanager`.
    pub alertmanager_url: Url,
    /// The registry of every image, `http://127.0.0.1:PORT`.
    pub registry_url: Url,
    shared: Arc<Shared>,
    scenario: Arc<Scenario>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// Starts the world of a scenario on a free port.
///
/// # Errors
/// [`Error`] when the scenario cannot be built or the port cannot be had.
pub async fn start(scenario: Scenario, clock: Clock) -> Result<Running, Error> {
    start_with(scenario, clock, StartOptions::default()).await
}

/// As [`start`], with options.
///
/// # Errors
/// As [`start`].
pub async fn start_with(scenario: Scenario, clock: Clock, options: StartOptions) -> Result<Running, Error> {
    let scenario = Arc::new(scenario);
    let world = World::new(scenario.clone(), clock.now())?;
    let listener =
        TcpListener::bind(("127.0.0.1", options.port.unwrap_or(0))).await.map_err(Error::Listen)?;
    let address = listener.local_addr().map_err(Error::Listen)?;
    let kube_url: Url = format!("http://{address}").parse().map_err(|_| Error::Address(address))?;
    let prometheus_url: Url =
        format!("http://{address}/prometheus").parse().map_err(|_| Error::Address(address))?;
    let alertmanager_url: Url =
        format!("http://{address}/alertmanager").parse().map_err(|_| Error::Address(address))?;
    let images = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Error::Listen)?;
    let address = images.local_addr().map_err(Error::Listen)?;
    let registry_url: Url = format!("http://{address}").parse().map_err(|_| Error::Address(address))?;
    let stop = CancellationToken::new();
    let shared = Arc::new(Shared::new(world, clock.clone(), stop.clone()));
    let mut tasks = JoinSet::new();
    tasks.spawn(answer(listener, shared.clone(), stop.clone()));
    tasks.spawn(store(images, Registry::new(scenario.clone()), stop.clone()));
    tasks.spawn(tick(shared.clone(), stop.clone()));
    if !options.without_script {
        tasks.spawn(script::play(shared.clone(), scenario.clone(), clock, stop.clone()));
    }
    Ok(Running { kube_url, prometheus_url, alertmanager_url, registry_url, shared, scenario, stop, tasks })
}

/// The objects of a world, read without a request: nobody in it notices.
#[derive(Clone, Debug)]
pub struct View(Arc<Shared>);

impl View {
    /// What `read` finds in each object of a kind (by its plural) in a namespace, by name; nothing for a kind that does not exist.
    pub fn each<T>(&self, plural: &str, namespace: &str, read: impl FnMut(&Value) -> T) -> Vec<T> {
        let Some(resource) = RESOURCES.iter().find(|resource| resource.plural == plural) else {
            return Vec::new();
        };
        let (world, mut read) = (self.0.world(), read);
        world.store.list(resource, Some(namespace)).map(|object| read(&object.value)).collect()
    }
}

async fn answer(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let served = axum::serve(listener, router(shared)).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::warn!(%error, "the embedded API server stopped");
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(move |request: Request<Body>| {
        let shared = shared.clone();
        async move {
            // the clock of this server is the world's
            let date = shared.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let mut answer = serve(shared, request).await;
            if let Ok(date) = date.parse() {
                answer.headers_mut().insert(http::header::DATE, date);
            }
            answer
        }
    })
}

async fn store(listener: TcpListener, registry: Registry, stop: CancellationToken) {
    let registry = Arc::new(registry);
    let router = Router::new().fallback(move |request: Request<Body>| {
        let answer = registry.answer(&request);
        std::future::ready(answer)
    });
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::warn!(%error, "the embedded registry stopped");
    }
}

async fn tick(shared: Arc<Shared>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = ticks.tick() => shared.tick(),
        }
    }
}

impl Running {
    /// A kubeconfig with one context, `demo`, for one of the scenario's users; a stranger's token is refused by the server. The
    /// server's URL also carries the user's name, since kubectl sends no token over plain HTTP.
    #[must_use]
    pub fn kubeconfig_yaml(&self, user: &str) -> String {
        let token = self.scenario.user(user).map_or(user, |found| found.token());
        let namespace =
            self.scenario.namespaces.last().map_or("default", |namespace| namespace.name.as_str());
        let server = format!("{}/as/{user}", self.kube_url.as_str().trim_end_matches('/'));
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: demo\nclusters:\n- name: demo\n  cluster:\n    server: {server}\n\
             contexts:\n- name: demo\n  context:\n    cluster: demo\n    user: {user:?}\n    namespace: {namespace}\n\
             users:\n- name: {user:?}\n  user:\n    token: {token:?}\n"
        )
    }

    /// The same API as at [`Running::kube_url`], for clients in this process that need no port.
    pub fn router(&self) -> Router {
        router(self.shared.clone())
    }

    /// The world's objects, for whoever watches it from outside.
    #[must_use]
    pub fn view(&self) -> View {
        View(self.shared.clone())
    }

    /// Requests that nobody could answer, as `METHOD path`: tests fail on them.
    #[must_use]
    pub fn unknown_requests(&self) -> Vec<String> {
        self.shared.unknown_requests()
    }

    /// Every expression of the admission policies with its results so far.
    #[must_use]
    pub fn evaluated(&self) -> Vec<Evaluated> {
        self.shared.evaluated()
    }

    /// Moves the world on to the clock's instant at once, without waiting for the next tick.
    pub fn tick(&self) {
        self.shared.tick();
    }

    /// Forgets the history that watches resume from, as a compaction does: they are answered 410.
    pub fn compact(&self) {
        self.shared.world().store.compact();
    }

    /// From now on the watch caches of the API servers are up to that many versions behind: what a read with `resourceVersion=0` sees.
    pub fn lag_caches(&self, most: u64) {
        self.shared.caches.lag(most);
    }

    /// Changes an object behind the API server's back, as a hand in etcd would; an object for which there is nothing left is removed.
    /// Whether there was such an object.
    pub fn tamper(
        &self,
        plural: &str,
        (namespace, name): (&str, &str),
        change: impl FnOnce(Value) -> Option<Value>,
    ) -> bool {
        let mut world = self.shared.world();
        let Some(resource) = RESOURCES.iter().find(|resource| resource.plural == plural) else {
            return false;
        };
        let Some(object) = world.store.get(resource, namespace, name).cloned() else { return false };
        match change(object.value.clone()) {
            Some(value) => drop(world.store.update(resource, value)),
            None => drop(world.store.remove(resource, &Key::new(namespace, name))),
        }
        self.shared.written(&mut world, self.shared.now());
        true
    }

    /// Ends the world and waits until its tasks are gone.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let patience = Duration::from_secs(2);
        let ended =
            tokio::time::timeout(patience, async { while self.tasks.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            self.tasks.abort_all();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
