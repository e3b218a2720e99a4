//! Time series with honest gaps.

use chrono::{DateTime, Utc};

use crate::api::strategy::Track;

/// One curve: samples in ascending time. A gap is a distance of more than two steps, or a value that is not finite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What tells this curve from others of its pane, such as `backend` or `canary`.
    pub label: Box<str>,
    /// What it is of, as its labels say.
    pub subject: Subject,
    /// Track of its pods; `None` if all curves of the query share one.
    pub track: Option<Track>,
    /// Percentile, such as 95.
    pub percentile: Option<u8>,
    /// Unix seconds and value.
    pub points: Vec<(f64, f64)>,
    /// Distance between two samples, in seconds.
    pub step: f64,
}

/// What a curve is of, as its labels say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Of everything that was asked about.
    #[default]
    Whole,
    /// Of the component of that name.
    Component(Box<str>),
    /// Of the pod of that name.
    Pod(Box<str>),
}

impl Series {
    /// Whether it measures the new version.
    #[must_use]
    pub fn is_second(&self) -> bool {
        matches!(self.track, Some(Track::Canary | Track::Green))
    }

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

    /// The finite value at that instant: of the nearest sample, which is at most a step away.
    #[must_use]
    pub fn at(&self, instant: f64) -> Option<f64> {
        let after = self.points.partition_point(|(at, _)| *at < instant);
        let near = self.points[after.saturating_sub(1)..].iter().take(2);
        let nearest = near.min_by(|a, b| (a.0 - instant).abs().total_cmp(&(b.0 - instant).abs()))?;
        let reach = if self.step > 0.0 { self.step } else { 60.0 };
        ((nearest.0 - instant).abs() <= reach && nearest.1.is_finite()).then_some(nearest.1)
    }

    /// Lowest, highest and mean of the finite values between two instants, both included; nothing without any.
    #[must_use]
    pub fn summary(&self, from: f64, to: f64) -> Option<Summary> {
        let inside = self.points.iter().filter(|(at, value)| *at >= from && *at <= to && value.is_finite());
        let (mut summary, mut sum, mut count) =
            (Summary { min: f64::INFINITY, max: f64::NEG_INFINITY, mean: 0.0 }, 0.0, 0.0);
        for (_, value) in inside {
            summary.min = summary.min.min(*value);
            summary.max = summary.max.max(*value);
            sum += value;
            count += 1.0;
        }
        (count > 0.0).then(|| Summary { mean: sum / count, ..summary })
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

/// What the samples of a time have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Lowest value.
    pub min: f64,
    /// Highest value.
    pub max: f64,
    /// Mean of all values.
    pub mean: f64,
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
        Series { label: "a".into(), points: points.to_vec(), step: 5.0, ..Series::default() }
    }

    #[test]
    fn a_gap_and_a_nan_split_the_curve() {
        let given = series(&[(0.0, 1.0), (5.0, 2.0), (30.0, 3.0), (35.0, f64::NAN), (40.0, 4.0)]);
        let runs: Vec<usize> = given.segments().map(<[_]>::len).collect();
        assert_eq!(runs, [2, 1, 1]);
    }

    #[test]
    fn a_value_at_an_instant_is_the_nearest_samples() {
        let given = series(&[(0.0, 1.0), (5.0, 2.0), (10.0, f64::NAN), (40.0, 4.0)]);
        for (instant, expected) in [
            (-4.0, Some(1.0)),
            (-6.0, None),
            (2.0, Some(1.0)),
            (3.0, Some(2.0)),
            (9.0, None),
            (20.0, None),
            (38.0, Some(4.0)),
            (44.0, Some(4.0)),
            (46.0, None),
        ] {
            assert_eq!(given.at(instant), expected, "{instant}");
        }
        assert_eq!(series(&[]).at(0.0), None);
    }

    #[test]
    fn a_summary_is_of_what_is_inside_and_has_a_value() {
        let given = series(&[(0.0, 100.0), (5.0, 2.0), (10.0, f64::NAN), (15.0, 4.0)]);
        assert_eq!(given.summary(5.0, 15.0), Some(Summary { min: 2.0, max: 4.0, mean: 3.0 }));
        assert_eq!(given.summary(16.0, 99.0), None);
        assert_eq!(given.summary(10.0, 10.0), None);
    }

    #[test]
    fn an_old_or_absent_value_is_no_value() {
        let now = DateTime::from_timestamp(100, 0).unwrap();
        assert_eq!(series(&[(50.0, 1.0)]).current(now, 30.0), None);
        assert_eq!(series(&[(90.0, 1.0), (95.0, f64::NAN)]).current(now, 30.0), Some(1.0));
        assert_eq!(series(&[]).current(now, 30.0), None);
    }
}
