//! What the wrong person tries with the keys of the cockpit, on the embedded world with its controller: each try ends with a sentence
//! on the screen, and nothing has changed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Client, Config, Resource};
use release_cockpit::api::{Environment, Phase, Release, ReleaseAction};
use release_cockpit::cluster::registry::Mirrors;
use release_cockpit::controller::{self, ControllerOptions, Deadlines, LeaseOptions};
use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{Running, StartOptions, start_with};
use release_cockpit::time::Clock;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::terminal::{PATIENCE, Terminal, line_with};

const PRODUCTION: &str = "planera-production";
const STAGING: &str = "planera-staging";
const PHRASE: &str = "deploy-to-production";

/// A world with its controller, in which nobody acts by themselves.
struct Scene {
    runtime: Runtime,
    running: Running,
    home: tempfile::TempDir,
    stop: CancellationToken,
}

/// Everything that a try could have changed in production: releases with their phases, what people asked for, and what runs.
type World = (BTreeSet<(String, Phase)>, BTreeSet<String>, Vec<Option<i64>>);

impl Scene {
    fn open() -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let runtime = Runtime::new().unwrap();
        let options = StartOptions { without_script: true, ..StartOptions::default() };
        let scenario = Scenario::builtin("planera").unwrap();
        let running = runtime.block_on(start_with(scenario, Clock::system(), options)).unwrap();
        let stop = CancellationToken::new();
        let scene = Self { runtime, running, home: tempfile::tempdir().unwrap(), stop };
        let options = ControllerOptions {
            identity: "one".into(),
            namespace: "release-cockpit".into(),
            namespaces: Vec::new(),
            clock: Clock::system(),
            lease: LeaseOptions::default(),
            deadlines: Deadlines::default(),
            http: None,
            concurrency: 4,
            mirrors: Mirrors::default(),
            allowed: release_cockpit::domain::address::Allowed::parse(&["127.0.0.1"]).unwrap(),
            audit_export: None,
        };
        let controlled = controller::run(scene.client("controller"), options, scene.stop.clone());
        scene.runtime.spawn(controlled);
        scene
    }

    fn client(&self, token: &str) -> Client {
        let _inside = self.runtime.enter();
        let mut config = Config::new(self.running.kube_url.as_str().parse().unwrap());
        config.root_cert = Some(Vec::new());
        config.auth_info.token = Some(token.to_owned().into());
        Client::try_from(config).unwrap()
    }

    fn api<K>(&self, who: &str, space: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client(who), space)
    }

    /// The cockpit as that person opens it.
    fn cockpit(&self, who: &str) -> Terminal {
        let path = self.home.path().join(who);
        std::fs::write(&path, self.running.kubeconfig_yaml(who)).unwrap();
        let mut terminal = Terminal::start(&["--kubeconfig", path.to_str().unwrap()], (45, 170));
        terminal.until_text("v1.8.1");
        terminal.press("2");
        terminal.until_text("planera·production");
        terminal
    }

    /// The environment once something is true of it.
    fn when(&self, space: &str, name: &str, what: impl Fn(&Environment) -> bool) -> Environment {
        let api = self.api::<Environment>("alice", space);
        let found = await_condition(api, name, |found: Option<&Environment>| found.is_some_and(&what));
        let found = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, found).await });
        found.expect("it never happened").unwrap().unwrap()
    }

    /// Bob asks for a version in production, which then waits.
    fn waiting(&self, version: &str) -> String {
        let name = format!("planera-{}", version.replace('.', "-"));
        let images = ["backend", "frontend"].map(
            |name| json!({"component": name, "image": format!("ghcr.io/acme/planera-{name}:{version}")}),
        );
        let release: Release = serde_json::from_value(json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
            "metadata": {"name": name, "namespace": PRODUCTION},
            "spec": {
                "environment": "production", "version": version, "kind": "Deploy", "requestedBy": "bob", "reason": "a test",
                "images": images,
            },
        }))
        .unwrap();
        let api = self.api::<Release>("bob", PRODUCTION);
        let planned =
            |found: Option<&Release>| found.and_then(|r| r.status.as_ref()).is_some_and(|s| s.plan.is_some());
        self.runtime.block_on(async {
            api.create(&PostParams::default(), &release).await.unwrap();
            tokio::time::timeout(PATIENCE, await_condition(api, &name, planned)).await.unwrap().unwrap();
        });
        name
    }

    /// What somebody does to production by other means than the screen that is looked at.
    fn order(&self, who: &str, action: &str, parameters: &Value) {
        let action: ReleaseAction = serde_json::from_value(json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction",
            "metadata": {"name": action.to_lowercase(), "namespace": PRODUCTION},
            "spec": {
                "environment": "production", "action": action, "actor": who, "reason": "it leaks memory", "parameters": parameters,
            },
        }))
        .unwrap();
        let api = self.api::<ReleaseAction>(who, PRODUCTION);
        self.runtime.block_on(api.create(&PostParams::default(), &action)).unwrap();
    }

    fn world(&self) -> World {
        let releases = self.api::<Release>("alice", PRODUCTION);
        let actions = self.api::<ReleaseAction>("alice", PRODUCTION);
        let deployments = self.api::<Deployment>("admin", PRODUCTION);
        let all = ListParams::default();
        self.runtime.block_on(async {
            let releases = releases.list(&all).await.unwrap().items;
            let actions = actions.list(&all).await.unwrap().items;
            let deployments = deployments.list(&all).await.unwrap().items;
            (
                releases.iter().map(|r| (r.metadata.name.clone().unwrap(), r.phase())).collect(),
                actions.into_iter().map(|a| a.metadata.name.unwrap()).collect(),
                deployments.iter().map(|d| d.metadata.generation).collect(),
            )
        })
    }

    /// Nothing is different from what it was, and the world has understood every request.
    fn is_as(&self, before: &World, terminal: Terminal) {
        drop(terminal);
        assert_eq!(&self.world(), before);
        assert_eq!(self.running.unknown_requests(), Vec::<String>::new());
        self.stop.cancel();
    }
}

