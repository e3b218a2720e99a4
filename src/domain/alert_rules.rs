//! Alerting rules of an environment: what it has limits for, what it promises, and what its releases rely on.
//!
//! Owns which rules there are and what they say. Limits are the panes', burn rates and windows those of `burn_rate`, queries those of
//! the panes, so that an alert fires where the cockpit shows red. Must not know in which form they are written (`cli`).

use std::collections::BTreeMap;

use super::analysis::comparison::Unit;
use super::burn_rate::{self, PAIRS, Pair};
use super::pane::{self, ERROR_RATE, LATENCY};
use super::query::{self, QueryError, Values};
use crate::api::Environment;
use crate::api::duration::Duration;
use crate::api::environment::{Component, Slo};
use crate::domain::workload_kind::{self, ReplicaMetrics};

/// Restarts of one pod within a quarter of an hour that deserve a look, where no limit says otherwise.
const RESTARTS: f64 = 3.0;
/// Over how long rates of rules are taken: an alert that flickers wakes people for nothing.
const WINDOW: &str = "5m";

/// One alerting rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub alert: &'static str,
    /// PromQL.
    pub expr: String,
    /// How long its condition must last; absent: it fires at once.
    pub lasting: Option<Duration>,
    /// Labels, its severity among them.
    pub labels: BTreeMap<&'static str, String>,
    /// What it says to whom it wakes.
    pub annotations: BTreeMap<&'static str, String>,
}

/// Every rule of an environment, in the order in which they are written.
///
/// # Errors
///
/// A query of the environment that cannot be asked.
pub fn rules(environment: &Environment) -> Result<Vec<Rule>, QueryError> {
    let mut rules = Vec::new();
    rules.extend(over(environment, ERROR_RATE, ("HighErrorRate", "critical"))?);
    rules.extend(over(environment, LATENCY, ("HighAPILatency", "warning"))?);
    let slo = environment.spec.metrics.as_ref().and_then(|metrics| metrics.slo.as_ref());
    if let Some(slo) = slo {
        rules.extend(burns(environment, slo)?);
    }
    rules.push(restarts(environment)?);
    for component in &environment.spec.components {
        rules.extend(unavailable(environment, component)?);
    }
    rules.extend(soak(environment)?);
    Ok(rules)
}

