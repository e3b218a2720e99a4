//! Reading second workloads and what routers say, for releases whose strategy brings any up.

use std::collections::BTreeMap;

use super::super::metadata::namespace;
use super::{Context, Error, crashes};
use crate::api::environment::{Component, Environment, WorkloadRef};
use crate::api::names::ComponentName;
use crate::api::release::{Release, TrackPlace, TrackProgress};
use crate::api::strategy::{StrategyName, Track, TrafficRouting};
use crate::domain;
use crate::domain::rollout::TrafficState;
use crate::domain::rollout_status::WorkloadState;
use crate::traffic::{self, Route, Router, services};
use crate::workload::{self, Target, track};

/// A second workload beside a component's own, and who sends traffic to it.
pub(in crate::controller) struct Second<'a> {
    pub workload: &'a WorkloadRef,
    pub track: Track,
    /// Absent: replicas carry the weight.
    pub routing: Option<&'a TrafficRouting>,
}

/// The router of a second workload, with everything that it needs to know.
pub(in crate::controller) fn route(
    context: &Context,
    namespace: &str,
    second: &Second<'_>,
) -> Result<(&'static dyn Router, Route), traffic::Error> {
    let router = match second.routing {
        Some(routing) => traffic::validate(routing)?,
        None => traffic::router(domain::track::REPLICA_RATIO)?,
    };
    let route = Route {
        client: context.core.client.clone(),
        namespace: namespace.to_owned(),
        workload: second.workload.clone(),
        track: second.track,
        config: second.routing.map(|routing| routing.config.clone()).unwrap_or_default(),
    };
    Ok((router, route))
}

/// What is seen beside the own workloads, by component.
#[derive(Default)]
pub(super) struct Seen {
    pub tracks: BTreeMap<String, WorkloadState>,
    pub traffic: BTreeMap<String, TrafficState>,
    pub autoscalers: BTreeMap<String, String>,
    pub crashes: BTreeMap<String, String>,
}

/// Where one component's two workloads are, and who sends traffic to them.
struct Pair {
    component: ComponentName,
    workload: WorkloadRef,
    container: String,
    routing: Option<TrafficRouting>,
    preview: Option<String>,
}

/// The components of an environment that may get a second workload; those of the status where the environment is gone.
fn pairs(release: &Release, environment: Option<&Environment>, strategy: StrategyName) -> Vec<Pair> {
    let entries = release.status.as_ref().map_or(&[][..], |status| status.tracks.as_slice());
    let place = |name: &ComponentName| {
        entries.iter().find(|entry| entry.component == *name).and_then(|entry| entry.place.clone())
    };
    let Some(environment) = environment else {
        let pair = |entry: &TrackProgress| {
            let TrackPlace { workload, container, routing, .. } = entry.place.clone()?;
            Some(Pair { component: entry.component.clone(), workload, container, routing, preview: None })
        };
        return entries.iter().filter_map(pair).collect();
    };
    let settings = environment.spec.strategy_of(strategy);
    let is_released = |component: &&Component| {
        release.spec.images.iter().any(|image| image.component == component.name)
            && track::supports(&component.workload).is_ok()
    };
    let pair = |component: &Component| {
        let preview = domain::track::preview_service(&settings, &component.name);
        let routing = domain::track::routing(&settings, &component.name);
        let (workload, container, routing) = match place(&component.name) {
            // a release goes on, and back, by the router that it began with
            Some(place) => (place.workload, place.container, place.routing),
            None => (component.workload.clone(), component.container.clone(), routing),
        };
        Pair { component: component.name.clone(), workload, container, routing, preview }
    };
    environment.spec.components.iter().filter(is_released).map(pair).collect()
}

/// The second workloads of a release that has begun, and what the routers' objects say.
pub(super) async fn of(
    context: &Context,
    release: &Release,
    environment: Option<&Environment>,
) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    let plan = release.status.as_ref().and_then(|status| status.plan.as_ref());
    let Some((strategy, track)) =
        plan.and_then(|plan| Some((plan.strategy, domain::track::of(plan.strategy)?)))
    else {
        return Ok(seen);
    };
    for pair in pairs(release, environment, strategy) {
        look(context, release, (&pair, track), &mut seen).await?;
    }
    Ok(seen)
}

