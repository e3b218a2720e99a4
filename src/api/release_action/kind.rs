//! What can be meant, and the permission that each meaning needs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::permission::Verb;

/// What can be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ActionKind {
    /// Fill slots of the approval.
    Approve,
    /// Say no, finally.
    Reject,
    /// Tick an item of the checklist.
    Check,
    /// Begin, where the environment waits for it.
    Start,
    /// Stop at the present step.
    Pause,
    /// Go on.
    Resume,
    /// Shift the weight.
    SetWeight,
    /// Go to the next step.
    Promote,
    /// Go to the end.
    PromoteFull,
    /// Stop, and put back what was changed.
    Abort,
    /// Put back what was changed, also after the end of the rollout.
    Rollback,
    /// Try a held release again from its present step.
    Retry,
    /// Pass a gate by force.
    Override,
    /// Stop all releases of the environment.
    Freeze,
    /// Allow releases again.
    Unfreeze,
    /// Put a digest on the deny list.
    Deny,
    /// Take a digest off the deny list.
    Allow,
    /// Set the replicas of a component.
    Scale,
    /// Restart the pods of a component.
    Restart,
    /// Take back one's own approval, until execution starts.
    Withdraw,
    /// Claim to be the one who drives a release, for a time.
    Drive,
    /// Leave the wheel, with a note for the next one.
    HandOver,
    /// Abort everything that waits or runs in the environment: emergency stop.
    AbortAll,
    /// Clear the debt that a break-glass left, as another person.
    Review,
    /// Permit the deletion of the Environment for an hour.
    Retire,
    /// A kind that this version does not know: refused. Never stored.
    #[schemars(skip)]
    Unknown,
}

impl ActionKind {
    /// Every kind of action that can be stored.
    pub const ALL: [Self; 25] = [
        Self::Approve,
        Self::Reject,
        Self::Check,
        Self::Start,
        Self::Pause,
        Self::Resume,
        Self::SetWeight,
        Self::Promote,
        Self::PromoteFull,
        Self::Abort,
        Self::Rollback,
        Self::Retry,
        Self::Override,
        Self::Freeze,
        Self::Unfreeze,
        Self::Deny,
        Self::Allow,
        Self::Scale,
        Self::Restart,
        Self::Withdraw,
        Self::Drive,
        Self::HandOver,
        Self::AbortAll,
        Self::Review,
        Self::Retire,
    ];

    /// The action as objects write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "Approve",
            Self::Reject => "Reject",
            Self::Check => "Check",
            Self::Start => "Start",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::SetWeight => "SetWeight",
            Self::Promote => "Promote",
            Self::PromoteFull => "PromoteFull",
            Self::Abort => "Abort",
            Self::Rollback => "Rollback",
            Self::Retry => "Retry",
            Self::Override => "Override",
            Self::Freeze => "Freeze",
            Self::Unfreeze => "Unfreeze",
            Self::Deny => "Deny",
            Self::Allow => "Allow",
            Self::Scale => "Scale",
            Self::Restart => "Restart",
            Self::Withdraw => "Withdraw",
            Self::Drive => "Drive",
            Self::HandOver => "HandOver",
            Self::AbortAll => "AbortAll",
            Self::Review => "Review",
            Self::Retire => "Retire",
            Self::Unknown => "Unknown",
        }
    }

    /// The permission that it needs; the admission policy holds the same table.
    #[must_use]
    pub const fn verb(self) -> Verb {
        match self {
            Self::Approve | Self::Reject | Self::Check | Self::Withdraw | Self::Review => Verb::Approve,
            Self::Start => Verb::Deploy,
            Self::Pause
            | Self::Resume
            | Self::SetWeight
            | Self::Promote
            | Self::PromoteFull
            | Self::Retry
            | Self::Drive
            | Self::HandOver => Verb::Shift,
            Self::Abort | Self::AbortAll | Self::Rollback => Verb::Rollback,
            Self::Freeze | Self::Unfreeze | Self::Deny | Self::Allow => Verb::Freeze,
            Self::Scale | Self::Restart => Verb::Scale,
            Self::Override | Self::Retire | Self::Unknown => Verb::Override,
        }
    }

    /// Whether it acts on the environment and names no release.
    #[must_use]
    pub const fn is_on_environment(self) -> bool {
        matches!(
            self,
            Self::Freeze
                | Self::Unfreeze
                | Self::Deny
                | Self::Allow
                | Self::Scale
                | Self::Restart
                | Self::AbortAll
                | Self::Review
                | Self::Retire
        )
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
