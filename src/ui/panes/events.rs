//! Events of Kubernetes around an environment, gathered, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::cluster_state::Feed;
use crate::app::ui_state::{Pane as Focus, View};
use crate::domain::age::Age;
use crate::domain::event_row::EventGroup;
use crate::ui::chrome::{grey, sentence, stand_in};
use crate::ui::format::Short;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub static PANE: Pane =
    Pane { id: "events", title: "Events", focus: Some(Focus::Events), min: (40, 2), draw };

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Events(view) = ctx.store.ui.view() else { return };
    let (store, theme, dot) = (ctx.store, ctx.theme, ctx.theme.glyphs.dot);
    let freshness = ctx.freshness(view.environment.cluster, Feed::Events);
    let events = &store.rows.events;
    let only = if view.warnings { "Warnings" } else { "Events" };
    let filter = match store.ui.filter(Focus::Events) {
        Some(filter) => Short::of(format_args!(" {dot} /{}", filter.text())),
        None => Short::of(format_args!("")),
    };
    let warnings = events.iter().filter(|group| group.warning).count();
    let note =
        Short::of(format_args!("{warnings} warnings {dot} {} of {}", events.len(), store.rows.events_total));
    let inner = ctx.chrome(Some(Focus::Events), freshness).draw(
        buf,
        area,
        format_args!("{only} {dot} {}{}", view.environment.key.namespace, filter.as_str()),
        (theme.muted, format_args!("{}", note.as_str())),
    );
    if events.is_empty() && store.rows.events_total > 0 {
        let why = if view.warnings {
            "No warnings: W lists every event."
        } else {
            "Nothing matches: esc shows all."
        };
        sentence(buf, inner, theme.muted, why);
        return;
    }
    let empty = "Nothing has happened here lately: a cluster forgets its events, mostly after an hour.";
    if stand_in(buf, inner, theme, freshness, events.is_empty().then_some(empty)) {
        return;
    }
    let mut body = inner;
    if inner.height > 3 {
        let mut pen = Pen::new(buf, inner, 0);
        pen.put(theme.muted, "    AGE   WHAT      REASON");
        body = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    for (group, row) in events.iter().skip(view.offset).zip(0..body.height) {
        line(&mut Pen::new(buf, body, row), ctx, group);
    }
    if freshness.is_stale() {
        grey(buf, body, theme);
    }
}

/// `12s ▲ warning BackOff ×12 Pod/backend-… (3) message`.
pub(super) fn line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, group: &EventGroup) {
    let theme = ctx.theme;
    let wide = pen.room() >= 120;
    match group.at {
        Some(at) => pen.right(7, theme.muted, format_args!("{}", Age::between(at, ctx.store.now))),
        None => pen.right(7, theme.unknown, format_args!("?")),
    };
    let (glyph, word, style) = if group.warning {
        (theme.glyphs.warning, "warning", theme.warning)
    } else {
        (theme.glyphs.dot, "normal", theme.muted)
    };
    pen.skip(1).put(style, glyph).skip(1).left(8, style, theme, word);
    pen.left(if wide { 24 } else { 16 }, style, theme, &group.reason).skip(1);
    if group.count > 1 {
        pen.right(6, theme.text, format_args!("x{}", group.count)).skip(1);
    } else {
        pen.skip(7);
    }
    let object = format!("{}/{}", group.kind, group.name);
    if wide {
        pen.name(40, theme.text, theme, &object).skip(1);
        if group.objects > 1 {
            pen.right(5, theme.text, format_args!("of {}", group.objects)).skip(1);
        } else {
            pen.skip(6);
        }
    } else {
        pen.name(20, theme.text, theme, &group.name).skip(1);
    }
    let room = pen.room();
    pen.cut(room, theme.text, theme, &group.message);
}

/// Rows of the list where the pane has this area.
#[must_use]
pub fn visible_rows(area: Rect, boxed: bool) -> u16 {
    let inner = area.height.saturating_sub(if boxed { 2 } else { 1 });
    if inner > 3 { inner - 1 } else { inner }
}
