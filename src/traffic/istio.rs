//! Istio: the weights of a `VirtualService`, between two hosts or between two subsets that a `DestinationRule` names.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::Value;

use super::split::{Backend, Dialect, Two};
use super::weighted::{Acceptance, Rule, RuleScope, Weighted, items, reach};
use super::{Distinction, Error, Key, Route, Router, SERVICE, pair};
use crate::api::strategy::Weight;
use crate::domain::rollout::TrafficState;
use crate::workload::Written;
use crate::workload::track::{pod_labels, text_map};

/// The router `istio`.
pub(super) struct Istio;

const GROUP: &str = "networking.istio.io";
const RULE: &str = "destinationRule";
const FIRST: &str = "stableSubset";
const SECOND: &str = "canarySubset";

const SERVICES: Weighted = Weighted {
    group: GROUP,
    version: "v1",
    kind: "VirtualService",
    plural: "virtualservices",
    key: "virtualService",
    rules,
    // alone it gets everything; beside others without a weight nothing
    dialect: Dialect { backend, retarget, unstated: |alone| if alone { 100 } else { 0 } },
    acceptance,
};

fn rules(object: &Value) -> Vec<Rule> {
    let rule = |(index, one): (usize, &Value)| Rule {
        list: format!("/spec/http/{index}/route"),
        name: one.get("name").and_then(Value::as_str).map(str::to_owned),
        reach: reach(one, "match", condition),
    };
    items(object, "/spec/http").map(rule).collect()
}

/// How far one condition of a match reaches.
fn condition(name: &str, value: &Value) -> RuleScope {
    let is = |kind: &str, text: &str| value.get(kind).and_then(Value::as_str) == Some(text);
    match name {
        "name" | "ignoreUriCase" | "statPrefix" => RuleScope::All,
        "uri" if is("prefix", "/") || is("prefix", "") || is("regex", ".*") || is("regex", "/.*") => {
            RuleScope::All
        }
        "uri" | "authority" | "scheme" | "port" | "gateways" => RuleScope::Part,
        _ if value.as_object().is_some_and(serde_json::Map::is_empty) => RuleScope::All,
        _ => RuleScope::Condition,
    }
}

/// The Service that a host means in a namespace: by its short name, or in full.
fn service_of<'a>(host: &'a str, namespace: &str) -> Option<&'a str> {
    let mut parts = host.split('.');
    let service = parts.next()?;
    parts.next().is_none_or(|other| other == namespace).then_some(service)
}

fn backend(entry: &Value, namespace: &str) -> Option<Backend> {
    let destination = entry.get("destination")?;
    let service = service_of(destination.get("host")?.as_str()?, namespace)?.to_owned();
    let subset = destination.get("subset").and_then(Value::as_str).map(str::to_owned);
    Some(Backend { service, subset })
}

fn retarget(entry: &mut Value, to: &Backend) {
    let destination = &mut entry["destination"];
    if let Some(subset) = &to.subset {
        destination["subset"] = subset.clone().into();
        return;
    }
    let host = destination["host"].as_str().unwrap_or_default();
    let domain = host.split_once('.').map_or(String::new(), |(_, domain)| format!(".{domain}"));
    destination["host"] = format!("{}{domain}", to.service).into();
}

/// Istio's own verdict, where its analysis writes one.
fn acceptance(service: &DynamicObject) -> Acceptance {
    let messages = items(&service.data, "/status/validationMessages");
    let is_error = |message: &&Value| message.pointer("/level").and_then(Value::as_str) == Some("ERROR");
    if messages.map(|(_, message)| message).any(|message| is_error(&message)) {
        return Acceptance::Not("which Istio's own validation finds wrong".to_owned());
    }
    Acceptance::Silent
}

fn two(route: &Route) -> Two<'_> {
    let namespace = &route.namespace;
    let Some(second) = route.setting(SECOND) else {
        let second = Backend::service(&route.second_service());
        return Two { namespace, first: Backend::service(route.service()), second };
    };
    let subset =
        |name: Option<&str>| Backend { service: route.service().to_owned(), subset: name.map(str::to_owned) };
    Two { namespace, first: subset(route.setting(FIRST)), second: subset(Some(second)) }
}

/// The labels of the two subsets.
async fn subsets(route: &Route, rule: &str) -> Result<[BTreeMap<String, String>; 2], Error> {
    let kind = GroupVersionKind::gvk(GROUP, "v1", "DestinationRule");
    let resource = ApiResource::from_gvk_with_plural(&kind, "destinationrules");
    let object = pair::get(&pair::any(route, &resource), "DestinationRule", rule).await?;
    let host = object.data.pointer("/spec/host").and_then(Value::as_str).unwrap_or_default();
    if service_of(host, &route.namespace) != Some(route.service()) {
        return Err(Error::Unfit(format!(
            "DestinationRule {rule} is for the host {host}, not for {}",
            route.service()
        )));
    }
    let labels = |key: &str| {
        let name = route.setting(key).unwrap_or_default();
        let found = items(&object.data, "/spec/subsets").find(|(_, subset)| subset["name"] == name);
        found.map(|(_, subset)| text_map(subset.get("labels"))).ok_or_else(|| {
            Error::Unfit(format!(
                "DestinationRule {rule} has no subset {name}: add one with the labels of those pods"
            ))
        })
    };
    Ok([labels(FIRST)?, labels(SECOND)?])
}

