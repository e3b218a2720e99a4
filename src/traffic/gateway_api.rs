//! Gateway API: the weights of an `HTTPRoute`'s backends. Whether its gateway has taken them stands in the route's status.

use std::fmt;

use futures::FutureExt;
use futures::future::BoxFuture;
use kube::api::DynamicObject;
use serde_json::Value;

use super::split::{Backend, Dialect, Two};
use super::weighted::{Acceptance, Rule, RuleScope, Weighted, items, reach};
use super::{Distinction, Error, Key, Route, Router, SERVICE, pair};
use crate::api::strategy::Weight;
use crate::domain::rollout::TrafficState;
use crate::workload::Written;

/// The router `gateway-api`.
pub(super) struct GatewayApi;

const GROUP: &str = "gateway.networking.k8s.io";

const ROUTES: Weighted = Weighted {
    group: GROUP,
    version: "v1",
    kind: "HTTPRoute",
    plural: "httproutes",
    key: "httpRoute",
    rules,
    dialect: Dialect { backend, retarget, unstated: |_| 1 },
    acceptance,
};

fn rules(object: &Value) -> Vec<Rule> {
    let rule = |(index, one): (usize, &Value)| Rule {
        list: format!("/spec/rules/{index}/backendRefs"),
        name: one.get("name").and_then(Value::as_str).map(str::to_owned),
        reach: reach(one, "matches", condition),
    };
    items(object, "/spec/rules").map(rule).collect()
}

