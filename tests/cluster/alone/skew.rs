//! A newer version beside this one: its definitions are installed, and its controller has written what this version does not know.
//! Nothing of that is lost, and nobody fights about it.

use std::time::{Duration, Instant};

use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use release_cockpit::api::Phase;
use release_cockpit::api::labels::{CONTROLLER_FIELD_MANAGER, CONTROLLER_USER};
use serde_json::{Value, json};

use crate::controller::Controller;
use crate::space::{Space, message};
use crate::world::{self, World};

/// How long the controller is watched for writes that nobody asked for.
const QUIET: Duration = Duration::from_secs(20);

async fn wire(space: &Space, who: &str, kind: &str) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("release-cockpit.dev", "v1alpha1", kind);
    let client = space.world.client(who).await;
    Api::namespaced_with(client, &space.namespace, &ApiResource::from_gvk(&gvk))
}

/// The definitions as a newer version may have them: more fields, and more values of those that are known.
async fn install_newer(world: &World) {
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let schema = "/spec/versions/0/schema/openAPIV3Schema/properties";
    let add =
        |path: &str, value: &Value| json!({"op": "add", "path": format!("{schema}{path}"), "value": value});
    let text = json!({"type": "string"});
    for (plural, operations) in [
        (
            "environments",
            vec![
                add("/spec/properties/patience", &text),
                add("/spec/properties/onFailure/enum/-", &json!("retry")),
                add("/status/properties/budget", &any),
            ],
        ),
        (
            "releases",
            vec![
                add("/status/properties/budget", &any),
                add("/status/properties/step/properties/lane", &text),
                add("/status/properties/timeline/items/properties/from", &text),
                add("/status/properties/phase/enum/-", &json!("Draining")),
            ],
        ),
        ("releaseactions", vec![add("/status/properties/weighed", &any)]),
    ] {
        let name = format!("{plural}.release-cockpit.dev");
        let patch = json!(operations).to_string();
        world.kubectl("admin", &["patch", "crd", &name, "--type=json", "-p", &patch], "").await.ok();
    }
}

/// Writes a status as the controller of the newer version does.
async fn write(space: &Space, kind: &str, name: &str, status: Value) {
    let body = json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "status": status});
    let params = PatchParams::apply(CONTROLLER_FIELD_MANAGER).force();
    wire(space, "controller", kind)
        .await
        .patch_status(name, &params, &Patch::Apply(&body))
        .await
        .expect("a status");
}

async fn stored(space: &Space, kind: &str, name: &str) -> Value {
    let found = wire(space, "admin", kind).await.get(name).await.expect("it");
    serde_json::to_value(found).expect("JSON")
}

