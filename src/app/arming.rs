//! Arming: an environment that opens read-only changes nothing until a person says for how long and why.
//!
//! One environment is armed at a time. It is disarmed by its time, by idle fingers, when a connection comes back, and when the
//! screen turns to another cluster.

use chrono::TimeDelta;

use crate::api::Tier;
use crate::app::state::arming::Armed;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::located::{ClusterId, EnvironmentId};
use crate::app::state::store::Store;
use crate::app::state::toast::Level;
use crate::domain::age::Age;
use crate::domain::watch_state::WatchState;

/// Longest time for which an environment can be armed.
pub(crate) const LONGEST: TimeDelta = TimeDelta::hours(8);

/// Whether an environment may be changed from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Posture {
    /// It may, as always.
    Open,
    /// It may, for that long.
    Armed(Age),
    /// It may only be looked at.
    ReadOnly,
}

/// Whether that environment may be changed from here.
#[must_use]
pub(crate) fn posture(store: &Store, id: &EnvironmentId) -> Posture {
    let Some(environment) = store.environment(id) else { return Posture::Open };
    let demanded = environment.spec.open_read_only
        || (store.arming.production && environment.spec.tier == Tier::Production);
    match &store.armed {
        _ if !demanded => Posture::Open,
        Some(armed) if armed.environment == *id && armed.until > store.now => {
            Posture::Armed(Age::between(store.now, armed.until))
        }
        _ => Posture::ReadOnly,
    }
}

/// Why nothing may be changed there from here; absent when it may.
#[must_use]
pub(crate) fn read_only(store: &Store, id: &EnvironmentId) -> Option<String> {
    let name = &id.key.name;
    (posture(store, id) == Posture::ReadOnly)
        .then(|| format!("{name} is read-only here: :arm {name} 15m REASON"))
}

/// Arms an environment.
pub(super) fn arm(store: &mut Store, environment: EnvironmentId, span: TimeDelta, reason: &str) {
    let name = environment.key.name.clone();
    let until = store.now + span;
    store.say(Level::Done, format!("{name} is armed until {}Z", until.format("%H:%M")));
    store.armed = Some(Armed { environment, until, reason: reason.to_owned() });
}

/// Disarms whatever is armed, and says why.
pub(super) fn disarm(store: &mut Store, why: &str) {
    if let Some(armed) = store.armed.take() {
        store.say(Level::Warning, format!("{} is read-only again: {why}", armed.environment.key.name));
    }
}

/// Disarms when the time is over, nobody has touched a key, or the screen has turned to another cluster.
pub(super) fn watch(store: &mut Store) {
    let Some(armed) = &store.armed else { return };
    let elsewhere = store.focused_environment().is_some_and(|id| id.cluster != armed.environment.cluster);
    let idle = store.last_key.is_some_and(|at| store.now - at >= store.arming.idle);
    if armed.until <= store.now {
        disarm(store, "the time is over");
    } else if idle {
        let idle = Age::of(store.arming.idle);
        disarm(store, &format!("no key for {idle}"));
    } else if elsewhere {
        disarm(store, "the screen shows another cluster");
    }
}

