//! Worlds to draw.

#![allow(clippy::too_many_lines, clippy::cast_possible_wrap)]

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::api::strategy::StrategyName;
use crate::api::{EnvironmentKey, Phase, Release, ReleaseKey, Tier};
use crate::app::cluster_state::*;
use crate::app::located::*;
use crate::app::rows::*;
use crate::app::store::Store;
use crate::app::ui_state::*;
use crate::domain::pod_row::*;
use crate::domain::series::{Series, unix};

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-20T14:03:22Z").unwrap().to_utc()
}

fn ago(seconds: i64) -> DateTime<Utc> {
    now() - TimeDelta::seconds(seconds)
}

fn env(name: &str) -> EnvironmentId {
    EnvironmentId::new(ClusterId(0), EnvironmentKey::new(format!("planera-{name}"), name))
}

pub fn home() -> Store {
    let mut store = Store::new(["prod-eu".into()], "test");
    store.now = now();
    let cluster = &mut store.clusters[0];
    cluster.identity = Some(Identity { user: "alice".into(), groups: vec![] });
    for feed in Feed::ALL {
        cluster.feeds.insert(feed, FeedState::Live { heard: ago(1) });
    }
    cluster.controller =
        ControllerHealth { leader: Some("c-0".into()), renewed: Some(ago(1)), duration_seconds: 15 };
    let production: crate::api::Environment = serde_json::from_value(json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
        "metadata": {"name": "production", "namespace": "planera-production"},
        "spec": {"application": "planera", "tier": "production",
            "metrics": {"limits": {"errorRate": 0.05, "latency": 2.0}},
            "components": [{"name": "backend", "workload": {"kind": "Deployment", "name": "backend"},
            "container": "backend", "image": "ghcr.io/acme/planera-backend"}]}
    }))
    .unwrap();
    cluster.environments.insert(env("production").key, Arc::new(production));
    for (name, version, n) in [("backend-7f9c6d", "v1.8.1", 7), ("frontend-84bbd9c5d", "v1.8.1", 5)] {
        for i in 0..n {
            let bad = name.starts_with('b') && i == 3;
            let key = PodKey {
                namespace: "planera-production".into(),
                name: format!("{name}-{}{}", ["2xk4", "t7vz", "9qql", "m4cd"][i % 4], i).into(),
            };
            cluster.pods.insert(
                key.clone(),
                PodRow {
                    key,
                    owner_kind: "Deployment".into(),
                    owner: "backend".into(),
                    template_hash: "x".into(),
                    ready: u16::from(!bad),
                    total: 1,
                    status: if bad { "CrashLoopBackOff" } else { "Running" }.into(),
                    health: if bad {
                        PodHealth::Failing
                    } else if i == 4 {
                        PodHealth::Starting
                    } else {
                        PodHealth::Ready
                    },
                    restarts: if bad { 14 } else { 0 },
                    last_restart: bad.then(|| ago(40)),
                    version: if bad { "v1.8.2".into() } else { version.into() },
                    track: "".into(),
                    node: "ip-10-0-12-31.eu-central-1".into(),
                    created: Some(ago(3_600 * 24 * (i as i64) + 300)),
                    cause: if bad { "exit 137 OOMKilled, limit 256Mi".into() } else { "".into() },
                },
            );
        }
    }
    let release: Release = serde_json::from_value(json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
        "metadata": {"name": "r1", "namespace": "planera-production", "creationTimestamp": "2026-11-20T13:58:22Z"},
        "spec": {"environment": "production", "version": "v1.8.2", "kind": "Promote", "requestedBy": "bob", "reason": "hotfix for the login loop", "ticket": "INC-441",
                 "images": [{"component": "backend", "image": "ghcr.io/acme/planera-backend:v1.8.2"}]},
        "status": {"phase": "Progressing", "message": "rolls backend: 2 of 3 updated replicas are available", "startedAt": "2026-11-20T13:53:22Z",
          "step": {"index": 1, "startedAt": "2026-11-20T14:02:22Z"},
          "plan": {"strategy": "rolling", "digest": "sha256:9c1e9c1e9c1e9c1e", "steps": [{"roll": {"components": ["backend"], "wave": 0}}, {"roll": {"components": ["frontend"], "wave": 1}}, {"smoke": {"probes": 1}}, {"bake": {"duration": "5m"}}]},
          "components": [{"component": "backend", "state": "Done", "updated": 3, "available": 3, "total": 3}, {"component": "frontend", "state": "Progressing", "updated": 2, "available": 2, "total": 3, "message": "1 old replicas are pending termination"}],
          "gates": [{"name": "preflight/secret-keys", "state": "Pass", "detail": "2 keys found"}, {"name": "approval", "state": "Wait", "detail": "1 of 2 people; open: team-leads", "clearedBy": "someone of team-leads, not bob"}, {"name": "analysis/error-rate", "state": "NoData", "detail": "no samples of the last 5 minutes"}],
          "approvals": [{"actor": "carol", "slots": ["any"], "at": "2026-11-20T14:00:00Z", "digest": "sha256:9c1e", "action": "a", "state": "Counted"}, {"actor": "bob", "slots": ["any"], "at": "2026-11-20T14:01:00Z", "digest": "sha256:9c1e", "action": "a", "state": "SelfApproval"}],
          "timeline": [{"at": "2026-11-20T13:58:22Z", "by": "bob", "reason": "Requested", "message": "asked for v1.8.2"}, {"at": "2026-11-20T13:58:24Z", "by": "controller", "reason": "Planned", "message": "4 steps"}, {"at": "2026-11-20T14:00:00Z", "by": "carol", "reason": "Approved", "message": "slot any; saw error rate 0.08%, p95 312ms"}, {"at": "2026-11-20T14:00:02Z", "by": "controller", "reason": "Started", "message": "rolls backend"}]
        }
    })).unwrap();
    cluster.releases.insert(release.key(), Arc::new(release));
    let curve = |label: &str, f: &dyn Fn(f64) -> f64| Series {
        label: label.into(),
        step: 10.0,
        points: (0..180)
            .filter(|i| !(60..75).contains(i))
            .map(|i| (unix(now()) - 10.0 * f64::from(179 - i), f(f64::from(i))))
            .collect(),
    };
    let wave = |i: f64| 0.004 + 0.002 * (i / 7.0).sin();
    let climb =
        |i: f64| if i < 120.0 { 0.004 + 0.001 * (i / 5.0).cos() } else { 0.004 + (i - 120.0) * 0.001 };
    cluster.metrics.insert(
        (env("production").key, "errorRate".into()),
        Metric {
            series: vec![curve("frontend", &wave), curve("backend", &climb)],
            at: Some(ago(2)),
            error: None,
        },
    );
    cluster.metrics.insert(
        (env("production").key, "latency".into()),
        Metric {
            series: vec![
                curve("frontend", &|i| 0.2 + 0.05 * (i / 9.0).sin()),
                curve("backend", &|i| 0.3 + i * 0.002),
            ],
            at: Some(ago(2)),
            error: None,
        },
    );
    let row = |number: usize, name: &str, tier, versions: &[&str], pods, health| EnvironmentRow {
        id: env(name),
        number,
        application: "planera".into(),
        name: name.into(),
        tier,
        versions: versions.iter().map(|v| (*v).into()).collect(),
        pods,
        health,
        active: None,
        frozen: None,
        error_rate: Reading { value: Some(0.0011), limit: Some(0.05) },
        latency: Reading { value: Some(0.088), limit: None },
        healthy_for: Some(TimeDelta::minutes(41)),
        needs_me: 0,
    };
    let mut production =
        row(3, "production", Tier::Production, &["v1.8.1", "v1.8.2"], Some((11, 12)), Health::Progressing);
    production.active = Some(ActiveRelease {
        id: ReleaseId::new(ClusterId(0), ReleaseKey::new("planera-production", "r1")),
        version: "v1.8.2".into(),
        phase: Phase::Progressing,
        strategy: StrategyName::Rolling,
        weight: None,
    });
    production.error_rate = Reading { value: Some(0.063), limit: Some(0.05) };
    production.latency = Reading { value: Some(0.66), limit: Some(2.0) };
    production.needs_me = 1;
    production.healthy_for = None;
    let mut dev = row(1, "dev", Tier::Development, &["v1.9.0"], Some((3, 3)), Health::Healthy);
    dev.error_rate.value = None;
    dev.latency.value = None;
    store.rows.environments =
        vec![dev, row(2, "staging", Tier::Staging, &["v1.8.2"], Some((4, 4)), Health::Healthy), production];
    store.rows.pods = store.clusters[0].pods.keys().map(|k| PodId::new(ClusterId(0), k.clone())).collect();
    store.rows.pods_total = store.rows.pods.len();
    store.rows.pods_failing = 1;
    let queue =
        |name: &str, environment: &str, tier, from: &str, to: &str, phase, steps, message: &str, needs| {
            QueueRow {
                id: ReleaseId::new(ClusterId(0), ReleaseKey::new(format!("planera-{environment}"), name)),
                environment: env(environment),
                tier: Some(tier),
                application: "planera".into(),
                from: from.into(),
                to: to.into(),
                strategy: StrategyName::Rolling,
                phase,
                group: QueueGroup::of(phase),
                steps,
                message: message.into(),
                requested_by: "bob".into(),
                created: Some(ago(240)),
                finished: phase.is_final().then(|| ago(3600)),
                needs_me: needs,
                pending: None,
            }
        };
    store.rows.queue = vec![
        queue(
            "r1",
            "production",
            Tier::Production,
            "v1.8.1",
            "v1.8.2",
            Phase::Progressing,
            Some((1, 4)),
            "rolls frontend: 2 of 3 updated replicas are available",
            false,
        ),
        queue(
            "r2",
            "production",
            Tier::Production,
            "v1.8.2",
            "v1.8.3",
            Phase::Pending,
            None,
            "waits for approval: 0 of 1 people; cleared by someone with approve, not bob",
            true,
        ),
        queue(
            "r3",
            "staging",
            Tier::Staging,
            "v1.8.2",
            "v1.9.0",
            Phase::Pending,
            None,
            "queued behind r1",
            false,
        ),
        queue(
            "r4",
            "staging",
            Tier::Staging,
            "v1.8.1",
            "v1.8.2",
            Phase::Succeeded,
            Some((4, 4)),
            "rolled out, watched for 5m",
            false,
        ),
    ];
    store.rows.needs_me = vec![store.rows.queue[1].id.clone()];
    store.ui.environments = Cursor { selected: Some(env("production")), index: 2, offset: 0, held: true };
    store.ui.pods = Cursor { selected: store.rows.pods.get(2).cloned(), index: 2, offset: 0, held: true };
    store.ui.queue =
        Cursor { selected: Some(store.rows.queue[1].id.clone()), index: 1, offset: 0, held: true };
    store.ui.focus = Pane::Pods;
    store
}

pub fn all() -> Vec<(&'static str, Store)> {
    let mut release = home();
    release.ui.views.push(View::Release(ReleaseView {
        id: release.rows.queue[0].id.clone(),
        timeline_offset: 0,
        gates_offset: 0,
        plan_offset: 0,
    }));
    release.ui.focus = Pane::Plan;
    let mut lost = home();
    for feed in Feed::ALL {
        lost.clusters[0].feeds.insert(
            feed,
            FeedState::Stale {
                since: Some(ago(14)),
                reason: "connection refused".into(),
                retry_at: Some(now() + TimeDelta::seconds(3)),
            },
        );
    }
    vec![("home", home()), ("release", release), ("lost", lost)]
}
