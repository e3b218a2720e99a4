//! What people have said of a release: approvals, ticks, gates passed by force, and who drives.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::release_action::Evidence;

/// One person's approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRecord {
    /// Who.
    #[schemars(length(max = 253))]
    pub actor: String,
    /// Slots that it fills.
    #[schemars(length(max = 8), inner(length(max = 63)))]
    pub slots: Vec<String>,
    /// When.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: DateTime<Utc>,
    /// The plan's digest that the author saw.
    #[schemars(length(max = 71))]
    pub digest: String,
    /// Name of the action that carries it.
    #[schemars(length(max = 63))]
    pub action: String,
    /// Whether it counts.
    pub state: ApprovalState,
    /// The step that it is for, where the plan asks for an approval in the middle of a rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub step: Option<i32>,
    /// The person behind the account, where the environment's rule gives them another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub person: Option<String>,
    /// What the author saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// Whether an approval counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ApprovalState {
    /// It counts.
    Counted,
    /// The plan has changed since.
    Stale,
    /// It is too old.
    Expired,
    /// The requester approved their own release.
    SelfApproval,
    /// Its author took it back.
    Withdrawn,
    /// The admission policies that attest its author were not in force.
    Unattested,
}

/// An item of the checklist that a person has ticked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckRecord {
    /// The item, in the environment's words.
    #[schemars(length(max = 256))]
    pub item: String,
    /// Who.
    #[schemars(length(max = 253))]
    pub by: String,
    /// When.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: DateTime<Utc>,
    /// The plan's digest that the author saw.
    #[schemars(length(max = 71))]
    pub digest: String,
}

/// A gate that was passed by force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverrideRecord {
    /// Name of the gate.
    #[schemars(length(max = 128))]
    pub gate: String,
    /// Who.
    #[schemars(length(max = 253))]
    pub by: String,
    /// When.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: DateTime<Utc>,
    /// Until when it holds.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub until: DateTime<Utc>,
    /// Why.
    #[schemars(length(max = 1024))]
    pub reason: String,
    /// The incident that it belongs to.
    #[schemars(length(max = 128))]
    pub incident: String,
    /// Name of the action that carries it.
    #[schemars(length(max = 63))]
    pub action: String,
    /// Uid of that action; absent in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub uid: Option<String>,
}

/// Who drives a release. It forbids nobody anything: it is a claim that everybody sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Driver {
    /// Who; empty after a hand-over that names nobody.
    #[schemars(length(max = 253))]
    pub by: String,
    /// Since when.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub since: DateTime<Utc>,
    /// When the claim ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub until: Option<DateTime<Utc>>,
    /// A note for the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub note: Option<String>,
}
