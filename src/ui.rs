//! Drawing: the store as it looks in a terminal. Owns themes, glyphs, layout, panes and windows. Drawing changes nothing and does
//! no IO; only visible rows are formatted, straight into the buffer. Must not know kube, tokio or where events come from.
//!
//! Start at [`render`]; a new pane is one file in `panes/` and one line in `panes::PANES`.

pub(crate) mod banners;
pub(crate) mod chrome;
pub(crate) mod footer;
pub(crate) mod format;
pub(crate) mod glyphs;
pub(crate) mod layout;
pub(crate) mod overlays;
pub(crate) mod pane;
pub(crate) mod panes;
pub(crate) mod pen;
pub(crate) mod plot;
pub(crate) mod pointing;
pub(crate) mod reading;
pub mod screens;
pub(crate) mod shell;
pub(crate) mod syntax;
pub mod theme;
pub(crate) mod tour;

#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod svg;

use ratatui::Frame;

use crate::app::state::store::Store;
use crate::ui::theme::Theme;

pub use crate::ui::screens::heights;

/// Draws the whole screen.
pub fn render(frame: &mut Frame<'_>, store: &Store, theme: &Theme) {
    let area = frame.area();
    screens::draw(frame.buffer_mut(), area, store, theme);
}
