//! Opening and closing views.

use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::{Effect, FetchText};
use crate::app::state::located::ReleaseId;
use crate::app::state::store::Store;
use crate::app::state::target::Target;
use crate::app::state::text_view::{TextBody, TextView};
use crate::app::state::view::{ReleaseView, View};
use crate::app::target;

/// Opens a view on top of the others.
pub(super) fn push(store: &mut Store, view: View) {
    store.ui.focus = store.views.of(&view).first_pane();
    store.ui.views.push(view);
    store.dirty.screen = true;
}

/// Closes the topmost view; home stays. Tells whether there was one to close.
pub(super) fn pop(store: &mut Store) -> bool {
    if store.ui.views.len() <= 1 {
        return false;
    }
    let closed = store.ui.views.pop().map(|view| store.views.of(&view));
    for row in store.views.0.iter().filter(|row| row.forgets_filter) {
        for pane in row.panes {
            store.ui.filters.remove(pane);
        }
    }
    let row = store.view_row();
    let back = closed.and_then(|closed| closed.returns_to).filter(|pane| row.panes.contains(pane));
    store.ui.focus = back.unwrap_or(row.first_pane());
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
    vec![Effect::Background(BackgroundEffect::Fetch { cluster, what, request })]
}

/// Opens the release that a target means: one that has not ended before others.
pub(super) fn open_subject(store: &mut Store, target: &Target) {
    if let Some(id) = target::subject(store, target, |release| !release.phase().is_final()) {
        open_release(store, id);
    }
}
