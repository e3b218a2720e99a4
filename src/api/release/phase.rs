//! Where a release is in its life.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a release is in its life.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Phase {
    /// Waits for gates, approvals, timers, windows or the lane.
    #[default]
    Pending,
    /// Changes the environment.
    Progressing,
    /// Stopped by a person or a step; nothing is changed meanwhile.
    Paused,
    /// Everything is rolled out and is watched.
    Verifying,
    /// Done.
    Succeeded,
    /// Goes back.
    RollingBack,
    /// Went back.
    RolledBack,
    /// Failed, and kept as it is for a person.
    Held,
    /// A person said no.
    Rejected,
    /// A newer release took its place.
    Superseded,
    /// A person stopped it.
    Aborted,
    /// Nobody acted in time.
    Expired,
    /// The verdict of gates or analysis.
    Failed,
    /// It could not be carried out.
    Errored,
    /// A phase that this version does not know: not final, and not executed. Never stored.
    #[schemars(skip)]
    Unknown,
}

impl Phase {
    /// Every phase that can be stored.
    pub const ALL: [Self; 14] = [
        Self::Pending,
        Self::Progressing,
        Self::Paused,
        Self::Verifying,
        Self::Succeeded,
        Self::RollingBack,
        Self::RolledBack,
        Self::Held,
        Self::Rejected,
        Self::Superseded,
        Self::Aborted,
        Self::Expired,
        Self::Failed,
        Self::Errored,
    ];

    /// The phase as objects write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Progressing => "Progressing",
            Self::Paused => "Paused",
            Self::Verifying => "Verifying",
            Self::Succeeded => "Succeeded",
            Self::RollingBack => "RollingBack",
            Self::RolledBack => "RolledBack",
            Self::Held => "Held",
            Self::Rejected => "Rejected",
            Self::Superseded => "Superseded",
            Self::Aborted => "Aborted",
            Self::Expired => "Expired",
            Self::Failed => "Failed",
            Self::Errored => "Errored",
            Self::Unknown => "Unknown",
        }
    }

    /// Nothing more will happen to this release. `Held` is not final: it waits for a person.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::RolledBack
                | Self::Rejected
                | Self::Superseded
                | Self::Aborted
                | Self::Expired
                | Self::Failed
                | Self::Errored
        )
    }

    /// This release holds the lane of its environment. So does one in an unknown phase: it may be executing.
    #[must_use]
    pub const fn holds_lane(self) -> bool {
        matches!(
            self,
            Self::Progressing
                | Self::Paused
                | Self::Verifying
                | Self::RollingBack
                | Self::Held
                | Self::Unknown
        )
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
