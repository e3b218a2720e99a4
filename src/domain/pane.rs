//! Which metric panes an environment has: ours from `assets/panes.toml`, changed and added to by the environment.
//!
//! Owns names, titles, units, limits and how often a pane is asked for. Must not know how a pane looks, nor who asks.

use std::sync::LazyLock;

use serde::Deserialize;

use super::query;
use crate::api::EnvironmentSpec;
use crate::api::duration::Duration;
use crate::api::environment::{MetricPane, MetricUnit, Slo, Worse};

/// The pane of the error rate, which the list of environments tells too.
pub const ERROR_RATE: &str = "errorRate";
/// The pane of the latency, which the list of environments tells too.
pub const LATENCY: &str = "latency";
/// The pane of the promise to users.
pub const OBJECTIVE: &str = "slo";
/// The panes that are compiled in.
pub const SOURCE: &str = include_str!("../../assets/panes.toml");

static SHIPPED: LazyLock<Vec<Shipped>> =
    LazyLock::new(|| toml::from_str::<File>(SOURCE).map(|file| file.pane).unwrap_or_default());

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    pane: Vec<Shipped>,
}

/// One pane of `assets/panes.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shipped {
    name: String,
    title: String,
    refresh: Option<Duration>,
    #[serde(default = "yes")]
    by_track: bool,
    warn: Option<f64>,
    critical: Option<f64>,
    #[serde(default)]
    worse: Worse,
}

const fn yes() -> bool {
    true
}

/// A pane with numbers of an environment.
#[derive(Clone, Debug, PartialEq)]
pub struct PaneDefinition {
    /// Unique in its environment; its curves are kept under it.
    pub name: Box<str>,
    /// What people call it.
    pub title: Box<str>,
    /// What it shows.
    pub content: Content,
    /// What the numbers are.
    pub unit: MetricUnit,
    /// Which numbers are bad.
    pub limits: Limits,
    /// Name of each curve over labels in double braces; absent: the labels by which curves differ.
    pub legend: Option<Box<str>>,
    /// How often it is asked for; absent: as the settings say.
    pub refresh: Option<Duration>,
    /// Both versions are asked for by themselves while two run side by side.
    pub by_track: bool,
}

/// What a pane shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The curves of this template.
    Curves(Box<str>),
    /// The state of the promise to users.
    Objective,
    /// Nothing, and one sentence why.
    Nothing(Box<str>),
}

/// From where on numbers are bad.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Deserves a look.
    pub warn: Option<f64>,
    /// Is bad.
    pub critical: Option<f64>,
    /// Which side is the bad one.
    pub worse: Worse,
}

/// How bad a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Within its limits, or without any.
    Well,
    /// Beyond the first limit.
    Warn,
    /// Beyond the second one.
    Critical,
}

impl Limits {
    /// How bad that number is. No number is not bad.
    #[must_use]
    pub fn judge(self, value: f64) -> Severity {
        let beyond = |limit: Option<f64>| limit.is_some_and(|limit| self.is_beyond(value, limit));
        if beyond(self.critical) {
            Severity::Critical
        } else if beyond(self.warn) {
            Severity::Warn
        } else {
            Severity::Well
        }
    }

    /// Whether a number lies on the bad side of that limit.
    #[must_use]
    pub fn is_beyond(self, value: f64, limit: f64) -> bool {
        match self.worse {
            Worse::Higher => value > limit,
            Worse::Lower => value < limit,
        }
    }

    /// The worse of two numbers.
    #[must_use]
    pub fn worse_of(self, a: f64, b: f64) -> f64 {
        match self.worse {
            Worse::Higher => a.max(b),
            Worse::Lower => a.min(b),
        }
    }
}

