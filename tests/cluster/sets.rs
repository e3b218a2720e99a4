//! StatefulSets and DaemonSets, rolled and undone by the real controllers of Kubernetes; their revisions are `ControllerRevisions`.

use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet, StatefulSet};
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use release_cockpit::api::environment::WorkloadKind;
use release_cockpit::api::{Environment, Phase, Release};
use release_cockpit::workload::{self, Target};
use serde_json::{Value, json};

use crate::controller::Controller;
use crate::space::{Space, create, image, message, until_is};
use crate::world::{until, world};

const BOTH: [&str; 2] = ["backend", "agent"];

fn template(name: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": name, "image": image(name, "v1.0.0")}]}
    })
}

/// A StatefulSet of three, then a DaemonSet; more is what the environment says besides.
async fn sets(test: &str, more: Value) -> Option<(Space, Controller)> {
    let space = Space::new(world().await?, test).await;
    let selector = |name: &str| json!({"matchLabels": {"app": name}});
    let store = json!({"metadata": {"name": "backend"},
        "spec": {"replicas": 3, "serviceName": "backend", "selector": selector("backend"), "template": template("backend")}});
    create::<StatefulSet>(&space.api(), store).await;
    let agent = json!({"metadata": {"name": "agent"},
        "spec": {"selector": selector("agent"), "template": template("agent")}});
    create::<DaemonSet>(&space.api(), agent).await;
    let component = |name: &str, kind: &str, wave: i32| {
        json!({"name": name, "workload": {"kind": kind, "name": name}, "container": name, "wave": wave,
            "image": format!("ghcr.io/acme/{name}")})
    };
    let mut spec = json!({"application": "shop", "tier": "production", "strategy": {"rolling": {}}, "bake": "1s",
        "components": [component("backend", "StatefulSet", 0), component("agent", "DaemonSet", 1)]});
    json_patch::merge(&mut spec, &more);
    let environment = json!({"metadata": {"name": "production"}, "spec": spec});
    create::<Environment>(&space.api(), environment).await;
    space.policies_have_long_been_in_force().await;
    space.until_seen_by_policies().await;
    complete(&space).await;
    let controller = Controller::start(&[&space], "sets").await;
    Some((space, controller))
}

/// Every pod of both runs the newest revision.
async fn complete(space: &Space) {
    until_is(&space.api::<StatefulSet>(), "backend", "complete", |found| {
        let status = found.status.clone().unwrap_or_default();
        status.updated_replicas == Some(3) && status.ready_replicas == Some(3)
    })
    .await;
    until_is(&space.api::<DaemonSet>(), "agent", "complete", |found| {
        let status = found.status.clone().unwrap_or_default();
        status.desired_number_scheduled > 0
            && status.updated_number_scheduled == Some(status.desired_number_scheduled)
            && status.number_ready == status.desired_number_scheduled
    })
    .await;
}

/// What the templates of both say, and how many revisions each has.
async fn run(space: &Space) -> Vec<(String, usize)> {
    let store = space.api::<StatefulSet>().get("backend").await.expect("the StatefulSet");
    let agent = space.api::<DaemonSet>().get("agent").await.expect("the DaemonSet");
    let mut found = Vec::new();
    for (name, template) in [("backend", store.spec.template), ("agent", agent.spec.template)] {
        let revisions: Api<ControllerRevision> = space.api();
        let mine = ListParams::default().labels(&format!("app={name}"));
        let count = revisions.list(&mine).await.expect("revisions").items.len();
        found.push((template.spec.expect("a pod").containers[0].image.clone().unwrap_or_default(), count));
    }
    found
}

