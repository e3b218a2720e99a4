//! What will be done, and how far it is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::api::names::ComponentName;
use crate::api::strategy::{Step, StrategyName, Track};

/// The steps, and a digest that approvals are bound to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The strategy in force.
    pub strategy: StrategyName,
    /// The steps in order.
    #[schemars(length(max = 128))]
    pub steps: Vec<PlanStep>,
    /// `sha256:…` over images, strategy, steps and policy.
    #[schemars(length(max = 71))]
    pub digest: String,
    /// Hashes of the environment's sections that govern the release; empty in plans of older versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "hashes")]
    pub policy: BTreeMap<String, String>,
    /// The last change of those sections since the release was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<PolicyChange>,
}

/// A change of the sections of an environment that govern a release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyChange {
    /// The field manager of the change, such as `kubectl-edit`.
    #[schemars(length(max = 128))]
    pub by: String,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: Option<DateTime<Utc>>,
    /// The sections, such as `approval`.
    #[schemars(length(max = 32), inner(length(max = 63)))]
    pub sections: Vec<String>,
    /// `sha256:…` over all sections after it.
    #[schemars(length(max = 71))]
    pub hash: String,
}

fn hashes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": {"type": "string", "maxLength": 71}
    })
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PlanStep {
    /// Set the images of one component and follow its rollout.
    Roll(RollStep),
    /// Set the images of StatefulSets, for a part of their pods.
    Part(PartStep),
    /// Ask the smoke probes.
    Smoke(SmokeStep),
    /// Watch for a time.
    Bake(BakeStep),
    /// A step out of the environment's canary.
    Canary(Step),
    /// Bring the second workloads up at full size, without traffic.
    Raise(TrackStep),
    /// Send all traffic to the second workloads, in one write each.
    Switch(TrackStep),
    /// Keep the first workloads as they are, for an instant way back.
    Keep(BakeStep),
    /// Send all traffic back to the first workloads, which run the new version by now, and remove the second ones.
    Settle(TrackStep),
}

/// The second workloads that a step is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrackStep {
    /// Which ones.
    pub track: Track,
    /// Their components, in the environment's order.
    #[schemars(length(max = 32))]
    pub components: Vec<ComponentName>,
}

/// Set the image of a component and follow its rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollStep {
    /// The components of this wave, in the environment's order.
    #[schemars(length(max = 32))]
    pub components: Vec<ComponentName>,
    /// The wave.
    #[schemars(range(min = 0, max = 100))]
    pub wave: i32,
}

/// Set the image of StatefulSets and follow their rollout down to their partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartStep {
    /// The components, in the environment's order.
    #[schemars(length(max = 32))]
    pub components: Vec<ComponentName>,
    /// Share of their pods, in percent, rounded up to whole pods.
    #[schemars(range(min = 1, max = 99))]
    pub percent: i32,
}

/// Ask the smoke probes until they pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SmokeStep {
    /// How many there are.
    #[schemars(range(min = 0, max = 32))]
    pub probes: i32,
}

/// Watch for a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BakeStep {
    /// For how long.
    pub duration: crate::api::duration::Duration,
}

/// The step that is being done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepProgress {
    /// Index into the plan's steps, from 0; equal to their number when all are done.
    #[schemars(range(min = 0, max = 1000))]
    pub index: i32,
    /// When it began.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub started_at: DateTime<Utc>,
    /// When it ends by itself, where only time is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub until: Option<DateTime<Utc>>,
    /// How long it has been paused so far: the plan's clock stands meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_for: Option<crate::api::duration::Duration>,
}

/// Desired, achievable and observed share of the new version, in per cent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Weights {
    /// What was asked for.
    #[schemars(range(min = 0, max = 100))]
    pub desired: i32,
    /// What whole replicas allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub achievable: Option<i32>,
    /// What is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<f64>,
    /// Since when the desired weight is what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub since: Option<DateTime<Utc>>,
    /// Who set it by hand; absent: the plan's steps did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub by: Option<String>,
}