/// The panes of an environment in the order in which they are visited; without one, the shipped ones.
#[must_use]
pub fn list(spec: Option<&EnvironmentSpec>) -> Vec<PaneDefinition> {
    let own = spec.and_then(|spec| spec.metrics.as_ref());
    let replaced = |name: &str| own?.panes.iter().find(|pane| pane.name == name);
    let mut panes: Vec<PaneDefinition> = Vec::new();
    for shipped in SHIPPED.iter() {
        let pane = shipped.pane(spec);
        panes.push(match (replaced(&shipped.name), spec) {
            (Some(given), Some(spec)) => changed(pane, spec, given),
            _ => pane,
        });
    }
    let added = own.into_iter().flat_map(|metrics| &metrics.panes);
    let added = added.filter(|given| !SHIPPED.iter().any(|shipped| shipped.name == given.name));
    panes.extend(added.filter_map(|given| Some(changed(blank(given), spec?, given))));
    if let Some(slo) = own.and_then(|metrics| metrics.slo.as_ref()) {
        // what the whole is judged by stands beside what it is made of
        let at = panes
            .iter()
            .position(|pane| &*pane.name == "requestRate")
            .map_or(panes.len(), |at| at.saturating_add(1));
        panes.insert(at, objective(slo));
    }
    panes
}

/// The limit that a pane of that name is judged by.
#[must_use]
pub fn limit(spec: &EnvironmentSpec, name: &str) -> Option<f64> {
    let metrics = spec.metrics.as_ref()?;
    let own = metrics.panes.iter().find(|pane| pane.name == name).and_then(|pane| pane.critical);
    own.or_else(|| metrics.limits.get(name).copied())
}

/// What is wrong with an environment's panes, each as one sentence.
#[must_use]
pub fn problems(spec: &EnvironmentSpec) -> Vec<String> {
    list(Some(spec))
        .into_iter()
        .filter_map(|pane| match pane.content {
            Content::Nothing(why) => Some(format!("metrics.panes, {}: {why}", pane.name)),
            _ => None,
        })
        .collect()
}

impl Shipped {
    fn pane(&self, spec: Option<&EnvironmentSpec>) -> PaneDefinition {
        let template =
            spec.and_then(|spec| query::template(spec, &self.name)).or_else(|| query::shipped(&self.name));
        let limits = Limits { warn: self.warn, critical: self.critical, worse: self.worse };
        let critical = spec.and_then(|spec| limit(spec, &self.name)).or(limits.critical);
        PaneDefinition {
            name: self.name.as_str().into(),
            title: self.title.as_str().into(),
            content: Content::Curves(template.unwrap_or_default().into()),
            unit: unit(&self.name),
            limits: Limits { critical, ..limits },
            legend: None,
            refresh: self.refresh,
            by_track: self.by_track,
        }
    }
}

fn blank(given: &MetricPane) -> PaneDefinition {
    PaneDefinition {
        name: given.name.as_str().into(),
        title: given.name.as_str().into(),
        content: Content::Nothing("".into()),
        unit: MetricUnit::Number,
        limits: Limits::default(),
        legend: None,
        refresh: None,
        by_track: true,
    }
}

/// A pane with what an environment says of it.
fn changed(mut pane: PaneDefinition, spec: &EnvironmentSpec, given: &MetricPane) -> PaneDefinition {
    let query = given.query.as_deref().unwrap_or(&given.name);
    pane.content = match (&given.expression, query::template(spec, query)) {
        (Some(expression), _) => Content::Curves(expression.as_str().into()),
        (None, Some(template)) => Content::Curves(template.into()),
        (None, None) => Content::Nothing(
            format!("there is no query `{query}`; there are {}", query::known(spec).join(", ")).into(),
        ),
    };
    if given.query.is_some() {
        pane.unit = unit(query);
    }
    let metrics = spec.metrics.as_ref();
    let limit = || metrics?.limits.get(query).copied();
    pane.limits = Limits {
        warn: given.warn.or(pane.limits.warn),
        critical: given.critical.or_else(limit).or(pane.limits.critical),
        worse: if given.worse == Worse::Higher { pane.limits.worse } else { given.worse },
    };
    pane.title = given.title.as_deref().map_or(pane.title, Into::into);
    pane.unit = given.unit.unwrap_or(pane.unit);
    pane.legend = given.legend.as_deref().map(Into::into);
    pane.refresh = given.refresh.or(pane.refresh);
    pane
}

fn objective(slo: &Slo) -> PaneDefinition {
    PaneDefinition {
        name: OBJECTIVE.into(),
        title: format!("SLO {}%", slo.objective).into(),
        content: Content::Objective,
        unit: MetricUnit::Ratio,
        limits: Limits { warn: Some(0.25), critical: Some(0.0), worse: Worse::Lower },
        legend: None,
        refresh: Some(Duration::from_mins(1)),
        by_track: false,
    }
}

