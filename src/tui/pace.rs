//! When to draw: a key at once, data at most thirty times a second, nothing twice.

use std::time::Duration;

use tokio::time::Instant;

/// Shortest time between two frames that data causes.
const FRAME: Duration = Duration::from_millis(33);

/// Decides when the next frame is due.
#[derive(Debug)]
pub(super) struct Pace {
    drawn_revision: Option<u64>,
    drawn_at: Option<Instant>,
    urgent: bool,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self { drawn_revision: None, drawn_at: None, urgent: true }
    }

    /// A person waits for the next frame.
    pub(super) const fn hurry(&mut self) {
        self.urgent = true;
    }

    /// What is on the screen is worth nothing any more.
    pub(super) const fn forget(&mut self) {
        self.drawn_revision = None;
        self.urgent = true;
    }

    /// The frame of `revision` is on the screen.
    pub(super) const fn drawn(&mut self, revision: u64, at: Instant) {
        self.drawn_revision = Some(revision);
        self.drawn_at = Some(at);
        self.urgent = false;
    }

    /// When to draw `revision`; none when it is on the screen already.
    pub(super) fn due(&self, revision: u64, now: Instant) -> Option<Instant> {
        if self.drawn_revision == Some(revision) {
            return None;
        }
        match self.drawn_at {
            Some(at) if !self.urgent => Some((at + FRAME).max(now)),
            _ => Some(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_waits_for_its_frame_and_keys_do_not() {
        let start = Instant::now();
        let mut pace = Pace::new();
        assert_eq!(pace.due(0, start), Some(start), "the first frame is due at once");
        pace.drawn(0, start);
        assert_eq!(pace.due(0, start), None, "nothing has changed");
        assert_eq!(pace.due(1, start), Some(start + FRAME), "a late frame");
        let later = start + Duration::from_secs(1);
        assert_eq!(pace.due(1, later), Some(later), "long enough ago");
        pace.hurry();
        assert_eq!(pace.due(1, start), Some(start), "a person waits");
        pace.drawn(1, start);
        pace.forget();
        assert_eq!(pace.due(1, start), Some(start), "all anew");
    }
}
