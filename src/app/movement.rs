//! Moving in lists and texts.

use crate::app::state::movement::Move;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::Focus;

/// Moves in the focused pane, or in the window on top.
pub(super) fn go(store: &mut Store, step: Move) {
    if matches!(store.ui.overlay(), Some(Overlay::Help { .. })) {
        let page = store.ui.height(Focus::Help);
        if let Some(Overlay::Help { offset, lines }) = store.ui.overlays.last_mut() {
            *offset = step.scroll(*offset, *lines, page);
        }
        return;
    }
    let height = store.ui.height(store.ui.focus);
    (store.view_row().go)(store, step, height);
}
