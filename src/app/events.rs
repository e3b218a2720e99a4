//! Events of Kubernetes around an environment, and the warnings beside the release that they belong to.
//!
//! Owns which namespaces' events are followed: those of views that are open, since a busy cluster writes many.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::located::{ClusterId, EnvironmentId, ReleaseId};
use crate::app::state::store::Store;
use crate::app::state::view::{EventsView, Focus, View};
use crate::app::state::view_row::{PlaceRow, ViewRow};
use crate::app::{components, views};
use crate::domain::event_row::{self, EventGroup, EventKey, EventRow};

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "events",
    is: |view| matches!(view, View::Events(_)),
    panes: &[Focus::Events],
    environment: |store| match store.ui.view() {
        View::Events(view) => Some(view.environment.clone()),
        _ => None,
    },
    go: |store, step, height| {
        let Store { ui, rows, .. } = store;
        if let Some(View::Events(view)) = ui.views.last_mut() {
            view.offset = step.scroll(view.offset, rows.events.len(), height);
        }
    },
    place: Some(PlaceRow {
        go: |store, arrival| {
            if let Some(environment) = arrival.environment.clone() {
                open(store, environment);
            }
            Some(())
        },
        ..PlaceRow::ROW
    }),
    forgets_filter: true,
    ..ViewRow::ROW
};

/// Opens the events of an environment.
pub(super) fn open(store: &mut Store, environment: EnvironmentId) {
    views::push(store, View::Events(EventsView { environment, warnings: false, offset: 0 }));
    store.dirty.events = true;
}

/// Says which namespaces' events are wanted now, where that has changed.
pub(super) fn settle(store: &mut Store) -> Vec<Effect> {
    let mut wanted: BTreeMap<ClusterId, BTreeSet<Box<str>>> = BTreeMap::new();
    for view in &store.ui.views {
        let id = match view {
            View::Events(view) => Some(view.environment.clone()),
            View::Release(view) => store.environment_of(&view.id),
            _ => None,
        };
        if let Some(id) = id {
            wanted.entry(id.cluster).or_default().insert(id.key.namespace);
        }
    }
    if wanted == store.event_scopes {
        return Vec::new();
    }
    let clusters: BTreeSet<ClusterId> = wanted.keys().chain(store.event_scopes.keys()).copied().collect();
    let effects =
        clusters.into_iter().filter(|id| wanted.get(id) != store.event_scopes.get(id)).map(|cluster| {
            let namespaces = wanted.get(&cluster).cloned().unwrap_or_default();
            Effect::Background(BackgroundEffect::FollowEvents { cluster, namespaces })
        });
    let effects = effects.collect();
    store.event_scopes = wanted;
    effects
}

/// Gathers what the open view lists.
pub(super) fn list(store: &mut Store) {
    let (mut listed, mut total, mut warnings) = (Vec::new(), 0, Vec::new());
    match store.ui.view() {
        View::Events(view) => {
            let groups = event_row::group(of(store, &view.environment));
            total = groups.len();
            let filter = store.ui.filter(Focus::Events);
            let shown = |group: &EventGroup| {
                let is_told = components::shows(store, &view.environment, &group.name);
                let kind = if group.warning { "warning" } else { "normal" };
                let words = [kind, &group.reason, &group.kind, &group.name, &group.message];
                is_told
                    && (group.warning || !view.warnings)
                    && filter.is_none_or(|filter| filter.matches(&words))
            };
            listed = groups.into_iter().filter(shown).collect();
        }
        View::Release(view) => warnings = beside(store, &view.id),
        _ => {}
    }
    store.rows.events = listed;
    store.rows.events_total = total;
    store.rows.warnings = warnings;
}

/// Every event of an environment's namespace.
fn of<'a>(store: &'a Store, id: &EnvironmentId) -> impl Iterator<Item = &'a EventRow> + use<'a> {
    let namespace = id.key.namespace.clone();
    let first = EventKey { namespace: namespace.clone(), name: "".into() };
    let events = store.cluster(id.cluster).map(|cluster| &cluster.events);
    let range = events.into_iter().flat_map(move |events| events.range(first.clone()..));
    range.take_while(move |(key, _)| key.namespace == namespace).map(|(_, event)| event)
}

/// Warnings about the workloads that a release changes, from its creation until its end.
fn beside(store: &Store, id: &ReleaseId) -> Vec<EventGroup> {
    let (Some(release), Some(place)) = (store.release(id), store.environment_of(id)) else {
        return Vec::new();
    };
    let Some(environment) = store.environment(&place) else { return Vec::new() };
    let from = release.created_at();
    let until = release.status.as_ref().and_then(|status| status.finished_at);
    let components: Vec<&str> = release.spec.images.iter().map(|image| image.component.as_str()).collect();
    let workloads =
        environment.spec.components.iter().filter(|component| components.contains(&component.name.as_str()));
    let workloads: Vec<&str> = workloads.map(|component| component.workload.name.as_str()).collect();
    let belongs = |event: &&EventRow| {
        event.warning
            && event.at >= from
            && until.is_none_or(|until| event.at.is_none_or(|at| at <= until))
            && workloads.iter().any(|workload| event_row::is_about(event, workload))
    };
    event_row::group(of(store, &place).filter(belongs))
}
