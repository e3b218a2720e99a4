//! Versions to go back to, and what would change. It looks, and never acts.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ui_state::Pane as Focus;
use crate::ui::pane::{Ctx, Pane};

/// The pane.
pub static PANE: Pane =
    Pane { id: "rollback", title: "Roll back", focus: Some(Focus::Candidates), min: (40, 5), draw };

fn draw(_buf: &mut Buffer, _area: Rect, _ctx: &Ctx<'_>) {}

/// Rows of the list of candidates where the view has this area.
#[must_use]
pub fn visible_rows(area: Rect, boxed: bool) -> u16 {
    (area.height / 2).saturating_sub(if boxed { 2 } else { 1 })
}
