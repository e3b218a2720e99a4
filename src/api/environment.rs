//! Environment: the policy of one application in one namespace. Platform owners write it; the controller writes its status.

use std::collections::BTreeMap;
use std::fmt;

use kube::{CustomResource, KubeSchema};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::names::{ComponentName, EnvironmentKey};
use super::strategy::{Strategy, StrategyName, StrategySettings, text_map};

mod approval;
mod gates;
mod metrics;
mod preflight;
mod schemas;
mod status;
mod versions;

pub use approval::{Approval, IdentityRules, Person, Slot, Window, WindowKind};
pub use gates::{Gates, HealthCheck, HttpProbe, Neighbours, Probe, Unreadable};
pub use metrics::{
    Against, AlertmanagerRef, Analysis, MetricPane, MetricUnit, Metrics, NoData, Preset, PrometheusRef, Slo,
    StatisticalTest, Worse,
};
pub use preflight::*;
pub use status::{
    CurrentVersion, Debt, DeniedDigest, EnvironmentStatus, Frozen, InFlight, LaneClaim, Retired,
    ScaledComponent, Stop,
};
pub use versions::Versions;

/// What an Environment demands and allows.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "release-cockpit.dev",
    version = "v1alpha1",
    kind = "Environment",
    plural = "environments",
    namespaced,
    shortname = "renv",
    category = "cockpit",
    status = "EnvironmentStatus",
    derive = "PartialEq",
    doc = "The policy under which one application is released into one namespace.",
    printcolumn(name = "Application", type_ = "string", json_path = ".spec.application"),
    printcolumn(name = "Tier", type_ = "string", json_path = ".spec.tier"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.current[0].version"),
    printcolumn(name = "Frozen", type_ = "string", json_path = ".status.frozen.by"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    selectable = ".spec.application",
    selectable = ".spec.tier",
    validation = Rule::new("self.metadata.name.size() <= 63").message("metadata.name: at most 63 characters"),
    cel
)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentSpec {
    /// The application that these components make up; the same in every environment of it.
    #[schemars(length(min = 1, max = 63))]
    pub application: String,
    /// How careful everybody must be here.
    pub tier: Tier,
    /// Where people find the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub url: Option<String>,
    /// What is released together; undone in reverse order.
    #[schemars(schema_with = "components")]
    pub components: Vec<Component>,
    /// The default strategy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Strategies that a release may choose instead of the default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub allowed_strategies: Vec<StrategyName>,
    /// Settings of those other strategies; without them a strategy's own defaults hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategies: Option<StrategySettings>,
    /// Where versions must have proved themselves before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
    /// Which versions may come here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<Versions>,
    /// Who must agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Which accounts belong to one person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityRules>,
    /// The cockpit shows this environment only, until a person arms it for a time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open_read_only: bool,
    /// How long ended releases and judged actions are kept; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Duration>,
    /// When releases may start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub windows: Vec<Window>,
    /// What must be true before, while and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Gates>,
    /// Where the numbers come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// How the numbers are judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub analysis: Vec<Analysis>,
    /// Watch after the last step before a release counts as succeeded. It goes on while an analysis is failing and its `for` or
    /// `failureLimit` has still to decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake: Option<Duration>,
    /// What follows a failure.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// What counts as a failure.
    #[serde(default)]
    pub rollback_on: RollbackOn,
    /// A newer release of the same application supersedes older waiting ones.
    #[serde(default)]
    pub supersede: bool,
    /// Who is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub notify: Vec<Notify>,
    /// Whom to call, shown in the cockpit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "text_map")]
    pub contacts: BTreeMap<String, String>,
}

impl Environment {
    /// Namespace and name of this object; empty parts where the server has not named it yet.
    #[must_use]
    pub fn key(&self) -> EnvironmentKey {
        EnvironmentKey::new(
            self.metadata.namespace.as_deref().unwrap_or_default(),
            self.metadata.name.as_deref().unwrap_or_default(),
        )
    }
}

impl EnvironmentSpec {
    /// The component of that name.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name.as_str() == name)
    }

    /// The strategy of that name with the settings that hold here: those of the default, or those of `strategies`.
    #[must_use]
    pub fn strategy_of(&self, name: StrategyName) -> Strategy {
        if let Some(default) = self.strategy.as_ref().filter(|strategy| strategy.name() == name) {
            return default.clone();
        }
        let settings = self.strategies.clone().unwrap_or_default();
        match name {
            StrategyName::Rolling => Strategy::Rolling(settings.rolling.unwrap_or_default()),
            StrategyName::Canary => Strategy::Canary(settings.canary.unwrap_or_default()),
            StrategyName::BlueGreen => Strategy::BlueGreen(settings.blue_green.unwrap_or_default()),
        }
    }

    /// The name of the default strategy.
    #[must_use]
    pub fn default_strategy(&self) -> StrategyName {
        self.strategy.as_ref().map(Strategy::name).unwrap_or_default()
    }
}

