//! Percentiles out of histograms and lists.

/// The percentile that stands for a distribution in limits and sentences.
pub(super) const SHOWN: f64 = 0.95;

/// The value below which that share of a histogram lies, by straight lines within buckets as Prometheus draws them. Nothing where
/// the histogram is empty.
pub(super) fn of_buckets(share: f64, buckets: &[(f64, f64)]) -> Option<f64> {
    let total = buckets.last().map(|(_, count)| *count).filter(|total| *total > 0.0 && total.is_finite())?;
    let rank = share * total;
    let at = buckets.iter().position(|(_, count)| *count >= rank)?;
    let (bound, count) = buckets[at];
    let (lower, before) = at.checked_sub(1).map_or((0.0, 0.0), |before| buckets[before]);
    if bound.is_infinite() {
        // what lies beyond the last bound is at least as large as it
        return Some(lower);
    }
    let within = count - before;
    Some(if within > 0.0 { lower + (bound - lower) * (rank - before).max(0.0) / within } else { bound })
}

/// The same of a list, by its nearest rank.
pub(super) fn of_list(share: f64, list: &[f64]) -> Option<f64> {
    let mut sorted = list.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank lies within the list"
    )]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1).min(sorted.len().checked_sub(1)?)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_percentiles() {
        let buckets = [(0.1, 50.0), (0.2, 90.0), (0.5, 100.0), (f64::INFINITY, 100.0)];
        for (share, expected) in [(0.5, 0.1), (0.7, 0.15), (0.95, 0.35), (1.0, 0.5)] {
            let found = of_buckets(share, &buckets).unwrap();
            assert!((found - expected).abs() < 1e-12, "{share}: {found}");
        }
        assert_eq!(of_buckets(0.95, &[(0.1, 1.0), (f64::INFINITY, 100.0)]), Some(0.1));
        assert_eq!(of_buckets(0.95, &[(0.1, 0.0), (f64::INFINITY, 0.0)]), None);
        assert_eq!(of_buckets(0.95, &[]), None);
        let list: Vec<f64> = (1..=100).map(f64::from).rev().collect();
        assert_eq!(
            (of_list(0.95, &list), of_list(0.5, &list), of_list(0.95, &[])),
            (Some(95.0), Some(50.0), None)
        );
        assert_eq!(of_list(0.95, &[7.0]), Some(7.0));
    }
}
