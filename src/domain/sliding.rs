//! Samples over a sliding range that grow by what is new: which part is still to be asked for, and how an answer is merged into
//! what is kept.
//!
//! Owns the arithmetic alone: `metrics` asks. Times are Unix seconds.

/// Samples that a range holds at most.
const RESOLUTION: f64 = 240.0;
/// Steps, in seconds, that read well on an axis.
const STEPS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0];
/// The newest samples are asked for again: scrapes that came late may have changed them.
const REFETCHED_STEPS: f64 = 3.0;

/// One sample: when, and what.
pub type Sample = (f64, f64);

/// What is kept of one query, curve by curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Sliding<K> {
    range: f64,
    step: f64,
    kept: Vec<(K, Vec<Sample>)>,
    until: Option<f64>,
}

/// Distance of samples over a range of that many seconds.
#[must_use]
pub fn step(range: f64) -> f64 {
    STEPS.into_iter().find(|step| range / step <= RESOLUTION).unwrap_or(range / RESOLUTION)
}

impl<K: PartialEq> Sliding<K> {
    /// Nothing yet, over the last `range` seconds.
    #[must_use]
    pub fn new(range: f64) -> Self {
        Self { range, step: step(range), kept: Vec::new(), until: None }
    }

    /// Seconds between two samples.
    #[must_use]
    pub const fn step(&self) -> f64 {
        self.step
    }

    /// Seconds that are kept.
    #[must_use]
    pub const fn range(&self) -> f64 {
        self.range
    }

    /// Everything is due at the next fetch. What is kept is shown until then.
    pub const fn forget(&mut self) {
        self.until = None;
    }

    /// Start and end of the next fetch, on multiples of the step so that samples of two fetches agree.
    #[must_use]
    pub fn due(&self, now: f64) -> (f64, f64) {
        let end = (now / self.step).floor() * self.step;
        let whole = ((now - self.range) / self.step).ceil() * self.step;
        match self.until {
            // A clock that went back, or a pause longer than what is kept: begin anew.
            Some(until) if until <= end && until > whole => {
                ((until - REFETCHED_STEPS * self.step).max(whole), end)
            }
            _ => (whole, end),
        }
    }

    /// Takes in what was found between two instants: it takes the place of what was known of that time, and what is older than the
    /// range leaves. A curve without a sample in range is gone.
    pub fn merge(&mut self, found: Vec<(K, Vec<Sample>)>, (start, end): (f64, f64)) {
        let half = self.step / 2.0;
        let oldest = end - self.range - half;
        for (_, samples) in &mut self.kept {
            samples.retain(|(at, _)| *at >= oldest && *at < start - half);
        }
        for (key, samples) in found {
            match self.kept.iter_mut().find(|(known, _)| *known == key) {
                Some((_, kept)) => kept.extend(samples),
                None => self.kept.push((key, samples)),
            }
        }
        self.kept.retain(|(_, samples)| !samples.is_empty());
        self.until = Some(end);
    }

