//! How releases end where the real server refuses them, where a workload keeps old pods, where nothing is to be done, and where two people
//! roll back at once.

use std::time::{Duration, Instant};

use futures::future::{join, join_all};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Event, Pod, ResourceQuota, Service};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use release_cockpit::api::release::{GateState, GateStatus};
use release_cockpit::api::{Environment, Phase, Release, ReleaseKind};
use serde_json::{Value, json};

use crate::cli::cli;
use crate::controller::Controller;
use crate::routers::{GATEWAY, ONE};
use crate::space::{Space, action, create, image, message, until_is};
use crate::world::{World, until, world};

/// How soon a refusal that stands ends a release.
const SOON: Duration = Duration::from_secs(60);

/// Refuses every change of an image of this namespace's Deployments.
async fn deny_images(space: &Space, reason: &str, words: &str) {
    let name = space.namespace.clone();
    let image = |object: &str| format!("{object}.spec.template.spec.containers[0].image");
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [
                {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}
            ]},
            "validations": [{
                "expression": format!("{} == {}", image("object"), image("oldObject")), "message": words, "reason": reason
            }]
        }
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {
            "policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
        }
    });
    for object in [policy, binding] {
        space.world.apply(&object.to_string()).await;
    }
    until(30, "the policy is in force", || async {
        change_of_image(space).await.err()?.to_string().contains(words).then_some(())
    })
    .await;
}

/// Tries to change the image of backend, and changes nothing.
async fn change_of_image(space: &Space) -> Result<Deployment, kube::Error> {
    let other =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "backend", "image": "x:y"}]}}}});
    let dry = PatchParams { dry_run: true, ..PatchParams::default() };
    space.api::<Deployment>().patch("backend", &dry, &Patch::Strategic(&other)).await
}

/// What the Events of a reason say about a release.
async fn events(space: &Space, name: &str, reason: &str) -> Vec<String> {
    let of = format!("involvedObject.name={name},reason={reason}");
    let events: Api<Event> = space.api();
    let found = events.list(&ListParams::default().fields(&of)).await.expect("events").items;
    found.into_iter().filter_map(|event| event.message).collect()
}

/// Waits for the end of a release that is refused: soon, in one of these phases, with the server's words, and nothing is changed.
async fn ends_refused(space: &Space, phases: &[Phase], words: &str) {
    let begun = Instant::now();
    let ended = space
        .until_release("one", "over", |release| release.phase().is_final() || release.phase() == Phase::Held)
        .await;
    let took = begun.elapsed();
    let said = serde_json::to_string(&ended.status).expect("a status");
    assert!(phases.contains(&ended.phase()) && said.contains(words), "{}: {said}", space.namespace);
    assert!(took < SOON, "{} took {} s", space.namespace, took.as_secs());
    until(10, "an Event with the server's words", || async {
        events(space, "one", "ChangeRefused").await.iter().any(|event| event.contains(words)).then_some(())
    })
    .await;
    let left = space.api::<Deployment>().list(&ListParams::default()).await.expect("deployments");
    let left: Vec<_> = left.iter().map(ResourceExt::name_any).collect();
    assert_eq!(left, ONE, "{said}");
    assert_eq!(space.runs("backend").await.0, image("backend", "v1.0.0"), "{said}");
}

/// A Service of the application, and a canary to which an `HTTPRoute` leads.
async fn routed(space: &Space, service: &str) -> Value {
    let object = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": service},
        "spec": {"selector": {"app": "backend"}, "ports": [{"port": 80, "targetPort": 8080}]}});
    create::<Service>(&space.api(), object).await;
    let route = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "backend", "namespace": space.namespace},
        "spec": {"rules": [{"backendRefs": [{"name": service, "port": 80}]}]}});
    space.world.apply(&route.to_string()).await;
    let mut routing = (GATEWAY.routing)();
    routing["config"]["service"] = json!(service);
    json!({"canary": {"trafficRouting": routing, "steps": [{"setWeight": 50}]}})
}

