//! Where requests go: the weights that routing objects carry, and the Services behind them, by the same rules as the traffic generator of
//! the cluster tests (`tests/cluster/README.md`, Traffic).
//!
//! Read are HTTP routes, virtual services (hosts and subsets), Ingresses with NGINX's canary annotations, and Traefik's weighted
//! services. Rules for certain headers only are left out: testers use them.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::api::labels::ANNOTATION_SECOND;
use crate::sim::kinds::{
    DESTINATION_RULES, HTTP_ROUTES, INGRESSES, SERVICES, TRAEFIK_SERVICES, VIRTUAL_SERVICES, annotation,
    label, list, text,
};
use crate::sim::store::Store;

/// Labels that a pod must have.
type Selector = BTreeMap<String, String>;
/// A Service, or the subset of it that a destination rule names.
type Backend = (String, Option<String>);
/// The parts of one stream of requests, with their weights.
type Parts = Vec<(Backend, f64)>;

/// The label of a Service that gets no traffic of its own, such as the preview of a blue-green release.
const NO_TRAFFIC: &str = "release-cockpit.dev/test-no-traffic";
const CANARY: &str = "nginx.ingress.kubernetes.io/canary";
const CANARY_WEIGHT: &str = "nginx.ingress.kubernetes.io/canary-weight";

/// The routes of one namespace.
#[derive(Debug, Default)]
pub(super) struct Routes {
    splits: Vec<Vec<(Selector, f64)>>,
    services: Vec<Selector>,
}

impl Routes {
    /// The routes of a namespace as its objects state them.
    pub(super) fn read(store: &Store, namespace: &str) -> Self {
        let mut routes = Self::default();
        let mut selectors: HashMap<String, Selector> = HashMap::new();
        for service in store.list(SERVICES, Some(namespace)) {
            let selector = selector(&service.value["spec"]["selector"]);
            if selector.is_empty() {
                continue;
            }
            let is_preview = label(&service.value, NO_TRAFFIC).is_some()
                || annotation(&service.value, ANNOTATION_SECOND).is_some();
            if !is_preview {
                routes.services.push(selector.clone());
            }
            selectors.insert(service.name().to_owned(), selector);
        }
        let mut subsets: HashMap<Backend, Selector> = HashMap::new();
        for rule in store.list(DESTINATION_RULES, Some(namespace)) {
            let service = host(text(&rule.value, &["spec", "host"]));
            for subset in list(&rule.value, &["spec", "subsets"]) {
                let key = (service.clone(), Some(text(subset, &["name"]).to_owned()));
                subsets.insert(key, self::selector(&subset["labels"]));
            }
        }
        for parts in splits(store, namespace) {
            let found = parts.into_iter().filter_map(|(backend, weight)| {
                let mut selector = selectors.get(&backend.0)?.clone();
                if backend.1.is_some() {
                    selector.extend(subsets.get(&backend)?.clone());
                }
                Some((selector, weight))
            });
            routes.splits.push(found.collect());
        }
        routes
    }

    /// What share of a component's requests each of its serving pods gets.
    pub(super) fn shares(&self, pods: &[&Value]) -> Vec<f64> {
        let matching = |selector: &Selector| -> Vec<usize> {
            let matches = |pod: &Value| selector.iter().all(|(key, value)| label(pod, key) == Some(value));
            pods.iter().enumerate().filter(|(_, pod)| matches(pod)).map(|(index, _)| index).collect()
        };
        let mut shares = vec![0.0; pods.len()];
        let mut give = |indices: &[usize], weight: f64| {
            for &index in indices {
                if let Some(share) = shares.get_mut(index) {
                    *share += weight / indices.len() as f64;
                }
            }
        };
        // every split that leads to a pod of this component
        let splits: Vec<Vec<_>> = self
            .splits
            .iter()
            .map(|parts| {
                parts.iter().map(|(selector, weight)| (matching(selector), *weight)).collect::<Vec<_>>()
            })
            .filter(|parts| parts.iter().any(|(indices, _)| !indices.is_empty()))
            .collect();
        for parts in &splits {
            let sum: f64 = parts.iter().map(|(_, weight)| weight).sum();
            for (indices, weight) in parts.iter().filter(|_| sum > 0.0) {
                give(indices, weight / sum / splits.len() as f64);
            }
        }
        if splits.is_empty() {
            // no route: whoever is behind a Service, and without any Service everybody
            let mut served: Vec<usize> = self.services.iter().flat_map(matching).collect();
            served.sort_unstable();
            served.dedup();
            if served.is_empty() {
                served = (0..pods.len()).collect();
            }
            give(&served, 1.0);
        }
        shares
    }
}

