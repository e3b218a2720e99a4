//! Selections in lists: how they move, and how they stay on the same thing.

use crate::app::state::cursor::Cursor;
use crate::app::state::movement::Move;

/// Moves a selection; from now on a person has put it there.
pub(in crate::app) fn select<R, K: Clone + PartialEq>(
    cursor: &mut Cursor<K>,
    rows: &[R],
    step: Move,
    page: usize,
    id: impl Fn(&R) -> K,
) {
    cursor.held = true;
    cursor.index = step.from(cursor.index, rows.len(), page);
    cursor.selected = rows.get(cursor.index).map(id);
    cursor.offset = scrolled(cursor.offset, cursor.index, rows.len(), page);
}

/// Selects that thing, if it is listed.
pub(in crate::app) fn jump<R, K: Clone + PartialEq>(
    cursor: &mut Cursor<K>,
    rows: &[R],
    wanted: &K,
    id: impl Fn(&R) -> &K,
    page: usize,
) {
    cursor.held = true;
    cursor.selected = Some(wanted.clone());
    follow(cursor, rows, id, page);
}

/// Where no person has put it, a selection stays on the first row.
pub(in crate::app) fn rest<K>(cursor: &mut Cursor<K>) {
    if !cursor.held {
        cursor.selected = None;
    }
}

/// Keeps the selection on the same thing; when that is gone, on what took its place. The selected row stays in sight.
pub(in crate::app) fn follow<R, K: Clone + PartialEq>(
    cursor: &mut Cursor<K>,
    rows: &[R],
    id: impl Fn(&R) -> &K,
    height: usize,
) {
    let same_place = |k: &K| rows.get(cursor.index).is_some_and(|row| id(row) == k);
    match &cursor.selected {
        Some(selected) if same_place(selected) => {}
        Some(selected) => match rows.iter().position(|row| id(row) == selected) {
            Some(index) => cursor.index = index,
            None => cursor.index = cursor.index.min(rows.len().saturating_sub(1)),
        },
        None => cursor.index = 0,
    }
    cursor.selected = rows.get(cursor.index).map(|row| id(row).clone());
    cursor.offset = scrolled(cursor.offset, cursor.index, rows.len(), height);
}

/// The nearest offset at which that row is in sight and no line is wasted.
pub(in crate::app) fn scrolled(offset: usize, index: usize, len: usize, height: usize) -> usize {
    let lowest = (index + 1).saturating_sub(height);
    offset.clamp(lowest, index.max(lowest)).min(len.saturating_sub(height))
}

/// Selects the line of a list that was clicked at.
pub(in crate::app) fn put<R, K: Clone + PartialEq>(
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
