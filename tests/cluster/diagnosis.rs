//! What keeps pods from getting well, brought about by the real components: the command line says the right sentence of each.
//!
//! `tests/fixtures/situations.yaml` has what is brought about and what must be said. With `RELEASE_COCKPIT_UPDATE` set, the objects are
//! recorded under `tests/fixtures/diagnoses/` (`recording`), and the table test of `cluster::examine` runs on them without a cluster.

mod recording;
mod webhook;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::Api;
use kube::api::{EvictParams, ListParams, Patch, PatchParams, PostParams};
use release_cockpit::api::{Environment, Release};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::told;
use crate::space::{Space, until_is};
use crate::world::{World, until, world};

/// The image that everything runs which says nothing else.
const IMAGE: &str = "ghcr.io/acme/backend:v2.0.0";

/// Who may read nodes.
const NODES: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: alice-reads-nodes}
subjects: [{kind: User, name: alice, apiGroup: rbac.authorization.k8s.io}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: release-cockpit-nodes}
";

/// For how long a situation may take to be told of.
const PATIENCE: Duration = Duration::from_secs(45);

/// Everything that is brought about.
#[derive(Deserialize)]
struct Table {
    spaces: BTreeMap<String, Vec<Value>>,
    situations: Vec<Situation>,
}

/// One thing that goes wrong.
#[derive(Deserialize)]
struct Situation {
    name: String,
    space: String,
    #[serde(default = "deployment")]
    kind: String,
    cause: String,
    says: String,
    evidence: String,
    #[serde(default = "nothing")]
    spec: Value,
    #[serde(default)]
    also: Vec<Value>,
    /// The field manager that puts the image of the version before back.
    rival: Option<String>,
    /// Whose words they are, where the control plane does not word it.
    by: Option<String>,
}

fn deployment() -> String {
    "Deployment".to_owned()
}

fn nothing() -> Value {
    json!({})
}

fn table() -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/situations.yaml");
    serde_saphyr::from_str(&std::fs::read_to_string(path).expect("the situations")).expect("a table")
}

impl Situation {
    /// The workload, as somebody would apply it.
    fn workload(&self, kubelet: Option<&str>) -> Value {
        let labels = json!({"app": self.name});
        let mut spec = json!({"replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "backend", "image": IMAGE}]}}});
        json_patch::merge(&mut spec, &self.spec);
        if let Some(node) = kubelet.filter(|_| self.by.as_deref() == Some("kubelet")) {
            spec["template"]["spec"]["nodeName"] = json!(node);
        }
        json!({"apiVersion": "apps/v1", "kind": self.kind, "metadata": {"name": self.name}, "spec": spec})
    }

    fn image(&self) -> String {
        let workload = self.workload(None);
        let image = workload.pointer("/spec/template/spec/containers/0/image").and_then(Value::as_str);
        image.expect("an image").to_owned()
    }

    /// What Release Cockpit is told of it: an environment of this workload alone.
    fn environment(&self) -> Value {
        let image = self.image();
        let (repository, _) = image.rsplit_once(':').expect("a tag");
        json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment", "metadata": {"name": self.name}, "spec": {
            "application": "shop", "tier": "production", "strategy": {"rolling": {}}, "components": [{"name": "backend", "wave": 0,
                "image": repository, "container": "backend", "workload": {"kind": self.kind, "name": self.name}}]}})
    }

    /// A release that has just written its image.
    async fn release(&self, space: &Space) {
        let image = self.image();
        let (_, version) = image.rsplit_once(':').expect("a tag");
        let release = json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release", "metadata": {"name": self.name},
            "spec": {"environment": self.name, "version": version, "kind": "Deploy", "requestedBy": "alice",
                "images": [{"component": "backend", "image": image}]}});
        let release: Release = serde_json::from_value(release).expect("a release");
        let releases: Api<Release> = space.as_seen_by("alice").await;
        until(20, &self.name, || async { releases.create(&PostParams::default(), &release).await.ok() })
            .await;
        let progress = json!({"component": "backend", "state": "Progressing", "revision": 2});
        let status =
            json!({"status": {"phase": "Progressing", "message": "1 of 1", "components": [progress]}});
        let releases: Api<Release> = space.as_seen_by("controller").await;
        let patched =
            releases.patch_status(&self.name, &PatchParams::default(), &Patch::Merge(&status)).await;
        patched.expect("a status");
    }

    /// Asks the program until it says what it must; what it said instead, where it never does.
    async fn is_told(&self, space: &Space) -> Option<String> {
        let target = format!("{}/{}", space.namespace, self.name);
        let says = self.says.replace("$NAMESPACE", &space.namespace);
        let (mut last, began) = (Value::Null, Instant::now());
        while began.elapsed() < PATIENCE {
            let mut answer = told(space.world, "alice", &["why", &target]).await;
            let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            // KWOK's one log follows what it words
            let sentence = text("/cause/diagnosis/sentence");
            let is_said = if self.by.as_deref() == Some("kwok") {
                sentence.starts_with(&says)
            } else {
                sentence == says
            };
            let is_right = is_said
                && text("/cause/diagnosis/id") == self.cause
                && text("/cause/diagnosis/evidence").contains(&self.evidence)
                && !text("/cause/diagnosis/remedy").is_empty()
                && text("/cause/of").starts_with(&self.name);
            if is_right {
                return None;
            }
            last = answer["cause"].take();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Some(format!("{}: {says}, with {}\nbut {last:#}", self.name, self.evidence))
    }
}

