//! The traffic of the cluster tests: request counters and latency histograms for every ready pod of a cluster, as
//! the pods would export them if they ran for real, for Prometheus to scrape; and an endpoint by which a test says
//! which version serves errors or answers slowly.
//!
//! A component gets its requests per second whatever it consists of. Where routing objects lead to its pods, their
//! weights say which pods get how many; else all ready pods behind its Services share them equally. Requests, errors
//! and latencies are random (Poisson), from a seed; errors may come in bursts, and pods may differ.

#[path = "traffic/chance.rs"]
mod chance;
#[path = "traffic/routes.rs"]
mod routes;

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
    io::Write as _,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use clap::Parser;
use color_eyre::eyre::Result;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, Config, ResourceExt,
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{WatchStreamExt, watcher},
};
use serde::{Deserialize, Serialize};
use tokio::time::MissedTickBehavior;

use chance::Chance;
use routes::Routes;

/// Upper bounds of the histogram's buckets in seconds; `+Inf` follows.
const BOUNDS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0];
/// Spread of the latencies: a p95 of 2.3 times the median.
const SIGMA: f64 = 0.5;
/// How often the counters move on.
const TICK: Duration = Duration::from_millis(100);
/// How often the routes are read.
const ROUTES: Duration = Duration::from_secs(1);

/// What a pod does when no behaviour says otherwise.
const USUAL: Manner = Manner {
    error_rate: 0.001,
    latency_seconds: 0.08,
    requests_per_second: 20.0,
    burst: 1.0,
    pod_spread: 0.0,
    absent: false,
};

/// Command line.
#[derive(Parser)]
struct Arguments {
    /// The cluster whose pods are watched (default: as kubectl finds it)
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
    /// Address to serve on
    #[arg(long, default_value = "127.0.0.1:9990")]
    listen: SocketAddr,
    /// Where chance begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Which pods a behaviour is about; absent means any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Scope {
    namespace: Option<String>,
    component: Option<String>,
    version: Option<String>,
    track: Option<String>,
}

impl Scope {
    fn parts(&self) -> [&Option<String>; 4] {
        [&self.namespace, &self.component, &self.version, &self.track]
    }

    /// How many parts are given: the more, the more specific.
    fn specificity(&self) -> usize {
        self.parts().into_iter().flatten().count()
    }

    fn covers(&self, identity: &IdentityRules) -> bool {
        let IdentityRules { namespace, component, version, track, .. } = identity;
        let own = [namespace, component, version, track];
        self.parts().into_iter().zip(own).all(|(part, own)| part.as_ref().is_none_or(|part| part == own))
    }

    /// Whether every part that is given is the same in the other one.
    fn within(&self, other: &Self) -> bool {
        self.parts().into_iter().zip(other.parts()).all(|(part, other)| part.is_none() || part == other)
    }
}

/// How the pods of a scope behave; what is absent is inherited from the next less specific behaviour that covers them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Behaviour {
    #[serde(flatten)]
    scope: Scope,
    /// share of the requests that is answered with 500
    #[serde(default)]
    error_rate: Option<f64>,
    /// median latency
    #[serde(default)]
    latency_seconds: Option<f64>,
    /// of the whole component, shared by its ready pods
    #[serde(default)]
    requests_per_second: Option<f64>,
    /// mean number of errors that come together
    #[serde(default)]
    burst: Option<f64>,
    /// how much the error rates of pods differ: the standard deviation of their logarithms
    #[serde(default)]
    pod_spread: Option<f64>,
    /// no series at all, as if the pods could not be scraped
    #[serde(default)]
    absent: Option<bool>,
}

impl Behaviour {
    fn check(&self) -> Result<(), String> {
        let positive = |value: Option<f64>| value.is_none_or(|value| value.is_finite() && value > 0.0);
        if self.error_rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return Err("errorRate must be between 0 and 1".into());
        }
        if !positive(self.latency_seconds) {
            return Err("latencySeconds must be more than 0".into());
        }
        if self.requests_per_second.is_some_and(|rate| !rate.is_finite() || rate < 0.0) {
            return Err("requestsPerSecond must not be negative".into());
        }
        if self.burst.is_some_and(|burst| !burst.is_finite() || burst < 1.0) {
            return Err("burst must be at least 1".into());
        }
        if self.pod_spread.is_some_and(|spread| !(0.0..=3.0).contains(&spread)) {
            return Err("podSpread must be between 0 and 3".into());
        }
        Ok(())
    }
}

