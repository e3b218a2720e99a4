//! Query templates: ours from `assets/queries.toml` and `assets/presets.toml`, an environment's own where it brings some.
//!
//! Values are checked before they enter a query, so that no name can end a matcher and begin another. Must not know who asks.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::api::environment::{Preset, WorkloadRef};
use crate::api::strategy::Track;
use crate::api::{Environment, EnvironmentSpec};
use crate::domain::workload_kind;

/// Why a template cannot become a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("query {name}: the {what} `{value}` cannot stand in a query")]
pub struct QueryError {
    name: String,
    what: &'static str,
    value: String,
}

/// The queries that are compiled in.
pub const SOURCE: &str = include_str!("../../assets/queries.toml");
/// The queries of those who count requests in the application's place, by preset and name.
pub const PRESETS: &str = include_str!("../../assets/presets.toml");
/// Over how long a rate is taken, where nobody says otherwise.
pub const DEFAULT_WINDOW: &str = "1m";
/// The query that gives the buckets of a histogram.
const BUCKETS: &str = "latencyBuckets";
/// Matches every track, and series without one.
pub const ANY_TRACK: &str = ANY;
const ANY: &str = ".*";

static DEFAULTS: LazyLock<BTreeMap<String, Template>> =
    LazyLock::new(|| toml::from_str(SOURCE).unwrap_or_default());
static PRESET: LazyLock<BTreeMap<Preset, BTreeMap<String, Template>>> =
    LazyLock::new(|| toml::from_str(PRESETS).unwrap_or_default());

/// One query of `assets/queries.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// What its numbers are.
    pub unit: String,
    /// PromQL with placeholders.
    pub query: String,
    /// The same as raw counters, one series per pod, where there are any.
    #[serde(default)]
    pub counters: Option<String>,
}

/// What a template is filled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values<'a> {
    /// The environment's namespace.
    pub namespace: &'a str,
    /// Its components, or some of them; empty: whatever there is.
    pub components: Vec<&'a str>,
    /// The workloads of these components, as the environment names them; empty: whatever there is.
    pub workloads: Vec<&'a WorkloadRef>,
    /// `stable`, `canary`, `green` or [`ANY_TRACK`].
    pub track: &'a str,
    /// Such as `1m`.
    pub window: &'a str,
}

impl<'a> Values<'a> {
    /// Everything of an environment, over the default window.
    #[must_use]
    pub fn of(environment: &'a Environment) -> Self {
        Self {
            namespace: environment.metadata.namespace.as_deref().unwrap_or_default(),
            components: environment.spec.components.iter().map(|component| component.name.as_str()).collect(),
            workloads: environment.spec.components.iter().map(|component| &component.workload).collect(),
            track: ANY_TRACK,
            window: DEFAULT_WINDOW,
        }
    }
}

/// The template of that name: the environment's own, else that of its preset, else ours.
#[must_use]
pub fn template<'a>(spec: &'a EnvironmentSpec, name: &str) -> Option<&'a str> {
    let metrics = spec.metrics.as_ref();
    let own = metrics.and_then(|metrics| metrics.queries.get(name));
    let preset = || PRESET.get(&metrics?.preset?)?.get(name).map(|template| &template.query);
    own.or_else(preset).or_else(|| DEFAULTS.get(name).map(|template| &template.query)).map(String::as_str)
}

/// The template of that name over a window. Where the environment's own one gives raw counters, their increase is summed.
#[must_use]
pub fn windowed<'a>(spec: &'a EnvironmentSpec, name: &str) -> Option<Cow<'a, str>> {
    let by = if name == BUCKETS { " by (le) " } else { "" };
    match own(spec, name).filter(|own| is_counter(own) && DEFAULTS.get(name).is_some_and(has_counters)) {
        Some(own) => Some(Cow::Owned(format!("sum{by}(increase(({})[{{{{window}}}}:]))", own.trim()))),
        None => template(spec, name).map(Cow::Borrowed),
    }
}

/// The template of that name that gives raw counters: the environment's own where it is one, else that of its preset, else ours.
/// Nothing where the environment's own one is not.
#[must_use]
pub fn counters<'a>(spec: &'a EnvironmentSpec, name: &str) -> Option<&'a str> {
    if let Some(own) = own(spec, name) {
        return Some(own).filter(|own| is_counter(own));
    }
    let preset = spec.metrics.as_ref().and_then(|metrics| PRESET.get(&metrics.preset?)?.get(name));
    preset.or_else(|| DEFAULTS.get(name)).and_then(|template| template.counters.as_deref())
}

