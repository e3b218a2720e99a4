//! Moving in lists and texts.

use std::collections::BTreeSet;

use crate::app::selection::{Move, select};
use crate::app::state::alerts::AlertLine;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::{Pane, View};
use crate::app::{components, matrix, sections, steps, texts, zoom};

/// Moves in the focused pane, or in the window on top.
pub(super) fn go(store: &mut Store, step: Move) {
    if matches!(store.ui.overlay(), Some(Overlay::Help { .. })) {
        let page = store.ui.height(Pane::Help);
        if let Some(Overlay::Help { offset, lines }) = store.ui.overlays.last_mut() {
            *offset = step.scroll(*offset, *lines, page);
        }
        return;
    }
    let pane = store.ui.focus;
    let height = store.ui.height(pane);
    if matches!(store.ui.view(), View::Matrix) {
        return matrix::go(store, step, height);
    }
    let Store { ui, rows, clusters, .. } = store;
    match (ui.views.last_mut(), pane) {
        (Some(View::Release(view)), _) => {
            let status = clusters
                .get(usize::from(view.id.cluster.0))
                .and_then(|cluster| cluster.releases.get(&view.id.key))
                .and_then(|release| release.status.as_ref());
            let Some(status) = status else { return };
            let (offset, len) = match pane {
                Pane::Gates => (&mut view.gates_offset, status.gates.len()),
                Pane::Timeline => (&mut view.timeline_offset, status.timeline.len()),
                _ => {
                    let len = status.plan.as_ref().map_or(0, |plan| plan.steps.len());
                    let current = status.step.as_ref().map_or(0, |step| step.index);
                    let current = usize::try_from(current).unwrap_or_default();
                    (view.plan_offset.get_or_insert_with(|| steps::followed(current, len, height)), len)
                }
            };
            *offset = step.scroll(*offset, len, height);
        }
        (Some(View::Rollback(view)), _) => {
            let choices: Vec<_> =
                view.versions.iter().map(crate::app::state::view::RollbackChoice::of).collect();
            select(&mut view.cursor, &choices, step, height, Clone::clone);
            store.dirty.cursors = true;
        }
        (Some(View::Inbox(view)), _) => {
            select(&mut view.cursor, &rows.inbox, step, height, |row| row.key.clone());
            store.dirty.cursors = true;
        }
        (Some(View::Why(view)), _) => {
            let gates = clusters
                .get(usize::from(view.id.cluster.0))
                .and_then(|cluster| cluster.releases.get(&view.id.key))
                .and_then(|release| release.status.as_ref())
                .map_or(0, |status| status.gates.len() + 1);
            view.offset = step.scroll(view.offset, gates, 1);
        }
        (Some(View::Changes(view)), _) => {
            view.offset = step.scroll(view.offset, rows.changes.len(), height);
        }
        (Some(View::Events(view)), _) => {
            view.offset = step.scroll(view.offset, rows.events.len(), height);
        }
        (Some(View::Alerts(view)), _) => select(&mut view.cursor, &rows.alerts, step, height, AlertLine::id),
        (Some(View::Differences(view)), _) => {
            select(&mut view.cursor, &rows.differences.lines, step, height, |line| line.key.clone());
            store.dirty.cursors = true;
        }
        (Some(View::Zoom(_)), _) => choose_curve(store, step, height),
        (Some(View::Numbers(view)), _) => {
            let applications: BTreeSet<&str> =
                rows.environments.iter().map(|row| &*row.application).collect();
            view.offset = step.scroll(view.offset, applications.len(), height);
        }
        (Some(View::Text(_) | View::Logs(_)), _) => texts::scroll(store, step),
        (_, Pane::Environments) => sections::go(store, step, height),
        (_, Pane::Pods) => select(&mut ui.pods, &rows.pods, step, height, Clone::clone),
        (_, Pane::Queue) => select(&mut ui.queue, &rows.queue, step, height, |row| row.id.clone()),
        _ => {}
    }
}

fn choose_curve(store: &mut Store, step: Move, page: usize) {
    let View::Zoom(view) = store.ui.view() else { return };
    let zoomed = store.cluster(view.environment.cluster).and_then(|cluster| cluster.zoomed.as_ref());
    let series = zoomed.map_or(&[][..], |zoomed| &zoomed.present.series);
    let (_, series) = components::curves(store, &view.environment, series);
    // one more than there are curves: none of them
    let present = zoom::chosen(view, series).map_or(0, |index| index + 1);
    let next = step.from(present, series.len() + 1, page);
    let curve = next.checked_sub(1).and_then(|index| series.get(index)).map(|curve| curve.label.clone());
    if let Some(View::Zoom(view)) = store.ui.views.last_mut() {
        view.curve = curve;
    }
}
