//! No router at all: one Service finds the pods of both workloads, and each pod gets its share. Nothing is ever written.

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use serde_json::Value;

use super::{Distinction, Error, Key, Route, Router, SERVICE, Shares, pair};
use crate::api::strategy::Weight;
use crate::domain::rollout::TrafficState;
use crate::workload::Written;

/// The router `replica-ratio`.
pub(super) struct ReplicaRatio;

async fn observe(route: &Route) -> Result<TrafficState, Error> {
    let first = pair::workload_of(route).await?;
    let resource = kube::api::ApiResource::erase::<k8s_openapi::api::apps::v1::Deployment>(&());
    let name = route.track.workload_name(&route.workload.name);
    let second = pair::find(&pair::any(route, &resource), &resource.kind, &name).await?;
    let available = |workload: &Value| {
        workload.pointer("/status/availableReplicas").and_then(Value::as_u64).unwrap_or_default()
    };
    let first = available(&first.data);
    let second = second.map(|second| available(&second.data)).unwrap_or_default();
    let all = first + second;
    if all == 0 {
        let detail = "no pod is available".to_owned();
        return Ok(TrafficState { is_accepted: true, detail, ..TrafficState::default() });
    }
    let percent = (second * 100 + all / 2) / all;
    let detail = format!("{second} of {all} available pods are of {name}");
    let weight = u8::try_from(percent).ok().and_then(Weight::new);
    Ok(TrafficState { weight, is_accepted: true, detail, ..TrafficState::default() })
}

impl Router for ReplicaRatio {
    fn name(&self) -> &'static str {
        "replica-ratio"
    }

    fn keys(&self) -> &'static [Key] {
        &[SERVICE]
    }

    fn shares(&self) -> Shares {
        Shares::Pods
    }

    fn has_second_service(&self, _: &Route) -> bool {
        false
    }

    fn distinguish<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Distinction, Error>> {
        pair::by_nothing(route).boxed()
    }

    fn observe<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<TrafficState, Error>> {
        observe(route).boxed()
    }

    fn set<'a>(&'a self, _: &'a Route, _: Weight, _: Weight) -> BoxFuture<'a, Result<Written, Error>> {
        ready(Ok(Written::Already)).boxed()
    }

    fn reset<'a>(&'a self, _: &'a Route) -> BoxFuture<'a, Result<Written, Error>> {
        ready(Ok(Written::Already)).boxed()
    }
}
