//! Routers and second workloads: every one in the registry is driven there and back, and leaves everything else as it was.

use std::collections::BTreeMap;

use release_cockpit::api::environment::{WorkloadKind, WorkloadRef};
use release_cockpit::api::strategy::{Track, TrafficRouting, Weight};
use release_cockpit::traffic::{self, ROUTERS, Route, Router, Shares, services};
use release_cockpit::workload::track::{self, Copy};
use release_cockpit::workload::{Target, Written};
use serde_json::{Value, json};

use super::backend::Backend;

/// One way to use a router: its settings, the objects that must be there, and what somebody else does to one of them.
struct Way {
    router: &'static str,
    config: &'static [(&'static str, &'static str)],
    /// Where they live: below `/apis/`, then the plural; and the objects.
    objects: Vec<(&'static str, Value)>,
    /// A merge patch of one object, by path, that changes the share; with the share afterwards, if it can be understood.
    drift: Option<(&'static str, Value, Option<u8>)>,
}

const GATEWAY: &str = "gateway.networking.k8s.io/v1/httproutes";
const VIRTUAL: &str = "networking.istio.io/v1/virtualservices";
const DESTINATION: &str = "networking.istio.io/v1/destinationrules";
const TRAEFIK: &str = "traefik.io/v1alpha1/traefikservices";
const INGRESS: &str = "networking.k8s.io/v1/ingresses";
const SERVICES: &str = "v1/services";

fn object(api_version: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "annotations": {"kept": "yes"}}, "spec": spec})
}

/// Every way of every router; a router without one fails the check.
fn ways() -> Vec<Way> {
    let bare = |router, drift| Way { router, config: &[], objects: vec![], drift };
    let by_nobody = (SERVICES, json!({"spec": {"selector": {"app": "nobody"}}}), None);
    vec![
        bare("replica-ratio", None),
        bare("service-selector", Some(by_nobody)),
        gateway(),
        istio_hosts(),
        istio_subsets(),
        nginx(),
        traefik(),
    ]
}

/// Rules of other services, and those for some requests only, are left alone.
fn gateway() -> Way {
    let elsewhere =
        json!({"backendRefs": [{"name": "docs", "port": 80, "weight": 3}, {"name": "pages", "port": 80}]});
    let only = |condition: &str, value: Value| json!({"matches": [{condition: value}], "backendRefs": [{"name": "api", "port": 80}]});
    let testers = json!({"matches": [{"headers": [{"name": "x-stable", "value": "1"}]}], "backendRefs": [{"name": "api", "port": 80}]});
    let rules = json!([
        {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
            "backendRefs": [{"name": "docs", "port": 80, "weight": 100}, {"name": "api", "port": 80, "weight": 200}]},
        elsewhere, testers, only("path", json!({"type": "PathPrefix", "value": "/admin"})), only("method", json!("POST")),
        only("queryParams", json!([{"name": "beta", "value": "1"}])), {"backendRefs": [{"name": "api", "port": 80}]}
    ]);
    let route = object("gateway.networking.k8s.io/v1", "HTTPRoute", "api", &json!({"rules": rules}));
    let drifted = json!({"spec": {"rules": [
        {"backendRefs": [{"name": "api", "port": 80, "weight": 60}, {"name": "api-canary", "port": 80, "weight": 40}]}
    ]}});
    Way {
        router: "gateway-api",
        config: &[("httpRoute", "api")],
        objects: vec![(GATEWAY, route)],
        drift: Some((GATEWAY, drifted, Some(40))),
    }
}

fn virtual_service(spec: &Value) -> Value {
    object("networking.istio.io/v1", "VirtualService", "api", spec)
}

fn istio_hosts() -> Way {
    let to = |host: &str, weight: i64| json!({"destination": {"host": host}, "weight": weight});
    let service = virtual_service(&json!({"hosts": ["api"], "http": [
        {"match": [{"uri": {"prefix": "/docs"}}], "route": [to("docs", 50), to("pages", 50)]},
        {"match": [{"uri": {"prefix": "/admin"}}], "route": [{"destination": {"host": "api"}}]},
        {"match": [{"queryParams": {"beta": {"exact": "1"}}}], "route": [{"destination": {"host": "api"}}]},
        {"route": [{"destination": {"host": "api"}}], "timeout": "5s"}
    ]}));
    let drifted = json!({"spec": {"http": [{"route": [to("api", 75), to("api-canary", 25)]}]}});
    Way {
        router: "istio",
        config: &[("virtualService", "api")],
        objects: vec![(VIRTUAL, service)],
        drift: Some((VIRTUAL, drifted, Some(25))),
    }
}

