//! The judges that are compared: ours, the fixed-sample z test asked at every look, and one in the manner of Kayenta.

#![allow(clippy::cast_precision_loss, reason = "a simulation of small counts")]

use release_cockpit::domain::statistics::trial::{Interval, Trial};

/// Says after each interval whether the canary fails.
pub trait Judge {
    fn fails(&mut self, interval: &Interval) -> bool;
}

/// The sequential test.
pub struct Ours {
    trial: Trial,
    limit: f64,
}

impl Ours {
    /// One that raises at most that share of false alarms.
    pub fn new(alpha: f64) -> Self {
        Self { trial: Trial::of_errors(false), limit: -alpha.ln() }
    }
}

impl Judge for Ours {
    fn fails(&mut self, interval: &Interval) -> bool {
        self.trial.count(interval, None);
        self.trial.log_evidence() >= self.limit
    }
}

/// A two-proportion z test with 95 % confidence over the last minute, asked anew after every interval.
#[derive(Default)]
pub struct Repeated {
    last: Vec<(f64, f64, f64, f64)>,
}

impl Judge for Repeated {
    fn fails(&mut self, interval: &Interval) -> bool {
        let split = &interval.split;
        self.last.push((split.errors, split.requests, split.stable_errors, split.stable_requests));
        if self.last.len() > 4 {
            self.last.remove(0);
        }
        let (x, n, y, m) = self.last.iter().fold((0.0, 0.0, 0.0, 0.0), |sum, one| {
            (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2, sum.3 + one.3)
        });
        if n < 50.0 || m < 50.0 {
            return false;
        }
        let pooled = (x + y) / (n + m);
        let variance = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m);
        variance > 0.0 && (x / n - y / m) / variance.sqrt() > 1.645
    }
}

/// Intervals that the judge in the manner of Kayenta looks back.
const LOOK_BACK: usize = 60;

/// Mann–Whitney over the error rates of the last 15 minutes with 98 % confidence, from the tenth interval on, and 25 % tolerance of the
/// means.
#[derive(Default)]
pub struct Kayenta {
    rates: Vec<(f64, bool)>,
}

impl Judge for Kayenta {
    fn fails(&mut self, interval: &Interval) -> bool {
        let split = &interval.split;
        if split.requests > 0.0 && split.stable_requests > 0.0 {
            self.rates.push((split.errors / split.requests, true));
            self.rates.push((split.stable_errors / split.stable_requests, false));
        }
        let half = self.rates.len() / 2;
        if half > LOOK_BACK {
            self.rates.drain(..2);
        }
        if half < 10 {
            return false;
        }
        let mean = |is_canary: bool| {
            self.rates.iter().filter(|(_, own)| *own == is_canary).map(|(rate, _)| rate).sum::<f64>()
        };
        mean(true) > 1.25 * mean(false) && self.z() > 2.326
    }
}

impl Kayenta {
    fn z(&self) -> f64 {
        let mut sorted = self.rates.clone();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut below, mut wins, mut ties, mut first, mut second) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for group in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
            let mine = group.iter().filter(|(_, own)| *own).count() as f64;
            let theirs = group.len() as f64 - mine;
            wins += mine * (below + theirs / 2.0);
            below += theirs;
            first += mine;
            second += theirs;
            let equal = group.len() as f64;
            ties += equal * (equal * equal - 1.0);
        }
        let all = first + second;
        let variance = first * second / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
        if variance <= 0.0 { 0.0 } else { (wins - first * second / 2.0) / variance.sqrt() }
    }
}
