//! Query templates: ours from `assets/queries.toml`, an environment's own where it brings some.
//!
//! Values are checked before they enter a query, so that no name can end a matcher and begin another.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::error::{Error, Kind};
use crate::api::{Environment, EnvironmentSpec};
use crate::cluster::error::quote;

/// The queries that are compiled in.
pub const SOURCE: &str = include_str!("../../assets/queries.toml");
/// Over how long a rate is taken, where nobody says otherwise.
pub const DEFAULT_WINDOW: &str = "1m";
/// Matches every track, and series without one.
pub const ANY_TRACK: &str = ANY;
const ANY: &str = ".*";

static DEFAULTS: LazyLock<BTreeMap<String, Template>> =
    LazyLock::new(|| toml::from_str(SOURCE).unwrap_or_default());

/// One query of `assets/queries.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// What its numbers are.
    pub unit: String,
    /// PromQL with placeholders.
    pub query: String,
}

/// What a template is filled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values<'a> {
    /// The environment's namespace.
    pub namespace: &'a str,
    /// Its components, or some of them; empty: whatever there is.
    pub components: Vec<&'a str>,
    /// `stable`, `canary` or [`ANY_TRACK`].
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
            track: ANY_TRACK,
            window: DEFAULT_WINDOW,
        }
    }
}

/// The template of that name: the environment's own, else ours.
#[must_use]
pub fn template<'a>(spec: &'a EnvironmentSpec, name: &str) -> Option<&'a str> {
    let own = spec.metrics.as_ref().and_then(|metrics| metrics.queries.get(name));
    own.or_else(|| DEFAULTS.get(name).map(|template| &template.query)).map(String::as_str)
}

/// Names of the queries that are compiled in.
pub fn names() -> impl Iterator<Item = &'static str> {
    DEFAULTS.keys().map(String::as_str)
}

/// PromQL out of a template; `name` is for the sentence when something is wrong.
pub fn render(name: &str, template: &str, values: &Values<'_>) -> Result<String, Error> {
    let wrong = |what: &str, value: &str| {
        Error::new(
            Kind::Query,
            format!("query {}: the {what} `{}` cannot stand in a query", quote(name), quote(value)),
        )
    };
    if !is_name(values.namespace) {
        return Err(wrong("namespace", values.namespace));
    }
    if let Some(component) = values.components.iter().find(|component| !is_name(component)) {
        return Err(wrong("component", component));
    }
    if !is_name(values.track) && values.track != ANY_TRACK {
        return Err(wrong("track", values.track));
    }
    if !values.window.chars().all(|c| c.is_ascii_alphanumeric()) || values.window.is_empty() {
        return Err(wrong("window", values.window));
    }
    // A dot in brackets is itself, in every kind of quotes, without a backslash.
    let components: Vec<String> =
        values.components.iter().map(|component| component.replace('.', "[.]")).collect();
    let components = if components.is_empty() { ANY.to_owned() } else { components.join("|") };
    let mut query = template.trim().to_owned();
    for (placeholder, value) in [
        ("namespace", values.namespace),
        ("component", &components),
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

/// Letters, digits, dots, dashes and underscores: all that Kubernetes' names need, and nothing that quotes or matches.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values<'static> =
        Values { namespace: "shop", components: Vec::new(), track: ANY_TRACK, window: "1m" };

    #[test]
    fn every_shipped_query_is_complete() {
        let shipped: BTreeMap<String, Template> = toml::from_str(SOURCE).unwrap();
        assert_eq!(shipped.keys().collect::<Vec<_>>(), ["errorRate", "latency", "requestRate"]);
        for (name, template) in &shipped {
            let values = Values { components: vec!["backend", "v2.frontend"], ..VALUES };
            let query = render(name, &template.query, &values).unwrap();
            promql_parser::parser::parse(&query).unwrap_or_else(|error| panic!("{name}: {error}\n{query}"));
            assert!(query.contains(r#"component=~"backend|v2[.]frontend""#), "{query}");
        }
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
}
