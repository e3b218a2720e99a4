//! How much more unevenly events spread than independent ones would.

/// Dispersion that is assumed before anything was seen.
const ASSUMED: f64 = 1.2;
/// How many degrees of freedom that assumption is worth.
const WORTH: f64 = 2.0;
/// The most that one interval may add to the logarithm of evidence while nothing is known of the spread.
const UNKNOWN: f64 = 2.5;
/// How much more each degree of freedom allows.
const PER_DEGREE: f64 = 1.5;

/// Pearson's chi-square over past intervals, weighted by their events: a large burst counts for as much as it can do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dispersion {
    /// Sum of the squares per degree of freedom, times the events.
    pub squares: f64,
    /// The events.
    pub events: f64,
    /// Degrees of freedom.
    pub degrees: f64,
}

impl Dispersion {
    /// Counts how the events of one interval spread over several parts, each as events and requests.
    pub fn count(&mut self, parts: &[(f64, f64)]) {
        let parts = || parts.iter().filter(|(_, requests)| *requests > 0.0);
        let events: f64 = parts().map(|(events, _)| events).sum();
        let requests: f64 = parts().map(|(_, requests)| requests).sum();
        let many = parts().count();
        if many < 2 || events <= 0.0 {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "the pods of a workload")]
        let degrees = many.saturating_sub(1) as f64;
        let square = |(found, of): &(f64, f64)| {
            let expected = events * of / requests;
            (found - expected).powi(2) / expected
        };
        self.add(parts().map(square).sum(), degrees, events);
    }

    /// Counts a chi-square with its degrees of freedom, as much as so many events.
    pub fn add(&mut self, square: f64, degrees: f64, events: f64) {
        if degrees > 0.0 && square.is_finite() {
            self.squares += events * square / degrees;
            self.events += events;
            self.degrees += degrees;
        }
    }

    /// Variance of the spread as a multiple of that of independent events; at least 1.
    #[must_use]
    pub fn factor(&self) -> f64 {
        let seen = if self.events > 0.0 { self.squares / self.events } else { 0.0 };
        ((ASSUMED * WORTH + seen * self.degrees) / (WORTH + self.degrees)).max(1.0)
    }

    /// The most by which one interval may raise the logarithm of evidence: little while nothing is known of how events spread.
    #[must_use]
    pub fn limit(&self) -> f64 {
        UNKNOWN + PER_DEGREE * self.degrees
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_on_one_pod_are_overdispersed_and_bursts_on_all_are_not() {
        let pods = |errors: [f64; 4]| errors.map(|errors| (errors, 100.0));
        let mut on_one = Dispersion::default();
        let mut on_all = Dispersion::default();
        for interval in 0..20 {
            let mut errors = [0.0; 4];
            errors[interval % 4] = 9.0;
            on_one.count(&pods(errors));
            let all = if interval % 2 == 0 { 9.0 } else { 0.0 };
            on_all.count(&pods([all, all + 1.0, all, all]));
        }
        assert!(on_one.factor() > 8.0, "{on_one:?}");
        assert!((on_all.factor() - 1.0).abs() < 0.2, "{on_all:?}");
    }

    #[test]
    fn a_large_burst_weighs_more_than_many_single_errors() {
        let mut dispersion = Dispersion::default();
        for _ in 0..20 {
            dispersion.count(&[(1.0, 100.0), (0.0, 100.0)]);
        }
        let before = dispersion.factor();
        dispersion.count(&[(20.0, 100.0), (0.0, 100.0)]);
        assert!(before < 1.1 && dispersion.factor() > 7.0, "{before} {}", dispersion.factor());
    }

    #[test]
    fn nothing_is_learned_from_one_pod_or_no_errors() {
        let mut dispersion = Dispersion::default();
        dispersion.count(&[(5.0, 100.0)]);
        dispersion.count(&[(0.0, 100.0), (0.0, 100.0)]);
        assert_eq!(dispersion, Dispersion::default());
        assert!(dispersion.factor() >= 1.0 && dispersion.limit() > 0.0);
    }
}
