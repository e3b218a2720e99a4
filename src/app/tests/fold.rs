//! Events folded in: what changes, and what does not.

use std::collections::BTreeSet;

use crate::api::{Phase, Tier};
use crate::app::command::COMMANDS;
use crate::app::fixtures::{self, World, burning, environment, planera, pod, release};
use crate::app::keymap::{KeymapError, default_keymap};
use crate::app::state::event::{ClusterEvent, Delta, Event};
use crate::app::state::health::Health;
use crate::app::state::keymap::Keymap;
use crate::app::state::located::{ClusterId, PodId};
use crate::app::state::logs::{LogSubject, LogView};
use crate::app::state::rows::QueueGroup;
use crate::app::state::view::View;
use crate::app::update;
use crate::config::key::KeyChord;
use crate::domain::action_rule::Confirmation;
use crate::domain::pod_row::PodKey;

#[test]
fn environments_stand_in_order_of_tier() {
    let world = World::live()
        .with(environment("production").production())
        .with(environment("qa").staging().of("zebra"))
        .with(environment("staging").staging())
        .with(environment("dev"));
    let told: Vec<_> = world.store.rows.environments.iter().map(|row| (row.tier, &*row.name)).collect();
    assert_eq!(
        told,
        [
            (Tier::Development, "dev"),
            (Tier::Staging, "staging"),
            (Tier::Staging, "qa"),
            (Tier::Production, "production")
        ]
    );
}

#[test]
fn what_burns_is_selected_until_a_person_chooses() {
    let world = planera();
    let name = |world: &World| world.store.ui.environments.selected.as_ref().unwrap().key.name.clone();
    assert_eq!(&*name(&world), "production");
    let world = world.with_metric("staging", "errorRate", "backend", &[0.5; 10]);
    assert_eq!(&*name(&world), "staging");
    let world = world.typing("down").with_metric("staging", "errorRate", "backend", &[0.6; 10]);
    assert_eq!(&*name(&world), "production");
}

#[test]
fn ready_pods_that_answer_with_errors_are_not_called_healthy() {
    let health = |world: &World| world.store.rows.environments[0].health;
    let world = planera().with_metric("staging", "errorRate", "backend", &[0.01; 10]);
    assert_eq!(health(&world), Health::Healthy);
    let world = world.with_metric("staging", "errorRate", "backend", &[0.6; 10]);
    assert_eq!(health(&world), Health::OverLimit);
    let world = world.with_metric("staging", "errorRate", "backend", &[0.01; 10]);
    assert_eq!(health(&world), Health::Healthy);
}

#[test]
fn the_summary_tells_what_is_known_and_no_more() {
    let burning = burning();
    let row = &burning.store.rows.environments[1];
    assert_eq!(row.health, Health::Progressing);
    assert_eq!(row.pods, Some((6, 6)));
    assert!(row.error_rate.is_over());
    assert_eq!(row.active.as_ref().unwrap().phase, Phase::Progressing);
    let bare = World::connecting();
    assert!(bare.store.rows.environments.is_empty());
    let mut nothing = World::live();
    let dev = crate::api::Environment::from(environment("dev"));
    nothing.send(Event::Cluster(
        ClusterId(0),
        ClusterEvent::Environments(Delta::Applied(dev.key(), std::sync::Arc::new(dev))),
    ));
    let row = &nothing.store.rows.environments[0];
    assert_eq!((row.health, row.pods, row.error_rate.value), (Health::Unknown, None, None));
    assert_eq!(row.versions, ["v1.8.1".into()], "as the controller last saw it");
}

#[test]
fn the_queue_is_executing_then_waiting_then_ended() {
    let world = planera()
        .with_release(release("staging", "b-runs").planned().phase(Phase::Progressing).asked(10))
        .with_release(release("staging", "c-waits").asked(20))
        .with_release(release("staging", "a-waits-longer").asked(900));
    let rows = &world.store.rows.queue;
    let told: Vec<_> = rows.iter().map(|row| (row.group, &*row.id.key.name)).collect();
    assert_eq!(
        told,
        [
            (QueueGroup::Executing, "b-runs"),
            (QueueGroup::Waiting, "a-waits-longer"),
            (QueueGroup::Waiting, "production-v1-8-2-cc"),
            (QueueGroup::Waiting, "c-waits"),
            (QueueGroup::Finished, "staging-v1-8-2-aa"),
            (QueueGroup::Finished, "production-v1-8-1-bb"),
        ]
    );
    assert_eq!((&*rows[2].from, &*rows[2].to), ("v1.8.1", "v1.8.2"));
}

