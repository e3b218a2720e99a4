//! What numbers and alerts do to a canary, and how green is proved before a switch.

use super::super::world::{World, healthy};
use super::super::*;
use super::canary::{canary, of_backend, story, weight};
use crate::api::Duration;
use crate::api::environment::{Analysis, Gates, Metrics, PrometheusRef};
use crate::api::release::GateState;
use crate::api::release_action::ActionKind;
use crate::api::strategy::{AnalysisStep, BlueGreen, Pause, Step, Strategy};
use crate::domain::fixtures::*;
use crate::domain::measure::Alert;

fn watched(steps: Vec<Step>) -> World {
    let mut world = canary(steps, true);
    let spec = world.spec();
    let queries = [("errorRate".to_owned(), "sum(errors{track=\"{{track}}\"})".to_owned())];
    spec.metrics = Some(Metrics { queries: queries.into(), ..metrics() });
    let rule = serde_json::json!({"name": "error-rate", "query": "errorRate", "failWhen": "> 0.10", "interval": "5s"});
    spec.analysis = vec![serde_json::from_value::<Analysis>(rule).unwrap()];
    world.number = Some(0.01);
    world
}

fn metrics() -> Metrics {
    let service = Some("monitoring/prometheus:9090".to_owned());
    Metrics { prometheus: Some(PrometheusRef { service, url: None }), ..Metrics::default() }
}

fn forever() -> Step {
    Step::Pause(Pause::default())
}

#[test]
fn good_numbers_let_it_go_on() {
    let mut world = watched(vec![weight(10), Step::Analysis(AnalysisStep::default()), weight(50)]);
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    assert!(world.reasons().contains(&"AnalysisPassed"));
    assert_eq!(world.status().analysis[0].state, GateState::Pass);
}

#[test]
fn bad_numbers_bring_it_back_also_while_it_waits_for_a_person() {
    let mut world = watched(vec![weight(10), forever()]);
    assert_eq!(world.run(), Phase::Paused, "{}", world.status().message);
    world.number = Some(0.31);
    assert_eq!(world.run(), Phase::RolledBack);
    let reason = &world.status().undo.as_ref().unwrap().reason;
    assert!(world.reasons().contains(&"AnalysisFailed") && reason.contains("error-rate"), "{reason}");
    let mut held = watched(vec![weight(10), forever()]);
    held.spec().rollback_on.analysis = false;
    held.number = Some(0.31);
    assert_eq!(held.run(), Phase::Held);
    assert!(!held.status().tracks.is_empty());
}

#[test]
fn nothing_succeeds_while_it_is_failing_and_only_time_has_to_decide() {
    for (number, expected) in [(0.31, Phase::RolledBack), (0.01, Phase::Succeeded)] {
        let mut world = watched(vec![weight(10), forever()]);
        world.spec().analysis[0].for_ = Some(Duration::from_mins(5));
        world.spec().bake = Some(Duration::from_secs(10));
        assert_eq!(world.run(), Phase::Paused, "{}", world.status().message);
        world.number = Some(0.31);
        world.act(action_at_step("a1", ActionKind::Promote, 1, 12));
        // rolled out and past its bake, and far from five minutes
        assert_eq!(world.run_for(20), Phase::Verifying, "{}", world.status().message);
        let message = &world.status().message;
        assert!(message.starts_with("watched until analysis error-rate has decided: "), "{message}");
        world.number = Some(number);
        assert_eq!(world.run(), expected, "{}", world.status().message);
    }
}

#[test]
fn no_data_holds_and_lets_nothing_grow() {
    for steps in [
        vec![weight(10), Step::Analysis(AnalysisStep::default()), weight(50)],
        vec![weight(10), weight(50)],
        vec![weight(10), Step::Pause(Pause { duration: Some(Duration::from_secs(20)) }), weight(50)],
    ] {
        let mut world = watched(steps);
        world.number = None;
        assert_eq!(world.run(), Phase::Progressing);
        let message = &world.status().message;
        assert!(message.contains("is held by analysis/error-rate"), "{message}");
        assert_eq!(world.status().weight.as_ref().unwrap().desired, 10);
        world.number = Some(0.01);
        assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    }
}

#[test]
fn an_alert_that_began_after_it_brings_it_back() {
    for (since, expected) in [(5, Phase::Paused), (60, Phase::RolledBack)] {
        let mut world = canary(vec![weight(10), forever()], true);
        world.spec().metrics = Some(metrics());
        world.spec().rollback_on.alerts = vec!["HighErrorRate".into()];
        world.alerts =
            vec![Alert { name: "HighErrorRate".into(), since: at(since), labels: BTreeMap::new() }];
        assert_eq!(world.run(), expected, "{}", world.status().message);
    }
}

