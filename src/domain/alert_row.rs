//! Alerts as people look at them: how bad, since when, and whose.
//!
//! Owns what a severity means, the order, and the rule by which an alert belongs to an environment. Must not know who tells of alerts
//! (`metrics`); which of them speak against a release is `alerts`' matter.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::api::{Environment, EnvironmentKey};

/// What an alert or its author calls itself: names and values.
pub(crate) type Labels = BTreeMap<Box<str>, Box<str>>;

/// Labels that name a component or its workload.
pub(super) const NAMING: [&str; 8] =
    ["component", "deployment", "statefulset", "daemonset", "rollout", "workload", "container", "service"];

/// An alert that fires, or will if its condition lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    /// Its name.
    pub name: Box<str>,
    /// It fires; else its condition has not lasted long enough yet.
    pub is_firing: bool,
    /// Since when its condition holds.
    pub since: DateTime<Utc>,
    /// Every label, its name among them; what tells it from others.
    pub labels: Labels,
    /// What its author says of it.
    pub annotations: Labels,
    /// The environments that it belongs to.
    pub environments: Vec<EnvironmentKey>,
}

/// How bad an alert is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody must act now.
    Critical,
    /// Somebody must look; also what its author gave no severity that is known.
    Warning,
    /// Good to know.
    Info,
}

impl Severity {
    /// What a label's value means, in the words that rules are written with.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "critical" | "page" | "emergency" | "fatal" | "error" | "disaster" | "high" | "p1" | "p0" => {
                Self::Critical
            }
            "info" | "information" | "informational" | "notice" | "none" | "debug" | "low" => Self::Info,
            _ => Self::Warning,
        }
    }
}

impl AlertRow {
    /// The severity in its author's own word; empty where there is none.
    #[must_use]
    pub fn severity_word(&self) -> &str {
        let named = ["severity", "priority", "level"].into_iter().find_map(|name| self.labels.get(name));
        named.map_or("", |word| word)
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        Severity::of(self.severity_word())
    }

    /// The state in a word.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        if self.is_firing { "firing" } else { "pending" }
    }

    /// One sentence of its author; empty where there is none.
    #[must_use]
    pub fn summary(&self) -> &str {
        let told = ["summary", "message", "description"].into_iter();
        told.filter_map(|name| self.annotations.get(name))
            .find(|text| !text.is_empty())
            .map_or("", |text| text)
    }

    /// The namespace that it is about. What was scraped from an exporter bears it under another name.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        namespace(&self.labels)
    }

    /// It is about a namespace in which no environment of ours is.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.environments.is_empty() && self.namespace().is_some()
    }
}

fn namespace(labels: &Labels) -> Option<&str> {
    let found = labels.get("exported_namespace").or_else(|| labels.get("namespace"));
    found.map(|name| &**name).filter(|name| !name.is_empty())
}

/// The environments that an alert with these labels belongs to. An environment that names labels of its alerts
/// (`spec.metrics.alertLabels`) gets those that bear all of them; any other gets those of its namespace, and where several share one,
/// those that name one of its components or workloads, as long as some environment is named so.
pub(crate) fn owners<'a>(
    environments: impl IntoIterator<Item = &'a Environment>,
    labels: &Labels,
) -> Vec<EnvironmentKey> {
    let (mut chosen, mut near) = (Vec::new(), Vec::new());
    for environment in environments {
        let wanted = environment.spec.metrics.as_ref().map(|metrics| &metrics.alert_labels);
        match wanted.filter(|wanted| !wanted.is_empty()) {
            Some(wanted) => {
                let bears = |(name, value): (&String, &String)| {
                    labels.get(name.as_str()).is_some_and(|have| **have == **value)
                };
                chosen.extend(wanted.iter().all(bears).then(|| environment.key()));
            }
            None if namespace(labels) == environment.metadata.namespace.as_deref() => near.push(environment),
            None => {}
        }
    }
    let named: Vec<&Environment> = near.iter().copied().filter(|near| names(near, labels)).collect();
    let near = if named.is_empty() { near } else { named };
    chosen.extend(near.into_iter().filter(|near| near.metadata.namespace.is_some()).map(Environment::key));
    chosen.sort_unstable();
    chosen
}

/// Whether a label names one of the environment's components or workloads, or the environment itself.
fn names(environment: &Environment, labels: &Labels) -> bool {
    let of = |label: &str| labels.get(label).map(|value| &**value);
    let itself = of("environment") == environment.metadata.name.as_deref();
    let pod = of("pod").unwrap_or_default();
    itself
        || environment.spec.components.iter().any(|component| {
            let workload = component.workload.name.as_str();
            let one = |value: &str| value == component.name.as_str() || value == workload;
            let starts = pod.strip_prefix(workload).is_some_and(|rest| rest.starts_with('-'));
            starts || NAMING.into_iter().filter_map(of).any(one)
        })
}