/// Waits until admission refuses the pods that it is to refuse: the API server learns of webhooks, policies and quotas by and by.
async fn until_refused(space: &Space, situation: &Situation) {
    let is_admission = ["webhook-refuses", "quota-exceeded", "pods-refused"].contains(&&*situation.cause);
    let mut pod = situation.workload(None)["spec"]["template"].take();
    pod["metadata"]["name"] = json!(situation.name);
    let pod: Pod = serde_json::from_value(pod).expect("a pod");
    let (pods, dry): (Api<Pod>, _) = (space.api(), PostParams { dry_run: true, ..PostParams::default() });
    if is_admission {
        until(20, &situation.name, || async { pods.create(&dry, &pod).await.err() }).await;
    }
}

/// Applies objects in a namespace, what only this run knows filled in.
async fn apply(space: &Space, who: Option<&str>, objects: &[Value], filled: &[(&str, String)]) {
    let mut text = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    for (name, value) in filled {
        text = text.replace(name, value);
    }
    let mut arguments = vec!["apply", "-n", &space.namespace, "-f", "-"];
    let manager = who.map(|who| format!("--field-manager={who}"));
    if let Some(manager) = &manager {
        arguments.extend(["--server-side", "--force-conflicts", manager]);
    }
    space.world.kubectl("admin", &arguments, &text).await.ok();
}

