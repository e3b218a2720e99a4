//! Somebody else changes or deletes objects of a release in progress.

use super::*;

#[test]
fn a_template_that_somebody_changed_is_taken_over_before_the_switch() {
    let mut world = blue_green(None);
    own(&mut world).template = Some("before".into());
    assert_eq!(world.run(), Phase::Paused);
    own(&mut world).template = Some("after".into());
    world.turns(2);
    assert_eq!(world.observed.tracks["backend"].made_of.as_deref(), Some("after"));
    assert!(world.reasons().contains(&"TemplateChanged"));
    world.roll();
    promote(&mut world);
    until(&mut world, "switched", |world| share(world) == 100);
    // and where nobody looked before: not one request goes to the old one
    let mut world = blue_green(None);
    own(&mut world).template = Some("before".into());
    world.run();
    own(&mut world).template = Some("after".into());
    promote(&mut world);
    until(&mut world, "switched", |world| {
        let is_new = world.observed.tracks["backend"].made_of.as_deref() == Some("after");
        assert!(share(world) == 0 || is_new);
        share(world) == 100
    });
}

#[test]
fn an_image_that_somebody_changed_is_noticed_at_the_next_look() {
    let mut world = canary(vec![weight(50), forever(), weight(80)], true);
    world.run();
    own(&mut world).image = Some("ghcr.io/acme/backend:v7".into());
    world.turns(1);
    assert_eq!(world.phase(), Phase::RollingBack, "{}", world.status().message);
    let ended = world.run();
    assert_eq!(ended, Phase::Errored);
    assert!(
        world.status().message.contains("changed backend to ghcr.io/acme/backend:v7"),
        "{}",
        world.status().message
    );
    assert!(
        world.observed.tracks.is_empty() && share(&world) == 0 && world.image("backend").ends_with(":v7")
    );
    // the version of the release itself, past its steps: a person decides
    let mut world = canary(vec![weight(50), forever(), weight(80)], true);
    world.run();
    own(&mut world).image = Some("ghcr.io/acme/backend:v2".into());
    world.turns(1);
    assert_eq!(world.phase(), Phase::Held);
    assert!(world.status().message.contains("somebody else changed backend"), "{}", world.status().message);
}

#[test]
fn a_canary_that_somebody_deleted_leaves_nothing_behind() {
    let mut world = canary(vec![weight(25), forever()], true);
    world.run();
    world.vanish("backend");
    world.turns(1);
    assert_eq!(world.phase(), Phase::RollingBack, "{}", world.status().message);
    assert_eq!(world.run(), Phase::RolledBack, "{}", world.status().message);
    assert_eq!((share(&world), &world.observed.traffic["backend"].remains), (0, &None));
}

#[test]
fn a_route_that_is_gone_stops_the_release_and_never_its_way_back() {
    let mut world = canary(vec![weight(25), forever()], true);
    world.run();
    let gone = TrafficState {
        is_gone: true,
        detail: "HTTPRoute web does not exist".into(),
        ..TrafficState::default()
    };
    let before = world.observed.traffic.insert("backend".into(), gone);
    world.turns(2);
    assert_eq!(world.phase(), Phase::Paused);
    assert!(world.status().message.contains("HTTPRoute web does not exist"), "{}", world.status().message);
    world.act(action("back", ActionKind::Rollback, "alice", world.secs));
    assert_eq!(world.run(), Phase::RolledBack, "{}", world.status().message);
    assert!(world.observed.tracks.is_empty());
    // created again, a person resumes it
    let mut world = canary(vec![weight(25), forever()], true);
    world.run();
    let gone = TrafficState { is_gone: true, detail: "gone".into(), ..TrafficState::default() };
    world.observed.traffic.insert("backend".into(), gone);
    world.turns(2);
    let again = TrafficState { weight: Some(Weight::ZERO), ..before.unwrap() };
    world.observed.traffic.insert("backend".into(), again);
    world.turns(2);
    assert_eq!(share(&world), 0, "not by itself");
    world.act(action_at_step("r", ActionKind::Resume, 1, world.secs));
    world.turns(3);
    assert_eq!(share(&world), 25, "{}", world.status().message);
}

