//! Canaries and blue-green switches by the real controller: each router's objects at each step, what Prometheus sees of it, and a
//! controller that dies between any two writes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use release_cockpit::api::{Phase, Release};
use release_cockpit::controller::Faults;
use serde_json::{Value, json};

use crate::controller::Controller;
use crate::space::{Space, action, image, message, release, until_is};
use crate::world::{self, World, until};

pub const ONE: [&str; 1] = ["backend"];
pub const PODS: i32 = 4;

/// A router, and what it needs in the namespace.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    name: &'static str,
    pub routing: fn() -> Value,
    /// Manifests of its objects, in JSON.
    pub objects: fn() -> Vec<Value>,
    /// Kind and name of the object that states the weights, and where: nothing for NGINX, whose second Ingress states one.
    stated: (&'static str, &'static str, &'static str),
}

fn backend_ref(name: &str) -> Value {
    json!({"name": name, "port": 80})
}

pub const GATEWAY: Case = Case {
    name: "gateway-api",
    routing: || json!({"router": "gateway-api", "config": {"httpRoute": "{{component}}"}}),
    objects: || {
        vec![
            json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "backend"},
            "spec": {"rules": [{"backendRefs": [backend_ref("backend")]}]}}),
        ]
    },
    stated: ("httproute", "backend", "/spec/rules/0/backendRefs"),
};

const CASES: [Case; 5] = [
    GATEWAY,
    Case {
        name: "istio",
        routing: || json!({"router": "istio", "config": {"virtualService": "backend"}}),
        objects: || {
            vec![
                json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "backend"},
                "spec": {"hosts": ["backend"], "http": [{"route": [{"destination": {"host": "backend"}}]}]}}),
            ]
        },
        stated: ("virtualservice", "backend", "/spec/http/0/route"),
    },
    Case {
        name: "istio-subsets",
        routing: || {
            json!({"router": "istio", "config": {"virtualService": "backend", "service": "both", "destinationRule": "backend",
                "stableSubset": "stable", "canarySubset": "canary"}})
        },
        objects: || {
            vec![
                json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "backend"},
                    "spec": {"hosts": ["both"], "http": [{"route": [{"destination": {"host": "both", "subset": "stable"}}]}]}}),
                json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": "backend"},
                    "spec": {"host": "both", "subsets": [
                        {"name": "stable", "labels": {"app": "backend"}}, {"name": "canary", "labels": {"app": "backend-canary"}}]}}),
            ]
        },
        stated: ("virtualservice", "backend", "/spec/http/0/route"),
    },
    Case {
        name: "nginx",
        routing: || json!({"router": "nginx", "config": {"ingress": "web"}}),
        objects: || {
            let service = json!({"service": {"name": "backend", "port": {"number": 80}}});
            vec![json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"},
                "spec": {"ingressClassName": "nginx", "rules": [
                    {"host": "a.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": service}]}}]}})]
        },
        stated: ("ingress", "web-canary", ""),
    },
    Case {
        name: "traefik",
        routing: || json!({"router": "traefik", "config": {"traefikService": "backend"}}),
        objects: || {
            vec![
                json!({"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService", "metadata": {"name": "backend"},
                "spec": {"weighted": {"services": [backend_ref("backend")]}}}),
            ]
        },
        stated: ("traefikservice", "backend", "/spec/weighted/services"),
    },
];

/// A namespace with four pods of backend behind its Service.
pub struct Stage {
    pub space: Space,
}

