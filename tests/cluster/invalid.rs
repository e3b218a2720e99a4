//! What the API server itself refuses as invalid, with no policy involved: 422, and it stands.

use std::time::{Duration, Instant};

use futures::future::join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Event;
use kube::ResourceExt;
use kube::api::{ListParams, Patch, PatchParams};
use release_cockpit::api::{Phase, Release};
use serde_json::{Value, json};

use crate::controller::Controller;
use crate::ear::{Ear, text};
use crate::space::{Space, action, image, message};
use crate::world::{until, world};

/// How soon a refusal that stands ends a release.
const SOON: Duration = Duration::from_secs(60);
/// Bytes that the annotations of an object may have.
const ROOM: usize = 262_144;
/// Bytes that are left: the workload's own controller has room for what it copies and adds (80), a release for its two annotations has not.
const LEFT: usize = 100;
/// What the API server says of more.
const WORDS: &str = "metadata.annotations: Too long";

/// Fills the annotations of `backend`, so that there is no room for those that a release writes.
async fn fill(space: &Space) {
    const KEY: &str = "acme.dev/notes";
    let deployments = space.api::<Deployment>();
    let found = deployments.get("backend").await.expect("it");
    let taken: usize = found.annotations().iter().map(|(key, value)| key.len() + value.len()).sum();
    let notes = "n".repeat(ROOM - taken - KEY.len() - LEFT);
    let full = Patch::Merge(json!({"metadata": {"annotations": {(KEY): notes}}}));
    let filled = deployments.patch("backend", &PatchParams::default(), &full).await.expect("room for this");
    space.until_complete("backend", filled.metadata.generation.expect("a generation")).await;
    let more = Patch::Merge(json!({"metadata": {"annotations": {"acme.dev/one-more": "x".repeat(LEFT)}}}));
    let dry = PatchParams { dry_run: true, ..PatchParams::default() };
    match deployments.patch("backend", &dry, &more).await.expect_err("no more room") {
        kube::Error::Api(status) => {
            assert!(status.code == 422 && status.message.contains(WORDS), "{status:?}");
        }
        other => panic!("{other}"),
    }
}

async fn space_of(name: &str, components: &[&str], more: Value) -> Option<Space> {
    let space = Space::new(world().await?, name).await;
    space.application(components, more).await;
    fill(&space).await;
    Some(space)
}

/// The release once it is over or held, which takes less than a minute.
async fn ends(space: &Space) -> Release {
    let begun = Instant::now();
    let ended = space
        .until_release("one", "over", |release| release.phase().is_final() || release.phase() == Phase::Held)
        .await;
    assert!(begun.elapsed() < SOON, "{} took {} s", space.namespace, begun.elapsed().as_secs());
    let said = serde_json::to_string(&ended.status).expect("a status");
    assert!(said.contains(WORDS) && said.contains("262144"), "{said}");
    until(10, "an Event with the server's words", || async {
        let of = ListParams::default().fields("involvedObject.name=one,reason=ChangeRefused");
        let events = space.api::<Event>().list(&of).await.ok()?.items;
        events.iter().any(|event| event.message.as_ref().is_some_and(|m| m.contains(WORDS))).then_some(())
    })
    .await;
    ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_the_server_calls_invalid_ends_the_release_with_its_words() {
    let ear = Ear::open(|_| text(200, "ok")).await;
    let policy = |more: Value| {
        let mut all = json!({"notify": [{"channel": "webhook", "config": {"url": ear.url}}]});
        json_patch::merge(&mut all, &more);
        all
    };
    let both: [&str; 2] = ["frontend", "backend"];
    let Some(alone) = space_of("invalid-alone", &["backend"], policy(json!({}))).await else { return };
    let Some(second) = space_of("invalid-second", &both, policy(json!({}))).await else { return };
    let waiting = policy(json!({"onFailure": "hold"}));
    let Some(held) = space_of("invalid-held", &["backend"], waiting).await else { return };
    let _controller = Controller::start(&[&alone, &second, &held], "invalid").await;
    let asked = [(&alone, &["backend"][..]), (&second, &both[..]), (&held, &["backend"][..])];
    join_all(asked.map(|(space, components)| space.ask("alice", "one", "v1.1.0", components))).await;
    let (first, undone, waits) = futures::join!(ends(&alone), ends(&second), ends(&held));
    // nothing was changed, what was changed went back, and what the policy holds waits for a person
    assert_eq!(first.phase(), Phase::Errored, "{}", message(&first));
    assert_eq!(undone.phase(), Phase::RolledBack, "{}", message(&undone));
    assert_eq!(waits.phase(), Phase::Held, "{}", message(&waits));
    for space in [&alone, &second, &held] {
        assert_eq!(space.runs("backend").await.0, image("backend", "v1.0.0"), "{}", space.namespace);
        until(20, "a notice with the server's words", || async {
            let heard = ear.heard();
            let of = |body: &Value| body["environment"]["namespace"] == space.namespace.as_str();
            heard
                .iter()
                .map(crate::ear::Heard::json)
                .any(|body| of(&body) && body.to_string().contains(WORDS))
                .then_some(())
        })
        .await;
    }
    let (frontend, written, _) = second.runs("frontend").await;
    assert_eq!((frontend, written), (image("frontend", "v1.0.0"), 3), "there and back");
    // once there is room it is retried
    let emptied = Patch::Merge(json!({"metadata": {"annotations": {"acme.dev/notes": null}}}));
    let deployments = held.api::<Deployment>();
    deployments.patch("backend", &PatchParams::default(), &emptied).await.expect("to be emptied");
    held.act(action("again", "Retry", "bob", &waits)).await.expect("accepted");
    held.until_phase("one", Phase::Succeeded).await;
    assert_eq!(held.runs("backend").await.0, image("backend", "v1.1.0"));
}
