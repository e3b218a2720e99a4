//! Time series with honest gaps.

use chrono::{DateTime, Utc};

/// One curve: samples in ascending time. A gap is a distance of more than two steps, or a value that is not finite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What tells this curve from others of its pane, such as `backend` or `canary`.
    pub label: Box<str>,
    /// Unix seconds and value.
    pub points: Vec<(f64, f64)>,
    /// Distance between two samples, in seconds.
    pub step: f64,
}

impl Series {
    /// The newest finite value that is at most `max_age` seconds old at `now`; absent data is never a number.
    #[must_use]
    pub fn current(&self, now: DateTime<Utc>, max_age: f64) -> Option<f64> {
        let at = unix(now);
        self.points
            .iter()
            .rev()
            .take_while(|(t, _)| at - t <= max_age)
            .find(|(_, v)| v.is_finite())
            .map(|(_, v)| *v)
    }

    /// The runs of samples between gaps, in order; none is empty.
    pub fn segments(&self) -> impl Iterator<Item = &[(f64, f64)]> {
        let limit = self.step * 2.0;
        self.points
            .split(|(_, value)| !value.is_finite())
            .flat_map(move |run| run.chunk_by(move |a, b| limit <= 0.0 || b.0 - a.0 <= limit))
            .filter(|run| !run.is_empty())
    }
}

/// Unix seconds of an instant, with its fraction.
#[must_use]
pub fn unix(at: DateTime<Utc>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit 53 bits")]
    let millis = at.timestamp_millis() as f64;
    millis / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(f64, f64)]) -> Series {
        Series { label: "a".into(), points: points.to_vec(), step: 5.0 }
    }

    #[test]
    fn a_gap_and_a_nan_split_the_curve() {
        let given = series(&[(0.0, 1.0), (5.0, 2.0), (30.0, 3.0), (35.0, f64::NAN), (40.0, 4.0)]);
        let runs: Vec<usize> = given.segments().map(<[_]>::len).collect();
        assert_eq!(runs, [2, 1, 1]);
    }

    #[test]
    fn an_old_or_absent_value_is_no_value() {
        let now = DateTime::from_timestamp(100, 0).unwrap();
        assert_eq!(series(&[(50.0, 1.0)]).current(now, 30.0), None);
        assert_eq!(series(&[(90.0, 1.0), (95.0, f64::NAN)]).current(now, 30.0), Some(1.0));
        assert_eq!(series(&[]).current(now, 30.0), None);
    }
}
