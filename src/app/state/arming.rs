//! Which environments open read-only, and the one that is armed.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::state::located::EnvironmentId;

/// What the settings say of arming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArmingPolicy {
    /// Every production environment opens read-only, whatever the Environment object says.
    pub production: bool,
    /// After this long without a key an armed environment is disarmed.
    pub idle: TimeDelta,
}

impl Default for ArmingPolicy {
    fn default() -> Self {
        Self { production: false, idle: TimeDelta::minutes(15) }
    }
}

/// An environment that may be changed for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armed {
    /// Which.
    pub environment: EnvironmentId,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Why.
    pub reason: String,
}
