//! What the program prints for a cluster, and what kubectl makes of it.

use serde_json::{Value, json};

use crate::space::Space;
use crate::world;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_definitions_are_structural_and_taken() {
    let Some(world) = world::world().await else { return };
    for (plural, kind) in
        [("environments", "Environment"), ("releases", "Release"), ("releaseactions", "ReleaseAction")]
    {
        let name = format!("{plural}.release-cockpit.dev");
        let printed = world.kubectl("admin", &["get", "crd", &name, "-o", "json"], "").await.ok();
        let crd: Value = serde_json::from_str(&printed).expect("an object");
        for (condition, wanted) in
            [("Established", "True"), ("NamesAccepted", "True"), ("NonStructuralSchema", "absent")]
        {
            let mut all = crd["status"]["conditions"].as_array().into_iter().flatten();
            let found = all
                .find(|found| found["type"] == condition)
                .map_or("absent", |found| found["status"].as_str().unwrap_or_default());
            assert_eq!(found, wanted, "{condition} of {name}");
        }
        let explained = world.kubectl("admin", &["explain", &name], "").await.ok();
        assert!(
            explained.contains(&format!("KIND:       {kind}")) && explained.contains("spec"),
            "{explained}"
        );
    }
    let explained = world.kubectl("admin", &["explain", "environments.spec.approval.slots"], "").await.ok();
    assert!(explained.contains("minimum") && !explained.contains("<no description>"), "{explained}");
    // policies whose expressions do not fit the definitions say so in their status
    let printed =
        world.kubectl("admin", &["get", "validatingadmissionpolicies", "-o", "json"], "").await.ok();
    let policies: Value = serde_json::from_str(&printed).expect("a list");
    let ours: Vec<_> = policies["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|policy| {
            policy["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("release-cockpit-"))
        })
        .collect();
    assert_eq!(ours.len(), 13, "the necessary and the optional ones");
    for policy in ours {
        let name = policy["metadata"]["name"].as_str().unwrap_or_default();
        world::until(30, &format!("{name} is checked"), || async {
            let printed = world
                .kubectl("admin", &["get", "validatingadmissionpolicy", name, "-o", "json"], "")
                .await
                .ok();
            let found: Value = serde_json::from_str(&printed).expect("an object");
            let is_checked = found["status"]["observedGeneration"] == found["metadata"]["generation"];
            if is_checked {
                let warnings = found["status"]["typeChecking"].get("expressionWarnings");
                assert_eq!(warnings, None, "{name}: {}", found["status"]);
            }
            is_checked.then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applying_the_manifests_again_changes_nothing() {
    let Some(world) = world::world().await else { return };
    let manifests = world::run(std::path::Path::new(world::PROGRAM), &["manifests"], "").await.ok();
    let versions = async || {
        let kinds = "crd,validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings";
        let template = "jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.generation} {.metadata.resourceVersion}{\"\\n\"}{end}";
        let printed = world.kubectl("admin", &["get", kinds, "-o", template], "").await.ok();
        printed.lines().filter(|line| line.contains("release-cockpit")).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = versions().await;
    assert!(before.len() > 20, "{before:?}");
    world.apply(&manifests).await;
    assert_eq!(versions().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_shows_releases_by_their_short_names() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "kubectl").await;
    space.application(&["backend"], json!({})).await;
    space.ask("alice", "one", "v1.0.0", &["backend"]).await;
    let namespace = space.namespace.as_str();
    let get = async |what: &str| world.kubectl("dave", &["get", what, "-n", namespace], "").await.ok();
    for name in ["releases", "release", "rel", "releases.release-cockpit.dev"] {
        let table = get(name).await;
        let header: Vec<_> = table.lines().next().unwrap_or_default().split_whitespace().collect();
        assert_eq!(header, ["NAME", "VERSION", "PHASE", "STEP", "WEIGHT", "REQUESTED-BY", "AGE"]);
        let row: Vec<_> = table.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        assert!(row.starts_with(&["one", "v1.0.0"]) && row.contains(&"alice"), "{table}");
    }
    assert!(get("renv").await.contains("production"));
    assert_eq!(world.kubectl("dave", &["get", "ract", "-n", namespace], "").await.code, 0);
    let everything = get("cockpit").await;
    assert!(
        everything.contains("environment.release-cockpit.dev/production")
            && everything.contains("release.release-cockpit.dev/one"),
        "{everything}"
    );
    for (who, verb, answer) in [
        ("alice", "deploy", "yes"),
        ("bob", "approve", "yes"),
        ("alice", "approve", "no"),
        ("dave", "deploy", "no"),
    ] {
        let asked = world
            .kubectl(
                who,
                &["auth", "can-i", verb, "environments.release-cockpit.dev/production", "-n", namespace],
                "",
            )
            .await;
        assert_eq!(asked.stdout.trim(), answer, "{who} {verb}");
    }
}