fn istio_subsets() -> Way {
    let to =
        |name: &str, weight: i64| json!({"destination": {"host": "both", "subset": name}, "weight": weight});
    let service = virtual_service(&json!({"hosts": ["api"], "http": [{"route": [to("stable", 100)]}]}));
    let subsets = json!({"host": "both", "subsets": [
        {"name": "stable", "labels": {"app": "api"}}, {"name": "canary", "labels": {"app": "api-next"}}
    ]});
    let rule = object("networking.istio.io/v1", "DestinationRule", "api", &subsets);
    let drifted = json!({"spec": {"http": [{"route": [to("stable", 75), to("canary", 25)]}]}});
    Way {
        router: "istio",
        config: &[
            ("virtualService", "api"),
            ("service", "both"),
            ("destinationRule", "api"),
            ("stableSubset", "stable"),
            ("canarySubset", "canary"),
        ],
        objects: vec![(VIRTUAL, service), (DESTINATION, rule)],
        drift: Some((VIRTUAL, drifted, Some(25))),
    }
}

fn nginx() -> Way {
    let path = |service: &str, path: &str| json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": 80}}}});
    let spec = json!({"ingressClassName": "nginx",
        "rules": [{"host": "a.test", "http": {"paths": [path("api", "/"), path("docs", "/docs")]}}]});
    let drifted = json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/canary-weight": "33"}}});
    Way {
        router: "nginx",
        config: &[("ingress", "web")],
        objects: vec![(INGRESS, object("networking.k8s.io/v1", "Ingress", "web", &spec))],
        drift: Some(("networking.k8s.io/v1/ingresses/web-canary", drifted, Some(33))),
    }
}

fn traefik() -> Way {
    let weighted = |services: &Value| json!({"weighted": {"services": services}});
    let alone = weighted(&json!([{"name": "api", "port": 80}]));
    let halves = weighted(&json!([
        {"name": "api", "port": 80, "weight": 1}, {"name": "api-canary", "port": 80, "weight": 1}
    ]));
    Way {
        router: "traefik",
        config: &[("traefikService", "api")],
        objects: vec![(TRAEFIK, object("traefik.io/v1alpha1", "TraefikService", "api", &alone))],
        drift: Some((TRAEFIK, json!({"spec": halves}), Some(50))),
    }
}

fn percent(value: u8) -> Weight {
    Weight::new(value).expect("a share")
}

impl Backend {
    fn at(&self, place: &str, name: &str) -> String {
        let root = if place.starts_with("v1/") { "api" } else { "apis" };
        let mut parts: Vec<&str> = place.split('/').collect();
        let name = if parts.len() > 3 { parts.pop().unwrap_or(name) } else { name };
        let plural = parts.pop().expect("a plural");
        format!("/{root}/{}/namespaces/{}/{plural}/{name}", parts.join("/"), self.namespace)
    }

    /// The Deployment `api`, with the Services `api` (by app) and `both` (by part), `docs` and `pages`.
    async fn application(&self) {
        let mut deployment = self.deployment("api", 2, "ghcr.io/acme/api:v1");
        deployment["spec"]["template"]["metadata"]["labels"] = json!({"app": "api", "part": "api"});
        self.post("admin", &self.apps("deployments"), &deployment).await.ok();
        for (name, selector) in [("api", json!({"app": "api"})), ("both", json!({"part": "api"}))] {
            let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}});
            self.post("admin", &self.core("services"), &service).await.ok();
        }
        let path = self.apps("deployments/api");
        self.until_is(&path, "available", |found| found["status"]["availableReplicas"] == 2).await;
    }

    fn route(&self, way: &Way) -> Route {
        Route {
            client: self.people["controller"].clone(),
            namespace: self.namespace.clone(),
            workload: WorkloadRef { kind: WorkloadKind::Deployment, name: "api".into() },
            track: Track::Canary,
            config: way.config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        }
    }

    fn target(&self) -> Target {
        Target {
            client: self.people["controller"].clone(),
            namespace: self.namespace.clone(),
            name: "api".into(),
            container: "api".into(),
        }
    }

    /// Annotations and spec of everything that a way uses, and the names of all Services and Ingresses.
    async fn picture(&self, way: &Way) -> Value {
        let mut all = Vec::new();
        for (place, object) in &way.objects {
            let name = object["metadata"]["name"].as_str().expect("a name");
            let found = self.get("admin", &self.at(place, name)).await.ok();
            all.push(json!([found["metadata"]["annotations"], found["spec"]]));
        }
        for (place, plural) in
            [(SERVICES, "services"), (INGRESS, "ingresses"), ("apps/v1/deployments", "deployments")]
        {
            let list = self.get("admin", self.at(place, "").trim_end_matches('/')).await.ok();
            let one = |one: &Value| {
                json!([one["metadata"]["name"], one["spec"]["selector"], one["spec"]["replicas"]])
            };
            let mut found: Vec<Value> = list["items"].as_array().into_iter().flatten().map(one).collect();
            found.sort_by_key(Value::to_string);
            all.push(json!({plural: found}));
        }
        Value::Array(all)
    }
}

