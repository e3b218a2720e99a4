//! Rewriting what is merely told, at a limited rate: when many releases wait, whatever somebody asked for comes first.

use std::sync::Mutex;
use std::time::Duration;

use super::lock::locked;
use crate::time::Stopwatch;

/// That many at once.
const BURST: u32 = 50;
/// After these, one in this time.
const EVERY: Duration = Duration::from_millis(40);

/// What may still be rewritten.
pub(super) struct RateLimiter(Mutex<(Stopwatch, Left)>);

impl Default for RateLimiter {
    fn default() -> Self {
        Self(Mutex::new((Stopwatch::start(), Left { count: BURST, at: Duration::ZERO })))
    }
}

impl RateLimiter {
    /// Whether one more may be rewritten now.
    pub(super) fn take(&self) -> bool {
        let (since, left) = &mut *locked(&self.0);
        left.take(since.elapsed())
    }
}

/// How many are left, as of that time after the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Left {
    count: u32,
    at: Duration,
}

impl Left {
    fn take(&mut self, now: Duration) -> bool {
        let earned = now.saturating_sub(self.at).as_millis() / EVERY.as_millis();
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        self.at = if earned >= BURST { now } else { self.at + EVERY * earned };
        self.count = self.count.saturating_add(earned).min(BURST);
        let is_left = self.count > 0;
        self.count = self.count.saturating_sub(1);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_then_one_at_a_time() {
        let mut left = Left { count: BURST, at: Duration::ZERO };
        let mut taken = |milliseconds: u64| left.take(Duration::from_millis(milliseconds));
        assert!((0..BURST).all(|_| taken(0)));
        for (at, expected) in
            [(0, false), (39, false), (40, true), (41, false), (119, true), (120, true), (121, false)]
        {
            assert_eq!(taken(at), expected, "{at} ms");
        }
        // nothing is earned beyond a burst
        assert_eq!((0..2 * BURST).filter(|_| taken(1_000_000)).count(), BURST as usize);
    }
}
