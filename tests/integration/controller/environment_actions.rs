//! What people ask of an environment is done within moments, once, wherever the controller is stopped.

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};

use super::*;

impl Stage {
    /// Creates an action on an environment and waits for the controller's answer.
    pub(super) async fn order(
        &self,
        user: &str,
        namespace: &str,
        action: &str,
        changes: Value,
    ) -> (ActionResult, String) {
        self.answer(user, namespace, &self.order_quietly(user, namespace, action, changes).await).await
    }

    pub(super) async fn order_quietly(
        &self,
        user: &str,
        namespace: &str,
        action: &str,
        changes: Value,
    ) -> String {
        let mut object = json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction",
            "metadata": {"generateName": "order-", "namespace": namespace},
            "spec": {
                "environment": namespace.strip_prefix("planera-").unwrap(), "action": action, "actor": user,
                "reason": "a test", "parameters": changes,
            },
        });
        if object["spec"]["parameters"] == json!({}) {
            object["spec"].as_object_mut().unwrap().shift_remove("parameters");
        }
        let api: Api<ReleaseAction> = Api::namespaced(self.client(user), namespace);
        let action: ReleaseAction = serde_json::from_value(object).unwrap();
        api.create(&PostParams::default(), &action).await.unwrap().metadata.name.unwrap()
    }

    pub(super) async fn answer(&self, user: &str, namespace: &str, name: &str) -> (ActionResult, String) {
        let api: Api<ReleaseAction> = Api::namespaced(self.client(user), namespace);
        let judged = |found: Option<&ReleaseAction>| found.is_some_and(ReleaseAction::is_judged);
        let found = tokio::time::timeout(PATIENCE, await_condition(api, name, judged)).await;
        let status = found.expect("nobody judged it").unwrap().unwrap().status.unwrap();
        (status.result.unwrap(), status.message.unwrap())
    }

    pub(super) async fn environment(&self, namespace: &str) -> Environment {
        let api: Api<Environment> = Api::namespaced(self.client("alice"), namespace);
        api.get(namespace.strip_prefix("planera-").unwrap()).await.unwrap()
    }

    /// Changes the environment of a namespace as its owner.
    pub(super) async fn edit(&self, namespace: &str, change: serde_json::Value) {
        let environments: Api<Environment> = Api::namespaced(self.client("admin"), namespace);
        let name = namespace.strip_prefix("planera-").unwrap();
        environments.patch(name, &PatchParams::default(), &Patch::Merge(&change)).await.unwrap();
    }

    /// From now on releases to staging stop between their two waves.
    pub(super) async fn pause_between_waves(&self) {
        let environments: Api<Environment> = Api::namespaced(self.client("admin"), STAGING);
        let pauses = Patch::Merge(json!({"spec": {"strategy": {"rolling": {"pauseBetweenWaves": true}}}}));
        environments.patch("staging", &PatchParams::default(), &pauses).await.unwrap();
    }

    /// The Deployment once `what` is true of it.
    async fn when_deployment(
        &self,
        namespace: &str,
        name: &str,
        what: impl Fn(&Deployment) -> bool,
    ) -> Deployment {
        let api: Api<Deployment> = Api::namespaced(self.client("admin"), namespace);
        let holds = |found: Option<&Deployment>| found.is_some_and(&what);
        let found = tokio::time::timeout(PATIENCE, await_condition(api, name, holds)).await;
        found.expect("it never happened").unwrap().unwrap()
    }
}

