//! Data that the server has not confirmed for longer than `stale-after`: drawn as stale, and nothing is started on its strength.

use chrono::TimeDelta;

use crate::app::fold;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::event::ClusterEvent;
use crate::app::state::located::ClusterId;
use crate::app::state::store::Store;
use crate::domain::watch_state::WatchState;

/// The feeds that the API server confirms every few seconds.
const CONFIRMED: [WatchedKind; 6] = [
    WatchedKind::Environments,
    WatchedKind::Releases,
    WatchedKind::Actions,
    WatchedKind::Pods,
    WatchedKind::Workloads,
    WatchedKind::Events,
];

/// Turns what was confirmed too long ago into stale data; its feed makes it live again.
pub(super) fn watch(store: &mut Store) {
    let Some(after) = store.stale_after else { return };
    let old: Vec<(ClusterId, WatchedKind, WatchState)> = store
        .clusters()
        .flat_map(|(id, cluster)| CONFIRMED.iter().map(move |feed| (id, *feed, cluster.feeds.get(feed))))
        .filter_map(|(id, feed, state)| Some((id, feed, stale(state?, after, store.now)?)))
        .collect();
    for (id, feed, state) in old {
        fold::apply(store, id, ClusterEvent::Watch(feed, state));
    }
}

fn stale(state: &WatchState, after: TimeDelta, now: chrono::DateTime<chrono::Utc>) -> Option<WatchState> {
    match state {
        WatchState::Live { heard } if now - *heard > after => Some(WatchState::Stale {
            since: Some(*heard),
            reason: format!("not confirmed for longer than stale-after, {} s", after.num_seconds()),
            retry_at: None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Verb;
    use crate::app::fixtures::{environment_id, now, planera};
    use crate::app::guard;
    use crate::app::state::event::Event;

    #[test]
    fn data_that_nobody_confirms_goes_stale_and_comes_back() {
        let mut world = planera();
        world.store.stale_after = Some(TimeDelta::seconds(15));
        let id = environment_id("production");
        let lock = |world: &crate::app::fixtures::World| guard::lock(&world.store, id.cluster);
        world.send(Event::Tick(now() + TimeDelta::seconds(15)));
        assert_eq!(lock(&world), None);
        world.send(Event::Tick(now() + TimeDelta::seconds(16)));
        assert!(lock(&world).unwrap().contains("data 16 s old"), "{:?}", lock(&world));
        assert!(guard::refusal(&world.store, &id, Verb::Deploy).is_some());
        world.cluster(ClusterEvent::Watch(
            WatchedKind::Environments,
            WatchState::Live { heard: now() + TimeDelta::seconds(16) },
        ));
        world.cluster(ClusterEvent::Watch(
            WatchedKind::Releases,
            WatchState::Live { heard: now() + TimeDelta::seconds(16) },
        ));
        world.cluster(ClusterEvent::Watch(
            WatchedKind::Actions,
            WatchState::Live { heard: now() + TimeDelta::seconds(16) },
        ));
        assert_eq!(lock(&world), None);
    }

    #[test]
    fn feeds_that_are_asked_at_longer_intervals_do_not_go_stale() {
        let mut world = planera();
        world.store.stale_after = Some(TimeDelta::seconds(15));
        world.send(Event::Tick(now() + TimeDelta::minutes(5)));
        let cluster = world.store.clusters().next().unwrap().1;
        for feed in [WatchedKind::Controller, WatchedKind::Metrics, WatchedKind::Alerts] {
            assert!(!matches!(cluster.feeds.get(&feed), Some(WatchState::Stale { .. })), "{feed:?}");
        }
        assert!(matches!(cluster.feeds.get(&WatchedKind::Pods), Some(WatchState::Stale { .. })));
    }
}
