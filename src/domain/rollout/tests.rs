//! Journeys of one release through a small world.

use super::world::{World, healthy};
use super::*;
use crate::api::Duration;
use crate::api::environment::{Gates, OnFailure};
use crate::api::release::{ComponentState, GateState};
use crate::api::release_action::ActionKind;
use crate::domain::fixtures::*;

mod approvals;
mod canary;
mod contested;
mod endings;
mod neighbours;
mod refusals;
mod steps;
mod watched;

#[test]
fn a_release_without_gates_rolls_wave_by_wave() {
    let mut world = World::new(environment());
    assert_eq!(world.run(), Phase::Succeeded);
    let order: Vec<_> = world.writes.iter().map(|(component, _)| component.as_str()).collect();
    assert_eq!(order, ["backend", "frontend"]);
    assert_eq!(world.status().before[0].image, "ghcr.io/acme/backend:v1");
    assert_eq!(world.status().before[0].revision, Some(1));
    assert_eq!(world.status().components[1].revision, Some(2));
    assert_eq!(world.status().weight.as_ref().unwrap().observed, Some(100.0));
    assert_eq!(
        world.reasons(),
        ["Requested", "Started", "WaveRolledOut", "WaveRolledOut", "RolledOut", "Succeeded"]
    );
    assert!(world.status().finished_at.is_some());
}

#[test]
fn nothing_is_written_before_the_intent_is_stored() {
    let mut world = World::new(environment());
    let first = world.turn();
    assert_eq!(first.status.phase, Phase::Progressing);
    assert_eq!(first.status.before.len(), 2);
    assert!(!first.effects.iter().any(|effect| matches!(effect, Effect::SetImage(_))));
    assert_eq!(first.requeue, Requeue::Now);
    let second = world.turn();
    assert!(second.effects.iter().any(|effect| matches!(effect, Effect::SetImage(_))));
}

#[test]
fn a_decision_on_an_unchanged_world_changes_nothing() {
    let mut world = World::new(guarded());
    world.turn();
    let again = next(&world.observed, at(world.secs));
    assert_eq!(Some(&again.status), world.observed.release.status.as_ref());
    assert!(again.effects.is_empty());
}

/// The backend is a StatefulSet of five, half of whose pods come first.
fn by_halves() -> World {
    by_halves_of(5)
}

fn by_halves_of(pods: i32) -> World {
    let mut environment = environment();
    environment.spec.components[0].workload.kind = crate::api::environment::WorkloadKind::StatefulSet;
    let rolling = crate::api::strategy::Rolling { pause_at_percent: Some(50), ..Default::default() };
    environment.spec.strategy = Some(crate::api::strategy::Strategy::Rolling(rolling));
    let mut world = World::new(environment);
    let backend = world.observed.workloads.get_mut("backend").unwrap();
    backend.kind = crate::api::environment::WorkloadKind::StatefulSet;
    (backend.desired, backend.partition) = (pods, Some(0));
    world.roll();
    world
}

#[test]
fn a_stateful_set_stops_at_its_partition_until_a_person_lets_it_go_on() {
    let mut world = by_halves();
    while world.phase() != Phase::Paused {
        world.turn();
        world.roll();
        world.secs += 1;
        assert!(world.secs < 100, "{:#?}", world.status());
    }
    let new = "ghcr.io/acme/backend:v2".to_owned();
    assert_eq!(world.writes, [("backend".to_owned(), new.clone())]);
    let backend = world.observed.workloads["backend"].clone();
    assert_eq!((backend.partition, backend.updated), (Some(2), 3), "rounded up to whole pods");
    assert!(
        world
            .status()
            .timeline
            .iter()
            .any(|e| e.reason == "PartRolledOut" && e.message.starts_with("3 of 5 pods"))
    );
    assert!(world.status().message.starts_with("paused, as step"), "{}", world.status().message);
    let resume = action("on", ActionKind::Resume, "alice", world.secs);
    assert_eq!(world.act(resume).0, ActionResult::Applied);
    assert_eq!(world.run(), Phase::Succeeded);
    let writes: Vec<_> = world.writes.iter().map(|(what, how)| format!("{what} {how}")).collect();
    assert_eq!(
        writes,
        [
            format!("backend {new}"),
            "backend partition Some(0)".to_owned(),
            "frontend ghcr.io/acme/frontend:v2".to_owned()
        ]
    );
}

#[test]
fn the_partition_of_as_many_pods_as_there_can_be_is_half_of_them() {
    let mut world = by_halves_of(i32::MAX);
    while world.observed.workloads["backend"].partition == Some(0) {
        world.turn();
        world.secs += 1;
        assert!(world.secs < 100, "{:#?}", world.status());
    }
    assert_eq!(world.observed.workloads["backend"].partition, Some(i32::MAX / 2));
}