/// Disarms when that cluster has been lost: what was true when it was armed need not be true any more.
pub(super) fn connection(store: &mut Store, cluster: ClusterId, feed: WatchedKind, state: &WatchState) {
    let relied_on = matches!(feed, WatchedKind::Environments | WatchedKind::Releases | WatchedKind::Actions);
    let armed_there = store.armed.as_ref().is_some_and(|armed| armed.environment.cluster == cluster);
    if armed_there && relied_on && matches!(state, WatchState::Stale { .. }) {
        disarm(store, "the connection was lost");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{World, chords, environment_id, now, planera};
    use crate::app::state::event::{ClusterEvent, Event};
    use crate::app::update;

    fn locked() -> World {
        let mut world = planera();
        world.store.arming.production = true;
        world
    }

    fn said(world: &World) -> &str {
        world.store.toasts.back().map_or("", |toast| &toast.text)
    }

    fn tick(world: &mut World, minutes: i64) {
        world.send(Event::Tick(now() + TimeDelta::minutes(minutes)));
    }

    #[test]
    fn what_opens_read_only_says_how_it_is_armed() {
        let world = locked().typing("v");
        assert!(world.store.ui.overlays.is_empty());
        assert_eq!(said(&world), "approve: production is read-only here: :arm production 15m REASON");
        let world = locked().typing(": arm space 15m space INC-1 enter v");
        assert_eq!(world.store.ui.overlays.len(), 1, "{}", said(&world));
        // the setting of production leaves staging alone
        let world = locked().typing("1");
        assert_eq!(posture(&world.store, &environment_id("staging")), Posture::Open);
    }

    #[test]
    fn the_environment_itself_may_demand_it() {
        let mut world = planera();
        let id = environment_id("staging");
        let mut environment = (**world.store.environment(&id).unwrap()).clone();
        environment.spec.open_read_only = true;
        world = world.with(environment);
        assert_eq!(posture(&world.store, &id), Posture::ReadOnly);
        let world = world.typing(": arm space staging space 30m space looking enter");
        assert_eq!(
            posture(&world.store, &id),
            Posture::Armed(Age::of(TimeDelta::minutes(30))),
            "{}",
            said(&world)
        );
    }

    #[test]
    fn it_needs_a_time_and_a_reason() {
        for (keys, expected) in [
            (": arm enter", "arm: for how long and why? :arm 15m REASON"),
            (": arm space 15m enter", "arm: for how long and why? :arm 15m REASON"),
            (": arm space 9h space INC-1 enter", "arm: `9h` is too long, at most 8h: :arm 15m REASON"),
            (": disarm enter", "disarm: nothing is armed"),
        ] {
            let world = locked().typing(keys);
            assert_eq!(said(&world), expected, "{keys}");
            assert_eq!(world.store.armed, None);
        }
    }

    #[test]
    fn time_idleness_and_a_lost_connection_disarm() {
        let armed = || locked().typing(": arm space 30m space INC-1 enter");
        let mut world = armed();
        tick(&mut world, 14);
        assert!(world.store.armed.is_some());
        tick(&mut world, 15);
        assert_eq!(said(&world), "production is read-only again: no key for 15m");

        let mut world = armed();
        for minute in [10, 20, 29] {
            tick(&mut world, minute);
            update(&mut world.store, Event::Key { chord: chords("j")[0], repeat: false });
        }
        assert!(world.store.armed.is_some());
        tick(&mut world, 30);
        assert_eq!(said(&world), "production is read-only again: the time is over");

        let world = armed().lost(WatchedKind::Releases, 1);
        assert_eq!(said(&world), "production is read-only again: the connection was lost");
        assert!(armed().lost(WatchedKind::Metrics, 1).store.armed.is_some());
        let world = armed().typing(": disarm enter");
        assert_eq!(said(&world), "production is read-only again: as you said");
    }

    #[test]
    fn turning_to_another_cluster_disarms() {
        let mut store = Store::new(["a".into(), "b".into()], "test");
        let world = locked().store;
        for event in [
            Event::Tick(now()),
            Event::Cluster(
                ClusterId(0),
                ClusterEvent::Environments(crate::app::state::event::Delta::Reset(
                    world.clusters[0].environments.clone().into_iter().collect(),
                )),
            ),
            Event::Cluster(
                ClusterId(1),
                ClusterEvent::Environments(crate::app::state::event::Delta::Reset(
                    world.clusters[0].environments.clone().into_iter().collect(),
                )),
            ),
        ] {
            update(&mut store, event);
        }
        store.arming.production = true;
        let (here, there) = (store.rows.environments[2].id.clone(), store.rows.environments[3].id.clone());
        assert_ne!(here.cluster, there.cluster);
        store.ui.environments.held = true;
        store.ui.environments.selected = Some(here.clone());
        arm(&mut store, here, TimeDelta::minutes(5), "INC-1");
        update(&mut store, Event::Tick(now() + TimeDelta::seconds(1)));
        assert!(store.armed.is_some());
        store.ui.environments.selected = Some(there);
        update(&mut store, Event::Tick(now() + TimeDelta::seconds(2)));
        assert_eq!(store.armed, None);
    }
}