pub async fn each_router_goes_there_and_back(backend: &Backend) {
    backend.application().await;
    let ways = ways();
    for router in ROUTERS {
        assert!(ways.iter().any(|way| way.router == router.name()), "{} has no way here", router.name());
    }
    for way in &ways {
        for (place, object) in &way.objects {
            backend.post("admin", backend.at(place, "").trim_end_matches('/'), object).await.ok();
        }
        there_and_back(backend, way).await;
        for (place, object) in &way.objects {
            let name = object["metadata"]["name"].as_str().expect("a name");
            backend.delete("admin", &backend.at(place, name), &Value::Null).await.ok();
        }
        nothing_there(backend, way).await;
    }
}

async fn there_and_back(backend: &Backend, way: &Way) {
    let config: BTreeMap<String, String> = backend.route(way).config;
    let router =
        traffic::validate(&TrafficRouting { router: way.router.into(), config }).expect("settings that fit");
    let route = backend.route(way);
    let before = backend.picture(way).await;
    let name = way.router;
    let stated = || async { router.observe(&route).await.expect("a look").weight.map(Weight::percent) };
    assert_eq!(stated().await, Some(0), "{name}");

    let distinction = router.distinguish(&route).await.expect("a distinction");
    assert_eq!(router.remains(&route).await.expect("a look"), None, "{name}");
    let first = services::make(&route, &distinction, "a/one").await.expect("a Service");
    assert_eq!(first == Written::Now, distinction.service.is_some(), "{name}");
    assert_eq!(services::make(&route, &distinction, "a/one").await.expect("no second"), Written::Already);
    let copy = Copy {
        track: Track::Canary,
        component: "api".into(),
        image: "ghcr.io/acme/api:v2".into(),
        containers: Vec::new(),
        replicas: 1,
        labels: distinction.labels.clone(),
        release: "a/one".into(),
        serves: false,
    };
    let own = backend.target();
    assert_eq!(track::set(&own, &copy).await.expect("a copy"), Written::Now);
    assert_eq!(track::set(&own, &copy).await.expect("no second"), Written::Already);
    let path = backend.apps("deployments/api-canary");
    backend.until_is(&path, "available", |found| found["status"]["availableReplicas"] == 1).await;
    let seen = track::observe(&own, Track::Canary).await.expect("a look").expect("the copy");
    assert_eq!((seen.desired, seen.image.as_deref()), (1, Some("ghcr.io/acme/api:v2")));
    // the pods of each are where they belong, and nobody took the others'
    backend
        .until_is(&backend.apps("deployments/api"), "whole", |found| {
            found["status"]["availableReplicas"] == 2
        })
        .await;

    match router.shares() {
        Shares::Pods => {
            assert_eq!(stated().await, Some(33), "{name}");
            assert_eq!(router.set(&route, percent(0), percent(50)).await.expect("nothing"), Written::Already);
        }
        Shares::AllOrNothing => {
            let refused =
                router.set(&route, percent(0), percent(10)).await.expect_err("a refusal").to_string();
            assert!(refused.contains("all or nothing"), "{refused}");
            shift(backend, way, router, &[0, 100]).await;
        }
        Shares::Any => shift(backend, way, router, &[0, 10, 50, 100]).await,
    }

    router.reset(&route).await.expect("back");
    assert_eq!(router.reset(&route).await.expect("no second time"), Written::Already, "{name}");
    assert_eq!(services::remove(&route).await.expect("removed"), first, "{name}");
    assert_eq!(track::remove(&own, Track::Canary).await.expect("removed"), Written::Now);
    assert_eq!(track::remove(&own, Track::Canary).await.expect("no second time"), Written::Already);
    backend
        .until("everything is as it was", || async { (backend.picture(way).await == before).then_some(()) })
        .await;
}