#[test]
fn a_stateful_set_goes_back_with_its_partition() {
    let mut world = by_halves();
    while world.phase() != Phase::Paused {
        world.turn();
        world.roll();
        world.secs += 1;
        assert!(world.secs < 100, "{:#?}", world.status());
    }
    // a release that began before such a partition was refused
    world.observed.release.status.as_mut().unwrap().before[0].partition = Some(1);
    assert_eq!(world.observed.workloads["backend"].partition, Some(2));
    let back = action("back", ActionKind::Rollback, "alice", world.secs);
    assert_eq!(world.act(back).0, ActionResult::Applied);
    assert_eq!(world.run(), Phase::RolledBack);
    let backend = &world.observed.workloads["backend"];
    assert_eq!((backend.image.as_deref(), backend.partition), (Some("ghcr.io/acme/backend:v1"), Some(1)));
}

#[test]
fn the_second_wave_waits_for_the_first() {
    let mut world = World::new(environment());
    world.turns(5);
    assert_eq!(world.writes.len(), 1);
    assert!(world.status().message.contains("observed"));
    assert_eq!(world.status().components[1].state, ComponentState::Waiting);
    world.roll();
    world.turns(3);
    assert_eq!(world.writes.len(), 2);
}

#[test]
fn a_failed_rollout_is_undone_in_reverse_order() {
    let mut world = World::new(environment());
    world.broken = vec!["frontend"];
    assert_eq!(world.run(), Phase::RolledBack);
    let order: Vec<_> =
        world.writes.iter().map(|(c, image)| (c.as_str(), image.rsplit(':').next().unwrap())).collect();
    assert_eq!(order, [("backend", "v2"), ("frontend", "v2"), ("frontend", "v1"), ("backend", "v1")]);
    assert!(world.status().undo.as_ref().unwrap().reason.contains("progress deadline"));
    assert_eq!(world.status().weight.as_ref().unwrap().desired, 0);
    assert_eq!(world.status().weight.as_ref().unwrap().observed, Some(0.0));
}

#[test]
fn a_controller_that_comes_late_to_an_undo_gives_it_its_whole_time() {
    // by a little more than the deadline of that workload, and by much
    for late in [6, 60] {
        let mut world = World::new(environment());
        world.broken = vec!["frontend"];
        while world.status_of("frontend") != Some(ComponentState::RollingBack) {
            world.turn();
            world.roll();
            world.secs += 1;
        }
        // nobody leads for longer than the workload's deadline
        world.secs += late;
        let late = world.turn();
        assert!(!late.effects.iter().any(|effect| matches!(effect, Effect::SetImage(_))), "stored first");
        world.turn();
        assert_eq!(world.image("frontend"), "ghcr.io/acme/frontend:v1");
        // the deployment has seen the change, and still tells of the deadline that the new version missed
        let frontend = world.observed.workloads.get_mut("frontend").unwrap();
        frontend.observed_generation = frontend.generation;
        world.secs += 2;
        assert_eq!(world.turns(2), Phase::RollingBack, "{}", world.status().message);
        world.broken.clear();
        assert_eq!(world.run(), Phase::RolledBack);
    }
}

#[test]
fn hold_keeps_a_failed_release_for_a_person() {
    for (kind, expected) in [
        (ActionKind::Abort, Phase::Aborted),
        (ActionKind::Rollback, Phase::RolledBack),
        (ActionKind::Retry, Phase::Succeeded),
    ] {
        let mut world = World::new(environment());
        world.spec().on_failure = OnFailure::Hold;
        world.broken = vec!["frontend"];
        assert_eq!(world.run(), Phase::Held);
        assert!(world.status().message.contains("retry"));
        assert_eq!(world.image("frontend"), "ghcr.io/acme/frontend:v2");
        world.broken.clear();
        let (result, message) = world.act(action_at_step("a1", kind, 1, 20));
        assert_eq!(result, ActionResult::Applied, "{message}");
        assert_eq!(world.run(), expected, "{kind}");
    }
}

#[test]
fn pause_starts_nothing_new_and_resume_goes_on() {
    let mut world = World::new(environment());
    world.turns(2);
    let (result, message) = world.act(action_at_step("a1", ActionKind::Pause, 0, 11));
    assert_eq!((result, message.contains("not paused")), (ActionResult::Applied, true));
    world.roll();
    assert_eq!(world.turns(5), Phase::Paused);
    assert_eq!(world.writes.len(), 1);
    assert_eq!(world.status().components[0].state, ComponentState::Done);
    let (_, message) = world.act(action_at_step("a2", ActionKind::Resume, 3, 12));
    assert!(message.contains("still at step 1"), "{message}");
    world.act(action_at_step("a3", ActionKind::Resume, 0, 13));
    assert_eq!(world.run(), Phase::Succeeded);
    let (result, message) = world.act(action_at_step("a4", ActionKind::Pause, 0, 14));
    assert_eq!((result, message.contains("already")), (ActionResult::Refused, true));
}

