//! Curves that grow: only new samples are asked for, and merged into what is kept.

use super::answer::{Found, Labels};
use super::client::Prometheus;
use super::error::Error;
use crate::api::strategy::Track;
use crate::domain::alert_row;
use crate::domain::series::{Series, Subject};
use crate::domain::sliding::{Sample, Sliding};

/// The curves of one query over a sliding range, kept between fetches.
#[derive(Clone, Debug)]
pub struct Curves {
    name: String,
    query: String,
    legend: Option<Box<str>>,
    kept: Sliding<Labels>,
    /// Why what is kept may not be the whole truth.
    partial: Option<Box<str>>,
}

impl Curves {
    /// The curves of a query named `name` over the last `range` seconds.
    #[must_use]
    pub fn new(name: impl Into<String>, query: impl Into<String>, range: f64) -> Self {
        Self {
            name: name.into(),
            query: query.into(),
            legend: None,
            kept: Sliding::new(range),
            partial: None,
        }
    }

    /// With each curve named by this text over labels in double braces.
    #[must_use]
    pub fn with_legend(self, legend: Option<Box<str>>) -> Self {
        Self { legend, ..self }
    }

    /// Whether these are the curves of that query, over that many seconds and under that legend.
    #[must_use]
    pub fn is_of(&self, query: &str, range: f64, legend: Option<&str>) -> bool {
        self.query == query && self.kept.range().total_cmp(&range).is_eq() && self.legend.as_deref() == legend
    }

    /// Asks for everything at the next fetch.
    pub const fn forget(&mut self) {
        self.kept.forget();
    }

    /// Fetches what is new until `now` (Unix seconds) and gives all that is in range. After a failure what is kept stays.
    pub async fn fetch(&mut self, prometheus: &Prometheus, now: f64) -> Result<Vec<Series>, Error> {
        let (start, end) = self.kept.due(now);
        let parameters = [
            ("query", self.query.clone()),
            ("start", format!("{start:.3}")),
            ("end", format!("{end:.3}")),
            ("step", format!("{}", self.kept.step())),
        ];
        let results = prometheus.ask_in_part(&self.name, "query_range", &parameters).await?;
        self.partial = results.notes.partial().as_deref().map(in_part);
        let found = results.found.into_iter().map(|found| (found.labels, found.samples)).collect();
        self.kept.merge(found, (start, end));
        Ok(self.series())
    }

    /// Why the newest answer was not the whole truth; nothing where it was.
    #[must_use]
    pub fn partial(&self) -> Option<&str> {
        self.partial.as_deref()
    }

    /// Seconds between two samples.
    #[must_use]
    pub const fn step(&self) -> f64 {
        self.kept.step()
    }

    /// Seconds that are kept.
    #[must_use]
    pub const fn range(&self) -> f64 {
        self.kept.range()
    }

    /// What is kept, with all labels; nothing in them harms a terminal.
    pub fn labelled(&self) -> impl Iterator<Item = (alert_row::Labels, &[Sample])> {
        let word = |text: &str| Box::<str>::from(crate::sanitize::line(text));
        self.kept.curves().iter().map(move |(labels, samples)| {
            let labels = labels.iter().filter_map(|(name, value)| Some((word(name), word(value.as_str()?))));
            (labels.collect(), samples.as_slice())
        })
    }

    fn series(&self) -> Vec<Series> {
        let kept = self.kept.curves();
        let names = match &self.legend {
            Some(legend) => kept.iter().map(|(labels, _)| told(legend, labels)).collect(),
            None => names(&kept.iter().map(|(labels, _)| labels), &self.name),
        };
        let sided = is_sided(kept.iter().map(|(labels, _)| labels));
        let mut series: Vec<Series> = names
            .into_iter()
            .zip(kept)
            .map(|(label, (labels, points))| Series {
                percentile: percentile(labels, &label),
                label,
                subject: subject(labels),
                track: track(labels).filter(|_| sided),
                points: points.clone(),
                step: self.kept.step(),
            })
            .collect();
        series.sort_by(|a, b| a.label.cmp(&b.label));
        series
    }
}

/// What a curve with these labels is of.
fn subject(labels: &Labels) -> Subject {
    let value = |name: &str| labels.get(name)?.as_str().map(|value| crate::sanitize::line(value).into());
    let component = value("component").map(Subject::Component);
    component.or_else(|| value("pod").map(Subject::Pod)).unwrap_or_default()
}

/// Whether curves are of different tracks.
fn is_sided<'a>(mut curves: impl Iterator<Item = &'a Labels>) -> bool {
    let first = curves.next().map(track);
    curves.any(|labels| Some(track(labels)) != first)
}

/// The track by the label `track`, else by any label whose value is a track.
fn track(labels: &Labels) -> Option<Track> {
    let of = |value: &serde_json::Value| {
        let word = value.as_str()?;
        [Track::Stable, Track::Canary, Track::Green].into_iter().find(|track| track.as_str() == word)
    };
    labels.get("track").and_then(of).or_else(|| labels.values().find_map(of))
}

