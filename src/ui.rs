//! Drawing: the store as it looks in a terminal. Owns themes, glyphs, layout, panes and windows. Drawing changes nothing and does
//! no IO; only visible rows are formatted, straight into the buffer. Must not know kube, tokio or where events come from.
//!
//! Start at [`render`]; a new pane is one file in `panes/` and one line in [`panes::PANES`].

pub mod banners;
pub mod chrome;
pub mod footer;
pub mod format;
pub mod glyphs;
pub mod layout;
pub mod overlays;
pub mod pane;
pub mod panes;
pub mod pen;
pub mod plot;
pub mod pointing;
pub mod reading;
pub mod screens;
pub mod shell;
pub mod syntax;
pub mod theme;
pub mod tour;

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
