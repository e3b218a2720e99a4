//! Numbers that applications and their neighbours tell of themselves, such as open connections: they follow the day's wave.

use chrono::{DateTime, Utc};

use super::traffic::wave;
use crate::sim::prometheus::{Labels, Samples};
use crate::sim::scenario::Gauge;

/// Scrapes every gauge of a scenario.
pub(super) fn scrape(gauges: &[Gauge], samples: &mut Samples, at: DateTime<Utc>) {
    for gauge in gauges {
        let labels: Vec<(&str, &str)> =
            gauge.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let id = samples.series(Labels::new(&gauge.metric, &labels));
        samples.append(id, at.timestamp_millis(), value(gauge, at));
    }
}

/// Whole numbers, never below nothing.
fn value(gauge: &Gauge, at: DateTime<Utc>) -> f64 {
    (gauge.middle + gauge.swing * (wave(at) - 1.0) / 0.34).round().max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_stays_within_its_swing() {
        let gauge = Gauge { metric: "m".into(), labels: [].into(), middle: 40.0, swing: 12.0 };
        let values: Vec<f64> = (0..200)
            .map(|n| value(&gauge, DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(n * 7)))
            .collect();
        assert!(values.iter().all(|value| (27.0..=53.0).contains(value)), "{values:?}");
        assert!(values.iter().any(|value| *value > 45.0) && values.iter().any(|value| *value < 35.0));
    }
}
