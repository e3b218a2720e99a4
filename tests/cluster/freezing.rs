//! A freeze on the real server: on every terminal within moments, in the way of what is new, as chosen for what is in flight.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Api, ResourceExt as _};
use release_cockpit::api::{Environment, Phase, Release};
use serde_json::{Value, json};

use crate::cockpit::open;
use crate::controller::Controller;
use crate::space::{Space, on_environment, release, until_is};
use crate::terminal::Terminal;
use crate::world::{self, until};

/// Times that the environment is frozen and thawed.
const ROUNDS: usize = 10;
/// Far more than a freeze may take on a machine that does nothing else.
const BOUND: Duration = Duration::from_secs(10);

/// Whether somebody's screen says that production is frozen.
fn says_frozen(terminal: &Terminal, wanted: bool) {
    terminal.until(if wanted { "the freeze" } else { "the thaw" }, |screen| {
        screen.contents().to_lowercase().contains("frozen") == wanted
    });
}

/// A screen that tells when it has shown each freeze, and again when it has shown the thaw; it goes on to the next when told so.
fn watched(mut terminal: Terminal, next: &Receiver<()>, seen: &Sender<Instant>) {
    while next.recv().is_ok() {
        says_frozen(&terminal, true);
        seen.send(Instant::now()).expect("somebody listens");
        says_frozen(&terminal, false);
        seen.send(Instant::now()).expect("somebody listens");
    }
    terminal.press("q");
}

fn is_frozen(environment: Option<&Environment>) -> bool {
    environment.and_then(|found| found.status.as_ref()).is_some_and(|status| status.frozen.is_some())
}

fn told(what: &str, mut lags: Vec<Duration>) -> String {
    lags.sort();
    let at = |index: usize| lags[index.min(lags.len() - 1)].as_millis();
    format!("{what}: p50 {} ms, max {} ms", at(lags.len() / 2), at(lags.len()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_is_on_every_screen_within_moments() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "freezing").await;
    space.application(&["backend"], json!({})).await;
    let _controller = Controller::start(&[&space], "only").await;
    until_is(&space.api::<Environment>(), "production", "looked at", |found| found.status.is_some()).await;

    let mut screens = Vec::new();
    for who in ["alice", "vera"] {
        let terminal = open(world, who, &[&space.namespace]);
        terminal.until_text("v1.0.0");
        let ((go, next), (seen, shown)) = (channel(), channel());
        std::thread::spawn(move || watched(terminal, &next, &seen));
        screens.push((go, shown));
    }
    let (mut by_watch, mut by_screen) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let mut watches = Vec::new();
        for who in ["bob", "dave"] {
            let environments: Api<Environment> = space.as_seen_by(who).await;
            watches.push(tokio::spawn(async move {
                await_condition(environments, "production", is_frozen).await.expect("a watch");
                Instant::now()
            }));
        }
        for (go, _) in &screens {
            go.send(()).expect("the screen is there");
        }
        let parameters = json!({"inFlight": "Hold", "incident": "INC-1"});
        let begun = Instant::now();
        space
            .act(on_environment(&format!("freeze-{round}"), "Freeze", "oscar", &parameters))
            .await
            .expect("accepted");
        for watch in watches {
            by_watch.push(watch.await.expect("it ends") - begun);
        }
        for (_, shown) in &screens {
            by_screen.push(shown.recv().expect("the screen is there") - begun);
        }
        if round == ROUNDS {
            what_is_new_waits_and_what_goes_back_does_not(&space).await;
        }
        let thaw = format!("thaw-{round}");
        space.act(on_environment(&thaw, "Unfreeze", "oscar", &json!({}))).await.expect("accepted");
        assert_eq!(space.verdict(&thaw).await.0, "Applied");
        for (_, shown) in &screens {
            shown.recv().expect("the screen is there");
        }
    }
    assert!(by_watch.iter().chain(&by_screen).all(|lag| *lag < BOUND), "{by_watch:?} {by_screen:?}");
    eprintln!(
        "{} freezes, from the key to {}; to {}",
        ROUNDS,
        told("two watches", by_watch),
        told("two screens", by_screen)
    );
}