/// How many alerts an environment has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertCount {
    /// Those that fire, what is merely good to know left out.
    pub firing: usize,
    /// Those that will if their condition lasts.
    pub pending: usize,
    /// One that fires is critical.
    pub is_critical: bool,
}

impl AlertCount {
    /// Counts one more.
    pub fn add(&mut self, alert: &AlertRow) {
        match (alert.is_firing, alert.severity()) {
            (_, Severity::Info) => {}
            (true, severity) => {
                self.firing = self.firing.saturating_add(1);
                self.is_critical |= severity == Severity::Critical;
            }
            (false, _) => self.pending = self.pending.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::environment;

    fn words(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn named(name: &str, workload: &str) -> Environment {
        let mut environment = environment();
        environment.metadata.name = Some(name.into());
        environment.metadata.namespace = Some("shop".into());
        environment.spec.components.truncate(1);
        environment.spec.components[0].name = workload.into();
        environment.spec.components[0].workload.name = workload.into();
        environment
    }

    fn owned(environments: &[Environment], labels: &[(&str, &str)]) -> Vec<String> {
        owners(environments, &words(labels)).iter().map(|key| key.name.to_string()).collect()
    }

    #[test]
    fn an_alert_belongs_to_the_environments_of_its_namespace() {
        let mut elsewhere = named("staging", "api");
        elsewhere.metadata.namespace = Some("shop-staging".into());
        let all = [named("production", "api"), elsewhere];
        for (labels, expected) in [
            (&[("namespace", "shop")][..], &["production"][..]),
            (&[("namespace", "shop-staging"), ("component", "web")], &["staging"]),
            (&[("namespace", "monitoring"), ("exported_namespace", "shop")], &["production"]),
            (&[("namespace", "other")], &[]),
            (&[("component", "api")], &[]),
            (&[], &[]),
        ] {
            assert_eq!(owned(&all, labels), expected, "{labels:?}");
        }
    }

    #[test]
    fn of_several_in_one_namespace_the_one_that_is_named_gets_it() {
        let all = [named("a", "api"), named("b", "web")];
        for (labels, expected) in [
            (&[("namespace", "shop"), ("component", "web")][..], &["b"][..]),
            (&[("namespace", "shop"), ("deployment", "api")], &["a"]),
            (&[("namespace", "shop"), ("pod", "web-5b8f77-t7vzd")], &["b"]),
            (&[("namespace", "shop"), ("pod", "webber-1")], &["a", "b"]),
            (&[("namespace", "shop"), ("environment", "a")], &["a"]),
            (&[("namespace", "shop")], &["a", "b"]),
        ] {
            assert_eq!(owned(&all, labels), expected, "{labels:?}");
        }
    }

    #[test]
    fn labels_of_its_own_take_the_place_of_the_namespace() {
        let mut own = named("production", "api");
        let metrics = own.spec.metrics.get_or_insert_default();
        metrics.alert_labels = BTreeMap::from([("team".to_owned(), "shop".to_owned())]);
        let all = [own];
        assert_eq!(owned(&all, &[("team", "shop")]), ["production"]);
        assert!(owned(&all, &[("namespace", "shop")]).is_empty());
        assert!(owned(&all, &[("team", "other"), ("namespace", "shop")]).is_empty());
    }

    #[test]
    fn severities_are_known_by_many_words() {
        for (word, expected) in [
            ("critical", Severity::Critical),
            ("Page", Severity::Critical),
            ("warning", Severity::Warning),
            ("", Severity::Warning),
            ("odd", Severity::Warning),
            ("none", Severity::Info),
        ] {
            assert_eq!(Severity::of(word), expected, "{word}");
        }
        assert!(Severity::Critical < Severity::Warning && Severity::Warning < Severity::Info);
    }

    #[test]
    fn what_is_good_to_know_is_not_counted() {
        let mut count = AlertCount::default();
        for (severity, is_firing) in
            [("critical", true), ("warning", true), ("page", false), ("none", true), ("info", false)]
        {
            count.add(&AlertRow {
                name: "A".into(),
                is_firing,
                since: DateTime::UNIX_EPOCH,
                labels: words(&[("severity", severity)]),
                annotations: Labels::new(),
                environments: Vec::new(),
            });
        }
        assert_eq!(count, AlertCount { firing: 2, pending: 1, is_critical: true });
    }
}
