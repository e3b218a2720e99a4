//! Whether a second workload can be brought up beside a component's own, and whether its router can send traffic to it.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Answered, Gate, Scope, Verdict, names, unanswered};
use crate::api::release::GateState;
use crate::api::strategy::Weight;
use crate::domain::health::{Question, Routing};
use crate::domain::track::REPLICA_RATIO;
use crate::traffic::{self, Route, Router, Shares, services};
use crate::workload::{self, Target, track};

/// The router's settings fit, its objects are there and state nothing of a second workload yet.
pub(super) struct RoutingGate;

impl Gate for RoutingGate {
    fn name(&self) -> &'static str {
        "routing"
    }

    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>> {
        let Question::Routing(wanted) = question else { return None };
        Some(async move { look(scope, wanted).await.unwrap_or_else(|verdict| verdict).into() }.boxed())
    }
}

fn fail(why: impl Into<String>) -> Verdict {
    (GateState::Fail, why.into())
}

/// What an error means: that something cannot be read is no failure of it.
fn refused(error: &traffic::Error) -> Verdict {
    let is_unread = matches!(error, traffic::Error::Kube { .. } | traffic::Error::Changed(_))
        || matches!(error, traffic::Error::Workload(workload::Error::Kube { .. }));
    (if is_unread { GateState::NoData } else { GateState::Fail }, error.to_string())
}

/// Stops at the first thing that is not as it must be.
async fn look(scope: &Scope, wanted: &Routing) -> Result<Verdict, Verdict> {
    track::supports(&wanted.workload).map_err(|error| fail(error.to_string()))?;
    let own = own(scope, wanted);
    let unfit = workload::unfit_for_two_tracks(&own).await.map_err(|error| refused(&error.into()))?;
    if let Some(why) = unfit {
        return Err(fail(why));
    }
    let router = router(wanted).map_err(|error| refused(&error))?;
    let between = |weight: &&Weight| !matches!(**weight, Weight::ZERO | Weight::FULL);
    if router.shares() == Shares::AllOrNothing
        && let Some(weight) = wanted.weights.iter().find(between)
    {
        let name = router.name();
        return Err(fail(format!(
            "router {name} sends all or nothing, never {weight}: use steps of 0 and 100, or another router"
        )));
    }
    let route = route(scope, wanted);
    if let Some(problem) = names::problem(router, &route, wanted) {
        return Err(fail(problem));
    }
    let distinction = router.distinguish(&route).await.map_err(|error| refused(&error))?;
    names_are_free(scope, wanted).await?;
    services::is_free(&route, &distinction).await.map_err(|error| refused(&error))?;
    if let Some(preview) = &wanted.preview_service {
        services::may_preview(&route, preview).await.map_err(|error| refused(&error))?;
    }
    if router.shares() == Shares::Pods {
        return nobody_else_scales(scope, wanted).await;
    }
    let state = router.observe(&route).await.map_err(|error| refused(&error))?;
    if state.weight != Some(Weight::ZERO) {
        return Err(fail(format!(
            "{}: nothing may go to a second workload before the release",
            state.detail
        )));
    }
    if !state.is_accepted {
        return Err(fail(state.detail));
    }
    router.rehearse(&route, &wanted.weights).await.map_err(|error| refused(&error))?;
    Ok((GateState::Pass, state.detail))
}

/// The router that the settings name; replicas where they name none.
pub(super) fn router(wanted: &Routing) -> Result<&'static dyn Router, traffic::Error> {
    match &wanted.routing {
        Some(routing) => traffic::validate(routing),
        None => traffic::router(REPLICA_RATIO),
    }
}

pub(super) fn route(scope: &Scope, wanted: &Routing) -> Route {
    Route {
        client: scope.client.clone(),
        namespace: scope.namespace.clone(),
        workload: wanted.workload.clone(),
        track: wanted.track,
        config: wanted.routing.as_ref().map(|routing| routing.config.clone()).unwrap_or_default(),
    }
}

fn own(scope: &Scope, wanted: &Routing) -> Target {
    Target {
        client: scope.client.clone(),
        namespace: scope.namespace.clone(),
        name: wanted.workload.name.clone(),
        container: String::new(),
    }
}

async fn names_are_free(scope: &Scope, wanted: &Routing) -> Result<(), Verdict> {
    let own = own(scope, wanted);
    match track::is_taken(&own, wanted.track).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(fail(format!(
            "Deployment {} was not made by the controller: rename or remove it, its name is needed for the second workload",
            wanted.track.workload_name(&own.name)
        ))),
        Err(error) => Err(refused(&error.into())),
    }
}

/// Without a router the number of pods is the weight, and must be nobody else's business.
async fn nobody_else_scales(scope: &Scope, wanted: &Routing) -> Result<Verdict, Verdict> {
    let workload = &wanted.workload;
    match workload::autoscaler_of(&scope.client, &scope.namespace, workload).await {
        Ok(None) => Ok((GateState::Pass, format!("the pods of {} carry the weight", workload.name))),
        Ok(Some(autoscaler)) => Err(fail(format!(
            "HorizontalPodAutoscaler {autoscaler} sets the size of {} {}, and would fight the ratio of pods: name a router in trafficRouting, or release with the strategy rolling",
            workload.kind, workload.name
        ))),
        Err(error) => Err(unanswered("the autoscalers", &error)),
    }
}
