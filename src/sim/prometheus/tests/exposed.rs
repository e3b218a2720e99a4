//! What the shipped queries make of what real exporters expose, by the embedded evaluator.

use promql_parser::parser::parse;

use super::super::eval::{Evaluator, Value};
use super::super::samples::{Labels, Samples};
use crate::api::environment::{Preset, WorkloadKind, WorkloadRef};
use crate::api::{Environment, EnvironmentSpec};
use crate::domain::{alert_rules, query};

#[path = "../../../../tests/contract/expositions.rs"]
mod expositions;

use expositions::{Answer, Asked, CASES, NAMESPACE, Sample, Target, USAGE, target};

const ASKED: Asked<'static> = Asked { namespace: NAMESPACE, window: ("1m", 60.0), within: 1e-6 };
const ARGO: &str = include_str!("../../../../tests/fixtures/expositions/argo-rollouts.txt");
/// Argo Rollouts' controller, as its chart has it scraped, and with its labels honoured.
const ARGO_ROLLOUTS: &[Target] = &[
    target(ARGO, &[("namespace", "argo-rollouts"), ("service", "argo-rollouts-metrics")], false),
    target(ARGO, &[("namespace", "argo-rollouts"), ("service", "argo-rollouts-metrics")], true),
];
/// When it is asked, in milliseconds.
const NOW: i64 = 300_000;

/// A sample as Prometheus keeps it: with the labels of its target, its own ones renamed unless they are honoured.
fn kept(mut sample: Sample, target: &Target) -> Sample {
    for (name, value) in target.labels {
        match sample.labels.get(*name).filter(|own| !own.is_empty()).cloned() {
            Some(_) if target.honors => continue,
            Some(own) => sample.labels.insert(format!("exported_{name}"), own),
            None => None,
        };
        sample.labels.insert((*name).to_owned(), (*value).to_owned());
    }
    sample
}

/// The bound of a bucket as Prometheus keeps it from version 3 on: `1` is `1.0` there, and `1800000` is `1.8e+06`.
fn normalized(mut sample: Sample) -> Sample {
    if let Some(le) = sample.labels.get_mut("le") {
        let bound: f64 = le.parse().expect("a bound");
        if bound >= 1e6 && bound.is_finite() {
            *le = format!("{}e+06", bound / 1e6);
        } else if bound.is_finite() {
            *le = format!("{bound:?}");
        }
    }
    sample
}

/// Five minutes of scrapes every fifteen seconds.
fn scraped<'a>(targets: impl IntoIterator<Item = &'a Target>, is_newer: bool) -> Samples {
    let mut samples = Samples::default();
    for target in targets {
        for sample in expositions::read(target.exposition) {
            let kept = kept(sample, target);
            let kept = if is_newer { normalized(kept) } else { kept };
            let labels: Vec<(&str, &str)> =
                kept.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let id = samples.series(Labels::new(&kept.name, &labels));
            for second in (0..=NOW / 1_000).step_by(15) {
                samples.append(id, second * 1_000, kept.after(second as f64));
            }
        }
    }
    samples
}

fn ask(samples: &Samples, query: &str) -> Answer {
    let expr = parse(query).unwrap_or_else(|why| panic!("{query}: {why}"));
    match Evaluator::new(samples, NOW, NOW).eval(&expr, NOW).unwrap_or_else(|why| panic!("{query}: {why}")) {
        Value::Vector(points) => points
            .iter()
            .map(|point| {
                let labels =
                    point.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                (labels, point.value)
            })
            .collect(),
        other => panic!("{query}: {other:?}"),
    }
}

#[test]
fn every_preset_counts_what_its_exporter_exposes() {
    for preset in Preset::ALL {
        assert!(CASES.iter().any(|case| case.preset == preset), "{}: no exposition", preset.as_str());
    }
    for (case, is_newer) in CASES.iter().flat_map(|case| [(case, false), (case, true)]) {
        let samples = scraped(case.targets, is_newer);
        for question in expositions::questions(case, ASKED) {
            question.judge(&ask(&samples, &question.query), (NOW / 1_000) as f64).unwrap();
        }
    }
}

#[test]
fn usage_is_that_of_the_kubelet_against_what_kube_state_metrics_knows() {
    let samples = scraped(USAGE, true);
    for question in expositions::usage_questions(ASKED) {
        question.judge(&ask(&samples, &question.query), (NOW / 1_000) as f64).unwrap();
    }
}

/// The shop's environment over these workloads.
fn environment(workloads: &[(WorkloadKind, &str)]) -> Environment {
    let components: Vec<serde_json::Value> = workloads
        .iter()
        .map(|(kind, name)| {
            serde_json::json!({"name": name, "workload": {"kind": kind, "name": name}, "container": name, "image": "x"})
        })
        .collect();
    serde_json::from_value(serde_json::json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
        "metadata": {"name": "production", "namespace": NAMESPACE},
        "spec": {"application": "shop", "tier": "production", "components": components},
    }))
    .unwrap()
}

#[test]
fn generated_rules_see_what_is_missing() {
    use WorkloadKind::{DaemonSet, Deployment, Rollout, StatefulSet};
    let environment = environment(&[
        (Deployment, "backend"),
        (Deployment, "backend-admin"),
        (StatefulSet, "store"),
        (DaemonSet, "agent"),
        (Rollout, "checkout"),
    ]);
    for argo in ARGO_ROLLOUTS {
        let targets: Vec<&Target> = USAGE.iter().chain([argo]).collect();
        let samples = scraped(targets, true);
        let rules = alert_rules::rules(&environment).unwrap();
        let expected = [
            ("backend", None),
            ("backend-admin", Some(("deployment", 3.0))),
            ("store", Some(("statefulset", 2.0))),
            ("agent", None),
            ("checkout", Some(("name", 2.0))),
        ];
        let missing: Vec<_> = rules.iter().filter(|rule| rule.alert == "ReplicasUnavailable").collect();
        assert_eq!(missing.len(), expected.len());
        for (rule, (component, found)) in missing.into_iter().zip(expected) {
            assert_eq!(rule.labels["component"], component);
            let found =
                found.map(|(label, number)| ([(label.to_owned(), component.to_owned())].into(), number));
            assert_eq!(ask(&samples, &rule.expr), Vec::from_iter(found), "{argo:?} {}", rule.expr);
        }
        let soak = rules.iter().find(|rule| rule.alert == "SoakInterrupted").unwrap();
        let mut told: Vec<String> =
            ask(&samples, &soak.expr).into_iter().map(|(labels, _)| labels["workload"].clone()).collect();
        told.sort();
        assert_eq!(told, ["backend-admin", "checkout", "store"], "{argo:?}");
    }
}
