//! Other hands beside a canary or a switch: autoscalers, drained nodes, changed templates, deleted objects.

use super::super::world::World;
use super::super::*;
use super::canary::{canary, forever, of_backend, story, weight};
use crate::api::Duration;
use crate::api::release_action::ActionKind;
use crate::api::strategy::{BlueGreen, Pause, Step, Strategy, TrafficRouting, Weight};
use crate::domain::fixtures::*;

mod interference;

fn blue_green(router: Option<&str>) -> World {
    let mut environment = environment();
    let routing = |router: &str| TrafficRouting { router: router.into(), config: BTreeMap::new() };
    environment.spec.strategy = Some(Strategy::BlueGreen(BlueGreen {
        traffic_routing: router.map(routing),
        pause_before_switch: true,
        keep_blue: Some(Duration::from_mins(10)),
        ..BlueGreen::default()
    }));
    of_backend(environment, true)
}

fn own(world: &mut World) -> &mut WorkloadState {
    world.observed.workloads.get_mut("backend").unwrap()
}

/// Somebody, or an autoscaler, gives the own workload another size.
fn scale(world: &mut World, pods: i32) {
    let own = own(world);
    (own.desired, own.replicas, own.updated, own.available) = (pods, pods, pods, pods);
}

fn promote(world: &mut World) {
    let step = world.status().step.as_ref().unwrap().index;
    let name = format!("p{}", world.observed.actions.len());
    let (result, why) = world.act(action_at_step(&name, ActionKind::Promote, step, world.secs));
    assert_eq!(result, ActionResult::Applied, "{why}");
}

fn until(world: &mut World, what: &str, done: impl Fn(&World) -> bool) {
    for _ in 0..200 {
        if done(world) {
            return;
        }
        world.turn();
        world.roll();
        world.secs += 1;
    }
    panic!("never {what}: {} {}", world.phase(), world.status().message);
}

fn share(world: &World) -> i32 {
    i32::from(world.observed.traffic["backend"].weight.unwrap().percent())
}

#[test]
fn green_is_as_large_as_blue_is_now_before_the_switch() {
    let mut world = blue_green(None);
    assert_eq!(world.run(), Phase::Paused, "{}", world.status().message);
    scale(&mut world, 9);
    world.turns(2);
    assert_eq!(world.status().tracks[0].desired, 9, "it follows while it is paused");
    world.roll();
    promote(&mut world);
    until(&mut world, "switched", |world| share(world) == 100);
    let story = story(&world);
    assert_eq!(story, ["backend-green 4 pods", "backend-green 9 pods", "backend 100% traffic"]);
}

#[test]
fn the_switch_waits_for_pods_that_were_wanted_a_moment_ago() {
    let mut world = blue_green(None);
    world.run();
    promote(&mut world);
    scale(&mut world, 9);
    world.turns(6);
    assert_eq!(share(&world), 0, "{}", world.status().message);
    until(&mut world, "switched", |world| share(world) == 100);
    assert_eq!(world.observed.tracks["backend"].available, 9);
}

#[test]
fn a_routed_canary_follows_the_size_of_its_stable_workload_at_a_pause() {
    let mut world = canary(vec![weight(50), forever()], true);
    assert_eq!(world.run(), Phase::Paused);
    scale(&mut world, 9);
    until(&mut world, "resized", |world| world.observed.tracks["backend"].available == 5);
    assert!(world.reasons().contains(&"Resized"));
    assert_eq!(world.observed.workloads["backend"].desired, 9, "nobody writes it");
}

/// An autoscaler takes pods away in proportion to the traffic that has left: together both sides keep the capacity.
#[test]
fn pods_that_an_autoscaler_takes_away_with_the_traffic_are_not_missed() {
    let mut world = canary(vec![weight(50), forever(), weight(100), forever()], true);
    assert_eq!(world.run(), Phase::Paused);
    scale(&mut world, 2);
    world.secs += 120;
    world.turns(3);
    assert_eq!(world.status().tracks[0].capacity, Some(4));
    promote(&mut world);
    world.run();
    assert_eq!(world.observed.tracks["backend"].desired, 4, "all of the load, not twice what is left of it");
    // fewer than its share needs: the load itself has become smaller
    let mut world = canary(vec![weight(50), forever(), weight(100), forever()], true);
    world.run();
    scale(&mut world, 1);
    world.secs += 120;
    world.turns(3);
    assert_eq!(world.status().tracks[0].capacity, Some(2));
}

#[test]
fn an_autoscaler_in_a_loop_meets_no_write_against_it() {
    for is_switch in [true, false] {
        let mut world =
            if is_switch { blue_green(None) } else { canary(vec![weight(50), forever(), weight(100)], true) };
        let minutes = 15;
        for second in 0..minutes * 60 {
            scale(&mut world, if second % 2 == 0 { 2 } else { 4 });
            world.turn();
            if world.phase() == Phase::Paused {
                promote(&mut world);
            }
            world.roll();
            scale(&mut world, 2);
            world.secs += 1;
        }
        let writes = story(&world);
        assert!(
            !writes.iter().any(|write| write.starts_with("backend ") && write.ends_with("pods")),
            "{writes:?}"
        );
        assert!(writes.len() < 2 * minutes, "{writes:?}");
        assert_eq!(world.phase(), Phase::Succeeded, "{}", world.status().message);
    }
}

