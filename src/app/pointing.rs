//! The mouse: a click selects, the wheel scrolls. It never opens, sends or changes anything.

use crate::app::selection::{Move, jump};
use crate::app::state::cursor::Cursor;
use crate::app::state::pointing::Pointed;
use crate::app::state::sections::EnvironmentLine;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::{Pane, RollbackChoice, View};
use crate::app::{movement, sections};

/// Rows that one turn of the wheel is worth.
const TURN: usize = 3;

/// Does it.
pub(super) fn apply(store: &mut Store, pane: Pane, what: Pointed) {
    let step = match what {
        Pointed::Click(_) => None,
        Pointed::Up => Some(Move::Up),
        Pointed::Down => Some(Move::Down),
    };
    let in_help = matches!(store.ui.overlay(), Some(Overlay::Help { .. }));
    if !in_help {
        // a window above the view is for the keys alone
        if !store.ui.overlays.is_empty() || !Pane::of(store.ui.view()).contains(&pane) {
            return;
        }
        store.ui.focus = pane;
    }
    store.dirty.cursors = true;
    store.dirty.screen = true;
    match (step, what) {
        (Some(step), _) => (0..TURN).for_each(|_| movement::go(store, step)),
        (None, Pointed::Click(Some(line))) if !in_help => select(store, pane, line),
        _ => {}
    }
}

fn select(store: &mut Store, pane: Pane, line: usize) {
    let height = store.ui.height(pane);
    if pane == Pane::Environments {
        let rows = &store.rows.environments;
        let chosen = match store.rows.environment_lines.get(line) {
            Some(EnvironmentLine::Environment(at)) => rows.get(*at),
            Some(EnvironmentLine::Heading(heading)) if heading.folded => {
                rows.iter().find(|row| row.section == heading.section)
            }
            _ => None,
        };
        if let Some(id) = chosen.map(|row| row.id.clone()) {
            sections::select(store, &id);
        }
        return;
    }
    let Store { ui, rows, .. } = store;
    match (ui.views.last_mut(), pane) {
        (Some(View::Home), Pane::Pods) => put(&mut ui.pods, &rows.pods, line, height, |id| id),
        (Some(View::Home), Pane::Queue) => put(&mut ui.queue, &rows.queue, line, height, |row| &row.id),
        (Some(View::Inbox(view)), _) => put(&mut view.cursor, &rows.inbox, line, height, |row| &row.key),
        (Some(View::Differences(view)), _) => {
            put(&mut view.cursor, &rows.differences.lines, line, height, |line| &line.key);
        }
        (Some(View::Rollback(view)), _) => {
            let choices: Vec<RollbackChoice> = view.versions.iter().map(RollbackChoice::of).collect();
            put(&mut view.cursor, &choices, line, height, |choice| choice);
        }
        _ => {}
    }
}

fn put<R, K: Clone + PartialEq>(
    cursor: &mut Cursor<K>,
    rows: &[R],
    line: usize,
    height: usize,
    id: impl Fn(&R) -> &K,
) {
    if let Some(wanted) = rows.get(line).map(|row| id(row).clone()) {
        jump(cursor, rows, &wanted, id, height);
    }
}