#[test]
fn abort_ends_without_effect_before_and_with_an_undo_after() {
    let mut early = World::new(guarded());
    early.turn();
    early.act(action("a1", ActionKind::Abort, "bob", 11));
    assert_eq!((early.phase(), early.writes.len()), (Phase::Aborted, 0));

    let mut late = World::new(environment());
    late.turns(2);
    late.act(action("a1", ActionKind::Abort, "bob", 11));
    assert_eq!(late.run(), Phase::Aborted);
    assert_eq!(late.image("backend"), "ghcr.io/acme/backend:v1");
    assert_eq!(late.writes.len(), 2);

    let mut between = World::new(environment());
    between.turn();
    between.act(action("a1", ActionKind::Abort, "bob", 11));
    assert_eq!((between.run(), between.writes.len()), (Phase::Aborted, 0));
}

#[test]
fn the_newest_of_its_lane_can_be_rolled_back_after_its_end() {
    let mut world = World::new(environment());
    assert_eq!(world.run(), Phase::Succeeded);
    let mut later = release_at("planera-3", "v3", 500);
    later.status = Some(ReleaseStatus {
        phase: Phase::Succeeded,
        started_at: Some(at(900)),
        ..ReleaseStatus::default()
    });
    world.observed.others = vec![Arc::new(later.clone())];
    let (result, message) = world.act(action("a1", ActionKind::Rollback, "alice", 900));
    assert_eq!((result, message.contains("planera-3 came later")), (ActionResult::Refused, true));
    later.status.as_mut().unwrap().phase = Phase::RolledBack;
    world.observed.others = vec![Arc::new(later)];
    let (result, _) = world.act(action("a2", ActionKind::Rollback, "alice", 901));
    assert_eq!(result, ActionResult::Applied);
    assert_eq!(world.run(), Phase::RolledBack);
    assert_eq!(world.image("backend"), "ghcr.io/acme/backend:v1");
    assert_eq!(world.image("frontend"), "ghcr.io/acme/frontend:v1");
}

#[test]
fn a_failing_health_check_rolls_back_and_smoke_comes_before_the_bake() {
    let mut environment = environment();
    environment.spec.gates = Some(healthy(3));
    environment.spec.bake = Some(Duration::from_mins(1));
    let mut good = World::new(environment.clone());
    assert_eq!(good.run(), Phase::Succeeded);
    assert!(good.asked.contains(&"smoke/0".to_owned()) && good.asked.contains(&"health/0".to_owned()));
    let baked = good.status().finished_at.unwrap() - good.status().verifying_since.unwrap();
    assert!(baked >= TimeDelta::seconds(60));

    let mut bad = World::new(environment.clone());
    bad.answer = GateState::Fail;
    while bad.phase() != Phase::RollingBack {
        bad.turn();
        bad.roll();
        bad.secs += 5;
    }
    let mut unwell =
        World { observed: bad.observed.clone(), writes: Vec::new(), ..World::new(environment.clone()) };
    unwell.secs = bad.secs;
    unwell.answer = GateState::Fail;
    assert_eq!(unwell.run(), Phase::Errored);
    assert!(unwell.status().message.contains("the previous version is not well"));
    bad.answer = GateState::Pass;
    assert_eq!(bad.run(), Phase::RolledBack);
    assert!(bad.reasons().contains(&"HealthChecksFailed"));
    assert_eq!(bad.image("backend"), "ghcr.io/acme/backend:v1");

    let mut unknown = World::new(environment);
    unknown.answer = GateState::NoData;
    assert_eq!(unknown.run(), Phase::Progressing);
    assert!(unknown.status().message.contains("smoke"));
}

#[test]
fn a_smoke_probe_may_fail_until_its_deadline() {
    let mut environment = environment();
    environment.spec.gates = Some(Gates { health: Vec::new(), ..healthy(3) });
    let mut world = World::new(environment);
    world.answer = GateState::Fail;
    assert_eq!(world.run(), Phase::RolledBack);
    assert!(world.reasons().contains(&"SmokeFailed"));
}

#[test]
fn another_hand_is_noticed_and_never_overwritten() {
    let mut world = World::new(environment());
    world.turns(3);
    world.roll();
    world.turns(1);
    world.observed.workloads.get_mut("backend").unwrap().image = Some("ghcr.io/acme/backend:v9".into());
    world.observed.release.status.as_mut().unwrap().step.as_mut().unwrap().index = 0;
    assert_eq!(world.run(), Phase::Errored);
    assert_eq!(world.image("backend"), "ghcr.io/acme/backend:v9");
    assert!(world.status().message.contains("somebody else"));
}

#[test]
fn an_answer_that_was_lost_is_given_again() {
    let mut world = World::new(guarded());
    world.turn();
    let digest = world.digest();
    world.observed.actions.push(approve("a1", "carol", &digest, &["team-leads"], 11));
    let decision = next(&world.observed, at(world.secs));
    world.observed.release.status = Some(decision.status);
    let again = next(&world.observed, at(world.secs));
    assert!(again.effects.iter().any(
        |e| matches!(e, Effect::JudgeAction { name, result: ActionResult::Applied, .. } if name == "a1")
    ));
    let approvals = again.status.timeline.iter().filter(|entry| entry.reason == "Approved").count();
    assert_eq!(approvals, 1);
}
