//! One frame at 200x60 with 10,000 pods in the store.
#![allow(clippy::unwrap_used, reason = "a bench that cannot build its world has nothing to measure")]

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use release_cockpit::api::{Environment, EnvironmentKey, Release};
use release_cockpit::app::state::cluster_state::WatchedKind;
use release_cockpit::app::state::effect::BackgroundEffect;
use release_cockpit::app::state::effect::Effect;
use release_cockpit::app::state::event::MetricsEvent;
use release_cockpit::app::state::event::{ClusterEvent, Delta, Event, ZoomPart};
use release_cockpit::app::state::located::ClusterId;
use release_cockpit::app::state::store::Store;
use release_cockpit::app::update_all;
use release_cockpit::config::theme as config;
use release_cockpit::domain::pod_row::{PodHealth, PodKey, PodRow};
use release_cockpit::domain::series::{Series, unix};
use release_cockpit::domain::sliding::Sliding;
use release_cockpit::domain::watch_state::WatchState;
use release_cockpit::ui::render;
use release_cockpit::ui::theme::Theme;

const PODS: usize = 10_000;

fn main() {
    divan::main();
}

/// The whole screen, drawn anew into a buffer that was used before.
#[divan::bench]
fn home_200x60(bencher: divan::Bencher) {
    let store = world();
    let theme = Theme::of(&config::Theme::load("dark").unwrap());
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
    bencher.bench_local(|| {
        terminal.draw(|frame| render(frame, &store, &theme)).unwrap();
    });
}

/// The same without the terminal's comparison of two buffers: what drawing alone costs.
#[divan::bench]
fn home_200x60_drawing_alone(bencher: divan::Bencher) {
    let store = world();
    let theme = Theme::of(&config::Theme::load("dark").unwrap());
    let area = ratatui::layout::Rect::new(0, 0, 200, 60);
    let mut buf = ratatui::buffer::Buffer::empty(area);
    bencher.bench_local(|| {
        buf.reset();
        release_cockpit::ui::screens::draw(&mut buf, area, &store, &theme);
    });
}

/// One pane alone, with a cursor on its curves and a legend.
#[divan::bench]
fn zoomed_200x60(bencher: divan::Bencher) {
    let mut store = world();
    let keys = ["z", "left", "left"].map(|key| key.parse().unwrap());
    let effects = update_all(&mut store, keys.map(|chord| Event::Key { chord, repeat: false }));
    for effect in effects {
        if let Effect::Background(BackgroundEffect::Zoom { cluster, wish: Some(wish) }) = effect {
            let result = Ok(["stable", "canary"].map(curve).into());
            let event = ClusterEvent::Metrics(MetricsEvent::Zoomed {
                wish,
                part: ZoomPart::Present,
                at: now(),
                result,
                partial: None,
            });
            update_all(&mut store, [Event::Cluster(cluster, event)]);
        }
    }
    let theme = Theme::of(&config::Theme::load("dark").unwrap());
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
    bencher.bench_local(|| {
        terminal.draw(|frame| render(frame, &store, &theme)).unwrap();
    });
}

/// Three new samples of twelve curves taken into what is kept of half an hour.
#[divan::bench]
fn merge_of_new_samples(bencher: divan::Bencher) {
    let samples = |(start, end): (f64, f64), step: f64| -> Vec<(usize, Vec<(f64, f64)>)> {
        let times = std::iter::successors(Some(start), |at| Some(at + step)).take_while(|at| *at <= end);
        let times: Vec<f64> = times.collect();
        (0..12).map(|curve| (curve, times.iter().map(|at| (*at, 1.0)).collect())).collect()
    };
    let mut kept = Sliding::new(1_800.0);
    let whole = kept.due(1_000_000.0);
    kept.merge(samples(whole, kept.step()), whole);
    let due = kept.due(1_000_010.0);
    let found = samples(due, kept.step());
    bencher.with_inputs(|| (kept.clone(), found.clone())).bench_local_values(|(mut kept, found)| {
        kept.merge(found, due);
        kept
    });
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_183_402, 0).unwrap_or_default()
}

