//! An embedded world with a controller, and people who ask in it; what the benches of the whole have in common.

use std::io::Write as _;
use std::time::Duration;

use kube::api::{Api, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Client, Config};
use release_cockpit::api::{Release, ReleaseAction};
use release_cockpit::cluster::registry::Mirrors;
use release_cockpit::controller::{ControllerOptions, Deadlines, LeaseOptions, run};
use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{Running, StartOptions, start_with};
use release_cockpit::time::Clock;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The world, and people in it.
pub struct World {
    running: Running,
    clock: Clock,
}

/// A controller that runs.
pub struct Controller {
    stop: CancellationToken,
    task: JoinHandle<Result<(), release_cockpit::controller::Error>>,
}

impl Controller {
    /// Ends it.
    pub async fn stop(self) -> Result<(), Failure> {
        self.stop.cancel();
        Ok(self.task.await??)
    }
}

/// A controller that asks the API server through this client.
pub fn controller(client: Client, clock: Clock) -> Result<Controller, Failure> {
    let options = ControllerOptions {
        identity: "bench".into(),
        namespace: "release-cockpit".into(),
        namespaces: Vec::new(),
        clock,
        lease: LeaseOptions { duration: Duration::from_secs(3600), renew: Duration::from_secs(600) },
        deadlines: Deadlines::default(),
        http: None,
        mirrors: Mirrors::default(),
        allowed: release_cockpit::domain::address::Allowed::parse(&["127.0.0.1"])?,
        audit_export: None,
        concurrency: 8,
    };
    let stop = CancellationToken::new();
    let task = tokio::spawn(run(client, options, stop.clone()));
    Ok(Controller { stop, task })
}

/// A client of the API server at `url`, as that user.
pub fn client(url: &str, token: &str) -> Result<Client, Failure> {
    let mut config = Config::new(url.parse()?);
    config.root_cert = Some(Vec::new());
    config.auth_info.token = Some(token.to_owned().into());
    Ok(Client::try_from(config)?)
}

impl World {
    /// At the pace of the wall, so that whoever waits looks again as often as they really do.
    pub async fn open(scenario: Scenario) -> Result<Self, Failure> {
        rustls::crypto::ring::default_provider().install_default().ok();
        let start = chrono::DateTime::from_timestamp(1_790_000_000, 0).ok_or("no such instant")?;
        let clock = Clock::scaled(start, 1.0);
        let options = StartOptions { without_script: true, ..StartOptions::default() };
        let running = start_with(scenario, clock.clone(), options).await?;
        Ok(Self { running, clock })
    }

    /// Ends it.
    pub async fn close(self) {
        self.running.stop().await;
    }

    pub fn controller(&self) -> Result<Controller, Failure> {
        self.controller_by(self.client("controller")?)
    }

    /// A controller that asks the API server through this client.
    #[allow(dead_code, reason = "not every bench counts requests")]
    pub fn controller_by(&self, client: Client) -> Result<Controller, Failure> {
        controller(client, self.clock.clone())
    }

    /// Where the API server listens.
    #[allow(dead_code, reason = "not every bench has its controller in another process")]
    pub fn url(&self) -> String {
        self.running.kube_url.to_string()
    }

    /// The present instant of the world.
    #[allow(dead_code, reason = "not every bench has its controller in another process")]
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
    }

    pub fn client(&self, token: &str) -> Result<Client, Failure> {
        client(self.running.kube_url.as_str(), token)
    }

    pub fn api<K>(&self, user: &str, space: &str) -> Result<Api<K>, Failure>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Ok(Api::namespaced(self.client(user)?, space))
    }

    /// Asks for a release of these components, `(name, image without tag)`.
    pub async fn ask(
        &self,
        user: &str,
        (space, environment): (&str, &str),
        (name, components): (&str, &[(&str, &str)]),
        spec: Value,
    ) -> Result<Release, Failure> {
        let mut object = json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
            "metadata": {"name": name, "namespace": space},
            "spec": {"environment": environment, "kind": "Deploy", "requestedBy": user, "reason": "a bench"},
        });
        json_patch::merge(&mut object["spec"], &spec);
        let version = object["spec"]["version"].as_str().unwrap_or_default().to_owned();
        object["spec"]["images"] = components
            .iter()
            .map(|(component, image)| json!({"component": component, "image": format!("{image}:{version}")}))
            .collect();
        Ok(self.api(user, space)?.create(&PostParams::default(), &serde_json::from_value(object)?).await?)
    }

    pub async fn act(
        &self,
        user: &str,
        release: &Release,
        action: &str,
        changes: &Value,
    ) -> Result<(), Failure> {
        let mut object = json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction",
            "metadata": {"generateName": "act-", "namespace": release.metadata.namespace},
            "spec": {
                "environment": release.spec.environment, "action": action, "actor": user, "reason": "a bench",
                "release": {"name": release.metadata.name, "uid": release.metadata.uid, "requestedBy": release.spec.requested_by},
            },
        });
        json_patch::merge(&mut object["spec"], changes);
        let action: ReleaseAction = serde_json::from_value(object)?;
        let space = release.metadata.namespace.clone().unwrap_or_default();
        self.api::<ReleaseAction>(user, &space)?.create(&PostParams::default(), &action).await?;
        Ok(())
    }

    pub async fn until(
        &self,
        release: &Release,
        what: impl Fn(&Release) -> bool,
    ) -> Result<Release, Failure> {
        let space = release.metadata.namespace.clone().unwrap_or_default();
        let name = release.metadata.name.clone().unwrap_or_default();
        let holds = |found: Option<&Release>| found.is_some_and(&what);
        let found = await_condition(self.api::<Release>("alice", &space)?, &name, holds);
        let found = tokio::time::timeout(Duration::from_secs(120), found).await??;
        found.ok_or_else(|| "the release is gone".into())
    }
}

pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints the percentiles and returns the 99th.
pub fn tell(what: &str, mut took: Vec<Duration>) -> Duration {
    took.sort();
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
    let count = took.len();
    say(&format!("{what}: {count} intents, p50 {:?}, p99 {:?}, slowest {:?}", at(50), at(99), at(100)));
    at(99)
}
