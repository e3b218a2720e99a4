//! Argo Rollouts, driven by releases, with Argo's own controller: its pauses are the release's, and what people ask of the release is
//! asked of the Rollout. Skipped where the cluster has none.

use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams};
use release_cockpit::api::release_action::ActionResult;
use release_cockpit::api::{Environment, Phase, Release};
use release_cockpit::domain::argo_rollout::phase;
use release_cockpit::workload::{self, Target};
use serde_json::{Value, json};

use crate::controller::Controller;
use crate::exposed::{ask, discover};
use crate::space::{Space, action, create, image, message};
use crate::world::{until, world};

/// A space with the component `backend` as a Rollout of four pods that pauses after 25 %, and a controller.
struct Argo {
    space: Space,
    rollouts: Api<DynamicObject>,
    _controller: Controller,
}

async fn argo(test: &str, more: Value) -> Option<Argo> {
    let world = world().await?;
    if std::env::var("RELEASE_COCKPIT_TEST_ROLLOUTS").as_deref() != Ok("true") {
        eprintln!(
            "skipped: this cluster runs no Argo Rollouts; tests/cluster/up --rollouts brings one up that does"
        );
        return None;
    }
    let space = Space::new(world, test).await;
    let resource = ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Rollout"),
        "rollouts",
    );
    let rollouts: Api<DynamicObject> = Api::namespaced_with(space.admin.clone(), &space.namespace, &resource);
    let rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "backend"},
        "spec": {
            "replicas": 4, "progressDeadlineSeconds": 60, "selector": {"matchLabels": {"app": "backend"}},
            "template": {
                "metadata": {"labels": {"app": "backend"}},
                "spec": {"containers": [{"name": "backend", "image": image("backend", "v1.0.0")}]}
            },
            "strategy": {"canary": {"steps": [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]}}
        }
    });
    let rollout = serde_json::from_value(rollout).expect("a rollout");
    rollouts.create(&PostParams::default(), &rollout).await.expect("to be created");
    let mut spec = json!({"application": "shop", "tier": "production", "strategy": {"rolling": {}},
        "components": [{"name": "backend", "workload": {"kind": "Rollout", "name": "backend"}, "container": "backend",
            "image": "ghcr.io/acme/backend", "wave": 0}]});
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    let environment = json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
        "metadata": {"name": "production"}, "spec": spec});
    create::<Environment>(&space.api(), environment).await;
    space.policies_have_long_been_in_force().await;
    space.until_seen_by_policies().await;
    let controller = Controller::start(&[&space], "argo").await;
    let argo = Argo { space, rollouts, _controller: controller };
    argo.until("healthy", |it| it["status"]["phase"] == "Healthy").await;
    Some(argo)
}

impl Argo {
    async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let last = std::sync::Mutex::new(Value::Null);
        let found = until(60, what, || async {
            let found = self.rollouts.get("backend").await.expect("the rollout");
            let found = serde_json::to_value(found).expect("JSON");
            let observed = found["status"]["observedGeneration"].as_str().map(str::to_owned);
            let is_observed = observed == found["metadata"]["generation"].as_i64().map(|it| it.to_string());
            last.lock().unwrap().clone_from(&found["status"]);
            (is_observed && wanted(&found)).then_some(found)
        });
        let found = tokio::time::timeout(std::time::Duration::from_secs(55), found).await;
        let found = found.unwrap_or_else(|_| panic!("it never was {what}: {:#}", last.lock().unwrap()));
        self.agrees(&found).await;
        found
    }

    /// Our own rules say of it what Argo's controller says.
    async fn agrees(&self, seen: &Value) {
        let target = Target {
            client: self.space.admin.clone(),
            namespace: self.space.namespace.clone(),
            name: "backend".into(),
            container: "backend".into(),
        };
        let kind = release_cockpit::api::environment::WorkloadKind::Rollout;
        let state = workload::workload(kind).expect("its adapter").observe(&target).await.expect("an answer");
        let state = state.expect("the rollout");
        if seen["metadata"]["resourceVersion"] != state.resource_version.as_str() {
            return;
        }
        let (phase, message) = phase(&state, state.argo.as_deref().expect("a rollout"));
        let told = (seen["status"]["phase"].as_str(), seen["status"]["message"].as_str().unwrap_or_default());
        assert_eq!((Some(phase.to_string().as_str()), message.as_str()), told, "{:#}", seen["status"]);
    }

    /// Asks for that version, and waits until its Rollout pauses after its first step.
    async fn paused(&self, name: &str, version: &str) -> Release {
        self.space.ask("alice", name, version, &["backend"]).await;
        let found = self.until("paused at the first pause", |it| is_at(it, 1)).await;
        assert_eq!(image_of(&found), image("backend", version));
        let release = self.space.until_phase(name, Phase::Paused).await;
        assert!(
            message(&release).contains("pauses at step 2 of 4: CanaryPauseStep"),
            "{}",
            message(&release)
        );
        let told = &release.status.as_ref().expect("a status").rollouts[0];
        assert_eq!((told.weight, told.actual, told.step), (Some(25), Some(25), Some(1)));
        release
    }

    /// An action of somebody that is applied.
    async fn act(&self, name: &str, kind: &str, who: &str, release: &Release) {
        self.space.act(action(name, kind, who, release)).await.expect("to be taken");
        let (result, message) = self.space.verdict(name).await;
        assert_eq!(result, format!("{:?}", ActionResult::Applied), "{message}");
    }
}

