//! Who must agree, and when releases may start.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::schemas;
use crate::api::duration::Duration;

/// Who must agree, and for how long that holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Slots; each must reach its minimum of distinct people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "slots")]
    pub slots: Vec<Slot>,
    /// The requester may not approve.
    #[serde(default = "yes")]
    #[schemars(default = "yes")]
    pub prevent_self_approval: bool,
    /// How long an approval counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<Duration>,
    /// Shortest time between request and execution; runs beside the review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_timer: Option<Duration>,
    /// What a person types to confirm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub confirm_phrase: Option<String>,
}

const fn yes() -> bool {
    true
}

/// One kind of approver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// Name of the slot.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Group that its approvers belong to; absent: anyone with the verb.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub group: Option<String>,
    /// Distinct people needed.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 16), default = "one")]
    pub minimum: i32,
}

const fn one() -> i32 {
    1
}

/// Which accounts belong to one person, so that nobody counts twice. Applied in this order: a person's accounts, then the first
/// prefix that fits, then the first suffix that fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IdentityRules {
    /// People with several accounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "people")]
    pub people: Vec<Person>,
    /// Beginnings of account names that do not tell people apart, such as `oidc:`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63)))]
    pub strip_prefixes: Vec<String>,
    /// Ends of account names that do not tell people apart, such as `-admin`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63)))]
    pub strip_suffixes: Vec<String>,
}

/// One person and their accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// The name that stands for all accounts.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// User names by which the API server knows this person.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 253)))]
    pub accounts: Vec<String>,
}

/// A time in which releases may (allow) or may not (deny) start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// Allow or deny.
    pub kind: WindowKind,
    /// Cron expression of its beginnings.
    #[schemars(length(min = 9, max = 128))]
    pub schedule: String,
    /// How long it lasts.
    pub duration: Duration,
    /// IANA name of the zone that the schedule is in; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub reason: Option<String>,
}

/// Whether a window opens or closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WindowKind {
    /// Releases start only inside.
    Allow,
    /// Releases never start inside.
    Deny,
}

fn slots(generator: &mut SchemaGenerator) -> Schema {
    schemas::keyed::<Slot>(generator, "name", 0, 16)
}

fn people(generator: &mut SchemaGenerator) -> Schema {
    schemas::keyed::<Person>(generator, "name", 0, 64)
}
