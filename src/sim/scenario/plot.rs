//! How versions behave, and what the other people do.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::model::span;

/// What is wrong with the pods of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The image cannot be pulled.
    Pullfail,
    /// The container is killed for its memory again and again.
    Crash,
    /// The readiness probe never succeeds.
    Unready,
    /// A Secret that it is configured from lacks a key.
    Config,
    /// It requests more than any node has left.
    Unschedulable,
}

/// How a version behaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Behaviour {
    /// Share of requests that fail in the end, 0 to 1.
    pub error_rate: f64,
    /// How long after a pod became ready its errors begin to climb.
    #[serde(deserialize_with = "span")]
    pub errors_after: Duration,
    /// How long they climb.
    #[serde(deserialize_with = "span")]
    pub errors_ramp: Duration,
    /// Median latency in seconds.
    pub latency_p50: f64,
    /// 99th percentile of the latency in seconds.
    pub latency_p99: f64,
    /// Seconds from start to readiness.
    pub startup_seconds: f64,
    /// Status that the health endpoints answer.
    pub health_status: u16,
    /// What is wrong with its pods.
    pub fault: Option<Fault>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            error_rate: 0.002,
            errors_after: Duration::ZERO,
            errors_ramp: Duration::ZERO,
            latency_p50: 0.045,
            latency_p99: 0.32,
            startup_seconds: 2.0,
            health_status: 200,
            fault: None,
        }
    }
}

/// One line of the script: at a time, or in reaction to a release.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScriptLine {
    /// Who acts.
    pub user: String,
    /// When, after the start of the world.
    #[serde(default, deserialize_with = "some_span")]
    pub at: Option<Duration>,
    /// To what.
    #[serde(default)]
    pub when: Option<Reaction>,
    /// Ask for a release.
    #[serde(default)]
    pub deploy: Option<Deploy>,
    /// Act on the release that `when` found, or on the environment `on`: `Approve`, `Abort`, `Freeze` and so on. `Check` without
    /// parameters ticks every item of the checklist, `Review` clears the debt of anybody else.
    #[serde(default)]
    pub action: Option<String>,
    /// The environment that is acted on.
    #[serde(default)]
    pub on: Option<Place>,
    /// `spec.parameters` of the action.
    #[serde(default)]
    pub parameters: Option<serde_json::Value>,
    /// `spec.parameters.until` of the action, counted from then on.
    #[serde(default, rename = "for", deserialize_with = "some_span")]
    pub span: Option<Duration>,
    /// Say it once, whatever the answer; otherwise it is said again until it is granted.
    #[serde(default)]
    pub once: bool,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// An environment.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Place {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub environment: String,
}

/// A release that somebody reacts to.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reaction {
    /// Namespace of the release.
    pub namespace: String,
    /// Its version; any when absent.
    #[serde(default)]
    pub version: Option<String>,
    /// Its phase; any when absent.
    #[serde(default)]
    pub phase: Option<String>,
    /// Somebody else has just done this to it: `Approve`, `Promote` and so on.
    #[serde(default)]
    pub press: Option<String>,
    /// How long it has been so.
    #[serde(default, deserialize_with = "span")]
    pub after: Duration,
}

/// A release that somebody asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deploy {
    /// Namespace of the environment.
    pub namespace: String,
    /// The environment.
    pub environment: String,
    /// The version.
    pub version: String,
    /// `Deploy` or `Promote`.
    #[serde(default = "deploy")]
    pub kind: String,
    /// What changes, for the approvers.
    #[serde(default)]
    pub changelog: Option<String>,
    /// The incident of an emergency release; another release when absent.
    #[serde(default)]
    pub emergency: Option<String>,
}

fn some_span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    span(deserializer).map(Some)
}

fn deploy() -> String {
    "Deploy".to_owned()
}
