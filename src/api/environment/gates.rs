//! What must be true before, while and after a release.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::preflight::Preflight;
use crate::api::duration::Duration;

/// What must be true; evaluated again at the moment of execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gates {
    /// Before anything is changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub preflight: Vec<Preflight>,
    /// Items that people tick.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub checklist: Vec<String>,
    /// While a release runs and bakes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub health: Vec<HealthCheck>,
    /// After every component is rolled out, before the bake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub smoke: Vec<Probe>,
    /// What protects or watches the stable pods and would miss canary and green pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<Neighbours>,
}

/// How objects are judged that select the stable pods by a label which canary and green pods do not bear: NetworkPolicies,
/// PodDisruptionBudgets, mesh policies, PodMonitors and ServiceMonitors of the environment's namespace. They hold the release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Neighbours {
    /// Objects that may miss these pods: a kind such as `PodDisruptionBudget`, or one object such as `NetworkPolicy/web`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 317)))]
    pub ignore: Vec<String>,
    /// What becomes of the release where the controller may not read such objects.
    pub unreadable: Unreadable,
}

/// What becomes of a release where the controller may not read what it should judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Unreadable {
    /// It goes on, and the gate says what could not be read.
    #[default]
    Pass,
    /// It waits.
    Hold,
}

/// A probe that is repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// What is asked.
    pub http: HttpProbe,
    /// Time between two checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// Failures in a row that count as failed.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 100), default = "three")]
    pub failure_threshold: i32,
}

const fn three() -> i32 {
    3
}

/// A probe that is asked until it passes or its time is up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// What is asked.
    pub http: HttpProbe,
    /// For how long it may fail before it counts as failed; 60 s when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
}

/// One HTTP GET and what its answer must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpProbe {
    /// Absolute URL, or `service://[namespace/]name:port/path` through the API server's service proxy.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// Status that must come; 200 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<i32>,
    /// Time in which the answer must come; 5 s when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
    /// Text that the body must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub body_contains: Option<String>,
}
