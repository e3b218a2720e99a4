//! Releases beside autoscalers, drained nodes and people with kubectl: what is counted is what the controller writes, and what it leaves.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{DeleteParams, EvictParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use release_cockpit::api::labels::CONTROLLER_USER;
use release_cockpit::api::{Environment, Phase, Release};
use serde_json::{Value, json};

use crate::controller::Controller;
use crate::routers::{GATEWAY, ONE, PODS, Stage};
use crate::space::{create, image, message};
use crate::world::{self, World, until};

fn canary(steps: &Value) -> Value {
    json!({"canary": {"trafficRouting": (GATEWAY.routing)(), "steps": steps}})
}

/// Size of a workload, by the scale subresource, as an autoscaler sets it.
async fn scale(stage: &Stage, pods: i32) {
    let deployments: Api<Deployment> = stage.space.api();
    let wanted = Patch::Merge(json!({"spec": {"replicas": pods}}));
    deployments.patch_scale("backend", &PatchParams::default(), &wanted).await.expect("scaled");
}

fn reasons(release: &Release) -> Vec<String> {
    let status = release.status.clone().unwrap_or_default();
    status.timeline.into_iter().map(|entry| entry.reason).collect()
}

/// The controller's writes of Deployments in a namespace, as the API server wrote them down: verb, name and code.
fn writes(stage: &Stage) -> Vec<String> {
    let log = std::fs::read_to_string(stage.space.world.audit_log()).expect("the audit log");
    let mut all = Vec::new();
    for line in log.lines().filter(|line| line.contains(&stage.space.namespace)) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let object = &line["objectRef"];
        let is_write = ["create", "update", "patch", "delete"].iter().any(|verb| line["verb"] == *verb);
        if line["user"]["username"] == CONTROLLER_USER
            && is_write
            && line["stage"] == "ResponseComplete"
            && object["namespace"] == stage.space.namespace.as_str()
            && object["resource"] == "deployments"
        {
            all.push(format!("{} {} {}", line["verb"], object["name"], line["responseStatus"]["code"]));
        }
    }
    all
}

/// Somebody sets the size again and again, every 0.8 s, until this is dropped.
struct Loop(tokio::task::JoinHandle<()>);

