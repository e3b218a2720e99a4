//! What people ask of an environment is done within moments, once, wherever the controller is stopped.

use k8s_openapi::api::apps::v1::Deployment;

use super::*;

impl Stage {
    /// Creates an action on an environment and waits for the controller's answer.
    async fn order(
        &self,
        user: &str,
        namespace: &str,
        action: &str,
        changes: Value,
    ) -> (ActionResult, String) {
        self.answer(user, namespace, &self.order_quietly(user, namespace, action, changes).await).await
    }

    async fn order_quietly(&self, user: &str, namespace: &str, action: &str, changes: Value) -> String {
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

    async fn answer(&self, user: &str, namespace: &str, name: &str) -> (ActionResult, String) {
        let api: Api<ReleaseAction> = Api::namespaced(self.client(user), namespace);
        let judged = |found: Option<&ReleaseAction>| found.is_some_and(ReleaseAction::is_judged);
        let found = tokio::time::timeout(PATIENCE, await_condition(api, name, judged)).await;
        let status = found.expect("nobody judged it").unwrap().unwrap().status.unwrap();
        (status.result.unwrap(), status.message.unwrap())
    }

    async fn environment(&self, namespace: &str) -> Environment {
        let api: Api<Environment> = Api::namespaced(self.client("alice"), namespace);
        api.get(namespace.strip_prefix("planera-").unwrap()).await.unwrap()
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
    let running = stage.ask("ci", STAGING, "v1.8.2").await;
    let waiting = stage.ask("ci", STAGING, "v1.8.3").await;
    stage
        .when_deployment(STAGING, "backend", |deployment| {
            deployment.spec.template.spec.as_ref().unwrap().containers[0]
                .image
                .as_ref()
                .unwrap()
                .ends_with("v1.8.2")
        })
        .await;
    let (result, message) = stage.order("alice", STAGING, "AbortAll", json!({})).await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    for release in [&waiting, &running] {
        let done = stage.when_final(release).await;
        assert_eq!(done.phase(), Phase::Aborted, "{:#?}", done.status);
        assert!(done.status.unwrap().message.contains("alice"));
    }
    assert!(stage.deployment(STAGING, "backend").await.1.ends_with(":v1.8.1"));
    let later = stage.ask("ci", STAGING, "v1.8.4").await;
    assert_eq!(stage.when_final(&later).await.phase(), Phase::Succeeded, "what is asked for later goes on");
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
