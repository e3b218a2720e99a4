//! What people were told through the channels of an Environment, so that nobody is told twice.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One event, and what became of telling it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Notified {
    /// What tells this event from every other of the object.
    #[schemars(length(max = 128))]
    pub key: String,
    /// When telling it ended.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: DateTime<Utc>,
    /// Channels that took it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 63)))]
    pub told: Vec<String>,
    /// Channels that did not, after every try.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 63)))]
    pub failed: Vec<String>,
}
