//! The controller on the embedded world: what people ask for happens, once, and only when it may.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, DeleteParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Client, Config};
use release_cockpit::api::release::{ApprovalState, Phase};
use release_cockpit::api::release_action::{ActionResult, ReleaseAction};
use release_cockpit::api::{Environment, Release};
use release_cockpit::cluster::registry::Mirrors;
use release_cockpit::controller::{self, ControllerOptions, Deadlines, Faults, LeaseOptions};
use release_cockpit::domain::address::Allowed;
use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{Running, StartOptions, start_with};
use release_cockpit::time::Clock;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

mod alerting;
mod analysis;
mod audit;
mod canary;
mod endings;
mod environment_actions;
mod faulty;
mod leading;
mod perturbed;
mod policies;
mod stopping;
mod telling;
mod trust;
mod undecodable;

const STAGING: &str = "planera-staging";
const PRODUCTION: &str = "planera-production";
/// How much faster than the wall the world runs.
const SPEED: f64 = 20.0;
/// Long enough for any of these journeys on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

struct Stage {
    running: Running,
    clock: Clock,
    stop: CancellationToken,
    /// Whether clients ask the world in this process instead of over a port.
    is_direct: bool,
}

impl Stage {
    async fn open() -> Self {
        Self::play(Scenario::builtin("planera").unwrap(), SPEED, true).await
    }