async fn refused_spaces(world: &'static World) -> Vec<Space> {
    let rolling = json!({"rolling": {}});
    let ratio = json!({"canary": {"steps": [{"setWeight": 50}]}});
    join_all([("forbidden", &rolling), ("invalid", &rolling), ("quota", &ratio)].map(
        |(name, strategy)| async move {
            let space = Space::new(world, &format!("endings-{name}")).await;
            space.application(&ONE, json!({"strategy": strategy})).await;
            space
        },
    ))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_the_server_refuses_for_good_ends_the_release_with_its_words() {
    let Some(world) = world().await else { return };
    let spaces = refused_spaces(world).await;
    let [forbidden, invalid, quota] = &spaces[..] else { panic!("three") };
    let hard =
        json!({"metadata": {"name": "one-deployment"}, "spec": {"hard": {"count/deployments.apps": "1"}}});
    create::<ResourceQuota>(&quota.api(), hard).await;
    until_is(&quota.api::<ResourceQuota>(), "one-deployment", "counted", |quota| {
        let used = quota.status.as_ref().and_then(|status| status.used.as_ref());
        used.is_some_and(|used| used.get("count/deployments.apps").is_some_and(|count| count.0 == "1"))
    })
    .await;
    join(
        deny_images(forbidden, "Forbidden", "images change on Mondays only"),
        deny_images(invalid, "Invalid", "image is not attested"),
    )
    .await;
    let _controller = Controller::start(&spaces.iter().collect::<Vec<_>>(), "endings").await;
    for space in &spaces {
        space.ask("alice", "one", "v1.1.0", &ONE).await;
    }
    let ends = [Phase::Errored, Phase::RolledBack];
    futures::join!(
        ends_refused(forbidden, &ends, "images change on Mondays only"),
        ends_refused(invalid, &ends, "image is not attested"),
        ends_refused(quota, &ends, "exceeded quota: one-deployment"),
    );
    // the lane is free again, and what is asked for next succeeds once nobody refuses it
    let kinds = "validatingadmissionpolicy,validatingadmissionpolicybinding";
    let names = [forbidden.namespace.as_str(), invalid.namespace.as_str()];
    world.kubectl("admin", &["delete", kinds, names[0], names[1]], "").await.ok();
    for space in [forbidden, invalid] {
        until(30, "the policy is gone", || async { change_of_image(space).await.ok() }).await;
        space.ask("alice", "next", "v1.2.0", &ONE).await;
        space.until_phase("next", Phase::Succeeded).await;
    }
}

/// The gate of that name.
fn gate<'a>(release: &'a Release, name: &str) -> Option<&'a GateStatus> {
    release.status.as_ref()?.gates.iter().find(|gate| gate.name == name)
}

/// Waits until a release waits at a gate that fails with these words.
async fn fails_at(space: &Space, name: &str, words: &str) {
    let found = space
        .until_release("one", &format!("held by {name}"), |release| {
            gate(release, name)
                .is_some_and(|gate| gate.state == GateState::Fail && gate.detail.contains(words))
        })
        .await;
    assert_eq!(found.phase(), Phase::Pending, "{}", message(&found));
}

