//! The filter of a pane while it is typed; it takes effect at once.

use super::Pressed;
use crate::app::state::filter::Filter;
use crate::app::state::line_editor::LineEditor;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::Focus;
use crate::config::key::{KeyChord, KeyCode};

/// Opens `/` for the focused pane with what is looked for there already.
pub(in crate::app) fn open(store: &mut Store) {
    let pane = store.ui.focus;
    let before = store.ui.filters.get(&pane).cloned();
    let editor = LineEditor::with(before.as_ref().map_or("", Filter::text));
    store.ui.overlays.push(Overlay::Filter { pane, editor, before });
}

pub(in crate::app) fn press(
    store: &mut Store,
    chord: KeyChord,
    (pane, mut editor, before): (Focus, LineEditor, Option<Filter>),
) -> Pressed {
    match chord.code() {
        KeyCode::Enter => return Pressed::Taken(Vec::new()),
        KeyCode::Esc => {
            apply(store, pane, before.as_ref().map_or("", Filter::text));
            return Pressed::Taken(Vec::new());
        }
        _ => {}
    }
    let taken = editor.key(chord);
    apply(store, pane, editor.text());
    store.ui.overlays.push(Overlay::Filter { pane, editor, before });
    if taken { Pressed::Taken(Vec::new()) } else { Pressed::Passed }
}

/// Looks for that text in a pane.
pub(in crate::app) fn apply(store: &mut Store, pane: Focus, text: &str) {
    match Filter::parse(text) {
        Some(filter) => store.ui.filters.insert(pane, filter),
        None => store.ui.filters.remove(&pane),
    };
    match pane {
        Focus::Pods => store.dirty.pods = true,
        Focus::Environments | Focus::Queue => store.dirty.releases = true,
        Focus::Events => store.dirty.events = true,
        Focus::Alerts => store.dirty.alerts = true,
        _ => store.dirty.screen = true,
    }
}
