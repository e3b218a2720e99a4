//! Changes of an environment.

use chrono::{DateTime, Utc};

/// Something that changed an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// What sort of change.
    pub kind: ChangeKind,
    /// The version that it is about; empty where it is about the environment.
    pub version: Box<str>,
    /// Who.
    pub by: Box<str>,
    /// One sentence.
    pub message: Box<str>,
    /// A word or two beside a marker.
    pub label: Box<str>,
}

/// A sort of change, so that each is told by a word and not by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// A release began to change what runs, or is done.
    Release,
    /// Traffic was shifted.
    Weight,
    /// A person has agreed, or taken it back.
    Approval,
    /// A release was stopped where it is, or goes on.
    Pause,
    /// What was changed is put back.
    Rollback,
    /// Releases were stopped here, or let in again.
    Freeze,
    /// Pods were restarted or their number was changed by hand.
    Pods,
    /// An alert began to fire.
    Alert,
    /// An alert ceased to fire.
    AlertEnd,
    /// Containers ended and were started again.
    Restart,
}

impl ChangeKind {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Weight => "weight",
            Self::Approval => "approval",
            Self::Pause => "pause",
            Self::Rollback => "rollback",
            Self::Freeze => "freeze",
            Self::Pods => "pods",
            Self::Alert => "alert",
            Self::AlertEnd => "alert end",
            Self::Restart => "restart",
        }
    }

    /// The sort of an entry of a release's record; none for what changes nothing.
    pub(in crate::app) fn of(reason: &str) -> Option<Self> {
        let has = |part: &str| reason.contains(part);
        Some(match reason {
            "Started" | "Succeeded" | "Retried" | "Raised" | "Settled" => Self::Release,
            "Approved" | "Withdrawn" | "Checked" | "Overridden" | "StepApproved" | "StepChecked" => {
                Self::Approval
            }
            "Resumed" | "Promoted" | "HeldByFreeze" | "FreezeEnded" => Self::Pause,
            "RollingBack" | "RolledBack" | "Aborted" | "Failed" | "Held" => Self::Rollback,
            _ if has("Paused") => Self::Pause,
            _ if has("Weight") || has("Switched") || has("Traffic") || has("Router") || has("Drift") => {
                Self::Weight
            }
            _ => return None,
        })
    }
}
