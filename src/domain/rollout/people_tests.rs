//! What people do around a release, as a journey meets it: consent taken back, items ticked, broken glass, freezes, the wheel.

use super::world::World;
use super::*;
use crate::api::environment::{EnvironmentStatus, Frozen, Gates, InFlight, Window, WindowKind};
use crate::api::release::{ApprovalState, GateState};
use crate::api::release_action::{ActionKind, Expected, Parameters};
use crate::domain::fixtures::*;

fn with(kind: ActionKind, name: &str, actor: &str, secs: i64, parameters: Parameters) -> ReleaseAction {
    let mut action = action(name, kind, actor, secs);
    action.spec.parameters = Some(parameters);
    action
}

fn freeze(world: &mut World, in_flight: InFlight, until: Option<i64>) {
    let frozen = Frozen {
        by: "erin".into(),
        reason: "export broken".into(),
        incident: Some("INC-1".into()),
        until: until.map(at),
        in_flight,
        ..Frozen::default()
    };
    let status = world.observed.environment.as_mut().unwrap().status.get_or_insert_default();
    status.frozen = Some(frozen);
}

fn gate_state(world: &World, name: &str) -> Option<GateState> {
    world.status().gates.iter().find(|gate| gate.name == name).map(|gate| gate.state)
}

/// In the middle of the first wave.
fn in_flight() -> World {
    let mut world = World::new(environment());
    world.turns(2);
    assert_eq!(world.writes.len(), 1);
    world.roll();
    world
}

#[test]
fn an_approval_is_taken_back_until_execution_begins_and_may_be_given_again() {
    let mut world = World::new(guarded());
    world.spec().identity = Some(identity_rule());
    world.turn();
    let digest = world.digest();
    world.act(approve("a1", "carol", &digest, &["team-leads"], 11));
    let (result, message) = world.act(action("a2", ActionKind::Withdraw, "dave", 12));
    assert_eq!((result, message.contains("no approval")), (ActionResult::Refused, true));
    let (result, _) = world.act(action("a3", ActionKind::Withdraw, "carol-admin", 12));
    assert_eq!(result, ActionResult::Applied);
    assert_eq!(world.status().approvals[0].state, ApprovalState::Withdrawn);
    world.act(approve("a4", "dave", &digest, &["any"], 13));
    assert_eq!(world.turns(3), Phase::Pending, "one is not enough");
    assert!(world.reasons().contains(&"Withdrawn"));
    // the plan changes and changes back: what was taken back stays so
    world.spec().bake = Some(crate::api::Duration::from_mins(1));
    world.turn();
    world.spec().bake = None;
    assert_eq!(world.turns(2), Phase::Pending);
    assert_eq!(world.status().approvals[0].state, ApprovalState::Withdrawn);
    let (result, message) = world.act(approve("a5", "oidc:carol", &digest, &["team-leads"], 14));
    assert_eq!(result, ActionResult::Applied, "{message}");
    assert_eq!(world.turns(1), Phase::Progressing);
    let record = world.status().approvals.iter().find(|record| record.action == "a5").unwrap();
    assert_eq!(record.person.as_deref(), Some("carol"));
    let (result, message) = world.act(action("a6", ActionKind::Withdraw, "carol", 15));
    assert_eq!((result, message.contains("no longer")), (ActionResult::Refused, true));
    assert_eq!(world.run(), Phase::Succeeded);
}

#[test]
fn two_accounts_of_one_person_are_no_quorum() {
    let mut world = World::new(guarded());
    world.spec().identity = Some(identity_rule());
    world.turn();
    let digest = world.digest();
    world.act(approve("a1", "carol", &digest, &["team-leads"], 11));
    let (result, message) = world.act(approve("a2", "carol-admin", &digest, &["any"], 12));
    assert_eq!(result, ActionResult::Refused, "another slot");
    assert_eq!(
        message,
        "carol-admin (who is carol) has already approved this plan, for team-leads: take that back first, to approve for any"
    );
    let (result, message) = world.act(approve("a3", "oidc:bob-ops", &digest, &["any"], 12));
    assert_eq!((result, message.contains("who is bob")), (ActionResult::Refused, true));
    assert_eq!(world.run(), Phase::Pending);
    assert!(world.writes.is_empty());
}

#[test]
fn what_an_approver_saw_outlives_the_release() {
    let mut world = World::new(guarded());
    world.turn();
    let digest = world.digest();
    let mut carol = approve("a1", "carol", &digest, &["team-leads"], 11);
    carol.spec.evidence =
        Some(crate::api::release_action::Evidence { error_rate: Some("0.2 %".into()), ..Default::default() });
    world.act(carol.clone());
    world.act(approve("a2", "dave", &digest, &["any"], 12));
    assert_eq!(world.run(), Phase::Succeeded);
    assert_eq!(world.status().approvals[0].evidence, carol.spec.evidence);
}

