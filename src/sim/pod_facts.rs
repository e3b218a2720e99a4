//! What controllers count a pod by, read from its object once: ten thousand of them are counted after every change of one.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::kinds::{self, list, text};
use super::store::instant;

/// What controllers count a pod by.
#[derive(Debug)]
pub(super) struct PodFacts {
    /// The ReplicaSet that controls it.
    pub set: Option<Box<str>>,
    /// Whether it is neither over nor on its way out.
    pub is_active: bool,
    /// Since when it is ready.
    pub ready_since: Option<DateTime<Utc>>,
}

impl PodFacts {
    /// Reads them.
    pub(super) fn of(pod: &Value) -> Self {
        Self {
            set: kinds::owner(pod, "ReplicaSet").map(Into::into),
            is_active: !kinds::is_terminating(pod)
                && !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed"),
            ready_since: ready_since(pod),
        }
    }
}

/// Since when a pod is ready.
pub(super) fn ready_since(pod: &Value) -> Option<DateTime<Utc>> {
    let condition = list(pod, &["status", "conditions"])
        .iter()
        .find(|condition| text(condition, &["type"]) == "Ready" && text(condition, &["status"]) == "True")?;
    instant(condition, &["lastTransitionTime"])
}
