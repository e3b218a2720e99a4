//! The embedded API server: the subset of the Kubernetes API that kube clients and kubectl need, over the world's store. Owns
//! the way from a request to an answer; must not know what an object does (`world`).

#[cfg(test)]
mod admitted;
mod apply;
mod cache;
mod call;
pub(crate) mod definitions;
mod delete;
mod discovery;
mod endpoints;
mod events;
mod evict;
mod fields;
mod identity;
mod logs;
mod metadata;
pub(crate) mod native;
mod patch;
pub(crate) mod policy;
mod protobuf;
mod proxy;
mod rbac;
mod read;
mod refusal;
mod reviews;
mod schema;
mod selector;
mod shape;
mod strategic;
mod table;
mod usage;
mod watch;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::body::{Body, to_bytes};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, Method, Request, header};
use tokio_util::sync::CancellationToken;

use call::{Call, Query, Target};
use policy::{Evaluated, Policies};
use rbac::Authorizer;
pub(super) use rbac::User;
use refusal::Refusal;

use crate::sim::alertmanager::Alertmanager;
use crate::sim::prometheus::Samples;
use crate::sim::world::World;
use crate::time::Clock;

/// Largest body, in bytes.
const MOST_BYTES: usize = 3 << 20;

/// What every request shares.
#[derive(Debug)]
pub(super) struct Shared {
    world: Mutex<World>,
    clock: Clock,
    /// Tells watches the newest resource version.
    pub changed: tokio::sync::watch::Sender<u64>,
    /// Users and rights.
    pub authorizer: Arc<Authorizer>,
    policies: Policies,
    /// The world's Prometheus.
    pub samples: Arc<RwLock<Samples>>,
    /// The world's Alertmanager.
    pub alertmanager: Mutex<Alertmanager>,
    /// What reads see that allow any state.
    pub caches: cache::Caches,
    /// Ends every stream.
    pub stop: CancellationToken,
    unknown: Mutex<Vec<String>>,
}

impl Shared {
    /// A server over a world.
    pub(super) fn new(world: World, clock: Clock, stop: CancellationToken) -> Self {
        let authorizer = Arc::new(Authorizer::new(world.scenario()));
        let samples = world.samples.clone();
        let alertmanager = Mutex::new(Alertmanager::new(world.scenario().alertmanager.clone()));
        let (changed, _) = tokio::sync::watch::channel(world.store.version());
        Self {
            world: Mutex::new(world),
            clock,
            changed,
            authorizer,
            policies: Policies::default(),
            samples,
            alertmanager,
            caches: cache::Caches::default(),
            stop,
            unknown: Mutex::default(),
        }
    }

    /// The world, locked.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present instant of the world; never before what has already happened.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves the world on and tells the watches.
    pub(super) fn tick(&self) {
        let now = self.now();
        let version = {
            let mut world = self.world();
            world.step(now);
            world.store.version()
        };
        self.tell(version);
    }

    /// To be called after every write.
    pub(super) fn written(&self, world: &mut World, now: DateTime<Utc>) {
        world.step(now);
        self.tell(world.store.version());
    }

    fn tell(&self, version: u64) {
        self.changed.send_if_modified(|known| {
            let newer = *known < version;
            *known = version;
            newer
        });
    }

    /// The groups of a user.
    pub(super) fn authorizer_groups(&self, user: &str) -> Vec<String> {
        self.authorizer.named(user).groups
    }

    /// Requests that nobody could answer, as `METHOD path`.
    pub(super) fn unknown_requests(&self) -> Vec<String> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every expression of the admission policies with its results so far.
    pub(super) fn evaluated(&self) -> Vec<Evaluated> {
        self.policies.evaluated(&self.world().store)
    }

    fn remember_unknown(&self, call: &Call) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if unknown.len() < 1_000 {
            unknown.push(format!("{} {}", call.method, call.path));
        }
    }
}

/// Answers one request.
pub(super) async fn serve(shared: Arc<Shared>, request: Request<Body>) -> Response {
    match read(&shared, request).await {
        Ok(call) => dispatch(&shared, &call).unwrap_or_else(|refusal| refusal.response()),
        Err(refusal) => refusal.response(),
    }
}