/// A behaviour with every field decided.
#[derive(Clone, Copy)]
struct Manner {
    error_rate: f64,
    latency_seconds: f64,
    requests_per_second: f64,
    burst: f64,
    pod_spread: f64,
    absent: bool,
}

/// What the series of a pod are labelled with.
#[derive(Clone, PartialEq)]
struct IdentityRules {
    namespace: String,
    pod: String,
    component: String,
    version: String,
    track: String,
}

impl IdentityRules {
    fn of(pod: &Pod) -> Self {
        let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
        let first = containers.first();
        let label = |name: &str| pod.labels().get(name).cloned();
        let image = first.and_then(|container| container.image.as_deref()).unwrap_or_default();
        Self {
            namespace: pod.namespace().unwrap_or_default(),
            pod: pod.name_any(),
            component: label("app.kubernetes.io/component")
                .or_else(|| label("app"))
                .or_else(|| first.map(|container| container.name.clone()))
                .unwrap_or_default(),
            version: tag(image).to_owned(),
            track: label("track").unwrap_or_else(|| "stable".into()),
        }
    }

    fn labels(&self) -> String {
        let Self { namespace, pod, component, version, track } = self;
        format!(
            "namespace={namespace:?},pod={pod:?},component={component:?},version={version:?},track={track:?}"
        )
    }

    /// Chance of this pod's own.
    fn chance(&self, seed: u64) -> Chance {
        let mut hasher = DefaultHasher::new();
        (seed, &self.namespace, &self.pod).hash(&mut hasher);
        Chance::new(hasher.finish())
    }
}