/// The controller's writes of our kinds in a namespace so far, as the API server wrote them down.
fn writes(space: &Space) -> usize {
    let log = std::fs::read_to_string(space.world.audit_log()).expect("the audit log");
    let is_write = |line: &&str| {
        let Ok(line) = serde_json::from_str::<Value>(line) else { return false };
        let object = &line["objectRef"];
        line["user"]["username"] == CONTROLLER_USER
            && ["create", "update", "patch", "delete"].iter().any(|verb| line["verb"] == *verb)
            && line["stage"] == "ResponseComplete"
            && object["namespace"] == space.namespace.as_str()
            && object["apiGroup"] == "release-cockpit.dev"
            && line["requestURI"].as_str().is_some_and(|uri| !uri.contains("dryRun"))
    };
    log.lines().filter(|line| line.contains(&space.namespace)).filter(is_write).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story on one control plane, told in its order")]
async fn what_a_newer_version_wrote_is_kept_and_fought_by_nobody() {
    let Some(world) = world::world().await else { return };
    let (space, left, odd) = (
        Space::new(world, "skew").await,
        Space::new(world, "skew-left").await,
        Space::new(world, "skew-odd").await,
    );
    for space in [&space, &left, &odd] {
        space.application(&["backend"], json!({"strategy": {"rolling": {}}})).await;
    }
    let manifests = world::run(std::path::Path::new(world::PROGRAM), &["manifests"], "").await.ok();
    install_newer(world).await;
    let at = "2026-01-02T03:04:05Z";
    let merge = |patch: Value| Patch::Merge(patch);
    let environments = wire(&space, "admin", "Environment").await;
    let more = json!({"metadata": {"annotations": {"release-cockpit.dev/orbit": "low"}}, "spec": {"patience": "long"}});
    world::until(60, "the newer definitions are in force", || async {
        environments.patch("production", &PatchParams::default(), &merge(more.clone())).await.ok()?;
        stored(&space, "Environment", "production").await["spec"]["patience"].is_string().then_some(())
    })
    .await;
    // its controller leads for a while
    let conditions = stored(&space, "Environment", "production").await["status"]["conditions"].clone();
    write(&space, "Environment", "production", json!({"budget": {"spent": 3}, "conditions": conditions}))
        .await;
    space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    let begun = json!({
        "phase": "Pending", "budget": {"spent": 7},
        "timeline": [{"at": at, "by": "controller", "reason": "Teleported", "message": "m", "from": "mars"}],
        "conditions": [{"type": "Levitating", "status": "True", "reason": "Calm", "message": "", "lastTransitionTime": at}],
    });
    write(&space, "Release", "one", begun).await;
    left.ask("alice", "one", "v1.1.0", &["backend"]).await;
    write(
        &left,
        "Release",
        "one",
        json!({"phase": "Draining", "message": "of a newer version", "budget": {"spent": 1}}),
    )
    .await;
    let policy = wire(&odd, "admin", "Environment").await;
    policy
        .patch("production", &PatchParams::default(), &merge(json!({"spec": {"onFailure": "retry"}})))
        .await
        .expect("a value of the newer version");
    odd.ask("alice", "one", "v1.1.0", &["backend"]).await;

    let controller = Controller::start(&[&space, &left, &odd], "older").await;
    // a policy with a field that this version does not have is not taken for a policy without it
    let held =
        space.until_release("one", "held", |release| message(release).contains("spec.patience: long")).await;
    assert_eq!(held.phase(), Phase::Pending, "{}", message(&held));
    let without = merge(json!({"spec": {"patience": null}}));
    environments.patch("production", &PatchParams::default(), &without).await.expect("a known policy");
    space.until_phase("one", Phase::Succeeded).await;
    let held =
        odd.until_release("one", "held", |release| message(release).contains("does not understand")).await;
    assert_eq!(held.phase(), Phase::Pending, "{}", message(&held));
    let release = stored(&space, "Release", "one").await;
    let status = &release["status"];
    assert_eq!(status["budget"]["spent"], 7, "{status}");
    assert_eq!(
        (&status["timeline"][0]["reason"], &status["timeline"][0]["from"]),
        (&json!("Teleported"), &json!("mars"))
    );
    let levitates =
        status["conditions"].as_array().expect("a list").iter().any(|one| one["type"] == "Levitating");
    assert!(levitates, "{status}");
    // sealed, current, frozen and thawed: its status was written many times
    let environment = world::until(60, "the environment is current", || async {
        let found = stored(&space, "Environment", "production").await;
        found["status"]["current"].to_string().contains("v1.1.0").then_some(found)
    })
    .await;
    assert_eq!(environment["status"]["budget"]["spent"], 3, "{}", environment["status"]);
    assert_eq!(environment["metadata"]["annotations"]["release-cockpit.dev/orbit"], "low");
    let draining = stored(&left, "Release", "one").await;
    assert_eq!(
        (&draining["status"]["phase"], &draining["status"]["budget"]["spent"]),
        (&json!("Draining"), &json!(1))
    );
    assert_eq!(left.runs("backend").await.1, 1, "left alone");

    let spaces = [&space, &left, &odd];
    let (before, begun) = (spaces.map(writes), Instant::now());
    world::until(60, "a while is over", || async { (begun.elapsed() > QUIET).then_some(()) }).await;
    let after = spaces.map(writes);
    eprintln!("writes in {} s beside a newer version: {before:?} then {after:?}", QUIET.as_secs());
    for (before, after) in before.iter().zip(after) {
        assert!(after - before <= 1, "{before} then {after}: nobody asked for anything");
    }
    controller.stop().await;

    // the newer version leads again, and finds what it left
    write(&left, "Release", "one", json!({"phase": "Pending", "message": ""})).await;
    let again = wire(&odd, "admin", "Environment").await;
    again
        .patch("production", &PatchParams::default(), &merge(json!({"spec": {"onFailure": "rollback"}})))
        .await
        .expect("a known value");
    world.apply(&manifests).await;
    let _controller = Controller::start(&[&left, &odd], "again").await;
    futures::join!(left.until_phase("one", Phase::Succeeded), odd.until_phase("one", Phase::Succeeded));
}