fn replicas(deployment: &Deployment) -> (Option<i32>, i32) {
    let ready = deployment.status.as_ref().and_then(|status| status.ready_replicas);
    (deployment.spec.replicas, ready.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_environment_starts_nothing_until_it_thaws() {
    let stage = Stage::open().await;
    let waiting = stage.ask("ci", STAGING, "v1.8.2").await;
    let name = stage
        .order_quietly("carol", STAGING, "Freeze", json!({"inFlight": "Hold", "incident": "INC-1"}))
        .await;
    // the freeze is older than the controller's first look at the release
    let controller = stage.controller(Faults::default());
    let (result, message) = stage.answer("carol", STAGING, &name).await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    let frozen = stage.environment(STAGING).await.status.unwrap().frozen.unwrap();
    assert_eq!((frozen.by.as_str(), frozen.incident.as_deref()), ("carol", Some("INC-1")));
    let held = |release: &Release| {
        release.status.as_ref().is_some_and(|status| {
            status.gates.iter().any(|gate| gate.name == "frozen" && gate.detail.contains("carol"))
        })
    };
    let held = stage.when(&waiting, held).await;
    assert_eq!(held.phase(), Phase::Pending);
    let (result, message) = stage.order("bob", STAGING, "Unfreeze", json!({})).await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    assert_eq!(stage.when_final(&waiting).await.phase(), Phase::Succeeded);
    let (result, message) = stage.order("bob", STAGING, "Unfreeze", json!({})).await;
    assert_eq!((result, message.as_str()), (ActionResult::Refused, "it is not frozen"));
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emergency_stop_aborts_what_waits_and_puts_back_what_runs() {
    let stage = Stage::open().await;
    let controller = stage.controller(Faults::default());
    stage.pause_between_waves().await;
    let running = stage.ask("ci", STAGING, "v1.8.2").await;
    stage.when(&running, |release| release.phase() == Phase::Paused).await;
    let waiting = stage.ask("ci", STAGING, "v1.8.3").await;
    assert!(stage.deployment(STAGING, "backend").await.1.ends_with(":v1.8.2"));
    let (result, message) = stage.order("alice", STAGING, "AbortAll", json!({})).await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    for release in [&waiting, &running] {
        let done = stage.when_final(release).await;
        assert_eq!(done.phase(), Phase::Aborted, "{:#?}", done.status);
        assert!(done.status.unwrap().message.contains("alice"));
    }
    assert!(stage.deployment(STAGING, "backend").await.1.ends_with(":v1.8.1"));
    let later = stage.ask("ci", STAGING, "v1.8.4").await;
    // what is asked for later goes on, as far as the environment lets it
    stage.when(&later, |release| release.phase() == Phase::Paused).await;
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_is_scaled_to_nothing_brought_back_and_restarted() {
    let stage = Stage::open().await;
    let controller = stage.controller(Faults::default());
    let before = stage.when_deployment(PRODUCTION, "backend", |deployment| replicas(deployment).1 > 0).await;
    let (result, message) =
        stage.order("alice", PRODUCTION, "Scale", json!({"component": "backend", "replicas": 0})).await;
    assert_eq!((result, message.as_str()), (ActionResult::Applied, "backend has 0 replicas"));
    stage.when_deployment(PRODUCTION, "backend", |deployment| replicas(deployment) == (Some(0), 0)).await;
    let (result, message) = stage.order("alice", PRODUCTION, "Scale", json!({"component": "backend"})).await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    let back = replicas(&before);
    let found = stage.when_deployment(PRODUCTION, "backend", |deployment| replicas(deployment) == back).await;
    assert!(stage.environment(PRODUCTION).await.status.unwrap().scaled.is_empty());
    let (result, message) =
        stage.order("alice", PRODUCTION, "Restart", json!({"component": "backend"})).await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    let revision = |deployment: &Deployment| {
        deployment.metadata.annotations.as_ref().unwrap()["deployment.kubernetes.io/revision"].clone()
    };
    let old = revision(&found);
    stage
        .when_deployment(PRODUCTION, "backend", |deployment| {
            let status = deployment.status.as_ref().unwrap();
            revision(deployment) != old && replicas(deployment) == back && status.updated_replicas == back.0
        })
        .await;
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_any_two_writes_an_action_is_done_once() {
    let stage = Stage::open().await;
    let generation = stage.deployment(STAGING, "backend").await.0;
    let mut answers = Vec::new();
    for (action, parameters) in [
        ("Freeze", json!({})),
        ("Scale", json!({"component": "backend", "replicas": 1})),
        ("Restart", json!({"component": "backend"})),
    ] {
        answers.push(stage.order_quietly("alice", STAGING, action, parameters).await);
    }
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let mut kills = 0;
    let mut controller;
    let last = answers.last().unwrap().clone();
    loop {
        let seen = seen.clone();
        let names = answers.clone();
        let faults = Faults::kill_when(move |cut| {
            names.iter().any(|name| cut.before.ends_with(name))
                && seen.lock().unwrap().insert(cut.before.clone())
        });
        controller = stage.controller(faults);
        tokio::select! {
            ended = &mut controller => {
                assert!(matches!(ended.unwrap(), Err(controller::Error::Killed(_))));
                kills += 1;
            }
            _ = stage.answer("alice", STAGING, &last) => break,
        }
    }
    for name in &answers {
        let (result, message) = stage.answer("alice", STAGING, name).await;
        assert_eq!(result, ActionResult::Applied, "{message}");
    }
    // fulfil and answer of each, operate of two, prepare of one
    assert_eq!(kills, 9, "{:?}", seen.lock().unwrap());
    assert_eq!(stage.deployment(STAGING, "backend").await.0, generation + 2);
    let status = stage.environment(STAGING).await.status.unwrap();
    assert_eq!(status.judged_actions.len(), 3);
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_is_in_force_within_two_seconds_and_lets_finish_holds_or_rolls_back() {
    let stage = Stage::open().await;
    let controller = stage.controller(Faults::default());
    stage.pause_between_waves().await;
    for (version, in_flight, expected) in [
        ("v1.8.2", "Finish", Phase::Succeeded),
        ("v1.8.3", "Hold", Phase::Succeeded),
        ("v1.8.4", "RollBack", Phase::RolledBack),
    ] {
        let running = stage.ask("ci", STAGING, version).await;
        let paused = stage.when(&running, |release| release.phase() == Phase::Paused).await;
        let asked = std::time::Instant::now();
        let name = stage.order_quietly("alice", STAGING, "Freeze", json!({"inFlight": in_flight})).await;
        let api: Api<Environment> = Api::namespaced(stage.client("bob"), STAGING);
        let frozen = |found: Option<&Environment>| {
            found.and_then(|found| found.status.as_ref()).is_some_and(|status| status.frozen.is_some())
        };
        await_condition(api, "staging", frozen).await.unwrap();
        assert!(asked.elapsed() < Duration::from_secs(2), "{in_flight}: {:?}", asked.elapsed());
        stage.answer("alice", STAGING, &name).await;
        if in_flight != "RollBack" {
            let (result, message) =
                stage.act("bob", &paused, "Resume", json!({"expected": {"step": 1}})).await;
            assert_eq!(result, ActionResult::Applied, "{in_flight}: {message}");
        }
        if in_flight == "Hold" {
            let held = stage.when(&running, |release| reasons(release).contains(&"HeldByFreeze")).await;
            assert_eq!(held.phase(), Phase::Progressing);
            assert!(stage.deployment(STAGING, "frontend").await.1.ends_with(":v1.8.2"));
            stage.order("bob", STAGING, "Unfreeze", json!({})).await;
        }
        let done = stage.when_final(&running).await;
        assert_eq!(done.phase(), expected, "{in_flight}: {:#?}", done.status);
        if in_flight == "Finish" {
            let (result, message) = stage.order("bob", STAGING, "Unfreeze", json!({})).await;
            assert_eq!(result, ActionResult::Applied, "it was frozen all the time: {message}");
        }
    }
    assert!(stage.deployment(STAGING, "backend").await.1.ends_with(":v1.8.3"));
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_break_glass_owes_holds_the_next_release_until_another_person_has_reviewed_it() {
    let stage = Stage::open().await;
    let cuts = Arc::new(Mutex::new(Vec::new()));
    let seen = cuts.clone();
    // killed before the debt is written, and again between the debt and the release's own status
    let faults = move |before: &'static str| {
        let seen = seen.clone();
        Faults::kill_when(move |cut| {
            let is_here =
                cut.object == "planera-v1-8-2" && cut.phase == Phase::Progressing && cut.before == before;
            is_here && {
                seen.lock().unwrap().push(before);
                true
            }
        })
    };
    let emergency = json!({"emergency": true, "ticket": "INC-7", "reason": "customers are down"});
    let broken = stage.ask_with("admin", STAGING, "v1.8.2", emergency).await;
    for before in ["account", "status"] {
        let killed = stage.controller(faults(before)).await.unwrap();
        assert!(matches!(killed, Err(controller::Error::Killed(_))), "{killed:?}");
        let owes = stage.environment(STAGING).await.status.unwrap_or_default().debts.len();
        assert_eq!(owes, usize::from(before == "status"));
    }
    let controller = stage.controller(Faults::default());
    assert_eq!(stage.when_final(&broken).await.phase(), Phase::Succeeded);
    let debts = stage.environment(STAGING).await.status.unwrap().debts;
    assert_eq!(debts.len(), 1, "{debts:?}");
    assert_eq!((debts[0].by.as_str(), debts[0].incident.as_deref()), ("admin", Some("INC-7")));
    let next = stage.ask("ci", STAGING, "v1.8.3").await;
    let holds = |release: &Release| {
        release.status.as_ref().is_some_and(|status| status.message.contains("has not been reviewed"))
    };
    stage.when(&next, holds).await;
    let (result, message) = stage.order("alice", STAGING, "Review", json!({"debt": debts[0].id})).await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    assert_eq!(stage.when_final(&next).await.phase(), Phase::Succeeded);
    assert!(stage.environment(STAGING).await.status.unwrap().debts.is_empty());
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_image_of_a_release_that_failed_by_itself_may_not_come_again() {
    let stage = Stage::open().await;
    let controller = stage.controller(Faults::default());
    let digest = format!("sha256:{}", "ab".repeat(32));
    // no registry knows this digest
    stage.edit(STAGING, json!({"spec": {"versions": {"allowUnverifiedDigests": true}}})).await;
    let images = json!({"images": [
        {"component": "backend", "image": format!("ghcr.io/acme/planera-backend:v1.9.3-unready@{digest}")},
    ]});
    let failed = stage.ask_with("ci", STAGING, "v1.9.3-unready", images).await;
    assert_eq!(stage.when_final(&failed).await.phase(), Phase::RolledBack);
    let denied = stage.environment(STAGING).await.status.unwrap().denied;
    assert_eq!((denied.len(), denied[0].digest.as_str()), (1, digest.as_str()));
    assert_eq!(denied[0].by.as_deref(), Some("controller"));
    // the server keeps whole seconds: whoever allows in the second of the denial may not have seen it
    let seen = denied[0].at.unwrap() + chrono::TimeDelta::seconds(1);
    while stage.clock.now() < seen {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (result, message) = stage.order("bob", STAGING, "Allow", json!({"digest": digest})).await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    assert!(stage.environment(STAGING).await.status.unwrap().denied.is_empty());
    stage.close(controller).await;
}