/// How far one condition of a match reaches.
fn condition(name: &str, value: &Value) -> RuleScope {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    match name {
        "path" => match (text("type").unwrap_or("PathPrefix"), text("value").unwrap_or("/")) {
            ("PathPrefix", "/") | ("RegularExpression", ".*" | "/.*") => RuleScope::All,
            _ => RuleScope::Part,
        },
        _ if value.as_array().is_some_and(Vec::is_empty) => RuleScope::All,
        _ => RuleScope::Condition,
    }
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

/// Every parent of the route that has spoken must have taken the present generation. What others left in the status does not count.
fn acceptance(route: &DynamicObject) -> Acceptance {
    let generation = route.metadata.generation.unwrap_or_default();
    let namespace = route.metadata.namespace.as_deref().unwrap_or_default();
    let mut verdict = Acceptance::Silent;
    for (_, reference) in items(&route.data, "/spec/parentRefs") {
        let parent = Parent::of(reference, namespace);
        let entries = items(&route.data, "/status/parents").map(|(_, entry)| entry);
        let entries = entries.filter(|entry| {
            entry.get("parentRef").is_some_and(|reference| Parent::of(reference, namespace) == parent)
        });
        // Several controllers may have spoken of the same parent, the last one for it now.
        let (current, old): (Vec<&Value>, Vec<&Value>) =
            entries.partition(|entry| conditions(entry).all(|one| is_current(one, generation)));
        if current.is_empty() && !old.is_empty() {
            return Acceptance::Not(format!("which {parent} has not yet taken"));
        }
        for condition in current.into_iter().flat_map(conditions) {
            if text(condition, "status") != "True" {
                return Acceptance::Not(format!("which {parent} refuses: {}", text(condition, "message")));
            }
            verdict = Acceptance::Accepted;
        }
    }
    verdict
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The conditions of a parent's status that say whether the route works.
fn conditions(entry: &Value) -> impl Iterator<Item = &Value> {
    let all = entry.get("conditions").and_then(Value::as_array).into_iter().flatten();
    all.filter(|condition| matches!(text(condition, "type"), "Accepted" | "ResolvedRefs"))
}

fn is_current(condition: &Value, generation: i64) -> bool {
    let seen = condition.get("observedGeneration").and_then(Value::as_i64);
    seen.is_none_or(|seen| seen >= generation)
}

/// What a route is attached to, with everything that the reference leaves unsaid.
#[derive(Debug, PartialEq, Eq)]
struct Parent<'a> {
    group: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    section: &'a str,
    port: Option<i64>,
    is_elsewhere: bool,
}

impl<'a> Parent<'a> {
    fn of(reference: &'a Value, own: &'a str) -> Self {
        let given = |key: &str| reference.get(key).and_then(Value::as_str);
        let namespace = given("namespace").filter(|namespace| !namespace.is_empty()).unwrap_or(own);
        Self {
            group: given("group").unwrap_or(GROUP),
            kind: given("kind").filter(|kind| !kind.is_empty()).unwrap_or("Gateway"),
            namespace,
            name: text(reference, "name"),
            section: text(reference, "sectionName"),
            port: reference.get("port").and_then(Value::as_i64),
            is_elsewhere: namespace != own,
        }
    }
}

impl fmt::Display for Parent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if self.is_elsewhere {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(self.name)?;
        if !self.section.is_empty() {
            write!(f, " section {}", self.section)?;
        }
        self.port.map_or(Ok(()), |port| write!(f, " port {port}"))
    }
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
            Key {
                name: "rule",
                is_needed: false,
                what: "the only rules that are meant, by their names, separated by commas",
            },
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

    fn remains<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Option<String>, Error>> {
        ROUTES.remains(route, two(route)).boxed()
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
    fn a_rule_reaches_as_far_as_its_widest_match() {
        let path = |kind: &str, value: &str| json!({"type": kind, "value": value});
        for (matches, expected) in [
            (json!(null), RuleScope::All),
            (json!([]), RuleScope::All),
            (json!([{}]), RuleScope::All),
            (json!([{"path": path("PathPrefix", "/")}]), RuleScope::All),
            (json!([{"path": path("RegularExpression", ".*"), "headers": []}]), RuleScope::All),
            (json!([{"path": path("PathPrefix", "/api")}]), RuleScope::Part),
            (json!([{"path": path("Exact", "/")}]), RuleScope::Part),
            (json!([{"headers": [{"name": "x-beta", "value": "1"}]}]), RuleScope::Condition),
            (
                json!([{"path": path("PathPrefix", "/"), "queryParams": [{"name": "beta", "value": "1"}]}]),
                RuleScope::Condition,
            ),
            (json!([{"method": "GET"}]), RuleScope::Condition),
            (json!([{"path": path("PathPrefix", "/api"), "method": "GET"}]), RuleScope::Condition),
            (
                json!([{"headers": [{"name": "x", "value": "1"}]}, {"path": path("PathPrefix", "/")}]),
                RuleScope::All,
            ),
        ] {
            let found = rules(&json!({"spec": {"rules": [{"matches": matches}]}}));
            assert_eq!(found[0].reach, expected, "{matches}");
        }
    }

    #[test]
    fn each_present_parent_must_have_taken_the_present_generation() {
        let said = |parent: Value, kind: &str, status: &str, seen: i64| {
            let condition = json!({"type": kind, "status": status, "observedGeneration": seen, "message": "no such Service"});
            json!({"parentRef": parent, "controllerName": "a/b", "conditions": [condition]})
        };
        let public = || json!({"name": "public"});
        let full = || json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "shop", "name": "public"});
        let not = |text: &str| Acceptance::Not(text.to_owned());
        for (parents, status, expected) in [
            (vec![public()], vec![], Acceptance::Silent),
            (vec![public()], vec![said(public(), "Accepted", "True", 3)], Acceptance::Accepted),
            (vec![public()], vec![said(full(), "Accepted", "True", 3)], Acceptance::Accepted),
            (
                vec![full()],
                vec![said(public(), "Accepted", "True", 2)],
                not("which Gateway public has not yet taken"),
            ),
            (
                vec![public()],
                vec![
                    said(json!({"name": "old-gateway"}), "Accepted", "True", 1),
                    said(public(), "Accepted", "True", 3),
                ],
                Acceptance::Accepted,
            ),
            (
                vec![public()],
                vec![said(json!({"name": "old-gateway"}), "Accepted", "False", 3)],
                Acceptance::Silent,
            ),
            (
                vec![public()],
                vec![
                    said(json!({"name": "public", "sectionName": "http"}), "Accepted", "True", 1),
                    said(public(), "Accepted", "True", 3),
                ],
                Acceptance::Accepted,
            ),
            (
                vec![json!({"name": "public", "sectionName": "https", "port": 443})],
                vec![said(
                    json!({"name": "public", "sectionName": "https", "port": 443}),
                    "Accepted",
                    "True",
                    2,
                )],
                not("which Gateway public section https port 443 has not yet taken"),
            ),
            (
                vec![public(), json!({"name": "public", "namespace": "edge"})],
                vec![
                    said(public(), "Accepted", "True", 3),
                    said(json!({"name": "public", "namespace": "edge"}), "ResolvedRefs", "False", 3),
                ],
                not("which Gateway edge/public refuses: no such Service"),
            ),
            (
                vec![json!({"group": "", "kind": "Service", "name": "pay"})],
                vec![
                    said(public(), "Accepted", "True", 1),
                    said(json!({"group": "", "kind": "Service", "name": "pay"}), "Accepted", "True", 3),
                ],
                Acceptance::Accepted,
            ),
            (
                // the same parent, first under another controller
                vec![public()],
                vec![said(public(), "Accepted", "True", 1), said(public(), "Accepted", "True", 3)],
                Acceptance::Accepted,
            ),
            (vec![public()], vec![said(public(), "Programmed", "False", 1)], Acceptance::Silent),
            (vec![], vec![said(public(), "Accepted", "True", 1)], Acceptance::Silent),
        ] {
            let route = serde_json::from_value(json!({
                "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
                "metadata": {"name": "backend", "namespace": "shop", "generation": 3},
                "spec": {"parentRefs": parents}, "status": {"parents": status}
            }));
            assert_eq!(acceptance(&route.unwrap()), expected, "{parents:?} {status:?}");
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
