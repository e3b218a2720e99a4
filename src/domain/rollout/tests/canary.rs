//! Journeys of a canary: pods and traffic move one after the other, people and time in between.

use super::super::world::World;
use super::super::*;
use crate::api::release_action::ActionKind;
use crate::api::strategy::{Canary, Pause, Step, Strategy, Track, TrafficRouting, Weight};
use crate::domain::fixtures::*;

pub(super) fn weight(percent: u8) -> Step {
    Step::SetWeight(Weight::new(percent).unwrap())
}

pub(super) fn forever() -> Step {
    Step::Pause(Pause::default())
}

/// One component, so that the order of writes tells a story.
pub(super) fn canary(steps: Vec<Step>, is_routed: bool) -> World {
    let mut environment = environment();
    let routing = TrafficRouting { router: "gateway-api".into(), config: BTreeMap::new() };
    environment.spec.strategy = Some(Strategy::Canary(Canary {
        traffic_routing: is_routed.then_some(routing),
        steps,
        ..Canary::default()
    }));
    of_backend(environment, is_routed)
}

pub(super) fn of_backend(environment: Environment, is_routed: bool) -> World {
    let mut world = World::new(environment);
    world.observed.release.spec.images.truncate(1);
    if is_routed {
        let state = TrafficState {
            weight: Some(Weight::ZERO),
            is_accepted: true,
            detail: "read".into(),
            ..TrafficState::default()
        };
        world.observed.traffic.insert("backend".into(), state);
    }
    world
}

pub(super) fn story(world: &World) -> Vec<String> {
    world.writes.iter().map(|(what, how)| format!("{what} {}", how.rsplit('/').next().unwrap())).collect()
}

#[test]
fn without_a_router_pods_change_sides_and_none_is_missing_meanwhile() {
    let mut world = canary(vec![weight(30), weight(50)], false);
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    assert_eq!(
        story(&world),
        [
            "backend-canary 1 pods",
            "backend 3 pods",
            "backend-canary 2 pods",
            "backend 2 pods",
            "backend backend:v2",
            "backend 4 pods",
            "backend-canary gone",
        ]
    );
    assert!(world.status().tracks.is_empty() && world.observed.tracks.is_empty());
    let reasons = world.reasons();
    assert_eq!(
        reasons,
        [
            "Requested",
            "Started",
            "WeightReached",
            "WeightReached",
            "WaveRolledOut",
            "Settled",
            "RolledOut",
            "Succeeded"
        ]
    );
    let told = world.status().timeline.iter().find(|entry| entry.reason == "WeightReached").unwrap();
    assert_eq!(told.message, "30% of 4 replicas is 25%: 1 of 4");
}

#[test]
fn without_a_router_everything_can_be_on_the_canary() {
    let mut world = canary(vec![weight(100)], false);
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    let expected = [
        "backend-canary 4 pods",
        "backend 0 pods",
        "backend backend:v2",
        "backend 4 pods",
        "backend-canary gone",
    ];
    assert_eq!(story(&world), expected);
}

#[test]
fn with_a_router_pods_come_before_traffic_and_go_after_it() {
    let mut world = canary(vec![weight(10), weight(50)], true);
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    assert_eq!(
        story(&world),
        [
            "backend-canary 1 pods",
            "backend 10% traffic",
            "backend-canary 2 pods",
            "backend 50% traffic",
            "backend-canary 4 pods",
            "backend 100% traffic",
            "backend backend:v2",
            "backend 0% traffic",
            "backend-canary gone",
        ]
    );
}

#[test]
fn the_three_weights_are_told_apart() {
    let mut world = canary(vec![weight(20), forever()], false);
    assert_eq!(world.run(), Phase::Paused);
    let weights = world.status().weight.clone().unwrap();
    assert_eq!((weights.desired, weights.achievable, weights.observed), (20, Some(25), Some(25.0)));
    assert_eq!(world.status().tracks[0].available, 1);
    assert_eq!(world.status().before[0].replicas, Some(4));
    let mut routed = canary(vec![weight(20), forever()], true);
    routed.run();
    let weights = routed.status().weight.clone().unwrap();
    assert_eq!((weights.desired, weights.achievable, weights.observed), (20, Some(20), Some(20.0)));
}

