//! Alerting rules: evaluated at every scrape over what was scraped, pending until they have lasted, then firing.
//!
//! The two endpoints that tell of them answer as Prometheus does. Texts of labels and annotations may hold `{{ $labels.NAME }}` and
//! `{{ $value }}`; other templates are refused when a scenario is read.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat};
use promql_parser::parser::{self, Expr};
use serde_json::{Value as Json, json};

use super::eval::{Evaluator, Point, Value};
use super::samples::{Labels, NAME, Samples};
use crate::sim::scenario::Rule;

/// The rules of a world, and what they say.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    all: Vec<Alerting>,
    /// Milliseconds since 1970; nothing before the first evaluation.
    evaluated_at: Option<i64>,
    /// The series of what was active at the last evaluation.
    told: BTreeSet<Labels>,
}

#[derive(Debug)]
struct Alerting {
    rule: Rule,
    expr: Expr,
    active: BTreeMap<Labels, Active>,
    /// Why the last evaluation failed.
    error: Option<String>,
}

/// One alert that is pending or fires.
#[derive(Clone, Debug)]
struct Active {
    /// Milliseconds since 1970.
    since: i64,
    is_firing: bool,
    value: f64,
    annotations: BTreeMap<String, String>,
}

impl Rules {
    /// The rules of a scenario, none of them active.
    ///
    /// # Errors
    /// A sentence that names the rule.
    pub(crate) fn read(rules: &[Rule]) -> Result<Self, String> {
        let read = |rule: &Rule| {
            let expr =
                parser::parse(&rule.expr).map_err(|why| format!("rules.expr of {}: {why}", rule.alert))?;
            for text in rule.labels.values().chain(rule.annotations.values()) {
                let rest = expand(text, &Labels::default(), 0.0);
                if rest.contains("{{") {
                    return Err(format!(
                        "rules of {}: \"{text}\" holds a template that is not known",
                        rule.alert
                    ));
                }
            }
            Ok(Alerting { rule: rule.clone(), expr, active: BTreeMap::new(), error: None })
        };
        Ok(Self {
            all: rules.iter().map(read).collect::<Result<_, _>>()?,
            evaluated_at: None,
            told: BTreeSet::new(),
        })
    }

    /// Evaluates every rule at an instant in milliseconds. Gives the series by which an alert is told while it is active, and those that
    /// end now.
    pub(crate) fn evaluate(&mut self, samples: &Samples, at: i64) -> (BTreeSet<Labels>, Vec<Labels>) {
        for alerting in &mut self.all {
            alerting.evaluate(samples, at);
        }
        self.evaluated_at = Some(at);
        let told: BTreeSet<Labels> = self.all.iter().flat_map(Alerting::series).collect();
        let over = self.told.difference(&told).cloned().collect();
        self.told.clone_from(&told);
        (told, over)
    }

    /// `/api/v1/alerts`.
    #[must_use]
    pub(crate) fn alerts(&self) -> Json {
        let alerts: Vec<Json> = self.all.iter().flat_map(Alerting::alerts).collect();
        json!({"alerts": alerts})
    }

    /// `/api/v1/rules`; `kind` is the parameter `type`.
    #[must_use]
    pub(crate) fn groups(&self, kind: Option<&str>) -> Json {
        if self.all.is_empty() || kind.is_some_and(|kind| kind != "alert") {
            return json!({"groups": []});
        }
        let evaluated = self.evaluated_at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), instant);
        let rules: Vec<Json> = self.all.iter().map(|alerting| alerting.told(&evaluated)).collect();
        json!({"groups": [{
            "name": "scenario", "file": "/etc/prometheus/rules/scenario.yaml", "interval": 5, "limit": 0,
            "evaluationTime": 0.000_1, "lastEvaluation": evaluated, "rules": rules
        }]})
    }
}

impl Alerting {
    fn evaluate(&mut self, samples: &Samples, at: i64) {
        let points = match Evaluator::new(samples, at, at).eval(&self.expr, at) {
            Ok(Value::Vector(points)) => points,
            // a scalar is a vector of one element without labels, as Prometheus has it
            Ok(Value::Scalar(value)) => vec![Point { labels: Labels::default(), value }],
            Ok(_) => Vec::new(),
            Err(error) => {
                self.error = Some(error.to_string());
                return;
            }
        };
        self.error = None;
        let lasting = i64::try_from(self.rule.lasting.as_millis()).unwrap_or(i64::MAX);
        let mut active = BTreeMap::new();
        for point in points {
            let own = point.labels.nameless();
            let mut labels = own.clone();
            for (name, text) in &self.rule.labels {
                labels = labels.with(name, &expand(text, &own, point.value));
            }
            let labels = labels.with("alertname", &self.rule.alert);
            let since = self.active.get(&labels).map_or(at, |known| known.since);
            let annotations = &self.rule.annotations;
            let annotations = annotations
                .iter()
                .map(|(name, text)| (name.clone(), expand(text, &own, point.value)))
                .collect();
            let is_firing = at - since >= lasting;
            active.insert(labels, Active { since, is_firing, value: point.value, annotations });
        }
        self.active = active;
    }

    fn alerts(&self) -> impl Iterator<Item = Json> {
        self.active.iter().map(|(labels, active)| {
            let labels: BTreeMap<&str, &str> = labels.iter().collect();
            json!({
                "labels": labels, "annotations": active.annotations,
                "state": if active.is_firing { "firing" } else { "pending" },
                "activeAt": instant(active.since), "value": scientific(active.value)
            })
        })
    }

