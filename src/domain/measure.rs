//! Questions to a Prometheus and what they bring, as plain data.
//!
//! Owns what counters rose by between two instants, and what a number can be when it is none: nothing, not a number, several. Must not know how anything is asked (`gate`) nor what
//! it means (`analysis`, `burn_rate`, `alerts`).

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::environment::PrometheusRef;

/// Several queries that are asked at the same moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// The Prometheus; absent: the controller's own setting.
    pub prometheus: Option<PrometheusRef>,
    /// Name of a reading → PromQL.
    pub queries: BTreeMap<String, String>,
}

/// The readings of one [`Measure`], by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement(pub BTreeMap<String, Reading>);

impl Measurement {
    /// The reading of that name; one that was not asked for is empty.
    #[must_use]
    pub fn reading(&self, name: &str) -> &Reading {
        self.0.get(name).unwrap_or(&Reading::Empty)
    }

    /// The number of that name, where it is one.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.reading(name) {
            Reading::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// What one query gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// No series.
    Empty,
    /// Not a number, or an infinite one.
    NotANumber,
    /// More than one series, where one is needed.
    Several(usize),
    /// One number.
    Number(f64),
    /// A histogram: upper bound and count up to it, ascending.
    Buckets(Arc<[(f64, f64)]>),
    /// Single samples.
    List(Arc<[f64]>),
}

/// Counters that are read at two instants.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    /// The Prometheus; absent: the controller's own setting.
    pub prometheus: Option<PrometheusRef>,
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The second instant.
    pub until: DateTime<Utc>,
    /// What is counted → PromQL, which gives raw counters.
    pub queries: BTreeMap<Counted, String>,
}

/// What is counted on which track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// Whether it is the new version.
    pub is_new: bool,
    /// What is counted.
    pub what: What,
}

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// All requests.
    Requests,
    /// Failed requests.
    Errors,
    /// Requests up to a duration.
    Durations,
}

/// A counter at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Counter {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// How far it has counted.
    pub value: f64,
}

/// What counters rose by between two instants.
#[derive(Clone, Debug, PartialEq)]
pub struct Rise {
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The second instant.
    pub until: DateTime<Utc>,
    /// By what is counted.
    pub rises: BTreeMap<Counted, Vec<Risen>>,
}

/// What one counter rose by.
#[derive(Clone, Debug, PartialEq)]
pub struct Risen {
    /// Its pod, or what else exposes it.
    pub target: String,
    /// Upper bound of its bucket, where it is one.
    pub bound: Option<f64>,
    /// The rise.
    pub by: f64,
}

/// Counters by what they count.
pub type Counters = BTreeMap<Counted, Vec<Counter>>;

impl Rise {
    /// The rise of every counter. One that fell was reset and has counted from 0. One that is new counts from 0 where its target was
    /// seen before; else nobody knows since when it has counted, and it is left out.
    #[must_use]
    pub fn between(count: &Count, before: &Counters, after: &Counters) -> Self {
        let known = |is_new: bool, target: &str| {
            let all = before.iter().filter(|(counted, _)| counted.is_new == is_new).flat_map(|(_, all)| all);
            all.into_iter().any(|counter| counter.target() == target)
        };
        let rises = after.iter().map(|(counted, counters)| {
            let first: BTreeMap<_, _> = before
                .get(counted)
                .into_iter()
                .flatten()
                .map(|counter| (&counter.labels, counter.value))
                .collect();
            let mut seen: BTreeMap<&str, bool> = BTreeMap::new();
            let risen = counters.iter().filter_map(|counter| {
                let target = counter.target();
                let from = match first.get(&counter.labels) {
                    Some(from) => *from,
                    None if *seen.entry(target).or_insert_with(|| known(counted.is_new, target)) => 0.0,
                    None => return None,
                };
                let by = if counter.value >= from { counter.value - from } else { counter.value };
                (by.is_finite() && by >= 0.0).then(|| Risen {
                    target: target.to_owned(),
                    bound: counter.bound(),
                    by,
                })
            });
            (*counted, risen.collect())
        });
        Self { from: count.from, until: count.until, rises: rises.collect() }
    }

    /// The rises of one thing that is counted.
    #[must_use]
    pub fn of(&self, is_new: bool, what: What) -> &[Risen] {
        self.rises.get(&Counted { is_new, what }).map_or(&[], Vec::as_slice)
    }
}

impl Counter {
    /// What exposes it: its pod, or its scrape target.
    fn target(&self) -> &str {
        let label = |name: &str| self.labels.get(name).filter(|value| !value.is_empty());
        label("pod").or_else(|| label("instance")).map_or("", String::as_str)
    }

    fn bound(&self) -> Option<f64> {
        self.labels.get("le")?.parse().ok().filter(|bound: &f64| !bound.is_nan())
    }
}

/// Which alerts are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertsQuestion {
    /// The Prometheus; absent: the controller's own setting.
    pub prometheus: Option<PrometheusRef>,
    /// Their names.
    pub names: Vec<String>,
    /// Alerts that bear the label `namespace` must bear this one.
    pub namespace: String,
}

/// An alert that fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// Since when its condition holds.
    pub since: DateTime<Utc>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTS: Counted = Counted { is_new: true, what: What::Requests };
    const ERRORS: Counted = Counted { is_new: true, what: What::Errors };

    fn counters(of: &[(&str, &str, f64)]) -> Vec<Counter> {
        of.iter()
            .map(|(pod, code, value)| Counter {
                labels: [("pod", *pod), ("code", *code)]
                    .map(|(name, value)| (name.into(), value.into()))
                    .into(),
                value: *value,
            })
            .collect()
    }

    #[test]
    fn resets_new_series_and_new_pods() {
        let instant = |secs| DateTime::from_timestamp(secs, 0).unwrap();
        let count =
            Count { prometheus: None, from: instant(0), until: instant(15), queries: BTreeMap::new() };
        let before = Counters::from([
            (REQUESTS, counters(&[("a", "200", 100.0), ("b", "200", 50.0), ("gone", "200", 7.0)])),
            (ERRORS, Vec::new()),
        ]);
        let after = Counters::from([
            (
                REQUESTS,
                counters(&[("a", "200", 130.0), ("a", "500", 2.0), ("b", "200", 4.0), ("new", "200", 9.0)]),
            ),
            (ERRORS, counters(&[("a", "500", 2.0), ("new", "500", 9.0), ("b", "500", f64::NAN)])),
        ]);
        let rise = Rise::between(&count, &before, &after);
        let of = |what| -> Vec<(&str, f64)> {
            rise.of(true, what).iter().map(|risen| (risen.target.as_str(), risen.by)).collect()
        };
        // b was restarted; nobody knows since when the new pod has counted
        assert_eq!(of(What::Requests), [("a", 30.0), ("a", 2.0), ("b", 4.0)]);
        // the first error of a pod makes its series
        assert_eq!(of(What::Errors), [("a", 2.0)]);
        assert!(rise.of(false, What::Requests).is_empty());
    }
}