/// The tag of an image, without which it is `latest`.
fn tag(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or_default();
    match name.rsplit_once(':') {
        Some((_, tag)) if !tag.contains('/') => tag,
        _ => "latest",
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    pod.metadata.deletion_timestamp.is_none()
        && conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Ready" && one.status == "True"))
}

/// Whether it is a server at all, and not the pod of a job, and has not ended.
fn is_server(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let policy = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
    policy.is_none_or(|policy| policy == "Always") && !matches!(phase, Some("Succeeded" | "Failed"))
}

fn restarts(pod: &Pod) -> i32 {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    statuses.and_then(|all| all.first()).map_or(0, |first| first.restart_count)
}

/// A pod that has been ready at least once.
struct Server {
    identity: IdentityRules,
    labels: String,
    selectable: BTreeMap<String, String>,
    ready: bool,
    restarts: i32,
    /// of its component's requests
    share: f64,
    manner: Manner,
    chance: Chance,
    /// how this pod differs from others, in standard deviations
    character: f64,
    served: u64,
    failed: u64,
    within: [u64; BOUNDS.len()],
    seconds: f64,
}

impl Server {
    fn new(pod: &Pod, identity: IdentityRules, manner: Manner, seed: u64) -> Self {
        let mut chance = identity.chance(seed);
        Self {
            labels: identity.labels(),
            identity,
            selectable: pod.labels().clone(),
            ready: is_ready(pod),
            restarts: restarts(pod),
            share: 0.0,
            manner,
            character: chance.normal(),
            chance,
            served: 0,
            failed: 0,
            within: [0; BOUNDS.len()],
            seconds: 0.0,
        }
    }

    fn behave(&mut self, manner: Manner) {
        self.manner = manner;
    }

    /// Answers about as many requests as fall to it.
    fn serve(&mut self, requests: f64) {
        let Manner { error_rate, burst, pod_spread, latency_seconds, .. } = self.manner;
        // the mean over all pods is the rate
        let own = (error_rate * (pod_spread * self.character - pod_spread * pod_spread / 2.0).exp()).min(1.0);
        let mut failed = 0;
        for _ in 0..self.chance.poisson(requests * own / burst) {
            failed += self.chance.burst(burst);
        }
        let served = self.chance.poisson(requests * (1.0 - own));
        self.served += served;
        self.failed += failed;
        for _ in 0..served + failed {
            let latency = latency_seconds * (SIGMA * self.chance.normal()).exp();
            self.seconds += latency;
            for (within, bound) in self.within.iter_mut().zip(BOUNDS) {
                *within += u64::from(latency <= bound);
            }
        }
    }
}

/// Everything there is: pods and behaviours.
struct World {
    servers: HashMap<(String, String), Server>,
    behaviours: Vec<Behaviour>,
    routes: Routes,
    /// where chance begins
    seed: u64,
    /// whether the shares are to be found anew
    stale: bool,
    advanced: Instant,
    /// whether the pods have been listed
    synced: bool,
    /// those of a list that is under way
    listed: Vec<(String, String)>,
}

impl World {
    fn manner(&self, identity: &IdentityRules) -> Manner {
        let mut covering: Vec<_> = self.behaviours.iter().filter(|one| one.scope.covers(identity)).collect();
        // stable: of two that are equally specific, the one that was said last counts
        covering.sort_by_key(|one| one.scope.specificity());
        covering.into_iter().fold(USUAL, |manner, one| Manner {
            error_rate: one.error_rate.unwrap_or(manner.error_rate),
            latency_seconds: one.latency_seconds.unwrap_or(manner.latency_seconds),
            requests_per_second: one.requests_per_second.unwrap_or(manner.requests_per_second),
            burst: one.burst.unwrap_or(manner.burst),
            pod_spread: one.pod_spread.unwrap_or(manner.pod_spread),
            absent: one.absent.unwrap_or(manner.absent),
        })
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<Behaviour>)) {
        self.advance();
        change(&mut self.behaviours);
        let mut servers = std::mem::take(&mut self.servers);
        for server in servers.values_mut() {
            server.behave(self.manner(&server.identity));
        }
        self.servers = servers;
    }

    fn see(&mut self, pod: &Pod) {
        let identity = IdentityRules::of(pod);
        let key = (identity.namespace.clone(), identity.pod.clone());
        if !is_server(pod) {
            self.stale |= self.servers.remove(&key).is_some();
            return;
        }
        let manner = self.manner(&identity);
        self.stale = true;
        match self.servers.get_mut(&key) {
            // another process counts from zero
            Some(server) if server.identity == identity && server.restarts == restarts(pod) => {
                server.ready = is_ready(pod);
                server.selectable.clone_from(pod.labels());
            }
            None if !is_ready(pod) => {}
            _ => {
                self.servers.insert(key, Server::new(pod, identity, manner, self.seed));
            }
        }
    }

    fn handle(&mut self, event: watcher::Event<Pod>) {
        match event {
            watcher::Event::Apply(pod) => self.see(&pod),
            watcher::Event::Delete(pod) => {
                self.servers.remove(&(pod.namespace().unwrap_or_default(), pod.name_any()));
                self.stale = true;
            }
            watcher::Event::Init => self.listed.clear(),
            watcher::Event::InitApply(pod) => {
                self.listed.push((pod.namespace().unwrap_or_default(), pod.name_any()));
                self.see(&pod);
            }
            watcher::Event::InitDone => {
                let listed: std::collections::HashSet<_> = self.listed.drain(..).collect();
                self.servers.retain(|key, _| listed.contains(key));
                self.stale = true;
                self.synced = true;
            }
        }
    }

    /// Moves the counters on to now.
    fn advance(&mut self) {
        let now = Instant::now();
        let seconds = now.duration_since(self.advanced).as_secs_f64();
        self.advanced = now;
        for server in self.servers.values_mut().filter(|server| server.ready) {
            server.serve(server.manner.requests_per_second * seconds * server.share);
        }
        if std::mem::take(&mut self.stale) {
            self.share();
        }
    }

    /// Shares the requests of every component out among its ready pods.
    fn share(&mut self) {
        let mut components: HashMap<(String, String), Vec<&mut Server>> = HashMap::new();
        for server in self.servers.values_mut().filter(|server| server.ready) {
            let Server { identity, .. } = &*server;
            let key = (identity.namespace.clone(), identity.component.clone());
            components.entry(key).or_default().push(server);
        }
        for ((namespace, _), mut servers) in components {
            let selectable: Vec<_> = servers.iter().map(|server| &server.selectable).collect();
            let shares = self.routes.shares(&namespace, &selectable);
            for (server, share) in servers.iter_mut().zip(shares) {
                server.share = share;
            }
        }
    }

    fn metrics(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::with_capacity(self.servers.len() * 2_500 + 1_000);
        let shown = || self.servers.values().filter(|server| !server.manner.absent);
        out.push_str("# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter\n");
        for Server { labels, served, failed, .. } in shown() {
            writeln!(out, "http_requests_total{{{labels},code=\"200\"}} {served}")?;
            writeln!(out, "http_requests_total{{{labels},code=\"500\"}} {failed}")?;
        }
        out.push_str("# HELP http_request_duration_seconds Time to the answer.\n");
        out.push_str("# TYPE http_request_duration_seconds histogram\n");
        for Server { labels, served, failed, within, seconds, .. } in shown() {
            for (bound, within) in BOUNDS.iter().zip(within) {
                writeln!(out, "http_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}} {within}")?;
            }
            let count = served + failed;
            writeln!(out, "http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} {count}")?;
            writeln!(out, "http_request_duration_seconds_sum{{{labels}}} {seconds}")?;
            writeln!(out, "http_request_duration_seconds_count{{{labels}}} {count}")?;
        }
        Ok(out)
    }
}

