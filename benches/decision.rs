//! The controller's decision: one look at each of 500 waiting releases of one environment, and at the one that executes.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use release_cockpit::api::environment::WorkloadKind;
use release_cockpit::api::{Environment, Release};
use release_cockpit::domain::health::Answers;
use release_cockpit::domain::rollout::{Observed, next};
use release_cockpit::domain::rollout_status::WorkloadState;
use serde_json::json;

fn main() {
    divan::main();
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}

fn environment() -> Environment {
    let object = json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
        "metadata": {"name": "production", "namespace": "planera"},
        "spec": {
            "application": "planera", "tier": "production",
            "components": [
                {"name": "backend", "workload": {"kind": "Deployment", "name": "backend"}, "container": "backend", "image": "acme/backend"},
                {"name": "frontend", "workload": {"kind": "Deployment", "name": "frontend"}, "container": "frontend",
                 "image": "acme/frontend", "wave": 1},
            ],
            "versions": {"pattern": r"^v\d+\.\d+\.\d+$"},
            "approval": {"slots": [{"name": "team-leads", "group": "team-leads", "minimum": 1}, {"name": "any", "minimum": 1}]},
        },
    });
    serde_json::from_value(object).unwrap_or_else(|error| unreachable!("{error}"))
}

fn release(number: u32) -> Release {
    let at = now() - TimeDelta::seconds(i64::from(1000 - number));
    let object = json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
        "metadata": {
            "name": format!("planera-{number}"), "namespace": "planera", "uid": format!("uid-{number}"), "generation": 1,
            "creationTimestamp": at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        },
        "spec": {
            "environment": "production", "version": format!("v1.0.{number}"), "kind": "Deploy", "requestedBy": "bob",
            "images": [
                {"component": "backend", "image": format!("acme/backend:v1.0.{number}")},
                {"component": "frontend", "image": format!("acme/frontend:v1.0.{number}")},
            ],
        },
    });
    serde_json::from_value(object).unwrap_or_else(|error| unreachable!("{error}"))
}

fn workload(name: &str) -> WorkloadState {
    WorkloadState {
        image: Some(format!("acme/{name}:v1.0.0")),
        desired: 4,
        replicas: 4,
        updated: 4,
        ready: 4,
        available: 4,
        ..WorkloadState::new(WorkloadKind::Deployment, name)
    }
}

/// The world as each of `count` releases of one environment sees it.
fn worlds(count: u32) -> Vec<Observed> {
    let environment = environment();
    let all: Vec<Arc<Release>> = (0..count).map(|number| Arc::new(release(number))).collect();
    let workloads = ["backend", "frontend"].map(|name| (name.to_owned(), workload(name)));
    all.iter()
        .map(|release| Observed {
            release: (**release).clone(),
            environment: Some(environment.clone()),
            source: None,
            workloads: workloads.iter().cloned().collect(),
            actions: Vec::new(),
            others: all.iter().filter(|other| !Arc::ptr_eq(other, release)).cloned().collect(),
            tracks: std::collections::BTreeMap::new(),
            traffic: std::collections::BTreeMap::new(),
            answers: Answers::default(),
        })
        .collect()
}

#[divan::bench]
fn five_hundred_releases(bencher: divan::Bencher<'_, '_>) {
    let worlds = worlds(500);
    bencher.bench_local(|| {
        for observed in &worlds {
            divan::black_box(next(divan::black_box(observed), now()));
        }
    });
}

#[divan::bench]
fn one_among_five_hundred(bencher: divan::Bencher<'_, '_>) {
    let worlds = worlds(500);
    bencher.bench_local(|| divan::black_box(next(divan::black_box(&worlds[499]), now())));
}
