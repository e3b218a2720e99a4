//! Objects that the controller does not understand, as a newer version or an older schema leaves them: they hold up nobody else.

use super::*;

/// A value at a place of an object.
fn set(mut object: Value, at: &str, value: Value) -> Value {
    let (parent, key) = at.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap()[key] = value;
    object
}

fn message(release: &Release) -> String {
    release.status.as_ref().map(|status| status.message.clone()).unwrap_or_default()
}

impl Stage {
    /// The object as it is stored, once that is so: the plain types cannot hold it.
    async fn until(&self, plural: &str, place: (&str, &str), holds: impl Fn(&Value) -> bool) -> Value {
        let look = async {
            loop {
                let mut stored = Value::Null;
                assert!(self.running.tamper(plural, place, |found| {
                    stored = found.clone();
                    Some(found)
                }));
                if holds(&stored) {
                    return stored;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("it never happened")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_of_a_newer_version_holds_its_own_releases_only() {
    let stage = Stage::open().await;
    let production = (PRODUCTION, "production");
    assert!(
        stage.running.tamper("environments", production, |found| {
            Some(set(found, "/spec/onFailure", json!("retry")))
        })
    );
    assert!(stage.running.tamper("environments", production, |found| {
        Some(set(found, "/spec/bake", json!("99999999999999999999d")))
    }));
    let controller = stage.controller(Faults::default());
    let held = stage.ask("alice", PRODUCTION, "v1.8.2").await;
    let elsewhere = stage.ask("alice", STAGING, "v1.8.2").await;
    let done = stage.when_final(&elsewhere).await;
    assert_eq!(done.phase(), Phase::Succeeded, "{:#?}", done.status);
    let held = stage.when(&held, |release| message(release).contains("does not understand")).await;
    assert_eq!(held.phase(), Phase::Pending);
    let said = message(&held);
    assert!(said.contains("spec.onFailure: retry") && said.contains("upgrade of the controller"), "{said}");
    let told = stage
        .until("environments", production, |found| {
            found["status"]["conditions"].to_string().contains("NotUnderstood")
        })
        .await;
    assert_eq!(told["spec"]["onFailure"], "retry", "the spec is nobody else's to change");

    let (result, said) = stage.order("alice", PRODUCTION, "Freeze", json!({})).await;
    assert_eq!(result, ActionResult::Applied, "{said}");
    assert!(
        stage.running.tamper("environments", production, |found| {
            Some(set(found, "/spec/onFailure", json!("hold")))
        })
    );
    assert!(
        stage
            .running
            .tamper("environments", production, |found| { Some(set(found, "/spec/bake", json!("1s"))) })
    );
    let held = stage.when(&held, |release| !message(release).contains("does not understand")).await;
    assert!(message(&held).contains("frozen"), "{}", message(&held));
    let (result, said) = stage.order("alice", PRODUCTION, "Unfreeze", json!({})).await;
    assert_eq!(result, ActionResult::Applied, "{said}");
    drop(controller);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_of_a_newer_version_is_refused_and_a_release_in_an_unknown_phase_is_left_alone() {
    let stage = Stage::open().await;
    let odd = stage.ask("alice", STAGING, "v1.8.2").await;
    let (namespace, name) = (STAGING, odd.metadata.name.clone().unwrap());
    let place = (namespace, name.as_str());
    assert!(stage.running.tamper("releases", place, |found| {
        let mut found = found;
        found["status"] =
            json!({"phase": "Draining", "message": "of a newer version", "timeline": [], "gates": []});
        Some(found)
    }));
    let action = json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction",
        "metadata": {"name": "odd", "namespace": PRODUCTION},
        "spec": {"environment": "production", "action": "Freeze", "actor": "alice", "reason": "a test"},
    });
    let actions: Api<ReleaseAction> = Api::namespaced(stage.client("alice"), PRODUCTION);
    actions.create(&PostParams::default(), &serde_json::from_value(action).unwrap()).await.unwrap();
    assert!(stage.running.tamper("releaseactions", (PRODUCTION, "odd"), |found| {
        Some(set(found, "/spec/action", json!("Teleport")))
    }));
    let controller = stage.controller(Faults::default());
    // another one of the same environment does not pass it
    let next = stage.ask("alice", STAGING, "v1.8.3").await;
    stage.when(&next, |release| message(release).contains(&name)).await;
    let judged = stage
        .until("releaseactions", (PRODUCTION, "odd"), |found| found["status"]["result"].is_string())
        .await;
    let status = &judged["status"];
    assert_eq!(status["result"], "Refused");
    let said = status["message"].as_str().unwrap();
    assert!(said.contains("does not understand spec.action: Teleport"), "{said}");
    let left = stage.until("releases", place, |_| true).await["status"].clone();
    assert_eq!(left["phase"], "Draining");
    assert_eq!(left["message"], "of a newer version");
    let (result, said) = stage.order("alice", PRODUCTION, "Freeze", json!({})).await;
    assert_eq!(result, ActionResult::Applied, "{said}");
    drop(controller);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_whose_date_no_version_reads_harms_nobody_and_can_be_retired() {
    use kube::api::DeleteParams;
    let stage = Stage::open().await;
    let actions = |user: &str| {
        Api::<kube::api::PartialObjectMeta<ReleaseAction>>::namespaced(stage.client(user), PRODUCTION)
    };
    let action = json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction",
        "metadata": {"name": "odd", "namespace": PRODUCTION},
        "spec": {
            "environment": "production", "action": "Freeze", "actor": "alice", "reason": "a test",
            "evidence": {"at": "2027-01-15T08:00:00Z"}, "parameters": {},
        },
    });
    let api: Api<ReleaseAction> = Api::namespaced(stage.client("alice"), PRODUCTION);
    api.create(&PostParams::default(), &serde_json::from_value(action).unwrap()).await.unwrap();
    let delete = async |user: &str| actions(user).delete("odd", &DeleteParams::default()).await;
    let refused = delete("admin").await.unwrap_err().to_string();
    assert!(refused.contains("RecordImmutable") && !refused.contains("retire"), "{refused}");
    let bad = json!("2027-01-15T08:00:00+99:99");
    assert!(stage.running.tamper("releaseactions", (PRODUCTION, "odd"), |found| {
        Some(set(found, "/spec/evidence/at", bad.clone()))
    }));
    // what its author saw decides nothing: the freeze counts
    let controller = stage.controller(Faults::default());
    let frozen = stage
        .until("environments", (PRODUCTION, "production"), |found| found["status"]["frozen"].is_object());
    frozen.await;
    let done = stage.when_final(&stage.ask("alice", STAGING, "v1.8.2").await).await;
    assert_eq!(done.phase(), Phase::Succeeded, "{:#?}", done.status);
    assert!(delete("alice").await.is_err());
    delete("admin").await.unwrap();
    drop(controller);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_whose_name_older_definitions_admitted_stays_updatable() {
    use kube::api::{Patch, PatchParams};
    let stage = Stage::open().await;
    let staging = (STAGING, "staging");
    assert!(stage.running.tamper("environments", staging, |found| {
        Some(set(found, "/spec/components/0/name", json!("Back_End")))
    }));
    let environments: Api<Environment> = Api::namespaced(stage.client("admin"), STAGING);
    let mut stored = serde_json::to_value(environments.get("staging").await.unwrap()).unwrap();
    let patch = async |change: Value| {
        environments.patch("staging", &PatchParams::default(), &Patch::Merge(change)).await
    };
    patch(json!({"metadata": {"labels": {"a": "b"}}, "spec": {"url": "https://shop"}})).await.unwrap();
    let components = stored["spec"]["components"].as_array_mut().unwrap();
    components[0]["wave"] = json!(7);
    patch(json!({"spec": {"components": components}})).await.expect("another field of the same component");
    let mut other = components[0].clone();
    other["name"] = json!("Other_End");
    components.push(other);
    let refused = patch(json!({"spec": {"components": components}})).await.unwrap_err().to_string();
    assert!(refused.contains(&format!("spec.components[{}].name", components.len() - 1)), "{refused}");
}
