//! People are told once of what happens, and no release waits for it.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::api::{ListParams, Patch, PatchParams};

use super::*;
use crate::ear::{Answer, Ear, Heard, text};

impl Stage {
    /// From now on the environment's channel `slack` is there.
    async fn hears(&self, namespace: &str, address: &str, on: &[&str]) {
        let secret: Secret = serde_json::from_value(json!({
            "metadata": {"name": "channels", "annotations": {
                "release-cockpit.dev/use": "slack", "release-cockpit.dev/host": "127.0.0.1",
            }},
            "data": {"slack": k8s_openapi::ByteString(address.as_bytes().to_vec())},
        }))
        .unwrap();
        let secrets: Api<Secret> = Api::namespaced(self.client("admin"), namespace);
        secrets.create(&PostParams::default(), &secret).await.unwrap();
        let notify =
            json!([{"channel": "slack", "secret": {"name": "channels", "key": "slack"}, "events": on}]);
        let environments: Api<Environment> = Api::namespaced(self.client("admin"), namespace);
        let name = namespace.strip_prefix("planera-").unwrap();
        let change = Patch::Merge(json!({"spec": {"notify": notify}}));
        environments.patch(name, &PatchParams::default(), &change).await.unwrap();
    }
}

fn titles(heard: &[Heard]) -> Vec<String> {
    heard.iter().map(|heard| heard.json()["text"].as_str().unwrap().to_owned()).collect()
}

fn keys(release: &Release) -> Vec<String> {
    let told = &release.status.as_ref().unwrap().notified;
    told.iter().map(|told| told.key.split('@').next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_told_once_and_remembered_also_by_the_next_controller() {
    let stage = Stage::open().await;
    let ear = Ear::open(|_| text(200, "ok")).await;
    stage.hears(STAGING, &ear.url, &["Started", "Succeeded", "Frozen", "Unfrozen"]).await;
    let controller = stage.controller(Faults::default());
    let asked = stage.ask("ci", STAGING, "v1.8.2").await;
    let done = stage
        .when(&asked, |release| release.status.as_ref().is_some_and(|status| status.notified.len() == 2));
    let done = done.await;
    assert_eq!(keys(&done), ["Started", "Succeeded"]);
    let told = &done.status.as_ref().unwrap().notified[0];
    assert_eq!((told.told.as_slice(), told.failed.len()), (&["slack".to_owned()][..], 0));
    let staging = "planera staging";
    let expected = [format!("{staging}: v1.8.2 has started"), format!("{staging}: v1.8.2 succeeded")];
    assert_eq!(titles(&ear.heard()), expected);

    // the next one finds everything told, and tells only what is new
    stage.stop.cancel();
    controller.await.unwrap().unwrap();
    let next = Stage { stop: CancellationToken::new(), ..stage };
    let controller = next.controller(Faults::default());
    let (result, _) = next.order("alice", STAGING, "Freeze", json!({})).await;
    assert_eq!(result, ActionResult::Applied);
    ear.heard_at_least(3).await;
    let (result, _) = next.order("alice", STAGING, "Unfreeze", json!({})).await;
    assert_eq!(result, ActionResult::Applied);
    let heard = titles(&ear.heard_at_least(4).await);
    assert_eq!(heard[2..], [format!("{staging} is frozen"), format!("{staging} is no longer frozen")]);
    next.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_channel_that_does_not_answer() {
    let stage = Stage::open().await;
    let ear = Ear::open(|_| None).await;
    stage.hears(STAGING, &ear.url, &["Started"]).await;
    let controller = stage.controller(Faults::default());
    let asked = stage.ask("ci", STAGING, "v1.8.2").await;
    let done = stage.when_final(&asked).await;
    assert_eq!(done.phase(), Phase::Succeeded);
    assert_eq!(keys(&done), Vec::<String>::new(), "it is still being tried");
    assert!(!ear.heard().is_empty());
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_mended_by_itself_is_tried_again_and_what_may_not_is_an_event() {
    let stage = Stage::open().await;
    let counted = std::sync::atomic::AtomicUsize::new(0);
    let stubborn = move |_: &Heard| -> Answer {
        match counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => Some((429, vec![("retry-after", "2".into())], Vec::new())),
            1 => text(503, "not now"),
            2 => text(200, "ok"),
            _ => text(403, "invalid_token"),
        }
    };
    let ear = Ear::open(stubborn).await;
    stage.hears(STAGING, &ear.url, &["Started", "Succeeded"]).await;
    let controller = stage.controller(Faults::default());
    let asked = stage.ask("ci", STAGING, "v1.8.2").await;
    let told = stage
        .when(&asked, |release| release.status.as_ref().is_some_and(|status| status.notified.len() == 2));
    let told = told.await;
    let notified = &told.status.as_ref().unwrap().notified;
    let outcome: Vec<_> = notified.iter().map(|told| (told.told.len(), told.failed.len())).collect();
    assert_eq!(outcome, [(1, 0), (0, 1)]);
    assert_eq!(ear.heard().len(), 4);
    let events: Api<Event> = Api::namespaced(stage.client("alice"), STAGING);
    let list = events.list(&ListParams::default()).await.unwrap();
    let complaint = list.items.iter().find(|event| event.reason.as_deref() == Some("NotifyFailed"));
    let note = complaint.and_then(|event| event.note.clone()).unwrap();
    assert_eq!(note, "slack was not told of Succeeded: refused: status 403: invalid_token");
    assert!(!list.items.iter().any(|event| event.note.as_ref().is_some_and(|note| note.contains(&ear.url))));
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_that_dies_before_it_remembers_tells_again() {
    let stage = Stage::open().await;
    let ear = Ear::open(|_| text(200, "ok")).await;
    stage.hears(STAGING, &ear.url, &["Started"]).await;
    let faults = Faults::kill_when(|cut| cut.before == "notified");
    let dying = stage.controller(faults);
    let asked = stage.ask("ci", STAGING, "v1.8.2").await;
    assert!(matches!(dying.await.unwrap(), Err(controller::Error::Killed(_))));
    assert_eq!(ear.heard().len(), 1);
    let next = Stage { stop: CancellationToken::new(), ..stage };
    let controller = next.controller(Faults::default());
    let told = next
        .when(&asked, |release| release.status.as_ref().is_some_and(|status| !status.notified.is_empty()));
    assert_eq!(keys(&told.await), ["Started"]);
    assert_eq!(titles(&ear.heard()), ["planera staging: v1.8.2 has started"; 2]);
    next.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_tenants_dead_channel_delays_nobody_else() {
    let stage = Stage::open().await;
    let dead = Ear::open(|_| Some((429, vec![("retry-after", "300".into())], Vec::new()))).await;
    let alive = Ear::open(|_| text(200, "ok")).await;
    stage.hears(STAGING, &dead.url, &["Aborted"]).await;
    stage.hears(PRODUCTION, &alive.url, &["Frozen"]).await;
    let controller = stage.controller(Faults::default());
    // more objects with news than messages that are sent at once
    for number in 0..24 {
        stage.ask("ci", STAGING, &format!("v1.9.{number}")).await;
    }
    assert_eq!(stage.order("alice", STAGING, "AbortAll", json!({})).await.0, ActionResult::Applied);
    let soon = Duration::from_secs(30);
    tokio::time::timeout(soon, dead.heard_at_least(20)).await.expect("some wait behind the waits of others");
    assert_eq!(stage.order("carol", PRODUCTION, "Freeze", json!({})).await.0, ActionResult::Applied);
    tokio::time::timeout(soon, alive.heard_at_least(1)).await.expect("another tenant waits");
    stage.close(controller).await;
}
