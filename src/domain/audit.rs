//! The record of who asked for what, chained so that tampering shows.
//!
//! Owns what a record is, the bytes that are hashed, the order of sealing, the search for breaches, what retention may remove, and
//! how an intent reads. Must not know how objects are fetched or stored. A release is sealed for what was asked and by whom: its
//! outcome goes on changing and is told, not sealed. An action is sealed once it is judged, with the verdict.
//!
//! `canonical` makes bytes, `chain` gives places, `verify` looks for breaches, `retention` picks what may go, `intent` and
//! `server_log` tell what people meant.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::api::{Release, ReleaseAction, Seal};
use crate::domain::hex::hex;

mod canonical;
mod chain;
mod intent;
mod retention;
mod server_log;
mod verify;

#[cfg(test)]
mod tests;

pub use canonical::canonical_json;
pub use chain::{BATCH, SealPlan, plan_seals};
pub use intent::{Intent, IntentKind, Origin, intents};
pub use retention::{KEPT_RELEASES, KEPT_SUCCESSES, Removal, plan_removal};
pub use server_log::{LogReading, read_server_log};
pub use verify::{Finding, Report, verify};

/// Which of the two kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RecordKind {
    /// A release: what was asked for.
    Release,
    /// An action: what was meant, and the verdict.
    ReleaseAction,
}

impl RecordKind {
    /// The kind as objects write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "Release",
            Self::ReleaseAction => "ReleaseAction",
        }
    }

    /// The kind as sentences name it.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::ReleaseAction => "action",
        }
    }
}

/// Names a record among those of one environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// Which kind.
    pub kind: RecordKind,
    /// Its name.
    pub name: String,
}

/// A release or an action, reduced to what its seal covers, and the seal.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Which kind.
    pub kind: RecordKind,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The uid that the API server gave it.
    pub uid: String,
    /// When the API server accepted it.
    pub created_at: Option<DateTime<Utc>>,
    /// The whole spec.
    pub spec: Value,
    /// Of a judged action: `result`, `message` and `at`.
    pub verdict: Option<Value>,
    /// Since when it can be sealed; absent while it cannot: an action before its verdict, a release before the controller's first look.
    pub ready_since: Option<DateTime<Utc>>,
    /// Its place in the chain, if it has one.
    pub seal: Option<Seal>,
}

impl Record {
    /// A release.
    #[must_use]
    pub fn of_release(release: &Release) -> Self {
        let created_at = release.created_at();
        Self {
            kind: RecordKind::Release,
            namespace: text(release.metadata.namespace.as_ref()),
            name: text(release.metadata.name.as_ref()),
            uid: text(release.metadata.uid.as_ref()),
            created_at,
            spec: spec(release, &release.spec),
            verdict: None,
            ready_since: release.status.as_ref().and(created_at),
            seal: release.status.as_ref().and_then(|status| status.seal.clone()),
        }
    }

    /// An action.
    #[must_use]
    pub fn of_action(action: &ReleaseAction) -> Self {
        let status = action.status.as_ref().filter(|status| status.result.is_some());
        let verdict = status.map(|status| {
            let mut verdict = serde_json::to_value(status).unwrap_or_default();
            if let Some(fields) = verdict.as_object_mut() {
                fields.shift_remove("seal");
            }
            verdict
        });
        let created_at = action.created_at();
        Self {
            kind: RecordKind::ReleaseAction,
            namespace: text(action.metadata.namespace.as_ref()),
            name: text(action.metadata.name.as_ref()),
            uid: text(action.metadata.uid.as_ref()),
            created_at,
            spec: spec(action, &action.spec),
            verdict,
            ready_since: status.and_then(|status| status.at.or(created_at)),
            seal: action.status.as_ref().and_then(|status| status.seal.clone()),
        }
    }

    /// Its name among the records of its environment.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        RecordKey { kind: self.kind, name: self.name.clone() }
    }

    /// What is hashed: JSON with sorted keys and without insignificant whitespace. Fields that are absent are left out, so that a
    /// field that a later version adds changes no hash.
    #[must_use]
    pub fn canonical(&self) -> String {
        let created = self.created_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
        let mut value = json!({
            "kind": self.kind.as_str(),
            "namespace": self.namespace,
            "name": self.name,
            "uid": self.uid,
            "creationTimestamp": created,
            "spec": self.spec,
        });
        if let Some(verdict) = &self.verdict {
            value["status"] = verdict.clone();
        }
        canonical_json(&value)
    }

    /// The hash of this record when it stands on `previous`.
    #[must_use]
    pub fn hash(&self, previous: &str) -> String {
        let mut hasher = Sha256::new();
        // a hash has a fixed length and a record begins with a brace, so that the border between the two is certain
        hasher.update(previous.as_bytes());
        hasher.update(self.canonical().as_bytes());
        format!("sha256:{}", hex(&hasher.finalize()))
    }
}

impl std::fmt::Display for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.kind.noun(), self.namespace, self.name)
    }
}

/// The whole spec, also where this version does not understand all of it: every version seals the same.
fn spec(object: &impl kube::Resource, understood: &impl Serialize) -> Value {
    let stored = crate::api::stored::spec_as_stored(object);
    stored.unwrap_or_else(|| serde_json::to_value(understood).unwrap_or_default())
}

fn text(part: Option<&String>) -> String {
    part.cloned().unwrap_or_default()
}