/// Steps through these shares, each written once; whoever changes the share in between is neither overlooked nor overwritten.
async fn shift(backend: &Backend, way: &Way, router: &dyn Router, shares: &[u8]) {
    let route = backend.route(way);
    let name = way.router;
    for pair in shares.windows(2) {
        let (from, to) = (percent(pair[0]), percent(pair[1]));
        assert_eq!(router.set(&route, from, to).await.expect("a write"), Written::Now, "{name} {to}");
        let state = router.observe(&route).await.expect("a look");
        assert_eq!((state.weight, state.is_accepted), (Some(to), true), "{name}: {}", state.detail);
        assert_eq!(router.set(&route, from, to).await.expect("no write"), Written::Already, "{name} {to}");
        for (place, object) in &way.objects {
            let found = backend
                .get("admin", &backend.at(place, object["metadata"]["name"].as_str().expect("a name")))
                .await
                .ok();
            for rule in ["/spec/rules", "/spec/http"]
                .iter()
                .filter_map(|list| found.pointer(list)?.as_array())
                .flatten()
            {
                let text = rule.to_string();
                let is_narrow = ["/admin", "x-stable", "beta", "POST"].iter().any(|word| text.contains(word));
                assert!(!is_narrow || !text.contains("canary"), "{name}: {text}");
            }
        }
    }
    let Some((place, change, share)) = &way.drift else { return };
    let path = backend.at(place, "api");
    let kept = backend.get("admin", &path).await.ok();
    backend.patch("admin", &path, ("merge", change)).await.ok();
    let state = router.observe(&route).await.expect("a look");
    assert_eq!(state.weight.map(Weight::percent), *share, "{name}: {}", state.detail);
    let last = percent(*shares.last().expect("a share"));
    router.set(&route, last, percent(0)).await.expect_err("what somebody else changed stays");
    let after = router.observe(&route).await.expect("a look");
    assert_eq!(after, state, "{name}");
    let mut back = kept.clone();
    back["metadata"].as_object_mut().expect("metadata").remove("resourceVersion");
    let back = json!({"metadata": {"annotations": kept["metadata"]["annotations"]}, "spec": back["spec"]});
    backend.patch("admin", &path, ("merge", &back)).await.ok();
    assert_eq!(router.observe(&route).await.expect("a look").weight, Some(last), "{name}");
}

/// What the settings name is not there: a sentence says what to do, and going back finds nothing to do.
async fn nothing_there(backend: &Backend, way: &Way) {
    if way.objects.is_empty() {
        return;
    }
    let route = backend.route(way);
    let router = traffic::router(way.router).expect("the router");
    let refused = router.observe(&route).await.expect_err("nothing to look at");
    assert!(!refused.is_transient());
    let kind = way.objects[0].1["kind"].as_str().expect("a kind");
    let sentence = refused.to_string();
    assert!(sentence.starts_with(kind) && sentence.contains("does not exist: create it"), "{sentence}");
    assert_eq!(router.reset(&route).await.expect("nothing to do"), Written::Already);
}

pub async fn second_workloads_are_told_from_strangers(backend: &Backend) {
    backend.application().await;
    let own = backend.target();
    let copy = Copy {
        track: Track::Green,
        component: "api".into(),
        image: "ghcr.io/acme/api:v2".into(),
        containers: Vec::new(),
        replicas: 2,
        labels: BTreeMap::from([("app".to_owned(), "api-green".to_owned())]),
        release: "a/one".into(),
        serves: false,
    };
    let stranger = backend.deployment("api-green", 1, "ghcr.io/acme/api:v0");
    backend.post("admin", &backend.apps("deployments"), &stranger).await.ok();
    assert!(track::is_taken(&own, Track::Green).await.expect("a look"));
    assert_eq!(track::observe(&own, Track::Green).await.expect("a look"), None);
    let refused = track::set(&own, &copy).await.expect_err("a refusal");
    assert!(!refused.is_transient() && refused.to_string().contains("rename or remove it"), "{refused}");
    assert_eq!(track::remove(&own, Track::Green).await.expect("nothing of ours"), Written::Already);
    backend
        .delete("admin", &backend.apps("deployments/api-green"), &json!({"propagationPolicy": "Background"}))
        .await
        .ok();

    // sizes change over what was seen only
    assert!(track::scale(&own, 3, 1).await.is_err());
    backend.until("no other write comes between", || async { track::scale(&own, 2, 1).await.ok() }).await;
    assert_eq!(track::scale(&own, 2, 1).await.expect("scaled before"), Written::Already);

    // a copy that another release left behind is brought up to date
    backend
        .until("the name is free", || async {
            (track::set(&own, &copy).await.ok()? == Written::Now).then_some(())
        })
        .await;
    let later = Copy { release: "a/two".into(), image: "ghcr.io/acme/api:v3".into(), ..copy };
    backend.until("no other write comes between", || async { track::set(&own, &later).await.ok() }).await;
    let found = backend.get("admin", &backend.apps("deployments/api-green")).await.ok();
    assert_eq!(found["metadata"]["labels"]["release-cockpit.dev/release"], "two");
    assert_eq!(found["spec"]["template"]["spec"]["containers"][0]["image"], "ghcr.io/acme/api:v3");
    // what serves is never removed, not even to be made anew with other labels
    let other =
        Copy { labels: BTreeMap::from([("app".to_owned(), "api-other".to_owned())]), serves: true, ..later };
    let refused = track::set(&own, &other).await.expect_err("a refusal");
    assert!(!refused.is_transient() && refused.to_string().contains("serves traffic"), "{refused}");
    let still = backend.get("admin", &backend.apps("deployments/api-green")).await.ok();
    assert_eq!(still["metadata"]["uid"], found["metadata"]["uid"]);
    let idle = Copy { serves: false, ..other };
    track::set(&own, &idle).await.expect_err("removed first");
    backend
        .until("made anew", || async { (track::set(&own, &idle).await.ok()? == Written::Now).then_some(()) })
        .await;

    // and it outlives the workload that it was made of
    backend
        .delete("admin", &backend.apps("deployments/api"), &json!({"propagationPolicy": "Background"}))
        .await
        .ok();
    backend
        .until("the first one is gone", || async {
            (backend.get("admin", &backend.apps("deployments/api")).await.code == 404).then_some(())
        })
        .await;
    let alone = backend.get("admin", &backend.apps("deployments/api-green")).await.ok();
    assert!(
        alone["metadata"]["deletionTimestamp"].is_null() && alone["metadata"]["ownerReferences"].is_null()
    );
}