impl Stage {
    pub async fn new(world: &'static World, name: &str, strategy: Value) -> Self {
        let space = Space::new(world, name).await;
        for (name, label, preview) in
            [("backend", "app", false), ("both", "part", true), ("preview", "nobody", true)]
        {
            let labels =
                if preview { json!({"release-cockpit.dev/test-no-traffic": "true"}) } else { json!({}) };
            let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": space.namespace, "labels": labels},
                "spec": {"selector": {label: "backend"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}});
            world.apply(&service.to_string()).await;
        }
        space.application(&ONE, json!({"strategy": strategy})).await;
        // by another label, too, and four of them
        let wider = json!({"spec": {
            "replicas": PODS, "progressDeadlineSeconds": 60, "template": {"metadata": {"labels": {"part": "backend"}}}
        }});
        let deployments: Api<Deployment> = space.api();
        deployments
            .patch("backend", &PatchParams::default(), &Patch::Merge(&wider))
            .await
            .expect("four pods");
        space.until_complete("backend", 2).await;
        Self { space }
    }

    pub async fn create(&self, objects: Vec<Value>) {
        for mut object in objects {
            object["metadata"]["namespace"] = self.space.namespace.clone().into();
            self.space.world.apply(&object.to_string()).await;
        }
    }

    /// An object as it is now; nothing where it does not exist.
    async fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let arguments = ["get", kind, name, "-n", &self.space.namespace, "-o", "json", "--ignore-not-found"];
        let text = self.space.world.kubectl("admin", &arguments, "").await.ok();
        (!text.trim().is_empty()).then(|| serde_json::from_str(&text).expect("an object"))
    }

    /// The weights of the first and the second backend, as the router's object states them.
    pub async fn weights(&self, case: &Case) -> (i64, i64) {
        let (kind, name, list) = case.stated;
        let Some(object) = self.get(kind, name).await else { return (100, 0) };
        if list.is_empty() {
            let weight = &object["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-weight"];
            assert_eq!(object["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary"], "true");
            let weight = weight.as_str().and_then(|weight| weight.parse().ok()).expect("a weight");
            return (100 - weight, weight);
        }
        let backends = object.pointer(list).and_then(Value::as_array).cloned().expect("backends");
        let is_second = |one: &&Value| one.to_string().contains("canary");
        let weight =
            |one: Option<&Value>, unstated| one.map_or(0, |one| one["weight"].as_i64().unwrap_or(unstated));
        assert!(backends.len() <= 2, "{backends:?}");
        (weight(backends.iter().find(|one| !is_second(one)), 100), weight(backends.iter().find(is_second), 1))
    }

    /// Waits until Prometheus sees that share of the requests at a version.
    async fn until_share(&self, version: &str, wanted: f64) {
        let selector = format!("namespace=\"{}\",component=\"backend\"", self.space.namespace);
        let rate = |more: &str| format!("sum(rate(http_requests_total{{{selector}{more}}}[4s]))");
        let query = format!("({} or vector(0)) / {}", rate(&format!(",version=\"{version}\"")), rate(""));
        let url = format!("{}/api/v1/query", self.space.world.prometheus);
        let url = url::Url::parse_with_params(&url, [("query", query)]).expect("a URL");
        until(60, &format!("{wanted} of the requests at {version}"), || async {
            let body: Value = reqwest::get(url.clone()).await.expect("an answer").json().await.expect("JSON");
            let share: f64 = body["data"]["result"][0]["value"][1].as_str()?.parse().ok()?;
            ((share - wanted).abs() < 0.04).then_some(())
        })
        .await;
    }

    /// What is left of everything that a release may make, and what it may change.
    pub async fn picture(&self, case: Option<&Case>) -> Value {
        let mut all = Vec::new();
        for object in case.map(|case| (case.objects)()).unwrap_or_default() {
            let (kind, name) =
                (object["kind"].as_str().unwrap_or_default(), object["metadata"]["name"].as_str());
            let found = self.get(kind, name.unwrap_or_default()).await.expect("the object");
            all.push(json!([found["metadata"]["annotations"], found["spec"]]));
        }
        let services = self.space.api::<Service>().list(&ListParams::default()).await.expect("services");
        let mut found: BTreeMap<String, Value> = BTreeMap::new();
        for service in services {
            found.insert(service.name_any(), json!(service.spec.and_then(|spec| spec.selector)));
        }
        let deployments =
            self.space.api::<Deployment>().list(&ListParams::default()).await.expect("deployments");
        let sizes: BTreeMap<String, _> =
            deployments.iter().map(|one| (one.name_any(), one.spec.replicas)).collect();
        all.push(json!([found, sizes]));
        Value::Array(all)
    }

    pub async fn until_at(&self, step: i32) -> Release {
        self.space
            .until_release("one", &format!("paused at step {step}"), |release| {
                let at =
                    release.status.as_ref().and_then(|status| status.step.as_ref()).map(|step| step.index);
                assert!(!release.phase().is_final(), "it ended as {}: {}", release.phase(), message(release));
                release.phase() == Phase::Paused && at == Some(step)
            })
            .await
    }

    pub async fn promote(&self, name: &str, release: &Release) {
        let mut promote = action(name, "Promote", "alice", release);
        promote["spec"]["expected"]["step"] =
            json!(release.status.as_ref().and_then(|s| s.step.as_ref()).map(|step| step.index));
        self.space.act(promote).await.expect("an action");
        let (result, why) = self.space.verdict(name).await;
        assert_eq!(result, "Applied", "{why}");
    }

    /// Somebody removes the second workload's Service, where there is one: it is made again, and told.
    async fn loses_a_service(&self) {
        let services = self.space.api::<Service>();
        let Some(gone) = services.get_opt("backend-canary").await.expect("an answer") else { return };
        services.delete("backend-canary", &DeleteParams::default()).await.expect("removed");
        let begun = Instant::now();
        let again =
            until_is(&services, "backend-canary", "made again", |found| found.uid() != gone.uid()).await;
        eprintln!("{}: made again after {} ms", self.space.namespace, begun.elapsed().as_millis());
        let selector = |service: &Service| service.spec.clone().and_then(|spec| spec.selector);
        assert_eq!(selector(&again), selector(&gone));
        let asked = ["get", "events", "-n", &self.space.namespace, "-o", "jsonpath={.items[*].reason}"];
        until(60, "an Event", || async {
            let told = self.space.world.kubectl("admin", &asked, "").await.ok();
            told.contains("ServiceMadeAgain").then_some(())
        })
        .await;
    }

    /// The second workload, as large as that, with the new version; the first one as it was.
    async fn stands(&self, track: &str, replicas: i32) {
        let second = self.space.deployment(&format!("backend-{track}")).await;
        assert_eq!(second.spec.replicas, Some(replicas));
        let (runs, ..) = self.space.runs(&second.name_any()).await;
        assert_eq!(runs, image("backend", "v1.1.0"));
        let labels = second.spec.template.metadata.clone().and_then(|meta| meta.labels).unwrap_or_default();
        assert_eq!((labels["track"].as_str(), labels["release-cockpit.dev/track"].as_str()), (track, track));
        assert_eq!(second.labels()["app.kubernetes.io/managed-by"], "release-cockpit");
        assert!(
            second.owner_references().is_empty(),
            "what serves is not garbage when somebody deletes the other"
        );
        assert_eq!(self.space.runs("backend").await.0, image("backend", "v1.0.0"));
    }
}

