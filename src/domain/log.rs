//! Log lines on their way from a kubelet to a person: what is asked for, what a line says, how many are kept.
//!
//! Owns the ring of lines: bounded in number and in bytes, in the order of time over all sources. Must not know how lines are fetched
//! nor how they look.

use std::collections::VecDeque;
use std::fmt;

use chrono::{DateTime, Utc};

use crate::domain::pod_row::PodKey;

/// Lines that are kept at most.
pub const MOST_LINES: usize = 20_000;
/// Bytes of text that are kept at most.
pub const MOST_BYTES: usize = 8 << 20;
/// Bytes of one line that are kept at most.
pub const MOST_LINE: usize = 16 << 10;
/// Lines of the past that [`LogReach::Tail`] asks for, per container.
pub const TAIL: u32 = 1_000;

/// Which log of a pod is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogAsk {
    /// The pod.
    pub pod: PodKey,
    /// Which of its containers.
    pub what: LogWhat,
}

/// Which lines are wanted of a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogWhat {
    /// Of all containers instead of the main one.
    pub all_containers: bool,
    /// Of the run before the present one; it has ended, so that nothing is followed.
    pub previous: bool,
    /// How far back.
    pub reach: LogReach,
    /// Lines that are yet to be written are wanted as well.
    pub follow: bool,
}

/// How far back a log is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogReach {
    /// The last [`TAIL`] lines.
    #[default]
    Tail,
    /// The last seconds.
    Seconds(u32),
    /// From the beginning.
    All,
}

impl LogReach {
    /// What the digits mean, from 0.
    pub const CHOICES: [Self; 9] = [
        Self::Tail,
        Self::Seconds(60),
        Self::Seconds(5 * 60),
        Self::Seconds(15 * 60),
        Self::Seconds(30 * 60),
        Self::Seconds(3_600),
        Self::Seconds(6 * 3_600),
        Self::Seconds(24 * 3_600),
        Self::All,
    ];
}

impl fmt::Display for LogReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tail => write!(f, "last {TAIL} lines"),
            Self::All => f.write_str("from the beginning"),
            Self::Seconds(seconds) if seconds % 3_600 == 0 => write!(f, "last {}h", seconds / 3_600),
            Self::Seconds(seconds) if seconds % 60 == 0 => write!(f, "last {}m", seconds / 60),
            Self::Seconds(seconds) => write!(f, "last {seconds}s"),
        }
    }
}

/// One line of a log, sanitised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written, as the kubelet says.
    pub at: Option<DateTime<Utc>>,
    /// The line without that stamp.
    pub text: Box<str>,
}

impl LogLine {
    /// Takes the stamp off that a kubelet puts before a line where one asks for stamps.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        let stamped = line
            .split_once(' ')
            .or(Some((line, "")))
            .and_then(|(stamp, text)| DateTime::parse_from_rfc3339(stamp).ok().map(|at| (at.to_utc(), text)));
        match stamped {
            Some((at, text)) => Self { at: Some(at), text: text.into() },
            None => Self { at: None, text: line.into() },
        }
    }
}

/// A line that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Which source it came from.
    pub source: u16,
    /// When it was written; that of the line before it where it does not say.
    pub at: Option<DateTime<Utc>>,
    /// The line.
    pub text: Box<str>,
    /// The filter lets it through.
    pub shown: bool,
}

/// The newest lines of several sources, in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRing {
    entries: VecDeque<LogEntry>,
    bytes: usize,
    shown: usize,
    dropped: u64,
}