#[test]
fn every_item_of_the_checklist_is_ticked_for_the_present_plan() {
    let mut environment = environment();
    let checklist = vec!["Migrations tested".into(), "Team told".into()];
    environment.spec.gates = Some(Gates { checklist, ..Gates::default() });
    let mut world = World::new(environment);
    let tick = |world: &mut World, name: &str, item: &str| {
        let parameters = Parameters { item: Some(item.into()), ..Parameters::default() };
        let mut action = with(ActionKind::Check, name, "carol", 11, parameters);
        action.spec.expected = Some(Expected { plan_digest: Some(world.digest()), ..Expected::default() });
        world.act(action)
    };
    assert_eq!(world.turns(2), Phase::Pending);
    assert!(world.status().message.contains("0 of 2 ticked"), "{}", world.status().message);
    tick(&mut world, "a1", "Migrations tested");
    let (result, message) = tick(&mut world, "a2", "Migrations tested");
    assert_eq!((result, message.contains("already, by carol")), (ActionResult::Refused, true));
    // another plan: what was ticked was ticked for the old one
    world.spec().bake = Some(crate::api::Duration::from_secs(5));
    world.turns(2);
    assert!(world.status().message.contains("0 of 2 ticked"), "{}", world.status().message);
    tick(&mut world, "a3", "Migrations tested");
    assert_eq!(world.turns(2), Phase::Pending);
    tick(&mut world, "a4", "Team told");
    assert_eq!(world.phase(), Phase::Progressing);
    assert_eq!(world.status().checks.len(), 2);
    // asked again at the moment of execution
    world.spec().gates.as_mut().unwrap().checklist.push("Slept well".into());
    world.turn();
    assert_eq!((world.phase(), world.writes.len()), (Phase::Pending, 0));
    assert!(
        world.status().message.contains("policy changed by somebody: gates"),
        "{}",
        world.status().message
    );
    world.turns(2);
    for (name, item) in [("a5", "Migrations tested"), ("a6", "Team told"), ("a7", "Slept well")] {
        tick(&mut world, name, item);
    }
    assert_eq!(world.run(), Phase::Succeeded);
}

#[test]
fn a_window_holds_the_beginning_and_lets_what_runs_finish() {
    let closed = Window {
        kind: WindowKind::Deny,
        schedule: "0 8 * * *".into(),
        duration: crate::api::Duration::from_mins(5),
        time_zone: None,
        reason: Some("stand-up".into()),
    };
    let mut world = World::new(environment());
    world.spec().windows = vec![closed.clone()];
    let decision = world.turn();
    assert_eq!(world.phase(), Phase::Pending);
    assert!(world.status().message.contains("stand-up"), "{}", world.status().message);
    assert!(matches!(decision.requeue, Requeue::After(span) if span <= TimeDelta::seconds(290)));
    world.secs = 300;
    assert_eq!(world.turns(1), Phase::Progressing);
    // closed again before anything was changed, then after
    world.spec().windows[0].schedule = "5 8 * * *".into();
    world.turn();
    assert_eq!((world.phase(), world.writes.len()), (Phase::Pending, 0));

    let mut running = in_flight();
    running.spec().windows = vec![closed];
    assert_eq!(running.run(), Phase::Succeeded);
}

#[test]
fn force_opens_one_gate_for_a_time_and_is_looked_at_again() {
    let force = |name: &str, until: i64| {
        let parameters = Parameters {
            gate: Some("frozen".into()),
            until: Some(at(until)),
            incident: Some("INC-1".into()),
            ..Parameters::default()
        };
        with(ActionKind::Override, name, "dave", 10, parameters)
    };
    let mut world = World::new(environment());
    freeze(&mut world, InFlight::Finish, None);
    assert_eq!(world.turns(2), Phase::Pending);
    let (result, message) = world.act(force("a1", 60));
    assert_eq!(result, ActionResult::Applied, "{message}");
    assert_eq!(world.phase(), Phase::Progressing);
    assert!(world.reasons().contains(&"Overridden"));
    assert_eq!(crate::domain::debt::owed(&world.observed.release)[0].by, "dave");
    // its time is over before the first change
    world.secs = 61;
    world.turn();
    assert_eq!((world.phase(), world.writes.len()), (Phase::Pending, 0));
    assert!(crate::domain::debt::owed(&world.observed.release).is_empty());
    world.act(force("a2", 600));
    assert_eq!(world.run(), Phase::Succeeded);
}