/// Whether the environment brings a query of that name itself.
#[must_use]
pub fn is_own(spec: &EnvironmentSpec, name: &str) -> bool {
    own(spec, name).is_some()
}

/// Whether the label `pod` of the counters is that of the application's pods: a router in front of them has pods of its own.
#[must_use]
pub fn counts_at_pods(spec: &EnvironmentSpec, name: &str) -> bool {
    let preset = spec.metrics.as_ref().and_then(|metrics| metrics.preset).unwrap_or_default();
    is_own(spec, name) || matches!(preset, Preset::Application | Preset::Istio)
}

fn own<'a>(spec: &'a EnvironmentSpec, name: &str) -> Option<&'a str> {
    spec.metrics.as_ref()?.queries.get(name).map(String::as_str)
}

fn has_counters(template: &Template) -> bool {
    template.counters.is_some()
}

/// Whether a template gives counters as they are, and not what became of them over some time.
fn is_counter(template: &str) -> bool {
    const OVER_TIME: [&str; 6] =
        ["{{window}}", "rate(", "increase(", "delta(", "_over_time(", "histogram_quantile("];
    // what stands in quotes are values of labels
    let outside: String = template.split('"').step_by(2).collect();
    let text = outside.replace(char::is_whitespace, "");
    !OVER_TIME.iter().any(|part| text.contains(part)) && !text.contains(']')
}

/// Our own template of that name, without any environment.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static str> {
    DEFAULTS.get(name).map(|template| template.query.as_str())
}

/// What the numbers of a query of that name are, in the words of `assets/queries.toml`; nothing for a name of the environment's own.
#[must_use]
pub fn unit(name: &str) -> Option<&'static str> {
    DEFAULTS.get(name).map(|template| template.unit.as_str())
}

