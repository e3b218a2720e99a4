//! What happened to a release, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::view::{Focus, View};
use crate::ui::chrome::{grey, stand_in};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane { id: "timeline", focus: Some(Focus::Timeline), draw, ..Pane::ROW };

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let freshness = ctx.freshness(view.id.cluster, WatchedKind::Releases);
    let timeline = ctx
        .store
        .release(&view.id)
        .and_then(|release| release.status.as_ref())
        .map_or(&[][..], |status| &status.timeline);
    let count = timeline.len();
    let chrome = ctx.chrome(Some(Focus::Timeline), freshness);
    let inner = chrome.draw(buf, area, format_args!("Timeline"), (theme.muted, format_args!("{count}")));
    if stand_in(buf, inner, theme, freshness, timeline.is_empty().then_some("Nothing has happened yet.")) {
        return;
    }
    let by = if inner.width >= 90 { 16 } else { 10 };
    for (entry, row) in timeline.iter().rev().skip(view.timeline_offset).zip(0..inner.height) {
        let mut pen = Pen::new(buf, inner, row);
        pen.fmt(theme.muted, format_args!(" {} ", entry.at.format("%H:%M:%S")));
        pen.left(by, theme.muted, theme, &entry.by).skip(1);
        pen.fmt(theme.title, format_args!("{} ", entry.reason));
        let room = pen.room();
        pen.cut(room, theme.text, theme, &entry.message);
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}
