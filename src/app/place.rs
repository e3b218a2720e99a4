//! Places: where a person is, so that they can come back: by history, by a bookmark, or on the next start.
//!
//! Owns what of a place is remembered. Never what was read there: no log, no YAML, no number.

use serde::{Deserialize, Serialize};

use crate::api::{EnvironmentKey, ReleaseKey};
use crate::app::alerts::{AlertScope, AlertsView};
use crate::app::cluster_state::ClusterId;
use crate::app::located::{EnvironmentId, ReleaseId};
use crate::app::log_view::LogSubject;
use crate::app::store::Store;
use crate::app::ui_state::{ChangesView, Cursor, InboxView, Pane, View};
use crate::app::{alerts, components, differences, events, log_view, numbers, views, zoom};

/// Where a person is, in words that outlive a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Place {
    /// What is open.
    pub view: PlaceView,
    /// The context of the cluster.
    pub context: String,
    /// Namespace of the environment.
    pub namespace: String,
    /// Name of the environment; empty: none was selected.
    pub environment: String,
    /// Name of the component that is shown alone; empty: all are.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub component: String,
    /// Name of the release, where one is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// What tells it from others of its kind: the pane that is zoomed, whose logs, beside which environment.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
}

/// What is open, of what can be opened again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PlaceView {
    /// The home screen.
    #[default]
    Home,
    /// A release.
    Release,
    /// Versions to go back to.
    Rollback,
    /// What has changed lately.
    Changes,
    /// What waits for us.
    Inbox,
    /// Applications by environments.
    Matrix,
    /// Events of Kubernetes.
    Events,
    /// One metric pane alone.
    Zoom,
    /// Delivery numbers.
    Numbers,
    /// Logs.
    Logs,
    /// Two environments, compared.
    Differences,
    /// Alerts.
    Alerts,
}

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

impl Place {
    /// What of it the next session may begin with. Logs are opened by a person, each time anew: they are a permission of their own, one
    /// stream for each pod that runs then, and what pods print may be for no eyes but those of whoever asks for it.
    #[must_use]
    pub fn lasting(self) -> Self {
        match self.view {
            PlaceView::Logs => Self { view: PlaceView::Home, about: String::new(), ..self },
            _ => self,
        }
    }

    /// What people call it.
    #[must_use]
    pub fn words(&self) -> String {
        let view = match self.view {
            PlaceView::Home => "home",
            PlaceView::Release => "release",
            PlaceView::Rollback => "rollback",
            PlaceView::Changes => "changes",
            PlaceView::Inbox => "inbox",
            PlaceView::Matrix => "matrix",
            PlaceView::Events => "events",
            PlaceView::Zoom => "zoom",
            PlaceView::Numbers => "numbers",
            PlaceView::Logs => "logs",
            PlaceView::Differences => "differences",
            PlaceView::Alerts if self.about == AlertScope::ONE => "alerts",
            PlaceView::Alerts => return format!("alerts of {}", AlertScope::read(&self.about, None).words()),
        };
        let about = self.release.as_deref().unwrap_or(&self.environment);
        match (about, &*self.component) {
            ("", _) => view.to_owned(),
            (about, "") => format!("{view} of {about}"),
            (about, component) => format!("{view} of {about}, {component} alone"),
        }
    }

    /// The environment, where this session has it.
    #[must_use]
    pub fn environment_id(&self, store: &Store) -> Option<EnvironmentId> {
        let key = EnvironmentKey::new(self.namespace.as_str(), self.environment.as_str());
        let id = EnvironmentId::new(self.cluster(store)?, key);
        store.environment(&id).map(|_| id)
    }

    fn cluster(&self, store: &Store) -> Option<ClusterId> {
        store.clusters().find(|(_, cluster)| *cluster.context == *self.context).map(|(id, _)| id)
    }

    fn release_id(&self, store: &Store) -> Option<ReleaseId> {
        let key = ReleaseKey::new(self.namespace.as_str(), self.release.as_deref()?);
        let id = ReleaseId::new(self.cluster(store)?, key);
        store.release(&id).map(|_| id)
    }
}

/// Goes there; says what of it is gone.
pub(super) fn go(store: &mut Store, place: &Place) -> Result<(), String> {
    let gone = || format!("{} is gone", place.words());
    let environment = place.environment_id(store);
    if environment.is_none() && !place.environment.is_empty() {
        return Err(gone());
    }
    let release = place.release_id(store);
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
        (PlaceView::Rollback, Some(id), _) => views::open_rollback(store, id),
        (PlaceView::Changes, Some(environment), _) => {
            views::push(store, View::Changes(ChangesView { environment, offset: 0 }));
        }
        (PlaceView::Events, Some(environment), _) => events::open(store, environment),
        (PlaceView::Numbers, ..) => numbers::open(store),
        (PlaceView::Zoom, Some(environment), _) => zoom::reopen(store, environment, &place.about),
        (PlaceView::Logs, ..) => {
            let subject =
                place.cluster(store).and_then(|cluster| LogSubject::read(&place.about, cluster, store));
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