#[test]
fn only_what_is_visible_asks_for_a_frame() {
    let mut world = planera();
    let before = world.store.revision;
    let same = pod("production", "backend", "backend-7f9c6d-2xk4p", "v1.8.1");
    let elsewhere = pod("staging", "backend", "backend-7f9c6d-new", "v1.8.2");
    for pod in [same.clone(), elsewhere] {
        world.send(Event::Cluster(ClusterId(0), ClusterEvent::Pods(Delta::Applied(pod.key.clone(), pod))));
    }
    world.send(Event::Tick(fixtures::now() + chrono::TimeDelta::milliseconds(300)));
    assert_eq!(world.store.revision, before);
    let mut other = same;
    other.status = "Terminating".into();
    world = world.with_pod(other);
    assert_eq!(world.store.revision, before + 1);
    // a batch is one change
    let ticks = (1..5).map(|second| Event::Tick(fixtures::now() + chrono::TimeDelta::seconds(second)));
    crate::app::update_all(&mut world.store, ticks);
    assert_eq!(world.store.revision, before + 2);
}

#[test]
fn an_event_of_an_unknown_cluster_is_dropped() {
    let mut store = planera().store();
    let stranger = pod("production", "backend", "x", "v1");
    let event = ClusterEvent::Pods(Delta::Reset(vec![(stranger.key.clone(), stranger)]));
    update(&mut store, Event::Cluster(ClusterId(7), event));
    assert_eq!(store.rows.pods_total, 6);
}

#[test]
fn without_environments_every_pod_is_shown() {
    let world = World::live().with_pod(pod("production", "backend", "x", "v1"));
    assert_eq!(world.store.rows.pods.len(), 1);
}

#[test]
fn the_registry_is_sound() {
    let mut ids = BTreeSet::new();
    for command in COMMANDS.iter().copied() {
        assert!(ids.insert(command.id), "{} twice", command.id);
        for key in command.keys {
            assert!(
                !["ctrl-d", "ctrl-k"].contains(&key.to_string().as_str())
                    || command.confirmation == Confirmation::None
            );
        }
        assert!(command.help.len() <= 96 && !command.help.ends_with('.'), "{}", command.id);
        // whoever needs a permission asks before it acts
        assert!(command.verb.is_none() || command.confirmation != Confirmation::None, "{}", command.id);
    }
}

#[test]
fn key_maps_are_patched_and_judged() {
    let x: KeyChord = "x".parse().unwrap();
    let f1: KeyChord = "f1".parse().unwrap();
    let map = default_keymap().with([("help".to_owned(), vec![f1])]).unwrap();
    let means =
        |map: &Keymap, chord: KeyChord, view: &View| map.command(chord, view).map(|(command, _)| command.id);
    let home = View::Home;
    assert_eq!(means(&map, f1, &home), Some("help"));
    assert_eq!(means(&map, "?".parse().unwrap(), &home), None);
    let map = default_keymap().with([("help".to_owned(), vec![x])]).unwrap();
    assert_eq!(means(&map, x, &home), Some("help"));
    assert!(map.keys("reject").is_empty());
    let error = default_keymap().with([("deplo".to_owned(), vec![x])]).unwrap_err();
    assert_eq!(error.to_string(), "`deplo` is not a command; did you mean `deploy`?");
    let twice = [("help".to_owned(), vec![x]), ("sort".to_owned(), vec![x])];
    assert!(matches!(default_keymap().with(twice), Err(KeymapError::Conflict { .. })));
    assert_eq!(default_keymap().with([("quit".to_owned(), vec![])]), Err(KeymapError::NoWayOut));
    // views have keys of their own: a key means the narrowest thing that means something there
    let request = crate::app::state::effect::RequestId(0);
    let pod = PodKey { namespace: "a".into(), name: "b".into() };
    let logs = View::Logs(Box::new(LogView::new(LogSubject::Pod(PodId::new(ClusterId(0), pod)), request)));
    let n: KeyChord = "n".parse().unwrap();
    assert_eq!(means(&default_keymap(), n, &home), Some("deploy"));
    assert_eq!(means(&default_keymap(), n, &logs), Some("next-match"));
    let apart = [("follow".to_owned(), vec![x]), ("sort".to_owned(), vec![x])];
    let map = default_keymap().with(apart).unwrap();
    assert_eq!((means(&map, x, &home), means(&map, x, &logs)), (Some("sort"), Some("follow")));
    let map = default_keymap().with([("help".to_owned(), vec![n])]).unwrap();
    assert_eq!((means(&map, n, &home), means(&map, n, &logs)), (Some("help"), Some("help")));
}

#[test]
fn no_default_key_means_two_things_in_one_view() {
    for (at, first) in COMMANDS.iter().enumerate() {
        for second in &COMMANDS[at + 1..] {
            let shared = first.keys.iter().find(|key| second.keys.contains(key));
            let apart = !first.scope.meets(second.scope) || first.scope.breadth() != second.scope.breadth();
            assert!(shared.is_none() || apart, "{shared:?}: {} and {}", first.id, second.id);
        }
    }
}
