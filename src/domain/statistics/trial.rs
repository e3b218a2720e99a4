//! One comparison of a canary with the stable track, from its first interval to its last.

use super::dispersion::Dispersion;
use super::errors::Split;
use super::mixture::{Mixture, kept};
use super::{bound, errors, ridits};

/// The counts of one interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// Its length in seconds.
    pub seconds: f64,
    /// Requests and errors of both tracks.
    pub split: Split,
    /// Errors and requests of each pod of the stable track, where they are known apart.
    pub pods: Vec<(f64, f64)>,
}

/// The requests of one interval by how long they took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    /// Its length in seconds.
    pub seconds: f64,
    /// The canary's requests in each bucket.
    pub canary: Vec<f64>,
    /// Those of each pod of the stable track.
    pub pods: Vec<Vec<f64>>,
}

/// A comparison and all that it has to remember.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The evidence that the canary is worse.
    pub worse: Mixture,
    /// Logarithms of the capital bet on a canary that is not worse by more than the smallest difference.
    pub bound: Vec<f64>,
    /// How unevenly errors spread over the pods of the stable track.
    pub dispersion: Dispersion,
    /// Errors and requests of the stable track in the interval before, where its pods are not known apart.
    pub before: Option<(f64, f64)>,
    /// Everything that was counted.
    pub total: Split,
    /// What was counted since the present trouble began, if there is any.
    pub recent: Split,
    /// What had been counted of it when the evidence was highest.
    pub highest: Split,
}

impl Trial {
    /// Of failed requests; with a smallest difference also of whether the canary stays below it.
    #[must_use]
    pub fn of_errors(is_bounded: bool) -> Self {
        Self::new(errors::RATIOS.len(), if is_bounded { bound::BETS.len() } else { 0 })
    }

    /// Of how long requests take.
    #[must_use]
    pub fn of_durations() -> Self {
        Self::new(ridits::LEANS.len(), 0)
    }

    fn new(alternatives: usize, bets: usize) -> Self {
        Self {
            worse: Mixture::new(alternatives),
            bound: vec![0.0; bets],
            dispersion: Dispersion::default(),
            before: None,
            total: Split::default(),
            recent: Split::default(),
            highest: Split::default(),
        }
    }

    /// Counts an interval of requests and errors. One in which a track had no requests says nothing.
    pub fn count(&mut self, interval: &Interval, smallest_difference: Option<f64>) {
        let split = clean(&interval.split);
        if split.requests <= 0.0 || split.stable_requests <= 0.0 {
            return;
        }
        // the dispersion of an interval must not depend on that interval
        let dispersion = self.dispersion.factor();
        let mut gains = errors::gains(&split, dispersion);
        self.spread(interval, &split);
        // less evidence is always valid: what this interval says of the spread may only take some away
        let (slower, limit) = (dispersion / self.dispersion.factor(), self.dispersion.limit());
        for gain in &mut gains {
            *gain = gain.min(*gain * slower).min(limit);
        }
        self.advance(&gains, &errors::WEIGHTS, interval.seconds, &split);
        if let Some(difference) = smallest_difference {
            for (log, gain) in self.bound.iter_mut().zip(bound::gains(&split, difference, dispersion)) {
                *log = kept(*log + gain);
            }
        }
    }

    /// Learns from an interval how unevenly errors spread.
    fn spread(&mut self, interval: &Interval, split: &Split) {
        let serving = interval.pods.iter().filter(|(_, requests)| *requests > 0.0).count();
        if serving > 1 {
            self.dispersion.count(&interval.pods);
            self.before = None;
            return;
        }
        // one pod: neighbouring intervals stand for pods
        let now = (split.stable_errors, split.stable_requests);
        self.before = match self.before.take() {
            Some(before) => {
                self.dispersion.count(&[before, now]);
                None
            }
            None => Some(now),
        };
    }

    /// Counts an interval of durations.
    pub fn count_durations(&mut self, interval: &Durations) {
        let mut stable: Vec<f64> = Vec::new();
        for pod in &interval.pods {
            stable.resize(stable.len().max(pod.len()), 0.0);
            for (sum, count) in stable.iter_mut().zip(pod) {
                *sum += count;
            }
        }
        let split = Split {
            requests: interval.canary.iter().sum(),
            stable_requests: stable.iter().sum(),
            ..Split::default()
        };
        if split.requests <= 0.0 || split.stable_requests <= 0.0 {
            return;
        }
        let gains = ridits::gains(&interval.canary, &stable, self.dispersion.factor());
        self.advance(&gains, &ridits::WEIGHTS, interval.seconds, &split);
        let (squares, degrees) = ridits::spread(&interval.pods);
        self.dispersion.add(squares, degrees, 1.0);
    }

    fn advance(&mut self, gains: &[f64], weights: &[f64], seconds: f64, split: &Split) {
        let highest = self.worse.highest;
        let starts_anew = self.worse.count(gains, seconds, weights);
        add(&mut self.recent, split);
        add(&mut self.total, split);
        if self.worse.highest > highest {
            self.highest = self.recent;
        }
        if starts_anew {
            self.recent = Split::default();
        }
    }

    /// Natural logarithm of the evidence that the canary is worse.
    #[must_use]
    pub fn log_evidence(&self) -> f64 {
        let weights: &[f64] =
            if self.worse.logs.len() == errors::WEIGHTS.len() { &errors::WEIGHTS } else { &ridits::WEIGHTS };
        self.worse.log_evidence(weights)
    }

    /// Natural logarithm of the evidence that the canary is not worse by more than the smallest difference.
    #[must_use]
    pub fn log_bound(&self) -> Option<f64> {
        (!self.bound.is_empty()).then(|| bound::log_evidence(&self.bound))
    }
}

/// Counts that a broken query cannot push beyond what is possible.
fn clean(split: &Split) -> Split {
    let count = |number: f64| if number.is_finite() { number.max(0.0) } else { 0.0 };
    let (requests, stable_requests) = (count(split.requests), count(split.stable_requests));
    Split {
        requests,
        errors: count(split.errors).min(requests),
        stable_requests,
        stable_errors: count(split.stable_errors).min(stable_requests),
    }
}

fn add(sum: &mut Split, more: &Split) {
    sum.requests += more.requests;
    sum.errors += more.errors;
    sum.stable_requests += more.stable_requests;
    sum.stable_errors += more.stable_errors;
}
