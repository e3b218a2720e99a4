//! The mouse: a click selects, the wheel scrolls. It never opens, sends or changes anything.

use crate::app::movement;
use crate::app::state::movement::Move;
use crate::app::state::pointing::Pointed;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::Focus;

/// Rows that one turn of the wheel is worth.
const TURN: usize = 3;

/// Does it.
pub(super) fn apply(store: &mut Store, pane: Focus, what: Pointed) {
    let step = match what {
        Pointed::Click(_) => None,
        Pointed::Up => Some(Move::Up),
        Pointed::Down => Some(Move::Down),
    };
    let in_help = matches!(store.ui.overlay(), Some(Overlay::Help { .. }));
    if !in_help {
        // a window above the view is for the keys alone
        if !store.ui.overlays.is_empty() || !store.view_row().panes.contains(&pane) {
            return;
        }
        store.ui.focus = pane;
    }
    store.dirty.cursors = true;
    store.dirty.screen = true;
    match (step, what) {
        (Some(step), _) => (0..TURN).for_each(|_| movement::go(store, step)),
        (None, Pointed::Click(Some(line))) if !in_help => (store.view_row().click)(store, pane, line),
        _ => {}
    }
}
