//! Every generated rule by value, to promtool: it fires on series that should make it fire, and not on those that should not.

use std::path::Path;

use serde_json::{Value, json};

use crate::rules::promtool;
use crate::world::{PROGRAM, run, world};

const NAMESPACE: &str = "shop";
const POD: &str = "backend-68d69bb4f-d6p82";
/// Component, kind, how what is wanted and what is there is called, and the label that names it.
const KINDS: [(&str, &str, &str, &str, &str); 4] = [
    (
        "backend",
        "Deployment",
        "kube_deployment_spec_replicas",
        "kube_deployment_status_replicas_available",
        "deployment",
    ),
    (
        "store",
        "StatefulSet",
        "kube_statefulset_replicas",
        "kube_statefulset_status_replicas_ready",
        "statefulset",
    ),
    (
        "agent",
        "DaemonSet",
        "kube_daemonset_status_desired_number_scheduled",
        "kube_daemonset_status_number_available",
        "daemonset",
    ),
    ("checkout", "Rollout", "rollout_info_replicas_desired", "rollout_info_replicas_available", "name"),
];
/// Of each pair of windows: both, how much faster than the budget allows, and how severe it is.
const PAIRS: [(&str, &str, &str, &str); 4] = [
    ("1h", "5m", "14.4", "critical"),
    ("6h", "30m", "6", "critical"),
    ("1d", "2h", "3", "warning"),
    ("3d", "6h", "1", "warning"),
];

/// The environment: one component of each kind, limits and an objective.
fn environment() -> Value {
    let components: Vec<Value> = KINDS
        .iter()
        .map(|(name, kind, ..)| {
            json!({"name": name, "workload": {"kind": kind, "name": name}, "container": name, "image": format!("ghcr.io/acme/{name}")})
        })
        .collect();
    json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
        "metadata": {"name": "production", "namespace": NAMESPACE},
        "spec": {
            "application": "shop", "tier": "production", "components": components,
            "metrics": {"limits": {"errorRate": 0.05, "latency": 2.0}, "slo": {"objective": 99.9}}
        }
    })
}

/// A series every half minute.
fn series(metric: &str, labels: &[(&str, &str)], values: &str) -> Value {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    json!({"series": format!("{metric}{{{}}}", labels.join(",")), "values": values})
}

/// Requests to the backend, those that succeed and those that fail.
fn requests(namespace: &str, succeeded: &str, failed: &str) -> Vec<Value> {
    let one = |code: &str, values: &str| {
        let labels =
            [("namespace", namespace), ("component", "backend"), ("track", "stable"), ("code", code)];
        series("http_requests_total", &labels, values)
    };
    vec![one("200", succeeded), one("500", failed)]
}

/// Answers within one second and within five.
fn latencies(within_one: &str, within_five: &str) -> Vec<Value> {
    let one = |bound: &str, values: &str| {
        let labels = [("namespace", NAMESPACE), ("component", "backend"), ("track", "stable"), ("le", bound)];
        series("http_request_duration_seconds_bucket", &labels, values)
    };
    vec![one("1", within_one), one("5", within_five), one("+Inf", within_five)]
}

fn restarts(values: &str) -> Value {
    let labels = [("namespace", NAMESPACE), ("pod", POD), ("uid", "9ed944ad"), ("container", "backend")];
    series("kube_pod_container_status_restarts_total", &labels, values)
}

/// Two replicas wanted of each kind, and those that are there.
fn replicas(there: &str) -> Vec<Value> {
    let of = |(name, kind, wanted, ready, label): &(&str, &str, &str, &str, &str)| {
        // as its chart has Argo's controller scraped
        let labels = if *kind == "Rollout" {
            vec![("namespace", "argo-rollouts"), ("exported_namespace", NAMESPACE), (*label, *name)]
        } else {
            vec![("namespace", NAMESPACE), (*label, *name)]
        };
        [series(wanted, &labels, "2x80"), series(ready, &labels, there)]
    };
    KINDS.iter().flat_map(of).collect()
}

/// An alert as it must fire.
fn fires(severity: &str, more: &Value, summary: &str) -> Value {
    let mut labels = json!({"severity": severity, "namespace": NAMESPACE, "environment": "production", "application": "shop",
        "tier": "production"});
    json_patch::merge(&mut labels, more);
    json!({"exp_labels": labels, "exp_annotations": {"summary": summary}})
}

fn burns(pairs: &[(&str, &str, &str, &str)]) -> Vec<Value> {
    let of = |(long, short, factor, severity): &(&str, &str, &str, &str)| {
        let summary = format!(
            "shop production burns its error budget for 99.9 % more than {factor} times too fast, within {long} and {short}"
        );
        fires(severity, &json!({"long": long, "short": short}), &summary)
    };
    pairs.iter().map(of).collect()
}

fn unavailable() -> Vec<Value> {
    let of = |(name, .., label): &(&str, &str, &str, &str, &str)| {
        let summary = format!("1 replicas of {name} are missing for a quarter of an hour");
        fires("warning", &json!({"component": name, *label: name}), &summary)
    };
    KINDS.iter().map(of).collect()
}

fn interrupted() -> Vec<Value> {
    let of = |(name, .., label): &(&str, &str, &str, &str, &str)| {
        let summary = format!(
            "{name} of shop production is not whole: the healthy time that promotions count begins anew"
        );
        fires("info", &json!({"workload": name, *label: name}), &summary)
    };
    KINDS.iter().map(of).collect()
}

