//! What a canary's steps wait for: time and people.

use super::super::world::World;
use super::super::*;
use super::canary::{canary, forever, story, weight};
use crate::api::Duration;
use crate::api::release_action::{ActionKind, Parameters};
use crate::api::strategy::{ApprovalStep, ChecklistStep, Pause, Step};
use crate::domain::fixtures::*;

#[test]
fn a_timed_pause_ends_by_itself_and_says_when() {
    let pause = Step::Pause(Pause { duration: Some(Duration::from_mins(2)) });
    let mut world = canary(vec![weight(25), pause], false);
    while world.status_or_default().step.as_ref().is_none_or(|step| step.until.is_none()) {
        world.turn();
        world.roll();
    }
    let until = world.status().step.as_ref().unwrap().until.unwrap();
    assert_eq!(until, at(world.secs + 120));
    world.secs += 119;
    world.turns(3);
    assert_eq!(world.status().step.as_ref().unwrap().index, 1);
    assert!(world.status().message.contains("ends at"), "{}", world.status().message);
    world.secs += 1;
    assert_eq!(world.run(), Phase::Succeeded);
}

#[test]
fn a_pause_without_end_waits_for_promote_or_resume() {
    for kind in [ActionKind::Promote, ActionKind::Resume] {
        let mut world = canary(vec![weight(25), forever(), weight(50), forever()], false);
        assert_eq!(world.run(), Phase::Paused);
        assert!(world.status().message.contains("promote"), "{}", world.status().message);
        // two at once: one step
        world.observed.actions.push(action_at_step("a1", kind, 1, 11));
        let (_, told) = world.act(action_at_step("a2", kind, 1, 12));
        let refused =
            world.verdicts.iter().filter(|(.., result, _)| *result == ActionResult::Refused).count();
        assert_eq!(refused, 1, "{told}");
        assert_eq!(world.run(), Phase::Paused);
        assert_eq!(world.status().step.as_ref().unwrap().index, 3, "{kind}");
    }
}

fn set_weight(name: &str, percent: i32, step: i32) -> ReleaseAction {
    let mut action = action_at_step(name, ActionKind::SetWeight, step, 11);
    action.spec.parameters = Some(Parameters { weight: Some(percent), ..Parameters::default() });
    action
}

#[test]
fn a_person_shifts_the_weight_and_no_step_of_the_plan_takes_it_back() {
    let mut world = canary(vec![weight(25), forever(), weight(50), forever()], true);
    assert_eq!(world.run(), Phase::Paused);
    let (result, message) = world.act(set_weight("a1", 75, 1));
    assert_eq!(result, ActionResult::Applied, "{message}");
    assert_eq!(world.run(), Phase::Paused);
    let weights = world.status().weight.clone().unwrap();
    assert_eq!((weights.desired, weights.observed, weights.by.as_deref()), (75, Some(75.0), Some("alice")));
    let (result, message) = world.act(set_weight("a2", 75, 1));
    assert_eq!((result, message.contains("already")), (ActionResult::Refused, true));
    world.act(action_at_step("a3", ActionKind::Promote, 1, 12));
    world.run();
    let weights = world.status().weight.clone().unwrap();
    assert_eq!((weights.desired, weights.observed, weights.by.as_deref()), (75, Some(75.0), Some("alice")));
    world.act(action_at_step("a4", ActionKind::Promote, 3, 13));
    world.run();
    assert_eq!(shifts(&world), ["25%", "75%", "100%", "0%"]);
}

/// The weights that the router was given, one after the other.
fn shifts(world: &World) -> Vec<String> {
    let shares = story(world).into_iter().filter_map(|write| {
        let share = write.strip_prefix("backend ")?.strip_suffix(" traffic")?;
        Some(share.to_owned())
    });
    shares.collect()
}

/// One turn of the controller, so many seconds later.
fn later(world: &mut World, secs: i64) {
    world.secs += secs;
    for _ in 0..3 {
        world.turn();
        world.roll();
    }
}

#[test]
fn a_resumed_release_keeps_its_weight_and_the_rest_of_its_step() {
    let pause = Step::Pause(Pause { duration: Some(crate::api::Duration::from_secs(600)) });
    let mut world = canary(vec![weight(10), weight(50), pause], true);
    while shifts(&world) != ["10%", "50%"] || world.status().step.as_ref().unwrap().index < 2 {
        world.turn();
        world.roll();
        world.secs += 1;
    }
    later(&mut world, 300);
    let (result, message) = world.act(action_at_step("p", ActionKind::Pause, 2, world.secs));
    assert_eq!(result, ActionResult::Applied, "{message}");
    later(&mut world, 10);
    world.act(set_weight("w", 30, 2));
    later(&mut world, 5);
    later(&mut world, 5_000);
    let (result, message) = world.act(action_at_step("r", ActionKind::Resume, 2, world.secs));
    assert_eq!(result, ActionResult::Applied, "{message}");
    let resumed = world.status().timeline.iter().find(|entry| entry.reason == "Resumed").unwrap();
    assert!(resumed.message.contains("stays at 30% (set by alice) for"), "{}", resumed.message);
    assert!(resumed.message.ends_with("then weight 50% (the plan's) for the whole step again"));
    later(&mut world, 5);
    assert_eq!(
        (world.phase(), shifts(&world)),
        (Phase::Progressing, vec!["10%".into(), "50%".into(), "30%".into()])
    );
    // the rest of the step at the chosen weight, the whole step at the plan's, and only then everything
    later(&mut world, 400);
    later(&mut world, 5);
    assert_eq!(shifts(&world).last().unwrap(), "50%", "{}", world.status().message);
    later(&mut world, 500);
    later(&mut world, 5);
    assert_eq!(shifts(&world).last().unwrap(), "50%", "{}", world.status().message);
    later(&mut world, 200);
    later(&mut world, 5);
    later(&mut world, 5);
    assert!(shifts(&world).contains(&"100%".to_owned()), "{}", world.status().message);
}

