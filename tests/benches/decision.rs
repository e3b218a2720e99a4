//! The controller's decision: one look at each of 500 waiting releases of one environment, and at the one that executes.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use release_cockpit::api::environment::WorkloadKind;
use release_cockpit::api::release::GateState;
use release_cockpit::api::strategy::Weight;
use release_cockpit::api::{Environment, Release};
use release_cockpit::domain::health::{Answer, Answers};
use release_cockpit::domain::rollout::{Effect, Observed, TrafficState, next};
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
            causes: std::collections::BTreeMap::new(),
            governs: None,
            writes: std::collections::BTreeMap::new(),
            unreadable: std::collections::BTreeMap::new(),
            autoscalers: std::collections::BTreeMap::new(),
            crashes: std::collections::BTreeMap::new(),
        })
        .collect()
}

/// A canary of twenty steps behind a router, in the middle of them.
fn canary() -> Observed {
    let Some(mut observed) = worlds(1).pop() else { unreachable!("one world was asked for") };
    let steps: Vec<_> = (1..=20).map(|step| json!({"setWeight": step * 5})).collect();
    let strategy = json!({"canary": {"trafficRouting": {"router": "gateway-api", "config": {"httpRoute": "{{component}}"}}, "steps": steps}});
    if let Some(environment) = observed.environment.as_mut() {
        environment.spec.strategy = serde_json::from_value(strategy).ok();
        environment.spec.approval = None;
    }
    let accepted =
        |percent| TrafficState { weight: Weight::new(percent), is_accepted: true, ..TrafficState::default() };
    for name in ["backend", "frontend"] {
        observed.traffic.insert(name.to_owned(), accepted(0));
    }
    let mut at = now();
    // done at once, whatever is decided, until half of the steps are over
    for _ in 0..400 {
        let decision = next(&observed, at);
        at += TimeDelta::seconds(1);
        let is_half = decision.status.step.as_ref().is_some_and(|step| step.index >= 10);
        observed.release.status = Some(decision.status);
        for effect in &decision.effects {
            carry_out(&mut observed, effect, at);
        }
        if is_half {
            break;
        }
    }
    observed
}

fn carry_out(observed: &mut Observed, effect: &Effect, at: DateTime<Utc>) {
    match effect {
        Effect::SetTrack(set) => {
            let second = WorkloadState {
                image: Some(set.image.clone()),
                desired: set.replicas,
                replicas: set.replicas,
                updated: set.replicas,
                ready: set.replicas,
                available: set.replicas,
                ..WorkloadState::new(WorkloadKind::Deployment, set.track.workload_name(&set.workload.name))
            };
            observed.tracks.insert(set.component.to_string(), second);
        }
        Effect::SetTraffic(set) => {
            let state = TrafficState { weight: Some(set.to), is_accepted: true, ..TrafficState::default() };
            observed.traffic.insert(set.component.to_string(), state);
        }
        Effect::Ask { name, .. } => {
            observed.answers.record(name, Answer::new(at, GateState::Pass, "asked"));
        }
        _ => {}
    }
}

#[divan::bench]
fn a_canary_of_twenty_steps(bencher: divan::Bencher<'_, '_>) {
    let observed = canary();
    let index =
        observed.release.status.as_ref().and_then(|status| status.step.as_ref()).map(|step| step.index);
    assert_eq!(index, Some(10), "half of its steps are over");
    let at = now() + TimeDelta::seconds(500);
    bencher.bench_local(|| divan::black_box(next(divan::black_box(&observed), at)));
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
