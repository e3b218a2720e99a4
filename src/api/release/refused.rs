//! What the API server refuses to a release that executes.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::names::ComponentName;

/// A request for a component that the API server refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedRequest {
    /// The component.
    pub component: ComponentName,
    /// The object and the server's own sentence.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When it was first refused.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub since: DateTime<Utc>,
    /// When it was last refused.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: DateTime<Utc>,
    /// How often.
    #[schemars(range(min = 0))]
    pub count: i32,
    /// Whether it was a read, and not a change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read: bool,
    /// Whether the same request may succeed later by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_pass: bool,
}