#[test]
fn a_paused_watch_lasts_as_long_after_it_is_resumed() {
    let mut world = canary(vec![weight(100)], true);
    world.spec().bake = Some(crate::api::Duration::from_secs(600));
    for _ in 0..200 {
        if world.phase() == Phase::Verifying {
            break;
        }
        world.turn();
        world.roll();
        world.secs += 1;
    }
    assert_eq!(world.phase(), Phase::Verifying);
    let step = world.status().step.as_ref().unwrap().index;
    later(&mut world, 100);
    world.act(action_at_step("p", ActionKind::Pause, step, world.secs));
    later(&mut world, 10_000);
    world.act(action_at_step("r", ActionKind::Resume, step, world.secs));
    later(&mut world, 400);
    assert_eq!(world.phase(), Phase::Verifying, "{}", world.status().message);
    later(&mut world, 200);
    assert_eq!(world.phase(), Phase::Succeeded, "{}", world.status().message);
}

#[test]
fn promoting_fully_skips_pauses_and_no_approval() {
    let mut world = canary(vec![weight(25), forever(), weight(50), forever()], true);
    world.run();
    world.act(action_at_step("a1", ActionKind::PromoteFull, 1, 12));
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    let shifts: Vec<_> = story(&world).into_iter().filter(|write| write.contains("traffic")).collect();
    assert_eq!(shifts, ["backend 25% traffic", "backend 100% traffic", "backend 0% traffic"]);

    let approval = Step::Approval(ApprovalStep::default());
    let mut guarded = canary(vec![weight(25), forever(), approval, weight(50)], true);
    guarded.run();
    let (result, message) = guarded.act(action_at_step("a1", ActionKind::PromoteFull, 1, 12));
    assert_eq!(
        (result, message.as_str()),
        (ActionResult::Refused, "step 3 asks for an approval, which nobody passes")
    );
}

#[test]
fn an_approval_in_the_middle_wants_people_who_spoke_after_it_began() {
    let approval = Step::Approval(ApprovalStep { slots: vec!["any".into()] });
    let mut world = canary(vec![weight(25), approval, weight(50)], false);
    world.spec().approval = guarded().spec.approval;
    world.turn();
    let digest = world.digest();
    world.observed.actions.push(approve("a1", "carol", &digest, &["team-leads"], 10));
    world.observed.actions.push(approve("a2", "dave", &digest, &["any"], 10));
    for _ in 0..20 {
        world.turn();
        world.roll();
        world.secs += 5;
    }
    assert_eq!(world.status().step.as_ref().unwrap().index, 1, "{}", world.status().message);
    assert!(
        world.status().message.contains("step 2: 0 of 1 people; open: any"),
        "{}",
        world.status().message
    );
    let began = world.status().step.as_ref().unwrap().started_at - at(0);
    let began = began.num_seconds();
    for (name, who, slots, secs, expected) in [
        ("a3", "carol", &["any"][..], began - 1, "before step 2 began"),
        ("a4", "bob", &["any"][..], began + 1, "may not approve"),
        ("a5", "carol", &["team-leads"][..], began + 1, "no slot that this step asks for"),
        ("a6", "dave", &["any"][..], began + 1, "approved"),
    ] {
        let (_, message) = world.act(approve(name, who, &digest, slots, secs));
        assert!(message.contains(expected), "{name}: {message}");
    }
    assert!(world.status().approvals.iter().any(|record| record.step == Some(1) && record.actor == "dave"));
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
}

#[test]
fn a_checklist_in_the_middle_wants_ticks_of_its_own() {
    let checklist = Step::Checklist(ChecklistStep { items: vec!["Looked".into()] });
    let mut world = canary(vec![weight(25), checklist], false);
    for _ in 0..12 {
        world.turn();
        world.roll();
        world.secs += 5;
    }
    assert!(world.status().message.contains("0 of 1 ticked; open: Looked"), "{}", world.status().message);
    let began = (world.status().step.as_ref().unwrap().started_at - at(0)).num_seconds();
    let check = |name: &str, item: &str, secs, digest: String| {
        let mut action = action(name, ActionKind::Check, "carol", secs);
        action.spec.parameters = Some(Parameters { item: Some(item.into()), ..Parameters::default() });
        action.spec.expected =
            Some(crate::api::release_action::Expected { plan_digest: Some(digest), ..Default::default() });
        action
    };
    let digest = world.digest();
    let (_, message) = world.act(check("a1", "Slept", began + 1, digest.clone()));
    assert!(message.contains("this step's checklist has no item"), "{message}");
    let (_, message) = world.act(check("a2", "Looked", began - 1, digest.clone()));
    assert!(message.contains("before step 2 began"), "{message}");
    let (_, message) = world.act(check("a3", "Looked", began + 1, digest));
    assert_eq!(message, "ticked");
    assert_eq!(world.run(), Phase::Succeeded);
}
