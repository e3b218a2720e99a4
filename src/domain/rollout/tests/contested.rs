//! A partition that somebody else sets again and again: the release stops fighting, and says who does it.

use super::super::contested::WRITES;
use super::*;
use crate::api::environment::WorkloadKind;
use crate::domain::rollout_status::WorkloadState;

/// One StatefulSet of four pods.
fn set() -> World {
    let mut environment = environment();
    environment.spec.components.truncate(1);
    environment.spec.components[0].workload.kind = WorkloadKind::StatefulSet;
    let mut world = World::new(environment);
    world.observed.release.spec.images.truncate(1);
    world.observed.workloads.remove("frontend");
    let workload = backend(&mut world);
    (workload.kind, workload.partition) = (WorkloadKind::StatefulSet, Some(0));
    world
}

fn backend(world: &mut World) -> &mut WorkloadState {
    world.observed.workloads.get_mut("backend").unwrap()
}

fn raise(world: &mut World, by: Option<&str>) {
    let workload = backend(world);
    (workload.partition, workload.partition_by) = (Some(2), by.map(ToOwned::to_owned));
    workload.generation += 1;
}

/// Raises the partition as often as the release lowers it, at most so many times, while the workload has that image.
fn fight(world: &mut World, by: Option<&str>, image: &str, mut times: i32) -> Phase {
    for _ in 0..120 {
        world.turn();
        let workload = backend(world);
        let is_lowered = workload.partition == Some(0);
        if times > 0 && is_lowered && workload.image.as_ref().unwrap().ends_with(image) {
            raise(world, by);
            times -= 1;
        }
        world.roll();
        world.secs += 1;
        if world.phase().is_final() || world.phase() == Phase::Held {
            break;
        }
    }
    world.phase()
}

/// How often the partition was lowered.
fn lowered(world: &World) -> i32 {
    let count = world.writes.iter().filter(|(_, how)| how == "partition Some(0)").count();
    i32::try_from(count).unwrap()
}

#[test]
fn a_partition_that_is_raised_ever_again_holds_the_release_and_names_who_does_it() {
    for (by, name) in [(Some("argocd-controller"), "argocd-controller"), (None, "somebody else")] {
        for image in [":v2", ":v1"] {
            let mut world = set();
            if image == ":v1" {
                while !backend(&mut world).image.as_ref().unwrap().ends_with(":v2") {
                    world.turn();
                }
                let back = action("back", ActionKind::Rollback, "alice", world.secs);
                assert_eq!(world.act(back).0, ActionResult::Applied);
            }
            assert_eq!(fight(&mut world, by, image, i32::MAX), Phase::Held, "{name} {image}");
            assert_eq!(lowered(&world), WRITES, "{name} {image}: {:?}", world.writes);
            let expected = format!(
                "{name} sets spec.updateStrategy.rollingUpdate.partition of StatefulSet backend to 2 again and again; this release has \
                 set it to 0 {WRITES} times. Keep {name} from setting it, then retry"
            );
            assert!(world.status().message.contains(&expected), "{}", world.status().message);
            assert_eq!(world.reasons().last(), Some(&"FieldContested"));
            let contested = &world.status().contested[0];
            assert_eq!((contested.count, contested.by.as_str()), (WRITES, by.unwrap_or_default()));
            // it writes no more until somebody retries it, and then counts anew
            let written = world.writes.len();
            world.turns(20);
            assert_eq!(world.writes.len(), written, "{:?}", world.writes);
            let step = world.status().step.as_ref().unwrap().index;
            let retry = action_at_step("again", ActionKind::Retry, step, world.secs);
            assert_eq!(world.act(retry).0, ActionResult::Applied);
            let end = if image == ":v2" { Phase::Succeeded } else { Phase::RolledBack };
            assert_eq!(fight(&mut world, by, image, 1), end, "{}", world.status().message);
            let backend = backend(&mut world);
            assert_eq!((backend.updated, backend.partition), (4, Some(0)), "every pod, {name} {image}");
        }
    }
}

#[test]
fn who_lets_the_release_have_its_way_in_the_end_does_not_stop_it() {
    for times in 1..=WRITES {
        let mut world = set();
        assert_eq!(fight(&mut world, Some("kubectl"), ":v2", times), Phase::Succeeded, "{times}");
        assert_eq!((lowered(&world), world.status().contested[0].count), (times, times));
    }
}

#[test]
fn what_is_seen_twice_and_what_the_controller_sets_itself_is_not_counted() {
    let mut world = set();
    while !backend(&mut world).image.as_ref().unwrap().ends_with(":v2") {
        world.turn();
    }
    raise(&mut world, Some("kubectl"));
    for _ in 0..10 {
        // another replica stores the decision and dies before it writes
        let decision = next(&world.observed, at(world.secs));
        world.observed.release.status = Some(decision.status);
    }
    assert_eq!(world.status().contested[0].count, 1);
    let mut own = set();
    while !backend(&mut own).image.as_ref().unwrap().ends_with(":v2") {
        own.turn();
    }
    assert_eq!(
        fight(&mut own, Some(crate::api::labels::CONTROLLER_FIELD_MANAGER), ":v2", 9),
        Phase::Succeeded
    );
    assert!(own.status().contested.is_empty(), "{:?}", own.status().contested);
}
