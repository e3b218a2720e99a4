//! Lost answers, second replicas and wrong credentials on the real server: stops are judged, and nobody leads who must not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use release_cockpit::api::{Environment, Phase, ReleaseAction};
use release_cockpit::controller::{Deadlines, Error, lease_name};
use serde_json::json;

use crate::controller::Controller;
use crate::faulty::{Fault, faulty};
use crate::space::{Space, on_environment, until_is};
use crate::world;

const SHORT: Deadlines = Deadlines {
    request: Duration::from_secs(4),
    reconcile: Duration::from_secs(10),
    stop: Duration::from_secs(5),
    watch: Duration::from_secs(30),
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stops_are_judged_while_answers_are_lost() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "lost-answers").await;
    space.application(&["backend"], json!({"bake": "1s"})).await;
    let (hangs, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let rule = (hangs.clone(), lost.clone());
    let client = faulty(&world.client("controller").await, move |method, path| {
        let (hangs, lost) = (&rule.0, &rule.1);
        let is_deployment = path.contains("/deployments/backend");
        match method {
            "GET" if is_deployment && hangs.load(Ordering::Relaxed) => Fault::Hang,
            // the first change takes effect, and nobody hears of it
            "PATCH" if is_deployment && lost.fetch_add(1, Ordering::Relaxed) == 0 => Fault::Lose,
            _ => Fault::Pass,
        }
    });
    let _controller = Controller::start_by(client, &[&space], "only", SHORT);
    space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    space.until_phase("one", Phase::Succeeded).await;
    assert!(lost.load(Ordering::Relaxed) >= 1);
    assert_eq!(space.runs("backend").await, (crate::space::image("backend", "v1.1.0"), 2, "2".to_owned()));
    hangs.store(true, Ordering::Relaxed);
    for (name, kind) in [("freeze", "Freeze"), ("stop", "AbortAll")] {
        space.act(on_environment(name, kind, "oscar", &json!({}))).await.expect("accepted");
        let actions = space.api::<ReleaseAction>();
        let judged = until_is(&actions, name, "judged", ReleaseAction::is_judged);
        let judged =
            tokio::time::timeout(Duration::from_secs(15), judged).await.expect("judged within seconds");
        assert_eq!(format!("{:?}", judged.status.and_then(|status| status.result)), "Some(Applied)");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_with_one_identity_the_second_is_refused() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "twins").await;
    space.application(&["backend"], json!({"bake": "1s"})).await;
    let first = Controller::start(&[&space], "twin").await;
    let lease = lease_name(std::slice::from_ref(&space.namespace));
    let held = |lease: &Lease| lease.spec.as_ref().is_some_and(|spec| spec.holder_identity.is_some());
    until_is(&space.api::<Lease>(), &lease, "held", held).await;
    let second = Controller::start(&[&space], "twin").await;
    assert!(matches!(second.ended().await, Err(Error::Twin(identity)) if identity == "twin"));
    space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    space.until_phase("one", Phase::Succeeded).await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_does_not_lead() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "credentials").await;
    space.application(&["backend"], json!({"bake": "1s"})).await;
    let wrong = Controller::start_by(space.admin.clone(), &[&space], "wrong", SHORT);
    let lease = lease_name(std::slice::from_ref(&space.namespace));
    let right = Controller::start(&[&space], "right").await;
    let held = |lease: &Lease| {
        lease.spec.as_ref().is_some_and(|spec| spec.holder_identity.as_deref() == Some("right"))
    };
    until_is(&space.api::<Lease>(), &lease, "held by the right one", held).await;
    until_is(&space.api::<Environment>(), "production", "looked at", |found| {
        found.status.as_ref().is_some_and(|status| !status.current.is_empty())
    })
    .await;
    right.stop().await;
    drop(wrong);
}
