//! Opening and closing views.

use crate::app::state::effect::{Effect, FetchText};
use crate::app::state::located::ReleaseId;
use crate::app::state::store::Store;
use crate::app::state::text_view::{TextBody, TextView};
use crate::app::state::view::{Pane, ReleaseView, View};

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

/// Opens a text that is fetched.
pub(super) fn open_text(
    store: &mut Store,
    title: String,
    id: (crate::app::state::located::ClusterId, FetchText),
) -> Vec<Effect> {
    let request = store.next_request();
    let view = TextView { source: Some(id.clone()), ..TextView::new(title, request, TextBody::Loading) };
    let (cluster, what) = id;
    push(store, View::Text(view));
    vec![Effect::Fetch { cluster, what, request }]
}
