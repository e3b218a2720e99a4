//! Delivery numbers of every application.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::dora;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::view::{Focus, View};
use crate::domain::age::Age;
use crate::domain::delivery::Delivery;
use crate::ui::chrome::{Chrome, Freshness, grey, sentence, stand_in};
use crate::ui::format::{Short, width};
use crate::ui::overlays::message::rows;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "dora",
    focus: Some(Focus::Dora),
    whole: Some(|view| matches!(view, View::Dora(_))),
    rows: |area, _, boxed| visible_rows(area, boxed),
    draw,
};

const EMPTY: &str = "No application is in sight: there is nothing to count.";
/// What the columns mean, where there is room to say it.
const MEANING: &str = "DEPLOYS: releases that changed production and have ended. DAILY: those that succeeded, a day. LEAD: from when a version \
                       was first asked for, anywhere, to when it succeeded in production. TAKES: from the first change to the end. FAILED: \
                       deployments that failed, were held or were undone. BACK: times that production went back. RESTORED: from a failure to \
                       the next good version. Times are medians; the terms are DORA's, counted from the releases themselves.";

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Dora(view) = ctx.store.ui.view() else { return };
    let (store, theme) = (ctx.store, ctx.theme);
    let freshness = ctx.worst(WatchedKind::Releases);
    let chrome = Chrome { tier: None, freshness, ..ctx.chrome(Some(Focus::Dora), Freshness::Timeless) };
    let (dot, days) = (theme.glyphs.dot, view.days);
    let all = dora::list(store, days);
    let inner = chrome.draw(
        buf,
        area,
        format_args!("Delivery to production {dot} {days} days"),
        (theme.muted, format_args!("N: another period")),
    );
    if stand_in(buf, inner, theme, freshness, all.is_empty().then_some(EMPTY)) {
        return;
    }
    let name = all.iter().map(|(name, _)| width(name)).max().unwrap_or(8).clamp(8, 24);
    let wide = inner.width >= 100;
    head(&mut Pen::new(buf, inner, 0), ctx, (name, wide));
    let meaning = meaning(inner);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1 + meaning), ..inner };
    for ((application, numbers), row) in all.iter().skip(view.offset).zip(0..body.height) {
        let mut pen = Pen::new(buf, body, row);
        pen.skip(1).left(name, theme.text, theme, application).skip(1);
        line(&mut pen, ctx, numbers, wide);
    }
    if meaning > 0 {
        let at = Rect {
            x: inner.x + 1,
            y: body.bottom() + 1,
            width: inner.width.saturating_sub(2),
            height: meaning - 1,
        };
        sentence(buf, at, theme.muted, MEANING);
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

/// Rows of the meaning and the gap above it; none where the list needs the room.
fn meaning(inner: Rect) -> u16 {
    let wanted = rows(MEANING, inner.width.saturating_sub(2)) + 1;
    if inner.height >= wanted + 6 { wanted } else { 0 }
}

const HEADINGS: [&str; 7] = ["DEPLOYS", "DAILY", "LEAD", "TAKES", "FAILED", "BACK", "RESTORED"];

/// Cells of a column.
const fn cells(wide: bool) -> u16 {
    if wide { 12 } else { 9 }
}

fn head(pen: &mut Pen<'_>, ctx: &Ctx<'_>, (name, wide): (u16, bool)) {
    let theme = ctx.theme;
    pen.skip(1).left(name, theme.muted, theme, "NAME").skip(1);
    for heading in HEADINGS {
        pen.right(cells(wide), theme.muted, format_args!("{heading}"));
    }
}

fn line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, numbers: &Delivery, wide: bool) {
    let theme = ctx.theme;
    let cells = cells(wide);
    let span = |seconds: Option<i64>| match seconds {
        Some(seconds) => Short::of(format_args!("{}", Age::of(chrono::TimeDelta::seconds(seconds)))),
        None => Short::of(format_args!("-")),
    };
    let share = |part: Option<f64>| match part {
        Some(part) => Short::of(format_args!("{:.0}%", part * 100.0)),
        None => Short::of(format_args!("-")),
    };
    let failing = if numbers.failed > 0 { theme.warning } else { theme.text };
    pen.right(cells, theme.text, format_args!("{}", numbers.deployments));
    pen.right(cells, theme.text, format_args!("{:.2}", numbers.per_day));
    pen.right(cells, theme.text, format_args!("{}", span(numbers.lead_seconds).as_str()));
    pen.right(cells, theme.text, format_args!("{}", span(numbers.duration_seconds).as_str()));
    pen.right(cells, failing, format_args!("{}", share(numbers.failure_rate).as_str()));
    pen.right(cells, theme.text, format_args!("{}", share(numbers.rollback_rate).as_str()));
    pen.right(cells, theme.text, format_args!("{}", span(numbers.restore_seconds).as_str()));
    if numbers.unrestored > 0 {
        pen.fmt(theme.failing, format_args!("  {} not restored", numbers.unrestored));
    }
}

/// Rows of the list where the pane has this area.
fn visible_rows(area: Rect, boxed: bool) -> u16 {
    let frame = if boxed { 2 } else { 1 };
    let height = area.height.saturating_sub(frame);
    let inner = Rect { height, width: area.width.saturating_sub(if boxed { 2 } else { 0 }), ..area };
    height.saturating_sub(1 + meaning(inner))
}
