//! Something that must be read.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::ui::chrome::{Chrome, Freshness, sentence, split_line};
use crate::ui::format::width;
use crate::ui::layout::centred;
use crate::ui::overlays::clear;
use crate::ui::pane::Ctx;

/// Draws the window, as tall as its text.
pub(crate) fn draw(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, (title, text): (&str, &str)) {
    let widest = text.lines().map(width).max().unwrap_or(0).max(width(title) + 4).saturating_add(4);
    let cells = widest.clamp(30, 90).min(body.width);
    let height = rows(text, cells.saturating_sub(4)).saturating_add(2);
    let area = centred(body, cells, height);
    clear(buf, area, ctx.theme);
    let chrome = Chrome {
        theme: ctx.theme,
        tier: ctx.store.focused_tier(),
        focused: true,
        boxed: true,
        freshness: Freshness::Timeless,
    };
    let inner = chrome.draw(buf, area, format_args!("{title}"), (Style::new(), format_args!("")));
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    sentence(buf, inner, ctx.theme.text, text);
}

/// Rows that a text takes when it is broken to that width.
#[must_use]
pub(crate) fn rows(text: &str, cells: u16) -> u16 {
    let mut count: u16 = 0;
    for line in text.lines() {
        let mut rest = line;
        while !rest.is_empty() {
            (_, rest) = split_line(rest, cells);
            count = count.saturating_add(1);
        }
    }
    count
}
