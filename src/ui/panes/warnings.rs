//! What the cluster warns of while a release changes workloads, beside that release.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::events::line;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::view::View;
use crate::domain::event_row::EventGroup;
use crate::ui::chrome::{Freshness, grey, sentence};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane { id: "warnings", draw, ..Pane::ROW };

/// Lines that are shown at most beside everything else.
const MOST: usize = 3;

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let freshness = ctx.freshness(view.id.cluster, WatchedKind::Events);
    let warnings = &ctx.store.rows.warnings;
    let shown = Freshness::Timeless;
    let inner = ctx.chrome(None, shown).draw(
        buf,
        area,
        format_args!("{} Warnings of the cluster", theme.glyphs.warning),
        (theme.muted, format_args!("{} {} E lists all", warnings.len(), theme.glyphs.dot)),
    );
    if warnings.is_empty() {
        sentence(buf, inner, theme.muted, "None since this release began.");
    }
    for (group, row) in warnings.iter().zip(0..inner.height) {
        line(&mut Pen::new(buf, inner, row), ctx, group);
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

/// Rows that the pane wants; none where there is nothing to warn of.
#[must_use]
pub(crate) fn wanted(warnings: &[EventGroup], boxed: bool) -> u16 {
    let rows = u16::try_from(warnings.len().min(MOST)).unwrap_or_default();
    if rows == 0 { 0 } else { rows + if boxed { 2 } else { 1 } }
}
