//! Curves that grow: only new samples are asked for, and merged into what is kept.

use super::answer::{Found, Labels};
use super::client::Prometheus;
use super::error::Error;
use crate::domain::series::Series;

/// Samples that a pane can show at most.
const RESOLUTION: f64 = 240.0;
/// Steps, in seconds, that read well on an axis.
const STEPS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0];
/// The newest samples are asked for again: scrapes that came late may have changed them.
const REFETCHED_STEPS: f64 = 3.0;

/// The curves of one query over a sliding range, kept between fetches.
#[derive(Clone, Debug)]
pub struct Curves {
    name: String,
    query: String,
    range: f64,
    step: f64,
    kept: Vec<(Labels, Vec<(f64, f64)>)>,
    until: Option<f64>,
}

impl Curves {
    /// The curves of a query named `name` over the last `range` seconds.
    #[must_use]
    pub fn new(name: impl Into<String>, query: impl Into<String>, range: f64) -> Self {
        let step = STEPS.into_iter().find(|step| range / step <= RESOLUTION).unwrap_or(range / RESOLUTION);
        Self { name: name.into(), query: query.into(), range, step, kept: Vec::new(), until: None }
    }

    /// Whether these are the curves of that query.
    #[must_use]
    pub fn is_of(&self, query: &str) -> bool {
        self.query == query
    }

    /// Asks for everything at the next fetch.
    pub fn forget(&mut self) {
        self.until = None;
    }

    /// Fetches what is new until `now` (Unix seconds) and gives all that is in range. After a failure what is kept stays.
    pub async fn fetch(&mut self, prometheus: &Prometheus, now: f64) -> Result<Vec<Series>, Error> {
        let (start, end) = self.due(now);
        let parameters = [
            ("query", self.query.clone()),
            ("start", format!("{start:.3}")),
            ("end", format!("{end:.3}")),
            ("step", format!("{}", self.step)),
        ];
        let found = prometheus.ask(&self.name, "query_range", &parameters).await?;
        self.merge(found, start, end);
        Ok(self.series())
    }

    /// Start and end of the next fetch, on multiples of the step so that samples of two fetches agree.
    fn due(&self, now: f64) -> (f64, f64) {
        let end = (now / self.step).floor() * self.step;
        let whole = ((now - self.range) / self.step).ceil() * self.step;
        match self.until {
            // A clock that went back, or a pause longer than what is kept: begin anew.
            Some(until) if until <= end && until > whole => {
                ((until - REFETCHED_STEPS * self.step).max(whole), end)
            }
            _ => (whole, end),
        }
    }

    fn merge(&mut self, found: Vec<Found>, start: f64, end: f64) {
        let half = self.step / 2.0;
        let oldest = end - self.range - half;
        for (_, points) in &mut self.kept {
            points.retain(|(at, _)| *at >= oldest && *at < start - half);
        }
        for Found { labels, samples } in found {
            match self.kept.iter_mut().find(|(known, _)| *known == labels) {
                Some((_, points)) => points.extend(samples),
                None => self.kept.push((labels, samples)),
            }
        }
        self.kept.retain(|(_, points)| !points.is_empty());
        self.until = Some(end);
    }

    fn series(&self) -> Vec<Series> {
        let names = names(&self.kept.iter().map(|(labels, _)| labels), &self.name);
        let mut series: Vec<Series> = names
            .into_iter()
            .zip(&self.kept)
            .map(|(label, (_, points))| Series { label, points: points.clone(), step: self.step })
            .collect();
        series.sort_by(|a, b| a.label.cmp(&b.label));
        series
    }
}

/// The newest value of each curve of a query, as curves of one sample.
pub async fn instant(
    prometheus: &Prometheus,
    name: &str,
    query: &str,
    now: f64,
) -> Result<Vec<Series>, Error> {
    let parameters = [("query", query.to_owned()), ("time", format!("{now:.3}"))];
    let found = prometheus.ask(name, "query", &parameters).await?;
    let names = names(&found.iter().map(|found| &found.labels), name);
    let mut series: Vec<Series> = names
        .into_iter()
        .zip(found)
        .map(|(label, found)| Series { label, points: found.samples, step: 0.0 })
        .collect();
    series.sort_by(|a, b| a.label.cmp(&b.label));
    Ok(series)
}

