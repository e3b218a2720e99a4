//! Objects that older definitions admitted, under definitions that no longer do: they stay updatable, and hold up nobody else.

use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, ResourceExt as _};
use release_cockpit::api::Phase;
use serde_json::{Value, json};

use crate::controller::Controller;
use crate::space::{Space, action, message};
use crate::world;

/// The definitions before durations and dates were bounded.
const UNBOUNDED: &str = include_str!("../../fixtures/crds-unbounded.yaml");

/// Objects as they are on the wire: the typed ones cannot hold these.
async fn wire(space: &Space, who: &str, kind: &str) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("release-cockpit.dev", "v1alpha1", kind);
    let client = space.world.client(who).await;
    Api::namespaced_with(client, &space.namespace, &ApiResource::from_gvk(&gvk))
}

fn merge(patch: Value) -> Patch<Value> {
    Patch::Merge(patch)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story on one control plane, told in its order")]
async fn what_older_definitions_admitted_stays_updatable_and_harms_nobody_else() {
    let Some(world) = world::world().await else { return };
    let (space, other) = (Space::new(world, "ratchet").await, Space::new(world, "ratchet-other").await);
    let names = Space::new(world, "ratchet-names").await;
    for space in [&space, &other, &names] {
        space.application(&["backend"], json!({})).await;
    }
    let manifests = world::run(std::path::Path::new(world::PROGRAM), &["manifests"], "").await.ok();

    world.apply(UNBOUNDED).await;
    let environments = wire(&space, "admin", "Environment").await;
    let params = PatchParams::default();
    let odd = json!({"spec": {
        "bake": "100000000d", "metrics": {"limits": {"errorRate": 5, "latency": -1}}, "gates": {"health": [{"http": {"url": "service://backend:80/"}, "interval": "1h1h"}]},
    }});
    world::until(60, "the old definitions are in force", || async {
        environments.patch("production", &params, &merge(odd.clone())).await.ok()
    })
    .await;
    // a name that Kubernetes would not take
    let component = |name: &str, wave: i32| {
        json!({"name": name, "workload": {"kind": "Deployment", "name": "backend"}, "container": "backend",
            "image": "ghcr.io/acme/backend", "wave": wave})
    };
    let renamed = wire(&names, "admin", "Environment").await;
    let components = json!({"spec": {"components": [component("Back_End", 0)]}});
    renamed.patch("production", &params, &merge(components)).await.expect("a name of older definitions");
    let asked = space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    let mut abort = action("odd", "Abort", "alice", &asked);
    abort["spec"]["evidence"] = json!({"at": "2027-01-15T08:00:00+99:99"});
    let created =
        world.kubectl("alice", &["create", "-n", &space.namespace, "-f", "-"], &abort.to_string()).await;
    created.ok();

    world.apply(&manifests).await;
    world::until(60, "the new definitions are in force", || async {
        let worse = json!({"spec": {"bake": "200000000d"}});
        environments.patch("production", &params, &merge(worse)).await.err()
    })
    .await;
    // whoever writes leaves what is old alone: people, and the controller by server-side apply
    environments
        .patch("production", &params, &merge(json!({"metadata": {"labels": {"a": "b"}}})))
        .await
        .expect("a label");
    environments
        .patch("production", &params, &merge(json!({"spec": {"url": "https://shop"}})))
        .await
        .expect("a url");
    let applied = |kind: &str, name: &str, status: Value| {
        Patch::Apply(
            json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "status": status}),
        )
    };
    let as_controller = PatchParams::apply("ratchet").force();
    let written = wire(&space, "controller", "Environment").await;
    let status = applied("Environment", "production", json!({"activeRelease": "one"}));
    written.patch_status("production", &as_controller, &status).await.expect("a status");
    let moved =
        json!({"metadata": {"labels": {"a": "b"}}, "spec": {"components": [component("Back_End", 1)]}});
    renamed.patch("production", &params, &merge(moved)).await.expect("another field of the same component");
    for other in ["Back_Too", "back.too", "-back", "ba ck"] {
        let more = json!({"spec": {"components": [component("Back_End", 1), component(other, 0)]}});
        let refused = renamed.patch("production", &params, &merge(more)).await.unwrap_err().to_string();
        assert!(refused.contains("spec.components[1].name"), "{refused}");
    }
    // what is wrong anew is refused
    for (worse, field) in [
        (json!({"retention": "200000000d"}), "spec.retention"),
        (json!({"metrics": {"limits": {"latency": -2}}}), "spec.metrics.limits.latency"),
    ] {
        let worse = merge(json!({"spec": worse}));
        let refused = environments.patch("production", &params, &worse).await.unwrap_err().to_string();
        assert!(refused.contains(field), "{refused}");
    }

    let _controller = Controller::start(&[&space, &other, &names], "only").await;
    other.ask("alice", "one", "v1.1.0", &["backend"]).await;
    other.until_phase("one", Phase::Succeeded).await;
    // and it is released under the name that it has
    let mut odd = crate::space::release("one", "v1.1.0", "alice", &["backend"]);
    odd.spec.images[0].component = "Back_End".into();
    let releases: Api<release_cockpit::api::Release> = names.as_seen_by("alice").await;
    releases.create(&kube::api::PostParams::default(), &odd).await.expect("a release");
    let ended = names.until_phase("one", Phase::Succeeded).await;
    assert_eq!(ended.status.unwrap().components[0].component.as_str(), "Back_End");
    let held = space
        .until_release("one", "aborted or held", |release| {
            release.phase() == Phase::Aborted || message(release).contains("does not understand")
        })
        .await;
    assert_eq!(held.name_any(), "one");
    let actions = wire(&space, "admin", "ReleaseAction").await;
    let judged = world::until(60, "the action is judged", || async {
        actions.get("odd").await.ok().filter(|found| found.data["status"]["result"].is_string())
    })
    .await;
    assert_eq!(
        judged.data["status"]["result"], "Applied",
        "what its author saw decides nothing: {}",
        judged.data
    );

    let delete = async |who: &str, name: &str| {
        world.kubectl(who, &["delete", "releaseaction", name, "-n", &space.namespace], "").await
    };
    let fine = action("fine", "Pause", "alice", &held);
    world.kubectl("alice", &["create", "-n", &space.namespace, "-f", "-"], &fine.to_string()).await.ok();
    let refused = delete("admin", "fine").await;
    assert!(refused.code != 0 && refused.stderr.contains("RecordImmutable"), "{refused:?}");
    let refused = delete("alice", "odd").await;
    assert!(refused.code != 0, "{refused:?}");
    delete("admin", "odd").await.ok();
}