/// A map of labels.
pub(super) fn selector(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_object().into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn splits(store: &Store, namespace: &str) -> Vec<Parts> {
    let mut splits = Vec::new();
    for route in store.list(HTTP_ROUTES, Some(namespace)) {
        let rules = list(&route.value, &["spec", "rules"]).iter().filter(|rule| is_general(rule, "matches"));
        splits.extend(rules.map(|rule| by_name(list(rule, &["backendRefs"]))));
    }
    for service in store.list(VIRTUAL_SERVICES, Some(namespace)) {
        let rules = list(&service.value, &["spec", "http"]).iter().filter(|rule| is_general(rule, "match"));
        splits.extend(rules.map(|rule| by_destination(list(rule, &["route"]))));
    }
    for service in store.list(TRAEFIK_SERVICES, Some(namespace)) {
        splits.push(by_name(list(&service.value, &["spec", "weighted", "services"])));
    }
    splits.extend(nginx(store, namespace));
    splits
}

fn weight(value: &Value, default: f64) -> f64 {
    value.get("weight").and_then(Value::as_f64).unwrap_or(default)
}

/// The Service of a host name, short or in full.
fn host(name: &str) -> String {
    name.split('.').next().unwrap_or_default().to_owned()
}

/// What narrows a rule beside its path.
const CONDITIONS: [&str; 6] =
    ["headers", "withoutHeaders", "method", "queryParams", "sourceLabels", "sourceNamespace"];

/// Whether a rule is for everybody, and not just for requests with certain headers, methods or queries.
fn is_general(rule: &Value, matches: &str) -> bool {
    let conditions = list(rule, &[matches]);
    conditions.is_empty()
        || conditions.iter().any(|condition| !CONDITIONS.iter().any(|key| condition.get(key).is_some()))
}

fn by_name(backends: &[Value]) -> Parts {
    let services = backends.iter().filter(|one| matches!(text(one, &["kind"]), "" | "Service"));
    services.map(|one| ((text(one, &["name"]).to_owned(), None), weight(one, 1.0))).collect()
}

fn by_destination(routes: &[Value]) -> Parts {
    // without a weight it is the only one; beside weights, zero
    let unstated = if routes.len() == 1 { 100.0 } else { 0.0 };
    let part = |route: &Value| {
        let subset =
            Some(text(route, &["destination", "subset"]).to_owned()).filter(|subset| !subset.is_empty());
        ((host(text(route, &["destination", "host"])), subset), weight(route, unstated))
    };
    routes.iter().map(part).collect()
}

/// What one path of one host leads to.
#[derive(Default)]
struct Path {
    main: Option<String>,
    canary: Option<(String, f64)>,
}

/// Every path of every host: its backend, less what the canary Ingress of the same path takes.
fn nginx(store: &Store, namespace: &str) -> Vec<Parts> {
    let mut paths: BTreeMap<(String, String), Path> = BTreeMap::new();
    for ingress in store.list(INGRESSES, Some(namespace)) {
        let is_canary = annotation(&ingress.value, CANARY) == Some("true");
        let weight =
            annotation(&ingress.value, CANARY_WEIGHT).and_then(|weight| weight.parse().ok()).unwrap_or(0.0);
        for rule in list(&ingress.value, &["spec", "rules"]) {
            for path in list(rule, &["http", "paths"]) {
                let service = text(path, &["backend", "service", "name"]).to_owned();
                if service.is_empty() {
                    continue;
                }
                let key = (text(rule, &["host"]).to_owned(), text(path, &["path"]).to_owned());
                let path = paths.entry(key).or_default();
                if is_canary {
                    path.canary = Some((service, weight));
                } else {
                    path.main = Some(service);
                }
            }
        }
    }
    let parts = |Path { main, canary }| -> Parts {
        let taken = canary.as_ref().map_or(0.0, |(_, weight)| *weight);
        let main = main.map(|service| ((service, None), 100.0 - taken));
        main.into_iter().chain(canary.map(|(service, weight)| ((service, None), weight))).collect()
    };
    paths.into_values().map(parts).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::sim::kinds::by_kind;
    use crate::sim::rng::Seed;

    fn store(objects: &[Value]) -> Store {
        let mut store = Store::new(Seed(1));
        for object in objects {
            let resource = by_kind(text(object, &["apiVersion"]), text(object, &["kind"])).unwrap();
            let mut object = object.clone();
            object["metadata"]["namespace"] = "a".into();
            store.create(resource, object, DateTime::UNIX_EPOCH);
        }
        store
    }

    fn service(name: &str, app: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": {"app": app}}})
    }

    fn ingress(name: &str, service: &str, annotations: &Value) -> Value {
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "annotations": annotations},
            "spec": {"rules": [{"host": "x", "http": {"paths": [{"path": "/", "backend": {"service": {"name": service}}}]}}]}})
    }

    /// Three pods of the first workload, one of the second.
    fn shares(objects: &[Value]) -> Vec<f64> {
        let [first, second] =
            ["api", "api-canary"].map(|app| json!({"metadata": {"labels": {"app": app, "part": "api"}}}));
        let shares = Routes::read(&store(objects), "a").shares(&[&first, &first, &first, &second]);
        shares.iter().map(|share| (share * 1000.0).round() / 1000.0).collect()
    }

    #[test]
    fn each_router_has_its_say() {
        let route = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "r"}, "spec": {"rules": [
            {"backendRefs": [{"name": "api", "weight": 70}, {"name": "api-canary", "weight": 30}]},
            {"matches": [{"headers": [{"name": "x-canary", "value": "1"}]}], "backendRefs": [{"name": "api-canary"}]}
        ]}});
        let virtual_service = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "v"}, "spec": {
        "http": [{"route": [
            {"destination": {"host": "both.a.svc.cluster.local", "subset": "stable"}, "weight": 70},
            {"destination": {"host": "both", "subset": "canary"}, "weight": 30}
        ]}]}});
        let rule = json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": "d"}, "spec": {
            "host": "both", "subsets": [{"name": "stable", "labels": {"app": "api"}}, {"name": "canary", "labels": {"app": "api-canary"}}]}});
        let mut both = service("both", "");
        both["spec"]["selector"] = json!({"part": "api"});
        let traefik = json!({"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService", "metadata": {"name": "t"}, "spec": {
            "weighted": {"services": [{"name": "api", "port": 80, "weight": 7}, {"name": "api-canary", "port": 80, "weight": 3}]}}});
        let two = [service("api", "api"), service("api-canary", "api-canary")];
        let canary = json!({"nginx.ingress.kubernetes.io/canary": "true", "nginx.ingress.kubernetes.io/canary-weight": "30"});
        let with = |more: &[Value]| [two.as_slice(), more].concat();
        for objects in [
            with(&[route]),
            vec![both, virtual_service, rule],
            with(&[traefik]),
            with(&[ingress("main", "api", &json!({})), ingress("main-canary", "api-canary", &canary)]),
        ] {
            assert_eq!(shares(&objects), [0.233, 0.233, 0.233, 0.3], "{objects:?}");
        }
    }

    #[test]
    fn without_routes_services_count_and_previews_do_not() {
        assert_eq!(shares(&[]), [0.25; 4]);
        assert_eq!(shares(&[service("api", "api")]), [0.333, 0.333, 0.333, 0.0]);
        assert_eq!(shares(&[service("api", "api-canary")]), [0.0, 0.0, 0.0, 1.0]);
        let mut preview = service("preview", "api-canary");
        preview["metadata"]["annotations"] = json!({ANNOTATION_SECOND: "api-canary"});
        assert_eq!(shares(&[service("api", "api"), preview.clone()]), [0.333, 0.333, 0.333, 0.0]);
        preview["metadata"] = json!({"name": "preview", "labels": {NO_TRAFFIC: "true"}});
        assert_eq!(shares(&[service("api", "api"), preview]), [0.333, 0.333, 0.333, 0.0]);
    }
}