fn weight_of(release: &Release) -> (i32, Option<i32>) {
    let weight = release.status.as_ref().and_then(|status| status.weight.clone()).expect("weights");
    (weight.desired, weight.achievable)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_router_carries_a_canary_from_ten_over_fifty_to_all() {
    let Some(world) = world::world().await else { return };
    let runs =
        CASES.map(|case| async move { tokio::spawn(carry(world, case)).await.err().map(|_| case.name) });
    let failed: Vec<_> =
        futures::stream::iter(runs).buffer_unordered(3).filter_map(std::future::ready).collect().await;
    assert!(failed.is_empty(), "{failed:?}");
}

async fn carry(world: &'static World, case: Case) {
    let steps = json!([{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}, {"setWeight": 100}, {"pause": {}}]);
    let strategy = json!({"canary": {"trafficRouting": (case.routing)(), "steps": steps}});
    let stage = Stage::new(world, &format!("router-{}", case.name), strategy).await;
    stage.create((case.objects)()).await;
    let before = stage.picture(Some(&case)).await;
    let _controller = Controller::start(&[&stage.space], "one").await;
    stage.space.ask("alice", "one", "v1.1.0", &ONE).await;
    for (index, weight) in [(1, 10), (3, 50), (5, 100)] {
        let paused = stage.until_at(index).await;
        assert_eq!(stage.weights(&case).await, (100 - weight, weight), "{}", case.name);
        assert_eq!(i64::from(weight_of(&paused).0), weight);
        let pods = if weight == 10 { 1 } else { (i32::try_from(weight).expect("small") * PODS + 50) / 100 };
        stage.stands("canary", pods).await;
        assert_eq!(
            stage.space.deployment("backend").await.spec.replicas,
            Some(PODS),
            "a router leaves it whole"
        );
        if weight == 50 {
            stage.loses_a_service().await;
        }
        stage.until_share("v1.1.0", f64::from(i32::try_from(weight).expect("small")) / 100.0).await;
        stage.promote(&format!("on-{index}"), &paused).await;
    }
    stage.space.until_phase("one", Phase::Succeeded).await;
    assert_eq!(stage.picture(Some(&case)).await, before, "{}", case.name);
    let (runs, generation, _) = stage.space.runs("backend").await;
    assert_eq!((runs, generation), (image("backend", "v1.1.0"), 3));
    stage.until_share("v1.1.0", 1.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_router_pods_carry_the_weight_and_rounding_is_said() {
    let Some(world) = world::world().await else { return };
    let steps = json!([{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]);
    let stage = Stage::new(world, "router-none", json!({"canary": {"steps": steps}})).await;
    let before = stage.picture(None).await;
    let _controller = Controller::start(&[&stage.space], "one").await;
    stage.space.ask("alice", "one", "v1.1.0", &ONE).await;
    for (index, weight, second) in [(1, 10, 1), (3, 50, 2)] {
        let paused = stage.until_at(index).await;
        assert_eq!(weight_of(&paused), (weight, Some(second * 100 / PODS)));
        stage.stands("canary", second).await;
        assert_eq!(stage.space.deployment("backend").await.spec.replicas, Some(PODS - second));
        stage.until_share("v1.1.0", f64::from(second) / f64::from(PODS)).await;
        stage.promote(&format!("on-{index}"), &paused).await;
    }
    stage.space.until_phase("one", Phase::Succeeded).await;
    assert_eq!(stage.picture(None).await, before);
    assert_eq!(stage.space.runs("backend").await.0, image("backend", "v1.1.0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn green_is_proved_beside_blue_and_switched_in_one_write() {
    let Some(world) = world::world().await else { return };
    let strategy =
        json!({"blueGreen": {"previewService": "preview", "pauseBeforeSwitch": true, "keepBlue": "15s"}});
    let stage = Stage::new(world, "blue-green", strategy).await;
    let before = stage.picture(None).await;
    let _controller = Controller::start(&[&stage.space], "one").await;
    stage.space.ask("alice", "one", "v1.1.0", &ONE).await;
    let paused = stage.until_at(1).await;
    stage.stands("green", PODS).await;
    let selector = |name: &'static str| async {
        let service = stage.space.api::<Service>().get(name).await.expect("a Service");
        service.spec.and_then(|spec| spec.selector).and_then(|all| all.get("app").cloned())
    };
    assert_eq!(selector("preview").await.as_deref(), Some("backend-green"));
    assert_eq!(selector("backend").await.as_deref(), Some("backend"));
    stage.until_share("v1.1.0", 0.0).await;
    stage.promote("switch", &paused).await;
    stage
        .space
        .until_release("one", "switched", |release| {
            let status = release.status.clone().unwrap_or_default();
            status.timeline.iter().any(|entry| entry.reason == "Switched")
        })
        .await;
    assert_eq!(selector("backend").await.as_deref(), Some("backend-green"));
    stage.stands("green", PODS).await;
    stage.until_share("v1.1.0", 1.0).await;
    stage.space.until_phase("one", Phase::Succeeded).await;
    assert_eq!(stage.picture(None).await, before);
    assert_eq!(stage.space.runs("backend").await.0, image("backend", "v1.1.0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_waits_for_what_its_router_lacks() {
    let Some(world) = world::world().await else { return };
    let strategy = json!({"canary": {"trafficRouting": (GATEWAY.routing)(), "steps": [{"setWeight": 10}, {"pause": {}}]}});
    let stage = Stage::new(world, "router-lacks", strategy).await;
    let _controller = Controller::start(&[&stage.space], "one").await;
    stage.space.ask("alice", "one", "v1.1.0", &ONE).await;
    let waiting = stage
        .space
        .until_release("one", "held by its router", |release| {
            let gates = release.status.clone().unwrap_or_default().gates;
            gates.iter().any(|gate| {
                gate.name == "traffic/backend" && gate.detail.contains("HTTPRoute backend does not exist")
            })
        })
        .await;
    assert_eq!(waiting.phase(), Phase::Pending);
    stage.create((GATEWAY.objects)()).await;
    let paused = stage.until_at(1).await;
    assert_eq!(stage.weights(&GATEWAY).await, (90, 10));

    // somebody turns the route by hand: it is seen, and not overwritten, until somebody takes it over
    let route = json!({"spec": {"rules": [{"backendRefs": [
        {"name": "backend", "port": 80, "weight": 60}, {"name": "backend-canary", "port": 80, "weight": 40}]}]}});
    let patch = [
        "patch",
        "httproute",
        "backend",
        "-n",
        &stage.space.namespace,
        "--type=merge",
        "-p",
        &route.to_string(),
    ];
    world.kubectl("admin", &patch, "").await.ok();
    stage
        .space
        .until_release("one", "drifted", |release| {
            let tracks = release.status.clone().unwrap_or_default().tracks;
            tracks.iter().any(|track| track.drift.as_ref().is_some_and(|drift| drift.contains("40%")))
        })
        .await;
    assert_eq!(stage.weights(&GATEWAY).await, (60, 40));
    drop(paused);
}

/// What is seen of one release while its controllers die: every share that was stated, in order, and whatever must never be.
#[derive(Default)]
struct Seen {
    shares: Vec<String>,
    seconds: Vec<String>,
    wrong: Vec<String>,
}

impl Seen {
    fn note(&mut self, share: String, uid: Option<String>, ready: Option<(usize, usize)>) {
        if let Some((own, second)) = ready
            && ((share != "100" && own == 0) || (share != "home" && second == 0))
        {
            self.wrong.push(format!("at {share}: {own} pods of the first, {second} of the second"));
        }
        if self.shares.last() != Some(&share) {
            self.shares.push(share);
        }
        if let Some(uid) = uid.filter(|uid| self.seconds.last() != Some(uid)) {
            self.seconds.push(uid);
        }
    }
}

/// Which of the two gets traffic, by the object that says so, and its version.
async fn stated(space: &Space, by: &Way) -> (String, String) {
    match by {
        Way::Canary => {
            let resource = kube::api::ApiResource::from_gvk_with_plural(
                &kube::api::GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute"),
                "httproutes",
            );
            let api: Api<kube::api::DynamicObject> =
                Api::namespaced_with(space.admin.clone(), &space.namespace, &resource);
            let route = api.get("backend").await.expect("the route");
            let backends = route.data.pointer("/spec/rules/0/backendRefs").cloned().unwrap_or_default();
            let second =
                backends.as_array().into_iter().flatten().find(|one| one["name"] == "backend-canary");
            let share = second.map_or(0, |one| one["weight"].as_i64().unwrap_or(1));
            let share = if share == 0 { "home".to_owned() } else { share.to_string() };
            (share, route.resource_version().unwrap_or_default())
        }
        Way::BlueGreen => {
            let service = space.api::<Service>().get("backend").await.expect("the Service");
            let version = service.resource_version().unwrap_or_default();
            let selector = service.spec.and_then(|spec| spec.selector).unwrap_or_default();
            let share = if selector["app"] == "backend" { "home" } else { "100" };
            (share.to_owned(), version)
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Canary,
    BlueGreen,
}

impl Way {
    fn strategy(self) -> Value {
        match self {
            Self::Canary => json!({"canary": {"trafficRouting": (GATEWAY.routing)(),
                "steps": [{"setWeight": 10}, {"setWeight": 50}, {"setWeight": 100}]}}),
            Self::BlueGreen => json!({"blueGreen": {"previewService": "preview"}}),
        }
    }

    fn track(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::BlueGreen => "green",
        }
    }

    fn shares(self) -> &'static [&'static str] {
        match self {
            Self::Canary => &["home", "10", "50", "100", "home"],
            Self::BlueGreen => &["home", "100", "home"],
        }
    }
}

/// Looks again and again: what is stated, and whether anybody serves what is sent there.
async fn watch(space: &Space, way: Way, seen: &Mutex<Seen>) {
    let ready = |pods: &[Pod], app: &str| {
        pods.iter()
            .filter(|pod| pod.labels().get("app").is_some_and(|label| label == app))
            .filter(|pod| {
                let conditions =
                    pod.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
                conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True")
            })
            .count()
    };
    loop {
        let (share, version) = stated(space, &way).await;
        let pods = space.api::<Pod>().list(&ListParams::default()).await.expect("pods").items;
        let (own, second) = (ready(&pods, "backend"), ready(&pods, &format!("backend-{}", way.track())));
        let uid =
            space.api::<Deployment>().get_opt(&format!("backend-{}", way.track())).await.expect("a look");
        let is_still_so = stated(space, &way).await.1 == version;
        let uid = uid.and_then(|second| second.uid());
        seen.lock().expect("the notes").note(share, uid, is_still_so.then_some((own, second)));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// What a controller was about to write, and for which time.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    before: String,
    time: usize,
}

/// One life of a release whose controller dies at that place, or never; the places that it passed.
async fn live(world: &'static World, way: Way, number: usize, dies_at: Option<Place>) -> Vec<Place> {
    let stage = Stage::new(world, &format!("cut-{}-{number}", way.track()), way.strategy()).await;
    if way == Way::Canary {
        stage.create((GATEWAY.objects)()).await;
    }
    let before = stage.picture(None).await;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let space = Space::of(world, stage.space.namespace.clone()).await;
    let notes = seen.clone();
    let watching = tokio::spawn(async move { watch(&space, way, &notes).await });
    let passed = Arc::new(Mutex::new(Vec::new()));
    let (cuts, place) = (passed.clone(), dies_at.clone());
    let faults = Faults::kill_when(move |cut| {
        // after the last write of a look is before the first one of the next
        if cut.object != "one" || cut.before == "end" {
            return false;
        }
        let mut cuts = cuts.lock().expect("the cuts");
        let before = format!("{} {}", cut.phase, cut.before);
        let time = cuts.iter().filter(|place: &&Place| place.before == before).count();
        cuts.push(Place { before, time });
        cuts.last() == place.as_ref()
    });
    let first = Controller::start_with(&[&stage.space], "first", faults).await;
    let releases: Api<Release> = stage.space.as_seen_by("alice").await;
    let wanted = release("one", "v1.1.0", "alice", &ONE);
    releases.create(&kube::api::PostParams::default(), &wanted).await.expect("a release");
    let _second = match &dies_at {
        Some(place) => tokio::select! {
            _ = first.killed() => Some(Controller::start(&[&stage.space], "second").await),
            // how often a status or a seal is written, or a claim on the lane is tried again, depends on what is seen meanwhile
            _ = stage.space.until_phase("one", Phase::Succeeded) => {
                let varies = [" status", " seal"].iter().any(|write| place.before.ends_with(write));
                let is_repeated_claim = place.time > 0 && place.before.ends_with(" lane");
                assert!(varies || is_repeated_claim, "{place:?} was never reached");
                None
            }
        },
        None => Some(first),
    };
    let place = &dies_at;
    let ended = stage.space.until_phase("one", Phase::Succeeded).await;
    until_is(&stage.space.api::<Deployment>(), "backend", "rolled", |one| one.metadata.generation == Some(3))
        .await;
    until(20, "it is home", || async { (stage.picture(None).await == before).then_some(()) }).await;
    watching.abort();
    let seen = seen.lock().expect("the notes");
    assert!(seen.wrong.is_empty(), "{way:?} {place:?}: {:?}", seen.wrong);
    assert_eq!(seen.seconds.len(), 1, "{way:?} {place:?}: made once");
    let shares: Vec<&str> = seen.shares.iter().map(String::as_str).collect();
    assert_eq!(shares, way.shares(), "{way:?} {place:?}");
    let timeline = ended.status.unwrap_or_default().timeline;
    for reason in ["WeightReached", "Switched", "Settled", "WaveRolledOut"] {
        let times = timeline.iter().filter(|entry| entry.reason == reason).count();
        let expected = match (reason, way) {
            ("WeightReached", Way::Canary) => 3,
            ("WeightReached", Way::BlueGreen) | ("Switched", Way::Canary) => 0,
            _ => 1,
        };
        assert_eq!(times, expected, "{way:?} {place:?}: {reason} in {timeline:#?}");
    }
    passed.lock().expect("the cuts").clone()
}

async fn die_everywhere(way: Way) {
    let Some(world) = world::world().await else { return };
    let places = live(world, way, 0, None).await;
    let runs = places.into_iter().enumerate().map(|(number, place)| async move {
        let life = tokio::spawn(live(world, way, number + 1, Some(place.clone())));
        life.await.err().map(|_| place)
    });
    let failed: Vec<_> =
        futures::stream::iter(runs).buffer_unordered(6).filter_map(std::future::ready).collect().await;
    assert!(failed.is_empty(), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_goes_on_wherever_its_controller_dies() {
    die_everywhere(Way::Canary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_goes_on_wherever_its_controller_dies() {
    die_everywhere(Way::BlueGreen).await;
}
