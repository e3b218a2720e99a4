//! Opening the palette. What a line may mean is found when the command that has opened it is done.

use crate::app::state::palette::Palette;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;

/// Opens the palette.
pub(super) fn open(store: &mut Store) {
    open_with(store, "");
}

/// Opens the palette with the beginning of a line.
pub(super) fn open_with(store: &mut Store, line: &str) {
    push(store, line, None);
}

/// Opens the palette with the beginning of a line, that completion of it chosen.
pub(super) fn open_choosing(store: &mut Store, line: &str, completion: String) {
    push(store, line, Some(completion));
}

fn push(store: &mut Store, line: &str, wanted: Option<String>) {
    let mut palette = Palette { wanted, ..Palette::default() };
    palette.editor.set(line);
    store.ui.overlays.push(Overlay::Palette(palette));
}