#[test]
fn a_router_that_nobody_understands_does_not_hold_a_way_back_for_ever() {
    let mut world = canary(vec![weight(25), forever()], true);
    world.run();
    let state = world.observed.traffic.get_mut("backend").unwrap();
    (state.weight, state.detail) = (None, "HTTPRoute web sends 10% by one rule and 20% by another".into());
    world.act(action("back", ActionKind::Rollback, "alice", world.secs));
    world.turns(3);
    assert_eq!(world.phase(), Phase::RollingBack);
    world.secs += 121;
    world.turns(2);
    assert_eq!(world.phase(), Phase::Held);
    assert!(world.status().message.contains("10% by one rule"), "{}", world.status().message);
    assert!(world.observed.tracks.contains_key("backend"), "what may serve is not removed");
}

#[test]
fn the_own_workload_that_somebody_deleted_is_told_truly() {
    let mut world = canary(vec![weight(25), forever()], true);
    world.run();
    world.observed.workloads.remove("backend");
    world.turns(1);
    assert_eq!(world.phase(), Phase::Held);
    let track = world.status().tracks[0].clone();
    assert_eq!((track.stable_desired, track.stable_available, track.available), (0, 0, 1));
    let message = &world.status().message;
    assert!(message.contains("nobody serves the other 75%"), "{message}");
    // a person goes back: what serves stays
    world.act(action("back", ActionKind::Rollback, "alice", world.secs));
    world.turns(2);
    assert_eq!(world.phase(), Phase::Held);
    assert!(world.observed.tracks.contains_key("backend"));
}

#[test]
fn a_deleted_environment_leaves_nothing_behind_and_one_that_is_replaced_does_no_harm() {
    let mut world = canary(vec![weight(25), forever()], true);
    world.run();
    let environment = world.observed.environment.take();
    world.turns(2);
    assert_eq!(world.phase(), Phase::Paused);
    assert!(world.status().message.contains("Unless it is created again"), "{}", world.status().message);
    world.secs += 20;
    world.observed.environment = environment;
    world.turns(2);
    assert_eq!((world.phase(), share(&world)), (Phase::Paused, 25));
    assert!(world.status().tracks[0].place.as_ref().unwrap().orphaned_since.is_none());

    world.observed.environment = None;
    world.turns(2);
    world.secs += 31;
    world.turns(1);
    assert_eq!(world.phase(), Phase::RollingBack, "{}", world.status().message);
    assert_eq!(world.run(), Phase::RolledBack, "{}", world.status().message);
    assert!(world.observed.tracks.is_empty() && share(&world) == 0);
    assert_eq!(world.reasons().iter().filter(|reason| **reason == "EnvironmentDeleted").count(), 2);
    assert!(world.status().message.contains("was deleted"), "{}", world.status().message);
}

#[test]
fn pods_that_somebody_adds_without_a_router_are_shared() {
    let mut world = canary(vec![weight(25), forever(), weight(50), forever()], false);
    assert_eq!(world.run(), Phase::Paused);
    scale(&mut world, 8);
    until(&mut world, "shared", |world| world.observed.workloads["backend"].desired == 7);
    assert_eq!(world.observed.tracks["backend"].available, 2);
    assert_eq!(
        (world.status().tracks[0].capacity, world.observed.workloads["backend"].desired),
        (Some(9), 7)
    );
    // an autoscaler that came after the start: nothing is written against it
    world.observed.autoscalers.insert("backend".into(), "backend".into());
    scale(&mut world, 3);
    let writes = world.writes.len();
    world.turns(8);
    assert_eq!(world.phase(), Phase::Paused, "{}", world.status().message);
    assert!(world.status().message.contains("HorizontalPodAutoscaler backend"), "{}", world.status().message);
    assert_eq!(world.writes.len(), writes, "{:?}", story(&world));
    world.act(action("back", ActionKind::Rollback, "alice", world.secs));
    for _ in 0..200 {
        world.turn();
        world.secs += 1;
    }
    assert_eq!(world.phase(), Phase::RolledBack, "{}", world.status().message);
    assert_eq!(story(&world)[writes..], ["backend-canary gone"]);
}