fn is_at(rollout: &Value, step: i64) -> bool {
    rollout["status"]["phase"] == "Paused" && rollout["status"]["currentStepIndex"] == step
}

fn image_of(rollout: &Value) -> &str {
    rollout["spec"]["template"]["spec"]["containers"][0]["image"].as_str().expect("an image")
}

fn is_stable(rollout: &Value) -> bool {
    rollout["status"]["phase"] == "Healthy"
        && rollout["status"]["stableRS"] == rollout["status"]["currentPodHash"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_promoted_step_by_step_and_then_in_full() {
    let Some(argo) = argo("argo-promote", json!({})).await else { return };
    let release = argo.paused("r2", "v2.0.0").await;
    argo.act("step", "Promote", "alice", &release).await;
    let found = argo.until("paused at the second pause", |it| is_at(it, 3)).await;
    assert_eq!(found["status"]["updatedReplicas"], 2, "half of four");
    let paused = argo.space.until_release("r2", "paused again", |release| {
        let status = release.status.clone().unwrap_or_default();
        status.phase == Phase::Paused && status.rollouts[0].step == Some(3)
    });
    argo.act("full", "PromoteFull", "alice", &paused.await).await;
    let found = argo.until("stable", is_stable).await;
    assert_eq!(image_of(&found), image("backend", "v2.0.0"));
    let release = argo.space.until_phase("r2", Phase::Succeeded).await;
    let reasons: Vec<_> = release.status.unwrap().timeline.into_iter().map(|entry| entry.reason).collect();
    for reason in ["PausedByRollout", "RolloutAsked", "ResumedByRollout", "RolledOut"] {
        assert!(reasons.iter().any(|found| found == reason), "{reason}: {reasons:?}");
    }
    // the way back of what succeeded takes no steps
    let release: Release = argo.space.api::<Release>().get("r2").await.expect("the release");
    argo.act("back", "Rollback", "alice", &release).await;
    let found =
        argo.until("stable again", |it| is_stable(it) && image_of(it) == image("backend", "v1.0.0")).await;
    assert_eq!(found["metadata"]["annotations"]["rollout.argoproj.io/revision"], "3");
    argo.space.until_phase_again("r2", Phase::RolledBack).await;
    let sets = argo.space.replica_sets("backend").await;
    assert_eq!(sets.len(), 2, "the old template is used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_sends_the_traffic_back_and_undoes_the_template() {
    let Some(argo) = argo("argo-abort", json!({})).await else { return };
    let before = argo.until("healthy", is_stable).await;
    let release = argo.paused("r2", "v2.0.0").await;
    let events = argo.space.api::<k8s_openapi::api::core::v1::Event>();
    argo.act("stop", "Abort", "alice", &release).await;
    let found = argo.until("back", |it| is_stable(it) && image_of(it) == image("backend", "v1.0.0")).await;
    assert_eq!(found["status"]["stableRS"], before["status"]["stableRS"]);
    assert!(found["status"]["abort"].is_null() || found["status"]["abort"] == false);
    argo.space.until_phase("r2", Phase::Aborted).await;
    // Argo itself saw the abort before the template was put back
    until(20, "Argo's event", || async {
        let found = events.list(&ListParams::default()).await.expect("events").items;
        found.iter().any(|event| event.reason.as_deref() == Some("RolloutAborted")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_argo_aborts_is_held_and_goes_on_when_it_is_retried() {
    let Some(argo) = argo("argo-retry", json!({"onFailure": "hold"})).await else { return };
    argo.paused("r2", "v2.0.0").await;
    // as an analysis, or somebody with Argo's own tools, does it
    let abort = Patch::Merge(json!({"status": {"abort": true}}));
    argo.rollouts.patch_status("backend", &PatchParams::default(), &abort).await.expect("an abort");
    argo.until("degraded", |it| it["status"]["phase"] == "Degraded").await;
    let held = argo.space.until_phase("r2", Phase::Held).await;
    assert!(message(&held).contains("RolloutAborted"), "{}", message(&held));
    argo.act("again", "Retry", "alice", &held).await;
    argo.until("paused again", |it| is_at(it, 1) && it["status"]["abort"].as_bool() != Some(true)).await;
    let paused = argo.space.until_phase("r2", Phase::Paused).await;
    argo.act("full", "PromoteFull", "alice", &paused).await;
    argo.space.until_phase("r2", Phase::Succeeded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_promote_goes_on_and_a_person_resumes_the_rest() {
    let Some(argo) = argo("argo-pause", json!({"bake": "1s"})).await else { return };
    let release = argo.paused("r2", "v2.0.0").await;
    // somebody else promotes it with Argo's own tools: the release goes on with it
    let clear = Patch::Merge(json!({"status": {"pauseConditions": null}}));
    argo.rollouts.patch_status("backend", &PatchParams::default(), &clear).await.expect("a promotion");
    let paused = argo.space.until_release("r2", "paused at the second pause", |release| {
        let status = release.status.clone().unwrap_or_default();
        status.phase == Phase::Paused && status.rollouts[0].step == Some(3)
    });
    let _ = (release, paused.await);
    let release = argo.space.api::<Release>().get("r2").await.expect("the release");
    argo.act("on", "Resume", "alice", &release).await;
    argo.space.until_phase("r2", Phase::Succeeded).await;
}

/// What Argo's controller really counts, scraped as its chart has it scraped: the generated rules find what is wanted and what is there.
#[tokio::test(flavor = "multi_thread")]
async fn the_rules_read_what_its_controller_counts() {
    let Some(argo) = argo("argo-counted", json!({})).await else { return };
    let world = argo.space.world;
    let address = std::env::var("RELEASE_COCKPIT_TEST_ROLLOUTS_METRICS");
    let address = address.expect("RELEASE_COCKPIT_TEST_ROLLOUTS_METRICS");
    let labels = json!({"namespace": "argo-rollouts", "service": "argo-rollouts-metrics"});
    discover(&format!("argo-{}.kept", world.run), &json!([{"targets": [address], "labels": labels}]));
    let environment = argo.space.api::<Environment>().get("production").await.expect("the environment");
    let rules = release_cockpit::domain::alert_rules::rules(&environment).expect("rules");
    let rule = rules.iter().find(|rule| rule.alert == "ReplicasUnavailable").expect("the rule");
    let missing = rule.expr.strip_suffix(" > 0").expect("a comparison");
    let (wanted, _) = missing.trim_matches(['(', '\n']).split_once(" - ").expect("a difference");
    for (query, number) in [(wanted, 4.0), (missing, 0.0)] {
        until(60, query, || async {
            let answer = ask(world, query).await;
            let is_it = |(labels, found): &(std::collections::BTreeMap<String, String>, f64)| {
                labels.get("name").is_some_and(|name| name == "backend") && (found - number).abs() < 0.5
            };
            (answer.len() == 1 && is_it(&answer[0])).then_some(())
        })
        .await;
    }
}
