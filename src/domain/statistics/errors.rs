//! Whether a canary fails more of its requests than the stable track does.

/// Risk ratios that are bet on.
pub const RATIOS: [f64; 8] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0];
/// Share of the capital that is bet on each ratio: most of it where a verdict takes longest.
pub const WEIGHTS: [f64; 8] = [0.04, 0.12, 0.27, 0.28, 0.16, 0.1, 0.02, 0.01];

/// Requests and failed requests of both tracks in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Split {
    /// Requests of the canary.
    pub requests: f64,
    /// Failed requests of the canary.
    pub errors: f64,
    /// Requests of the stable track.
    pub stable_requests: f64,
    /// Failed requests of the stable track.
    pub stable_errors: f64,
}

impl Split {
    /// The canary's share of all requests.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.requests / (self.requests + self.stable_requests)
    }
}

/// Logarithm of the factor of one interval for a risk ratio, against ratios up to `tolerated` (1: equally good).
///
/// Given the two numbers of requests its expectation is at most 1 for all risks `p ≤ tolerated · p_stable`, also where the risks
/// differ from interval to interval: `(1 + p (ab - 1))^n (1 + p_s (b - 1))^n_s` is at most `exp` of a sum that is not positive.
#[must_use]
pub fn gain(split: &Split, ratio: f64, tolerated: f64) -> f64 {
    let share = split.share();
    let b = (share * tolerated + 1.0 - share) / (share * ratio + 1.0 - share);
    let a = ratio / tolerated;
    split.errors * (a * b).ln() + split.stable_errors * b.ln()
}

/// The factors of one interval for all ratios, as logarithms, tempered by `1 / dispersion`.
#[must_use]
pub fn gains(split: &Split, dispersion: f64) -> [f64; RATIOS.len()] {
    RATIOS.map(|ratio| gain(split, ratio, 1.0) / dispersion.max(1.0))
}

/// Mean growth of the log-evidence per request of the canary if its risk is `ratio` times that of the stable track.
#[must_use]
pub fn growth(risk: f64, share: f64, ratio: f64) -> f64 {
    if !(share > 0.0 && share < 1.0 && risk > 0.0) {
        return 0.0;
    }
    let canary = share * ratio / (share * ratio + 1.0 - share);
    let divergence = canary * (canary / share).ln() + (1.0 - canary) * ((1.0 - canary) / (1.0 - share)).ln();
    risk * (share * ratio + 1.0 - share) * divergence / share
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The expected factor of an interval, given its two numbers of requests, when every request fails independently.
    fn expectation(
        requests: f64,
        stable_requests: f64,
        risks: (f64, f64),
        ratio: f64,
        tolerated: f64,
    ) -> f64 {
        let factor = |errors: f64, stable_errors: f64| {
            gain(&Split { requests, errors, stable_requests, stable_errors }, ratio, tolerated).exp()
        };
        let (of_error, of_stable_error) = (factor(1.0, 0.0), factor(0.0, 1.0));
        let log = requests * (risks.0 * (of_error - 1.0)).ln_1p()
            + stable_requests * (risks.1 * (of_stable_error - 1.0)).ln_1p();
        log.exp()
    }

    fn binomial(n: u32, k: u32, p: f64) -> f64 {
        let choose = (0..k).fold(1.0, |product, i| product * f64::from(n - i) / f64::from(i + 1));
        choose * p.powi(k.cast_signed()) * (1.0 - p).powi((n - k).cast_signed())
    }

    #[test]
    fn the_closed_form_is_the_sum_over_all_outcomes() {
        let (n, m, p, q) = (4, 7, 0.2, 0.3);
        let mut sum = 0.0;
        for x in 0..=n {
            for y in 0..=m {
                let split = Split {
                    requests: f64::from(n),
                    errors: f64::from(x),
                    stable_requests: f64::from(m),
                    stable_errors: f64::from(y),
                };
                sum += binomial(n, x, p) * binomial(m, y, q) * gain(&split, 3.0, 1.0).exp();
            }
        }
        let expected = expectation(f64::from(n), f64::from(m), (p, q), 3.0, 1.0);
        assert!((sum - expected).abs() < 1e-12, "{sum} {expected}");
        assert!(sum <= 1.0);
    }

    proptest! {
        #[test]
        fn no_bet_pays_while_the_canary_is_not_worse(
            requests in 1..100_000_u32, stable_requests in 1..100_000_u32, stable_risk in 0.0..1.0_f64,
            better in 0.0..=1.0_f64, at in 0..RATIOS.len(), tolerated in 1.0..4.0_f64, dispersion in 1.0..20.0_f64,
        ) {
            let ratio = RATIOS[at] * tolerated;
            let risk = (stable_risk * tolerated).min(1.0) * better;
            let risks = (risk.min(stable_risk * tolerated), stable_risk);
            let (n, m) = (f64::from(requests), f64::from(stable_requests));
            prop_assert!(expectation(n, m, risks, ratio, tolerated) <= 1.0 + 1e-9);
            // Jensen: a tempered factor is expected to be no more
            let split = Split { requests: n, errors: n * risk, stable_requests: m, stable_errors: m * stable_risk };
            let tempered = gains(&split, dispersion)[at] * dispersion;
            prop_assert!((tempered - gain(&split, RATIOS[at], 1.0)).abs() < 1e-6 * tempered.abs().max(1.0));
        }

        #[test]
        fn a_worse_canary_makes_it_grow(risk in 0.001..0.1_f64, share in 0.01..0.9_f64, ratio in 1.3..10.0_f64) {
            prop_assert!(growth(risk, share, ratio) > 0.0);
        }
    }
}
