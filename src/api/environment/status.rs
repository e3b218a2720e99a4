//! What the controller last saw of an environment.

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::schemas;
use crate::api::audit_chain::ChainHead;
use crate::api::condition::Condition;
use crate::api::config_record::ConfigRecord;
use crate::api::names::ComponentName;
use crate::api::notified::Notified;

/// What the controller last saw of an environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvironmentStatus {
    /// Generation of the spec that this was judged on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What runs, per component.
    #[schemars(length(max = 32))]
    pub current: Vec<CurrentVersion>,
    /// What the ConfigMaps and Secrets of the components hold, as hashes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub configs: Vec<ConfigRecord>,
    /// The release that holds the lane, if one is being executed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub active_release: Option<String>,
    /// The release that a controller is about to start, or started last: of two controllers that want to start one, one loses this write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane: Option<LaneClaim>,
    /// Names of all Environments of this namespace, which the admission policies need.
    #[schemars(length(max = 512), inner(length(max = 63)))]
    pub siblings: Vec<String>,
    /// Set while releases are stopped here: the freeze that lasts longest, with the strictest `inFlight` of all that are in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Frozen>,
    /// Every freeze in force, oldest first. Each lasts until its own end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub freezes: Vec<Frozen>,
    /// The last emergency stop: it aborts every release that was asked for until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// Set while the Environment may be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired: Option<Retired>,
    /// Images that may not come here.
    #[schemars(schema_with = "denied")]
    pub denied: Vec<DeniedDigest>,
    /// What break-glass left behind: the next normal release waits until another person has reviewed each.
    #[schemars(schema_with = "debts")]
    pub debts: Vec<Debt>,
    /// Components that an action has scaled, with what they had before.
    #[schemars(schema_with = "scaled")]
    pub scaled: Vec<ScaledComponent>,
    /// Uids of the last actions on the environment that were judged, newest last, so that none is judged twice; `refused:` stands before
    /// those that were refused.
    #[schemars(length(max = 64), inner(length(max = 63)))]
    pub judged_actions: Vec<String>,
    /// The chain of records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainHead>,
    /// What the channels of `notify` were told last, newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub notified: Vec<Notified>,
    /// `Ready`, `PoliciesEnforced` and the like.
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,
}

/// The claim of a release on the lane of its environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LaneClaim {
    /// The release.
    #[schemars(length(max = 63))]
    pub release: String,
    /// Its uid.
    #[schemars(length(max = 63))]
    pub uid: String,
    /// The process of the controller that claimed it.
    #[schemars(length(max = 63))]
    pub process: String,
    /// When.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: DateTime<Utc>,
}

/// What runs in one component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CurrentVersion {
    /// The component.
    pub component: ComponentName,
    /// Tag of its image.
    #[schemars(length(max = 128))]
    pub version: String,
    /// The image in full.
    #[schemars(length(max = 512))]
    pub image: String,
    /// Digest where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71))]
    pub digest: Option<String>,
    /// The workload's revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// Since when this version runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub since: Option<DateTime<Utc>>,
    /// Since when it has been healthy without a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub healthy_since: Option<DateTime<Utc>>,
}

/// A stop of all releases.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Frozen {
    /// Who froze.
    #[schemars(length(max = 253))]
    pub by: String,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: Option<DateTime<Utc>>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub until: Option<DateTime<Utc>>,
    /// Why.
    #[schemars(length(max = 1024))]
    pub reason: String,
    /// What becomes of the release that executes.
    pub in_flight: InFlight,
    /// The incident that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub incident: Option<String>,
}

/// An emergency stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// Who.
    #[schemars(length(max = 253))]
    pub by: String,
    /// Releases that were asked for until then are aborted.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: DateTime<Utc>,
    /// Why.
    #[schemars(length(max = 1024))]
    pub reason: String,
    /// Name of the action that carries it.
    #[schemars(length(max = 63))]
    pub action: String,
}

/// The permission to delete an Environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retired {
    /// Who retired it.
    #[schemars(length(max = 253))]
    pub by: String,
    /// When.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: DateTime<Utc>,
    /// Until when it may be deleted.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub until: DateTime<Utc>,
    /// Why.
    #[schemars(length(max = 1024))]
    pub reason: String,
}

/// What becomes of a release that executes when its environment is frozen.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum InFlight {
    /// It may finish.
    #[default]
    Finish,
    /// It stops where it is, until the end of the freeze.
    Hold,
    /// It is rolled back.
    RollBack,
}

impl InFlight {
    /// The word as objects write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finish => "Finish",
            Self::Hold => "Hold",
            Self::RollBack => "RollBack",
        }
    }
}

/// What a break-glass left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Debt {
    /// `release/UID` or `action/UID` of the record that caused it; in objects of older versions, the record's name.
    #[schemars(length(min = 1, max = 63))]
    pub id: String,
    /// Who.
    #[schemars(length(max = 253))]
    pub by: String,
    /// When.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: DateTime<Utc>,
    /// What was done, such as `emergency release of v1.8.2`.
    #[schemars(length(max = 256))]
    pub what: String,
    /// Why.
    #[schemars(length(max = 1024))]
    pub reason: String,
    /// The incident that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub incident: Option<String>,
}

/// A component that an action has scaled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaledComponent {
    /// The component.
    pub component: ComponentName,
    /// Replicas before.
    pub replicas: i32,
    /// Who scaled.
    #[schemars(length(max = 253))]
    pub by: String,
    /// When.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: DateTime<Utc>,
}

/// An image that may not come here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeniedDigest {
    /// The image's digest.
    #[schemars(length(max = 71), regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// Who denied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: Option<DateTime<Utc>>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub until: Option<DateTime<Utc>>,
}

fn denied(generator: &mut SchemaGenerator) -> Schema {
    schemas::keyed::<DeniedDigest>(generator, "digest", 0, 256)
}

fn debts(generator: &mut SchemaGenerator) -> Schema {
    schemas::keyed::<Debt>(generator, "id", 0, 128)
}

fn scaled(generator: &mut SchemaGenerator) -> Schema {
    schemas::keyed::<ScaledComponent>(generator, "component", 0, 32)
}
