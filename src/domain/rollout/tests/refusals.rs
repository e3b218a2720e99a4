//! A change that the API server refuses ends the release with the server's own words.

use super::*;
use crate::api::environment::OnFailure;
use crate::domain::rollout::Refusal;

const WORDS: &str =
    "Deployment backend: admission webhook \"attest\" denied the request: image is not attested";

/// One second a turn.
fn run(world: &mut World, turns: usize) -> Phase {
    for _ in 0..turns {
        world.turn();
        world.roll();
        world.secs += 1;
        if world.phase().is_final() || world.phase() == Phase::Held {
            break;
        }
    }
    world.phase()
}

fn refusing(component: &'static str, on_failure: OnFailure) -> World {
    let mut environment = environment();
    environment.spec.on_failure = on_failure;
    let mut world = World::new(environment);
    world.refuses = vec![(component, WORDS, false)];
    world
}

#[test]
fn a_refusal_that_stands_ends_the_release_within_a_minute_with_the_servers_words() {
    for (component, on_failure, expected, reason) in [
        ("backend", OnFailure::Rollback, Phase::Errored, "ChangeRefused"),
        ("frontend", OnFailure::Rollback, Phase::RolledBack, "ChangeRefused"),
        ("backend", OnFailure::Hold, Phase::Held, "ChangeRefused"),
        ("frontend", OnFailure::Hold, Phase::Held, "ChangeRefused"),
    ] {
        let mut world = refusing(component, on_failure);
        assert_eq!(run(&mut world, 70), expected, "{component}: {}", world.status().message);
        assert!(world.status().message.contains("image is not attested"), "{}", world.status().message);
        assert!(world.reasons().contains(&reason), "{:?}", world.reasons());
        assert!(world.image("backend").ends_with(":v1") || on_failure == OnFailure::Hold);
    }
}

#[test]
fn the_words_are_told_at_once_and_the_same_is_tried_ever_later() {
    let mut world = refusing("backend", OnFailure::Hold);
    let mut tries = 0;
    for second in 0..19 {
        let decision = world.turn();
        tries += decision.effects.iter().filter(|effect| effect.changes_world()).count();
        if second > 2 {
            assert!(world.status().message.contains(WORDS), "{second}: {}", world.status().message);
        }
        world.secs += 1;
    }
    assert!((4..=7).contains(&tries), "{tries}");
    assert_eq!(world.phase(), Phase::Progressing);
}

#[test]
fn a_controller_that_starts_again_counts_on() {
    let mut world = refusing("backend", OnFailure::Hold);
    for _ in 0..70 {
        world.turn();
        world.secs += 1;
        world.observed.writes.retain(|_, _| world.secs % 3 != 0);
    }
    assert_eq!(world.phase(), Phase::Held, "{}", world.status().message);
}

#[test]
fn what_is_accepted_in_the_end_goes_on_and_is_not_told_any_more() {
    let mut world = refusing("backend", OnFailure::Rollback);
    run(&mut world, 8);
    assert_eq!((world.phase(), world.status().refused.len()), (Phase::Progressing, 1));
    world.refuses.clear();
    assert_eq!(run(&mut world, 90), Phase::Succeeded, "{}", world.status().message);
    assert_eq!(world.status().refused, []);
}

#[test]
fn a_server_that_is_overloaded_is_waited_out_for_ten_minutes_and_not_for_ever() {
    let mut world = refusing("backend", OnFailure::Hold);
    world.refuses = vec![("backend", "the server is currently unable to handle the request", true)];
    assert_eq!(run(&mut world, 590), Phase::Progressing);
    assert_eq!(run(&mut world, 60), Phase::Held, "{}", world.status().message);
}

#[test]
fn a_way_back_that_is_refused_is_held_and_retry_tries_it_again() {
    let mut world = World::new(environment());
    world.broken = vec!["frontend"];
    for _ in 0..40 {
        world.turn();
        world.roll();
        world.secs += 1;
        if world.phase() == Phase::RollingBack {
            break;
        }
    }
    world.refuses = vec![("backend", WORDS, false), ("frontend", WORDS, false)];
    assert_eq!(run(&mut world, 70), Phase::Held, "{}", world.status().message);
    assert!(world.status().message.contains(WORDS), "{}", world.status().message);
    assert!(world.image("backend").ends_with(":v2"));
    world.refuses.clear();
    let step = world.status().step.as_ref().unwrap().index;
    let secs = world.secs;
    let mut retry = action_at_step("a1", ActionKind::Retry, step, secs);
    retry.metadata.creation_timestamp = Some(crate::api::time::to_time(at(secs)));
    let (result, message) = world.act(retry);
    assert_eq!(result, ActionResult::Applied, "{message}");
    assert_eq!(run(&mut world, 70), Phase::RolledBack, "{}", world.status().message);
    assert!(world.image("backend").ends_with(":v1") && world.image("frontend").ends_with(":v1"));
}

#[test]
fn a_held_change_is_tried_again_by_retry() {
    let mut world = refusing("backend", OnFailure::Hold);
    assert_eq!(run(&mut world, 70), Phase::Held);
    world.refuses.clear();
    let (result, message) = world.act(action_at_step("a1", ActionKind::Retry, 0, 90));
    assert_eq!(result, ActionResult::Applied, "{message}");
    assert_eq!(run(&mut world, 70), Phase::Succeeded, "{}", world.status().message);
}

#[test]
fn what_may_not_be_read_is_held_and_nothing_is_decided_blindly() {
    let mut world = World::new(environment());
    world.turns(4);
    let workload = world.observed.workloads.remove("backend").unwrap();
    let message = "Deployment backend: deployments.apps \"backend\" is forbidden".to_owned();
    world.observed.unreadable.insert("backend".into(), Refusal { message, may_pass: false });
    for _ in 0..70 {
        world.turn();
        world.secs += 1;
        assert_ne!(world.phase(), Phase::RollingBack);
    }
    assert_eq!(world.phase(), Phase::Held, "{}", world.status().message);
    assert!(world.status().message.contains("is forbidden"));
    world.observed.unreadable.clear();
    world.observed.workloads.insert("backend".into(), workload);
    world.act(action_at_step("a1", ActionKind::Retry, 0, 90));
    assert_eq!(run(&mut world, 70), Phase::Succeeded, "{}", world.status().message);
}