/// Presses a key until it is answered so: at first the cockpit may not know yet what this person may do.
fn insist(terminal: &mut Terminal, key: &str, answer: &str) {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        terminal.press(key);
        if terminal.shows_within(answer, Duration::from_secs(2)) {
            return;
        }
    }
    terminal.until_text(answer);
}

#[test]
fn nobody_approves_what_they_asked_for() {
    let scene = Scene::open();
    scene.waiting("v1.8.2");
    let before = scene.world();
    let mut terminal = scene.cockpit("bob");
    terminal.until("the release", |screen| line_with(screen, &["v1.8.2", "Pending"]));
    insist(&mut terminal, "v", "you asked for it: someone else must approve");
    scene.is_as(&before, terminal);
}

#[test]
fn nobody_approves_a_plan_that_changed_under_the_window() {
    let scene = Scene::open();
    scene.waiting("v1.8.2");
    let before = scene.world();
    let mut terminal = scene.cockpit("carol");
    terminal.until("the release", |screen| line_with(screen, &["v1.8.2", "Pending"]));
    insist(&mut terminal, "v", "to go on, type");
    terminal.press(PHRASE);
    terminal.until_text("✔ typed");
    let environments = scene.api::<Environment>("admin", PRODUCTION);
    scene.runtime.block_on(async {
        let mut found = environments.get("production").await.unwrap();
        found.spec.components[1].wave = 0;
        environments.replace("production", &PostParams::default(), &found).await.unwrap();
    });
    terminal.until_text("changed meanwhile: the plan has changed");
    terminal.press("\t\r");
    scene.is_as(&before, terminal);
}

#[test]
fn nobody_releases_into_a_frozen_environment() {
    let scene = Scene::open();
    let mut terminal = scene.cockpit("bob");
    insist(&mut terminal, "n", "Deploy planera → production");
    terminal.press("v1.8.3\r\r\r\r");
    terminal.until_text("Deploy planera v1.8.3 to production?");
    terminal.press(PHRASE);
    terminal.until_text("✔ typed");
    scene.order("alice", "Freeze", &json!({"incident": "INC-1"}));
    scene.when(PRODUCTION, "production", |found| {
        found.status.as_ref().is_some_and(|status| status.frozen.is_some())
    });
    let before = scene.world();
    // the answer was typed before anybody froze it
    terminal.press("\t\r");
    terminal.until_text("EnvironmentFrozen: production is frozen by alice");
    terminal.press("\u{1b}");
    terminal.until("the window to close", |screen| !screen.contents().contains("v1.8.3 to production?"));
    insist(&mut terminal, "n", "production is frozen by alice");
    scene.is_as(&before, terminal);
}

#[test]
fn nobody_releases_a_digest_that_is_denied() {
    let scene = Scene::open();
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    for (name, digest) in [("backend", digest("a")), ("frontend", digest("b"))] {
        let image = format!("ghcr.io/acme/planera-{name}:v1.8.2@{digest}");
        let change =
            json!({"spec": {"template": {"spec": {"containers": [{"name": name, "image": image}]}}}});
        let deployments = scene.api::<Deployment>("admin", STAGING);
        let params = PatchParams::default();
        scene.runtime.block_on(deployments.patch(name, &params, &Patch::Strategic(&change))).unwrap();
    }
    scene.when(STAGING, "staging", |found| {
        let current = found.status.as_ref().map(|status| status.current.as_slice()).unwrap_or_default();
        current.len() == 2 && current.iter().all(|component| component.digest.is_some())
    });
    scene.order("alice", "Deny", &json!({"digest": digest("a")}));
    scene.when(PRODUCTION, "production", |found| {
        found.status.as_ref().is_some_and(|status| !status.denied.is_empty())
    });
    let before = scene.world();
    let mut terminal = scene.cockpit("bob");
    insist(&mut terminal, "P", "Promote planera → production");
    terminal.press("\r\r\r\r");
    terminal.until_text("is on the deny list of production");
    scene.is_as(&before, terminal);
}