fn blue_green(settings: BlueGreen) -> World {
    let mut environment = environment();
    environment.spec.strategy = Some(Strategy::BlueGreen(settings));
    of_backend(environment, true)
}

#[test]
fn green_is_switched_to_in_one_write_and_blue_follows() {
    let keep = Some(Duration::from_mins(1));
    let mut world = blue_green(BlueGreen { keep_blue: keep, ..BlueGreen::default() });
    world.spec().gates = Some(Gates { health: Vec::new(), ..healthy(3) });
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    assert_eq!(
        story(&world),
        [
            "backend-green 4 pods",
            "backend 100% traffic",
            "backend backend:v2",
            "backend 0% traffic",
            "backend-green gone",
        ]
    );
    assert_eq!(
        world.asked.iter().filter(|name| *name == "smoke/0").count(),
        2,
        "before and after the switch"
    );
    let at_step = |reason: &str| world.status().timeline.iter().find(|e| e.reason == reason).unwrap().at;
    assert!(at_step("PauseEnded") - at_step("Switched") >= TimeDelta::seconds(60));
}

#[test]
fn green_that_fails_its_smoke_probe_is_never_switched_to() {
    let mut world = blue_green(BlueGreen::default());
    world.spec().gates = Some(Gates { health: Vec::new(), ..healthy(3) });
    while world.status_or_default().step.as_ref().is_none_or(|step| step.index == 0) {
        world.turn();
        world.roll();
    }
    world.answer = GateState::Fail;
    assert_eq!(world.run(), Phase::RolledBack, "{}", world.status().message);
    assert_eq!(story(&world), ["backend-green 4 pods", "backend-green gone"]);
}

#[test]
fn after_the_switch_one_write_leads_back() {
    let mut world = blue_green(BlueGreen {
        keep_blue: Some(Duration::from_mins(60)),
        pause_before_switch: true,
        ..BlueGreen::default()
    });
    assert_eq!(world.run(), Phase::Paused);
    assert!(!story(&world).iter().any(|write| write.contains("traffic")));
    world.act(action_at_step("a1", ActionKind::Promote, 1, 12));
    assert_eq!(world.run(), Phase::Progressing);
    let writes = world.writes.len();
    assert_eq!(world.status().weight.as_ref().unwrap().observed, Some(100.0));
    world.act(action("a2", ActionKind::Rollback, "alice", 13));
    assert_eq!(world.run(), Phase::RolledBack);
    assert_eq!(story(&world)[writes..], ["backend 0% traffic", "backend-green gone"]);
}

#[test]
fn promoting_ends_the_time_that_blue_is_kept() {
    let mut world =
        blue_green(BlueGreen { keep_blue: Some(Duration::from_mins(60)), ..BlueGreen::default() });
    assert_eq!(world.run(), Phase::Progressing);
    world.act(action_at_step("a1", ActionKind::Promote, 2, 12));
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
}

#[test]
fn nothing_is_switched_before_every_green_is_ready() {
    let mut environment = environment();
    environment.spec.strategy = Some(Strategy::BlueGreen(BlueGreen::default()));
    let mut world = of_backend(environment, true);
    world.observed.release = release("v2");
    let state = world.observed.traffic["backend"].clone();
    world.observed.traffic.insert("frontend".into(), state);
    world.broken = vec!["frontend-green"];
    assert_eq!(world.run(), Phase::RolledBack, "{}", world.status().message);
    assert!(!story(&world).iter().any(|write| write.contains("traffic")), "{:?}", world.writes);
    world.broken.clear();
    let mut good =
        World { observed: world.observed.clone(), ..World::new(world.observed.environment.clone().unwrap()) };
    good.observed.release.status = None;
    good.secs = world.secs;
    assert_eq!(good.run(), Phase::Succeeded);
    let switches: Vec<_> = story(&good).into_iter().filter(|write| write.contains("100%")).collect();
    assert_eq!(switches, ["backend 100% traffic", "frontend 100% traffic"]);
}

#[test]
fn a_comparison_that_cannot_be_made_changes_no_status_by_itself() {
    let mut world = watched(Vec::new());
    let rule = serde_json::json!({"name": "errors", "query": "errorRate", "against": "stable", "test": "twoProportion"});
    world.spec().analysis = vec![serde_json::from_value::<Analysis>(rule).unwrap()];
    world.spec().strategy = None;
    for _ in 0..20 {
        world.turn();
        if !world.status().analysis.is_empty() {
            break;
        }
    }
    let verdicts = |secs| next(&world.observed, at(secs)).status.analysis;
    let now = verdicts(world.secs);
    assert!(
        now.iter().any(|verdict| verdict.detail.contains("no old version serves")),
        "{:?}",
        world.status()
    );
    assert_eq!(verdicts(world.secs + 1), now);
}
