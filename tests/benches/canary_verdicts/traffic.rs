//! Seeded random traffic of a canary beside a stable track of four pods.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a simulation of small counts"
)]

use release_cockpit::domain::statistics::errors::Split;
use release_cockpit::domain::statistics::trial::Interval;

/// Pods of the stable track.
const PODS: usize = 4;
/// Mean length of a burst of errors.
const BURST: f64 = 5.0;

/// A small generator (xorshift64*), so that each run can be repeated.
pub struct Chance(u64);

impl Chance {
    /// One of the sequences.
    pub fn new(seed: u64) -> Self {
        let mut seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((seed ^ (seed >> 31)) | 1)
    }

    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A Poisson draw.
    pub fn poisson(&mut self, mean: f64) -> f64 {
        if mean > 200.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0);
        }
        // sums of smaller draws, each by multiplying
        let mut left = mean;
        let mut drawn = 0.0;
        while left > 0.0 {
            let part = left.min(30.0);
            left -= part;
            let limit = (-part).exp();
            let mut product = self.unit();
            while product > limit {
                drawn += 1.0;
                product *= self.unit();
            }
        }
        drawn
    }

    fn burst(&mut self) -> f64 {
        1.0 + ((1.0 - self.unit()).ln() / (1.0 - 1.0 / BURST).ln()).floor()
    }
}

/// What the two tracks do.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// Requests per second of both together.
    pub rate: f64,
    /// Risk of an error in the stable track.
    pub risk: f64,
    /// The canary's share of the requests.
    pub weight: f64,
    /// The canary's risk as a multiple, from the onset on.
    pub ratio: f64,
    /// When the canary becomes worse, in seconds.
    pub onset: f64,
    /// Whether errors come in bursts that hit one pod.
    pub bursty: bool,
}

impl World {
    /// Plays until `end` or until the visitor is done, who sees the end and the counts of each interval. Where a track had no
    /// requests, an interval grows until it has.
    pub fn run(
        &self,
        chance: &mut Chance,
        step: f64,
        end: f64,
        mut visit: impl FnMut(f64, &Interval) -> bool,
    ) {
        let mut at = 0.0;
        let mut open: Option<Interval> = None;
        while at < end {
            let next = self.interval(chance, at, step);
            at += step;
            let interval = open.take().map_or(next.clone(), |open| together(&open, &next));
            if interval.split.requests <= 0.0 || interval.split.stable_requests <= 0.0 {
                open = Some(interval);
            } else if visit(at, &interval) {
                return;
            }
        }
    }

    /// The counts of one interval that begins then.
    fn interval(&self, chance: &mut Chance, begin: f64, seconds: f64) -> Interval {
        let ratio = if begin >= self.onset { self.ratio } else { 1.0 };
        let (requests, errors) = self.pod(chance, self.weight, ratio, seconds);
        let share = (1.0 - self.weight) / PODS as f64;
        let pods: Vec<(f64, f64)> = (0..PODS)
            .map(|_| {
                let (requests, errors) = self.pod(chance, share, 1.0, seconds);
                (errors, requests)
            })
            .collect();
        let split = Split {
            requests,
            errors,
            stable_requests: pods.iter().map(|(_, requests)| requests).sum(),
            stable_errors: pods.iter().map(|(errors, _)| errors).sum(),
        };
        Interval { seconds, split, pods }
    }

    /// Requests and errors of one pod.
    fn pod(&self, chance: &mut Chance, share: f64, ratio: f64, seconds: f64) -> (f64, f64) {
        let requests = chance.poisson(self.rate * share * seconds);
        let risk = (self.risk * ratio).min(1.0);
        let mean = self.rate * share * seconds * risk;
        let errors = if self.bursty {
            let bursts = chance.poisson(mean / BURST);
            (0..bursts as usize).map(|_| chance.burst()).sum()
        } else {
            chance.poisson(mean)
        };
        (requests.max(errors), errors)
    }
}

fn together(one: &Interval, two: &Interval) -> Interval {
    let (a, b) = (&one.split, &two.split);
    Interval {
        seconds: one.seconds + two.seconds,
        split: Split {
            requests: a.requests + b.requests,
            errors: a.errors + b.errors,
            stable_requests: a.stable_requests + b.stable_requests,
            stable_errors: a.stable_errors + b.stable_errors,
        },
        pods: one.pods.iter().zip(&two.pods).map(|(a, b)| (a.0 + b.0, a.1 + b.1)).collect(),
    }
}
