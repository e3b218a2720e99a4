//! How fresh the objects of one watch are.

use chrono::{DateTime, Utc};

/// State of a watch: how far what is known can be relied on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WatchState {
    /// Not asked yet, or the first answer is on its way.
    #[default]
    Connecting,
    /// In step with the server; `heard` is when it last said anything, bookmarks included.
    Live {
        /// When the server was last heard.
        heard: DateTime<Utc>,
    },
    /// Lost: what is shown was true at `since`.
    Stale {
        /// When it was last in step.
        since: Option<DateTime<Utc>>,
        /// One sentence, sanitised.
        reason: String,
        /// When the next try is due.
        retry_at: Option<DateTime<Utc>>,
    },
    /// The server says that we may not read this.
    Denied {
        /// One sentence, sanitised.
        reason: String,
    },
    /// The server does not know this kind of object: not installed.
    Missing {
        /// One sentence that says how to install it.
        reason: String,
    },
}

impl WatchState {
    /// What is shown is in step with the server.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self, Self::Live { .. })
    }
}
