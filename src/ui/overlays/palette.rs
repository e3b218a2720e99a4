//! `:` with completion: choices above the line that is being typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::command;
use crate::app::state::palette::Palette;
use crate::ui::chrome::{Chrome, Freshness};
use crate::ui::format::width;
use crate::ui::layout::{scrolled, take_bottom};
use crate::ui::overlays::clear;
use crate::ui::pane::Ctx;
use crate::ui::pen::Pen;

/// Draws the choices at the bottom of the body, beside the typed line.
pub(crate) fn draw(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, palette: &Palette) {
    let theme = ctx.theme;
    let count = palette.choices.len();
    let wanted = u16::try_from(count.max(1)).unwrap_or(u16::MAX).min(body.height / 2).min(12);
    let mut rest = Rect { width: body.width.min(96), ..body };
    let area = take_bottom(&mut rest, wanted.saturating_add(2));
    clear(buf, area, ctx.theme);
    let chrome = Chrome { theme, tier: None, focused: true, boxed: true, freshness: Freshness::Timeless };
    let inner = chrome.draw(buf, area, format_args!("Commands"), (Style::new(), format_args!("")));
    if palette.choices.is_empty() {
        let word = palette.editor.text().split_whitespace().next().unwrap_or_default();
        let help = command::find(word).map_or("Nothing of that name: see ? for every command.", |c| c.help);
        let mut pen = Pen::new(buf, inner, 0);
        let room = pen.room();
        pen.put(theme.muted, " ").cut(room.saturating_sub(1), theme.muted, theme, help);
        return;
    }
    let name = palette.choices.iter().map(|choice| width(&choice.completion)).max().unwrap_or(8).clamp(8, 40);
    let first = scrolled(0, palette.selected, usize::from(inner.height));
    for (choice, row) in palette.choices.iter().skip(first).zip(0..inner.height) {
        let selected = first + usize::from(row) == palette.selected;
        let pointer = if selected { theme.glyphs.current } else { " " };
        let usable = choice.unavailable.is_none();
        let mut pen = Pen::new(buf, inner, row);
        pen.put(theme.accent, pointer);
        pen.left(name, if usable { theme.key } else { theme.stale }, theme, &choice.completion).skip(2);
        let room = pen.room();
        pen.cut(room, if usable { theme.text } else { theme.muted }, theme, &choice.help);
        if let Some(reason) = &choice.unavailable {
            let room = pen.room();
            pen.put(theme.muted, " · ").cut(room.saturating_sub(3), theme.warning, theme, reason);
        }
        if selected {
            buf.set_style(Rect { y: inner.y + row, height: 1, ..inner }, theme.selection);
        }
    }
}
