//! The view of one release: plan, gates, timeline.

use crate::app::state::located::ReleaseId;
use crate::app::state::movement::Move;
use crate::app::state::store::Store;
use crate::app::state::target::Target;
use crate::app::state::view::{Focus, View};
use crate::app::state::view_row::{PlaceRow, ViewRow};
use crate::app::{steps, views};

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "release",
    is: |view| matches!(view, View::Release(_)),
    panes: &[Focus::Plan, Focus::Gates, Focus::Timeline],
    environment: |store| store.environment_of(&opened(store)?),
    target: |store| Target { environment: store.focused_environment(), release: opened(store), pod: None },
    go,
    place: Some(PlaceRow {
        release: Some(opened),
        go: |store, arrival| {
            views::open_release(store, arrival.release.clone()?);
            Some(())
        },
        ..PlaceRow::ROW
    }),
    returns_to: Some(Focus::Queue),
    ..ViewRow::ROW
};

fn opened(store: &Store) -> Option<ReleaseId> {
    let View::Release(view) = store.ui.view() else { return None };
    Some(view.id.clone())
}

fn go(store: &mut Store, step: Move, height: usize) {
    let Store { ui, clusters, .. } = store;
    let pane = ui.focus;
    let Some(View::Release(view)) = ui.views.last_mut() else { return };
    let status = clusters
        .get(usize::from(view.id.cluster.0))
        .and_then(|cluster| cluster.releases.get(&view.id.key))
        .and_then(|release| release.status.as_ref());
    let Some(status) = status else { return };
    let (offset, len) = match pane {
        Focus::Gates => (&mut view.gates_offset, status.gates.len()),
        Focus::Timeline => (&mut view.timeline_offset, status.timeline.len()),
        _ => {
            let len = status.plan.as_ref().map_or(0, |plan| plan.steps.len());
            let current = status.step.as_ref().map_or(0, |step| step.index);
            let current = usize::try_from(current).unwrap_or_default();
            (view.plan_offset.get_or_insert_with(|| steps::followed(current, len, height)), len)
        }
    };
    *offset = step.scroll(*offset, len, height);
}