/// What the numbers of a shipped query are.
fn unit(query: &str) -> MetricUnit {
    match query::unit(query) {
        Some("ratio") => MetricUnit::Ratio,
        Some("seconds") => MetricUnit::Seconds,
        Some("bytes") => MetricUnit::Bytes,
        Some("requests per second") => MetricUnit::PerSecond,
        _ => MetricUnit::Number,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(metrics: &serde_json::Value) -> EnvironmentSpec {
        serde_json::from_value(json!({
            "application": "a", "tier": "staging", "components": [], "metrics": metrics,
        }))
        .unwrap()
    }

    fn find(spec: &EnvironmentSpec, name: &str) -> PaneDefinition {
        list(Some(spec)).into_iter().find(|pane| &*pane.name == name).unwrap()
    }

    #[test]
    fn every_shipped_pane_has_its_query() {
        let names: Vec<String> = list(None).iter().map(|pane| pane.name.to_string()).collect();
        assert_eq!(names[..2], [ERROR_RATE, LATENCY]);
        assert_eq!(names.len(), toml::from_str::<File>(SOURCE).unwrap().pane.len());
        for pane in list(None) {
            assert!(query::shipped(&pane.name).is_some(), "{}", pane.name);
            assert!(matches!(&pane.content, Content::Curves(template) if !template.is_empty()));
        }
    }

    #[test]
    fn an_environment_adds_panes_and_changes_shipped_ones() {
        let spec = spec(&json!({
            "queries": {"connections": "sum(pg_stat_activity_count)"},
            "limits": {"latency": 2.0, "connections": 80.0},
            "panes": [
                {"name": "connections", "title": "DB connections", "warn": 60.0, "refresh": "30s"},
                {"name": "queue", "expression": "max(celery_queue_length)", "critical": 1000.0},
                {"name": "latency", "title": "Response time", "warn": 1.0},
                {"name": "throughput", "query": "requestRate", "critical": 50.0, "worse": "lower"},
            ],
        }));
        let connections = find(&spec, "connections");
        assert_eq!(connections.content, Content::Curves("sum(pg_stat_activity_count)".into()));
        assert_eq!(
            connections.limits,
            Limits { warn: Some(60.0), critical: Some(80.0), worse: Worse::Higher }
        );
        assert_eq!(connections.refresh, Some(Duration::from_secs(30)));
        assert_eq!(find(&spec, "queue").content, Content::Curves("max(celery_queue_length)".into()));
        let latency = find(&spec, "latency");
        assert_eq!((&*latency.title, latency.unit), ("Response time", MetricUnit::Seconds));
        assert_eq!((latency.limits.warn, latency.limits.critical), (Some(1.0), Some(2.0)));
        assert_eq!(&*list(Some(&spec))[1].name, "latency", "it keeps its place");
        let throughput = find(&spec, "throughput");
        assert_eq!(throughput.unit, MetricUnit::PerSecond);
        assert_eq!(throughput.limits.judge(40.0), Severity::Critical);
        assert_eq!(problems(&spec), Vec::<String>::new());
    }

    #[test]
    fn a_pane_without_a_query_says_so() {
        let problems = problems(&spec(&json!({"panes": [{"name": "oops"}]})));
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].starts_with("metrics.panes, oops: there is no query `oops`; there are activePods")
        );
    }

    #[test]
    fn a_promise_has_its_pane() {
        let panes = list(Some(&spec(&json!({"slo": {"objective": 99.9}}))));
        let at = panes.iter().position(|pane| pane.content == Content::Objective).unwrap();
        assert_eq!((at, &*panes[at].title), (3, "SLO 99.9%"));
    }

    #[test]
    fn numbers_are_judged_on_the_bad_side() {
        let limits = |worse| Limits { warn: Some(2.0), critical: Some(3.0), worse };
        for (value, higher, lower) in [
            (1.0, Severity::Well, Severity::Critical),
            (2.0, Severity::Well, Severity::Critical),
            (2.5, Severity::Warn, Severity::Critical),
            (3.5, Severity::Critical, Severity::Well),
            (f64::NAN, Severity::Well, Severity::Well),
        ] {
            assert_eq!(limits(Worse::Higher).judge(value), higher, "{value}");
            assert_eq!(limits(Worse::Lower).judge(value), lower, "{value}");
        }
        assert_eq!(Limits::default().judge(1e9), Severity::Well);
    }
}