/// One world: its series, and which alerts fire when.
fn test(series: &[Vec<Value>], expected: Vec<(&str, &str, Vec<Value>)>) -> Value {
    let expected: Vec<Value> = expected
        .into_iter()
        .map(|(at, name, alerts)| json!({"eval_time": at, "alertname": name, "exp_alerts": alerts}))
        .collect();
    json!({"interval": "30s", "input_series": series.concat(), "alert_rule_test": expected})
}

/// What promtool is to find.
fn tests() -> Value {
    let backend = json!({"component": "backend", "track": "stable"});
    let errors = fires(
        "critical",
        &backend,
        "backend of shop production: the error rate is 10%, over its limit of 5 %",
    );
    let slow =
        fires("warning", &backend, "backend of shop production: the latency is 4.8s, over its limit of 2 s");
    let restarted =
        fires("warning", &json!({"pod": POD}), &format!("{POD} was restarted 3 times within 15m"));
    // of a hundred thousand requests each half minute
    let burning =
        |failed: u32| requests(NAMESPACE, &format!("0+{}x80", 100_000 - failed), &format!("0+{failed}x80"));
    let mut tests = vec![
        test(
            &[requests(NAMESPACE, "0+900x80", "0+100x80")],
            vec![("4m", "HighErrorRate", vec![]), ("20m", "HighErrorRate", vec![errors])],
        ),
        test(
            &[requests(NAMESPACE, "0+960x80", "0+40x80"), requests("other", "0+1x80", "0+99x80")],
            vec![("20m", "HighErrorRate", vec![])],
        ),
        test(
            &[latencies("0x80", "0+100x80")],
            vec![("4m", "HighAPILatency", vec![]), ("20m", "HighAPILatency", vec![slow])],
        ),
        test(&[latencies("0+96x80", "0+100x80")], vec![("20m", "HighAPILatency", vec![])]),
        // three times within a quarter of an hour; it is forgotten afterwards
        test(
            &[vec![restarts("4x10 5x5 6x5 7x60")]],
            vec![
                ("9m", "PodRestartingFrequently", vec![]),
                ("13m", "PodRestartingFrequently", vec![restarted]),
                ("35m", "PodRestartingFrequently", vec![]),
            ],
        ),
        test(&[vec![restarts("4x10 5x5 6x60")]], vec![("13m", "PodRestartingFrequently", vec![])]),
        test(
            &[replicas("1x80")],
            vec![
                ("14m", "ReplicasUnavailable", vec![]),
                ("16m", "ReplicasUnavailable", unavailable()),
                ("30s", "SoakInterrupted", vec![]),
                ("2m", "SoakInterrupted", interrupted()),
            ],
        ),
        // whole again after ten minutes
        test(
            &[replicas("1x20 2x60")],
            vec![
                ("5m", "SoakInterrupted", interrupted()),
                ("16m", "ReplicasUnavailable", vec![]),
                ("16m", "SoakInterrupted", vec![]),
            ],
        ),
        // ten per cent for half an hour, and none since: the last five minutes are clean
        test(
            &[requests(NAMESPACE, "0+900x60 54900+1000x20", "0+100x60 6000x20")],
            vec![("29m", "ErrorBudgetBurn", burns(&PAIRS)), ("39m", "ErrorBudgetBurn", burns(&PAIRS[1..]))],
        ),
        // too few to say anything
        test(&[requests(NAMESPACE, "0+0.25x80", "0+0.25x80")], vec![("20m", "ErrorBudgetBurn", vec![])]),
    ];
    // a budget of 0.1 %: what burns it so much faster makes those fire that look that far back, and no others
    for (failed, pairs) in
        [(90, &PAIRS[4..]), (200, &PAIRS[3..]), (400, &PAIRS[2..]), (1_000, &PAIRS[1..]), (2_000, &PAIRS[..])]
    {
        tests.push(test(&[burning(failed)], vec![("30m", "ErrorBudgetBurn", burns(pairs))]));
    }
    json!({"rule_files": ["rules.yaml"], "evaluation_interval": "30s", "tests": tests})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_generated_rule_fires_when_it_should_and_only_then() {
    if world().await.is_none() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("environment.yaml"), environment().to_string()).expect("to be written");
    let file = path("environment.yaml").display().to_string();
    let written =
        run(Path::new(PROGRAM), &["manifests", "rules", "--file", &file, "--rule-file"], "").await.ok();
    std::fs::write(path("rules.yaml"), &written).expect("to be written");
    let tests = tests();
    // a rule of which nothing is said here would be one that nobody has seen fire
    for line in
        written.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("alert: "))
    {
        let is_seen = |test: &Value| {
            let mut all = test["alert_rule_test"].as_array().into_iter().flatten();
            all.any(|one| one["alertname"] == line && one["exp_alerts"] != json!([]))
        };
        assert!(tests["tests"].as_array().expect("tests").iter().any(is_seen), "{line} never fires here");
    }
    std::fs::write(path("tests.yaml"), tests.to_string()).expect("to be written");
    promtool(directory.path(), &["check", "rules", "rules.yaml"]).await;
    promtool(directory.path(), &["test", "rules", "tests.yaml"]).await;
}
