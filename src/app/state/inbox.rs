//! What waits for us.

use chrono::{DateTime, Utc};

use crate::api::Tier;
use crate::app::state::located::{EnvironmentId, ReleaseId};

/// Something that we can do now and that somebody waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct InboxRow {
    /// What is to be done.
    pub key: InboxKey,
    /// Where.
    pub environment: EnvironmentId,
    /// How careful everybody must be there.
    pub tier: Tier,
    /// Its application.
    pub application: Box<str>,
    /// The version that waits; empty where it is about the environment.
    pub version: Box<str>,
    /// What is missing.
    pub missing: Box<str>,
    /// Items of a checklist that nobody has ticked yet, in their order; empty where it is about something else.
    pub open: Vec<Box<str>>,
    /// Since when it waits.
    pub since: Option<DateTime<Utc>>,
    /// When it is too late.
    pub expires: Option<DateTime<Utc>>,
}

/// What is to be done; tells one item from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InboxKey {
    /// Approve this release.
    Approve(ReleaseId),
    /// Tick what is open of the checklist for this release.
    Check(ReleaseId),
    /// Review this debt.
    Review(EnvironmentId, Box<str>),
    /// Decide what becomes of this failed release.
    Decide(ReleaseId),
    /// Let this stopped release go on.
    Resume(ReleaseId),
}

impl InboxKey {
    /// The release that waits.
    #[must_use]
    pub const fn release(&self) -> Option<&ReleaseId> {
        match self {
            Self::Approve(id) | Self::Check(id) | Self::Decide(id) | Self::Resume(id) => Some(id),
            Self::Review(..) => None,
        }
    }

    /// What `v` does with it, in one word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Approve(_) => "approve",
            Self::Check(_) => "check",
            Self::Review(..) => "review",
            Self::Decide(_) => "decide",
            Self::Resume(_) => "resume",
        }
    }
}
