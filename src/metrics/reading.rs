//! Instant queries as readings: one number, a histogram, a list of samples, or why it is none of them.

use super::answer::Found;
use crate::domain::measure::{Counter, Reading};

/// Label of a histogram's bounds.
const BOUND: &str = "le";

/// What the results of one instant query are.
pub(super) fn of(found: &[Found]) -> Reading {
    let bounds: Option<Vec<f64>> = found
        .iter()
        .map(|series| series.labels.get(BOUND)?.as_str()?.parse().ok().filter(|bound: &f64| !bound.is_nan()))
        .collect();
    if let Some(bounds) = bounds.filter(|bounds| !bounds.is_empty()) {
        return histogram(&bounds, found);
    }
    match found {
        [] => Reading::Empty,
        [one] => match one.samples.as_slice() {
            [] => Reading::Empty,
            [(_, number)] if number.is_finite() => Reading::Number(*number),
            [_] => Reading::NotANumber,
            _ => list(found),
        },
        several if several.iter().any(|series| series.samples.len() > 1) => list(several),
        several => Reading::Several(several.len()),
    }
}

/// Every series as a counter with its labels. What is not a number counts nothing.
pub(super) fn counters(found: &[Found]) -> Vec<Counter> {
    let labels = |series: &Found| {
        let labels = series.labels.iter();
        labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    let counter = |series: &Found| {
        let (_, value) = series.samples.last().filter(|(_, value)| value.is_finite())?;
        Some(Counter { labels: labels(series), value: *value })
    };
    found.iter().filter_map(counter).collect()
}

fn histogram(bounds: &[f64], found: &[Found]) -> Reading {
    let counts = found.iter().map(|series| series.samples.last().map_or(f64::NAN, |(_, count)| *count));
    let mut buckets: Vec<(f64, f64)> = bounds.iter().copied().zip(counts).collect();
    if buckets.iter().any(|(_, count)| !count.is_finite()) {
        return Reading::NotANumber;
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    if buckets.windows(2).any(|pair| pair[0].0.total_cmp(&pair[1].0).is_eq()) {
        // two histograms in one answer: nobody says which is meant
        return Reading::Several(buckets.len());
    }
    Reading::Buckets(buckets.into())
}

fn list(found: &[Found]) -> Reading {
    let samples: Vec<f64> = found
        .iter()
        .flat_map(|series| &series.samples)
        .map(|(_, value)| *value)
        .filter(|v| v.is_finite())
        .collect();
    if samples.is_empty() { Reading::NotANumber } else { Reading::List(samples.into()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::answer::{Reply, read};
    use super::*;

    fn reading(result: &serde_json::Value) -> Reading {
        let body = json!({"status": "success", "data": result}).to_string();
        let reply = Reply { status: 200, media_type: "application/json", body: body.into() };
        of(&read("q", &reply).unwrap().whole("q").unwrap())
    }

    fn vector(entries: &[(serde_json::Value, &str)]) -> serde_json::Value {
        let result: Vec<_> =
            entries.iter().map(|(metric, value)| json!({"metric": metric, "value": [1.0, value]})).collect();
        json!({"resultType": "vector", "result": result})
    }

    #[test]
    fn answers_of_every_shape() {
        let le = |bound: &str| json!({"le": bound});
        for (result, expected) in [
            (vector(&[]), Reading::Empty),
            (vector(&[(json!({}), "0.5")]), Reading::Number(0.5)),
            (vector(&[(json!({}), "NaN")]), Reading::NotANumber),
            (vector(&[(json!({}), "+Inf")]), Reading::NotANumber),
            (vector(&[(json!({"a": "1"}), "1"), (json!({"a": "2"}), "2")]), Reading::Several(2)),
            (
                vector(&[(le("+Inf"), "9"), (le("0.1"), "4"), (le("0.5"), "7")]),
                Reading::Buckets([(0.1, 4.0), (0.5, 7.0), (f64::INFINITY, 9.0)].into()),
            ),
            (vector(&[(le("0.1"), "NaN")]), Reading::NotANumber),
            (
                vector(&[(json!({"le": "0.1", "a": "1"}), "1"), (json!({"le": "0.1", "a": "2"}), "2")]),
                Reading::Several(2),
            ),
            (json!({"resultType": "scalar", "result": [1.0, "3"]}), Reading::Number(3.0)),
            (
                json!({"resultType": "matrix", "result": [
                    {"metric": {"a": "1"}, "values": [[1.0, "1"], [2.0, "NaN"]]}, {"metric": {"a": "2"}, "values": [[1.0, "2"]]}]}),
                Reading::List([1.0, 2.0].into()),
            ),
        ] {
            assert_eq!(reading(&result), expected, "{result}");
        }
    }
}
