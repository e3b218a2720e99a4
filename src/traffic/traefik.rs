//! Traefik: the weights of a `TraefikService`.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::split::{Backend, Dialect, Two};
use super::weighted::{Acceptance, Rule, RuleScope, Weighted};
use super::{Distinction, Error, Key, Route, Router, SERVICE, pair};
use crate::api::strategy::Weight;
use crate::domain::rollout::TrafficState;
use crate::workload::Written;

/// The router `traefik`.
pub(super) struct Traefik;

const SERVICES: Weighted = Weighted {
    group: "traefik.io",
    version: "v1alpha1",
    kind: "TraefikService",
    plural: "traefikservices",
    key: "traefikService",
    rules: |_| vec![Rule { list: "/spec/weighted/services".to_owned(), name: None, reach: RuleScope::All }],
    dialect: Dialect { backend, retarget, unstated: |_| 1 },
    acceptance: |_| Acceptance::Silent,
};

fn backend(entry: &Value, namespace: &str) -> Option<Backend> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let is_service = text("kind").is_none_or(|kind| kind == "Service");
    let is_here = text("namespace").is_none_or(|other| other == namespace);
    (is_service && is_here).then(|| text("name").map(Backend::service)).flatten()
}

fn retarget(entry: &mut Value, to: &Backend) {
    entry["name"] = to.service.clone().into();
}

fn two(route: &Route) -> Two<'_> {
    Two {
        namespace: &route.namespace,
        first: Backend::service(route.service()),
        second: Backend::service(&route.second_service()),
    }
}

impl Router for Traefik {
    fn name(&self) -> &'static str {
        "traefik"
    }

    fn keys(&self) -> &'static [Key] {
        &[
            Key {
                name: "traefikService",
                is_needed: true,
                what: "the weighted TraefikService that an IngressRoute leads to",
            },
            SERVICE,
        ]
    }

    fn has_second_service(&self, _: &Route) -> bool {
        true
    }

    fn distinguish<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Distinction, Error>> {
        pair::by_service(route).boxed()
    }

    fn observe<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<TrafficState, Error>> {
        SERVICES.observe(route, two(route)).boxed()
    }

    fn rehearse<'a>(&'a self, route: &'a Route, shares: &'a [Weight]) -> BoxFuture<'a, Result<(), Error>> {
        SERVICES.rehearse(route, two(route), shares).boxed()
    }

    fn set<'a>(
        &'a self,
        route: &'a Route,
        from: Weight,
        to: Weight,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        SERVICES.set(route, two(route), (from, to)).boxed()
    }

    fn remains<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Option<String>, Error>> {
        SERVICES.remains(route, two(route)).boxed()
    }

    fn reset<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Written, Error>> {
        SERVICES.reset(route, two(route)).boxed()
    }
}
