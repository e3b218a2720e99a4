//! What is asked before a release begins, and once more as it begins.

use super::super::world::World;
use super::super::*;
use crate::api::Duration;
use crate::api::environment::{EnvironmentStatus, Frozen};
use crate::api::release::ApprovalState;
use crate::api::release_action::ActionKind;
use crate::domain::fixtures::*;

#[test]
fn two_people_approve_and_the_requester_does_not_count() {
    let mut world = World::new(guarded());
    assert_eq!(world.turns(2), Phase::Pending);
    assert!(world.status().message.contains("approval"), "{}", world.status().message);
    assert!(world.status().message.contains("not bob"));
    let digest = world.digest();
    let (result, message) = world.act(approve("a1", "bob", &digest, &["any"], 11));
    assert_eq!((result, message.contains("may not approve")), (ActionResult::Refused, true));
    assert_eq!(world.status().approvals[0].state, ApprovalState::SelfApproval);
    let (result, _) = world.act(approve("a2", "carol", &digest, &["team-leads", "any"], 12));
    assert_eq!(result, ActionResult::Applied);
    world.turns(3);
    let (result, message) = world.act(approve("a3", "carol", &digest, &["any"], 13));
    assert_eq!((result, message.contains("already approved")), (ActionResult::Refused, true));
    assert_eq!(world.turns(3), Phase::Pending);
    assert!(world.writes.is_empty());
    world.act(approve("a4", "dave", &digest, &["any"], 14));
    assert_eq!(world.run(), Phase::Succeeded);
}

#[test]
fn a_forged_requester_is_refused_and_reported() {
    let mut world = World::new(guarded());
    world.turn();
    let digest = world.digest();
    let mut forged = approve("a1", "bob", &digest, &["any"], 11);
    forged.spec.release.as_mut().unwrap().requested_by = Some("eve".into());
    let (result, message) = world.act(forged);
    assert_eq!((result, message.contains("requested by bob")), (ActionResult::Refused, true));
    assert!(world.reasons().contains(&"ActionRefused"));
}

#[test]
fn a_changed_policy_makes_approvals_stale() {
    let mut world = World::new(guarded());
    world.turn();
    let digest = world.digest();
    world.act(approve("a1", "carol", &digest, &["team-leads"], 11));
    world.spec().bake = Some(Duration::from_mins(1));
    world.turn();
    assert_eq!(world.status().approvals[0].state, ApprovalState::Stale);
    assert!(world.reasons().contains(&"PlanChanged"));
    let (result, message) = world.act(approve("a2", "dave", &digest, &["any"], 12));
    assert_eq!((result, message.contains("plan has changed")), (ActionResult::Refused, true));
}

#[test]
fn gates_are_asked_again_at_the_moment_of_execution() {
    type Change = fn(&mut World);
    let changes: [(&str, Change); 4] = [
        ("frozen", |world| {
            let frozen = Frozen { by: "erin".into(), ..Frozen::default() };
            world.observed.environment.as_mut().unwrap().status =
                Some(EnvironmentStatus { frozen: Some(frozen), ..enforced() });
        }),
        ("plan", |world| world.spec().bake = Some(Duration::from_mins(1))),
        ("approval", |world| world.spec().approval.as_mut().unwrap().slots[1].minimum = 5),
        ("workloads", |world| world.observed.workloads.get_mut("backend").unwrap().paused = true),
    ];
    for (gate, change) in changes {
        let mut world = World::new(guarded());
        world.turn();
        let digest = world.digest();
        world.observed.actions.push(approve("a1", "carol", &digest, &["team-leads"], 11));
        world.observed.actions.push(approve("a2", "dave", &digest, &["any"], 12));
        world.turn();
        assert_eq!(world.phase(), Phase::Progressing, "{gate}");
        change(&mut world);
        world.turn();
        assert_eq!(world.phase(), Phase::Pending, "{gate}");
        assert!(world.status().message.contains(gate), "{gate}: {}", world.status().message);
        assert!(world.writes.is_empty() && world.status().before.is_empty());
        assert!(world.reasons().contains(&"GatesReopened"));
    }
}

/// A controller that takes over has no check results yet, and does not requeue what its predecessor started.
#[test]
fn a_controller_that_takes_over_asks_before_it_sends_a_release_back() {
    let mut world = super::canary::canary(vec![super::canary::weight(20)], true);
    while world.phase() == Phase::Pending {
        world.turn();
    }
    world.observed.answers = Answers::default();
    let decision = next(&world.observed, at(world.secs));
    assert_eq!(decision.status.phase, Phase::Progressing, "{}", decision.status.message);
    assert!(decision.status.message.contains("checking again"), "{}", decision.status.message);
    assert!(!decision.effects.iter().any(Effect::changes_world), "{:?}", decision.effects);
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    assert!(!world.reasons().contains(&"GatesReopened"));
}

#[test]
fn a_start_without_answers_goes_back_to_the_queue() {
    let mut world = super::canary::canary(vec![super::canary::weight(20)], true);
    while world.phase() == Phase::Pending {
        world.turn();
    }
    let started = world.secs;
    while world.phase() == Phase::Progressing && world.secs < started + 120 {
        world.observed.answers = Answers::default();
        world.turn();
        world.secs += 1;
    }
    assert_eq!(world.phase(), Phase::Pending);
    assert!((started + 10..=started + 30).contains(&world.secs), "after {} s", world.secs - started);
    assert!(world.reasons().contains(&"GatesReopened") && world.writes.is_empty());
}

#[test]
fn reject_is_final() {
    let mut world = World::new(guarded());
    world.turn();
    world.act(action("a1", ActionKind::Reject, "carol", 11));
    assert_eq!(world.phase(), Phase::Rejected);
    let (result, _) = world.act(action("a2", ActionKind::Abort, "bob", 12));
    assert_eq!(result, ActionResult::Refused);
    assert_eq!(world.run(), Phase::Rejected);
}
