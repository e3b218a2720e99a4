//! The tour's sentence, in rows of its own below the view: it covers nothing.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::state::store::Store;
use crate::app::state::tour::{STEPS, Tour};
use crate::app::tour;
use crate::ui::chrome::{Chrome, Freshness, sentence};
use crate::ui::pane::Ctx;

/// Rows that it takes of a view of that height; none where no tour is on.
#[must_use]
pub(crate) fn rows(store: &Store, body: Rect) -> u16 {
    match store.tour.and_then(Tour::present) {
        None => 0,
        Some(_) if body.height < 16 => 2,
        // without a frame, so that what it tells of keeps its room
        Some(_) if body.height < 28 => 3,
        Some(_) => 4,
    }
}

/// Draws it.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let Some((tour, step)) = ctx.store.tour.and_then(|tour| Some((tour, tour.present()?))) else { return };
    let theme = ctx.theme;
    let boxed = area.height >= 4;
    let chrome = Chrome { theme, tier: None, focused: true, boxed, freshness: Freshness::Timeless };
    let title = format_args!("Tour {} of {}", tour.step + 1, STEPS.len());
    let note = format_args!(":tour off leaves it");
    let inner = chrome.draw(buf, area, title, (theme.muted, note));
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    sentence(buf, inner, theme.text, &tour::words(ctx.store, step));
}
