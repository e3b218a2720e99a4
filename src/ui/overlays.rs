//! Windows above the view, one file each.

pub(crate) mod confirm;
pub(crate) mod form;
pub(crate) mod handoff;
pub(crate) mod help;
pub(crate) mod message;
pub(crate) mod palette;
pub(crate) mod weight;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::state::ui_state::Overlay;
use crate::ui::pane::Ctx;
use crate::ui::theme::Theme;

/// Draws a window above what is there.
pub(crate) fn draw(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, overlay: &Overlay) {
    match overlay {
        Overlay::Help { offset, .. } => help::draw(buf, body, ctx, *offset),
        Overlay::Palette(palette) => palette::draw(buf, body, ctx, palette),
        // It is typed on the status line, and takes effect in its pane at once.
        Overlay::Filter { .. } | Overlay::Pattern(_) => {}
        Overlay::Form(form) => form::draw(buf, body, ctx, form),
        Overlay::Confirm(confirm) => confirm::draw(buf, body, ctx, confirm),
        Overlay::Weight(form) => weight::draw(buf, body, ctx, form),
        Overlay::HandOff(form) => handoff::draw(buf, body, ctx, form),
        Overlay::Message { title, text } => message::draw(buf, body, ctx, (title, text)),
    }
}

/// Empties the cells below a window.
pub(crate) fn clear(buf: &mut Buffer, area: Rect, theme: &Theme) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            buf[(x, y)].reset();
        }
    }
    buf.set_style(area, theme.text);
}