/// A rule in the making, with what all of an environment bear.
fn rule(
    environment: &Environment,
    (alert, severity): (&'static str, &str),
    expr: String,
    summary: String,
) -> Rule {
    let key = environment.key();
    let labels = BTreeMap::from([
        ("severity", severity.to_owned()),
        ("namespace", key.namespace.to_string()),
        ("environment", key.name.to_string()),
        ("application", environment.spec.application.clone()),
        ("tier", environment.spec.tier.as_str().to_owned()),
    ]);
    Rule { alert, expr, lasting: None, labels, annotations: BTreeMap::from([("summary", summary)]) }
}

/// That a query is over the environment's limit; none where it has none.
fn over(
    environment: &Environment,
    name: &str,
    called: (&'static str, &str),
) -> Result<Option<Rule>, QueryError> {
    let Some(limit) = pane::limit(&environment.spec, name) else { return Ok(None) };
    let Some(template) = query::template(&environment.spec, name) else { return Ok(None) };
    let query = query::render(name, template, &Values { window: WINDOW, ..Values::of(environment) })?;
    let (what, unit, shown) = match name {
        LATENCY => ("latency", Unit::Seconds, "{{ $value | humanizeDuration }}"),
        _ => ("error rate", Unit::Ratio, "{{ $value | humanizePercentage }}"),
    };
    let who = format!("{} {}", environment.spec.application, environment.key().name);
    // shipped queries have one of both labels: what applications count tells its component, what routers count the workload
    let summary = format!(
        "{{{{ $labels.component }}}}{{{{ $labels.workload }}}} of {who}: the {what} is {shown}, over its limit of {}",
        unit.show(limit)
    );
    let expr = format!("(\n{query}\n) > {limit}");
    Ok(Some(Rule { lasting: Some(Duration::from_mins(5)), ..rule(environment, called, expr, summary) }))
}

/// That the error budget burns too fast, pair by pair of windows.
fn burns(environment: &Environment, slo: &Slo) -> Result<Vec<Rule>, QueryError> {
    let queries = burn_rate::question(environment, slo)?.queries;
    let who = format!("{} {}", environment.spec.application, environment.key().name);
    let of = |pair: Pair| {
        let [long, short] = [pair.long, pair.short].map(burn_rate::prometheus_duration);
        let query = |reading: &str, window: &str| queries.get(&format!("{reading}/{window}")).cloned();
        let (errors, total) = (query("errors", &long)?, query("total", &long)?);
        let (errors_short, total_short) = (query("errors", &short)?, query("total", &short)?);
        let most = (pair.factor * burn_rate::budget(slo) * 1e12).round() / 1e12;
        let fewest = burn_rate::fewest(slo);
        let expr = format!(
            "((\n{errors}\n) / (\n{total}\n) > {most})\nand\n((\n{errors_short}\n) / (\n{total_short}\n) > {most})\nand\n\
             ((\n{total_short}\n) >= {fewest})"
        );
        let severity = if pair.is_fast { "critical" } else { "warning" };
        let summary = format!(
            "{who} burns its error budget for {} % more than {} times too fast, within {long} and {short}",
            slo.objective, pair.factor
        );
        let mut rule = rule(environment, ("ErrorBudgetBurn", severity), expr, summary);
        rule.labels.insert("long", long);
        rule.labels.insert("short", short);
        Some(rule)
    };
    Ok(PAIRS.into_iter().filter_map(of).collect())
}

fn restarts(environment: &Environment) -> Result<Rule, QueryError> {
    let template = query::template(&environment.spec, "restarts").unwrap_or_default();
    let query = query::render("restarts", template, &Values::of(environment))?;
    let limit = pane::limit(&environment.spec, "restarts").unwrap_or(RESTARTS);
    let summary = "{{ $labels.pod }} was restarted {{ $value }} times within 15m".to_owned();
    let called = ("PodRestartingFrequently", "warning");
    Ok(rule(environment, called, format!("(\n{query}\n) >= {limit}"), summary))
}

/// Replicas that are missing, as a query whose value is their number.
fn missing(environment: &Environment, component: &Component) -> Result<String, QueryError> {
    let ReplicaMetrics { desired, available, label, is_exported_namespace } =
        workload_kind::row(component.workload.kind).replicas;
    let of = |metric: &str| {
        let one = |namespace: &str| {
            format!("{metric}{{{namespace}=\"{{{{namespace}}}}\", {label}=~\"{{{{workload}}}}\"}}")
        };
        // the charts of kube-state-metrics have Prometheus honour its labels; those of Argo's controller do not
        if is_exported_namespace {
            format!("{} or {}", one("exported_namespace"), one("exported_namespace=\"\", namespace"))
        } else {
            one("namespace")
        }
    };
    // two that tell the same of a workload count once
    let template = format!("max by ({label}) ({}) - max by ({label}) ({})", of(desired), of(available));
    let workloads = vec![&component.workload];
    query::render("replicas", &template, &Values { workloads, ..Values::of(environment) })
}

fn unavailable(environment: &Environment, component: &Component) -> Result<Option<Rule>, QueryError> {
    let expr = format!("(\n{}\n) > 0", missing(environment, component)?);
    let name = component.name.as_str();
    let summary = format!("{{{{ $value }}}} replicas of {name} are missing for a quarter of an hour");
    let mut rule = rule(environment, ("ReplicasUnavailable", "warning"), expr, summary);
    rule.labels.insert("component", name.to_owned());
    Ok(Some(Rule { lasting: Some(Duration::from_mins(15)), ..rule }))
}

/// That the time is lost for which a version has run healthy here, which promotion counts from.
fn soak(environment: &Environment) -> Result<Option<Rule>, QueryError> {
    let mut parts = Vec::new();
    for component in &environment.spec.components {
        let label = workload_kind::row(component.workload.kind).replicas.label;
        let missing = missing(environment, component)?;
        parts
            .push(format!("label_replace((\n{missing}\n) > 0, \"workload\", \"$1\", \"{label}\", \"(.*)\")"));
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let who = format!("{} {}", environment.spec.application, environment.key().name);
    let summary = format!(
        "{{{{ $labels.workload }}}} of {who} is not whole: the healthy time that promotions count begins anew"
    );
    let rule = rule(environment, ("SoakInterrupted", "info"), parts.join("\nor\n"), summary);
    Ok(Some(Rule { lasting: Some(Duration::from_mins(1)), ..rule }))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::api::environment::WorkloadKind;
    use crate::api::environment::{Metrics, NoData};
    use crate::domain::fixtures::environment;

    /// With limits and an objective.
    pub(crate) fn with_everything() -> Environment {
        let mut environment = environment();
        environment.spec.metrics = Some(Metrics {
            limits: BTreeMap::from([(ERROR_RATE.to_owned(), 0.05), (LATENCY.to_owned(), 2.0)]),
            slo: Some(Slo {
                objective: 99.9,
                errors: None,
                total: None,
                window: None,
                min_requests: None,
                no_data: NoData::Hold,
            }),
            ..Metrics::default()
        });
        environment
    }

    fn told(environment: &Environment) -> Vec<(&'static str, String)> {
        let rules = rules(environment).unwrap();
        rules.iter().map(|rule| (rule.alert, rule.labels["severity"].clone())).collect()
    }

    #[test]
    fn there_is_a_rule_for_each_thing_that_an_environment_says() {
        let plain = [
            ("PodRestartingFrequently", "warning"),
            ("ReplicasUnavailable", "warning"),
            ("ReplicasUnavailable", "warning"),
            ("SoakInterrupted", "info"),
        ];
        let plain = plain.map(|(name, severity)| (name, severity.to_owned()));
        assert_eq!(told(&environment()), plain);
        let more = told(&with_everything());
        let burns =
            [("ErrorBudgetBurn", "critical"); 2].into_iter().chain([("ErrorBudgetBurn", "warning"); 2]);
        let expected: Vec<(&str, String)> = [("HighErrorRate", "critical"), ("HighAPILatency", "warning")]
            .into_iter()
            .chain(burns)
            .map(|(name, severity)| (name, severity.to_owned()))
            .chain(plain)
            .collect();
        assert_eq!(more, expected);
    }

    #[test]
    fn windows_and_factors_are_those_of_the_objectives_pane() {
        let rules = rules(&with_everything()).unwrap();
        let burns: Vec<&Rule> = rules.iter().filter(|rule| rule.alert == "ErrorBudgetBurn").collect();
        for (rule, pair) in burns.iter().zip(PAIRS) {
            assert_eq!(format!("{}/{}", rule.labels["long"], rule.labels["short"]), pair.words());
            let most = pair.factor * 0.001;
            assert_eq!(
                rule.expr.matches(&format!("> {}", (most * 1e12).round() / 1e12)).count(),
                2,
                "{}",
                rule.expr
            );
            assert!(rule.expr.contains(&format!("[{}]", rule.labels["long"])));
        }
    }

    /// What is generated is what Prometheus' own grammar reads, for every kind of workload.
    #[test]
    fn every_rule_is_a_query() {
        for kind in [
            WorkloadKind::Deployment,
            WorkloadKind::StatefulSet,
            WorkloadKind::DaemonSet,
            WorkloadKind::Rollout,
        ] {
            let mut environment = with_everything();
            for component in &mut environment.spec.components {
                component.workload.kind = kind;
            }
            for rule in rules(&environment).unwrap() {
                promql_parser::parser::parse(&rule.expr).unwrap_or_else(|why| panic!("{why}\n{}", rule.expr));
            }
        }
    }
}
