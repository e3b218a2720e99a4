//! How releases end: what runs already, and what the API server refuses.

use super::faulty::{Fault, faulty};
use super::*;

/// Whether a request changes a Deployment of staging.
fn changes_deployment(method: &str, path: &str) -> bool {
    method == "PATCH" && path.contains("/namespaces/planera-staging/deployments/")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_already_ends_at_once_beside_one_that_waits() {
    let stage = Stage::open().await;
    let controller = stage.controller(Faults::default());
    let first = stage.when_final(&stage.ask("ci", STAGING, "v1.8.2").await).await;
    assert_eq!(first.phase(), Phase::Succeeded, "{:#?}", first.status);
    let before = stage.deployment(STAGING, "backend").await;
    let again: Release = stage.ask_named("ci", STAGING, "v1.8.2", "planera-again").await;
    let again = stage.when_final(&again).await;
    assert_eq!(again.phase(), Phase::Succeeded, "{:#?}", again.status);
    assert_eq!(reasons(&again), ["Requested", "AlreadyRunning"]);
    assert!(again.status.as_ref().unwrap().started_at.is_none());
    assert_eq!(stage.deployment(STAGING, "backend").await, before);
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_change_ends_with_the_servers_words_and_changes_nothing() {
    let stage = Stage::open().await;
    let client = faulty(&stage.client("controller"), |method, path| {
        if changes_deployment(method, path) { Fault::Refuse(403) } else { Fault::Pass }
    });
    let controller = stage.controller_of(client, Faults::default(), None);
    let before = stage.deployment(STAGING, "backend").await;
    let asked = stage.ask("ci", STAGING, "v1.8.2").await;
    let told = |release: &Release| {
        let status = release.status.as_ref();
        status.is_some_and(|status| status.message.contains("quota: no more changes today"))
    };
    stage.when(&asked, told).await;
    let ended = stage.when_final(&asked).await;
    assert_eq!(ended.phase(), Phase::Errored, "{:#?}", ended.status);
    let status = ended.status.as_ref().unwrap();
    assert!(status.message.contains("quota: no more changes today"), "{}", status.message);
    assert!(reasons(&ended).contains(&"ChangeRefused"), "{:?}", reasons(&ended));
    assert_eq!(stage.deployment(STAGING, "backend").await, before);
    stage.close(controller).await;
}