/// The world, shared between the watches, the clock and the requests.
#[derive(Clone)]
struct Shared(Arc<Mutex<World>>);

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let text = {
        let mut world = shared.world();
        world.advance();
        world.metrics()
    };
    match text {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn healthz(State(shared): State<Shared>) -> impl IntoResponse {
    if shared.world().synced {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "listing pods")
    }
}

async fn behaviours(State(shared): State<Shared>) -> Json<Vec<Behaviour>> {
    Json(shared.world().behaviours.clone())
}

async fn put_behaviour(State(shared): State<Shared>, Json(behaviour): Json<Behaviour>) -> impl IntoResponse {
    if let Err(error) = behaviour.check() {
        return (StatusCode::BAD_REQUEST, error).into_response();
    }
    let mut world = shared.world();
    world.change(|all| {
        all.retain(|one| one.scope != behaviour.scope);
        all.push(behaviour);
    });
    Json(world.behaviours.clone()).into_response()
}

async fn delete_behaviour(State(shared): State<Shared>, Query(scope): Query<Scope>) -> Json<Vec<Behaviour>> {
    let mut world = shared.world();
    world.change(|all| all.retain(|one| !scope.within(&one.scope)));
    Json(world.behaviours.clone())
}

/// Follows the pods for ever; a watch that fails starts over by itself.
async fn follow(pods: Api<Pod>, shared: Shared) {
    let mut events = watcher(pods, watcher::Config::default()).default_backoff().boxed();
    loop {
        match events.try_next().await {
            Ok(Some(event)) => shared.world().handle(event),
            Ok(None) => return,
            Err(error) => complain("watching pods", &error),
        }
    }
}

/// Reads the routes again and again.
async fn route(client: Client, shared: Shared) {
    let mut turns = tokio::time::interval(ROUTES);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        match routes::read(&client).await {
            Ok(routes) => {
                let mut world = shared.world();
                world.stale |= world.routes != routes;
                world.routes = routes;
            }
            Err(error) => complain("reading routes", &error),
        }
    }
}

/// The log is all there is to tell it to.
fn complain(what: &str, error: &dyn std::error::Error) {
    let _ = writeln!(std::io::stderr(), "{what}: {error}");
}

async fn tick(shared: Shared) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        shared.world().advance();
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    color_eyre::install()?;
    let arguments = Arguments::parse();
    // fails only when there is a provider already
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = match &arguments.kubeconfig {
        Some(path) => {
            Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default())
                .await?
        }
        None => Config::infer().await?,
    };
    let client = Client::try_from(config)?;
    let shared = Shared(Arc::new(Mutex::new(World {
        servers: HashMap::new(),
        behaviours: Vec::new(),
        routes: Routes::default(),
        seed: arguments.seed,
        stale: false,
        advanced: Instant::now(),
        synced: false,
        listed: Vec::new(),
    })));
    tokio::spawn(follow(Api::all(client.clone()), shared.clone()));
    tokio::spawn(route(client, shared.clone()));
    tokio::spawn(tick(shared.clone()));
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/behaviour", get(behaviours).put(put_behaviour).delete(delete_behaviour))
        .with_state(shared);
    let listener = tokio::net::TcpListener::bind(arguments.listen).await?;
    writeln!(std::io::stdout(), "serving on {}", listener.local_addr()?)?;
    axum::serve(listener, router).await?;
    Ok(())
}
