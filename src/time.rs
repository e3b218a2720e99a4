//! The only place that reads a clock.
//!
//! Everything that needs the present instant is handed a [`Clock`], so that the embedded world can run faster than the wall
//! and tests can stand still. Scaled clocks and stopwatches follow the runtime: while a test has paused its time, they measure that.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

/// A source of the present instant. Cheap to clone; clones agree.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    System,
    Scaled { wall_start: Instant, start: DateTime<Utc>, factor: f64 },
    Manual(AtomicI64),
    Stepped { base: Clock, micros: AtomicI64 },
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Kind::System))
    }

    /// A clock that starts at `start` and runs `factor` times as fast as the wall. Factors that are not above 0 count as 1.
    #[must_use]
    pub fn scaled(start: DateTime<Utc>, factor: f64) -> Self {
        let factor = if factor.is_finite() && factor > 0.0 { factor } else { 1.0 };
        Self(Arc::new(Kind::Scaled { wall_start: Instant::now(), start, factor }))
    }

    /// A clock that stands still until [`Clock::advance`].
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Arc::new(Kind::Manual(AtomicI64::new(start.timestamp_micros()))))
    }

    /// A clock that runs as this one does and whose wall time [`Clock::step`] sets alone, as on another machine.
    #[must_use]
    pub fn on_another_machine(&self) -> Self {
        Self(Arc::new(Kind::Stepped { base: self.clone(), micros: AtomicI64::new(0) }))
    }

    /// Sets the wall time of a clock [`on_another_machine`](Clock::on_another_machine) forward or back, as NTP or an operator does. Its monotonic
    /// time does not change; other clocks are left alone.
    pub fn step(&self, by: TimeDelta) {
        if let Kind::Stepped { micros, .. } = &*self.0 {
            micros.fetch_add(by.num_microseconds().unwrap_or_default(), Ordering::AcqRel);
        }
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &*self.0 {
            Kind::System => Utc::now(),
            Kind::Scaled { wall_start, start, factor } => {
                let micros = wall_start.elapsed().mul_f64(*factor).as_micros();
                *start + i64::try_from(micros).map_or(TimeDelta::MAX, TimeDelta::microseconds)
            }
            Kind::Manual(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::Acquire)).unwrap_or_default()
            }
            Kind::Stepped { base, micros } => {
                base.now() + TimeDelta::microseconds(micros.load(Ordering::Acquire))
            }
        }
    }

    /// Time since some instant in the past, on a clock that nobody can set: only differences mean something, and only within a process.
    /// It may stand still while the machine sleeps.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        static ORIGIN: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
        match &*self.0 {
            Kind::System => ORIGIN.elapsed(),
            Kind::Scaled { wall_start, factor, .. } => wall_start.elapsed().mul_f64(*factor),
            Kind::Manual(micros) => {
                Duration::from_micros(u64::try_from(micros.load(Ordering::Acquire)).unwrap_or_default())
            }
            Kind::Stepped { base, .. } => base.monotonic(),
        }
    }

    /// Moves a manual clock forward; other clocks move by themselves.
    pub fn advance(&self, by: Duration) {
        if let Kind::Manual(micros) = &*self.0 {
            micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::AcqRel);
        }
    }

    /// How long to sleep on the wall for `span` to pass on this clock; `span` itself on a manual clock.
    #[must_use]
    pub fn wall(&self, span: Duration) -> Duration {
        match &*self.0 {
            Kind::Scaled { factor, .. } => span.div_f64(*factor),
            Kind::Stepped { base, .. } => base.wall(span),
            Kind::System | Kind::Manual(_) => span,
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// Measures how long something takes on the machine, whatever clock the world runs on.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// A running stopwatch.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_moved() {
        let start = DateTime::from_timestamp(1_000, 0).unwrap();
        let clock = Clock::manual(start);
        assert_eq!(clock.now(), start);
        clock.clone().advance(Duration::from_secs(3));
        assert_eq!(clock.now(), start + TimeDelta::seconds(3));
    }

    #[test]
    fn monotonic_time_passes_as_the_clock_does() {
        let manual = Clock::manual(DateTime::from_timestamp(1_000, 0).unwrap());
        let before = manual.monotonic();
        manual.advance(Duration::from_secs(7));
        assert_eq!(manual.monotonic().checked_sub(before), Some(Duration::from_secs(7)));
        for clock in [Clock::system(), Clock::scaled(DateTime::UNIX_EPOCH, 20.0)] {
            let before = clock.monotonic();
            assert!(clock.monotonic() >= before);
        }
    }

    #[test]
    fn the_clock_of_another_machine_is_set_alone() {
        let manual = Clock::manual(DateTime::from_timestamp(1_000, 0).unwrap());
        let other = manual.on_another_machine();
        assert_eq!(other.now(), manual.now());
        let before = other.monotonic();
        for by in [TimeDelta::seconds(-90), TimeDelta::seconds(30)] {
            other.step(by);
        }
        manual.advance(Duration::from_secs(7));
        assert_eq!(other.now(), manual.now() - TimeDelta::seconds(60));
        assert_eq!(other.monotonic().checked_sub(before), Some(Duration::from_secs(7)));
        // nobody sets the time of the machine itself
        manual.step(TimeDelta::seconds(5));
        assert_eq!(manual.now().timestamp(), 1_007);
    }

    #[tokio::test(start_paused = true)]
    async fn scaled_clocks_and_stopwatches_follow_the_time_of_the_runtime() {
        let (clock, watch) = (Clock::scaled(DateTime::UNIX_EPOCH, 20.0), Stopwatch::start());
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!((clock.now().timestamp(), clock.monotonic().as_secs()), (72_000, 72_000));
        assert_eq!(watch.elapsed().as_secs(), 3600);
    }

    #[test]
    fn a_scaled_clock_shortens_sleeps() {
        let clock = Clock::scaled(DateTime::UNIX_EPOCH, 20.0);
        assert_eq!(clock.wall(Duration::from_secs(20)), Duration::from_secs(1));
    }
}
