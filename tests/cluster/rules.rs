//! The generated rules: promtool reads them and finds them true, the real Prometheus loads them, one really fires, and our own source
//! tells of it.

use std::path::Path;

use release_cockpit::cluster::{Cluster, ConnectOptions, Source};
use release_cockpit::domain::address::Allowed;
use release_cockpit::domain::silence::{Matcher, NewSilence};
use release_cockpit::metrics::{Changed, Target};
use release_cockpit::time::Clock;
use serde_json::{Value, json};

use crate::analysis::{behave, http};
use crate::cli::cli;
use crate::space::Space;
use crate::world::{World, until, world};

/// Runs promtool on files of a directory.
pub async fn promtool(directory: &Path, arguments: &[&str]) {
    let tool = std::env::var("RELEASE_COCKPIT_TEST_PROMTOOL").expect("RELEASE_COCKPIT_TEST_PROMTOOL");
    let mut command = tokio::process::Command::new(tool);
    let output = command.current_dir(directory).args(arguments).output().await.expect("promtool");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
}

/// What promtool is to find: a tenth of the requests fails in one world, one of ten thousand in the other.
fn unit_tests(namespace: &str) -> Value {
    let series = |code: &str, values: &str| {
        let labels =
            format!("namespace=\"{namespace}\",component=\"backend\",track=\"stable\",code=\"{code}\"");
        json!({"series": format!("http_requests_total{{{labels}}}"), "values": values})
    };
    let fires = json!({
        "exp_labels": {"severity": "critical", "namespace": namespace, "environment": "production", "application": "shop",
            "tier": "production", "component": "backend", "track": "stable"},
        "exp_annotations": {"summary": "backend of shop production: the error rate is 10%, over its limit of 5 %"},
    });
    let alert = |at: &str, name: &str, expected: Value| json!({"eval_time": at, "alertname": name, "exp_alerts": expected});
    json!({
        "rule_files": ["rules.yaml"], "evaluation_interval": "30s",
        "tests": [
            {"interval": "30s", "input_series": [series("200", "0+900x60"), series("500", "0+100x60")], "alert_rule_test": [
                alert("4m", "HighErrorRate", json!([])),
                alert("20m", "HighErrorRate", json!([fires])),
            ]},
            {"interval": "30s", "input_series": [series("200", "0+9999x60"), series("500", "0+1x60")], "alert_rule_test": [
                alert("20m", "HighErrorRate", json!([])),
                alert("20m", "ErrorBudgetBurn", json!([])),
            ]},
        ],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_rules_are_true_to_promtool_and_fire() {
    let Some(world) = world().await else { return };
    let space = Space::new(world, "rules").await;
    let metrics = json!({"prometheus": {"url": world.prometheus}, "limits": {"errorRate": 0.05, "latency": 2.0},
        "slo": {"objective": 99.9}});
    space.application(&["backend"], json!({"metrics": metrics})).await;
    let environment = format!("{}/production", space.namespace);
    let written = cli(world, "alice", &["manifests", "rules", &environment, "--rule-file"]).await.ok();
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("rules.yaml"), &written).expect("to be written");
    let tests = unit_tests(&space.namespace).to_string();
    std::fs::write(directory.path().join("tests.yaml"), tests).expect("to be written");
    promtool(directory.path(), &["check", "rules", "rules.yaml"]).await;
    promtool(directory.path(), &["test", "rules", "tests.yaml"]).await;

    // the same rules in force, but nobody waits five minutes here
    let quick = written.replace("for: 5m", "for: 2s");
    assert_ne!(quick, written);
    let rules = std::env::var("RELEASE_COCKPIT_TEST_RULES_DIR").expect("RELEASE_COCKPIT_TEST_RULES_DIR");
    std::fs::write(format!("{rules}/{}-generated.yaml", space.namespace), quick).expect("to be written");
    let answer = http().post(format!("{}/-/reload", world.prometheus)).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    behave(world, json!({"namespace": space.namespace, "version": "v1.0.0", "errorRate": 0.5})).await;
    until(120, "the alert fires and is told", || async {
        let ours = ["-n", &space.namespace, "alerts", &environment, "-o", "json"];
        let told: Value = serde_json::from_str(&cli(world, "alice", &ours).await.ok()).ok()?;
        let fires = |alert: &Value| {
            alert["name"] == "HighErrorRate" && alert["state"] == "firing" && alert["severity"] == "critical"
        };
        let found = told["alerts"].as_array()?.iter().find(|alert| fires(alert))?;
        (found["environments"] == json!([environment])).then_some(())
    })
    .await;
    silenced(world, &space, &environment).await;
}

/// On the real Alertmanager, by our own client: what fires is known there, kept quiet for a time, and told again.
async fn silenced(world: &World, space: &Space, environment: &str) {
    let url = std::env::var("RELEASE_COCKPIT_TEST_ALERTMANAGER").expect("RELEASE_COCKPIT_TEST_ALERTMANAGER");
    let source = Source::File(world.kubeconfig_of("alice"));
    let allowed = Allowed::default().with_given([url.clone()]);
    let options = ConnectOptions { source, allowed, ..ConnectOptions::default() };
    let cluster = Cluster::connect(&options).await.expect("a client");
    let alertmanager = Target::Url(url.clone()).open_alertmanager(&cluster).expect("a client");
    alertmanager.version().await.expect("a version");
    let state = async |wanted: &str| {
        until(60, wanted, || async {
            let ours = ["-n", &space.namespace, "--alertmanager", &url, "alerts", environment, "-o", "json"];
            let told: Value = serde_json::from_str(&cli(world, "alice", &ours).await.ok()).ok()?;
            let alerts = told["alerts"].as_array()?;
            let found =
                alerts.iter().find(|alert| alert["name"] == "HighErrorRate" && alert["state"] == wanted)?;
            found["handling"].is_object().then(|| found["handling"].clone())
        })
        .await
    };
    let before = state("firing").await;
    assert_eq!(before, json!({"receivers": ["nobody"], "inhibited": false, "silences": []}));
    let from = Clock::system().now();
    let matchers = [format!("namespace={}", space.namespace), "alertname=~High.*".to_owned()];
    let silence = NewSilence {
        matchers: matchers.iter().map(|text| Matcher::parse(text).expect("a matcher")).collect(),
        from,
        until: from + chrono::TimeDelta::hours(1),
        by: "alice".into(),
        comment: "it is known".into(),
    };
    let Changed::Done(id) = alertmanager.silence(&silence).await else { panic!("a silence is made") };
    let during = state("silenced").await;
    assert_eq!((&during["silences"][0]["id"], &during["silences"][0]["by"]), (&json!(id), &json!("alice")));
    assert_eq!(alertmanager.expire(&id).await, Changed::Done(id));
    state("firing").await;
    // the same by commands
    let flag = ["-n", &space.namespace, "--alertmanager", &url];
    let made = [
        &flag[..],
        &["silence", environment, "HighErrorRate", "--for", "1h", "--reason", "it is known", "-o", "json"],
    ]
    .concat();
    let made: Value = serde_json::from_str(&cli(world, "alice", &made).await.ok()).expect("JSON");
    let during = state("silenced").await;
    assert_eq!((&during["silences"][0]["id"], &made["by"]), (&made["id"], &json!("alice")));
    let ended = [&flag[..], &["expire-silence", made["id"].as_str().expect("an id")]].concat();
    assert!(cli(world, "alice", &ended).await.ok().contains("ended"));
    state("firing").await;
    // what the simulated one refuses, this one refuses too, in the same words
    let past =
        alertmanager.silence(&NewSilence { until: from - chrono::TimeDelta::hours(1), ..silence }).await;
    let Changed::Refused(reason) = past else { panic!("{past:?}") };
    assert!(reason.contains("(400)") && reason.contains("start time must be before end time"), "{reason}");
    let unknown = alertmanager.expire("7c0d5f4e-1111-4222-8333-444455556666").await;
    assert_eq!(unknown, Changed::Refused("the Alertmanager does not know that silence".to_owned()));
}