#[test]
fn nothing_beside_is_written_before_its_intent_is_stored() {
    for is_routed in [false, true] {
        let mut world = canary(vec![weight(25)], is_routed);
        for _ in 0..60 {
            let before = world.status_or_default();
            let decision = world.turn();
            let tracks = |status: &ReleaseStatus| -> Vec<_> {
                status.tracks.iter().map(|t| (t.desired, t.stable_desired, t.traffic)).collect()
            };
            if decision.effects.iter().any(Effect::changes_world) {
                assert_eq!(
                    (before.phase, before.step.clone()),
                    (decision.status.phase, decision.status.step.clone())
                );
                assert_eq!(tracks(&before), tracks(&decision.status));
            }
            world.roll();
            world.secs += 1;
        }
        assert_eq!(world.phase(), Phase::Succeeded);
    }
}

#[test]
fn going_back_brings_traffic_home_before_pods_leave() {
    for (is_routed, expected) in [
        (true, vec!["backend 0% traffic", "backend-canary gone"]),
        (false, vec!["backend 4 pods", "backend-canary gone"]),
    ] {
        for (kind, phase) in [(ActionKind::Abort, Phase::Aborted), (ActionKind::Rollback, Phase::RolledBack)]
        {
            let mut world = canary(vec![weight(50), forever()], is_routed);
            world.run();
            let before = world.writes.len();
            world.act(action("a1", kind, "alice", 12));
            assert_eq!(world.run(), phase, "{}", world.status().message);
            assert_eq!(story(&world)[before..], expected);
            assert!(world.status().tracks.is_empty() && world.status().message.contains("restored"));
        }
    }
}

#[test]
fn going_back_while_the_own_workload_is_replaced_puts_that_back_first() {
    let mut world = canary(vec![weight(50)], true);
    while !world.image("backend").ends_with(":v2") {
        world.turn();
        if !world.image("backend").ends_with(":v2") {
            world.roll();
        }
    }
    world.act(action("a1", ActionKind::Rollback, "alice", 12));
    assert_eq!(world.run(), Phase::RolledBack);
    let story = story(&world);
    let last = &story[story.len() - 3..];
    assert_eq!(last, ["backend backend:v1", "backend 0% traffic", "backend-canary gone"]);
}

#[test]
fn a_canary_that_never_runs_is_removed_again() {
    for is_routed in [false, true] {
        let mut world = canary(vec![weight(25)], is_routed);
        world.broken = vec!["backend-canary"];
        assert_eq!(world.run(), Phase::RolledBack, "{}", world.status().message);
        assert_eq!(story(&world), ["backend-canary 1 pods", "backend-canary gone"]);
        assert!(world.status().undo.as_ref().unwrap().reason.contains("backend-canary"));
    }
}

#[test]
fn the_only_healthy_copy_is_left_alone() {
    let mut world = canary(vec![weight(50), forever()], true);
    world.spec().gates = Some(crate::domain::rollout::world::healthy(1));
    world.run();
    world.observed.workloads.get_mut("backend").unwrap().available = 0;
    world.answer = crate::api::release::GateState::Fail;
    world.secs += 10;
    world.turns(2);
    assert_eq!(world.phase(), Phase::Held);
    let message = &world.status().message;
    assert!(message.contains("backend-canary is the only healthy copy of backend"), "{message}");
    let writes = world.writes.len();
    // a person may go back, and traffic still waits until somebody is there
    world.act(action("a1", ActionKind::Rollback, "alice", 12));
    world.turns(5);
    assert_eq!((world.phase(), world.writes.len()), (Phase::RollingBack, writes));
    assert!(world.status().message.contains("0 of 3 pods that must serve"), "{}", world.status().message);
    world.answer = crate::api::release::GateState::Pass;
    assert_eq!(world.run(), Phase::RolledBack);
}