fn images(version: &str, revisions: usize) -> Vec<(String, usize)> {
    BOTH.iter().map(|name| (image(name, version), revisions)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stateful_and_daemon_sets_are_rolled_and_undone() {
    let Some((space, _controller)) = sets("sets", json!({})).await else { return };
    space.ask("alice", "good", "v1.1.0", &BOTH).await;
    space.until_phase("good", Phase::Succeeded).await;
    complete(&space).await;
    assert_eq!(run(&space).await, images("v1.1.0", 2));

    // the store is good, the agent never becomes ready: both go back
    let bad = crate::space::release("bad", "v1.2.0-crash.agent", "alice", &BOTH);
    let releases: Api<Release> = space.as_seen_by("alice").await;
    releases.create(&kube::api::PostParams::default(), &bad).await.expect("a release");
    // asked for only once the second wave's write has had its effect: a wave may be on its way before anything is written
    let bad_agent = image("agent", "v1.2.0-crash.agent");
    until(30, "the agent's third revision", || async {
        (run(&space).await[1] == (bad_agent.clone(), 3)).then_some(())
    })
    .await;
    let action = crate::space::action("back", "Rollback", "alice", &releases.get("bad").await.expect("it"));
    space.act(action).await.expect("accepted");
    let ended = space.until_phase("bad", Phase::RolledBack).await;
    complete(&space).await;
    // a revision is used again where its template is the same, as `kubectl rollout undo` does
    assert_eq!(run(&space).await, images("v1.1.0", 3), "{}", message(&ended));

    for (kind, name) in [(WorkloadKind::StatefulSet, "backend"), (WorkloadKind::DaemonSet, "agent")] {
        let (namespace, client) = (space.namespace.clone(), space.admin.clone());
        let target = Target { client, namespace, name: name.into(), container: name.into() };
        let adapter = workload::workload(kind).expect("its adapter");
        let revisions = adapter.revisions(&target).await.expect("revisions");
        let current: Vec<_> =
            revisions.iter().filter(|r| r.is_current).filter_map(|r| r.image.clone()).collect();
        assert_eq!(current, [image(name, "v1.1.0")], "{revisions:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stateful_set_stops_half_way_for_a_person() {
    let half = json!({"strategy": {"rolling": {"pauseAtPercent": 50}}});
    let Some((space, _controller)) = sets("half-way", half).await else { return };
    space.ask("alice", "one", "v1.1.0", &BOTH).await;
    let paused = space.until_phase("one", Phase::Paused).await;
    let store = space.api::<StatefulSet>().get("backend").await.expect("the StatefulSet");
    let partition = store.spec.update_strategy.and_then(|s| s.rolling_update).and_then(|r| r.partition);
    assert_eq!((partition, store.status.and_then(|s| s.updated_replicas)), (Some(1), Some(2)));
    assert_eq!(run(&space).await[1].0, image("agent", "v1.0.0"), "its wave has not begun");
    let action = crate::space::action("on", "Resume", "bob", &paused);
    space.act(action).await.expect("accepted");
    space.until_phase("one", Phase::Succeeded).await;
    complete(&space).await;
    assert_eq!(run(&space).await, images("v1.1.0", 2));
}

/// Somebody raises the partition of `backend` whenever it is lowered while the new version is there, until this is dropped.
struct Raises(tokio::task::JoinHandle<()>);

impl Raises {
    fn start(space: &Space, version: &str) -> Self {
        let (api, wanted) = (space.api::<StatefulSet>(), image("backend", version));
        let raised = Patch::Merge(json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 2}}}}));
        let manager =
            PatchParams { field_manager: Some("argocd-controller".into()), ..PatchParams::default() };
        Self(tokio::spawn(async move {
            loop {
                if let Ok(found) = api.get("backend").await
                    && partition(&found) == Some(0)
                    && image_of(&found) == wanted
                {
                    api.patch("backend", &manager, &raised).await.ok();
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }))
    }
}

impl Drop for Raises {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn partition(found: &StatefulSet) -> Option<i32> {
    found.spec.update_strategy.as_ref()?.rolling_update.as_ref()?.partition
}

fn image_of(found: &StatefulSet) -> String {
    let pod = found.spec.template.spec.as_ref().expect("a pod");
    pod.containers[0].image.clone().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_somebody_raises_again_and_again_holds_the_release_and_names_them() {
    let Some((space, _controller)) = sets("contested", json!({})).await else { return };
    let raises = Raises::start(&space, "v1.1.0");
    let begun = std::time::Instant::now();
    space.ask("alice", "one", "v1.1.0", &BOTH).await;
    let held = space.until_phase("one", Phase::Held).await;
    let said = message(&held);
    eprintln!("held after {} s: {said}", begun.elapsed().as_secs());
    let expected = "argocd-controller sets spec.updateStrategy.rollingUpdate.partition of StatefulSet backend to 2 again and again; this release has set it to 0 5 times";
    assert!(said.contains(expected), "{said}");
    let store = space.api::<StatefulSet>().get("backend").await.expect("it");
    // every write of either side is one generation: the image, and five against five and one more
    assert_eq!((store.metadata.generation, partition(&store)), (Some(13), Some(2)), "{said}");
    drop(raises);
    space.act(crate::space::action("again", "Retry", "bob", &held)).await.expect("accepted");
    space.until_phase("one", Phase::Succeeded).await;
    complete(&space).await;
    assert_eq!(run(&space).await, images("v1.1.0", 2));
}
