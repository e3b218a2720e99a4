//! Places: where a person is, so that they can come back: by history, by a bookmark, or on the next start.
//!
//! Owns what of a place is remembered. Never what was read there: no log, no YAML, no number.

use crate::api::{EnvironmentKey, ReleaseKey};
use crate::app::state::alerts::{AlertScope, AlertsView};
use crate::app::state::cursor::Cursor;
use crate::app::state::located::{ClusterId, EnvironmentId, ReleaseId};
use crate::app::state::place::{Place, PlaceView};
use crate::app::state::store::Store;
use crate::app::state::view::{ChangesView, InboxView, Pane, View};
use crate::app::{alerts, components, differences, events, log_view, numbers, rollback, views, zoom};

/// Where the screen is now; absent where that cannot be opened again.
#[must_use]
pub fn present(store: &Store) -> Option<Place> {
    let mut about = String::new();
    let (view, release) = match store.ui.view() {
        View::Home => (PlaceView::Home, None),
        View::Release(view) => (PlaceView::Release, Some(view.id.clone())),
        View::Rollback(_) => (PlaceView::Rollback, None),
        View::Changes(_) => (PlaceView::Changes, None),
        View::Inbox(_) => (PlaceView::Inbox, None),
        View::Matrix => (PlaceView::Matrix, None),
        View::Events(_) => (PlaceView::Events, None),
        View::Numbers(_) => (PlaceView::Numbers, None),
        View::Zoom(view) => {
            about = view.pane.to_string();
            (PlaceView::Zoom, None)
        }
        View::Logs(view) => {
            about = view.subject.written();
            (PlaceView::Logs, None)
        }
        View::Differences(view) => {
            about = differences::written(store, &view.left.environment);
            (PlaceView::Differences, None)
        }
        View::Alerts(view) => {
            about.push_str(view.scope.written());
            (PlaceView::Alerts, None)
        }
        View::Why(_) | View::Text(_) => return None,
    };
    let environment = match (view, store.ui.view()) {
        (_, View::Alerts(AlertsView { scope: AlertScope::One(id), .. })) => Some(id.clone()),
        // what is chosen in the inbox or among alerts is no place
        (PlaceView::Inbox | PlaceView::Alerts, _) => store.ui.environments.selected.clone(),
        _ => store.focused_environment(),
    };
    let cluster = environment.as_ref().map(|id| id.cluster).or(release.as_ref().map(|id| id.cluster));
    let context = cluster.and_then(|id| store.cluster(id)).map_or("", |cluster| &cluster.context);
    let alone = environment.as_ref().and_then(|id| components::alone(store, id));
    let component = alone.map(|component| component.name.to_string()).unwrap_or_default();
    let (namespace, name) = environment.map_or_else(Default::default, |id| (id.key.namespace, id.key.name));
    Some(Place {
        view,
        context: context.to_owned(),
        namespace: namespace.to_string(),
        environment: name.to_string(),
        component,
        release: release.map(|id| id.key.name.to_string()),
        about,
    })
}

/// Goes there; says what of it is gone.
pub(super) fn go(store: &mut Store, place: &Place) -> Result<(), String> {
    let gone = || format!("{} is gone", place.words());
    let environment = environment_id(store, place);
    if environment.is_none() && !place.environment.is_empty() {
        return Err(gone());
    }
    let release = release_id(store, place);
    if place.view == PlaceView::Release && release.is_none() {
        return Err(gone());
    }
    store.ui.views.truncate(1);
    store.ui.focus = Pane::Environments;
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
    match (place.view, environment, release) {
        (PlaceView::Release, _, Some(release)) => views::open_release(store, release),
        (PlaceView::Rollback, Some(id), _) => rollback::open(store, id),
        (PlaceView::Changes, Some(environment), _) => {
            views::push(store, View::Changes(ChangesView { environment, offset: 0 }));
        }
        (PlaceView::Events, Some(environment), _) => events::open(store, environment),
        (PlaceView::Numbers, ..) => numbers::open(store),
        (PlaceView::Zoom, Some(environment), _) => zoom::reopen(store, environment, &place.about),
        (PlaceView::Logs, ..) => {
            let subject =
                cluster_of(store, place).and_then(|cluster| log_view::read(&place.about, cluster, store));
            log_view::open(store, subject.ok_or_else(gone)?);
        }
        (PlaceView::Differences, Some(environment), _) => {
            let other = differences::find(store, &place.about).map_err(|_| gone())?;
            differences::open(store, environment, Some(other));
        }
        (PlaceView::Alerts, environment, _) => {
            alerts::reopen(store, AlertScope::read(&place.about, environment));
        }
        (PlaceView::Matrix, ..) => views::push(store, View::Matrix),
        (PlaceView::Inbox, ..) => views::push(store, View::Inbox(InboxView::default())),
        _ => {}
    }
    Ok(())
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