/// Brings everything about in namespaces of a test's own.
async fn bring_about(
    world: &'static World,
    table: &Table,
    kubelet: Option<&str>,
    test: &str,
) -> BTreeMap<String, Space> {
    // alice may read nodes, viewers may not
    world.apply(NODES).await;
    let webhook = webhook::start().await;
    let mut spaces = BTreeMap::new();
    for (name, objects) in &table.spaces {
        let here: Vec<&Situation> =
            table.situations.iter().filter(|situation| situation.space == *name).collect();
        if here.is_empty() {
            continue;
        }
        let space = Space::new(world, &format!("{test}-{name}")).await;
        let filled = [
            ("$NAMESPACE", space.namespace.clone()),
            ("$WEBHOOK", webhook.url.clone()),
            ("$CA", webhook.authority.clone()),
        ];
        apply(&space, None, objects, &filled).await;
        futures::future::join_all(here.iter().map(|situation| until_refused(&space, situation))).await;
        let mut all: Vec<Value> = here.iter().flat_map(|situation| situation.also.clone()).collect();
        all.extend(here.iter().flat_map(|situation| [situation.workload(kubelet), situation.environment()]));
        apply(&space, None, &all, &filled).await;
        // what a controller tells the policies that read environments
        let siblings: Vec<&str> = here.iter().map(|situation| &*situation.name).collect();
        let environments: Api<Environment> = space.as_seen_by("controller").await;
        let (told, parameters) = (json!({"status": {"siblings": siblings}}), PatchParams::default());
        let patch = Patch::Merge(&told);
        let patched = siblings.iter().map(|name| environments.patch_status(name, &parameters, &patch));
        futures::future::try_join_all(patched).await.expect("statuses");
        futures::future::join_all(here.iter().map(|situation| situation.release(&space))).await;
        for (situation, rival) in here.iter().filter_map(|here| Some((here, here.rival.as_deref()?))) {
            let mut before = situation.workload(None);
            before["spec"]["template"]["spec"]["containers"][0]["image"] =
                json!("ghcr.io/acme/backend:v1.0.0");
            apply(&space, Some(rival), &[before], &[]).await;
        }
        spaces.insert(name.clone(), space);
    }
    // the API server calls it for as long as the test runs
    webhook.outlive();
    spaces
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cause_is_told_of_real_objects() {
    let Some(world) = world().await else { return };
    let kubelet = std::env::var("RELEASE_COCKPIT_TEST_KUBELET").ok();
    let mut table = table();
    table.situations.retain(|situation| (situation.by.as_deref() == Some("kubelet")) == kubelet.is_some());
    let spaces = bring_about(world, &table, kubelet.as_deref(), "diagnosis").await;
    let asked = table.situations.iter().map(async |situation| {
        let space = &spaces[&situation.space];
        let wrong = situation.is_told(space).await;
        let is_wanted = std::env::var_os("RELEASE_COCKPIT_UPDATE").is_some();
        if is_wanted && wrong.is_none() && situation.by.as_deref() != Some("kwok") {
            recording::write(space, situation).await;
        }
        wrong
    });
    let wrong: Vec<Option<String>> = futures::stream::iter(asked).buffer_unordered(6).collect().await;
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} are told otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_that_hangs_is_told_to_those_who_may_read_nodes() {
    let Some(world) = world().await else { return };
    let mut table = table();
    table.situations.retain(|situation| situation.name == "budget-of-all");
    let spaces = bring_about(world, &table, None, "drained").await;
    let (situation, space) = (&table.situations[0], &spaces["protected"]);
    until_is(&space.api::<PodDisruptionBudget>(), &situation.name, "counted", |budget| {
        budget.status.as_ref().is_some_and(|status| status.current_healthy == Some(2))
    })
    .await;
    // what a drain does, and what it is answered
    let refused = evict(space, &situation.name).await.expect_err("to be refused");
    let kube::Error::Api(status) = refused else { panic!("{refused}") };
    let cause = status.details.as_ref().and_then(|details| details.causes.first()).expect("a cause");
    let words = "The disruption budget budget-of-all needs 2 healthy pods and has 2 currently";
    assert_eq!((status.code, cause.message.as_str()), (429, words));
    assert_eq!(situation.is_told(space).await, None);
    let target = format!("{}/{}", space.namespace, situation.name);
    let of_a_viewer = told(world, "dave", &["why", &target]).await;
    assert_eq!(of_a_viewer["cause"], Value::Null, "no right to nodes, no cause and no error");
    // with one to spare the next eviction is granted, and nothing is told any more
    let (deployments, more): (Api<Deployment>, _) = (space.api(), json!({"spec": {"replicas": 3}}));
    let patched = deployments.patch(&situation.name, &PatchParams::default(), &Patch::Merge(&more)).await;
    patched.expect("a third pod");
    until(60, "the drain goes on", || async { evict(space, &situation.name).await.ok() }).await;
    until(60, "nothing is told", || async {
        let answer = told(world, "alice", &["why", &target]).await;
        answer["cause"].is_null().then_some(())
    })
    .await;
}

/// Evicts a pod, as `kubectl drain` does.
async fn evict(space: &Space, app: &str) -> Result<(), kube::Error> {
    let pods: Api<Pod> = space.api();
    let found = pods.list(&ListParams::default().labels(&format!("app={app}"))).await.expect("pods");
    let stays = |pod: &&Pod| pod.metadata.deletion_timestamp.is_none();
    let pod = found.items.iter().find(stays).and_then(|pod| pod.metadata.name.as_deref()).expect("a pod");
    pods.evict(pod, &EvictParams::default()).await.map(|_| ())
}
