//! What the controller last saw of an environment.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schemas;
use crate::api::condition::Condition;
use crate::api::names::ComponentName;

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
    /// The release that holds the lane, if one is being executed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub active_release: Option<String>,
    /// Names of all Environments of this namespace, which the admission policies need.
    #[schemars(length(max = 512), inner(length(max = 63)))]
    pub siblings: Vec<String>,
    /// Set while releases are stopped here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Frozen>,
    /// Images that may not come here.
    #[schemars(schema_with = "schemas::denied")]
    pub denied: Vec<DeniedDigest>,
    /// `Ready`, `PoliciesEnforced` and the like.
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,
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
    pub since: Option<DateTime<Utc>>,
    /// Since when it has been healthy without a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy_since: Option<DateTime<Utc>>,
}

/// A stop of all releases.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Frozen {
    /// Who froze.
    #[schemars(length(max = 253))]
    pub by: String,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// Why.
    #[schemars(length(max = 1024))]
    pub reason: String,
}

/// An image that may not come here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}