async fn change_strategy(space: &Space, strategy: Value) {
    let patch = Patch::Merge(json!({"spec": {"strategy": strategy}}));
    let environments = space.api::<Environment>();
    environments.patch("production", &PatchParams::default(), &patch).await.expect("a change");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_too_long_holds_the_release_before_it_begins() {
    let Some(world) = world().await else { return };
    let space = Space::new(world, "endings-names").await;
    let long = "s".repeat(57);
    let strategy = routed(&space, &long).await;
    space.application(&ONE, json!({"strategy": strategy})).await;
    let _controller = Controller::start(&[&space], "endings-names").await;
    space.ask("alice", "one", "v1.1.0", &ONE).await;
    let words = format!(
        "Service {long}-canary is too long: 64 characters, at most 63. To fix it, use a Service with a name of at most 56"
    );
    fails_at(&space, "traffic/backend", &words).await;
    // the server says the same of it
    let refused = json!({"metadata": {"name": format!("{long}-canary")}, "spec": {"ports": [{"port": 80}]}});
    let refused = serde_json::from_value(refused).expect("a Service");
    let error = space.api::<Service>().create(&PostParams::default(), &refused).await.expect_err("a refusal");
    assert!(error.to_string().contains("must be no more than 63 characters"), "{error}");
    assert_eq!(space.runs("backend").await.0, image("backend", "v1.0.0"));
    // rolled out in place, nothing of that name is made
    change_strategy(&space, json!({"canary": null, "rolling": {}})).await;
    space.until_phase("one", Phase::Succeeded).await;
}

/// The images of a namespace's pods, those that go away not counted.
async fn pod_images(space: &Space) -> Vec<String> {
    let pods = space.api::<Pod>().list(&ListParams::default()).await.expect("pods").items;
    let live = pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    let mut found: Vec<String> = live
        .flat_map(|pod| {
            let spec = pod.spec.unwrap_or_default();
            let init = spec.init_containers.unwrap_or_default();
            spec.containers.into_iter().chain(init).filter_map(|container| container.image)
        })
        .collect();
    found.sort();
    found
}

/// A StatefulSet of three pods of that name, governed as `backend`.
async fn store(space: &Space, name: &str, partition: i32) {
    let object = json!({"metadata": {"name": name}, "spec": {
        "replicas": 3, "serviceName": "backend", "selector": {"matchLabels": {"app": "backend"}},
        "updateStrategy": {"rollingUpdate": {"partition": partition}},
        "template": {"metadata": {"labels": {"app": "backend"}},
            "spec": {"containers": [{"name": "backend", "image": image("backend", "v1.0.0")}]}}
    }});
    create::<StatefulSet>(&space.api(), object).await;
    let spec = json!({"application": "shop", "tier": "production", "strategy": {"rolling": {}}, "components": [
        {"name": "backend", "workload": {"kind": "StatefulSet", "name": name}, "container": "backend",
            "image": "ghcr.io/acme/backend"}
    ]});
    let environment = json!({"metadata": {"name": "production"}, "spec": spec});
    create::<Environment>(&space.api(), environment).await;
    space.policies_have_long_been_in_force().await;
    space.until_seen_by_policies().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stateful_set_that_keeps_old_pods_or_could_make_no_new_ones_is_not_released() {
    let Some(world) = world().await else { return };
    let (kept, long) = (Space::new(world, "endings-kept").await, Space::new(world, "endings-revision").await);
    let name = "s".repeat(53);
    join(store(&kept, "backend", 2), store(&long, &name, 0)).await;
    until_is(&kept.api::<StatefulSet>(), "backend", "complete", |found| {
        found.status.as_ref().is_some_and(|status| status.ready_replicas == Some(3))
    })
    .await;
    let _controller = Controller::start(&[&kept, &long], "endings-kept").await;
    for space in [&kept, &long] {
        space.ask("alice", "one", "v1.1.0", &ONE).await;
    }
    fails_at(&long, "names/backend", "is too long: 53 characters, at most 52").await;
    fails_at(&kept, "workloads", "keeps 2 of its 3 pods at the old version (partition 2)").await;
    let patch = Patch::Merge(json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}));
    let sets = kept.api::<StatefulSet>();
    sets.patch("backend", &PatchParams::default(), &patch).await.expect("a change");
    kept.until_phase("one", Phase::Succeeded).await;
    assert_eq!(pod_images(&kept).await, vec![image("backend", "v1.1.0"); 3]);
    // somebody sets it while the next release is on its way
    change_strategy(&kept, json!({"rolling": {"pauseAtPercent": 50}})).await;
    kept.ask("alice", "two", "v1.2.0", &ONE).await;
    let paused = kept.until_phase("two", Phase::Paused).await;
    kept.act(action("on", "Resume", "bob", &paused)).await.expect("accepted");
    let patch = Patch::Merge(json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}}));
    sets.patch("backend", &PatchParams::default(), &patch).await.expect("a change");
    until(60, "an end, or a sentence about what stays old", || async {
        let found = kept.api::<Release>().get("two").await.ok()?;
        if found.phase() == Phase::Succeeded {
            let old =
                pod_images(&kept).await.iter().filter(|found| **found != image("backend", "v1.2.0")).count();
            assert_eq!(old, 0, "Succeeded beside {old} old pods");
            return Some(());
        }
        (message(&found).contains("partition") || found.phase() == Phase::Held).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn init_containers_are_changed_too_and_what_runs_already_ends_at_once() {
    let Some(world) = world().await else { return };
    let space = Space::new(world, "endings-init").await;
    space.application(&ONE, json!({})).await;
    let first = json!({"spec": {"template": {"spec": {
        "initContainers": [{"name": "migrate", "image": image("backend", "v1.0.0")}]}}}});
    let deployments = space.api::<Deployment>();
    deployments.patch("backend", &PatchParams::default(), &Patch::Strategic(first)).await.expect("a change");
    space.until_complete("backend", 2).await;
    let _controller = Controller::start(&[&space], "endings-init").await;
    space.ask("alice", "one", "v1.1.0", &ONE).await;
    fails_at(&space, "workloads", "migrate").await;
    let components = json!([{"name": "backend", "workload": {"kind": "Deployment", "name": "backend"}, "container": "backend",
        "containers": ["*"], "image": "ghcr.io/acme/backend"}]);
    let patch = Patch::Merge(json!({"spec": {"components": components}}));
    space.api::<Environment>().patch("production", &PatchParams::default(), &patch).await.expect("a change");
    let ended = space.until_phase("one", Phase::Succeeded).await;
    space.until_complete("backend", 3).await;
    assert_eq!(pod_images(&space).await, vec![image("backend", "v1.1.0"); 2], "{}", message(&ended));

    let before = space.runs("backend").await;
    let begun = Instant::now();
    space.ask("alice", "two", "v1.1.0", &ONE).await;
    let again = space.until_phase("two", Phase::Succeeded).await;
    let status = again.status.clone().unwrap_or_default();
    assert!(begun.elapsed() < Duration::from_secs(10), "{} s", begun.elapsed().as_secs());
    assert!(
        status.message.contains("v1.1.0 already runs in production: nothing was changed"),
        "{}",
        status.message
    );
    assert!(status.started_at.is_none(), "it took the lane: {status:#?}");
    assert_eq!(space.runs("backend").await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_roll_back_once_and_never_to_the_version_that_was_left() {
    let Some(world) = world().await else { return };
    let space = Space::new(world, "endings-twice").await;
    space.application(&ONE, json!({})).await;
    let _controller = Controller::start(&[&space], "endings-twice").await;
    for (name, version) in [("one", "v1.1.0"), ("two", "v1.2.0")] {
        space.ask("alice", name, version, &ONE).await;
        space.until_phase(name, Phase::Succeeded).await;
    }
    let place = format!("{}/production", space.namespace);
    let back = ["rollback", &place, "--reason", "v1.2.0 loses sessions"];
    let (alice, bob) = join(cli(world, "alice", &back), cli(world, "bob", &back)).await;
    assert_eq!((alice.code, bob.code), (0, 0), "{alice:?} {bob:?}");
    let rollbacks = || async {
        let all = space.api::<Release>().list(&ListParams::default()).await.expect("releases").items;
        all.into_iter().filter(|one| one.spec.kind == ReleaseKind::Rollback).collect::<Vec<_>>()
    };
    let settled = || async {
        until(60, "every rollback is over", || async {
            rollbacks().await.iter().all(|one| one.phase().is_final()).then_some(())
        })
        .await;
    };
    settled().await;
    assert_eq!(space.runs("backend").await.0, image("backend", "v1.1.0"), "{alice:?} {bob:?}");
    // the other one joins it, or ends at once since nothing is left to change
    let begun = |one: &&Release| one.status.as_ref().is_some_and(|status| status.started_at.is_some());
    assert_eq!(rollbacks().await.iter().filter(begun).count(), 1, "{:#?}", rollbacks().await);
    // again, and again: never to what was left
    for who in ["carol", "alice"] {
        let again = cli(world, who, &back).await;
        settled().await;
        let runs = space.runs("backend").await.0;
        assert!(runs != image("backend", "v1.2.0"), "{again:?}");
    }
    let listed = cli(world, "alice", &["rollback", &place, "--list"]).await.ok();
    let left = listed.lines().find(|line| line.contains("v1.2.0")).unwrap_or_default();
    assert!(left.contains("rolled back"), "{listed}");
}
