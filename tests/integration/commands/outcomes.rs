//! What commands report of releases that failed, of what was done already, and of requests that mean two things.

use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use release_cockpit::api::{Environment, Release};
use serde_json::json;

use super::{PHRASE, Stage};

fn client(stage: &Stage, user: &str) -> kube::Client {
    let mut config = kube::Config::new(stage.running.kube_url.as_str().parse().unwrap());
    config.root_cert = Some(Vec::new());
    config.auth_info.token = Some(user.to_owned().into());
    kube::Client::try_from(config).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_what_is_so_already_succeeds() {
    let stage = Stage::open().await;
    stage.comes_to_say("alice", &["status"], &["v1.8.1"]).await;
    let deploy = [&["deploy", "production", "v1.8.2", "--request-id", "ci-7"][..], &PHRASE].concat();
    stage.says("bob", &deploy, 0, &["created"]).await;
    stage.comes_to_say("bob", &["why", "production"], &["wait     approval"]).await;
    // the same request finds its release; another version by the same id is a mistake
    stage.says("bob", &deploy, 0, &["production-v1-8-2"]).await;
    let other = [&["deploy", "production", "v1.8.0", "--request-id", "ci-7"][..], &PHRASE].concat();
    stage
        .says("bob", &other, 2, &["request id `ci-7` belongs to release", "v1.8.2", "nothing was sent"])
        .await;

    let approve = [&["approve", "production", "--wait"][..], &PHRASE].concat();
    stage.says("alice", &approve, 0, &["approved"]).await;
    stage.says("alice", &approve, 0, &["you have already approved v1.8.2", "nothing was sent"]).await;

    // a trial meets the rules of the controller
    stage
        .says("alice", &["weight", "production", "50", "--dry-run"], 1, &["no release is in progress"])
        .await;
    let (_, queue) = stage.run("bob", &["queue", "-o", "json"]).await;
    let queue: serde_json::Value = serde_json::from_str(&queue).unwrap();
    let name = queue["releases"][0]["release"]["metadata"]["name"].as_str().unwrap().to_owned();
    stage
        .says(
            "alice",
            &["weight", &name, "50", "--dry-run"],
            3,
            &["the controller would refuse it", "not started"],
        )
        .await;
    stage.says("alice", &["resume", &name, "--dry-run"], 3, &["the controller would refuse it"]).await;

    let abort = ["abort", name.as_str(), "--reason", "not today", "--wait"];
    stage.says("dave", &abort, 3, &["you may not create releaseactions"]).await;
    stage.says("alice", &abort, 0, &["aborted"]).await;
    stage.says("alice", &abort, 0, &["is already aborted by alice", "nothing was sent"]).await;
    stage
        .says("alice", &["abort", "production", "--reason", "not today"], 0, &["already aborted by alice"])
        .await;
    stage.says("alice", &["resume", "production"], 1, &["no release is paused"]).await;
    stage.says("alice", &["rollback", "production", "--list"], 0, &["aborted by alice"]).await;
    stage.stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_after_a_stop_is_not_swallowed() {
    let stage = Stage::open().await;
    stage.comes_to_say("alice", &["status"], &["v1.8.1"]).await;
    let stop = [&["stop", "production", "--reason", "nothing may move", "--wait"][..], &PHRASE].concat();
    let deploy = [&["deploy", "production", "v1.8.2"][..], &PHRASE].concat();
    for _ in 0..3 {
        stage.says("alice", &stop, 0, &["aborting every release"]).await;
        stage.says("bob", &deploy, 0, &["created"]).await;
        stage.comes_to_say("bob", &["status", "production"], &["Pending"]).await;
    }
    stage.stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_whose_environment_is_gone_is_stopped_by_command() {
    let stage = Stage::open().await;
    stage.comes_to_say("alice", &["status"], &["v1.8.1"]).await;
    stage.says("bob", &[&["deploy", "production", "v1.8.2"][..], &PHRASE].concat(), 0, &["created"]).await;
    stage.comes_to_say("bob", &["why", "production"], &["wait     approval"]).await;
    let retire = [&["retire", "production", "--reason", "it moves", "--wait"][..], &PHRASE].concat();
    stage.says("admin", &retire, 0, &["may be deleted"]).await;
    let environments: Api<Environment> = Api::namespaced(client(&stage, "admin"), "planera-production");
    environments.delete("production", &DeleteParams::default()).await.unwrap();
    stage.comes_to_say("bob", &["queue"], &["Environment production does not exist"]).await;
    stage
        .says(
            "dave",
            &["abort", "production", "--reason", "it is gone"],
            3,
            &["you may not create releaseactions"],
        )
        .await;
    stage.says("alice", &["abort", "production", "--reason", "it is gone", "--wait"], 0, &["aborted"]).await;
    stage.comes_to_say("alice", &["queue", "--all"], &["Aborted: aborted by alice: it is gone"]).await;
    stage.stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_failure_is_the_status_of_its_environment() {
    let stage = Stage::open().await;
    stage.comes_to_say("alice", &["status"], &["v1.8.1"]).await;
    stage.says("bob", &[&["deploy", "production", "v1.8.2"][..], &PHRASE].concat(), 0, &["created"]).await;
    let releases: Api<Release> = Api::namespaced(client(&stage, "controller"), "planera-production");
    let found = releases.list(&ListParams::default()).await.unwrap();
    let is_new = |release: &&Release| release.spec.version == "v1.8.2" && !release.phase().is_final();
    let name = found.items.iter().find(is_new).unwrap().metadata.name.clone().unwrap();
    // whatever has broken it: the status is all that the commands know
    stage.stop.cancel();
    for message in ["the registry refuses backend", ""] {
        let status =
            json!({"status": {"phase": "Errored", "message": message, "finishedAt": "2030-01-01T00:00:00Z"}});
        loop {
            let params = PatchParams::default();
            let stored = releases.patch_status(&name, &params, &Patch::Merge(&status)).await.unwrap();
            // a controller that is stopping may still write once
            if stored.status.as_ref().is_some_and(|status| status.message == message) {
                break;
            }
        }
        let reason = if message.is_empty() { "Errored: " } else { "Errored: the registry refuses backend" };
        stage.comes_to_say("alice", &["status"], &[reason]).await;
        stage.comes_to_say("alice", &["status", "production"], &[&name, reason]).await;
        stage
            .comes_to_say("alice", &["status", "-o", "json"], &["\"failedRelease\": {", "\"Errored\""])
            .await;
    }
}
