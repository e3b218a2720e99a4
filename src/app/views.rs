//! Opening and closing views.

use crate::app::effect::{Effect, FetchText};
use crate::app::located::{EnvironmentId, ReleaseId};
use crate::app::rollback;
use crate::app::store::Store;
use crate::app::text_view::{TextBody, TextView};
use crate::app::ui_state::{Cursor, Pane, ReleaseView, RollbackView, View};

/// Opens a view on top of the others.
pub(super) fn push(store: &mut Store, view: View) {
    store.ui.focus = Pane::of(&view)[0];
    store.ui.views.push(view);
    store.dirty.screen = true;
}

/// Closes the topmost view; home stays. Tells whether there was one to close.
pub(super) fn pop(store: &mut Store) -> bool {
    if store.ui.views.len() <= 1 {
        return false;
    }
    let closed = store.ui.views.pop();
    store.ui.filters.remove(&Pane::Events);
    store.ui.filters.remove(&Pane::Alerts);
    store.ui.filters.remove(&Pane::Differences);
    store.ui.focus = match (store.ui.view(), closed) {
        (View::Home, Some(View::Release(_))) => Pane::Queue,
        (View::Home, Some(View::Text(_) | View::Logs(_))) => Pane::Pods,
        (view, _) => Pane::of(view)[0],
    };
    store.dirty.screen = true;
    true
}

/// Opens a release.
pub(super) fn open_release(store: &mut Store, id: ReleaseId) {
    let view = ReleaseView { id, timeline_offset: 0, gates_offset: 0, plan_offset: None };
    push(store, View::Release(view));
}

/// Opens the versions that an environment can go back to, the last known good one selected.
pub(super) fn open_rollback(store: &mut Store, environment: EnvironmentId) {
    let view = RollbackView {
        environment,
        versions: Vec::new(),
        last_known_good: None,
        already: None,
        preview: Vec::new(),
        cursor: Cursor::default(),
    };
    push(store, View::Rollback(view));
    rollback::renew(store, true);
}

/// Opens a text that is fetched.
pub(super) fn open_text(
    store: &mut Store,
    title: String,
    id: (crate::app::cluster_state::ClusterId, FetchText),
) -> Vec<Effect> {
    let request = store.next_request();
    let view = TextView { source: Some(id.clone()), ..TextView::new(title, request, TextBody::Loading) };
    let (cluster, what) = id;
    push(store, View::Text(view));
    vec![Effect::Fetch { cluster, what, request }]
}
