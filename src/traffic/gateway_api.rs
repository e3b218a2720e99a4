//! Gateway API: the weights of an `HTTPRoute`'s backends. Whether its gateway has taken them stands in the route's status.

use futures::FutureExt;
use futures::future::BoxFuture;
use kube::api::DynamicObject;
use serde_json::Value;

use super::split::{Backend, Dialect, Two};
use super::weighted::{Acceptance, Weighted, is_meant, items};
use super::{Distinction, Error, Key, Route, Router, SERVICE, pair};
use crate::api::strategy::Weight;
use crate::domain::rollout::TrafficState;
use crate::workload::Written;

/// The router `gateway-api`.
pub struct GatewayApi;

const ROUTES: Weighted = Weighted {
    group: "gateway.networking.k8s.io",
    version: "v1",
    kind: "HTTPRoute",
    plural: "httproutes",
    key: "httpRoute",
    lists,
    dialect: Dialect { backend, retarget, unstated: |_| 1 },
    acceptance,
};

fn lists(object: &Value, rule: Option<&str>) -> Vec<String> {
    let rules = items(object, "/spec/rules").filter(|(_, one)| is_meant(one, "matches", rule));
    rules.map(|(index, _)| format!("/spec/rules/{index}/backendRefs")).collect()
}

fn backend(entry: &Value, namespace: &str) -> Option<Backend> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let is_service =
        text("kind").is_none_or(|kind| kind == "Service") && text("group").is_none_or(str::is_empty);
    let is_here = text("namespace").is_none_or(|other| other == namespace);
    (is_service && is_here).then(|| text("name").map(Backend::service)).flatten()
}

fn retarget(entry: &mut Value, to: &Backend) {
    entry["name"] = to.service.clone().into();
}

/// Every parent that has spoken must have taken the present generation.
fn acceptance(route: &DynamicObject) -> Acceptance {
    let generation = route.metadata.generation.unwrap_or_default();
    let mut verdict = Acceptance::Silent;
    for (_, parent) in items(&route.data, "/status/parents") {
        let conditions = parent.get("conditions").and_then(Value::as_array).into_iter().flatten();
        for condition in conditions {
            let text = |key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default();
            if !matches!(text("type"), "Accepted" | "ResolvedRefs") {
                continue;
            }
            let seen = condition.get("observedGeneration").and_then(Value::as_i64);
            if seen.is_some_and(|seen| seen < generation) {
                return Acceptance::Not("which its gateway has not yet taken".to_owned());
            }
            if text("status") != "True" {
                return Acceptance::Not(format!("which its gateway refuses: {}", text("message")));
            }
            verdict = Acceptance::Accepted;
        }
    }
    verdict
}

fn two(route: &Route) -> Two<'_> {
    Two {
        namespace: &route.namespace,
        first: Backend::service(route.service()),
        second: Backend::service(&route.second_service()),
    }
}

impl Router for GatewayApi {
    fn name(&self) -> &'static str {
        "gateway-api"
    }

    fn keys(&self) -> &'static [Key] {
        &[
            Key { name: "httpRoute", is_needed: true, what: "the HTTPRoute whose backends get the weights" },
            SERVICE,
            Key { name: "rule", is_needed: false, what: "the only rule that is meant, by its name" },
        ]
    }

    fn has_second_service(&self, _: &Route) -> bool {
        true
    }

    fn distinguish<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Distinction, Error>> {
        pair::by_service(route).boxed()
    }

    fn observe<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<TrafficState, Error>> {
        ROUTES.observe(route, two(route)).boxed()
    }

    fn rehearse<'a>(&'a self, route: &'a Route, shares: &'a [Weight]) -> BoxFuture<'a, Result<(), Error>> {
        ROUTES.rehearse(route, two(route), shares).boxed()
    }

    fn set<'a>(
        &'a self,
        route: &'a Route,
        from: Weight,
        to: Weight,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        ROUTES.set(route, two(route), (from, to)).boxed()
    }

    fn reset<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Written, Error>> {
        ROUTES.reset(route, two(route)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gateway_must_have_taken_the_present_generation() {
        let condition = |kind: &str, status: &str, seen: i64| json!({"type": kind, "status": status, "observedGeneration": seen, "message": "no such Service"});
        let cases = [
            (json!({}), Acceptance::Silent),
            (json!({"parents": [{"conditions": [condition("Accepted", "True", 3)]}]}), Acceptance::Accepted),
            (
                json!({"parents": [{"conditions": [condition("Accepted", "True", 2)]}]}),
                Acceptance::Not("which its gateway has not yet taken".into()),
            ),
            (
                json!({"parents": [
                    {"conditions": [condition("Accepted", "True", 3)]},
                    {"conditions": [condition("Accepted", "True", 3), condition("ResolvedRefs", "False", 3)]}
                ]}),
                Acceptance::Not("which its gateway refuses: no such Service".into()),
            ),
        ];
        for (status, expected) in cases {
            let route = serde_json::from_value(json!({
                "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
                "metadata": {"name": "backend", "generation": 3}, "status": status
            }));
            assert_eq!(acceptance(&route.unwrap()), expected, "{status}");
        }
    }

    #[test]
    fn other_kinds_and_other_namespaces_are_no_backends_of_ours() {
        for (entry, is_ours) in [
            (json!({"name": "api"}), true),
            (json!({"name": "api", "kind": "Service", "group": "", "namespace": "a"}), true),
            (json!({"name": "api", "kind": "ServiceImport"}), false),
            (json!({"name": "api", "group": "multicluster.x-k8s.io"}), false),
            (json!({"name": "api", "namespace": "b"}), false),
        ] {
            assert_eq!(backend(&entry, "a"), is_ours.then(|| Backend::service("api")), "{entry}");
        }
    }
}
