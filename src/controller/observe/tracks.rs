//! Reading second workloads and what routers say, for releases whose strategy brings any up.

use std::collections::BTreeMap;

use super::{Context, Error, namespace, target};
use crate::api::environment::{Environment, WorkloadRef};
use crate::api::release::Release;
use crate::api::strategy::{Track, TrafficRouting};
use crate::domain;
use crate::domain::rollout::TrafficState;
use crate::domain::rollout_status::WorkloadState;
use crate::traffic::{self, Route, Router, services};
use crate::workload::track;

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

type Seen = (BTreeMap<String, WorkloadState>, BTreeMap<String, TrafficState>);

/// The second workloads of a release that has begun, and what the routers' objects say, by component.
pub(super) async fn of(
    context: &Context,
    release: &Release,
    environment: &Environment,
) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    let plan = release.status.as_ref().and_then(|status| status.plan.as_ref());
    let Some((strategy, track)) =
        plan.and_then(|plan| Some((plan.strategy, domain::track::of(plan.strategy)?)))
    else {
        return Ok(seen);
    };
    let settings = environment.spec.strategy_of(strategy);
    let namespace = namespace(release);
    for component in &environment.spec.components {
        let name = &component.name;
        if !release.spec.images.iter().any(|image| image.component == *name)
            || track::supports(&component.workload).is_err()
        {
            continue;
        }
        let found = track::observe(&target(context, namespace, component), track).await?;
        let is_up = found.as_ref().is_some_and(|second| second.desired > 0);
        seen.0.extend(found.map(|state| (name.to_string(), state)));
        let Some(routing) = domain::track::routing(&settings, name) else { continue };
        let second = Second { workload: &component.workload, track, routing: Some(&routing) };
        let said = match route(context, namespace, &second) {
            Ok((router, route)) if is_up => {
                let preview = domain::track::preview_service(&settings, name);
                said_beside(router, &route, preview.as_deref()).await
            }
            Ok((router, route)) => router.observe(&route).await,
            Err(error) => Err(error),
        };
        let state = match said {
            Ok(state) => state,
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error) => TrafficState { detail: error.to_string(), ..TrafficState::default() },
        };
        seen.1.insert(name.to_string(), state);
    }
    Ok(seen)
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
