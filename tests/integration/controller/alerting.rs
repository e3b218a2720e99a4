//! The story's alert: it fires while the bad version runs, and is over once that is undone.

use release_cockpit::domain::alert_history::{Episode, episodes, question};
use release_cockpit::domain::series::unix;
use release_cockpit::metrics::{Curves, Prometheus};

use super::*;

/// Seconds that are asked about: longer than the story takes.
const RANGE: f64 = 1_800.0;

/// Production as the story has it, only that nobody must agree, nothing is checked before, and it is watched long enough for its
/// analysis to fail.
fn scenario() -> Scenario {
    let mut scenario = Scenario::builtin("planera").unwrap();
    for object in &mut scenario.objects {
        if object.yaml.contains("kind: Environment") && object.yaml.contains("name: production") {
            let mut value: Value = serde_saphyr::from_str(&object.yaml).unwrap();
            let changes = json!({"promotion": null, "approval": null, "gates": null, "bake": "5m"});
            json_patch::merge(&mut value["spec"], &changes);
            object.yaml = value.to_string();
        }
    }
    scenario
}

/// Every time that the alert fired in that environment, by the very question of the cockpit's own source.
async fn told(stage: &Stage, prometheus: &Prometheus, environment: &Environment) -> Vec<Episode> {
    let now = unix(stage.clock.now());
    let mut curves = Curves::new("alerts", question(environment).unwrap(), RANGE);
    curves.fetch(prometheus, now).await.unwrap();
    let step = curves.step();
    let found =
        curves.labelled().flat_map(|(labels, samples)| episodes(&labels, samples, step, (now - RANGE, now)));
    found.filter(|episode| &*episode.name == "HighErrorRate").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_of_a_bad_version_is_over_after_the_rollback() {
    let stage = Stage::play(scenario(), SPEED, true).await;
    let controller = stage.controller(Faults::default());
    let prometheus = Prometheus::direct(stage.running.prometheus_url.as_str()).unwrap();
    let environments: Api<Environment> = Api::namespaced(stage.client("alice"), PRODUCTION);
    let environment = environments.get("production").await.unwrap();
    assert_eq!(told(&stage, &prometheus, &environment).await, [], "it is calm at first");

    let asked = stage.ask("alice", PRODUCTION, "v1.9.0").await;
    let undone = stage.when_final(&asked).await;
    assert_eq!(undone.phase(), Phase::RolledBack, "{:#?}", undone.status);
    let finished = undone.status.as_ref().unwrap().finished_at.unwrap();
    let over = async {
        loop {
            let found = told(&stage, &prometheus, &environment).await;
            if !found.is_empty() && found.iter().all(|episode| episode.ended.is_some()) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, over).await.expect("it never ended");
    let whose: BTreeSet<&str> = found.iter().map(|episode| &*episode.labels["component"]).collect();
    assert!(whose.contains("backend") && found.len() == whose.len(), "once of each component: {found:#?}");
    for (began, ended) in found.iter().filter_map(|episode| Some((episode.began?, episode.ended?))) {
        assert!(undone.created_at().unwrap() < began && began < finished, "{began} {finished}");
        assert!(began < ended, "{began} {ended}");
    }
    // and what is told of it now agrees
    let active = prometheus.alerts().await.unwrap();
    assert!(active.alerts.iter().all(|alert| alert.name != "HighErrorRate"), "{active:?}");
    assert!(stage.deployment(PRODUCTION, "backend").await.1.ends_with(":v1.8.1"));
    stage.close(controller).await;
}
