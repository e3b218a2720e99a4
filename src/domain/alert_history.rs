//! When alerts began and ceased to fire, out of the series that Prometheus keeps of each.
//!
//! Owns the question and how its samples become episodes. Must not know who asks.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::alert_row::{AlertRow, Labels, Severity, owners};
use super::query::{self, Values};
use super::sliding::Sample;
use crate::api::Environment;

/// Steps without a sample that are a gap, and no late scrape.
const GAP: f64 = 2.5;

/// One time that an alert fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Episode {
    /// Its name.
    pub name: Box<str>,
    /// How bad it is.
    pub severity: Severity,
    /// Every label.
    pub labels: Labels,
    /// When it began, to a step; absent: before the time that was asked about.
    pub began: Option<DateTime<Utc>>,
    /// When it ceased, to a step; absent: it fires still.
    pub ended: Option<DateTime<Utc>>,
}

impl Episode {
    /// What tells it from others of its name: `component backend, track canary`.
    #[must_use]
    pub fn about(&self) -> String {
        let telling = ["component", "track", "deployment", "pod", "instance"].into_iter();
        let words =
            telling.filter_map(|label| self.labels.get(label).map(|value| format!("{label} {value}")));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// The question after everything that fired in an environment; absent where its names cannot stand in one.
#[must_use]
pub fn question(environment: &Environment) -> Option<String> {
    let own = environment.spec.metrics.as_ref().map(|metrics| &metrics.alert_labels);
    let Some(own) = own.filter(|own| !own.is_empty()) else {
        let plain = r#"ALERTS{alertstate="firing", namespace="{{namespace}}", exported_namespace=""} or ALERTS{alertstate="firing", exported_namespace="{{namespace}}"}"#;
        return query::render("alerts", plain, &Values::of(environment)).ok();
    };
    let mut matchers = r#"alertstate="firing""#.to_owned();
    for (name, value) in own {
        let is_name =
            |(nth, c): (usize, char)| c == '_' || c.is_ascii_alphabetic() || (nth > 0 && c.is_ascii_digit());
        if name.is_empty() || !name.chars().enumerate().all(is_name) {
            return None;
        }
        let _ = write!(matchers, ", {name}={value:?}");
    }
    Some(format!("ALERTS{{{matchers}}}"))
}

/// Every time that one alert fired, out of its samples between two instants in Unix seconds.
#[must_use]
pub fn episodes(labels: &Labels, samples: &[Sample], step: f64, (start, end): (f64, f64)) -> Vec<Episode> {
    let row = AlertRow {
        name: labels.get("alertname").cloned().unwrap_or_default(),
        is_firing: true,
        since: DateTime::UNIX_EPOCH,
        labels: labels
            .iter()
            .filter(|(name, _)| !is_of_prometheus(name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect(),
        annotations: Labels::new(),
        environments: Vec::new(),
    };
    let mut spans: Vec<(f64, f64)> = Vec::new();
    for (at, _) in samples {
        match spans.last_mut() {
            Some((_, until)) if at - *until <= step * GAP => *until = *at,
            _ => spans.push((*at, *at)),
        }
    }
    let episode = |(from, until): (f64, f64)| Episode {
        name: row.name.clone(),
        severity: row.severity(),
        labels: row.labels.clone(),
        began: if from - start <= step * GAP { None } else { instant(from) },
        ended: if end - until <= step * GAP { None } else { instant(until + step) },
    };
    spans.into_iter().map(episode).collect()
}

/// Those of an environment, among all environments that are known.
#[must_use]
pub fn of(environment: &Environment, all: &[&Environment], episodes: Vec<Episode>) -> Vec<Episode> {
    let key = environment.key();
    let is_ours = |episode: &Episode| owners(all.iter().copied(), &episode.labels).contains(&key);
    episodes.into_iter().filter(is_ours).collect()
}

fn is_of_prometheus(label: &str) -> bool {
    matches!(label, "__name__" | "alertstate")
}

fn instant(seconds: f64) -> Option<DateTime<Utc>> {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit 53 bits")]
    let millis = (seconds * 1_000.0).round() as i64;
    DateTime::from_timestamp_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{NAMESPACE, environment};

    fn words(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn told(samples: &[f64]) -> Vec<(Option<i64>, Option<i64>)> {
        let labels = words(&[("alertname", "A"), ("__name__", "ALERTS"), ("alertstate", "firing")]);
        let samples: Vec<Sample> = samples.iter().map(|at| (*at, 1.0)).collect();
        let found = episodes(&labels, &samples, 10.0, (1_000.0, 2_000.0));
        assert!(found.iter().all(|one| one.labels.len() == 1 && &*one.name == "A"), "{found:?}");
        let seconds = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp());
        found.iter().map(|one| (seconds(one.began), seconds(one.ended))).collect()
    }

    #[test]
    fn samples_that_follow_each_other_are_one_episode() {
        for (samples, expected) in [
            (&[][..], &[][..]),
            (&[1_100.0, 1_110.0, 1_120.0], &[(Some(1_100), Some(1_130))]),
            (&[1_100.0, 1_120.0, 1_130.0], &[(Some(1_100), Some(1_140))]),
            (&[1_100.0, 1_140.0], &[(Some(1_100), Some(1_110)), (Some(1_140), Some(1_150))]),
            (&[1_000.0, 1_010.0], &[(None, Some(1_020))]),
            (&[1_980.0, 1_990.0], &[(Some(1_980), None)]),
        ] {
            assert_eq!(told(samples), expected, "{samples:?}");
        }
    }

    #[test]
    fn the_question_names_what_makes_an_alert_ours() {
        let mut environment = environment();
        let text = question(&environment).unwrap();
        assert!(text.contains(&format!("namespace=\"{NAMESPACE}\"")), "{text}");
        promql_parser::parser::parse(&text).unwrap();
        let metrics = environment.spec.metrics.get_or_insert_default();
        metrics.alert_labels.insert("team".to_owned(), "a \"b\"".to_owned());
        let text = question(&environment).unwrap();
        assert_eq!(text, r#"ALERTS{alertstate="firing", team="a \"b\""}"#);
        promql_parser::parser::parse(&text).unwrap();
        let metrics = environment.spec.metrics.get_or_insert_default();
        metrics.alert_labels.insert("te am".to_owned(), "x".to_owned());
        assert_eq!(question(&environment), None);
        environment.spec.metrics = None;
        environment.metadata.namespace = Some("a\"b".into());
        assert_eq!(question(&environment), None);
    }
}
