//! A field that somebody else sets while a release sets it, too.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::names::ComponentName;

/// A field of a workload that somebody else sets while a release sets it, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContestedField {
    /// The component.
    pub component: ComponentName,
    /// Path of the field, such as `spec.updateStrategy.rollingUpdate.partition`.
    #[schemars(length(max = 128))]
    pub field: String,
    /// Field manager of whoever else sets it; empty where the API server names nobody.
    #[serde(default)]
    #[schemars(length(max = 128))]
    pub by: String,
    /// The value that they set last.
    #[schemars(length(max = 128))]
    pub found: String,
    /// The value that the release sets.
    #[schemars(length(max = 128))]
    pub wanted: String,
    /// `metadata.generation` of the workload that was counted last.
    pub generation: i64,
    /// How often the release has set the field against them.
    #[schemars(range(min = 0))]
    pub count: i32,
    /// Since when.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub since: DateTime<Utc>,
}