    /// `ALERTS` with the alert's labels and its state, one for each that is active.
    fn series(&self) -> impl Iterator<Item = Labels> {
        self.active.iter().map(|(labels, active)| {
            let state = if active.is_firing { "firing" } else { "pending" };
            labels.with("alertstate", state).with(NAME, "ALERTS")
        })
    }

    fn told(&self, evaluated: &str) -> Json {
        let state = match self.active.values().map(|active| active.is_firing).max() {
            Some(true) => "firing",
            Some(false) => "pending",
            None => "inactive",
        };
        let mut rule = json!({
            "state": state, "name": self.rule.alert, "query": self.rule.expr,
            "duration": self.rule.lasting.as_secs_f64(), "keepFiringFor": 0,
            "labels": self.rule.labels, "annotations": self.rule.annotations,
            "alerts": self.alerts().collect::<Vec<_>>(), "health": if self.error.is_some() { "err" } else { "ok" },
            "evaluationTime": 0.000_1, "lastEvaluation": evaluated, "type": "alerting"
        });
        if let Some(error) = &self.error {
            rule["lastError"] = json!(error);
        }
        rule
    }
}

fn instant(millis: i64) -> String {
    let at = DateTime::from_timestamp_millis(millis).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A number as Prometheus writes it beside an alert: `1.5e-01`.
fn scientific(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
    format!("{digits}e{sign}{size:0>2}")
}

fn expand(text: &str, labels: &Labels, value: f64) -> String {
    let (mut expanded, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inside, behind)) = after.split_once("}}") else { break };
        expanded.push_str(before);
        match inside.trim() {
            "$value" => expanded.push_str(&value.to_string()),
            name => match name.strip_prefix("$labels.") {
                Some(label) => expanded.push_str(labels.get(label)),
                None => expanded.extend(["{{", inside, "}}"]),
            },
        }
        rest = behind;
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(expr: &str) -> Result<Rules, String> {
        let rule = serde_json::json!({
            "alert": "HighErrorRate", "expr": expr, "for": "10s", "labels": {"severity": "page"},
            "annotations": {"summary": "{{ $labels.component }} fails: {{ $value }}"},
        });
        Rules::read(&[serde_json::from_value(rule).unwrap()])
    }

    #[test]
    fn a_rule_is_pending_until_it_has_lasted_and_begins_anew_after_a_pause() {
        let mut samples = Samples::default();
        let id = samples.series(Labels::new("errors", &[("component", "backend")]));
        let mut rules = rules("errors > 0.1").unwrap();
        let mut states = Vec::new();
        for (second, value) in (0..).zip([0.0, 0.2, 0.2, 0.5, 0.0, 0.3]) {
            samples.append(id, second * 5_000, value);
            rules.evaluate(&samples, second * 5_000);
            let told = rules.alerts();
            states.push(told["alerts"][0]["state"].as_str().unwrap_or("inactive").to_owned());
            if second == 3 {
                let expected = serde_json::json!({
                    "labels": {"alertname": "HighErrorRate", "component": "backend", "severity": "page"},
                    "annotations": {"summary": "backend fails: 0.5"},
                    "state": "firing", "activeAt": "1970-01-01T00:00:05Z", "value": "5e-01"
                });
                assert_eq!(told["alerts"], serde_json::json!([expected]));
                assert_eq!(rules.groups(None)["groups"][0]["rules"][0]["state"], "firing");
            }
        }
        assert_eq!(states, ["inactive", "pending", "pending", "firing", "inactive", "pending"]);
        assert_eq!(rules.groups(Some("record")), serde_json::json!({"groups": []}));
    }

    #[test]
    fn an_alert_is_a_series_as_long_as_it_is_active() {
        let rule = serde_json::json!({"alert": "A", "expr": "errors > 0.1", "for": "10s"});
        let rules = Rules::read(&[serde_json::from_value(rule).unwrap()]).unwrap();
        let mut samples = Samples::with(rules);
        let id = samples.series(Labels::new("errors", &[("component", "backend")]));
        let mut states = Vec::new();
        for (second, value) in (0..).zip([0.2, 0.2, 0.2, 0.0, 0.2]) {
            let at = second * 5_000;
            samples.append(id, at, value);
            samples.evaluate_rules(at);
            let alive =
                samples.named(Some("ALERTS")).filter(|series| series.latest(at - 60_000, at).is_some());
            states.push(
                alive.map(|series| series.labels.get("alertstate").to_owned()).collect::<Vec<_>>().join(" "),
            );
        }
        assert_eq!(states, ["pending", "pending", "firing", "", "pending"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert!(rules("errors >").unwrap_err().contains("HighErrorRate"));
        let rule = serde_json::json!({"alert": "A", "expr": "up", "labels": {"x": "{{ humanize $value }}"}});
        assert!(Rules::read(&[serde_json::from_value(rule).unwrap()]).unwrap_err().contains("humanize"));
    }

    #[test]
    fn numbers_are_written_as_go_does() {
        for (number, text) in
            [(1.0, "1e+00"), (0.15, "1.5e-01"), (1e10, "1e+10"), (0.0, "0e+00"), (-2.5e-12, "-2.5e-12")]
        {
            assert_eq!(scientific(number), text);
        }
    }
}
