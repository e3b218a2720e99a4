//! What has changed in an environment within the last hour, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::components;
use crate::app::state::changes::{Change, ChangeKind};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::view::{Focus, View};
use crate::domain::age::Age;
use crate::ui::chrome::{grey, stand_in};
use crate::ui::format::Short;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;
use crate::ui::theme::Theme;

/// The pane.
pub(crate) static PANE: Pane = Pane { id: "changes", focus: Some(Focus::Changes), draw, ..Pane::ROW };

const EMPTY: &str = "Nothing has changed here in the last hour: no release, no shift of weight, no freeze, no alert, no restart.";

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Listed(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let freshness = ctx.freshness(view.environment.cluster, WatchedKind::Releases);
    let changes = &ctx.store.rows.changes;
    let count = changes.len();
    let (dot, place) = (theme.glyphs.dot, &view.environment.key.name);
    let title = match components::alone(ctx.store, &view.environment) {
        Some(component) => {
            Short::of(format_args!("Changed in the last hour {dot} {place} {dot} {}", component.name))
        }
        None => Short::of(format_args!("Changed in the last hour {dot} {place}")),
    };
    let chrome = ctx.chrome(Some(Focus::Changes), freshness);
    let note = (theme.muted, format_args!("{count}"));
    let inner = chrome.draw(buf, area, format_args!("{}", title.as_str()), note);
    if stand_in(buf, inner, theme, freshness, changes.is_empty().then_some(EMPTY)) {
        return;
    }
    for (change, row) in changes.iter().skip(view.offset).zip(0..inner.height) {
        change_line(&mut Pen::new(buf, inner, row), ctx, change);
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

/// One change on one line.
pub(crate) fn change_line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, change: &Change) {
    let theme = ctx.theme;
    let roomy = pen.room() >= 120;
    let age = Short::of(format_args!("{}", Age::between(change.at, ctx.store.now)));
    pen.fmt(theme.muted, format_args!(" {} {:>5} ago  ", change.at.format("%H:%M:%S"), age.as_str()));
    pen.left(9, change_style(theme, change.kind), theme, change.kind.word()).skip(1);
    pen.left(if roomy { 16 } else { 10 }, theme.muted, theme, &change.by).skip(1);
    if !change.version.is_empty() {
        pen.left(if roomy { 14 } else { 8 }, theme.title, theme, &change.version).skip(1);
    }
    let room = pen.room();
    pen.cut(room, theme.text, theme, &change.message);
}

/// How a sort of change looks, in the list and on the time axes.
#[must_use]
pub(crate) fn change_style(theme: &Theme, kind: ChangeKind) -> Style {
    match kind {
        ChangeKind::Release => theme.marker,
        ChangeKind::Weight => theme.accent,
        ChangeKind::Approval | ChangeKind::AlertEnd => theme.healthy,
        ChangeKind::Pause | ChangeKind::Freeze | ChangeKind::Pods | ChangeKind::Restart => theme.warning,
        ChangeKind::Rollback | ChangeKind::Alert => theme.failing,
    }
}