#[test]
fn a_promotion_that_gets_stuck_does_not_leave_the_healthy_canary() {
    let mut world = canary(vec![weight(50)], true);
    world.broken = Vec::new();
    while !world.image("backend").ends_with(":v2") {
        world.turn();
        if !world.image("backend").ends_with(":v2") {
            world.roll();
        }
    }
    let own = world.observed.workloads.get_mut("backend").unwrap();
    own.observed_generation = own.generation;
    (own.replicas, own.updated, own.available) = (5, 1, 3);
    own.progress_deadline = TimeDelta::seconds(5);
    own.progressing = Some(crate::domain::rollout_status::Progressing {
        reason: crate::domain::rollout_status::PROGRESS_DEADLINE_EXCEEDED.into(),
        updated_at: Some(at(world.secs + 10)),
    });
    world.secs += 10;
    world.turns(2);
    assert_eq!(world.phase(), Phase::Held, "{}", world.status().message);
    assert!(world.status().message.contains("is being replaced"), "{}", world.status().message);
}

#[test]
fn a_router_that_somebody_changed_is_shown_and_not_overwritten_until_a_person_says_so() {
    let mut world = canary(vec![weight(20), forever(), weight(50)], true);
    world.run();
    world.observed.traffic.get_mut("backend").unwrap().weight = Weight::new(35);
    let writes = world.writes.len();
    world.turns(3);
    assert_eq!((world.phase(), world.writes.len()), (Phase::Paused, writes));
    let drift = world.status().tracks[0].drift.clone().unwrap();
    assert!(drift.contains("35%") && drift.contains("20% was meant"), "{drift}");
    let (result, message) = world.act(action_at_step("a1", ActionKind::Promote, 1, 12));
    assert_eq!((result, message.contains("resume takes that over")), (ActionResult::Refused, true));
    world.act(action_at_step("a2", ActionKind::Resume, 1, 13));
    world.turns(3);
    assert_eq!(story(&world)[writes..], ["backend 20% traffic"]);
    assert_eq!((world.phase(), world.status().tracks[0].drift.clone()), (Phase::Paused, None));
    assert!(world.reasons().contains(&"RouterTakenOver"));
}

#[test]
fn a_router_that_states_something_at_the_start_stops_the_release() {
    let mut world = canary(vec![weight(20)], true);
    world.observed.traffic.get_mut("backend").unwrap().weight = Weight::new(5);
    assert_eq!(world.turns(4), Phase::Paused);
    assert!(world.writes.is_empty() && world.reasons().contains(&"RouterDrifted"));
}

#[test]
fn a_router_that_does_not_accept_is_waited_for_until_the_deadline() {
    let mut world = canary(vec![weight(20), forever()], true);
    world.observed.traffic.get_mut("backend").unwrap().is_accepted = false;
    for _ in 0..8 {
        world.turn();
        world.roll();
    }
    assert!(world.status().message.contains("has not accepted 20%"), "{}", world.status().message);
    world.secs += 601;
    world.turns(1);
    assert_eq!(world.phase(), Phase::RollingBack, "{}", world.status().message);
}

#[test]
fn two_components_move_side_by_side_and_roll_in_waves() {
    let mut environment = environment();
    environment.spec.strategy =
        Some(Strategy::Canary(Canary { steps: vec![weight(50)], ..Canary::default() }));
    let mut world = World::new(environment);
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    let images: Vec<_> = story(&world).into_iter().filter(|write| write.contains(":v2")).collect();
    assert_eq!(images, ["backend backend:v2", "frontend frontend:v2"]);
    assert_eq!(world.writes.len(), 10);
    assert!(world.observed.workloads.values().all(|workload| workload.desired == 4));
}

#[test]
fn a_component_that_does_not_change_has_no_second_workload() {
    let mut world = canary(vec![weight(50)], false);
    world.observed.workloads.get_mut("backend").unwrap().image = Some("ghcr.io/acme/backend:v2".into());
    assert_eq!(world.run(), Phase::Succeeded);
    assert!(world.writes.is_empty());
}

#[test]
fn an_environment_that_vanishes_changes_nothing_meanwhile() {
    let mut world = canary(vec![weight(50), forever()], true);
    for _ in 0..4 {
        world.turn();
        world.roll();
    }
    let environment = world.observed.environment.take();
    let writes = world.writes.len();
    world.turns(4);
    assert_eq!(world.writes.len(), writes);
    world.observed.environment = environment;
    assert_eq!(world.run(), Phase::Paused);
    assert_eq!(Track::Canary.workload_name("backend"), world.status().tracks[0].workload);
}
