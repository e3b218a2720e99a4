//! When to draw: a key at once, data at most thirty times a second and, where it keeps coming, less often: nobody reads faster, and every
//! frame costs a slow connection its bytes. Nothing twice.

use std::time::Duration;

use tokio::time::Instant;

/// Shortest time between two frames that data causes.
const FRAME: Duration = Duration::from_millis(33);

/// Longest time between two frames while data keeps coming.
const LONGEST: Duration = Duration::from_millis(220);
/// After that long without a frame, whatever comes next is drawn soon again.
const CALM: Duration = Duration::from_millis(300);
/// So many frames in a row, none of them after a calm, are no stream yet: a change, a second that passes, a heartbeat.
const FEW: u32 = 4;

/// Decides when the next frame is due.
#[derive(Debug)]
pub(super) struct Pace {
    drawn_revision: Option<u64>,
    drawn_at: Option<Instant>,
    /// Time to the next frame that data causes.
    gap: Duration,
    /// Frames that data has caused since it was calm.
    streak: u32,
    urgent: bool,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self { drawn_revision: None, drawn_at: None, gap: FRAME, streak: 0, urgent: true }
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
    pub(super) fn drawn(&mut self, revision: u64, at: Instant) {
        if !self.urgent {
            let is_soon = self.drawn_at.is_some_and(|before| at.duration_since(before) < CALM);
            self.streak = if is_soon { self.streak.saturating_add(1) } else { 0 };
            self.gap = if self.streak > FEW { (self.gap * 2).min(LONGEST) } else { FRAME };
        }
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
            Some(at) if !self.urgent => Some((at + self.gap).max(now)),
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

    #[test]
    fn where_data_keeps_coming_frames_come_less_often_until_it_is_calm() {
        let mut at = Instant::now();
        let mut pace = Pace::new();
        pace.drawn(0, at);
        let mut gaps = Vec::new();
        for revision in 1..10 {
            let due = pace.due(revision, at).unwrap();
            gaps.push(due - at);
            at = due;
            pace.drawn(revision, at);
        }
        assert_eq!(gaps, [33, 33, 33, 33, 33, 66, 132, 220, 220].map(Duration::from_millis));
        let calm = at + Duration::from_millis(400);
        assert_eq!(pace.due(10, calm), Some(calm), "the first after a pause at once");
        pace.drawn(10, calm);
        assert_eq!(pace.due(11, calm), Some(calm + FRAME), "and the next as soon as ever");
    }
}
