//! Functions over range vectors: rates with Prometheus' extrapolation, and the `_over_time` family.

/// Samples of one series: milliseconds and values.
type Window<'a> = &'a [(i64, f64)];

/// `rate`, `increase` and `delta`: the change over the window, extrapolated to its borders.
pub(super) fn extrapolated(
    samples: Window<'_>,
    (after, until): (i64, i64),
    counter: bool,
    per_second: bool,
) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    if samples.len() < 2 {
        return None;
    }
    let mut change = last.1 - first.1;
    if counter {
        change += samples.windows(2).filter(|pair| pair[1].1 < pair[0].1).map(|pair| pair[0].1).sum::<f64>();
    }
    let seconds = |millis: i64| millis as f64 / 1000.0;
    let covered = seconds(last.0 - first.0);
    let average = covered / (samples.len() - 1) as f64;
    let threshold = average * 1.1;
    let mut to_start = seconds(first.0 - after);
    let mut to_end = seconds(until - last.0);
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    if counter && change > 0.0 && first.1 >= 0.0 {
        to_start = to_start.min(covered * (first.1 / change));
    }
    if to_end >= threshold {
        to_end = average / 2.0;
    }
    let mut factor = (covered + to_start + to_end) / covered;
    if per_second {
        factor /= seconds(until - after);
    }
    Some(change * factor)
}

/// `irate` and `idelta`: the last two samples.
pub(super) fn instant_change(samples: Window<'_>, counter: bool, per_second: bool) -> Option<f64> {
    let [.., before, last] = samples else { return None };
    let change = if counter && last.1 < before.1 { last.1 } else { last.1 - before.1 };
    let seconds = (last.0 - before.0) as f64 / 1000.0;
    if seconds <= 0.0 {
        return None;
    }
    Some(if per_second { change / seconds } else { change })
}

/// A function of the `_over_time` family, or `changes`, `resets` and the like; nothing for an unknown name.
pub(super) fn over_time(name: &str, samples: Window<'_>) -> Option<f64> {
    let values = || samples.iter().map(|(_, value)| *value);
    let count = samples.len() as f64;
    Some(match name {
        "sum_over_time" => values().sum(),
        "avg_over_time" => values().sum::<f64>() / count,
        "min_over_time" => fold(values(), f64::lt),
        "max_over_time" => fold(values(), f64::gt),
        "count_over_time" => count,
        "last_over_time" => samples.last()?.1,
        "present_over_time" => 1.0,
        "stddev_over_time" => variance(values()).sqrt(),
        "stdvar_over_time" => variance(values()),
        "changes" => samples
            .windows(2)
            .filter(|pair| pair[0].1 != pair[1].1 && !(pair[0].1.is_nan() && pair[1].1.is_nan()))
            .count() as f64,
        "resets" => samples.windows(2).filter(|pair| pair[1].1 < pair[0].1).count() as f64,
        _ => return None,
    })
}

/// `deriv`: slope of the least-squares line, per second.
pub(super) fn slope(samples: Window<'_>, origin: i64) -> Option<(f64, f64)> {
    if samples.len() < 2 {
        return None;
    }
    let count = samples.len() as f64;
    let x = |at: i64| (at - origin) as f64 / 1000.0;
    let (mut sum_x, mut sum_y, mut products, mut squares_of_x) = (0.0, 0.0, 0.0, 0.0);
    for (at, value) in samples {
        let x = x(*at);
        sum_x += x;
        sum_y += value;
        products += x * value;
        squares_of_x += x * x;
    }
    let slope = (products - sum_x * sum_y / count) / (squares_of_x - sum_x * sum_x / count);
    Some((slope, sum_y / count - slope * sum_x / count))
}

/// The smallest or largest value; NaN only when there is nothing else.
fn fold(values: impl Iterator<Item = f64>, better: impl Fn(&f64, &f64) -> bool) -> f64 {
    values.fold(f64::NAN, |best, value| if best.is_nan() || better(&value, &best) { value } else { best })
}

/// Population variance.
pub(super) fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }
    squares / count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: Option<f64>, right: f64) {
        let left = left.unwrap();
        assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    }

    #[test]
    fn a_steady_counter_is_extrapolated_to_the_whole_window() {
        // every 10 s by 10, first sample 5 s after the window's start: 40 s sampled, extrapolated by 5 s at either end
        let samples: Vec<_> = (0..5).map(|n| (5_000 + n * 10_000, 100.0 + 10.0 * n as f64)).collect();
        near(extrapolated(&samples, (0, 50_000), true, false), 50.0);
        near(extrapolated(&samples, (0, 50_000), true, true), 1.0);
    }

    #[test]
    fn a_gap_at_a_border_is_extrapolated_by_half_an_interval_only() {
        // samples at 20, 30 and 40 s in a window of 0 to 60 s: both gaps of 20 s exceed 11 s, so 5 s each: 20 * 30 / 20
        let samples = [(20_000, 100.0), (30_000, 110.0), (40_000, 120.0)];
        near(extrapolated(&samples, (0, 60_000), true, false), 30.0);
    }

    #[test]
    fn a_counter_is_never_extrapolated_below_zero() {
        // 1 at 10 s, 11 at 20 s: it was 0 at 9 s, so only 1 s is added at the start; none at the end
        let samples = [(10_000, 1.0), (20_000, 11.0)];
        near(extrapolated(&samples, (0, 20_000), true, false), 11.0);
        near(extrapolated(&samples, (0, 20_000), false, false), 20.0);
    }

    #[test]
    fn a_reset_counts_what_came_before_it() {
        let samples = [(0, 10.0), (10_000, 20.0), (20_000, 5.0), (30_000, 15.0)];
        near(extrapolated(&samples, (0, 30_000), true, false), 25.0);
        near(instant_change(&[(0, 20.0), (5_000, 5.0)], true, true), 1.0);
    }

    #[test]
    fn one_sample_has_no_rate() {
        assert_eq!(extrapolated(&[(0, 1.0)], (0, 10), true, true), None);
        assert_eq!(instant_change(&[(0, 1.0)], true, true), None);
    }

    #[test]
    fn functions_over_time_have_their_textbook_values() {
        let samples = [(0, 1.0), (1, 3.0), (2, 2.0), (3, 2.0)];
        for (name, expected) in [
            ("sum_over_time", 8.0),
            ("avg_over_time", 2.0),
            ("min_over_time", 1.0),
            ("max_over_time", 3.0),
            ("count_over_time", 4.0),
            ("last_over_time", 2.0),
            ("changes", 2.0),
            ("resets", 1.0),
            ("stdvar_over_time", 0.5),
        ] {
            near(over_time(name, &samples), expected);
        }
        near(slope(&[(0, 0.0), (10_000, 20.0)], 0).map(|(slope, _)| slope), 2.0);
    }
}