fn world() -> Store {
    let mut store = Store::new(["prod-eu".into()], "bench");
    let key = EnvironmentKey::new("planera-production", "production");
    let mut events = vec![Event::Tick(now()), Event::Resize { width: 200, height: 60 }];
    let mut cluster = |event| events.push(Event::Cluster(ClusterId(0), event));
    for feed in WatchedKind::ALL {
        cluster(ClusterEvent::Watch(feed, WatchState::Live { heard: now() }));
    }
    cluster(ClusterEvent::Environments(Delta::Applied(key.clone(), Arc::new(environment()))));
    for number in 0..50 {
        let release = release(number);
        cluster(ClusterEvent::Releases(Delta::Applied(release.key(), Arc::new(release))));
    }
    cluster(ClusterEvent::Pods(Delta::Reset((0..PODS).map(pod).map(|pod| (pod.key.clone(), pod)).collect())));
    for query in ["errorRate", "latency"] {
        cluster(ClusterEvent::Metrics(MetricsEvent::Metrics {
            environment: key.clone(),
            query: query.into(),
            at: now(),
            result: Ok(["stable", "canary"].map(curve).into()),
            partial: None,
        }));
    }
    update_all(&mut store, events);
    store
}

fn environment() -> Environment {
    serde_json::from_value(serde_json::json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
        "metadata": {"name": "production", "namespace": "planera-production"},
        "spec": {"application": "planera", "tier": "production", "components": [{
            "name": "backend", "workload": {"kind": "Deployment", "name": "backend"},
            "container": "backend", "image": "ghcr.io/acme/planera-backend"}],
            "metrics": {"limits": {"errorRate": 0.05, "latency": 2.0}}}
    }))
    .unwrap()
}

fn release(number: usize) -> Release {
    serde_json::from_value(serde_json::json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
        "metadata": {"name": format!("r{number}"), "namespace": "planera-production",
                     "creationTimestamp": "2026-11-20T14:00:00Z"},
        "spec": {"environment": "production", "version": format!("v1.8.{number}"), "kind": "Deploy",
                 "requestedBy": "bob",
                 "images": [{"component": "backend", "image": "ghcr.io/acme/planera-backend:v1"}]},
        "status": {"phase": "Pending", "message": "waits for approval: 0 of 1 people"}
    }))
    .unwrap()
}

fn pod(number: usize) -> PodRow {
    let failing = number.is_multiple_of(97);
    PodRow {
        key: PodKey {
            namespace: "planera-production".into(),
            name: format!("backend-7f9c6d{:04x}-{number:05}", number / 10).into(),
        },
        owner_kind: "Deployment".into(),
        owner: "backend".into(),
        template_hash: "7f9c6d".into(),
        ready: u16::from(!failing),
        total: 1,
        status: if failing { "CrashLoopBackOff".into() } else { "Running".into() },
        health: if failing { PodHealth::Failing } else { PodHealth::Ready },
        restarts: 3,
        last_restart: Some(now() - TimeDelta::seconds(40)),
        version: "v1.8.1".into(),
        track: "stable".into(),
        node: "ip-10-0-12-31.eu-central-1".into(),
        ip: "10.244.1.7".into(),
        digest: "77aa01bc23de".into(),
        labels: "app=backend\nteam=shop".into(),
        created: Some(now() - TimeDelta::days(3)),
        cause: if failing { "exit 137 OOMKilled".into() } else { "".into() },
        facts: None,
    }
}

fn curve(label: &str) -> Series {
    let points = (0..360_u16)
        .map(|at| (unix(now()) - 5.0 * f64::from(359 - at), 0.02 + 0.01 * (f64::from(at) / 9.0).sin()))
        .collect();
    Series { label: label.into(), points, step: 5.0, ..Series::default() }
}