async fn look(
    context: &Context,
    release: &Release,
    (pair, track): (&Pair, Track),
    seen: &mut Seen,
) -> Result<(), Error> {
    let (namespace, name) = (namespace(release), pair.component.to_string());
    let entries = release.status.as_ref().map_or(&[][..], |status| status.tracks.as_slice());
    let entry = entries.iter().find(|entry| entry.component == pair.component);
    let found = track::observe(&pair_target(context, namespace, pair), track).await?;
    let is_up = found.as_ref().is_some_and(|second| second.desired > 0);
    let is_lost = is_up && found.as_ref().is_some_and(|second| second.available == 0);
    if let Some(second) = found.as_ref().filter(|_| is_lost && entry.is_some_and(|entry| entry.losses > 0)) {
        let why = crashes::of(context, namespace, &second.name, track).await;
        seen.crashes.extend(why.map(|why| (name.clone(), why)));
    }
    seen.tracks.extend(found.map(|state| (name.clone(), state)));
    let Some(routing) = &pair.routing else {
        if entry.is_some() {
            let client = &context.core.client;
            // where autoscalers may not be read, somebody else's size is noticed when it changes
            let scaler = workload::autoscaler_of(client, namespace, &pair.workload).await.ok().flatten();
            seen.autoscalers.extend(scaler.map(|scaler| (name, scaler)));
        }
        return Ok(());
    };
    let second = Second { workload: &pair.workload, track, routing: Some(routing) };
    let said = match route(context, namespace, &second) {
        Ok((router, route)) if is_up => said_beside(router, &route, pair.preview.as_deref()).await,
        Ok((router, route)) if entry.is_some() => said_after(router, &route).await,
        Ok((router, route)) => router.observe(&route).await,
        Err(error) => Err(error),
    };
    let state = match said {
        Ok(state) => state,
        Err(error) if error.is_transient() => return Err(error.into()),
        Err(error) => unread(&error),
    };
    seen.traffic.insert(name, state);
    Ok(())
}

/// An object that does not exist sends nothing anywhere; anything else that cannot be read may.
fn unread(error: &traffic::Error) -> TrafficState {
    let is_gone = matches!(error, traffic::Error::Missing { .. } | traffic::Error::NotInstalled { .. });
    TrafficState { is_gone, detail: error.to_string(), ..TrafficState::default() }
}

/// What the router's objects say while there is a second workload, and whether its Services are still there.
async fn said_beside(
    router: &dyn Router,
    route: &Route,
    preview: Option<&str>,
) -> Result<TrafficState, traffic::Error> {
    let state = router.observe(route).await?;
    let lacks = services::lacks(router, route, preview).await?;
    Ok(TrafficState { lacks, ..state })
}

/// What the router's objects say where the second workload is not there any more, and what is left of what was made for it.
async fn said_after(router: &dyn Router, route: &Route) -> Result<TrafficState, traffic::Error> {
    let state = match router.observe(route).await {
        Err(error) if !error.is_transient() => unread(&error),
        state => state?,
    };
    let mut left = services::remaining(route).await?;
    left.extend(router.remains(route).await?);
    Ok(TrafficState { remains: (!left.is_empty()).then(|| left.join(", ")), ..state })
}

/// The own workloads that the status remembers, for a release whose environment is gone.
pub(super) async fn own_workloads(
    context: &Context,
    release: &Release,
) -> Result<BTreeMap<String, WorkloadState>, Error> {
    let mut all = BTreeMap::new();
    for pair in pairs(release, None, StrategyName::Rolling) {
        let target = pair_target(context, namespace(release), &pair);
        let state = workload::workload(pair.workload.kind)?.observe(&target).await?;
        all.extend(state.map(|state| (pair.component.to_string(), state)));
    }
    Ok(all)
}

fn pair_target(context: &Context, namespace: &str, pair: &Pair) -> Target {
    Target {
        client: context.core.client.clone(),
        namespace: namespace.to_owned(),
        name: pair.workload.name.clone(),
        container: pair.container.clone(),
    }
}
