//! The record of what happened to a release, bounded so that the object never outgrows etcd.

use chrono::{DateTime, Utc};

use crate::api::release::{ReleaseStatus, TimelineEntry};

/// The author of what no person did.
pub(crate) const CONTROLLER: &str = "controller";
/// Entries that are kept.
pub(crate) const LIMIT: usize = 100;
/// Longest message of an entry, in characters.
const MESSAGE_LIMIT: usize = 512;

/// Appends an entry. When the record is full, the oldest entry after the first goes: the first tells who asked.
pub(crate) fn push(
    status: &mut ReleaseStatus,
    at: DateTime<Utc>,
    by: &str,
    reason: &str,
    message: impl Into<String>,
) {
    while status.timeline.len() >= LIMIT {
        status.timeline.remove(1);
    }
    status.timeline.push(TimelineEntry {
        at,
        by: cut(by.to_owned(), 253),
        reason: cut(reason.to_owned(), 64),
        message: cut(message.into(), MESSAGE_LIMIT),
    });
}

/// A text cut to as many characters as its field may hold.
#[must_use]
pub(crate) fn cut(mut text: String, limit: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(limit) {
        let end = text[..end].char_indices().next_back().map_or(0, |(index, _)| index);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_bounded_and_keeps_its_first_entry() {
        let mut status = ReleaseStatus::default();
        for number in 0..250 {
            push(&mut status, DateTime::UNIX_EPOCH, "bob", "Counted", number.to_string());
        }
        assert_eq!(status.timeline.len(), LIMIT);
        assert_eq!(status.timeline[0].message, "0");
        assert_eq!(status.timeline[1].message, "151");
        assert_eq!(status.timeline[99].message, "249");
    }

    #[test]
    fn long_texts_are_cut_by_characters() {
        assert_eq!(cut("äöü".into(), 3), "äöü");
        assert_eq!(cut("äöüß".into(), 3), "äö…");
    }
}
