//! Series of samples, by labels.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::rules::Rules;

/// Name of the label that holds a metric's name.
pub(super) const NAME: &str = "__name__";
/// How long samples are kept, in milliseconds.
const RETENTION: i64 = 3 * 3_600_000;
/// The bits of the NaN that marks the end of a series.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Labels in the order of their names, the metric's name among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Labels(Vec<(Arc<str>, Arc<str>)>);

impl Labels {
    /// Labels of a metric; empty values are left out.
    pub(crate) fn new(metric: &str, pairs: &[(&str, &str)]) -> Self {
        let mut labels: Vec<(Arc<str>, Arc<str>)> = pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        if !metric.is_empty() {
            labels.push((NAME.into(), metric.into()));
        }
        labels.sort();
        labels.dedup_by(|a, b| a.0 == b.0);
        Self(labels)
    }

    /// The value of a label; empty when absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| **known == *name).map_or("", |(_, value)| value)
    }

    /// The pairs in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Without the metric's name.
    pub(crate) fn nameless(&self) -> Self {
        Self(self.0.iter().filter(|(name, _)| **name != *NAME).cloned().collect())
    }

    /// Only the named labels (`keep`), or all but them and the metric's name.
    pub(crate) fn project(&self, names: &[String], keep: bool) -> Self {
        let is_meant = |name: &str| names.iter().any(|wanted| wanted == name);
        Self(
            self.0
                .iter()
                .filter(|(name, _)| if keep { is_meant(name) } else { !is_meant(name) && **name != *NAME })
                .cloned()
                .collect(),
        )
    }

    /// With one label set, or removed when the value is empty.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut labels: Vec<_> = self.0.iter().filter(|(known, _)| **known != *name).cloned().collect();
        if !value.is_empty() {
            labels.push((name.into(), value.into()));
        }
        labels.sort();
        Self(labels)
    }
}

/// Handle of a series.
pub(crate) type SeriesId = usize;

/// One series.
#[derive(Debug)]
pub(crate) struct Series {
    /// Its labels.
    pub labels: Arc<Labels>,
    samples: VecDeque<(i64, f64)>,
}

impl Series {
    /// The newest sample in (after, until]; nothing when there is none or the series had ended.
    pub(crate) fn latest(&self, after: i64, until: i64) -> Option<(i64, f64)> {
        let end = self.samples.partition_point(|(at, _)| *at <= until);
        let (at, value) = *self.samples.get(end.checked_sub(1)?)?;
        (at > after && !is_stale(value)).then_some((at, value))
    }

    /// The samples in (after, until], without end markers.
    pub(crate) fn between(&self, after: i64, until: i64) -> impl Iterator<Item = (i64, f64)> {
        let start = self.samples.partition_point(|(at, _)| *at <= after);
        let end = self.samples.partition_point(|(at, _)| *at <= until);
        self.samples.range(start..end.max(start)).copied().filter(|(_, value)| !is_stale(*value))
    }

    /// Whether any sample lies between two instants, both included.
    pub(crate) fn lives(&self, start: i64, end: i64) -> bool {
        self.between(start - 1, end).next().is_some()
    }
}

/// All series.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    series: Vec<Option<Series>>,
    by_labels: HashMap<Arc<Labels>, SeriesId>,
    by_name: BTreeMap<String, Vec<SeriesId>>,
    appends: u64,
    rules: Rules,
}