#[test]
fn a_freeze_lets_finish_holds_or_rolls_back_what_is_in_flight() {
    let mut finishing = in_flight();
    freeze(&mut finishing, InFlight::Finish, None);
    assert_eq!(finishing.run(), Phase::Succeeded);

    let mut held = in_flight();
    freeze(&mut held, InFlight::Hold, Some(60));
    held.turns(4);
    assert_eq!(
        (held.phase(), held.writes.len(), held.status().step.as_ref().unwrap().index),
        (Phase::Progressing, 1, 0)
    );
    let message = &held.status().message;
    assert!(message.contains("held at step 1") && message.contains("frozen by erin"), "{message}");
    assert!(message.contains("INC-1: export broken"), "{message}");
    assert_eq!(gate_state(&held, "frozen"), Some(GateState::Wait));
    assert_eq!(held.reasons().iter().filter(|reason| **reason == "HeldByFreeze").count(), 1);
    held.secs = 60;
    assert_eq!(held.run(), Phase::Succeeded);
    assert_eq!(gate_state(&held, "frozen"), Some(GateState::Pass));
    assert!(held.reasons().contains(&"FreezeEnded"));

    let mut undone = in_flight();
    freeze(&mut undone, InFlight::RollBack, None);
    assert_eq!(undone.run(), Phase::RolledBack);
    let undo = undone.status().undo.clone().unwrap();
    assert_eq!((undo.by.as_str(), undo.reason.as_str()), ("erin", "frozen by erin: export broken"));
    assert_eq!(undone.image("backend"), "ghcr.io/acme/backend:v1");
}

#[test]
fn a_freeze_leaves_rollbacks_emergencies_and_the_untouched_alone() {
    for in_flight_policy in [InFlight::Finish, InFlight::Hold, InFlight::RollBack] {
        let mut emergency = in_flight();
        emergency.observed.release.spec.emergency = Some(true);
        freeze(&mut emergency, in_flight_policy, None);
        assert_eq!(emergency.run(), Phase::Succeeded);

        let mut untouched = World::new(environment());
        untouched.turn();
        assert_eq!(untouched.phase(), Phase::Progressing);
        freeze(&mut untouched, in_flight_policy, None);
        assert_eq!((untouched.turns(3), untouched.writes.len()), (Phase::Pending, 0));
    }
}

#[test]
fn a_freeze_that_was_passed_by_force_does_not_catch_the_release_in_flight_and_the_next_one_does() {
    let mut world = World::new(environment());
    freeze(&mut world, InFlight::RollBack, None);
    world.turn();
    let parameters = Parameters {
        gate: Some("frozen".into()),
        until: Some(at(600)),
        incident: Some("INC-1".into()),
        ..Parameters::default()
    };
    world.act(with(ActionKind::Override, "a1", "dave", 10, parameters));
    world.turns(2);
    assert_eq!((world.phase(), world.writes.len()), (Phase::Progressing, 1));
    let again = world.observed.environment.as_mut().unwrap().status.as_mut().unwrap();
    again.frozen.as_mut().unwrap().at = Some(at(11));
    assert_eq!(world.run(), Phase::RolledBack);
}

#[test]
fn a_failure_under_a_freeze_is_still_undone() {
    let mut world = World::new(environment());
    world.broken = vec!["backend"];
    world.turns(3);
    world.roll();
    freeze(&mut world, InFlight::Hold, None);
    assert_eq!(world.run(), Phase::RolledBack);
}

#[test]
fn an_image_that_is_denied_in_flight_holds_and_says_how_to_go_on() {
    let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let mut world = World::new(environment());
    world.observed.release.spec.images[1].image = format!("ghcr.io/acme/frontend:v2@{digest}");
    world.turns(3);
    assert_eq!(gate_state(&world, "image-version/frontend"), Some(GateState::Pass));
    world.roll();
    let denied = crate::api::environment::DeniedDigest {
        digest: digest.into(),
        reason: Some("leaks".into()),
        until: Some(at(60)),
        ..Default::default()
    };
    let status = world.observed.environment.as_mut().unwrap().status.as_mut().unwrap();
    status.denied = vec![denied];
    world.turns(3);
    assert_eq!((gate_state(&world, "deny-list"), world.writes.len()), (Some(GateState::Fail), 1));
    world.secs = 60;
    world.turns(2);
    assert_eq!((gate_state(&world, "deny-list"), world.writes.len()), (Some(GateState::Pass), 2));
}

