//! Metric panes on the embedded world: every shipped one has numbers there, and `status` tells what is promised.

use assert_cmd::Command;
use release_cockpit::api::Environment;
use release_cockpit::domain::pane::{self, Content};
use release_cockpit::domain::query::{self, Values};
use release_cockpit::metrics::{Curves, Prometheus, objective, pod_usage};
use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{Running, StartOptions, start_with};
use release_cockpit::time::Clock;

async fn world(clock: Clock) -> Running {
    rustls::crypto::ring::default_provider().install_default().ok();
    let options = StartOptions { without_script: true, ..StartOptions::default() };
    start_with(Scenario::builtin("planera").unwrap(), clock, options).await.unwrap()
}

async fn environment(running: &Running, name: &str) -> Environment {
    let mut config = kube::Config::new(running.kube_url.as_str().parse().unwrap());
    config.root_cert = Some(Vec::new());
    config.auth_info.token = Some("alice".to_owned().into());
    let client = kube::Client::try_from(config).unwrap();
    let all: kube::Api<Environment> = kube::Api::namespaced(client, &format!("planera-{name}"));
    all.get(name).await.unwrap()
}

#[tokio::test]
async fn every_pane_has_numbers_in_the_demo() {
    let clock = Clock::manual(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
    let running = world(clock).await;
    let prometheus = Prometheus::direct(running.prometheus_url.as_str()).unwrap();
    let environment = environment(&running, "production").await;
    let panes = pane::list(Some(&environment.spec));
    assert!(panes.iter().any(|pane| &*pane.name == "connections"), "the environment's own");
    for pane in panes {
        let Content::Curves(template) = &pane.content else { panic!("{pane:?}") };
        let query = query::render(&pane.name, template, &Values::of(&environment)).unwrap();
        let mut curves = Curves::new(&*pane.name, query, 1_800.0);
        let series = curves.fetch(&prometheus, 1_790_000_000.0).await.unwrap();
        assert!(!series.is_empty(), "{} has no curve", pane.name);
        for curve in &series {
            assert!(
                curve.points.len() > 100,
                "{} {}: {} samples",
                pane.name,
                curve.label,
                curve.points.len()
            );
            assert!(
                curve.points.iter().all(|(_, value)| value.is_finite() && *value >= 0.0),
                "{}",
                pane.name
            );
        }
        if ["cpuLimit", "memoryLimit", "restarts"].contains(&&*pane.name) {
            assert!(series.iter().any(|curve| curve.label.starts_with("backend-")), "{} by pod", pane.name);
        }
    }
}

#[tokio::test]
async fn what_pods_use_is_known_without_a_metrics_api_too() {
    let clock = Clock::manual(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
    let running = world(clock).await;
    let prometheus = Prometheus::direct(running.prometheus_url.as_str()).unwrap();
    let environment = environment(&running, "production").await;
    let used = pod_usage(&prometheus, &environment, 1_790_000_000.0).await.unwrap();
    let backends: Vec<_> = used.iter().filter(|(pod, _)| pod.starts_with("backend-")).collect();
    assert!(!backends.is_empty(), "{used:?}");
    for (pod, usage) in backends {
        assert!(usage.cpu > 0 && usage.memory > 1 << 20, "{pod}: {usage:?}");
    }
}

#[tokio::test]
async fn a_promise_is_assessed_from_the_worlds_own_numbers() {
    let clock = Clock::manual(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
    let running = world(clock).await;
    let prometheus = Prometheus::direct(running.prometheus_url.as_str()).unwrap();
    let environment = environment(&running, "staging").await;
    let slo = environment.spec.metrics.clone().unwrap().slo.unwrap();
    let found = objective(&prometheus, &environment, &slo, 1_790_000_000.0).await.unwrap();
    assert!(found.is_known_slow(), "{found:?}");
    assert!(found.budget_left.is_some_and(|left| left > 0.3 && left < 0.9), "{found:?}");
}

#[tokio::test]
async fn status_tells_what_is_promised_and_how_fast_it_is_broken() {
    let running = world(Clock::system()).await;
    let home = tempfile::tempdir().unwrap();
    let kubeconfig = home.path().join("alice");
    std::fs::write(&kubeconfig, running.kubeconfig_yaml("alice")).unwrap();
    for (arguments, words) in [
        (
            &["status", "staging"][..],
            &["promise 99% over 30d: ", "of the error budget is left", "1h/5m", "14.4x", "slow enough"][..],
        ),
        (
            &["status", "staging", "-o", "json"],
            &["\"promise\": {", "\"windows\": \"6h/30m\"", "\"burning\": false"],
        ),
        (&["status", "production", "-o", "json"], &["\"promise\": null"]),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_release-cockpit"));
        command.env_clear().env("HOME", home.path()).arg("--kubeconfig").arg(&kubeconfig).args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        for word in words {
            assert!(said.contains(word), "{arguments:?}: no {word:?} in\n{said}");
        }
    }
}
