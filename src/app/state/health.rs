//! How an environment fares, and its numbers beside their limits.

/// The health of an environment: a word and a class, so that it does not depend on colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Health {
    /// Everything wanted is ready.
    Healthy,
    /// A release is being carried out.
    Progressing,
    /// A canary takes part of the traffic.
    Canary,
    /// A release is paused.
    Paused,
    /// A release is being watched.
    Verifying,
    /// It goes back.
    RollingBack,
    /// A failed release is kept for a person.
    Held,
    /// The last release errored or failed.
    Errored,
    /// Pods are missing or failing.
    Degraded,
    /// Every pod is ready, and what they answer is beyond a limit.
    OverLimit,
    /// It is scaled to nothing.
    Stopped,
    /// Nothing is known.
    #[default]
    Unknown,
}

impl Health {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Progressing => "progressing",
            Self::Canary => "canary",
            Self::Paused => "paused",
            Self::Verifying => "verifying",
            Self::RollingBack => "rolling back",
            Self::Held => "held",
            Self::Errored => "errored",
            Self::Degraded => "degraded",
            Self::OverLimit => "over limit",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
    }

    /// Ready pods are not healthy while what they answer is beyond a limit; every other state says more than the numbers.
    #[must_use]
    pub fn in_view_of(self, readings: [Reading; 2]) -> Self {
        match self {
            Self::Healthy | Self::OverLimit if readings.into_iter().any(Reading::is_over) => Self::OverLimit,
            Self::OverLimit => Self::Healthy,
            other => other,
        }
    }

    /// The class, for glyph and colour.
    #[must_use]
    pub const fn class(self) -> HealthClass {
        match self {
            Self::Healthy => HealthClass::Good,
            Self::Progressing | Self::Canary | Self::Verifying => HealthClass::Moving,
            Self::Paused | Self::Stopped => HealthClass::Waiting,
            Self::RollingBack | Self::Held | Self::Errored | Self::Degraded | Self::OverLimit => {
                HealthClass::Bad
            }
            Self::Unknown => HealthClass::Unknown,
        }
    }
}

/// The class of a state, for glyph and colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HealthClass {
    /// As it should be.
    Good,
    /// Something moves.
    Moving,
    /// Waits for someone.
    Waiting,
    /// Not as it should be.
    Bad,
    /// Nothing is known: never green.
    Unknown,
}

/// A number and its limit. No data is a state of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// The worst of the curves' newest values; absent: no data.
    pub value: Option<f64>,
    /// Where it becomes bad, if the environment says so.
    pub limit: Option<f64>,
}

impl Reading {
    /// The value is above its limit.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!((self.value, self.limit), (Some(value), Some(limit)) if value > limit)
    }
}