#[test]
fn the_wheel_goes_from_hand_to_hand() {
    let drive = |name: &str, actor: &str, until: i64| {
        with(
            ActionKind::Drive,
            name,
            actor,
            10,
            Parameters { until: Some(at(until)), ..Parameters::default() },
        )
    };
    let hand_over = |name: &str, actor: &str, to: Option<&str>| {
        let mut action = with(
            ActionKind::HandOver,
            name,
            actor,
            10,
            Parameters { person: to.map(Into::into), ..Parameters::default() },
        );
        action.spec.reason = Some("watch the export".into());
        action
    };
    let driver = |world: &World| {
        crate::domain::driver::current(world.status(), at(world.secs)).map(|driver| driver.by.clone())
    };
    let mut world = World::new(guarded());
    world.turn();
    world.act(drive("a1", "carol", 3600));
    assert_eq!(driver(&world).as_deref(), Some("carol"));
    world.act(drive("a2", "dave", 3600));
    assert_eq!(driver(&world).as_deref(), Some("dave"));
    let entry = world.status().timeline.last().unwrap();
    assert_eq!(entry.reason, "TookOver");
    assert!(entry.message.contains("dave took over from carol"));
    let (result, _) = world.act(hand_over("a3", "carol", None));
    assert_eq!(result, ActionResult::Refused);
    world.act(hand_over("a4", "dave", Some("erin")));
    assert_eq!(driver(&world).as_deref(), Some("erin"));
    assert_eq!(crate::domain::driver::note(world.status()), Some("watch the export"));
    world.secs = 3600;
    assert_eq!(driver(&world), None);
    world.act(hand_over("a5", "bob", None));
    assert_eq!(world.status().driver.as_ref().unwrap().by, "");
    assert_eq!(world.phase(), Phase::Pending, "no claim changes a phase");
}

#[test]
fn a_newer_release_takes_the_place_and_says_so() {
    let mut world = World::new(guarded());
    world.spec().supersede = true;
    world.turn();
    let mut newer = release_at("planera-3", "v3", 5);
    newer.status =
        Some(ReleaseStatus { gates: vec![crate::api::release::GateStatus::default()], ..Default::default() });
    world.observed.others = vec![Arc::new(newer)];
    assert_eq!(world.turns(1), Phase::Superseded);
    assert_eq!(world.status().superseded_by.as_deref(), Some("planera-3"));
    assert_eq!(world.status().message, "superseded by planera-3 (v3)");
}

#[test]
fn a_message_tells_of_the_place_the_downgrade_and_the_end_of_an_emergency() {
    let mut world = World::new(guarded());
    world.observed.release.spec = crate::domain::fixtures::release("v1.8.2").spec;
    world.observed.workloads.get_mut("backend").unwrap().image = Some("ghcr.io/acme/backend:v1.9.0".into());
    let mut other = release_at("planera-1", "v1", 0);
    other.status = Some(ReleaseStatus { phase: Phase::Held, ..ReleaseStatus::default() });
    world.observed.others = vec![Arc::new(other)];
    world.observed.release.spec.emergency = Some(true);
    world.secs = 3600;
    world.turn();
    let message = &world.status().message;
    assert!(message.starts_with("waits for approval"), "{message}");
    assert!(message.contains("; queued: 1st behind planera-1"), "{message}");
    assert!(message.contains("; would now downgrade v1.9.0 to v1.8.2"), "{message}");
    assert!(message.ends_with("; no longer an emergency since 09:00:00Z"), "{message}");
}

#[test]
fn debts_wait_for_a_review_and_hold_not_the_release_that_made_them() {
    let mut world = World::new(environment());
    world.observed.release.spec.emergency = Some(true);
    world.turn();
    assert_eq!(world.phase(), Phase::Progressing);
    let debts = crate::domain::debt::owed(&world.observed.release);
    assert_eq!(debts.len(), 1);
    world.observed.environment.as_mut().unwrap().status =
        Some(EnvironmentStatus { debts: debts.clone(), ..EnvironmentStatus::default() });
    assert_eq!(world.run(), Phase::Succeeded);

    let mut next = World::new(environment());
    let owed = crate::api::environment::Debt { id: "planera-1".into(), ..debts[0].clone() };
    next.observed.environment.as_mut().unwrap().status =
        Some(EnvironmentStatus { debts: vec![owed], ..EnvironmentStatus::default() });
    assert_eq!(next.turns(3), Phase::Pending);
    assert!(next.status().message.contains("has not been reviewed"), "{}", next.status().message);
    next.observed.environment.as_mut().unwrap().status = None;
    assert_eq!(next.run(), Phase::Succeeded);
}