impl Samples {
    /// No samples yet, and rules that are evaluated over them.
    pub(crate) fn with(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// The rules, and what they say.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Evaluates the rules at an instant in milliseconds.
    pub(crate) fn evaluate_rules(&mut self, at: i64) {
        let mut rules = std::mem::take(&mut self.rules);
        let (active, over) = rules.evaluate(self, at);
        self.rules = rules;
        for labels in over {
            let id = self.series(labels);
            self.mark_stale(id, at);
        }
        for labels in active {
            let id = self.series(labels);
            self.append(id, at, 1.0);
        }
    }

    /// The series of these labels, made when new.
    pub(crate) fn series(&mut self, labels: Labels) -> SeriesId {
        if let Some(id) = self.by_labels.get(&labels) {
            return *id;
        }
        let id = self.series.len();
        let labels = Arc::new(labels);
        self.by_name.entry(labels.get(NAME).to_owned()).or_default().push(id);
        self.by_labels.insert(labels.clone(), id);
        self.series.push(Some(Series { labels, samples: VecDeque::new() }));
        id
    }

    /// Adds a sample at an instant in milliseconds. Samples that are not newer than the last one are dropped.
    pub(crate) fn append(&mut self, id: SeriesId, at: i64, value: f64) {
        self.appends += 1;
        if let Some(Some(series)) = self.series.get_mut(id)
            && series.samples.back().is_none_or(|(last, _)| *last < at)
        {
            series.samples.push_back((at, value));
        }
    }

    /// Ends a series: from this instant on it has no value.
    pub(crate) fn mark_stale(&mut self, id: SeriesId, at: i64) {
        self.append(id, at, f64::from_bits(STALE));
    }

    /// Drops what is older than the retention at an instant, and series that are empty by it.
    pub(crate) fn forget_before(&mut self, now: i64) {
        let oldest = now - RETENTION;
        for slot in &mut self.series {
            let Some(series) = slot else { continue };
            while series.samples.front().is_some_and(|(at, _)| *at < oldest) {
                series.samples.pop_front();
            }
        }
        let dead: Vec<SeriesId> = self
            .series
            .iter()
            .enumerate()
            .filter(|(_, slot)| {
                slot.as_ref().is_some_and(|series| {
                    series.samples.back().is_some_and(|(at, value)| *at < oldest + 60_000 && is_stale(*value))
                })
            })
            .map(|(id, _)| id)
            .collect();
        for id in dead {
            if let Some(series) = self.series[id].take() {
                self.by_labels.remove(&series.labels);
                if let Some(ids) = self.by_name.get_mut(series.labels.get(NAME)) {
                    ids.retain(|known| *known != id);
                }
            }
        }
    }

    /// The series of a metric of one container: namespace, pod, container.
    pub(crate) fn of_container(
        &self,
        metric: &str,
        (namespace, pod, container): (&str, &str, &str),
    ) -> Option<&Series> {
        let pairs = [("namespace", namespace), ("pod", pod), ("container", container)];
        let id = self.by_labels.get(&Labels::new(metric, &pairs))?;
        self.series.get(*id)?.as_ref()
    }

    /// The series of a metric; all series when no name is given.
    pub(crate) fn named<'a>(&'a self, name: Option<&str>) -> impl Iterator<Item = &'a Series> {
        let ids: Vec<SeriesId> = match name {
            Some(name) => self.by_name.get(name).cloned().unwrap_or_default(),
            None => (0..self.series.len()).collect(),
        };
        ids.into_iter().filter_map(|id| self.series.get(id)?.as_ref())
    }
}

fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_ends_at_its_marker_and_the_lookback_is_open_at_its_start() {
        let mut samples = Samples::default();
        let id = samples.series(Labels::new("a", &[("x", "1")]));
        samples.append(id, 1_000, 1.0);
        samples.append(id, 6_000, 2.0);
        samples.mark_stale(id, 11_000);
        let series = samples.named(Some("a")).next().unwrap();
        assert_eq!(series.latest(0, 5_000), Some((1_000, 1.0)));
        assert_eq!(series.latest(1_000, 5_000), None);
        assert_eq!(series.latest(0, 10_999), Some((6_000, 2.0)));
        assert_eq!(series.latest(0, 11_000), None);
        assert_eq!(series.between(1_000, 20_000).collect::<Vec<_>>(), [(6_000, 2.0)]);
    }

    #[test]
    fn labels_are_kept_in_order_and_empty_ones_dropped() {
        let labels = Labels::new("m", &[("z", "1"), ("a", "2"), ("empty", "")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("__name__", "m"), ("a", "2"), ("z", "1")]);
        assert_eq!(labels.project(&["z".into()], true).iter().collect::<Vec<_>>(), [("z", "1")]);
        assert_eq!(labels.project(&["z".into()], false).iter().collect::<Vec<_>>(), [("a", "2")]);
    }
}