async fn read(shared: &Shared, request: Request<Body>) -> Result<Call, Refusal> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MOST_BYTES).await.map_err(|_| Refusal::too_large())?;
    let text = |name: header::HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let mut path = percent_decoded(parts.uri.path());
    let mut user = shared.authorizer.authenticate(bearer(&parts.headers))?;
    // kubectl sends no token over plain HTTP: a path prefix says who it is
    if let Some(rest) = path.strip_prefix("/as/") {
        let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
        user = shared.authorizer.named(name);
        path = format!("/{rest}");
    }
    if let Some(name) = parts.headers.get("impersonate-user").and_then(|value| value.to_str().ok()) {
        user = impersonated(shared, &user, name, &parts.headers)?;
    }
    let agent = text(header::USER_AGENT);
    Ok(Call {
        method: parts.method,
        path,
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        user,
        accept: text(header::ACCEPT),
        content_type: text(header::CONTENT_TYPE),
        agent: agent.split('/').next().unwrap_or_default().to_owned(),
        body,
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn impersonated(shared: &Shared, user: &User, name: &str, headers: &HeaderMap) -> Result<User, Refusal> {
    if !user.groups.iter().any(|group| group == "system:masters") {
        let mut refusal = Refusal::unauthorized();
        (refusal.code, refusal.reason) = (403, "Forbidden");
        refusal.message = format!(
            "users \"{name}\" is forbidden: User \"{}\" cannot impersonate resource \"users\" in API group \"\" at the cluster \
             scope",
            user.name
        );
        return Err(refusal);
    }
    let mut wanted = shared.authorizer.named(name);
    let groups = headers.get_all("impersonate-group").iter().filter_map(|value| value.to_str().ok());
    wanted.groups.extend(groups.map(str::to_owned));
    Ok(wanted)
}

fn percent_decoded(path: &str) -> String {
    if !path.contains('%') {
        return path.to_owned();
    }
    let form = path.replace('+', "%2B");
    url::form_urlencoded::parse(format!("p={}", form.replace('&', "%26").replace('=', "%3D")).as_bytes())
        .next()
        .map_or_else(|| path.to_owned(), |(_, value)| value.into_owned())
}

fn dispatch(shared: &Arc<Shared>, call: &Call) -> Result<Response, Refusal> {
    if let Some(answer) = discovery::answer(call) {
        return Ok(answer);
    }
    if let Some(answer) = proxy::direct(shared, call) {
        return Ok(answer);
    }
    if let Some(answer) = reviews::answer(shared, call) {
        return answer;
    }
    if let Some(answer) = endpoints::answer(shared, call) {
        return answer;
    }
    if let Some(answer) = usage::answer(shared, call) {
        return answer;
    }
    let Some(target) = Target::parse(&call.path) else {
        shared.remember_unknown(call);
        return Err(Refusal::unknown_path());
    };
    route(shared, call, &target)
}

/// The verb of RBAC for a request.
fn verb(call: &Call, target: &Target) -> &'static str {
    match (&call.method, target.name.is_some()) {
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, true) => "delete",
        (&Method::DELETE, false) => "deletecollection",
        _ if call.query.flag("watch") => "watch",
        (_, true) => "get",
        (_, false) => "list",
    }
}

fn route(shared: &Arc<Shared>, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let sub = target.sub.as_deref().unwrap_or_default();
    if !sub.is_empty() && !target.resource.subresources.contains(&sub) {
        shared.remember_unknown(call);
        return Err(Refusal::unknown_path());
    }
    shared.authorizer.check(&call.user, verb(call, target), target)?;
    let named = target.name.is_some();
    if target.resource.namespaced && target.namespace.is_none() && (named || call.method != Method::GET) {
        return Err(Refusal::method_not_allowed());
    }
    match (sub, &call.method) {
        ("proxy", _) => proxy::service(shared, call, target),
        ("log", &Method::GET) => logs::log(shared, call, target),
        (_, &Method::GET) if call.query.flag("watch") => watch::start(shared, call, target),
        (_, &Method::GET) if named => read::get(shared, call, target),
        (_, &Method::GET) => read::list(shared, call, target),
        ("", &Method::POST) if !named => write::create(shared, call, target),
        ("eviction", &Method::POST) => evict::one(shared, call, target),
        (_, &Method::PUT) if named => write::replace(shared, call, target),
        (_, &Method::PATCH) if named => patch::patch(shared, call, target),
        ("", &Method::DELETE) if named => delete::one(shared, call, target),
        ("", &Method::DELETE) => delete::collection(shared, call, target),
        _ => {
            shared.remember_unknown(call);
            Err(Refusal::method_not_allowed())
        }
    }
}