    /// A scenario at that speed, with or without what its people do by themselves.
    async fn play(scenario: Scenario, speed: f64, without_script: bool) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let clock = Clock::scaled(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap(), speed);
        let options = StartOptions { without_script, ..StartOptions::default() };
        let running = start_with(scenario, clock.clone(), options).await.unwrap();
        Self { running, clock, stop: CancellationToken::new(), is_direct: false }
    }

    /// A scenario in the time of the runtime, asked without a port, so that a paused runtime knows when everybody waits.
    async fn direct(scenario: Scenario) -> Self {
        Self { is_direct: true, ..Self::play(scenario, 1.0, true).await }
    }

    fn client(&self, token: &str) -> Client {
        if self.is_direct {
            return self.direct_client(token);
        }
        let mut config = Config::new(self.running.kube_url.as_str().parse().unwrap());
        config.root_cert = Some(Vec::new());
        config.auth_info.token = Some(token.to_owned().into());
        Client::try_from(config).unwrap()
    }

    fn direct_client(&self, token: &str) -> Client {
        let (router, bearer) = (self.running.router(), format!("Bearer {token}"));
        let bearer: http::HeaderValue = bearer.parse().unwrap();
        let service = tower::service_fn(move |mut request: http::Request<kube::client::Body>| {
            request.headers_mut().insert(http::header::AUTHORIZATION, bearer.clone());
            router.clone().oneshot(request)
        });
        Client::new(service, "default")
    }

    /// A controller that is killed where `faults` say so.
    fn controller(&self, faults: Faults) -> JoinHandle<Result<(), controller::Error>> {
        self.exporting_controller(faults, None)
    }

    /// As [`Self::controller`], which may remove records once they are exported.
    fn exporting_controller(
        &self,
        faults: Faults,
        audit_export: Option<PathBuf>,
    ) -> JoinHandle<Result<(), controller::Error>> {
        self.controller_of(self.client("controller"), faults, audit_export)
    }

    /// As [`Self::exporting_controller`], which asks the API server through this client.
    fn controller_of(
        &self,
        client: Client,
        faults: Faults,
        audit_export: Option<PathBuf>,
    ) -> JoinHandle<Result<(), controller::Error>> {
        let options = ControllerOptions { audit_export, ..self.options("one") };
        self.replica(client, options, faults)
    }

    /// How a controller of that name runs here.
    fn options(&self, identity: &str) -> ControllerOptions {
        ControllerOptions {
            identity: identity.into(),
            namespace: "release-cockpit".into(),
            namespaces: Vec::new(),
            clock: self.clock.clone(),
            lease: LeaseOptions { duration: Duration::from_secs(600), renew: Duration::from_secs(60) },
            deadlines: Deadlines::default(),
            http: None,
            concurrency: 4,
            mirrors: Mirrors::parse(&[format!("*={}", self.running.registry_url)]).unwrap(),
            allowed: Allowed::parse(&["127.0.0.1"]).unwrap(),
            audit_export: None,
        }
    }

    /// A controller after whoever led before it is gone for good: it waits for no old lease.
    fn replica(
        &self,
        client: Client,
        options: ControllerOptions,
        faults: Faults,
    ) -> JoinHandle<Result<(), controller::Error>> {
        let (admin, stop) = (self.client("admin"), self.stop.clone());
        tokio::spawn(async move {
            let leases: Api<Lease> = Api::namespaced(admin, &options.namespace);
            let _ = leases.delete("release-cockpit-controller", &DeleteParams::default()).await;
            controller::run_with(client, options, faults, stop).await
        })
    }

    fn releases(&self, user: &str, namespace: &str) -> Api<Release> {
        Api::namespaced(self.client(user), namespace)
    }

    async fn ask(&self, user: &str, namespace: &str, version: &str) -> Release {
        self.ask_with(user, namespace, version, json!({})).await
    }

    /// As [`Self::ask`], under another name.
    async fn ask_named(&self, user: &str, namespace: &str, version: &str, name: &str) -> Release {
        let image = |component: &str| json!({"component": component, "image": format!("ghcr.io/acme/planera-{component}:{version}")});
        let release: Release = serde_json::from_value(json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "environment": namespace.strip_prefix("planera-").unwrap(), "version": version, "kind": "Deploy",
                "requestedBy": user, "reason": "a test", "images": [image("backend"), image("frontend")],
            },
        }))
        .unwrap();
        self.releases(user, namespace).create(&PostParams::default(), &release).await.unwrap()
    }

    async fn ask_with(&self, user: &str, namespace: &str, version: &str, changes: Value) -> Release {
        let mut release = json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
            "metadata": {"name": format!("planera-{}", version.replace('.', "-")), "namespace": namespace},
            "spec": {
                "environment": namespace.strip_prefix("planera-").unwrap(), "version": version, "kind": "Deploy",
                "requestedBy": user, "reason": "a test",
                "images": [
                    {"component": "backend", "image": format!("ghcr.io/acme/planera-backend:{version}")},
                    {"component": "frontend", "image": format!("ghcr.io/acme/planera-frontend:{version}")},
                ],
            },
        });
        json_patch::merge(&mut release["spec"], &changes);
        let release: Release = serde_json::from_value(release).unwrap();
        self.releases(user, namespace).create(&PostParams::default(), &release).await.unwrap()
    }

    /// The release once `what` is true of it.
    async fn when(&self, release: &Release, what: impl Fn(&Release) -> bool) -> Release {
        let api = self.releases("alice", release.metadata.namespace.as_deref().unwrap());
        let name = release.metadata.name.clone().unwrap();
        let holds = |found: Option<&Release>| found.is_some_and(&what);
        match tokio::time::timeout(PATIENCE, await_condition(api.clone(), &name, holds)).await {
            Ok(found) => found.unwrap().unwrap(),
            Err(late) => panic!("it never happened ({late}): {:#?}", api.get(&name).await.unwrap().status),
        }
    }

    async fn when_final(&self, release: &Release) -> Release {
        self.when(release, |release| release.phase().is_final()).await
    }

    /// Creates an action and waits for the controller's answer.
    async fn act(
        &self,
        user: &str,
        release: &Release,
        action: &str,
        changes: Value,
    ) -> (ActionResult, String) {
        let namespace = release.metadata.namespace.clone().unwrap();
        let mut object = json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction",
            "metadata": {"generateName": "act-", "namespace": namespace},
            "spec": {
                "environment": release.spec.environment, "action": action, "actor": user, "reason": "a test",
                "release": {
                    "name": release.metadata.name, "uid": release.metadata.uid, "requestedBy": release.spec.requested_by,
                },
            },
        });
        json_patch::merge(&mut object["spec"], &changes);
        let api: Api<ReleaseAction> = Api::namespaced(self.client(user), &namespace);
        let action: ReleaseAction = serde_json::from_value(object).unwrap();
        let created = api.create(&PostParams::default(), &action).await.unwrap();
        let name = created.metadata.name.unwrap();
        let judged = |found: Option<&ReleaseAction>| found.is_some_and(ReleaseAction::is_judged);
        let found = tokio::time::timeout(PATIENCE, await_condition(api, &name, judged)).await;
        let status = found.expect("nobody judged it").unwrap().unwrap().status.unwrap();
        (status.result.unwrap(), status.message.unwrap())
    }

    /// Ticks every item of production's checklist.
    async fn tick(&self, user: &str, release: &Release) {
        let environments: Api<Environment> = Api::namespaced(self.client(user), PRODUCTION);
        let environment = environments.get("production").await.unwrap();
        for item in environment.spec.gates.unwrap().checklist {
            let mut check = approval(release);
            check["slots"] = Value::Null;
            check["parameters"] = json!({"item": item});
            let (result, message) = self.act(user, release, "Check", check).await;
            assert_eq!(result, ActionResult::Applied, "{item}: {message}");
        }
    }

    async fn deployment(&self, namespace: &str, name: &str) -> (i64, String) {
        let api: Api<Deployment> = Api::namespaced(self.client("admin"), namespace);
        let deployment = api.get(name).await.unwrap();
        let image = deployment.spec.template.spec.unwrap().containers[0].image.clone().unwrap();
        (deployment.metadata.generation.unwrap(), image)
    }

    /// Ends the controller and the world; the world must have understood every request.
    async fn close(self, controller: JoinHandle<Result<(), controller::Error>>) {
        self.stop.cancel();
        controller.await.unwrap().unwrap();
        assert_eq!(self.running.unknown_requests(), Vec::<String>::new());
        self.running.stop().await;
    }
}

