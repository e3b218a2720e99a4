//! What it costs to take news in: pod updates folded into a store of ten thousand pods, and the lists after them.

use std::sync::Arc;

use chrono::DateTime;
use release_cockpit::api::Environment;
use release_cockpit::app::state::cluster_state::WatchedKind;
use release_cockpit::app::state::event::{ClusterEvent, Delta, Event};
use release_cockpit::app::state::located::ClusterId;
use release_cockpit::app::state::store::Store;
use release_cockpit::app::{update, update_all};
use release_cockpit::config::key::{KeyChord, KeyCode};
use release_cockpit::domain::pod_row::{PodHealth, PodKey, PodRow};
use release_cockpit::domain::watch_state::WatchState;

const PODS: usize = 10_000;
const UPDATES: usize = 500;

fn main() {
    divan::main();
}

fn pod(number: usize, restarts: u32) -> PodRow {
    PodRow {
        key: PodKey {
            namespace: "planera-production".into(),
            name: format!("backend-7f9c6d-{number:05}").into(),
        },
        owner_kind: "Deployment".into(),
        owner: "backend".into(),
        template_hash: "7f9c6d".into(),
        ready: 1,
        total: 1,
        status: "Running".into(),
        health: if number.is_multiple_of(100) { PodHealth::Failing } else { PodHealth::Ready },
        restarts,
        last_restart: None,
        version: "v1.8.1".into(),
        track: "stable".into(),
        node: "node-1".into(),
        ip: "10.244.1.7".into(),
        digest: "77aa01bc23de".into(),
        labels: "app=backend\nteam=shop".into(),
        created: Some(DateTime::UNIX_EPOCH),
        cause: "".into(),
        facts: None,
    }
}

fn store() -> Store {
    let environment: Environment = serde_json::from_value(serde_json::json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
        "metadata": {"name": "production", "namespace": "planera-production"},
        "spec": {"application": "planera", "tier": "production", "components": [{
            "name": "backend", "workload": {"kind": "Deployment", "name": "backend"},
            "container": "backend", "image": "ghcr.io/acme/planera-backend"}]}
    }))
    .unwrap_or_else(|error| unreachable!("{error}"));
    let mut store = Store::new(["prod-eu".into()], "bench");
    let pods = (0..PODS).map(|number| pod(number, 0)).map(|pod| (pod.key.clone(), pod)).collect();
    let live = WatchState::Live { heard: DateTime::UNIX_EPOCH };
    for event in [
        ClusterEvent::Watch(WatchedKind::Pods, live),
        ClusterEvent::Environments(Delta::Applied(environment.key(), Arc::new(environment))),
        ClusterEvent::Pods(Delta::Reset(pods)),
    ] {
        update(&mut store, Event::Cluster(ClusterId(0), event));
    }
    store
}

fn updates(restarts: u32) -> Vec<Event> {
    (0..UPDATES)
        .map(|number| pod(number * (PODS / UPDATES), restarts))
        .map(|pod| Event::Cluster(ClusterId(0), ClusterEvent::Pods(Delta::Applied(pod.key.clone(), pod))))
        .collect()
}

/// Every update changes what orders pods, so that the list is made anew once, after the batch.
#[divan::bench]
fn a_batch_of_500_pod_updates(bencher: divan::Bencher<'_, '_>) {
    let mut store = store();
    let mut restarts = 0;
    bencher
        .with_inputs(|| {
            restarts += 1;
            updates(restarts)
        })
        .bench_local_values(|events| update_all(&mut store, events));
}

/// A key between two batches: it is answered without sorting anything.
#[divan::bench]
fn one_key_among_10_000_pods(bencher: divan::Bencher<'_, '_>) {
    let mut store = store();
    let press = |code| Event::Key { chord: KeyChord::plain(code), repeat: false };
    update(&mut store, press(KeyCode::Tab));
    let mut down = false;
    bencher
        .with_inputs(|| {
            down = !down;
            press(if down { KeyCode::Down } else { KeyCode::Up })
        })
        .bench_local_values(|event| update(&mut store, event));
}

/// A filter letter, which looks at every pod.
#[divan::bench]
fn one_letter_of_a_filter_over_10_000_pods(bencher: divan::Bencher<'_, '_>) {
    let mut store = store();
    for code in [KeyCode::Tab, KeyCode::Char('/')] {
        update(&mut store, Event::Key { chord: KeyChord::plain(code), repeat: false });
    }
    let mut typed = false;
    bencher
        .with_inputs(|| {
            typed = !typed;
            let code = if typed { KeyCode::Char('7') } else { KeyCode::Backspace };
            Event::Key { chord: KeyChord::plain(code), repeat: false }
        })
        .bench_local_values(|event| update(&mut store, event));
}
