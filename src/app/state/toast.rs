//! Short messages on the status line.

use chrono::{DateTime, TimeDelta, Utc};

/// A short message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// How serious it is.
    pub level: Level,
    /// One sentence.
    pub text: String,
    /// When it was said.
    pub at: DateTime<Utc>,
}

/// How serious a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Good to know.
    Info,
    /// Something was done.
    Done,
    /// Something was not done, or will be done later than expected.
    Warning,
    /// Something failed.
    Error,
}

impl Toast {
    /// How long a message of that level stays.
    #[must_use]
    pub const fn stays(level: Level) -> TimeDelta {
        match level {
            Level::Info | Level::Done => TimeDelta::seconds(8),
            Level::Warning => TimeDelta::seconds(15),
            Level::Error => TimeDelta::seconds(30),
        }
    }

    /// It has been shown long enough.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        now - self.at >= Self::stays(self.level)
    }
}