/// The second workload's pods bear the labels of the second subset, and the Service finds both.
async fn by_subset(route: &Route, rule: &str) -> Result<Distinction, Error> {
    let [first, second] = subsets(route, rule).await?;
    let (service, workload) = pair::read(route).await?;
    let own = pod_labels(&workload.data);
    let mut pods = own.clone();
    pods.extend(second.clone());
    let selects = |labels: &BTreeMap<String, String>, pods: &BTreeMap<String, String>| {
        labels.iter().all(|(key, value)| pods.get(key) == Some(value))
    };
    let [stable, canary] = [FIRST, SECOND].map(|key| route.setting(key).unwrap_or_default());
    let unfit = |why: String| Err(Error::Unfit(format!("DestinationRule {rule}: {why}")));
    if !selects(&first, &own) || first.is_empty() {
        return unfit(format!(
            "the labels of subset {stable} must select the pods of {}",
            route.workload.name
        ));
    }
    if selects(&second, &own) || selects(&first, &pods) {
        return unfit(format!(
            "the labels of the subsets {stable} and {canary} must differ in a label that the pods of {} bear",
            route.workload.name
        ));
    }
    let selector = text_map(service.data.pointer("/spec/selector"));
    if !selects(&selector, &own) || !selects(&selector, &pods) {
        return unfit(format!(
            "Service {} must find the pods of both subsets: take the label that tells them apart out of its selector",
            route.service()
        ));
    }
    Ok(Distinction { labels: second, service: None })
}

impl Router for Istio {
    fn name(&self) -> &'static str {
        "istio"
    }

    fn keys(&self) -> &'static [Key] {
        &[
            Key {
                name: "virtualService",
                is_needed: true,
                what: "the VirtualService whose HTTP routes get the weights",
            },
            SERVICE,
            Key {
                name: "rule",
                is_needed: false,
                what: "the only HTTP routes that are meant, by their names, separated by commas",
            },
            Key { name: RULE, is_needed: false, what: "the DestinationRule of both subsets" },
            Key { name: FIRST, is_needed: false, what: "the subset of the component's own pods" },
            Key { name: SECOND, is_needed: false, what: "the subset of the second workload's pods" },
        ]
    }

    fn check(&self, config: &BTreeMap<String, String>) -> Result<(), String> {
        let given = [RULE, FIRST, SECOND].iter().filter(|key| config.contains_key(**key)).count();
        if matches!(given, 0 | 3) {
            return Ok(());
        }
        Err(format!("{RULE}, {FIRST} and {SECOND} belong together"))
    }

    fn has_second_service(&self, route: &Route) -> bool {
        route.setting(RULE).is_none()
    }

    fn distinguish<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Distinction, Error>> {
        match route.setting(RULE) {
            Some(rule) => by_subset(route, rule).boxed(),
            None => pair::by_service(route).boxed(),
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hosts_are_services_of_the_same_namespace() {
        for (host, expected) in [
            ("api", Some("api")),
            ("api.a", Some("api")),
            ("api.a.svc.cluster.local", Some("api")),
            ("api.b.svc.cluster.local", None),
        ] {
            assert_eq!(service_of(host, "a"), expected, "{host}");
        }
    }

    #[test]
    fn a_rule_reaches_as_far_as_its_widest_match() {
        for (matches, expected) in [
            (json!(null), RuleScope::All),
            (json!([]), RuleScope::All),
            (json!([{"uri": {"prefix": "/"}}]), RuleScope::All),
            (json!([{"name": "all", "uri": {"regex": ".*"}, "ignoreUriCase": true}]), RuleScope::All),
            (json!([{"uri": {"prefix": "/api"}}]), RuleScope::Part),
            (json!([{"port": 8080}]), RuleScope::Part),
            (json!([{"headers": {"x-beta": {"exact": "1"}}}]), RuleScope::Condition),
            (json!([{"withoutHeaders": {"x-beta": {}}}]), RuleScope::Condition),
            (
                json!([{"uri": {"prefix": "/"}, "queryParams": {"beta": {"exact": "1"}}}]),
                RuleScope::Condition,
            ),
            (json!([{"method": {"exact": "GET"}}]), RuleScope::Condition),
            (json!([{"sourceLabels": {"app": "tests"}}]), RuleScope::Condition),
            (json!([{"headers": {}}]), RuleScope::All),
            (json!([{"headers": {"x": {}}}, {"uri": {"exact": "/a"}}]), RuleScope::Part),
        ] {
            assert_eq!(
                rules(&json!({"spec": {"http": [{"match": matches}]}}))[0].reach,
                expected,
                "{matches}"
            );
        }
    }

    #[test]
    fn the_second_destination_is_written_like_the_first() {
        let canary = Backend::service("api-canary");
        let subset = Backend { service: "api".into(), subset: Some("canary".into()) };
        for (host, to, expected) in [
            ("api", &canary, json!({"host": "api-canary", "port": {"number": 80}})),
            (
                "api.a.svc.cluster.local",
                &canary,
                json!({"host": "api-canary.a.svc.cluster.local", "port": {"number": 80}}),
            ),
            ("api", &subset, json!({"host": "api", "port": {"number": 80}, "subset": "canary"})),
        ] {
            let mut entry = json!({"destination": {"host": host, "port": {"number": 80}}});
            retarget(&mut entry, to);
            assert_eq!(entry["destination"], expected);
        }
    }
}
