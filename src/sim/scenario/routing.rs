//! What an embedded Alertmanager does with alerts: who is told, and which keep others quiet.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

type Labels = BTreeMap<String, String>;

/// Routes and inhibitions, as Alertmanager's own file has them, as far as worlds need them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Routing {
    /// Who is told of what no route is about.
    pub receiver: String,
    /// Who is told of what; the first that matches.
    pub routes: Vec<Route>,
    /// Which alerts keep others quiet.
    pub inhibit: Vec<Inhibition>,
}

/// One route.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route {
    /// Labels of the alerts that it is about.
    #[serde(rename = "match")]
    pub matches: Labels,
    /// Who is told.
    pub receiver: String,
}

/// One inhibition.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inhibition {
    /// Labels of the alert that keeps others quiet.
    pub source: Labels,
    /// Labels of those that it keeps quiet.
    pub target: Labels,
    /// Labels that both must have the same value of.
    #[serde(default)]
    pub equal: Vec<String>,
}

impl Default for Routing {
    fn default() -> Self {
        Self { receiver: "default".to_owned(), routes: Vec::new(), inhibit: Vec::new() }
    }
}

impl Routing {
    /// Who is told of an alert.
    #[must_use]
    pub fn receiver(&self, labels: &Labels) -> &str {
        let route = self.routes.iter().find(|route| bears(labels, &route.matches));
        route.map_or(&self.receiver, |route| &route.receiver)
    }

    /// Everybody who may be told.
    #[must_use]
    pub fn receivers(&self) -> BTreeSet<&str> {
        let all = self.routes.iter().map(|route| route.receiver.as_str());
        all.chain([self.receiver.as_str()]).collect()
    }

    /// Whether one alert keeps another quiet.
    #[must_use]
    pub fn inhibits(&self, source: &Labels, target: &Labels) -> bool {
        self.inhibit.iter().any(|rule| {
            bears(source, &rule.source)
                && bears(target, &rule.target)
                && rule.equal.iter().all(|name| source.get(name) == target.get(name))
        })
    }
}

fn bears(labels: &Labels, wanted: &Labels) -> bool {
    wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
}
