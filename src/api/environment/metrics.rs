//! Where numbers come from and how they are judged.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::schemas;
use crate::api::duration::Duration;
use crate::api::names::ComponentName;
use crate::api::strategy::text_map;

/// Where the numbers come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// The Prometheus that is asked; absent: the client's own setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<PrometheusRef>,
    /// Name → PromQL template over `{{namespace}}`, `{{component}}`, `{{track}}`, `{{workload}}` (name of the track's workload),
    /// `{{pods}}` (expression that its pods' names match), `{{window}}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "text_map")]
    pub queries: BTreeMap<String, String>,
    /// Limits drawn on the panes: query name → number in the query's unit (ratio, seconds).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schemas::number_map")]
    pub limits: BTreeMap<String, f64>,
    /// Who counts the requests: which of the shipped queries are asked. Absent: the application itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Panes besides the shipped ones; one with the name of a shipped one takes its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "panes")]
    pub panes: Vec<MetricPane>,
    /// What the application promises its users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<Slo>,
    /// The Alertmanager that is told of its alerts; absent: the client's own setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alertmanager: Option<AlertmanagerRef>,
    /// Labels that this environment's alerts bear, each with this value; absent: those of its namespace are its alerts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "text_map")]
    pub alert_labels: BTreeMap<String, String>,
}

/// Who counts the requests.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The application, with the counter `http_requests_total` and the histogram `http_request_duration_seconds`.
    #[default]
    Application,
    /// The ingress controller ingress-nginx.
    IngressNginx,
    /// Traefik.
    Traefik,
    /// Istio's proxies.
    Istio,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 4] = [Self::Application, Self::IngressNginx, Self::Traefik, Self::Istio];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::IngressNginx => "ingress-nginx",
            Self::Traefik => "traefik",
            Self::Istio => "istio",
        }
    }
}

/// A pane with curves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = ("!(has(self.query) && has(self.expression))", "panes: give query or expression, not both"))]
#[serde(rename_all = "camelCase")]
pub struct MetricPane {
    /// Its name, unique in the environment.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// What people call it; absent: its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 40))]
    pub title: Option<String>,
    /// Name of the query that it shows; absent, and without an expression: its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub query: Option<String>,
    /// A PromQL template of its own, over the same as those of `queries`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub expression: Option<String>,
    /// What the numbers are; absent: what the query says, else plain numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<MetricUnit>,
    /// Number from which on it deserves a look, in the query's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000_000_i64))]
    pub warn: Option<f64>,
    /// Number from which on it is bad; absent: the query's in `limits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000_000_i64))]
    pub critical: Option<f64>,
    /// Which side of these numbers is the bad one.
    #[serde(default)]
    pub worse: Worse,
    /// Name of each curve, with labels in double braces, such as `{{pool}} of {{pod}}`; absent: the labels by which curves differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub legend: Option<String>,
    /// How often it is asked for; absent: as the terminal's settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Duration>,
}

/// What the numbers of a pane are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MetricUnit {
    /// 0 to 1, shown in per cent.
    Ratio,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// So many each second.
    PerSecond,
    /// Plain numbers.
    #[default]
    Number,
}

/// Which side of a limit is the bad one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Worse {
    /// More is worse.
    #[default]
    Higher,
    /// Less is worse.
    Lower,
}

/// A promise to users, and how it is counted. While it is being broken fast, no new release starts in production.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Slo {
    /// Share of the requests that must succeed, in per cent, such as 99.9.
    #[schemars(range(min = 0, max = 100))]
    pub objective: f64,
    /// Name of a query that counts failed requests over `{{window}}`; absent: `errors`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub errors: Option<String>,
    /// Name of a query that counts all requests over `{{window}}`; absent: `requests`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub total: Option<String>,
    /// The time that the promise is about; absent: 30d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Duration>,
    /// Fewest requests in a window that make its number trustworthy; absent: 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub min_requests: Option<i64>,
    /// What no data means for the start of a release.
    #[serde(default)]
    pub no_data: NoData,
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

/// How an Alertmanager is reached: exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = ("has(self.service) != has(self.url)", "alertmanager: give either service or url"))]
#[serde(rename_all = "camelCase")]
pub struct AlertmanagerRef {
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
    /// The components that are measured; empty: every one that is released.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub components: Vec<ComponentName>,
    /// Over how long a rate is taken, `{{window}}` in templates; absent: 1m. It never reaches back beyond the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Duration>,
    /// Comparison that means failure, such as `> 0.10`, `>= 500ms` or `> 5%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub fail_when: Option<String>,
    /// Comparison that means success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub pass_when: Option<String>,
    /// CEL expression over `value`, `stable`, `samples`, `stableSamples` and `confidence` (numbers) that means failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub fail_if: Option<String>,
    /// CEL expression over the same that means success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub pass_if: Option<String>,
    /// Compare with the old version, which runs at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// How the two are compared; absent: by the difference alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<StatisticalTest>,
    /// How sure the comparison must be, between 0.5 and 1; absent: 0.99. An equally good version fails with a
    /// probability of at most 1 - `confidence` per release, however long it is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.5, max = 0.999_999))]
    pub confidence: Option<f64>,
    /// Smallest difference from the old version that matters, such as `1%` or `50ms`; absent: any. An error rate passes a `test` once
    /// it is shown not to be worse by more than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub smallest_difference: Option<String>,
    /// How long a failure by `failWhen` or `failIf` must last; a `test` needs no patience.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub for_: Option<Duration>,
    /// Time between two measurements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// Failures by `failWhen` or `failIf` tolerated while the release runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub failure_limit: Option<i32>,
    /// Fewest requests that make a number trustworthy for limits and expressions; a `test` is exact for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub min_samples: Option<i64>,
    /// Name of a query that counts the requests behind a number over `{{window}}`, for `twoProportion` as raw counters; absent: `requests`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub samples: Option<String>,
    /// Name of a query that gives the failed requests as raw counters, for `twoProportion`; absent: `errors`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub errors: Option<String>,
    /// Name of a query that tells when the newest sample came, in seconds since 1970; absent: `newestSample`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub newest: Option<String>,
    /// How old the newest sample may be; absent: 2m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Duration>,
    /// What no data means.
    #[serde(default)]
    pub no_data: NoData,
}

/// What the new version is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Against {
    /// The old version, in the environment's own workload.
    Stable,
}

/// How two versions are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StatisticalTest {
    /// For error rates: whether the new version fails more of its requests, counted from the queries `requests` and `errors`.
    TwoProportion,
    /// For latencies: whether the new version's requests take longer, counted from histogram buckets.
    MannWhitney,
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

fn panes(generator: &mut SchemaGenerator) -> Schema {
    schemas::keyed::<MetricPane>(generator, "name", 0, 32)
}