fn approval(release: &Release) -> Value {
    let digest = &release.status.as_ref().unwrap().plan.as_ref().unwrap().digest;
    json!({"expected": {"planDigest": digest}, "slots": [{"name": "team-leads", "group": "team-leads"}]})
}

fn reasons(release: &Release) -> Vec<&str> {
    release.status.as_ref().unwrap().timeline.iter().map(|entry| entry.reason.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staging_is_released_in_waves_and_the_environment_tells_what_runs() {
    let stage = Stage::open().await;
    let controller = stage.controller(Faults::default());
    let asked = stage.ask("ci", STAGING, "v1.8.2").await;
    let done = stage.when_final(&asked).await;
    assert_eq!(done.phase(), Phase::Succeeded, "{:#?}", done.status);
    let status = done.status.as_ref().unwrap();
    assert_eq!(status.before[0].image, "ghcr.io/acme/planera-backend:v1.8.1");
    assert!(status.before[0].revision < status.components[0].revision);
    assert_eq!(stage.deployment(STAGING, "frontend").await.1, "ghcr.io/acme/planera-frontend:v1.8.2");
    let environments: Api<Environment> = Api::namespaced(stage.client("alice"), STAGING);
    let runs = |environment: Option<&Environment>| {
        environment.and_then(|environment| environment.status.as_ref()).is_some_and(|status| {
            status.active_release.is_none()
                && status.siblings == ["staging"]
                && status.current.iter().all(|c| c.version == "v1.8.2" && c.healthy_since.is_some())
        })
    };
    tokio::time::timeout(PATIENCE, await_condition(environments, "staging", runs)).await.unwrap().unwrap();
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_waits_for_somebody_else_and_is_rolled_back_afterwards() {
    let stage = Stage::open().await;
    let controller = stage.controller(Faults::default());
    let staged = stage.ask("ci", STAGING, "v1.8.2").await;
    assert_eq!(stage.when_final(&staged).await.phase(), Phase::Succeeded);
    let asked = stage.ask("bob", PRODUCTION, "v1.8.2").await;
    let waits = |release: &Release| {
        release
            .status
            .as_ref()
            .is_some_and(|status| status.plan.is_some() && status.gates.iter().any(|g| g.name == "approval"))
    };
    let waiting = stage.when(&asked, waits).await;
    let mut forged = approval(&waiting);
    forged["release"] = json!({"requestedBy": "carol"});
    let (result, message) = stage.act("bob", &waiting, "Approve", forged).await;
    assert_eq!(result, ActionResult::Refused, "{message}");
    let still = stage.when(&asked, |release| reasons(release).contains(&"ActionRefused")).await;
    let counted = |release: &Release| {
        let approvals = &release.status.as_ref().unwrap().approvals;
        approvals.iter().filter(|approval| approval.state == ApprovalState::Counted).count()
    };
    assert_eq!((still.phase(), counted(&still)), (Phase::Pending, 0));
    stage.tick("bob", &waiting).await;
    let (result, message) = stage.act("carol", &waiting, "Approve", approval(&waiting)).await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    let done = stage.when_final(&asked).await;
    assert_eq!((done.phase(), counted(&done)), (Phase::Succeeded, 1));
    let (result, message) = stage.act("alice", &done, "Rollback", json!({})).await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    let back = stage.when(&asked, |release| release.phase() == Phase::RolledBack).await;
    assert!(reasons(&back).contains(&"RollingBack"));
    for component in ["backend", "frontend"] {
        let (_, image) = stage.deployment(PRODUCTION, component).await;
        assert!(image.ends_with(":v1.8.1"), "{image}");
    }
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_whose_pods_never_become_ready_is_put_back() {
    let stage = Stage::open().await;
    let controller = stage.controller(Faults::default());
    let asked = stage.ask("ci", STAGING, "v1.9.3-unready").await;
    let done = stage.when_final(&asked).await;
    assert_eq!(done.phase(), Phase::RolledBack, "{:#?}", done.status);
    let reason = &done.status.as_ref().unwrap().undo.as_ref().unwrap().reason;
    assert!(reason.contains("progress deadline"), "{reason}");
    // what its pods' events say stands beside it
    assert!(reason.contains(": readiness probe fails: HTTP 503; it gets no traffic"), "{reason}");
    let (_, image) = stage.deployment(STAGING, "backend").await;
    assert!(image.ends_with(":v1.8.1"), "{image}");
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_put_a_version_back_is_told_by_its_cause() {
    let stage = Stage::open().await;
    let controller = stage.controller(Faults::default());
    for (version, cause) in [
        ("v1.9.1-pullfail", "image ghcr.io/acme/planera-backend:v1.9.1-pullfail does not exist"),
        ("v1.9.4-config", "Secret app has no key DATABASE_URL"),
        ("v1.9.5-unschedulable", "takes it: not enough cpu"),
    ] {
        let done = stage.when_final(&stage.ask("ci", STAGING, version).await).await;
        let undo = done.status.as_ref().and_then(|status| status.undo.clone());
        assert!(undo.as_ref().is_some_and(|undo| undo.reason.contains(cause)), "{version}: {undo:?}");
    }
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_every_single_write_it_goes_on_and_does_nothing_twice() {
    let stage = Stage::open().await;
    let before =
        [stage.deployment(STAGING, "backend").await.0, stage.deployment(STAGING, "frontend").await.0];
    let asked = stage.ask("ci", STAGING, "v1.8.2").await;
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let mut kills = 0;
    let controller = loop {
        let seen = seen.clone();
        let faults = Faults::kill_when(move |cut| {
            let is_ours = cut.object == "planera-v1-8-2";
            is_ours && seen.lock().unwrap().insert(format!("{} {}", cut.phase, cut.before))
        });
        let mut controller = stage.controller(faults);
        tokio::select! {
            ended = &mut controller => {
                assert!(matches!(ended.unwrap(), Err(controller::Error::Killed(_))));
                kills += 1;
            }
            done = stage.when_final(&asked) => {
                assert_eq!(done.phase(), Phase::Succeeded, "{:#?}", done.status);
                break controller;
            }
        }
    };
    let cuts = seen.lock().unwrap().clone();
    for place in [
        "Progressing status",
        "Progressing set-image backend",
        "Progressing set-image frontend",
        "Verifying status",
    ] {
        assert!(cuts.contains(place), "{place} is missing: {cuts:?}");
    }
    assert!(kills >= 6, "{kills} kills: {cuts:?}");
    let after = [stage.deployment(STAGING, "backend").await.0, stage.deployment(STAGING, "frontend").await.0];
    assert_eq!(after, before.map(|generation| generation + 1));
    let done = stage.when_final(&asked).await;
    let started = reasons(&done).iter().filter(|reason| **reason == "Started").count();
    assert_eq!(started, 1, "{:?}", reasons(&done));
    stage.stop.cancel();
    let _ = controller.await.unwrap();
}
