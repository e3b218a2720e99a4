//! Where requests go: the weights that routing objects really carry, and the Services behind them.
//!
//! Read are Gateway API HTTP routes, Istio virtual services (hosts and subsets), Ingresses with NGINX's canary
//! annotations, and Traefik's services and routes. Rules for certain headers only are left out: testers use them.

use std::collections::{BTreeMap, HashMap};

use k8s_openapi::api::{core::v1::Service, networking::v1::Ingress};
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams},
};
use serde_json::Value;

/// Labels that a pod must have.
type Selector = BTreeMap<String, String>;
/// The parts of one stream of requests, with their weights.
type Split = Vec<(Selector, f64)>;

/// The Service that a client may leave out: it gets no traffic of its own, such as the preview of a blue-green release.
const NO_TRAFFIC: &str = "release-cockpit.dev/test-no-traffic";
/// So is one that the controller made for a second workload: routes lead to it, or those who preview.
const SECOND_WORKLOAD: &str = "release-cockpit.dev/second-workload";
const CANARY: &str = "nginx.ingress.kubernetes.io/canary";
const CANARY_WEIGHT: &str = "nginx.ingress.kubernetes.io/canary-weight";

/// All routes of a cluster, by namespace.
#[derive(Default, PartialEq)]
pub struct Routes {
    splits: HashMap<String, Vec<Split>>,
    services: HashMap<String, Vec<Selector>>,
}

impl Routes {
    /// What share of a component's requests each of its ready pods gets; `pods` are their labels.
    pub fn shares(&self, namespace: &str, pods: &[&Selector]) -> Vec<f64> {
        let all = || (0..pods.len()).collect::<Vec<_>>();
        let matching = |selector: &Selector| {
            let matches = |pod: &&Selector| selector.iter().all(|(key, value)| pod.get(key) == Some(value));
            let mut indices = all();
            indices.retain(|&index| pods.get(index).is_some_and(matches));
            indices
        };
        let mut shares = vec![0.0; pods.len()];
        let mut give = |indices: &[usize], weight: f64| {
            for &index in indices {
                if let Some(share) = shares.get_mut(index) {
                    *share += weight / count(indices.len());
                }
            }
        };
        // every split that leads to a pod of this component
        let splits: Vec<Vec<_>> = self
            .splits
            .get(namespace)
            .into_iter()
            .flatten()
            .map(|split| {
                split.iter().map(|(selector, weight)| (matching(selector), *weight)).collect::<Vec<_>>()
            })
            .filter(|parts| parts.iter().any(|(indices, _)| !indices.is_empty()))
            .collect();
        for parts in &splits {
            let sum: f64 = parts.iter().map(|(_, weight)| weight).sum();
            for (indices, weight) in parts.iter().filter(|_| sum > 0.0) {
                give(indices, weight / sum / count(splits.len()));
            }
        }
        if splits.is_empty() {
            // no route: whoever is behind a Service, and without any Service everybody
            let mut served: Vec<_> =
                self.services.get(namespace).into_iter().flatten().flat_map(matching).collect();
            served.sort_unstable();
            served.dedup();
            give(if served.is_empty() { all() } else { served }.as_slice(), 1.0);
        }
        shares
    }
}

/// A number of pods or routes.
fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Reads all routes; kinds that the cluster does not have are none.
pub async fn read(client: &Client) -> kube::Result<Routes> {
    let mut selectors: HashMap<(String, String), Selector> = HashMap::new();
    let mut routes = Routes::default();
    for service in Api::<Service>::all(client.clone()).list(&ListParams::default()).await? {
        let Some(selector) = service.spec.as_ref().and_then(|spec| spec.selector.clone()) else { continue };
        let namespace = service.namespace().unwrap_or_default();
        let is_preview =
            service.labels().contains_key(NO_TRAFFIC) || service.annotations().contains_key(SECOND_WORKLOAD);
        if !is_preview {
            routes.services.entry(namespace.clone()).or_default().push(selector.clone());
        }
        selectors.insert((namespace, service.name_any()), selector);
    }
    let mut splits: Vec<(String, Parts)> = Vec::new();
    for (api_version, kind, split) in [
        ("gateway.networking.k8s.io/v1", "HTTPRoute", gateway as fn(&Value) -> Vec<Parts>),
        ("networking.istio.io/v1", "VirtualService", istio),
        ("traefik.io/v1alpha1", "TraefikService", traefik_service),
        ("traefik.io/v1alpha1", "IngressRoute", traefik_route),
    ] {
        for object in list(client, api_version, kind).await? {
            let namespace = object.namespace().unwrap_or_default();
            splits.extend(split(&object.data).into_iter().map(|split| (namespace.clone(), split)));
        }
    }
    let ingresses = Api::<Ingress>::all(client.clone()).list(&ListParams::default()).await?.items;
    splits.extend(nginx(&ingresses));
    let mut subsets: HashMap<(String, String, String), Selector> = HashMap::new();
    for rule in list(client, "networking.istio.io/v1", "DestinationRule").await? {
        for subset in items(&rule.data, "/spec/subsets") {
            let key =
                (rule.namespace().unwrap_or_default(), host(&rule.data, "/spec/host"), text(subset, "/name"));
            let labels = subset.get("labels").and_then(Value::as_object).into_iter().flatten();
            let labels = labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
            subsets.insert(key, labels.collect());
        }
    }
    for (namespace, split) in splits {
        let split = split.into_iter().filter_map(|(Backend { service, subset }, weight)| {
            let mut selector = selectors.get(&(namespace.clone(), service.clone()))?.clone();
            if let Some(subset) = subset {
                selector.extend(subsets.get(&(namespace.clone(), service, subset))?.clone());
            }
            Some((selector, weight))
        });
        let split = split.collect();
        routes.splits.entry(namespace).or_default().push(split);
    }
    Ok(routes)
}