impl Loop {
    fn start(world: &'static World, namespace: String, pods: i32) -> Self {
        Self(tokio::spawn(async move {
            let deployments: Api<Deployment> = Api::namespaced(world.client("admin").await, &namespace);
            let wanted = Patch::Merge(json!({"spec": {"replicas": pods}}));
            loop {
                deployments.patch_scale("backend", &PatchParams::default(), &wanted).await.ok();
                tokio::time::sleep(std::time::Duration::from_millis(800)).await;
            }
        }))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_autoscaler_in_a_loop_is_not_written_against() {
    let Some(world) = world::world().await else { return };
    let switch = json!({"blueGreen": {"pauseBeforeSwitch": true, "keepBlue": "5s"}});
    let shift = canary(&json!([{"setWeight": 50}, {"pause": {}}]));
    let beside = |name: &'static str, strategy: Value| async move {
        let stage = Stage::new(world, name, strategy).await;
        stage.create((GATEWAY.objects)()).await;
        let before = stage.picture(Some(&GATEWAY)).await;
        let autoscaler = json!({"metadata": {"name": "backend"}, "spec": {"minReplicas": 1, "maxReplicas": 10,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "backend"}}});
        create::<HorizontalPodAutoscaler>(&stage.space.api(), autoscaler).await;
        let _controller = Controller::start(&[&stage.space], "one").await;
        stage.space.ask("alice", "one", "v1.1.0", &ONE).await;
        let paused = stage.until_at(1).await;
        let begun = std::time::Instant::now();
        let scaler = Loop::start(world, stage.space.namespace.clone(), 2);
        // long enough for a fight to show
        until(60, "the loop has run for a while", || async {
            (begun.elapsed().as_secs() > 20).then_some(())
        })
        .await;
        assert_eq!(stage.space.deployment("backend").await.spec.replicas, Some(2), "it has its will");
        stage.promote("on", &paused).await;
        until(60, "the own workload is rolled", || async {
            (stage.space.runs("backend").await.0 == image("backend", "v1.1.0")).then_some(())
        })
        .await;
        drop(scaler);
        scale(&stage, PODS).await;
        stage.space.until_phase("one", Phase::Succeeded).await;
        let writes = writes(&stage);
        eprintln!("{name}: {} writes in {:?}: {writes:?}", writes.len(), begun.elapsed());
        let own = writes.iter().filter(|write| write.contains("\"backend\"")).count();
        assert!(own <= 2, "the image, and nothing else: {writes:?}");
        assert!(writes.len() <= 10, "{writes:?}");
        assert_eq!(stage.picture(Some(&GATEWAY)).await, before);
    };
    tokio::join!(beside("scaled-switch", switch), beside("scaled-canary", shift));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn green_has_the_capacity_of_blue_before_it_gets_the_traffic() {
    let Some(world) = world::world().await else { return };
    let strategy = json!({"blueGreen": {"pauseBeforeSwitch": true}});
    let stage = Stage::new(world, "grown-switch", strategy).await;
    let _controller = Controller::start(&[&stage.space], "one").await;
    stage.space.ask("alice", "one", "v1.1.0", &ONE).await;
    let paused = stage.until_at(1).await;
    scale(&stage, 9).await;
    stage.promote("on", &paused).await;
    until(60, "the switch", || async {
        let service = stage.space.api::<Service>().get("backend").await.expect("a Service");
        let selector = service.spec.and_then(|spec| spec.selector).unwrap_or_default();
        let green = stage.space.deployment("backend-green").await.status.unwrap_or_default();
        if selector["app"] == "backend" {
            return None;
        }
        assert_eq!(green.available_replicas, Some(9), "a third of the capacity would serve everything");
        Some(())
    })
    .await;
    stage.space.until_phase("one", Phase::Succeeded).await;
    assert_eq!(stage.space.deployment("backend").await.spec.replicas, Some(9));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_evicted_canary_pod_does_not_end_a_release() {
    let Some(world) = world::world().await else { return };
    let steps = json!([{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}]);
    let stage = Stage::new(world, "evicted", canary(&steps)).await;
    stage.create((GATEWAY.objects)()).await;
    let before = stage.picture(Some(&GATEWAY)).await;
    let _controller = Controller::start(&[&stage.space], "one").await;
    stage.space.ask("alice", "one", "v1.1.0", &ONE).await;
    stage.until_at(1).await;
    let pods: Api<Pod> = stage.space.api();
    let its = ListParams::default().labels("release-cockpit.dev/track=canary");
    let pod = pods.list(&its).await.expect("pods").items[0].name_any();
    pods.evict(&pod, &EvictParams::default()).await.expect("evicted, as by a drain");
    let back = stage
        .space
        .until_release("one", "back at its share", |release| {
            assert!(!release.phase().is_final(), "{}: {}", release.phase(), message(release));
            reasons(release).iter().any(|reason| reason == "PodsBack")
        })
        .await;
    assert!(reasons(&back).iter().any(|reason| reason == "PodsLost"));
    assert_eq!(stage.weights(&GATEWAY).await, (90, 10));
    let paused = stage.until_at(1).await;
    stage.promote("on", &paused).await;
    stage.space.until_phase("one", Phase::Succeeded).await;
    assert_eq!(stage.picture(Some(&GATEWAY)).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_somebody_deletes_leaves_nothing_behind() {
    let Some(world) = world::world().await else { return };
    let stage = Stage::new(world, "deleted-canary", canary(&json!([{"setWeight": 25}, {"pause": {}}]))).await;
    stage.create((GATEWAY.objects)()).await;
    let before = stage.picture(Some(&GATEWAY)).await;
    let _controller = Controller::start(&[&stage.space], "one").await;
    stage.space.ask("alice", "one", "v1.1.0", &ONE).await;
    stage.until_at(1).await;
    let deployments: Api<Deployment> = stage.space.api();
    deployments.delete("backend-canary", &DeleteParams::background()).await.expect("deleted");
    let ended = stage.space.until_phase("one", Phase::RolledBack).await;
    assert!(message(&ended).contains("somebody removed backend-canary"), "{}", message(&ended));
    assert_eq!(stage.picture(Some(&GATEWAY)).await, before, "no annotation, no Service, no backend");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_changed_at_a_pause_reaches_green_before_the_switch() {
    let Some(world) = world::world().await else { return };
    let stage =
        Stage::new(world, "changed-template", json!({"blueGreen": {"pauseBeforeSwitch": true}})).await;
    let _controller = Controller::start(&[&stage.space], "one").await;
    stage.space.ask("alice", "one", "v1.1.0", &ONE).await;
    let paused = stage.until_at(1).await;
    let set = ["set", "env", "deployment/backend", "FEATURE=on", "-n", &stage.space.namespace];
    world.kubectl("admin", &set, "").await.ok();
    let features = |deployment: Deployment| -> bool {
        let pod = deployment.spec.template.spec.unwrap_or_default();
        pod.containers[0].env.iter().flatten().any(|one| one.name == "FEATURE")
    };
    until(30, "green has it, too", || async {
        features(stage.space.deployment("backend-green").await).then_some(())
    })
    .await;
    let told = stage
        .space
        .until_release("one", "told", |one| reasons(one).iter().any(|reason| reason == "TemplateChanged"))
        .await;
    assert_eq!(told.phase(), Phase::Paused);
    stage.promote("on", &paused).await;
    stage.space.until_phase("one", Phase::Succeeded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_the_stable_workload_leaves_the_canary_alone() {
    let Some(world) = world::world().await else { return };
    let stage = Stage::new(world, "deleted-stable", canary(&json!([{"setWeight": 25}, {"pause": {}}]))).await;
    stage.create((GATEWAY.objects)()).await;
    let _controller = Controller::start(&[&stage.space], "one").await;
    stage.space.ask("alice", "one", "v1.1.0", &ONE).await;
    stage.until_at(1).await;
    let deployments: Api<Deployment> = stage.space.api();
    deployments.delete("backend", &DeleteParams::background()).await.expect("deleted");
    let held = stage.space.until_phase("one", Phase::Held).await;
    assert!(message(&held).contains("nobody serves the other 75%"), "{}", message(&held));
    let track = held.status.as_ref().expect("a status").tracks[0].clone();
    assert_eq!((track.stable_desired, track.stable_available), (0, 0));
    until(60, "its pods are gone", || async {
        let all = stage.space.api::<Pod>().list(&ListParams::default().labels("app=backend")).await.ok()?;
        all.items.is_empty().then_some(())
    })
    .await;
    let canary = stage.space.deployment("backend-canary").await;
    assert!(canary.metadata.deletion_timestamp.is_none(), "the garbage collector has no reason to remove it");
    assert_eq!(canary.status.and_then(|status| status.available_replicas), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_environment_leaves_nothing_behind() {
    let Some(world) = world::world().await else { return };
    let stage = Stage::new(world, "deleted-env", canary(&json!([{"setWeight": 25}, {"pause": {}}]))).await;
    stage.create((GATEWAY.objects)()).await;
    let before = stage.picture(Some(&GATEWAY)).await;
    let _controller = Controller::start(&[&stage.space], "one").await;
    stage.space.ask("alice", "one", "v1.1.0", &ONE).await;
    stage.until_at(1).await;
    let environments: Api<Environment> = stage.space.api();
    let retired = json!({"by": "admin", "at": "2026-01-02T03:04:05Z", "until": "2099-01-02T03:04:05Z", "reason": "closed"});
    let status: Api<Environment> = stage.space.as_seen_by("controller").await;
    let patch = Patch::Merge(json!({"status": {"retired": retired}}));
    status.patch_status("production", &PatchParams::default(), &patch).await.expect("a status");
    environments.delete("production", &DeleteParams::default()).await.expect("deleted");
    let ended = stage.space.until_phase("one", Phase::RolledBack).await;
    assert!(message(&ended).contains("environments/production was deleted"), "{}", message(&ended));
    assert_eq!(stage.picture(Some(&GATEWAY)).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_miss_the_canary_holds_it_and_names_the_remedy() {
    let Some(world) = world::world().await else { return };
    let stage = Stage::new(world, "gaps", canary(&json!([{"setWeight": 25}]))).await;
    stage.create((GATEWAY.objects)()).await;
    let budget = json!({"metadata": {"name": "web"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "backend"}}}});
    create::<PodDisruptionBudget>(&stage.space.api(), budget).await;
    stage
        .create(vec![
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "db"},
        "spec": {"podSelector": {"matchLabels": {"app": "db"}},
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "backend"}}}]}]}}),
        ])
        .await;
    let _controller = Controller::start(&[&stage.space], "one").await;
    stage.space.ask("alice", "one", "v1.1.0", &ONE).await;
    let held = stage
        .space
        .until_release("one", "held by what would miss it", |one| {
            message(one).contains("PodDisruptionBudget/web") && message(one).contains("NetworkPolicy/db")
        })
        .await;
    assert_eq!(held.phase(), Phase::Pending);
    assert!(message(&held).contains("part=backend, which both bear"), "{}", message(&held));
    let by_both =
        Patch::Merge(json!({"spec": {"selector": {"matchLabels": {"app": null, "part": "backend"}}}}));
    let budgets: Api<PodDisruptionBudget> = stage.space.api();
    budgets.patch("web", &PatchParams::default(), &by_both).await.expect("changed");
    let accepted = Patch::Merge(json!({"spec": {"gates": {"neighbours": {"ignore": ["NetworkPolicy/db"]}}}}));
    let environments: Api<Environment> = stage.space.api();
    environments.patch("production", &PatchParams::default(), &accepted).await.expect("accepted");
    stage.space.until_phase("one", Phase::Succeeded).await;
}