pub async fn a_preview_gets_its_selector_back(backend: &Backend) {
    backend.application().await;
    let way = Way { router: "service-selector", config: &[], objects: vec![], drift: None };
    let route = Route { track: Track::Green, ..backend.route(&way) };
    let router = traffic::router(way.router).expect("the router");
    let distinction = router.distinguish(&route).await.expect("a distinction");
    let before = backend.picture(&way).await;
    let green = json!({"app": "api-green", "release-cockpit.dev/track": "green"});
    for preview in ["both", "made"] {
        assert_eq!(
            services::preview(&route, &distinction, preview, "a/one").await.expect("shown"),
            Written::Now
        );
        assert_eq!(
            services::preview(&route, &distinction, preview, "a/one").await.expect("again"),
            Written::Already
        );
        let found = backend.get("admin", &backend.core(&format!("services/{preview}"))).await.ok();
        assert_eq!(found["spec"]["selector"], green, "{preview}");
    }
    // also while the component's own Service is switched
    router.set(&route, percent(0), percent(100)).await.expect("switched");
    assert_eq!(
        services::preview(&route, &distinction, "made", "a/one").await.expect("again"),
        Written::Already
    );
    assert_eq!(router.distinguish(&route).await.expect("the same"), distinction);
    router.reset(&route).await.expect("back");
    let refused = services::preview(&route, &distinction, "api", "a/one").await.expect_err("its own Service");
    assert!(refused.to_string().contains("own Service"), "{refused}");
    // nor anybody else's
    let mut other = backend.deployment("other", 1, "ghcr.io/acme/other:v1");
    other["spec"]["selector"] = json!({"matchLabels": {"app": "other"}});
    other["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    backend.post("admin", &backend.apps("deployments"), &other).await.ok();
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "theirs"},
        "spec": {"selector": {"app": "other"}, "ports": [{"port": 80}]}});
    backend.post("admin", &backend.core("services"), &service).await.ok();
    let refused = services::preview(&route, &distinction, "theirs", "a/one").await.expect_err("a stranger's");
    assert!(refused.to_string().contains("finds the pods of Deployment other"), "{refused}");
    assert!(services::may_preview(&route, "theirs").await.is_err());
    assert!(services::may_preview(&route, "not-there-yet").await.is_ok());
    for path in ["deployments/other"] {
        backend.delete("admin", &backend.apps(path), &json!({"propagationPolicy": "Background"})).await.ok();
    }
    backend.delete("admin", &backend.core("services/theirs"), &json!({})).await.ok();
    assert!(!services::remaining(&route).await.expect("a look").is_empty());
    assert_eq!(services::remove(&route).await.expect("removed"), Written::Now);
    assert_eq!(services::remove(&route).await.expect("removed before"), Written::Already);
    assert!(services::remaining(&route).await.expect("a look").is_empty());
    assert_eq!(backend.picture(&way).await, before);
}
