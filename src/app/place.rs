//! Places: where a person is, so that they can come back: by history, by a bookmark, or on the next start.
//!
//! Owns what of a place is remembered. Never what was read there: no log, no YAML, no number.

use crate::api::{EnvironmentKey, ReleaseKey};
use crate::app::components;
use crate::app::state::cursor::Cursor;
use crate::app::state::located::{ClusterId, EnvironmentId, ReleaseId};
use crate::app::state::place::Place;
use crate::app::state::store::Store;
use crate::app::state::view::Focus;
use crate::app::state::view_row::Arrival;

/// Where the screen is now; absent where that cannot be opened again.
#[must_use]
pub(crate) fn present(store: &Store) -> Option<Place> {
    let row = store.view_row();
    let place = row.place.as_ref()?;
    let (environment, release) =
        ((place.environment)(store), place.release.and_then(|release| release(store)));
    let cluster = environment.as_ref().map(|id| id.cluster).or(release.as_ref().map(|id| id.cluster));
    let context = cluster.and_then(|id| store.cluster(id)).map_or("", |cluster| &cluster.context);
    let alone = environment.as_ref().and_then(|id| components::alone(store, id));
    let component = alone.map(|component| component.name.to_string()).unwrap_or_default();
    let (namespace, name) = environment.map_or_else(Default::default, |id| (id.key.namespace, id.key.name));
    Some(Place {
        view: row.name.to_owned(),
        context: context.to_owned(),
        namespace: namespace.to_string(),
        environment: name.to_string(),
        component,
        release: release.map(|id| id.key.name.to_string()),
        about: (place.about)(store),
    })
}

/// What of a place the next session may begin with.
#[must_use]
pub(super) fn lasting(store: &Store, place: Place) -> Place {
    let row = store.views.named(&place.view).and_then(|row| row.place.as_ref());
    if row.is_some_and(|row| row.lasts) {
        return place;
    }
    Place { view: Place::default().view, about: String::new(), ..place }
}

/// Goes there; says what of it is gone.
pub(super) fn go(store: &mut Store, place: &Place) -> Result<(), String> {
    let gone = || format!("{} is gone", place.words());
    let row = store.views.named(&place.view).and_then(|row| row.place.as_ref()).ok_or_else(gone)?;
    let environment = environment_id(store, place);
    if environment.is_none() && !place.environment.is_empty() {
        return Err(gone());
    }
    let release = release_id(store, place);
    if row.release.is_some() && release.is_none() {
        return Err(gone());
    }
    store.ui.views.truncate(1);
    store.ui.focus = Focus::Environments;
    store.dirty.screen = true;
    store.dirty.pods = true;
    if let Some(id) = &environment
        && store.ui.environments.selected.as_ref() != Some(id)
    {
        store.ui.environments.selected = Some(id.clone());
        store.ui.environments.held = true;
        store.ui.pods = Cursor::default();
    }
    if let Some(id) = &environment {
        components::restore(store, id, &place.component);
    }
    let cluster = cluster_of(store, place);
    let arrival = Arrival { about: &place.about, cluster, environment, release };
    (row.go)(store, &arrival).ok_or_else(gone)
}

/// The environment, where this session has it.
pub(super) fn environment_id(store: &Store, place: &Place) -> Option<EnvironmentId> {
    let key = EnvironmentKey::new(place.namespace.as_str(), place.environment.as_str());
    let id = EnvironmentId::new(cluster_of(store, place)?, key);
    store.environment(&id).map(|_| id)
}

fn cluster_of(store: &Store, place: &Place) -> Option<ClusterId> {
    store.clusters().find(|(_, cluster)| *cluster.context == *place.context).map(|(id, _)| id)
}

fn release_id(store: &Store, place: &Place) -> Option<ReleaseId> {
    let key = ReleaseKey::new(place.namespace.as_str(), place.release.as_deref()?);
    let id = ReleaseId::new(cluster_of(store, place)?, key);
    store.release(&id).map(|_| id)
}
