//! Where numbers come from and how they are judged.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schemas;
use crate::api::duration::Duration;
use crate::api::strategy::text_map;

/// Where the numbers come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// The Prometheus that is asked; absent: the client's own setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<PrometheusRef>,
    /// Name → PromQL template over `{{namespace}}`, `{{component}}`, `{{track}}`, `{{window}}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "text_map")]
    pub queries: BTreeMap<String, String>,
    /// Limits drawn on the panes: query name → number in the query's unit (ratio, seconds).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schemas::number_map")]
    pub limits: BTreeMap<String, f64>,
}

/// How a Prometheus is reached: exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = ("has(self.service) != has(self.url)", "prometheus: give either service or url"))]
#[serde(rename_all = "camelCase")]
pub struct PrometheusRef {
    /// `namespace/name:port`, through the API server's service proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub service: Option<String>,
    /// Direct URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub url: Option<String>,
}

/// A judgement over one query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// Name of the analysis.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Name of a query.
    #[schemars(length(min = 1, max = 63))]
    pub query: String,
    /// Comparison that means failure, such as `> 0.10`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub fail_when: Option<String>,
    /// Comparison that means success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub pass_when: Option<String>,
    /// How long the failure must last.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub for_: Option<Duration>,
    /// Time between two measurements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// Failed measurements tolerated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub failure_limit: Option<i32>,
    /// Fewest requests that make a number trustworthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub min_samples: Option<i64>,
    /// What no data means.
    #[serde(default)]
    pub no_data: NoData,
}

/// What an absence of data means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NoData {
    /// Wait.
    #[default]
    Hold,
    /// Failure.
    Fail,
    /// Success.
    Pass,
}
