//! Whether one heap of numbers lies higher than another (Mann–Whitney U, normal approximation with ties and continuity).

use super::Tested;

/// Compares two lists of samples. Nothing where one of them is empty or holds what is no number.
#[must_use]
pub fn mann_whitney(first: &[f64], second: &[f64]) -> Option<Tested> {
    if first.iter().chain(second).any(|sample| sample.is_nan()) {
        return None;
    }
    let mut all: Vec<(f64, bool)> = Vec::with_capacity(first.len() + second.len());
    all.extend(first.iter().map(|sample| (*sample, true)));
    all.extend(second.iter().map(|sample| (*sample, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    // minus zero is zero
    let groups = all.chunk_by(|a, b| a.0 >= b.0).map(|equal| {
        let of_first = equal.iter().filter(|(_, is_first)| *is_first).count();
        #[expect(clippy::cast_precision_loss, reason = "an answer is far smaller than 2^53 samples")]
        let pair = (of_first as f64, (equal.len() - of_first) as f64);
        pair
    });
    of_groups(groups)
}

/// Compares two histograms, each as upper bounds with the count up to it, ascending. Samples in one bucket count as equal. Bounds
/// that only one of them has are left out: the bucket that holds them is larger then. Nothing where one of them is empty.
#[must_use]
pub fn mann_whitney_of_buckets(first: &[(f64, f64)], second: &[(f64, f64)]) -> Option<Tested> {
    let mut groups = Vec::with_capacity(first.len());
    let (mut counted, mut other_counted) = (0.0, 0.0);
    for (bound, count) in first {
        let Some((_, other_count)) = second.iter().find(|(other, _)| other.total_cmp(bound).is_eq()) else {
            continue;
        };
        if !count.is_finite() || !other_count.is_finite() {
            return None;
        }
        // rates of counters that were scraped at different moments may fall by a hair
        groups.push(((count - counted).max(0.0), (other_count - other_counted).max(0.0)));
        (counted, other_counted) = (count.max(counted), other_count.max(other_counted));
    }
    of_groups(groups.into_iter())
}

/// The test over groups of equal numbers, ascending: how many of each heap lie in each.
fn of_groups(groups: impl Iterator<Item = (f64, f64)>) -> Option<Tested> {
    let (mut first, mut second, mut wins, mut ties) = (0.0, 0.0, 0.0, 0.0);
    for (of_first, of_second) in groups {
        // each sample of the first beats every smaller one of the second, and half of the equal ones
        wins += of_first * (second + of_second / 2.0);
        first += of_first;
        second += of_second;
        let equal = of_first + of_second;
        ties += equal * (equal * equal - 1.0).max(0.0);
    }
    let all = first + second;
    if first <= 0.0 || second <= 0.0 || all <= 1.0 {
        return None;
    }
    let variance = first * second / 12.0 * ((all + 1.0) - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        // every number is equal
        return Some(Tested::NONE);
    }
    let difference = wins - first * second / 2.0;
    let continuous = difference.signum() * (difference.abs() - 0.5).max(0.0);
    Some(Tested::of(continuous / variance.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        // scipy.stats.mannwhitneyu's documented example: U = 17, asymptotic two-sided p = 0.1114 for males against females
        let males = [19.0, 22.0, 16.0, 29.0, 24.0];
        let females = [20.0, 11.0, 17.0, 12.0];
        let tested = mann_whitney(&males, &females).unwrap();
        assert!((tested.p_value * 2.0 - 0.111_347).abs() < 1e-5, "{tested:?}");
        // with ties; U = 7.5, mean 8, no more than the continuity: no difference
        let tested = mann_whitney(&[1.0, 2.0, 2.0, 5.0], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!(tested.z.abs() < 1e-12, "{tested:?}");
        // complete separation of 5 and 5: U = 25, z = (12.5 - 0.5) / sqrt(25 * 11 / 12)
        let tested = mann_whitney(&[6.0, 7.0, 8.0, 9.0, 10.0], &[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert!((tested.z - 12.0 / (275.0_f64 / 12.0).sqrt()).abs() < 1e-12, "{tested:?}");
    }

    #[test]
    fn what_cannot_be_compared_is_not() {
        assert_eq!(mann_whitney(&[], &[1.0]), None);
        assert_eq!(mann_whitney(&[1.0], &[]), None);
        assert_eq!(mann_whitney(&[f64::NAN], &[1.0]), None);
        assert_eq!(mann_whitney(&[1.0, 1.0], &[1.0, 1.0]), Some(Tested::NONE));
        assert_eq!(mann_whitney_of_buckets(&[(1.0, 0.0)], &[(1.0, 9.0)]), None);
        assert_eq!(mann_whitney_of_buckets(&[(1.0, 3.0)], &[(2.0, 9.0)]), None, "no bound in common");
    }

    fn buckets(samples: &[f64]) -> Vec<(f64, f64)> {
        [0.1, 0.25, 0.5, 1.0, f64::INFINITY]
            .map(|bound| {
                let below = samples.iter().filter(|sample| **sample <= bound).count();
                (bound, f64::from(u32::try_from(below).unwrap()))
            })
            .to_vec()
    }

    fn samples() -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec((0..40_u32).prop_map(|tick| f64::from(tick) / 20.0), 1..60)
    }

    proptest! {
        #[test]
        fn turned_round_it_says_the_opposite(a in samples(), b in samples()) {
            let (Some(one), Some(other)) = (mann_whitney(&a, &b), mann_whitney(&b, &a)) else { return Ok(()) };
            prop_assert!((one.z + other.z).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&one.confidence()));
        }

        #[test]
        fn slower_samples_make_it_surer(a in samples(), b in samples(), more in 0.0..3.0_f64) {
            let slower: Vec<f64> = a.iter().map(|sample| sample + more).collect();
            let (Some(before), Some(after)) = (mann_whitney(&a, &b), mann_whitney(&slower, &b)) else {
                return Ok(());
            };
            // the sign can only turn upwards; the size also depends on ties
            prop_assert!(after.z >= before.z - 1e-9 || after.z.signum() >= before.z.signum());
            prop_assert!(!(before.z > 0.0 && after.z < 0.0));
        }

        #[test]
        fn a_histogram_is_the_list_of_its_buckets(a in samples(), b in samples()) {
            let of_bucket = |samples: &[f64]| -> Vec<f64> {
                let bounds = [0.1, 0.25, 0.5, 1.0, 9.0];
                samples.iter().map(|sample| *bounds.iter().find(|bound| *sample <= **bound).unwrap()).collect()
            };
            let listed = mann_whitney(&of_bucket(&a), &of_bucket(&b));
            let counted = mann_whitney_of_buckets(&buckets(&a), &buckets(&b));
            prop_assert_eq!(listed.is_some(), counted.is_some());
            let (Some(listed), Some(counted)) = (listed, counted) else { return Ok(()) };
            prop_assert!((listed.z - counted.z).abs() < 1e-9, "{:?} {:?}", listed, counted);
        }
    }
}