    /// Every curve.
    #[must_use]
    pub fn curves(&self) -> &[(K, Vec<Sample>)] {
        &self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(range: f64) -> Sliding<char> {
        Sliding::new(range)
    }

    #[test]
    fn steps_read_well_and_fit_the_pane() {
        for (range, expected) in [
            (120.0, 1.0),
            (1_800.0, 10.0),
            (3_600.0, 15.0),
            (86_400.0, 600.0),
            (604_800.0, 3_600.0),
            (2_000_000.0, 2_000_000.0 / 240.0),
        ] {
            assert!((step(range) - expected).abs() < f64::EPSILON, "{range}: {}", step(range));
        }
    }

    #[test]
    fn only_new_samples_are_due_until_something_went_wrong() {
        let mut curves = of(1_800.0);
        assert_eq!(curves.due(10_003.0), (8_210.0, 10_000.0));
        curves.until = Some(10_000.0);
        assert_eq!(curves.due(10_014.0), (9_970.0, 10_010.0));
        assert_eq!(curves.due(9_000.0), (7_200.0, 9_000.0), "the clock went back");
        assert_eq!(curves.due(12_000.0), (10_200.0, 12_000.0), "a long pause");
        curves.forget();
        assert_eq!(curves.due(10_014.0), (8_220.0, 10_010.0));
    }

    #[test]
    fn new_samples_replace_the_newest_and_old_ones_leave() {
        let mut curves = of(100.0);
        let old: Vec<Sample> = (0..=100).map(|t| (f64::from(t), 1.0)).collect();
        curves.merge(vec![('a', old)], (0.0, 100.0));
        let new = vec![(98.0, 2.0), (99.0, 2.0), (100.0, 2.0), (103.0, 2.0)];
        curves.merge(vec![('a', new)], (97.0, 103.0));
        let samples = &curves.curves()[0].1;
        assert_eq!(samples.first(), Some(&(3.0, 1.0)));
        let last = [(96.0, 1.0), (98.0, 2.0), (99.0, 2.0), (100.0, 2.0), (103.0, 2.0)];
        assert_eq!(samples[samples.len() - 5..], last);
        curves.merge(Vec::new(), (100.0, 300.0));
        assert_eq!(curves.curves(), [], "a curve without samples in range is gone");
    }

    /// What a server that never changes its mind answers: two curves, the second of which has holes.
    fn answer((start, end): (f64, f64), step: f64) -> Vec<(char, Vec<Sample>)> {
        let at = |keep: fn(i64) -> bool| -> Vec<Sample> {
            #[expect(clippy::cast_possible_truncation, reason = "small numbers of a test")]
            let (first, last) = ((start / step).round() as i64, (end / step).round() as i64);
            #[expect(clippy::cast_precision_loss, reason = "small numbers of a test")]
            (first..=last).filter(|n| keep(*n)).map(|n| (n as f64 * step, (n * n % 97) as f64)).collect()
        };
        let all = [('a', at(|_| true)), ('b', at(|n| n % 50 < 20))];
        all.into_iter().filter(|(_, samples)| !samples.is_empty()).collect()
    }

    proptest! {
        /// However the fetches are spread over time, what is kept is what one fetch of everything would have brought.
        #[test]
        fn many_fetches_bring_what_one_would(
            range in prop::sample::select(vec![300.0, 900.0, 1_800.0, 3_600.0, 86_400.0]),
            pauses in prop::collection::vec((0.0..2.5_f64, prop::bool::weighted(0.1)), 1..40),
        ) {
            let mut grown = of(range);
            let mut now = 1_000_000.0;
            for (pause, is_lost) in pauses {
                // sometimes longer than the whole range
                now += pause * pause * pause * range / 10.0;
                if is_lost {
                    grown.forget();
                }
                let due = grown.due(now);
                prop_assert!(due.0 >= now - range - 1e-6 && due.1 <= now && due.0 <= due.1 + grown.step());
                let found = answer(due, grown.step());
                grown.merge(found, due);
            }
            let mut whole = of(range);
            let due = whole.due(now);
            whole.merge(answer(due, whole.step()), due);
            let sorted = |sliding: &Sliding<char>| {
                let mut curves: Vec<(char, Vec<(i64, i64)>)> = sliding.curves().iter().map(|(key, samples)| {
                    #[expect(clippy::cast_possible_truncation, reason = "small numbers of a test")]
                    let samples = samples
                        .iter()
                        .filter(|(at, _)| *at >= due.0 - 1e-6)
                        .map(|(at, value)| (at.round() as i64, *value as i64));
                    (*key, samples.collect::<Vec<_>>())
                }).filter(|(_, samples)| !samples.is_empty()).collect();
                curves.sort();
                curves
            };
            prop_assert_eq!(sorted(&grown), sorted(&whole));
        }

        #[test]
        fn samples_are_in_the_order_of_their_times(pauses in prop::collection::vec(0.0..900.0_f64, 1..30)) {
            let mut grown = of(1_800.0);
            let mut now = 50_000.0;
            for pause in pauses {
                now += pause;
                let due = grown.due(now);
                let found = answer(due, grown.step());
                grown.merge(found, due);
                for (_, samples) in grown.curves() {
                    prop_assert!(samples.windows(2).all(|pair| pair[0].0 < pair[1].0));
                }
            }
        }
    }
}