/// The percentile by the label `quantile` of a summary, else by a word such as `p95` in the name.
fn percentile(labels: &Labels, name: &str) -> Option<u8> {
    let quantile = labels.get("quantile").and_then(|value| value.as_str()?.parse::<f64>().ok());
    let whole = quantile.map(|share| (share * 100.0).round()).filter(|share| (0.0..=100.0).contains(share));
    let named = || {
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        words.filter_map(|word| word.strip_prefix('p')?.parse().ok()).find(|share| *share <= 100)
    };
    whole.and_then(|share| format!("{share}").parse().ok()).or_else(named)
}

/// A legend with the values of labels in the place of their names; an absent label is nothing.
fn told(legend: &str, labels: &Labels) -> Box<str> {
    let mut name = String::new();
    let mut rest = legend;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((label, next)) = after.split_once("}}") else { break };
        name.push_str(before);
        name.push_str(labels.get(label.trim()).and_then(serde_json::Value::as_str).unwrap_or_default());
        rest = next;
    }
    name.push_str(rest);
    crate::sanitize::line(&name).trim().into()
}

/// The newest value of each curve of a query, as curves of one sample. A partial answer is an error.
pub async fn instant(
    prometheus: &Prometheus,
    name: &str,
    query: &str,
    now: f64,
) -> Result<Vec<Series>, Error> {
    let parameters = [("query", query.to_owned()), ("time", format!("{now:.3}"))];
    Ok(of_one_sample(prometheus.ask(name, "query", &parameters).await?, name))
}

/// As [`instant`], with why it is not the whole truth, where it is not.
pub async fn instant_in_part(
    prometheus: &Prometheus,
    name: &str,
    query: &str,
    now: f64,
) -> Result<(Vec<Series>, Option<Box<str>>), Error> {
    let parameters = [("query", query.to_owned()), ("time", format!("{now:.3}"))];
    let results = prometheus.ask_in_part(name, "query", &parameters).await?;
    let partial = results.notes.partial().as_deref().map(in_part);
    Ok((of_one_sample(results.found, name), partial))
}

/// The mark of a pane.
fn in_part(why: &str) -> Box<str> {
    format!("partial answer: {why}").into()
}

fn of_one_sample(found: Vec<Found>, name: &str) -> Vec<Series> {
    let names = names(&found.iter().map(|found| &found.labels), name);
    let sided = is_sided(found.iter().map(|found| &found.labels));
    let mut series: Vec<Series> = names
        .into_iter()
        .zip(found)
        .map(|(label, found)| Series {
            percentile: percentile(&found.labels, &label),
            label,
            subject: subject(&found.labels),
            track: track(&found.labels).filter(|_| sided),
            points: found.samples,
            step: 0.0,
        })
        .collect();
    series.sort_by(|a, b| a.label.cmp(&b.label));
    series
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
    ["component", "workload", "job", "service", "app"]
        .iter()
        .find_map(|key| labels.get(*key)?.as_str())
        .unwrap_or(query)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_legend_names_curves_by_their_labels() {
        let labels = json!({"pool": "orders", "pod": "db-0\u{1b}[31m"});
        let told = |legend: &str| told(legend, labels.as_object().unwrap());
        assert_eq!(&*told("{{pool}} of {{ pod }}"), "orders of db-0");
        assert_eq!(&*told("{{nothing}}orders"), "orders");
        assert_eq!(&*told("open {{pool"), "open {{pool");
    }

    #[test]
    fn a_curve_is_of_a_component_before_a_pod_and_else_of_the_whole() {
        for (labels, expected) in [
            (json!({"component": "db", "pod": "db-0"}), Subject::Component("db".into())),
            (json!({"pod": "db-0", "track": "stable"}), Subject::Pod("db-0".into())),
            (json!({"job": "db"}), Subject::Whole),
        ] {
            assert_eq!(subject(labels.as_object().unwrap()), expected, "{labels}");
        }
    }

    #[test]
    fn a_curve_has_the_track_and_the_percentile_that_its_labels_and_name_give() {
        for (labels, name, expected) in [
            (json!({"track": "canary", "other": "stable"}), "a", (Some(Track::Canary), None)),
            (json!({"role": "green"}), "a", (Some(Track::Green), None)),
            (json!({"app": "canary-shop"}), "canary-shop", (None, None)),
            (json!({"quantile": "0.99"}), "0.99", (None, Some(99))),
            (json!({"quantile": "high"}), "p50 high", (None, Some(50))),
            (json!({}), "p95 (backend)", (None, Some(95))),
            (json!({"app": "p950"}), "p950", (None, None)),
            (json!({}), "pay", (None, None)),
        ] {
            let labels = labels.as_object().unwrap();
            assert_eq!((track(labels), percentile(labels, name)), expected, "{labels:?}");
        }
        let of = |tracks: &[&str]| {
            let labels: Vec<Labels> =
                tracks.iter().map(|track| json!({"track": track}).as_object().unwrap().clone()).collect();
            is_sided(labels.iter())
        };
        assert!(of(&["stable", "canary"]) && of(&["stable", ""]));
        assert!(!of(&["stable", "stable"]) && !of(&["canary"]) && !of(&[]));
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