#[test]
fn going_back_to_a_blue_that_lost_its_pods_goes_in_proportion() {
    let mut world = blue_green(Some("gateway-api"));
    world.run();
    scale(&mut world, 9);
    promote(&mut world);
    until(&mut world, "switched", |world| share(world) == 100);
    scale(&mut world, 2);
    world.turns(2);
    world.act(action("back", ActionKind::Rollback, "alice", world.secs));
    world.turns(4);
    assert_eq!(
        share(&world),
        70,
        "two pods take no more than three pods' part of nine: {}",
        world.status().message
    );
    assert!(world.status().message.contains("goes back at"), "{}", world.status().message);
    // the load brings pods, and pods bring the load
    for (pods, expected) in [(4, 35), (6, 0)] {
        scale(&mut world, pods);
        world.turns(3);
        assert_eq!(share(&world), expected, "{}", world.status().message);
    }
    world.run();
    assert_eq!(world.phase(), Phase::RolledBack, "{}", world.status().message);
}

#[test]
fn going_back_never_waits_for_ever() {
    for router in [None, Some("gateway-api")] {
        let mut world = blue_green(router);
        world.run();
        scale(&mut world, 9);
        promote(&mut world);
        until(&mut world, "switched", |world| share(world) == 100);
        scale(&mut world, 1);
        world.turns(2);
        world.act(action("back", ActionKind::Rollback, "alice", world.secs));
        world.turns(3);
        let begun = world.secs;
        assert!(share(&world) > 0);
        while share(&world) > 0 {
            scale(&mut world, 1);
            world.turn();
            world.secs += 1;
            assert!(world.secs - begun <= 130, "{}", world.status().message);
        }
        assert!(world.secs - begun >= 110, "it waits before it overloads what is left");
    }
}

#[test]
fn a_green_that_serves_nothing_is_left_at_once() {
    let mut world = blue_green(None);
    world.run();
    promote(&mut world);
    until(&mut world, "switched", |world| share(world) == 100);
    scale(&mut world, 1);
    world.observed.tracks.get_mut("backend").unwrap().available = 0;
    world.act(action("back", ActionKind::Rollback, "alice", world.secs));
    world.turns(4);
    assert_eq!(share(&world), 0, "{}", world.status().message);
}

#[test]
fn an_evicted_canary_gives_its_traffic_back_and_goes_on_with_its_step() {
    let pause = Step::Pause(Pause { duration: Some(Duration::from_mins(1)) });
    let mut world = canary(vec![weight(10), pause, weight(50), forever()], true);
    until(&mut world, "in the pause", |world| {
        world.status_or_default().step.is_some_and(|step| step.index == 1 && step.until.is_some())
    });
    let until_before = world.status().step.as_ref().unwrap().until.unwrap();
    world.observed.tracks.get_mut("backend").unwrap().available = 0;
    world.turns(3);
    assert_eq!((world.phase(), share(&world)), (Phase::Progressing, 0), "{}", world.status().message);
    assert!(world.reasons().contains(&"PodsLost"));
    world.secs += 20;
    world.turns(3);
    assert_eq!((world.phase(), share(&world)), (Phase::Progressing, 0));
    world.roll();
    world.turns(6);
    assert_eq!(share(&world), 10, "{}", world.status().message);
    assert!(world.reasons().contains(&"PodsBack"));
    let step = world.status().step.clone().unwrap();
    assert_eq!(step.index, 1, "the same step");
    assert_eq!((step.until.unwrap() - until_before).num_seconds(), 20, "the pause has its whole time");
    assert_eq!(world.run(), Phase::Paused);
    assert_eq!(share(&world), 50);
}

#[test]
fn what_is_lost_at_a_pause_comes_back_with_its_share() {
    let mut world = canary(vec![weight(50), forever()], true);
    assert_eq!(world.run(), Phase::Paused);
    world.act(action_at_step("p", ActionKind::Pause, 1, world.secs));
    world.observed.tracks.get_mut("backend").unwrap().available = 0;
    world.turns(3);
    assert_eq!((world.phase(), share(&world)), (Phase::Paused, 0));
    world.roll();
    world.turns(4);
    assert_eq!((world.phase(), share(&world)), (Phase::Paused, 50), "{}", world.status().message);
    assert_eq!(world.status().tracks[0].loss, None);
}

#[test]
fn what_never_comes_back_and_what_crashes_fails() {
    // for longer than a rollout may stand still
    let mut world = canary(vec![weight(50), forever()], true);
    world.run();
    world.observed.tracks.get_mut("backend").unwrap().available = 0;
    world.turns(3);
    world.secs += 601;
    world.turns(1);
    assert_eq!(world.phase(), Phase::RollingBack, "{}", world.status().message);
    assert!(world.status().message.contains("no pod of backend-canary has been available"));
    // again and again
    let mut world = canary(vec![weight(50), forever()], true);
    world.run();
    for _ in 0..4 {
        assert_eq!(world.phase(), Phase::Paused, "{}", world.status().message);
        world.observed.tracks.get_mut("backend").unwrap().available = 0;
        world.turns(3);
        world.roll();
        world.turns(4);
    }
    assert!(world.status().undo.as_ref().unwrap().reason.contains("4 times"), "{:?}", world.status().undo);
    // a container that crashed
    let mut world = canary(vec![weight(50), forever()], true);
    world.run();
    world.observed.tracks.get_mut("backend").unwrap().available = 0;
    world.observed.crashes.insert("backend".into(), "container backend crashed: OOMKilled".into());
    world.turns(3);
    assert!(world.status().undo.as_ref().unwrap().reason.contains("OOMKilled"), "{:?}", world.status().undo);
}
