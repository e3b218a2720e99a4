//! What a release keeps of the canary and green workloads that it brings up.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::environment::WorkloadRef;
use crate::api::names::ComponentName;
use crate::api::strategy::{Track, TrafficRouting};

/// The second workload of a component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrackProgress {
    /// The component.
    pub component: ComponentName,
    /// What it is for.
    pub track: Track,
    /// Name of the second workload.
    #[schemars(length(max = 253))]
    pub workload: String,
    /// Pods wanted of it: the intent that stands here before it is carried out.
    pub desired: i32,
    /// Its pods that are available.
    pub available: i32,
    /// Pods wanted of the environment's own workload meanwhile.
    pub stable_desired: i32,
    /// Pods of the environment's own workload that are available.
    pub stable_available: i32,
    /// Share of the traffic that the router is to send here, in per cent: the intent before it is carried out.
    #[schemars(range(min = 0, max = 100))]
    pub traffic: i32,
    /// Share that the router's objects state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub verified: Option<i32>,
    /// What somebody else changed in the router's objects, or what keeps them from being read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub drift: Option<String>,
    /// Pods that carry the whole load: what the environment's own workload wants, or what it wanted while it served more of it.
    /// Absent in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<i32>,
    /// When the capacity last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub sized_at: Option<DateTime<Utc>>,
    /// Pods of the environment's own workload when it was last as large as intended: any other number is somebody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_seen: Option<i32>,
    /// The loss of all its pods, until its traffic is restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<TrackLoss>,
    /// How often it has lost all its pods while it served traffic.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub losses: i32,
    /// Since when traffic waits for the environment's own workload to have the pods for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub short_since: Option<DateTime<Utc>>,
    /// What is needed to remove everything again. Absent in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<TrackPlace>,
}

impl TrackProgress {
    /// A canary or green workload of which nothing is intended or seen yet.
    #[must_use]
    pub const fn new(component: ComponentName, track: Track, workload: String) -> Self {
        Self {
            component,
            track,
            workload,
            desired: 0,
            available: 0,
            stable_desired: 0,
            stable_available: 0,
            traffic: 0,
            verified: None,
            drift: None,
            capacity: None,
            sized_at: None,
            stable_seen: None,
            loss: None,
            losses: 0,
            short_since: None,
            place: None,
        }
    }
}

/// All pods of a canary or green workload were gone while it served traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrackLoss {
    /// Since when.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub since: DateTime<Utc>,
    /// Share of the traffic that it served, in per cent.
    #[schemars(range(min = 0, max = 100))]
    pub traffic: i32,
}

/// Where a canary or green workload stands: what the environment said when the release began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrackPlace {
    /// The environment's own workload.
    pub workload: WorkloadRef,
    /// Its container.
    #[schemars(length(max = 63))]
    pub container: String,
    /// The router with the names of its objects; absent where replicas carry the weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<TrafficRouting>,
    /// Since when the environment does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub orphaned_since: Option<DateTime<Utc>>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &i32) -> bool {
    *number == 0
}