/// The API server's own words, and its leave to go back.
async fn what_is_new_waits_and_what_goes_back_does_not(space: &Space) {
    let releases: Api<Release> = space.as_seen_by("alice").await;
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let mut wanted = release("new", "v1.1.0", "alice", &["backend"]);
    until(20, "the policies see the freeze", || async {
        let refused = releases.create(&dry, &wanted).await.err()?.to_string();
        assert!(
            refused.contains("EnvironmentFrozen: production is frozen by oscar (the test says so)"),
            "{refused}"
        );
        Some(())
    })
    .await;
    wanted.spec.kind = release_cockpit::api::release::ReleaseKind::Rollback;
    wanted.spec.reason = Some("it was better before".into());
    releases.create(&dry, &wanted).await.expect("the way back is open");
}

/// A release whose first component is being rolled out, slowly, and whose second has not been touched.
async fn in_flight(test: &str) -> Option<(Space, Controller)> {
    let world = world::world().await?;
    let space = Space::new(world, test).await;
    space.application(&["backend", "frontend"], json!({})).await;
    let slowly = json!({"spec": {"template": {"metadata": {"annotations": {"release-cockpit.dev/test-start-delay": "4s"}}}}});
    let deployments: Api<Deployment> = space.api();
    deployments.patch("backend", &PatchParams::default(), &Patch::Strategic(slowly)).await.expect("a change");
    space.until_complete("backend", 2).await;
    let controller = Controller::start(&[&space], "only").await;
    space.ask("alice", "one", "v1.1.0", &["backend", "frontend"]).await;
    until_is(&deployments, "backend", "written", |found| found.metadata.generation == Some(3)).await;
    Some((space, controller))
}

async fn freeze(space: &Space, parameters: &Value) {
    space.act(on_environment("freeze", "Freeze", "oscar", parameters)).await.expect("accepted");
    assert_eq!(space.verdict("freeze").await.0, "Applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_flight_may_finish_a_freeze() {
    let Some((space, _controller)) = in_flight("freeze-finish").await else { return };
    freeze(&space, &json!({"inFlight": "Finish"})).await;
    space.until_phase("one", Phase::Succeeded).await;
    for (component, generation) in [("backend", 3), ("frontend", 2)] {
        assert_eq!(space.runs(component).await.1, generation, "{component}");
    }
    assert!(is_frozen(Some(&space.api::<Environment>().get("production").await.expect("it is there"))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_flight_may_hold_until_the_thaw() {
    let Some((space, _controller)) = in_flight("freeze-hold").await else { return };
    freeze(&space, &json!({"inFlight": "Hold"})).await;
    let held = space
        .until_release("one", "held", |release| {
            let timeline = release.status.iter().flat_map(|status| &status.timeline);
            timeline.into_iter().any(|entry| entry.reason == "HeldByFreeze")
        })
        .await;
    assert_eq!(held.phase(), Phase::Progressing, "{}", held.name_any());
    space.until_complete("backend", 3).await;
    assert_eq!(space.runs("frontend").await.1, 1, "the next wave waits for the thaw");
    space.act(on_environment("thaw", "Unfreeze", "oscar", &json!({}))).await.expect("accepted");
    space.until_phase("one", Phase::Succeeded).await;
    assert_eq!(space.runs("frontend").await.1, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_flight_may_be_sent_back() {
    let Some((space, _controller)) = in_flight("freeze-back").await else { return };
    freeze(&space, &json!({"inFlight": "RollBack", "incident": "INC-1"})).await;
    let ended = space.until_phase("one", Phase::RolledBack).await;
    let message = ended.status.unwrap_or_default().message;
    assert!(message.contains("frozen by oscar"), "{message}");
    assert_eq!(space.runs("backend").await.0, "ghcr.io/acme/backend:v1.0.0");
    assert_eq!(space.runs("frontend").await.1, 1, "it was never touched");
}
