//! What is kept from one start to the next: where a person was and how they looked at it. Nothing that was read, and no secret.

use crate::api::EnvironmentKey;
use crate::app::place;
use crate::app::state::filter::Filter;
use crate::app::state::health::HealthClass;
use crate::app::state::located::EnvironmentId;
use crate::app::state::pod_sort::PodSort;
use crate::app::state::saved_state::{KeptComponent, SavedFocus, SavedState};
use crate::app::state::store::Store;
use crate::app::state::view::Focus;

const PANES: [(SavedFocus, Focus); 3] = [
    (SavedFocus::Environments, Focus::Environments),
    (SavedFocus::Pods, Focus::Pods),
    (SavedFocus::Queue, Focus::Queue),
];

/// What of this session is kept. `settings` is the theme that the settings name.
#[must_use]
pub(crate) fn of(store: &Store, settings: &str) -> SavedState {
    let filters = PANES.iter().filter_map(|(kept, pane)| {
        store.ui.filters.get(pane).map(|filter| (*kept, filter.text().to_owned()))
    });
    let pane = PANES.iter().find(|(_, pane)| *pane == store.ui.focus).map(|(kept, _)| *kept);
    let components = store.ui.alone.iter().filter_map(|(id, component)| {
        Some(KeptComponent {
            context: store.cluster(id.cluster)?.context.to_string(),
            namespace: id.key.namespace.to_string(),
            environment: id.key.name.to_string(),
            component: component.to_string(),
        })
    });
    let components = components.chain(store.ui.alone_elsewhere.iter().cloned());
    SavedState {
        place: place::present(store)
            .map(|place| place::lasting(store, place))
            .or_else(|| store.resuming.clone()),
        pane: pane.unwrap_or_default(),
        sort: store.ui.pod_sort.word().to_owned(),
        metric: store.ui.metric.to_string(),
        filters: filters.collect(),
        theme: (&*store.theme != settings).then(|| (store.theme.to_string(), settings.to_owned())),
        folded: store.ui.folded.clone(),
        components: components.collect(),
        bookmarks: store.history.bookmarks.clone(),
    }
}

/// Takes over what was kept. Its place is gone to when it is known to be there, and only while nothing burns.
pub(crate) fn take(store: &mut Store, kept: SavedState) {
    if let Some(sort) = PodSort::ALL.into_iter().find(|sort| sort.word() == kept.sort) {
        store.ui.pod_sort = sort;
    }
    if !kept.metric.is_empty() {
        store.ui.metric = kept.metric.as_str().into();
    }
    for (pane, text) in &kept.filters {
        let pane = PANES.iter().find(|(kept, _)| kept == pane).map(|(_, pane)| *pane);
        if let (Some(pane), Some(filter)) = (pane, Filter::parse(text)) {
            store.ui.filters.insert(pane, filter);
        }
    }
    if let Some((_, pane)) = PANES.iter().find(|(pane, _)| *pane == kept.pane) {
        store.ui.focus = *pane;
    }
    for kept in kept.components {
        let cluster = store.clusters().find(|(_, cluster)| *cluster.context == *kept.context);
        if let Some(cluster) = cluster.map(|(id, _)| id) {
            let key = EnvironmentKey::new(kept.namespace, kept.environment);
            store.ui.alone.insert(EnvironmentId::new(cluster, key), kept.component.into());
        } else {
            store.ui.alone_elsewhere.push(kept);
        }
    }
    store.history.bookmarks = kept.bookmarks;
    store.ui.folded = kept.folded;
    store.resuming = kept.place;
    store.dirty.releases = true;
}

/// Goes to the kept place once it is there. A fire or a key ends the wait: nobody is led away from either.
pub(super) fn resume(store: &mut Store) {
    let Some(place) = &store.resuming else { return };
    let burns = store.rows.environments.iter().any(|row| {
        row.health.class() == HealthClass::Bad || row.error_rate.is_over() || row.latency.is_over()
    });
    if store.last_key.is_some() || burns {
        store.resuming = None;
        if store.last_key.is_none() {
            // nor is what burns hidden behind what was looked at before
            store.ui.alone.clear();
            store.dirty.pods = true;
        }
        return;
    }
    let place = place.clone();
    let focus = store.ui.focus;
    if place::environment_id(store, &place).is_some() && place::go(store, &place).is_ok() {
        store.resuming = None;
        if store.ui.views.len() == 1 {
            store.ui.focus = focus;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{World, burning, environment, environment_id, planera};

    fn resumed(world: World, kept: SavedState) -> World {
        let mut world = world;
        take(&mut world.store, kept);
        world.store.last_key = None;
        world.settled()
    }

    #[test]
    fn where_a_person_was_is_found_again() {
        let before = planera().typing("1 tab s m / back enter B a enter h");
        let kept = of(&before.store, "");
        let text = serde_json::to_string(&kept).unwrap();
        assert_eq!(serde_json::from_str::<SavedState>(&text).unwrap(), kept);
        let after = resumed(planera(), kept.clone());
        assert_eq!(after.store.focused_environment(), Some(environment_id("staging")));
        assert_eq!(of(&after.store, ""), kept);
    }

    #[test]
    fn the_pane_and_its_order_are_found_again_on_the_home_screen() {
        let before = planera().typing("1 tab s m");
        let after = resumed(planera(), of(&before.store, ""));
        let ui =
            |world: &World| (world.store.ui.focus, world.store.ui.pod_sort, world.store.ui.metric.clone());
        assert_eq!(ui(&after), ui(&before));
        assert_eq!(after.store.ui.environments.selected, Some(environment_id("staging")));
    }

    #[test]
    fn a_fire_comes_before_the_past() {
        let kept = of(&planera().typing("1").store, "");
        let after = resumed(burning(), kept);
        assert_eq!(after.store.focused_environment(), Some(environment_id("production")));
        assert_eq!(after.store.resuming, None);
    }

    #[test]
    fn it_waits_until_the_place_is_there() {
        let kept = of(&planera().typing("1").store, "");
        let world = resumed(World::live().with(environment("production").production()), kept.clone());
        assert_eq!(world.store.resuming, kept.place);
        assert_eq!(of(&world.store, "").place.unwrap().environment, "production");
        let world = world.with(environment("staging").staging()).settled();
        assert_eq!(world.store.focused_environment(), Some(environment_id("staging")));
    }

    #[test]
    fn a_theme_is_kept_as_long_as_the_settings_name_the_same() {
        let mut world = planera();
        world.store.theme = "light".into();
        assert_eq!(of(&world.store, "dark").theme, Some(("light".to_owned(), "dark".to_owned())));
        assert_eq!(of(&world.store, "light").theme, None);
    }

    #[test]
    fn what_is_shown_alone_elsewhere_is_kept_for_a_session_there() {
        let before = planera().typing("2 C front enter");
        let here = of(&before.store, "").components;
        assert_eq!((here.len(), &*here[0].component), (1, "frontend"));
        let elsewhere = KeptComponent { context: "elsewhere".to_owned(), ..here[0].clone() };
        let kept =
            SavedState { components: vec![elsewhere.clone(), here[0].clone()], ..SavedState::default() };
        let after = resumed(planera(), kept);
        assert_eq!(of(&after.store, "").components, [here[0].clone(), elsewhere.clone()]);
        let after = after.typing("2 C all enter");
        assert_eq!(of(&after.store, "").components, [elsewhere]);
    }

    #[test]
    fn what_was_read_is_not_kept() {
        let world = planera().typing("1 tab d");
        let text = serde_json::to_string(&of(&world.store, "")).unwrap();
        assert!(!text.contains("backend"), "{text}");
    }
}
