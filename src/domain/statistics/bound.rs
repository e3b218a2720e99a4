//! Whether a canary fails at most so many more of its requests than the stable track does.

use super::errors::Split;

/// Factors by which an error of the canary shrinks the capital of each bet.
pub(crate) const BETS: [f64; 6] = [0.9, 0.75, 0.5, 0.25, 0.1, 0.02];

/// Logarithms of the factors of one interval, tempered by `1 / dispersion`: their expectation is at most 1 while the canary's risk is
/// at least `difference` higher than that of the stable track.
#[must_use]
pub(crate) fn gains(split: &Split, difference: f64, dispersion: f64) -> [f64; BETS.len()] {
    BETS.map(|bet| {
        let kept = 1.0 + split.requests / split.stable_requests * (1.0 - bet);
        let gain = split.errors * bet.ln()
            + split.stable_errors * kept.ln()
            + split.requests * difference * (1.0 - bet);
        gain / dispersion.max(1.0)
    })
}

/// Logarithm of the mean capital of all bets.
#[must_use]
pub(crate) fn log_evidence(logs: &[f64]) -> f64 {
    let capital: f64 = logs.iter().map(|log| log.exp()).sum();
    #[expect(clippy::cast_precision_loss, reason = "six bets")]
    let bets = logs.len().max(1) as f64;
    (capital / bets).max(f64::MIN_POSITIVE).ln()
}

/// Mean growth of the log-evidence per request of the canary if it is equally good.
#[must_use]
pub(crate) fn growth(risk: f64, share: f64, difference: f64) -> f64 {
    if !(share > 0.0 && share < 1.0) {
        return 0.0;
    }
    let odds = share / (1.0 - share);
    let of_bet =
        |bet: f64| risk * bet.ln() + risk / odds * (odds * (1.0 - bet)).ln_1p() + difference * (1.0 - bet);
    BETS.into_iter().map(of_bet).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bet_pays_while_the_canary_is_worse_by_the_difference(
            requests in 1..50_000_u32, stable_requests in 1..50_000_u32, stable_risk in 0.0..0.9_f64,
            difference in 0.0001..0.1_f64, more in 0.0..0.1_f64,
        ) {
            let (n, m) = (f64::from(requests), f64::from(stable_requests));
            let risk = (stable_risk + difference + more).min(1.0);
            prop_assume!(risk >= stable_risk + difference);
            let of = |errors, stable_errors| {
                let split = Split { requests: n, errors, stable_requests: m, stable_errors };
                gains(&split, difference, 1.0)
            };
            let (none, one, stable_one) = (of(0.0, 0.0), of(1.0, 0.0), of(0.0, 1.0));
            for at in 0..BETS.len() {
                let of_error = (one[at] - none[at]).exp() - 1.0;
                let of_stable_error = (stable_one[at] - none[at]).exp() - 1.0;
                let log = none[at] + n * (risk * of_error).ln_1p() + m * (stable_risk * of_stable_error).ln_1p();
                prop_assert!(log <= 1e-6, "{log}");
            }
        }
    }

    #[test]
    fn few_requests_without_an_error_pass_a_point() {
        // 1 % more errors: passes with 95 % confidence after some 420 requests of the canary
        let passes = |requests: f64, errors: f64| {
            let split =
                Split { requests, errors, stable_requests: 9.0 * requests, stable_errors: 9.0 * errors };
            log_evidence(&gains(&split, 0.01, 1.0)) >= 20.0_f64.ln()
        };
        assert!(!passes(380.0, 0.0) && passes(460.0, 0.0));
        assert!(!passes(1_000.0, 10.0) && passes(1_800.0, 18.0));
    }
}
