//! Going back, truthfully: `kubectl rollout history` stays right, and what a rollback would not put back is told.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{DeleteParams, Patch, PatchParams};
use release_cockpit::api::{Environment, Phase};
use serde_json::{Value, json};

use crate::cli::{cli, told};
use crate::controller::Controller;
use crate::space::{Space, action, create, message, until_is};
use crate::world::world;

/// Revision and cause of each line of `kubectl rollout history`.
async fn history(space: &Space) -> Vec<(String, String)> {
    let arguments = ["-n", &space.namespace, "rollout", "history", "deployment/backend"];
    let text = space.world.kubectl("admin", &arguments, "").await.ok();
    let line = |line: &str| {
        let (revision, cause) = line.split_once(' ')?;
        revision.parse::<i64>().ok().map(|number| (number.to_string(), cause.trim().to_owned()))
    };
    text.lines().filter_map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectls_history_stays_right_through_releases_and_their_rollback() {
    let Some(world) = world().await else { return };
    let space = Space::new(world, "way-back-history").await;
    space.application(&["backend"], json!({})).await;
    let _controller = Controller::start(&[&space], "way-back-history").await;
    for (name, version) in [("r1", "v1.1.0"), ("r2", "v1.2.0")] {
        space.ask("alice", name, version, &["backend"]).await;
        space.until_phase(name, Phase::Succeeded).await;
    }
    let before = history(&space).await;
    assert_eq!(before.len(), 3, "{before:?}");
    assert!(before[1].1.contains("v1.1.0 by release r1"), "{before:?}");
    let release = space.api().get("r2").await.expect("the release");
    space.act(action("back", "Rollback", "alice", &release)).await.expect("to be taken");
    space.until_phase_again("r2", Phase::RolledBack).await;
    // as after `kubectl rollout undo`: revision 2 has become revision 4 and says what it said
    let after = history(&space).await;
    let numbers: Vec<_> = after.iter().map(|(number, _)| number.as_str()).collect();
    assert_eq!(numbers, ["1", "3", "4"], "{after:?}");
    assert_eq!((&after[1], &after[2].1), (&before[2], &before[1].1));
    let undo = ["-n", &space.namespace, "rollout", "undo", "deployment/backend", "--to-revision=3"];
    space.world.kubectl("admin", &undo, "").await.ok();
    let undone = history(&space).await;
    assert_eq!(
        undone.last().map(|(_, cause)| cause),
        Some(&before[2].1),
        "kubectl does the same: {undone:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rollback_leaves_as_it_is_and_who_undoes_it_is_told() {
    let Some(world) = world().await else { return };
    let space = Space::new(world, "way-back-truth").await;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"LEVEL": "info"}});
    create::<ConfigMap>(&space.api(), map).await;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "stringData": {"PASSWORD": "hunter2"}});
    create::<Secret>(&space.api(), secret).await;
    space.application(&["backend"], json!({})).await;
    let _controller = Controller::start(&[&space], "way-back-truth").await;
    let change = |body: Value| {
        let deployments = space.api::<Deployment>();
        async move {
            deployments
                .patch("backend", &PatchParams::default(), &Patch::Strategic(body))
                .await
                .expect("to be changed")
        }
    };
    let container = |more: Value| {
        let mut container = json!({"name": "backend"});
        for (key, value) in more.as_object().unwrap() {
            container[key] = value.clone();
        }
        json!({"spec": {"template": {"spec": {"containers": [container]}}}})
    };
    change(container(
        json!({"envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "app"}}]}),
    ))
    .await;
    // the ConfigMap is hashed; the controller has no right to the Secret, and says so
    let hashed = until_is(&space.api::<Environment>(), "production", "hashed", |found| {
        found.status.as_ref().is_some_and(|status| status.configs.len() == 2)
    })
    .await;
    let configs = hashed.status.expect("a status").configs;
    let known: Vec<_> = configs.iter().map(|record| (record.name.as_str(), record.hash.is_some())).collect();
    assert_eq!(known, [("settings", true), ("app", false)]);

    for (name, version) in [("r1", "v1.1.0"), ("r2", "v1.2.0")] {
        space.ask("alice", name, version, &["backend"]).await;
        space.until_phase(name, Phase::Succeeded).await;
    }
    // meanwhile: another value, another variable, an owner in Git
    let maps = space.api::<ConfigMap>();
    let other = Patch::Merge(json!({"data": {"LEVEL": "debug"}}));
    maps.patch("settings", &PatchParams::default(), &other).await.expect("to be changed");
    change(container(
        json!({"env": [{"name": "API_TOKEN", "value": "hunter3"}, {"name": "COLOUR", "value": "green"}]}),
    ))
    .await;
    change(json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}})).await;
    let before = configs[0].hash.clone();
    until_is(&space.api::<Environment>(), "production", "hashed again", |found| {
        found.status.as_ref().is_some_and(|status| {
            status.configs.iter().any(|record| record.hash.is_some() && record.hash != before)
        })
    })
    .await;

    let place = format!("{}/production", space.namespace);
    let told = told(world, "vera", &["rollback", &place, "--list"]).await;
    let back = &told["wayBack"];
    assert_eq!(back["version"], "v1.1.0", "{told:#}");
    let component = &back["components"][0];
    let changes: Vec<_> =
        component["changes"].as_array().unwrap().iter().map(|row| row["what"].as_str().unwrap()).collect();
    assert_eq!(changes, ["backend: env API_TOKEN", "backend: env COLOUR", "backend: image"]);
    assert_eq!(component["stays"], 2);
    assert_eq!(component["obstacles"][0]["remedy"], "flux suspend kustomization apps -n flux-system");
    let drift = back["drift"].as_array().unwrap();
    let drift: Vec<_> =
        drift.iter().map(|one| (one["object"].as_str().unwrap(), one["change"].as_str().unwrap())).collect();
    assert_eq!(drift, [("ConfigMap settings", "changed"), ("Secret app", "unknown")]);
    let text = cli(world, "vera", &["rollback", &place, "--list"]).await.ok();
    assert!(
        text.contains("would be gone back to") && text.contains("ConfigMap settings has changed since"),
        "{text}"
    );
    let revisions = cli(world, "vera", &["history", &place, "--diff", "2"]).await.ok();
    for words in [&text, &revisions, &told.to_string()] {
        assert!(!words.contains("hunter"), "no value of what looks secret is shown: {words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_is_told_before_anybody_fights_it() {
    let Some(world) = world().await else { return };
    let space = Space::new(world, "way-back-scaled").await;
    space.application(&["backend"], json!({"strategy": {"canary": {"steps": [{"setWeight": 50}]}}})).await;
    let autoscaler = json!({"metadata": {"name": "backend"},
        "spec": {"minReplicas": 1, "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "backend"}}});
    create::<HorizontalPodAutoscaler>(&space.api(), autoscaler).await;
    let _controller = Controller::start(&[&space], "way-back-scaled").await;
    space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    let fights = "HorizontalPodAutoscaler backend sets the size of Deployment backend, and would fight the ratio of pods";
    let held =
        space.until_release("one", "held by the autoscaler", |found| message(found).contains(fights)).await;
    assert_eq!(held.phase(), Phase::Pending);
    assert_eq!(space.runs("backend").await.1, 1, "nothing was written");
    space
        .api::<HorizontalPodAutoscaler>()
        .delete("backend", &DeleteParams::default())
        .await
        .expect("to be deleted");
    space.until_phase("one", Phase::Succeeded).await;
}
