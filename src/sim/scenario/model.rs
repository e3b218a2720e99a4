//! The form of a scenario file.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::plot::{Behaviour, ScriptLine};
use super::routing::Routing;

/// A world: who lives in it, what runs in it, and what happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// Name of the scenario.
    pub name: String,
    /// One sentence for people.
    #[serde(default)]
    pub description: String,
    /// Seed of all chance.
    #[serde(default = "one")]
    pub seed: u64,
    /// How much faster than the wall the world runs, unless the command line says otherwise.
    #[serde(default = "same_speed")]
    pub clock: f64,
    /// The user of requests without a token: who plays.
    #[serde(default = "alice")]
    pub default_user: String,
    /// People and service accounts.
    #[serde(default)]
    pub users: Vec<User>,
    /// Who may do what where.
    #[serde(default)]
    pub bindings: Vec<Binding>,
    /// Namespaces.
    #[serde(default)]
    pub namespaces: Vec<Namespace>,
    /// Number of nodes.
    #[serde(default = "three")]
    pub nodes: u32,
    /// How long traffic has been running when the world starts, for full panes.
    #[serde(default = "fifty_minutes", deserialize_with = "span")]
    pub prefill: Duration,
    /// Whether the admission policies are installed.
    #[serde(default = "yes")]
    pub policies: bool,
    /// Objects in full, as YAML, with status where they have one.
    #[serde(default)]
    pub objects: Vec<ObjectText>,
    /// Deployments.
    #[serde(default)]
    pub workloads: Vec<Workload>,
    /// Services, answered through the service proxy.
    #[serde(default)]
    pub services: Vec<Service>,
    /// Secrets; values are made up.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// `ConfigMap` objects.
    #[serde(default)]
    pub config_maps: Vec<ConfigMap>,
    /// How versions behave, by tag.
    #[serde(default)]
    pub versions: BTreeMap<String, Behaviour>,
    /// Numbers that applications and their neighbours tell of themselves.
    #[serde(default)]
    pub gauges: Vec<Gauge>,
    /// Alerting rules of its Prometheus.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// What its Alertmanager does with what fires.
    #[serde(default)]
    pub alertmanager: Routing,
    /// What the other people do.
    #[serde(default)]
    pub script: Vec<ScriptLine>,
}

/// A person or a service account.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct User {
    /// Name, as the API server attests it.
    pub name: String,
    /// Groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Bearer token; the name when absent.
    #[serde(default)]
    pub token: Option<String>,
}

impl User {
    /// The bearer token.
    #[must_use]
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or(&self.name)
    }
}

/// A role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Requests releases and steers them.
    Operator,
    /// Judges releases.
    Approver,
    /// Freezes, scales, rolls back.
    Oncall,
    /// Freezes and thaws, and may not roll back.
    Freezer,
    /// Break-glass.
    Breakglass,
    /// Writes Environments.
    Owner,
    /// Reads Secrets, for their keys and hashes.
    SecretKeys,
    /// Changes workloads, pods and the labels of the namespace.
    Editor,
    /// The controller.
    Controller,
    /// May do everything.
    Admin,
}

impl Role {
    /// Name of the `ClusterRole`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "release-cockpit-viewer",
            Self::Operator => "release-cockpit-operator",
            Self::Approver => "release-cockpit-approver",
            Self::Oncall => "release-cockpit-oncall",
            Self::Freezer => "freezer",
            Self::Breakglass => "release-cockpit-breakglass",
            Self::Owner => "release-cockpit-owner",
            Self::SecretKeys => "release-cockpit-secret-keys",
            Self::Editor => "edit",
            Self::Controller => "release-cockpit-controller",
            Self::Admin => "cluster-admin",
        }
    }
}

/// A role for users and groups in namespaces.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Binding {
    /// The role.
    pub role: Role,
    /// Users.
    #[serde(default)]
    pub users: Vec<String>,
    /// Groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Namespaces; empty: everywhere, cluster-wide objects included.
    #[serde(default)]
    pub namespaces: Vec<String>,
}

/// A namespace.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Namespace {
    /// Name.
    pub name: String,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// An object in full.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectText {
    /// The object as YAML.
    pub yaml: String,
    /// How long it has existed when the world starts.
    #[serde(default, deserialize_with = "span")]
    pub age: Duration,
}