/// How careful everybody must be: colour, frame, strength of confirmation.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// For one's own trials.
    #[default]
    Development,
    /// For proof before production.
    Staging,
    /// For customers.
    Production,
}

impl Tier {
    /// The word as objects write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A part of the application with a workload of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// Name of the component, unique in the environment: a DNS label.
    #[schemars(regex(pattern = super::names::DNS_LABEL))]
    pub name: ComponentName,
    /// The object that runs it.
    pub workload: WorkloadRef,
    /// The container whose image is released.
    #[schemars(length(min = 1, max = 63), regex(pattern = super::names::DNS_LABEL))]
    pub container: String,
    /// Further containers of the same image, init containers too; `*` takes all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        inner(length(min = 1, max = 63), regex(pattern = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?|\*)$"))
    )]
    pub containers: Vec<String>,
    /// Repository of the image, without tag and digest.
    #[schemars(length(min = 1, max = 255))]
    pub image: String,
    /// Components of a lower wave are finished before those of a higher one begin.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub wave: i32,
}

/// Kind and name of a workload in the environment's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadRef {
    /// Kind of the object.
    pub kind: WorkloadKind,
    /// Name of the object.
    #[schemars(length(min = 1, max = 253), regex(pattern = super::names::DNS_SUBDOMAIN))]
    pub name: String,
}

/// Kinds of workload that can be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum WorkloadKind {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `apps/v1` DaemonSet.
    DaemonSet,
    /// `argoproj.io/v1alpha1` Rollout.
    Rollout,
}

impl WorkloadKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet, Self::Rollout];

    /// The kind as Kubernetes spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Rollout => "Rollout",
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Promotion: only what succeeded elsewhere may come here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Promotion {
    /// The environment that versions come from.
    pub from: EnvironmentRef,
    /// Continuous healthy time there, with the same digests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak: Option<Duration>,
}

/// Another Environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentRef {
    /// Its namespace.
    #[schemars(length(min = 1, max = 63), regex(pattern = super::names::DNS_LABEL))]
    pub namespace: String,
    /// Its name.
    #[schemars(length(min = 1, max = 63), regex(pattern = super::names::DNS_SUBDOMAIN))]
    pub name: String,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Go back to the version before.
    #[default]
    Rollback,
    /// Stay, and wait for a person.
    Hold,
}

/// What counts as a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RollbackOn {
    /// Failed health checks in a row.
    pub health_checks: bool,
    /// A failed analysis.
    pub analysis: bool,
    /// Alerts that began to fire after the release started.
    #[schemars(length(max = 64), inner(length(min = 1, max = 128)))]
    pub alerts: Vec<String>,
    /// A rollout that cannot finish.
    pub rollout_failed: bool,
}

impl Default for RollbackOn {
    fn default() -> Self {
        Self { health_checks: true, analysis: true, alerts: Vec::new(), rollout_failed: true }
    }
}

/// One channel and what it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notify {
    /// Name of the notifier in the registry, such as `slack`.
    #[schemars(length(min = 1, max = 63))]
    pub channel: String,
    /// The Secret's key that holds its address, token or password; never that itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretKeyRef>,
    /// What else the channel needs, such as `repo` or `topic`; nothing secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "text_map")]
    pub config: BTreeMap<String, String>,
    /// Phases and events that are told; empty: all. (Not `on`: kubectl reads YAML 1.1, where that word is a truth.)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 63)))]
    pub events: Vec<String>,
}

/// A key of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = super::names::DNS_SUBDOMAIN))]
    pub name: String,
    /// Key in it.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn components(generator: &mut SchemaGenerator) -> Schema {
    schemas::keyed::<Component>(generator, "name", 1, 32)
}