/// Names of every query that an environment may use: ours and its own.
#[must_use]
pub fn known(spec: &EnvironmentSpec) -> Vec<&str> {
    let own = spec.metrics.iter().flat_map(|metrics| metrics.queries.keys());
    let mut all: Vec<&str> = own.chain(DEFAULTS.keys()).map(String::as_str).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// PromQL out of a template; `name` is for the sentence when something is wrong.
pub fn render(name: &str, template: &str, values: &Values<'_>) -> Result<String, QueryError> {
    let wrong =
        |what: &'static str, value: &str| QueryError { name: name.to_owned(), what, value: value.to_owned() };
    if !is_name(values.namespace) {
        return Err(wrong("namespace", values.namespace));
    }
    if let Some(component) = values.components.iter().find(|component| !is_name(component)) {
        return Err(wrong("component", component));
    }
    if let Some(workload) = values.workloads.iter().find(|workload| !is_name(&workload.name)) {
        return Err(wrong("workload", &workload.name));
    }
    if !is_name(values.track) && values.track != ANY_TRACK {
        return Err(wrong("track", values.track));
    }
    if !values.window.chars().all(|c| c.is_ascii_alphanumeric()) || values.window.is_empty() {
        return Err(wrong("window", values.window));
    }
    let any_of = |names: Vec<String>| if names.is_empty() { ANY.to_owned() } else { names.join("|") };
    let components = any_of(values.components.iter().map(|component| dotted(component)).collect());
    let workloads =
        any_of(values.workloads.iter().map(|workload| workload_names(workload, values)).collect());
    let pods = any_of(values.workloads.iter().map(|workload| pod_names(workload, values)).collect());
    let mut query = template.trim().to_owned();
    for (placeholder, value) in [
        ("namespace", values.namespace),
        ("component", &components),
        ("workload", &workloads),
        ("pods", &pods),
        ("track", values.track),
        ("window", values.window),
    ] {
        query = query.replace(&format!("{{{{{placeholder}}}}}"), value);
    }
    if let Some((_, rest)) = query.split_once("{{") {
        let unknown = rest.split_once("}}").map_or(rest, |(name, _)| name);
        return Err(wrong("placeholder", unknown));
    }
    Ok(query)
}

/// A dot in brackets is itself, in every kind of quotes, without a backslash.
fn dotted(name: &str) -> String {
    name.replace('.', "[.]")
}

/// The names of a workload's track: `backend`, `backend-canary`, or both and green.
fn workload_names(workload: &WorkloadRef, values: &Values<'_>) -> String {
    let name = dotted(&workload.name);
    let second = [Track::Canary, Track::Green].into_iter().find(|track| track.as_str() == values.track);
    match second {
        Some(track) => track.workload_name(&name),
        None if values.track == ANY_TRACK => format!("{name}(?:-canary|-green)?"),
        None => name,
    }
}

/// The names of its pods, and of no other workload whose name begins alike: generated parts have no dash.
fn pod_names(workload: &WorkloadRef, values: &Values<'_>) -> String {
    let generated = workload_kind::row(workload.kind).pod_suffix;
    format!("{}{generated}", workload_names(workload, values))
}

/// Letters, digits, dots, dashes and underscores: all that Kubernetes' names need, and nothing that quotes or matches.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::WorkloadKind;

    const VALUES: Values<'static> = Values {
        namespace: "shop",
        components: Vec::new(),
        workloads: Vec::new(),
        track: ANY_TRACK,
        window: "1m",
    };

    #[test]
    fn every_shipped_query_is_complete() {
        let shipped: BTreeMap<String, Template> = toml::from_str(SOURCE).unwrap();
        let names: Vec<_> = shipped.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "activePods",
                "cpuLimit",
                "cpuRequest",
                "errorRate",
                "errors",
                "latency",
                "latencyBuckets",
                "latencyP50",
                "latencyP99",
                "memoryLimit",
                "memoryRequest",
                "newestSample",
                "podCpu",
                "podMemory",
                "requestRate",
                "requests",
                "restarts"
            ]
        );
        for (name, template) in &shipped {
            let query = parsed(name, template);
            let by_component = query.contains(r#"component=~"backend|v2[.]frontend""#);
            let by_pod =
                query.contains(r#"pod=~"backend(?:-canary|-green)?-[0-9a-z]+-[0-9a-z]+|v2[.]frontend"#);
            assert!(by_component != by_pod, "{query}");
        }
    }

    /// The query of a shipped template for two components.
    fn parsed(name: &str, template: &Template) -> String {
        let workloads = ["backend", "v2.frontend"]
            .map(|name| WorkloadRef { kind: WorkloadKind::Deployment, name: name.into() });
        let components = vec!["backend", "v2.frontend"];
        let values = Values { components, workloads: workloads.iter().collect(), ..VALUES };
        let query = render(name, &template.query, &values).unwrap();
        promql_parser::parser::parse(&query).unwrap_or_else(|error| panic!("{name}: {error}\n{query}"));
        query
    }

    #[test]
    fn every_preset_takes_the_place_of_every_query_about_requests() {
        let shipped: BTreeMap<String, Template> = toml::from_str(SOURCE).unwrap();
        let about_requests: Vec<&String> = shipped
            .iter()
            .filter(|(_, template)| template.query.contains("http_"))
            .map(|(name, _)| name)
            .collect();
        let presets: BTreeMap<Preset, BTreeMap<String, Template>> = toml::from_str(PRESETS).unwrap();
        for preset in Preset::ALL {
            let Some(queries) = presets.get(&preset) else {
                assert_eq!(preset, Preset::Application, "{}", preset.as_str());
                continue;
            };
            assert_eq!(queries.keys().collect::<Vec<_>>(), about_requests, "{}", preset.as_str());
            for (name, template) in queries {
                assert_eq!(template.unit, shipped[name].unit, "{name}");
                assert_eq!(template.counters.is_some(), shipped[name].counters.is_some(), "{name}");
                let query = parsed(name, template);
                assert!(query.contains("shop") && query.contains("v2[.]frontend"), "{query}");
            }
            let spec: EnvironmentSpec = serde_json::from_value(serde_json::json!({
                "application": "a", "tier": "staging", "components": [], "metrics": {"preset": preset.as_str()},
            }))
            .unwrap();
            assert_eq!(template(&spec, "latency"), Some(queries["latency"].query.as_str()));
            assert_eq!(template(&spec, "restarts"), Some(shipped["restarts"].query.as_str()));
        }
    }

    #[test]
    fn every_preset_counts_requests_errors_and_durations() {
        for preset in Preset::ALL {
            let spec = spec(&serde_json::json!({"preset": preset.as_str()}));
            for name in ["requests", "errors", "latencyBuckets"] {
                let query = counters(&spec, name).unwrap().to_owned();
                assert!(is_counter(&query), "{query}");
                let query = parsed(name, &Template { unit: String::new(), query, counters: None });
                assert!(query.contains("shop") && query.contains("v2[.]frontend"), "{query}");
            }
            assert_eq!(counters(&spec, "errorRate"), None);
        }
    }

    #[test]
    fn an_own_query_counts_if_it_gives_counters() {
        let own =
            |query: &str| spec(&serde_json::json!({"queries": {"requests": query, "latencyBuckets": query}}));
        let raw = own("my_requests_total{track=\"{{track}}\"}");
        assert_eq!(counters(&raw, "requests"), Some("my_requests_total{track=\"{{track}}\"}"));
        assert_eq!(
            windowed(&raw, "requests").unwrap(),
            "sum(increase((my_requests_total{track=\"{{track}}\"})[{{window}}:]))"
        );
        assert!(windowed(&raw, "latencyBuckets").unwrap().starts_with("sum by (le) (increase(("));
        for over_time in
            ["sum(increase(x[{{window}}]))", "sum(rate (x[5m]))", "avg_over_time(x[5m])", "x[5m]"]
        {
            let spec = own(over_time);
            assert_eq!(counters(&spec, "requests"), None, "{over_time}");
            assert_eq!(windowed(&spec, "requests").unwrap(), over_time);
        }
        let none = spec(&serde_json::json!({}));
        assert_eq!(windowed(&none, "requests").as_deref(), template(&none, "requests"));
    }

    fn spec(metrics: &serde_json::Value) -> EnvironmentSpec {
        serde_json::from_value(serde_json::json!({
            "application": "a", "tier": "staging", "components": [], "metrics": metrics,
        }))
        .unwrap()
    }

    #[test]
    fn no_value_can_break_out() {
        for hostile in ["a\"} or vector(1) #", "a`", "a'", "a\\", "a|b", ".*", "", "a\n", "{{window}}"] {
            let namespace = Values { namespace: hostile, ..VALUES };
            let component = Values { components: vec![hostile], ..VALUES };
            let window = Values { window: hostile, ..VALUES };
            for values in [namespace, component, window] {
                assert!(render("q", "{{namespace}}{{component}}{{window}}", &values).is_err(), "{values:?}");
            }
        }
        assert!(render("q", "x", &Values { track: "a|b", ..VALUES }).is_err());
    }

    #[test]
    fn without_components_everything_is_meant() {
        assert_eq!(render("q", "{c=~\"{{component}}\"}", &VALUES).unwrap(), "{c=~\".*\"}");
    }

    #[test]
    fn an_unknown_placeholder_is_named() {
        let error = render("mine", "up{x=\"{{cluster}}\"}", &VALUES).unwrap_err();
        assert_eq!(error.to_string(), "query mine: the placeholder `cluster` cannot stand in a query");
    }

    #[test]
    fn an_environments_own_query_wins() {
        let mut spec: EnvironmentSpec = serde_json::from_value(serde_json::json!({
            "application": "a", "tier": "staging", "components": [],
            "metrics": {"queries": {"latency": "mine"}},
        }))
        .unwrap();
        assert_eq!(template(&spec, "latency"), Some("mine"));
        assert!(template(&spec, "errorRate").unwrap().contains("5.."));
        spec.metrics = None;
        assert_eq!(template(&spec, "nothing"), None);
    }

    #[test]
    fn a_track_has_its_own_workload_and_pods() {
        let backend = WorkloadRef { kind: WorkloadKind::Deployment, name: "backend".into() };
        let store = WorkloadRef { kind: WorkloadKind::StatefulSet, name: "store.v2".into() };
        let render = |workload, track| {
            let values = Values { workloads: vec![workload], track, ..VALUES };
            render("q", "{{workload}} {{pods}}", &values).unwrap()
        };
        for (workload, track, expected) in [
            (&backend, "stable", "backend backend-[0-9a-z]+-[0-9a-z]+"),
            (&backend, "canary", "backend-canary backend-canary-[0-9a-z]+-[0-9a-z]+"),
            (
                &backend,
                ANY_TRACK,
                "backend(?:-canary|-green)? backend(?:-canary|-green)?-[0-9a-z]+-[0-9a-z]+",
            ),
            (&store, "stable", "store[.]v2 store[.]v2-[0-9]+"),
        ] {
            assert_eq!(render(workload, track), expected);
        }
        let stable = regex::Regex::new("^(?:backend-[0-9a-z]+-[0-9a-z]+)$").unwrap();
        assert!(
            stable.is_match("backend-6d5f4c7b9-x2x4v") && !stable.is_match("backend-canary-6d5f4c7b9-x2x4v")
        );
    }
}