/// A Deployment with its traffic and its past.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workload {
    /// Namespace.
    pub namespace: String,
    /// Name; with `copies`, a number is added.
    pub name: String,
    /// Component label; the name when absent.
    #[serde(default)]
    pub component: Option<String>,
    /// Wanted pods.
    #[serde(default = "two")]
    pub replicas: i64,
    /// Container; the name when absent.
    #[serde(default)]
    pub container: Option<String>,
    /// Repository of the image.
    pub image: String,
    /// Tag that runs when the world starts.
    pub version: String,
    /// More labels of the pods.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Environment variables of the container.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Variables of the container that come from keys of Secrets: `SECRET/KEY` by name.
    #[serde(default)]
    pub secret_env: BTreeMap<String, String>,
    /// `ConfigMap` objects whose keys are all variables of the container.
    #[serde(default)]
    pub env_from: Vec<String>,
    /// Requests and limits of the container, by resource.
    #[serde(default)]
    pub resources: BTreeMap<String, BTreeMap<String, String>>,
    /// Path on which the container's readiness is probed; absent: it is not.
    #[serde(default)]
    pub probe: Option<String>,
    /// `maxSurge`: a number or a percentage.
    #[serde(default)]
    pub max_surge: Option<String>,
    /// `maxUnavailable`: a number or a percentage.
    #[serde(default)]
    pub max_unavailable: Option<String>,
    /// `progressDeadlineSeconds`.
    #[serde(default = "ten_minutes")]
    pub progress_deadline_seconds: i64,
    /// How long the present version has been running.
    #[serde(default = "a_day", deserialize_with = "span")]
    pub age: Duration,
    /// Older revisions, oldest first.
    #[serde(default)]
    pub history: Vec<History>,
    /// Requests per second over all pods; none: no metrics.
    #[serde(default)]
    pub requests_per_second: f64,
    /// How many such Deployments there are.
    #[serde(default = "one_copy")]
    pub copies: u32,
}

/// An older revision.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct History {
    /// Its tag.
    pub version: String,
    /// How long ago it was created.
    #[serde(deserialize_with = "span")]
    pub age: Duration,
}

/// A Service in front of the pods of one component.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Port.
    #[serde(default = "http_port")]
    pub port: u16,
    /// Component label of its pods; the name when absent.
    #[serde(default)]
    pub component: Option<String>,
    /// Whether this is the world's Prometheus.
    #[serde(default)]
    pub prometheus: bool,
    /// Whether this is the world's Alertmanager.
    #[serde(default)]
    pub alertmanager: bool,
    /// Body of a healthy answer.
    #[serde(default = "ok_body")]
    pub body: String,
}

/// A number that goes up and down.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gauge {
    /// Name of the metric.
    pub metric: String,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What it is around.
    pub middle: f64,
    /// How far it goes up and down.
    #[serde(default)]
    pub swing: f64,
}

/// An alerting rule, as Prometheus' own files have it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Name of the alert.
    pub alert: String,
    /// PromQL.
    pub expr: String,
    /// How long it is pending before it fires.
    #[serde(default, rename = "for", deserialize_with = "span")]
    pub lasting: Duration,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// A Secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secret {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Keys whose values do not matter.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Keys with values, as the application reads them.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
}

/// A ConfigMap.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigMap {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Contents.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
}

pub(super) fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let span = crate::api::Duration::deserialize(deserializer)?;
    Ok(span.to_std())
}

const fn yes() -> bool {
    true
}
const fn one() -> u64 {
    1
}
const fn one_copy() -> u32 {
    1
}
const fn two() -> i64 {
    2
}
const fn three() -> u32 {
    3
}
const fn same_speed() -> f64 {
    1.0
}
const fn ten_minutes() -> i64 {
    600
}
const fn http_port() -> u16 {
    8080
}
const fn fifty_minutes() -> Duration {
    Duration::from_secs(50 * 60)
}
const fn a_day() -> Duration {
    Duration::from_secs(86_400)
}
fn alice() -> String {
    "alice".to_owned()
}
fn ok_body() -> String {
    "{\"status\":\"ok\"}".to_owned()
}
