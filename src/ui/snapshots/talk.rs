//! What clusters and containers say in the snapshots: events and log lines.

use chrono::TimeDelta;

use crate::app::fixtures::{World, alert, environment_id, event, now};
use crate::app::state::event::Event;
use crate::app::state::logs::{LogNews, LogSubject, LogView};
use crate::app::state::store::Store;
use crate::app::state::view::{Focus, View};
use crate::domain::log::LogLine;

/// What a cluster tells of the crashing canary.
pub(super) fn with_events(mut world: World) -> World {
    let pods = ["backend-5b8f77-t7vzd", "backend-5b8f77-9qqlm"];
    for (nth, pod) in (0_i64..).zip(pods) {
        let crash = format!("Back-off restarting failed container backend in pod {pod}");
        let pull = "Successfully pulled image \"ghcr.io/acme/planera-backend:v1.8.2\" in 1.2s".to_owned();
        let probe = "Readiness probe failed: HTTP probe failed with statuscode: 503".to_owned();
        for (seconds, reason, message) in
            [(30, "BackOff", crash), (200, "Pulled", pull), (90, "Unhealthy", probe)]
        {
            world = world.with_event("production", event(seconds + nth * 7, reason, pod, &message));
        }
    }
    world
}

/// What its Prometheus tells of it.
pub(super) fn with_alerts(world: World) -> World {
    world.with_alerts(vec![
        alert("HighErrorRate", &[("component", "backend"), ("severity", "critical"), ("track", "canary")])
            .of("production")
            .since(95)
            .says("summary", "backend answers with errors in planera-production")
            .says("runbook_url", "https://runbooks.example/high-error-rate"),
        alert("HighAPILatency", &[("component", "backend"), ("severity", "warning")])
            .of("production")
            .since(20)
            .pending()
            .says("summary", "backend is slow in planera-production"),
        alert("CertificateExpiresSoon", &[("severity", "warning")])
            .of("staging")
            .since(86_400)
            .says("summary", "staging.planera.example expires in 9 days"),
        alert("Watchdog", &[("severity", "none")])
            .since(900_000)
            .says("summary", "This alert always fires: it shows that alerting works."),
        alert("NodeDown", &[("severity", "critical"), ("namespace", "kube-system")]),
    ])
}

/// The logs of all pods of an environment: live where there are pods, waiting where there are none.
pub(super) fn logs(store: Store) -> Store {
    let mut world = World { store };
    world.store.ui.environments.selected = Some(environment_id("production"));
    let request = crate::app::state::effect::RequestId(9_000);
    let subject = LogSubject::Environment(environment_id("production"));
    world.store.ui.views.push(View::Logs(Box::new(LogView::new(subject, request))));
    world.store.ui.focus = Focus::Text;
    let pods: Vec<_> = world.store.rows.pods.iter().take(2).map(|id| id.key.name.clone()).collect();
    for (nth, pod) in (0_i64..).zip(pods) {
        let lines = (0..3).map(|line| LogLine {
            at: Some(now() + TimeDelta::seconds(line * 2 + nth)),
            text: match line {
                0 => "level=info msg=\"listening on :8080\"".into(),
                1 => "level=info method=GET path=/api/orders/4711 duration=88ms status=200".into(),
                _ => "level=error method=GET path=/api/orders/4712 status=503 error=\"upstream too late\""
                    .into(),
            },
        });
        let (view, container) = (request, Box::<str>::from("backend"));
        let lines = LogNews::Lines(lines.collect());
        for news in [LogNews::Opened, lines] {
            world.send(Event::Log { view, pod: pod.clone(), container: container.clone(), news });
        }
    }
    world.store
}
