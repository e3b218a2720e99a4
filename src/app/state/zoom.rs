//! A metric pane that stands alone: its range, its comparison, its cursor.

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::EnvironmentKey;
use crate::api::strategy::Track;
use crate::app::state::located::EnvironmentId;
use crate::domain::series::unix;

/// The times that a pane can show: seconds, and how they are written.
pub(crate) const RANGES: [(u32, &str); 10] = [
    (300, "5m"),
    (900, "15m"),
    (1_800, "30m"),
    (3_600, "1h"),
    (10_800, "3h"),
    (21_600, "6h"),
    (43_200, "12h"),
    (86_400, "1d"),
    (172_800, "2d"),
    (604_800, "7d"),
];
/// Where a pane begins.
pub(in crate::app) const USUAL: usize = 2;

/// One metric pane alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoomView {
    /// Where.
    pub environment: EnvironmentId,
    /// Name of the pane.
    pub pane: Box<str>,
    /// Place in [`RANGES`].
    pub range: usize,
    /// What it is compared with.
    pub compare: Compare,
    /// The instant whose values are told; absent: the present.
    pub cursor: Option<DateTime<Utc>>,
    /// The curve that is drawn on top of all others.
    pub curve: Option<Box<str>>,
}

/// What a pane is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// Nothing.
    #[default]
    Nothing,
    /// The time before the newest release.
    Before,
    /// The same hours of yesterday.
    Yesterday,
}

/// The curves that a zoomed pane wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoomQuery {
    /// Of which environment.
    pub environment: EnvironmentKey,
    /// Name of the pane.
    pub pane: Box<str>,
    /// Seconds.
    pub range: u32,
    /// The second workloads that run there.
    pub second: Option<Track>,
    /// What they are compared with.
    pub baseline: Option<Baseline>,
}

/// A time that the present is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// As much time, up to that instant.
    Until(DateTime<Utc>),
    /// As much time, that many seconds ago.
    Ago(u64),
}

impl ZoomView {
    /// The time that it shows.
    #[must_use]
    pub fn span(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.seconds()))
    }

    /// The time that it shows, in seconds.
    pub(in crate::app) fn seconds(&self) -> u32 {
        RANGES.get(self.range).map_or(RANGES[USUAL].0, |(seconds, _)| *seconds)
    }

    /// As it is written.
    #[must_use]
    pub fn word(&self) -> &'static str {
        RANGES.get(self.range).map_or(RANGES[USUAL].1, |(_, word)| word)
    }

    /// The instant whose values are told, in Unix seconds.
    #[must_use]
    pub fn at(&self, now: DateTime<Utc>) -> f64 {
        let oldest = now - self.span();
        unix(self.cursor.map_or(now, |cursor| cursor.clamp(oldest, now)))
    }
}

impl Baseline {
    /// How many seconds later its samples are drawn than they were taken.
    #[must_use]
    pub fn shift(self, now: DateTime<Utc>) -> f64 {
        match self {
            Self::Until(end) => unix(now) - unix(end),
            #[expect(clippy::cast_precision_loss, reason = "a day")]
            Self::Ago(seconds) => seconds as f64,
        }
    }
}