/// The same before the Services are looked up.
type Parts = Vec<(Backend, f64)>;

/// A Service, or the subset of it that Istio's destination rule names.
struct Backend {
    service: String,
    subset: Option<String>,
}

impl Backend {
    fn service(service: String) -> Self {
        Self { service, subset: None }
    }
}

async fn list(client: &Client, api_version: &str, kind: &str) -> kube::Result<Vec<DynamicObject>> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    match Api::<DynamicObject>::all_with(client.clone(), &resource).list(&ListParams::default()).await {
        Ok(found) => Ok(found.items),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn weight(value: &Value, default: f64) -> f64 {
    value.get("weight").and_then(Value::as_f64).unwrap_or(default)
}

/// The Service of a host name, short or in full.
fn host(value: &Value, pointer: &str) -> String {
    text(value, pointer).split('.').next().unwrap_or_default().to_owned()
}

/// What narrows a rule beside its path.
const CONDITIONS: [&str; 6] =
    ["headers", "withoutHeaders", "method", "queryParams", "sourceLabels", "sourceNamespace"];

/// Whether a rule is for everybody, and not just for requests with certain headers, methods or queries.
fn is_general(rule: &Value, matches: &str) -> bool {
    let mut conditions = items(rule, matches).peekable();
    conditions.peek().is_none()
        || conditions.any(|condition| !CONDITIONS.iter().any(|key| condition.get(key).is_some()))
}

fn gateway(object: &Value) -> Vec<Parts> {
    let rules = items(object, "/spec/rules").filter(|rule| is_general(rule, "/matches"));
    let backends = |rule| {
        items(rule, "/backendRefs").map(|one| (Backend::service(text(one, "/name")), weight(one, 1.0)))
    };
    rules.map(|rule| backends(rule).collect()).collect()
}

fn istio(object: &Value) -> Vec<Parts> {
    let rules = items(object, "/spec/http").filter(|rule| is_general(rule, "/match"));
    let destinations = |rule| {
        items(rule, "/route").map(|route| {
            let subset = Some(text(route, "/destination/subset")).filter(|subset| !subset.is_empty());
            // without a weight it is the only one; beside weights, zero
            let alone = items(rule, "/route").count() == 1;
            let share = weight(route, if alone { 100.0 } else { 0.0 });
            (Backend { service: host(route, "/destination/host"), subset }, share)
        })
    };
    rules.map(|rule| destinations(rule).collect()).collect()
}

fn traefik_split(services: &Value, pointer: &str) -> Parts {
    items(services, pointer)
        .filter(|one| matches!(text(one, "/kind").as_str(), "" | "Service"))
        .map(|one| (Backend::service(text(one, "/name")), weight(one, 1.0)))
        .collect()
}

fn traefik_service(object: &Value) -> Vec<Parts> {
    vec![traefik_split(object, "/spec/weighted/services")]
}

fn traefik_route(object: &Value) -> Vec<Parts> {
    items(object, "/spec/routes").map(|route| traefik_split(route, "/services")).collect()
}

/// What one path of one host leads to.
#[derive(Default)]
struct Path {
    main: Option<String>,
    canary: Option<(String, f64)>,
}

/// Every path of every host: its backend, less what the canary Ingress of the same path takes.
fn nginx(ingresses: &[Ingress]) -> Vec<(String, Parts)> {
    let mut paths: BTreeMap<(String, Option<&str>, Option<&str>), Path> = BTreeMap::new();
    for ingress in ingresses {
        let annotation = |name: &str| ingress.annotations().get(name).map(String::as_str);
        let canary = annotation(CANARY) == Some("true");
        let weight = annotation(CANARY_WEIGHT).and_then(|weight| weight.parse().ok()).unwrap_or(0.0);
        for rule in ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten()) {
            for path in rule.http.iter().flat_map(|http| &http.paths) {
                let Some(service) = path.backend.service.as_ref().map(|service| service.name.clone()) else {
                    continue;
                };
                let key =
                    (ingress.namespace().unwrap_or_default(), rule.host.as_deref(), path.path.as_deref());
                let path = paths.entry(key).or_default();
                if canary {
                    path.canary = Some((service, weight));
                } else {
                    path.main = Some(service);
                }
            }
        }
    }
    let parts = |Path { main, canary }| {
        let taken = canary.as_ref().map_or(0.0, |(_, weight)| *weight);
        let main = main.map(|service| (Backend::service(service), 100.0 - taken));
        let canary = canary.map(|(service, weight)| (Backend::service(service), weight));
        main.into_iter().chain(canary).collect()
    };
    paths.into_iter().map(|((namespace, ..), path)| (namespace, parts(path))).collect()
}