impl LogRing {
    /// Keeps a line, and drops the oldest where there is no room for it. Tells how many lines at the beginning that the filter let
    /// through were dropped.
    pub fn push(&mut self, source: u16, line: LogLine, shown: bool) -> usize {
        let at = line.at.or_else(|| self.entries.back().and_then(|last| last.at));
        let place = self.entries.partition_point(|entry| entry.at <= at);
        self.bytes = self.bytes.saturating_add(line.text.len());
        self.shown = self.shown.saturating_add(usize::from(shown));
        self.entries.insert(place, LogEntry { source, at, text: line.text, shown });
        let mut gone = 0_usize;
        while self.entries.len() > MOST_LINES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.text.len());
            self.dropped = self.dropped.saturating_add(1);
            self.shown = self.shown.saturating_sub(usize::from(oldest.shown));
            gone = gone.saturating_add(usize::from(oldest.shown));
        }
        gone
    }

    /// Decides anew which lines are shown.
    pub fn filter(&mut self, lets_through: impl Fn(&str) -> bool) {
        self.shown = 0;
        for entry in &mut self.entries {
            entry.shown = lets_through(&entry.text);
            self.shown = self.shown.saturating_add(usize::from(entry.shown));
        }
    }

    /// Forgets every line.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Lines that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Lines that the filter lets through.
    #[must_use]
    pub const fn shown_len(&self) -> usize {
        self.shown
    }

    /// Lines that were dropped, because there was no room for them.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The lines that the filter lets through, oldest first.
    #[must_use]
    pub fn shown(&self) -> impl DoubleEndedIterator<Item = &LogEntry> {
        self.entries.iter().filter(|entry| entry.shown)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(second, 0)
    }

    fn line(second: i64, text: &str) -> LogLine {
        LogLine { at: at(second), text: text.into() }
    }

    #[test]
    fn a_stamp_is_taken_off_where_there_is_one() {
        for (given, second, text) in [
            ("1970-01-01T00:00:07.000000000Z hello there", Some(7), "hello there"),
            ("1970-01-01T01:00:07+01:00 x", Some(7), "x"),
            ("1970-01-01T00:00:07Z", Some(7), ""),
            ("1970-01-01T00:00:07Z  indented", Some(7), " indented"),
            ("no stamp at all", None, "no stamp at all"),
            ("", None, ""),
        ] {
            let line = LogLine::parse(given);
            assert_eq!((line.at.map(|at| at.timestamp()), &*line.text), (second, text), "{given:?}");
        }
    }

    #[test]
    fn sources_are_merged_by_time_and_a_line_without_a_stamp_stays_behind_the_last_one() {
        let mut ring = LogRing::default();
        for (source, line) in [
            (0, line(1, "a1")),
            (0, line(5, "a5")),
            (1, line(3, "b3")),
            (1, LogLine { at: None, text: "b?".into() }),
            (0, line(5, "a5 again")),
        ] {
            ring.push(source, line, true);
        }
        let texts: Vec<&str> = ring.shown().map(|entry| &*entry.text).collect();
        assert_eq!(texts, ["a1", "b3", "a5", "b?", "a5 again"]);
    }

    #[test]
    fn the_oldest_go_first_and_are_counted() {
        let mut ring = LogRing::default();
        let mut gone = 0_usize;
        for second in 0..i64::try_from(MOST_LINES).unwrap() + 10 {
            gone += ring.push(0, line(second, "x"), second % 2 == 0);
        }
        assert_eq!((ring.len(), ring.dropped(), gone), (MOST_LINES, 10, 5));
        assert_eq!(ring.shown_len(), MOST_LINES / 2);
        assert_eq!(ring.shown().next().unwrap().at, at(10));
        // one line that is older than everything has no room
        ring.push(0, line(0, "late"), true);
        assert_eq!((ring.dropped(), ring.shown().next().unwrap().at), (11, at(10)));
    }

    #[test]
    fn bytes_are_bounded_as_well() {
        let mut ring = LogRing::default();
        let text = "x".repeat(MOST_LINE);
        for second in 0..2_000 {
            ring.push(0, line(second, &text), true);
        }
        assert_eq!(ring.len(), MOST_BYTES / MOST_LINE);
        assert_eq!(ring.dropped(), 2_000 - u64::try_from(ring.len()).unwrap());
    }

    #[test]
    fn a_reach_says_what_it_is() {
        let words: Vec<String> = LogReach::CHOICES.iter().map(ToString::to_string).collect();
        assert_eq!(words[0], "last 1000 lines");
        assert_eq!(
            words[1..8],
            ["last 1m", "last 5m", "last 15m", "last 30m", "last 1h", "last 6h", "last 24h"]
        );
        assert_eq!(LogReach::Seconds(90).to_string(), "last 90s");
    }

    proptest! {
        #[test]
        fn lines_stay_in_order_and_counts_true(pushes in proptest::collection::vec((0_u16..4, proptest::option::of(0_i64..50), any::<bool>()), 0..200)) {
            let mut ring = LogRing::default();
            for (source, second, shown) in &pushes {
                ring.push(*source, LogLine { at: second.and_then(at), text: "x".into() }, *shown);
            }
            let stamps: Vec<_> = ring.entries.iter().map(|entry| entry.at).collect();
            prop_assert!(stamps.is_sorted());
            prop_assert_eq!(ring.shown_len(), pushes.iter().filter(|(_, _, shown)| *shown).count());
            prop_assert_eq!(ring.shown().count(), ring.shown_len());
            ring.filter(|_| true);
            prop_assert_eq!(ring.shown_len(), pushes.len());
        }
    }
}