/// Names of curves: the values of those labels by which they differ; the query's name where there is but one.
fn names<'a>(curves: &(impl Iterator<Item = &'a Labels> + Clone), query: &str) -> Vec<Box<str>> {
    let first = curves.clone().next();
    let telling = |key: &str| curves.clone().any(|labels| Some(labels.get(key)) != first.map(|f| f.get(key)));
    curves
        .clone()
        .map(|labels| {
            let words: Vec<&str> = labels
                .iter()
                .filter(|(key, _)| telling(key))
                .filter_map(|(_, value)| value.as_str().filter(|value| !value.is_empty()))
                .collect();
            let name = if words.is_empty() { only_name(labels, query) } else { words.join(" ") };
            crate::sanitize::line(&name).into()
        })
        .collect()
}

/// What to call a curve that no label tells from others.
fn only_name(labels: &Labels, query: &str) -> String {
    ["component", "job", "service", "app"]
        .iter()
        .find_map(|key| labels.get(*key)?.as_str())
        .unwrap_or(query)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(labels: &serde_json::Value, samples: &[(f64, f64)]) -> Found {
        Found { labels: labels.as_object().unwrap().clone(), samples: samples.to_vec() }
    }

    #[test]
    fn steps_read_well_and_fit_the_pane() {
        for (range, step) in [
            (120.0, 1.0),
            (1_800.0, 10.0),
            (3_600.0, 15.0),
            (86_400.0, 600.0),
            (2_000_000.0, 2_000_000.0 / 240.0),
        ] {
            let curves = Curves::new("q", "up", range);
            assert!((curves.step - step).abs() < f64::EPSILON, "{range}: {}", curves.step);
        }
    }

    #[test]
    fn only_new_samples_are_asked_for_until_something_went_wrong() {
        let mut curves = Curves::new("q", "up", 1_800.0);
        assert_eq!(curves.due(10_003.0), (8_210.0, 10_000.0));
        curves.until = Some(10_000.0);
        assert_eq!(curves.due(10_014.0), (9_970.0, 10_010.0));
        assert_eq!(curves.due(9_000.0), (7_200.0, 9_000.0), "the clock went back");
        assert_eq!(curves.due(12_000.0), (10_200.0, 12_000.0), "a long pause");
        curves.forget();
        assert_eq!(curves.due(10_014.0), (8_220.0, 10_010.0));
    }

    #[test]
    fn new_samples_replace_the_newest_and_old_ones_leave() {
        let mut curves = Curves::new("q", "up", 100.0);
        let labels = json!({"component": "a"});
        let old: Vec<(f64, f64)> = (0..=100).map(|t| (f64::from(t), 1.0)).collect();
        curves.merge(vec![found(&labels, &old)], 0.0, 100.0);
        curves.merge(
            vec![found(&labels, &[(98.0, 2.0), (99.0, 2.0), (100.0, 2.0), (103.0, 2.0)])],
            97.0,
            103.0,
        );
        let points = &curves.series()[0].points;
        assert_eq!(points.first(), Some(&(3.0, 1.0)));
        assert_eq!(
            &points[points.len() - 5..],
            &[(96.0, 1.0), (98.0, 2.0), (99.0, 2.0), (100.0, 2.0), (103.0, 2.0)]
        );
        curves.merge(Vec::new(), 100.0, 300.0);
        assert_eq!(curves.series(), [], "a curve without samples in range is gone");
    }

    #[test]
    fn curves_are_named_by_what_differs() {
        let name = |curves: &[serde_json::Value]| -> Vec<Box<str>> {
            let labels: Vec<Labels> = curves.iter().map(|c| c.as_object().unwrap().clone()).collect();
            names(&labels.iter(), "errorRate")
        };
        let (a, b) =
            (json!({"component": "a", "track": "stable"}), json!({"component": "b", "track": "stable"}));
        let canary = json!({"component": "a", "track": "canary"});
        assert_eq!(name(std::slice::from_ref(&a)), ["a".into()]);
        assert_eq!(name(&[a.clone(), b.clone()]), ["a".into(), "b".into()]);
        assert_eq!(name(&[a.clone(), canary.clone()]), ["stable".into(), "canary".into()]);
        assert_eq!(name(&[a, b, canary]), ["a stable".into(), "b stable".into(), "a canary".into()]);
        assert_eq!(name(&[json!({})]), ["errorRate".into()]);
    }
}
