//! Evidence that is mixed over several alternatives and over the time at which trouble begins.

/// Share of the capital that is bet from the first interval on: most bad versions are bad at once.
const AT_ONCE: f64 = 0.22;
/// Share of the capital whose bets begin evenly over the horizon.
const WITHIN_HORIZON: f64 = 0.7;
/// The horizon in seconds, 45 minutes. What is left of the capital begins later, with an ever smaller share.
const HORIZON: f64 = 2_700.0;
/// The smallest and largest logarithm that is kept, so that every number has a finite form.
const LIMIT: f64 = 600.0;
/// Digits kept of a logarithm; always rounded down.
const PRECISION: f64 = 10_000.0;

/// The capital of a sequential test.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// Natural logarithm of the capital of each alternative; the share that has not been bet yet is not in it.
    pub logs: Vec<f64>,
    /// Share of the capital that has been bet.
    pub begun: f64,
    /// Seconds that were counted.
    pub elapsed: f64,
    /// Natural logarithm of the highest evidence so far.
    pub highest: f64,
    /// What the leading alternative has gained since it last had to start anew.
    pub run: f64,
}

impl Mixture {
    /// A test of so many alternatives that has seen nothing.
    #[must_use]
    pub fn new(alternatives: usize) -> Self {
        Self { logs: vec![-LIMIT; alternatives], begun: 0.0, elapsed: 0.0, highest: 0.0, run: 0.0 }
    }

    /// Counts one interval: `gains` are the logarithms of its factors, one per alternative.
    ///
    /// Returns whether the leading alternative starts anew: the trouble, if there is any, begins after this interval.
    pub fn count(&mut self, gains: &[f64], seconds: f64, weights: &[f64]) -> bool {
        let share = begun(self.elapsed);
        let fresh = (share - self.begun).max(0.0);
        for (log, gain) in self.logs.iter_mut().zip(gains) {
            *log = kept((log.exp() + fresh).ln() + gain);
        }
        self.begun = share;
        self.elapsed += seconds;
        self.highest = self.highest.max(self.log_evidence(weights));
        let gained = self.run + gains.get(self.leader(weights)).copied().unwrap_or(0.0);
        self.run = kept(gained.max(0.0));
        gained <= 0.0
    }

    /// Natural logarithm of the evidence: the mean capital of the alternatives, and what has not been bet.
    #[must_use]
    pub fn log_evidence(&self, weights: &[f64]) -> f64 {
        let capital: f64 = self.logs.iter().zip(weights).map(|(log, weight)| weight * log.exp()).sum();
        (capital + 1.0 - self.begun).ln()
    }

    /// The alternative that has most of the capital.
    fn leader(&self, weights: &[f64]) -> usize {
        let share = |at: usize| self.logs[at] + weights[at].ln();
        let places = 0..self.logs.len().min(weights.len());
        places.max_by(|a, b| share(*a).total_cmp(&share(*b))).unwrap_or(0)
    }
}

/// A logarithm as it is stored: finite, and never more than it was.
#[must_use]
pub(crate) fn kept(log: f64) -> f64 {
    let log = if log.is_nan() { -LIMIT } else { log.clamp(-LIMIT, LIMIT) };
    (log * PRECISION).floor() / PRECISION
}

/// Share of the capital whose bets have begun after so many seconds.
fn begun(elapsed: f64) -> f64 {
    if elapsed <= HORIZON {
        AT_ONCE + WITHIN_HORIZON * elapsed / HORIZON
    } else {
        1.0 - (1.0 - AT_ONCE - WITHIN_HORIZON) * HORIZON / elapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WEIGHTS: [f64; 2] = [0.25, 0.75];

    proptest! {
        #[test]
        fn a_fair_bet_leaves_the_expected_evidence_as_it_is(
            odds in proptest::collection::vec((0.05..0.95_f64, 1.0..60.0_f64, any::<bool>()), 1..200),
        ) {
            let mut mixture = Mixture::new(2);
            for (chance, seconds, won) in odds {
                // wins 1 / chance and 1 / sqrt(chance) with that chance
                let other = ((1.0 - chance.sqrt()) / (1.0 - chance)).ln();
                let outcomes = [[-chance.ln(), -chance.ln() / 2.0], [-60.0, other]];
                let before = mixture.log_evidence(&WEIGHTS).exp();
                let after = outcomes.map(|gains| {
                    let mut next = mixture.clone();
                    next.count(&gains, seconds, &WEIGHTS);
                    next.log_evidence(&WEIGHTS).exp()
                });
                let expected = chance * after[0] + (1.0 - chance) * after[1];
                // rounded down, and by little
                prop_assert!(expected <= before * (1.0 + 1e-9), "{expected} {before}");
                prop_assert!(expected >= before * (1.0 - 1e-3), "{expected} {before}");
                mixture.count(&outcomes[usize::from(!won)], seconds, &WEIGHTS);
                prop_assert!(mixture.logs.iter().all(|log| log.is_finite()) && mixture.highest.is_finite());
            }
        }
    }

    #[test]
    fn late_trouble_is_found_as_an_onset() {
        let mut mixture = Mixture::new(2);
        let mut onsets = Vec::new();
        for interval in 0..150 {
            let gain = if interval < 120 { -0.2 } else { 1.0 };
            onsets.push(mixture.count(&[gain, gain], 15.0, &WEIGHTS));
        }
        let last = onsets.iter().rposition(|is_onset| *is_onset).unwrap();
        assert_eq!(last, 119);
        assert!(mixture.highest > 100.0_f64.ln(), "{}", mixture.highest);
    }
}
