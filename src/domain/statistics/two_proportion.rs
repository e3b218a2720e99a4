//! Two shares of two numbers of requests (two-proportion z test with a pooled share).

use super::Tested;

/// Compares `hits` of `total` with `other_hits` of `other_total`. Nothing where one of the totals is zero or a number makes no sense.
#[must_use]
pub fn two_proportion(hits: f64, total: f64, other_hits: f64, other_total: f64) -> Option<Tested> {
    let is_share =
        |hits: f64, total: f64| hits.is_finite() && total.is_finite() && total > 0.0 && hits >= 0.0;
    if !is_share(hits, total) || !is_share(other_hits, other_total) {
        return None;
    }
    let (hits, other_hits) = (hits.min(total), other_hits.min(other_total));
    let pooled = (hits + other_hits) / (total + other_total);
    let variance = pooled * (1.0 - pooled) * (total.recip() + other_total.recip());
    if variance <= 0.0 {
        // all of them failed, or none did: there is nothing to tell apart
        return Some(Tested::NONE);
    }
    Some(Tested::of((hits / total - other_hits / other_total) / variance.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        // z by hand from the formula (statsmodels.stats.proportion.proportions_ztest gives the same), p by scipy.stats.norm.sf
        for (hits, total, other_hits, other_total, z, p) in [
            // statsmodels' documented example: 5 of 83 against 12 of 99, z = -1.4078, two-sided p = 0.159
            (5.0, 83.0, 12.0, 99.0, -1.407_801, 0.920_4),
            (15.0, 100.0, 10.0, 100.0, 1.069_045, 0.142_5),
            (30.0, 1_000.0, 10.0, 1_000.0, 3.194_383, 0.000_700_7),
            (0.0, 50.0, 0.0, 50.0, 0.0, 0.5),
            (50.0, 50.0, 50.0, 50.0, 0.0, 0.5),
        ] {
            let tested = two_proportion(hits, total, other_hits, other_total).unwrap();
            assert!((tested.z - z).abs() < 1e-3, "{hits}/{total}: z {}", tested.z);
            assert!((tested.p_value - p).abs() < 1e-3, "{hits}/{total}: p {}", tested.p_value);
        }
    }

    #[test]
    fn what_is_no_share_is_not_compared() {
        for (hits, total) in [(0.0, 0.0), (1.0, -1.0), (f64::NAN, 10.0), (1.0, f64::INFINITY), (-1.0, 10.0)] {
            assert_eq!(two_proportion(hits, total, 1.0, 10.0), None);
            assert_eq!(two_proportion(1.0, 10.0, hits, total), None);
        }
    }

    proptest! {
        #[test]
        fn turned_round_it_says_the_opposite(a in 0..500_u32, m in 500..2_000_u32, b in 0..500_u32, n in 500..2_000_u32) {
            let (a, m, b, n) = (f64::from(a), f64::from(m), f64::from(b), f64::from(n));
            let (one, other) = (two_proportion(a, m, b, n).unwrap(), two_proportion(b, n, a, m).unwrap());
            prop_assert!((one.z + other.z).abs() < 1e-9);
            prop_assert!((one.p_value + other.p_value - 1.0).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&one.confidence()));
        }

        #[test]
        fn more_errors_make_it_surer(a in 0..400_u32, more in 1..100_u32, b in 1..500_u32) {
            let test = |hits: u32| two_proportion(f64::from(hits), 500.0, f64::from(b), 1_000.0).unwrap();
            prop_assert!(test(a + more).confidence() >= test(a).confidence() - 1e-7);
        }
    }
}
