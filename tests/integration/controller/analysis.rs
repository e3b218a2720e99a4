//! Canaries that are judged by their numbers on the embedded world: bad ones go back by error rate, by latency and by an alert,
//! one without data is held, a good one passes.

use release_cockpit::api::release::GateState;
use release_cockpit::sim::scenario::Behaviour;

use super::*;

const VERSION: &str = "v2.0.0";

/// The story's world, with a canary in production that waits for nobody: these changes of the environment, and what the version does.
fn scenario(changes: &Value, behaviour: Behaviour) -> Scenario {
    let mut scenario = Scenario::builtin("planera").unwrap();
    let steps = json!([{"setWeight": 50}, {"analysis": {}}]);
    let mut all = json!({
        "promotion": null, "approval": null, "windows": null, "gates": null, "bake": "1s",
        "strategy": {"rolling": null, "canary": {"steps": steps}},
        "allowedStrategies": ["canary"],
    });
    json_patch::merge(&mut all, changes);
    for object in &mut scenario.objects {
        if object.yaml.contains("kind: Environment") && object.yaml.contains("name: production") {
            let mut value: Value = serde_saphyr::from_str(&object.yaml).unwrap();
            json_patch::merge(&mut value["spec"], &all);
            object.yaml = value.to_string();
        }
    }
    scenario.versions.insert(VERSION.to_owned(), behaviour);
    scenario
}

/// The release of the version in a world of its own, once each of these was true of it in turn.
async fn released(scenario: Scenario, moments: &[fn(&Release) -> bool]) -> Vec<Release> {
    let stage = Stage::play(scenario, SPEED, true).await;
    let controller = stage.controller(Faults::default());
    let asked = stage.ask("alice", PRODUCTION, VERSION).await;
    let mut seen = Vec::new();
    for moment in moments {
        seen.push(stage.when(&asked, moment).await);
    }
    stage.close(controller).await;
    seen
}

fn is_over(release: &Release) -> bool {
    release.phase().is_final() || release.phase() == Phase::Held
}

/// Why it went back.
async fn undone(scenario: Scenario) -> String {
    let ended = released(scenario, &[is_over]).await.remove(0);
    assert_eq!(ended.phase(), Phase::RolledBack, "{:#?}", ended.status);
    ended.status.unwrap().undo.unwrap().reason
}

fn against_stable(query: &str, test: &str) -> Value {
    json!({"analysis": [{
        "name": "comparison", "query": query, "against": "stable", "test": test, "confidence": 0.99, "interval": "5s",
        "components": ["backend"],
    }]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_with_more_errors_goes_back() {
    let changes = against_stable("errorRate", "twoProportion");
    let why = undone(scenario(&changes, Behaviour { error_rate: 0.3, ..Behaviour::default() })).await;
    assert!(why.contains("comparison of backend: canary is worse: ") && why.contains(" errors on "), "{why}");
    assert!(why.contains("; an equal canary would show this at most once in "), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slower_canary_goes_back() {
    let slow = Behaviour { latency_p50: 0.8, latency_p99: 3.0, ..Behaviour::default() };
    let why = undone(scenario(&against_stable("latencyBuckets", "mannWhitney"), slow)).await;
    assert!(
        why.contains("comparison of backend: canary is slower: p95 ") && why.ends_with(" releases"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_goes_back_when_a_named_alert_begins_to_fire() {
    let changes = json!({
        "analysis": [], "rollbackOn": {"alerts": ["HighErrorRate"]},
        "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}},
    });
    let mut scenario = scenario(&changes, Behaviour { error_rate: 0.4, ..Behaviour::default() });
    let all = |matchers: &str| format!("sum by (namespace) (rate(http_requests_total{{{matchers}}}[30s]))");
    let ratio = format!("{} / {} > 0.05", all("code=~\"5..\""), all(""));
    let rules = json!([
        {"alert": "HighErrorRate", "expr": ratio, "for": "10s", "labels": {"severity": "page"}},
        {"alert": "Watchdog", "expr": "vector(1)"},
    ]);
    scenario.rules = serde_json::from_value(rules).unwrap();
    let why = undone(scenario).await;
    assert!(why.starts_with("alert HighErrorRate (severity page) fires since "), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_data_a_canary_is_held_and_says_why() {
    let changes = json!({
        "metrics": {"queries": {"orders": "sum(orders_failed{namespace=\"{{namespace}}\",track=\"{{track}}\"})"}},
        "analysis": [{"name": "orders", "query": "orders", "failWhen": "> 1", "interval": "5s", "components": ["backend"]}],
    });
    let waits = |release: &Release| {
        let gates = release.status.as_ref().map_or(&[][..], |status| &status.gates);
        gates.iter().any(|gate| {
            gate.name == "analysis/orders"
                && gate.state == GateState::NoData
                && gate.detail.contains("no data")
        })
    };
    let seen = released(scenario(&changes, Behaviour::default()), &[waits]).await.remove(0);
    assert_eq!(seen.phase(), Phase::Progressing);
    let verdict = &seen.status.as_ref().unwrap().analysis[0];
    assert_eq!(verdict.state, GateState::NoData);
    assert_eq!(verdict.detail, "orders of backend: no data of the canary: the query gives nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_canary_is_measured_and_passes() {
    let mut changes = against_stable("errorRate", "twoProportion");
    // nobody is surer than this of a difference that is none
    changes["analysis"][0]["confidence"] = json!(0.9999);
    let is_measured = |release: &Release| {
        let weight = release.status.as_ref().and_then(|status| status.weight.clone());
        let passes = release.status.as_ref().is_some_and(|status| {
            status
                .analysis
                .iter()
                .any(|verdict| verdict.state == GateState::Pass && verdict.samples.is_some())
        });
        passes && weight.and_then(|weight| weight.observed).is_some_and(|share| (10.0..90.0).contains(&share))
    };
    let seen = released(scenario(&changes, Behaviour::default()), &[is_measured, is_over]).await;
    assert_eq!(seen[1].phase(), Phase::Succeeded, "{:#?}", seen[1].status);
    assert!(reasons(&seen[1]).contains(&"AnalysisPassed"), "{:?}", reasons(&seen[1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_understands_is_told_before_anything_begins() {
    let changes = json!({"analysis": [{"name": "latency", "query": "latency", "failWhen": "slow"}]});
    let waits = |release: &Release| {
        let gates = release.status.as_ref().map_or(&[][..], |status| &status.gates);
        gates.iter().any(|gate| gate.name == "analysis" && gate.state == GateState::Fail)
    };
    let seen = released(scenario(&changes, Behaviour::default()), &[waits]).await.remove(0);
    let gate = seen.status.as_ref().unwrap().gates.iter().find(|gate| gate.name == "analysis").unwrap();
    assert!(
        gate.detail.starts_with("analysis latency: failWhen: `slow` is not a comparison: write <, <=,"),
        "{}",
        gate.detail
    );
    assert_eq!(seen.phase(), Phase::Pending);
}
