//! `histogram_quantile` over classic histograms, and `quantile`.

use std::collections::HashMap;

use super::eval::Point;
use super::samples::Labels;

/// Quantiles of histograms given as `_bucket` elements with the label `le`.
pub(super) fn quantiles(q: f64, points: &[Point]) -> Vec<Point> {
    let mut order: Vec<Labels> = Vec::new();
    let mut histograms: HashMap<Labels, Vec<(f64, f64)>> = HashMap::new();
    for point in points {
        let Some(bound) = parse_bound(point.labels.get("le")) else { continue };
        let labels = point.labels.nameless().with("le", "");
        let buckets = histograms.entry(labels.clone()).or_insert_with(|| {
            order.push(labels);
            Vec::new()
        });
        buckets.push((bound, point.value));
    }
    order
        .into_iter()
        .filter_map(|labels| {
            let buckets = histograms.remove(&labels)?;
            Some(Point { labels, value: bucket_quantile(q, buckets) })
        })
        .collect()
}

fn parse_bound(text: &str) -> Option<f64> {
    match text {
        "+Inf" | "Inf" | "inf" | "+inf" => Some(f64::INFINITY),
        other => other.parse().ok(),
    }
}

/// The quantile of one histogram: linear within the bucket that it falls into.
pub(super) fn bucket_quantile(q: f64, mut buckets: Vec<(f64, f64)>) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    if buckets.last().is_none_or(|(bound, _)| bound.is_finite()) {
        return f64::NAN;
    }
    buckets.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 += later.1;
        }
        same
    });
    let mut highest = f64::NEG_INFINITY;
    for (_, count) in &mut buckets {
        highest = highest.max(*count);
        *count = highest;
    }
    let total = buckets.last().map_or(0.0, |(_, count)| *count);
    if buckets.len() < 2 || total == 0.0 || total.is_nan() {
        return f64::NAN;
    }
    let mut rank = q * total;
    let last = buckets.len() - 1;
    let at = buckets[..last].iter().position(|(_, count)| *count >= rank).unwrap_or(last);
    if at == last {
        return buckets[last - 1].0;
    }
    if at == 0 && buckets[0].0 <= 0.0 {
        return buckets[0].0;
    }
    let (end, mut count) = buckets[at];
    let mut start = 0.0;
    if at > 0 {
        start = buckets[at - 1].0;
        count -= buckets[at - 1].1;
        rank -= buckets[at - 1].1;
    }
    start + (end - start) * (rank / count)
}

/// The quantile of plain values, as the aggregation and `quantile_over_time` have it.
pub(super) fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(f64::total_cmp);
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor();
    let upper = (lower as usize + 1).min(values.len() - 1);
    let weight = rank - lower;
    values[lower as usize] * (1.0 - weight) + values[upper] * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_interpolated_within_its_bucket() {
        let buckets = vec![(0.1, 50.0), (0.2, 90.0), (0.5, 100.0), (f64::INFINITY, 100.0)];
        assert!((bucket_quantile(0.5, buckets.clone()) - 0.1).abs() < 1e-12);
        assert!((bucket_quantile(0.7, buckets.clone()) - 0.15).abs() < 1e-12);
        assert!((bucket_quantile(0.95, buckets.clone()) - 0.35).abs() < 1e-12);
        assert!((bucket_quantile(0.25, buckets) - 0.05).abs() < 1e-12);
    }

    #[test]
    fn the_last_bucket_has_no_upper_end_and_an_empty_histogram_no_quantile() {
        assert_eq!(bucket_quantile(0.99, vec![(1.0, 1.0), (f64::INFINITY, 10.0)]), 1.0);
        assert!(bucket_quantile(0.9, vec![(1.0, 0.0), (f64::INFINITY, 0.0)]).is_nan());
        assert!(bucket_quantile(0.9, vec![(1.0, 1.0)]).is_nan());
        assert_eq!(bucket_quantile(2.0, vec![(1.0, 1.0), (f64::INFINITY, 1.0)]), f64::INFINITY);
    }

    #[test]
    fn plain_quantiles_are_interpolated_between_ranks() {
        assert!((quantile(0.5, vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
        assert!((quantile(1.0, vec![4.0, 1.0]) - 4.0).abs() < 1e-12);
    }
}
