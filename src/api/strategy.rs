//! How a new version replaces the old one: the strategies and their steps, as an Environment states them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::duration::Duration;

/// Name of a strategy, as `Release.spec.strategy` and `Environment.spec.allowedStrategies` spell it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum StrategyName {
    /// Replace pods in place, component by component, in waves.
    #[default]
    Rolling,
    /// Shift weight to the new version in steps.
    Canary,
    /// Bring the new version up beside the old one and switch at once.
    BlueGreen,
}

impl StrategyName {
    /// Every strategy, the default first.
    pub const ALL: [Self; 3] = [Self::Rolling, Self::Canary, Self::BlueGreen];

    /// The name as objects and people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rolling => "rolling",
            Self::Canary => "canary",
            Self::BlueGreen => "blueGreen",
        }
    }
}

impl fmt::Display for StrategyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The strategy of an environment with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Strategy {
    /// Replace pods in place.
    Rolling(Rolling),
    /// Shift weight in steps.
    Canary(Canary),
    /// Switch at once.
    BlueGreen(BlueGreen),
}

impl Default for Strategy {
    fn default() -> Self {
        Self::Rolling(Rolling::default())
    }
}

impl Strategy {
    /// The name of this strategy.
    #[must_use]
    pub const fn name(&self) -> StrategyName {
        match self {
            Self::Rolling(_) => StrategyName::Rolling,
            Self::Canary(_) => StrategyName::Canary,
            Self::BlueGreen(_) => StrategyName::BlueGreen,
        }
    }
}

/// Settings of the strategy *rolling*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rolling {
    /// Refuse to start unless the workloads' own `maxUnavailable` is exactly this (a number or a percentage).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    pub require_max_unavailable: Option<String>,
    /// Refuse to start unless the workloads' own `maxSurge` is exactly this (a number or a percentage).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    pub require_max_surge: Option<String>,
    /// Wait for a person between two waves.
    #[serde(default)]
    pub pause_between_waves: bool,
    /// Wait for a person once this share of the pods of every StatefulSet, in percent, runs the new version: the others stay behind
    /// its `partition`. A Deployment cannot stop half-way: release it as a canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 99))]
    pub pause_at_percent: Option<i32>,
}

/// Settings of the strategy *canary*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// Who carries the weight; without it, replicas do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_routing: Option<TrafficRouting>,
    /// The steps, in order.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub steps: Vec<Step>,
    /// Largest step that `+` may propose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_step: Option<Weight>,
    /// Largest weight before the approval step is passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_weight_before_approval: Option<Weight>,
    /// Shortest time at a weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_dwell: Option<Duration>,
}

/// Settings of the strategy *blueGreen*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlueGreen {
    /// Who carries the traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_routing: Option<TrafficRouting>,
    /// Service that selects green before the switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub preview_service: Option<String>,
    /// Wait for a person (Promote) before the switch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pause_before_switch: bool,
    /// How long blue is kept after the switch for an instant way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_blue: Option<Duration>,
}

/// Settings of the strategies that a release may choose besides the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StrategySettings {
    /// Of *rolling*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolling: Option<Rolling>,
    /// Of *canary*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// Of *blueGreen*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blue_green: Option<BlueGreen>,
}

/// Which of two workloads of a component is meant while a release brings a second one up beside the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Track {
    /// The workload that the Environment names.
    Stable,
    /// The second workload of a canary.
    Canary,
    /// The second workload of a blue-green switch.
    Green,
}

impl Track {
    /// The word as labels and queries write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Canary => "canary",
            Self::Green => "green",
        }
    }

    /// Name of this track's workload, given the name that the Environment states: `backend`, `backend-canary`, `backend-green`.
    #[must_use]
    pub fn workload_name(self, name: &str) -> String {
        match self {
            Self::Stable => name.to_owned(),
            Self::Canary | Self::Green => format!("{name}-{}", self.as_str()),
        }
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which router carries weights, and the names of its objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrafficRouting {
    /// Name of the router in the registry, such as `gateway-api`.
    #[schemars(length(min = 1, max = 63))]
    pub router: String,
    /// The router's own settings, such as `httpRoute: backend`.
    #[serde(default)]
    #[schemars(schema_with = "text_map")]
    pub config: BTreeMap<String, String>,
}

/// One step of a canary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Give the new version this share of the traffic.
    SetWeight(Weight),
    /// Wait for a time, or for a person when no duration is given.
    Pause(Pause),
    /// Judge the metrics.
    Analysis(AnalysisStep),
    /// Wait for the environment's approval.
    Approval(ApprovalStep),
    /// Wait until every item of the checklist is ticked.
    Checklist(ChecklistStep),
}

/// A wait.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// How long; absent: until someone acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
}

/// A judgement of metrics at this point.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnalysisStep {
    /// Names out of `spec.analysis`; empty: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 63)))]
    pub names: Vec<String>,
}

/// An approval in the middle of a rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalStep {
    /// Slots that must be filled; empty: all of the environment's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63)))]
    pub slots: Vec<String>,
}

/// A checklist in the middle of a rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChecklistStep {
    /// The items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub items: Vec<String>,
}

/// A share of traffic in whole per cent, 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Weight(u8);

impl Weight {
    /// No traffic.
    pub const ZERO: Self = Self(0);
    /// All traffic.
    pub const FULL: Self = Self(100);

    /// A weight, or nothing when it is over 100.
    #[must_use]
    pub const fn new(percent: u8) -> Option<Self> {
        if percent <= 100 { Some(Self(percent)) } else { None }
    }

    /// Whole per cent.
    #[must_use]
    pub const fn percent(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percent = u8::deserialize(deserializer)?;
        Self::new(percent).ok_or_else(|| serde::de::Error::custom("a weight is 0 to 100"))
    }
}

impl JsonSchema for Weight {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Weight".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": 0, "maximum": 100})
    }
}

/// Schema of a small map of texts with limits on keys' number and values' length.
pub(super) fn text_map(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": {"type": "string", "maxLength": 4096}
    })
}
