//! Events of Kubernetes around an environment, gathered, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::components;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::view::{Focus, View};
use crate::domain::age::Age;
use crate::domain::event_row::EventGroup;
use crate::ui::chrome::{grey, sentence, stand_in};
use crate::ui::format::{Many, Short};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "events",
    focus: Some(Focus::Events),
    whole: Some(|view| matches!(view, View::Events(_))),
    rows: |area, _, boxed| visible_rows(area, boxed),
    draw,
};

/// Cells from which on everything of an event stands in one row.
const WIDE: u16 = 120;
/// Cells of `of 99999`: as many objects as a cluster can have of one family.
const OBJECTS: u16 = 8;

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Events(view) = ctx.store.ui.view() else { return };
    let (store, theme, dot) = (ctx.store, ctx.theme, ctx.theme.glyphs.dot);
    let freshness = ctx.freshness(view.environment.cluster, WatchedKind::Events);
    let events = &store.rows.events;
    let only = if view.warnings { "Warnings" } else { "Events" };
    let filter = match store.ui.filter(Focus::Events) {
        Some(filter) => Short::of(format_args!(" {dot} /{}", filter.text())),
        None => Short::of(format_args!("")),
    };
    let component = components::alone(store, &view.environment);
    let alone = match component {
        Some(component) => Short::of(format_args!(" {dot} {}", component.name)),
        None => Short::of(format_args!("")),
    };
    let warnings = events.iter().filter(|group| group.warning).count();
    let note = Short::of(format_args!(
        "{} {dot} {} of {}",
        Many(warnings, "warning"),
        events.len(),
        store.rows.events_total
    ));
    let inner = ctx.chrome(Some(Focus::Events), freshness).draw(
        buf,
        area,
        format_args!("{only} {dot} {}{}{}", view.environment.key.namespace, alone.as_str(), filter.as_str()),
        (theme.muted, format_args!("{}", note.as_str())),
    );
    if events.is_empty() && store.rows.events_total > 0 {
        let is_filtered = store.ui.filter(Focus::Events).is_some();
        let why = match (view.warnings, is_filtered, component) {
            (true, _, _) => "No warnings: W lists every event.",
            (false, false, Some(_)) => "No event is about this component: C shows all components.",
            (false, _, _) => "Nothing matches: esc shows all.",
        };
        sentence(buf, inner, theme.muted, why);
        return;
    }
    let empty = "Nothing has happened here lately: a cluster forgets its events, mostly after an hour.";
    if stand_in(buf, inner, theme, freshness, events.is_empty().then_some(empty)) {
        return;
    }
    let mut body = inner;
    let each = rows_each(inner.width);
    if inner.height > 3 {
        let mut pen = Pen::new(buf, inner, 0);
        pen.put(theme.muted, "    AGE   WHAT    REASON");
        if each > 1 {
            pen.to(inner.x + 44).put(theme.muted, "COUNT OBJECT");
        }
        body = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    for (group, nth) in events.iter().skip(view.offset).zip(0..body.height / each) {
        let mut pen = Pen::new(buf, body, nth * each);
        if each == 1 {
            line(&mut pen, ctx, group);
            continue;
        }
        lead(&mut pen, ctx, group, 24);
        subject(&mut pen, ctx, group);
        let mut pen = Pen::new(buf, body, nth * each + 1);
        pen.skip(10);
        let room = pen.room();
        pen.cut(room, theme.text, theme, &group.message);
    }
    if freshness.is_stale() {
        grey(buf, body, theme);
    }
}

/// `12s ▲ warning BackOff ×12 Pod/backend-… (3) message`.
pub(super) fn line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, group: &EventGroup) {
    let theme = ctx.theme;
    let wide = pen.room() >= WIDE;
    lead(pen, ctx, group, if wide { 24 } else { 16 });
    if wide {
        let object = format!("{}/{}", group.kind, group.name);
        pen.name(40, theme.text, theme, &object).skip(1);
        if group.objects > 1 {
            pen.right(OBJECTS, theme.text, format_args!("of {}", group.objects)).skip(1);
        } else {
            pen.skip(OBJECTS + 1);
        }
    } else {
        pen.name(20, theme.text, theme, &group.name).skip(1);
    }
    let room = pen.room();
    pen.cut(room, theme.text, theme, &group.message);
}

/// `12s ▲ warning BackOff x12`.
fn lead(pen: &mut Pen<'_>, ctx: &Ctx<'_>, group: &EventGroup, reason: u16) {
    let theme = ctx.theme;
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
    pen.left(reason, style, theme, &group.reason).skip(1);
    if group.count > 1 {
        pen.right(6, theme.text, format_args!("x{}", group.count)).skip(1);
    } else {
        pen.skip(7);
    }
}

/// `backend-… of 3`, at the end of a narrow line, whose message stands below.
fn subject(pen: &mut Pen<'_>, ctx: &Ctx<'_>, group: &EventGroup) {
    let theme = ctx.theme;
    if group.objects > 1 {
        pen.last(theme.text, format_args!("of {}", group.objects));
    }
    let room = pen.room();
    pen.name(room, theme.text, theme, &group.name);
}

/// Rows that an event takes: where the message would have no room beside it, it stands below.
const fn rows_each(cells: u16) -> u16 {
    if cells >= WIDE { 1 } else { 2 }
}

/// Rows of the list where the pane has this area.
fn visible_rows(area: Rect, boxed: bool) -> u16 {
    let inner = area.height.saturating_sub(if boxed { 2 } else { 1 });
    let cells = area.width.saturating_sub(if boxed { 2 } else { 0 });
    (if inner > 3 { inner - 1 } else { inner }) / rows_each(cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::store::Store;
    use crate::ui::theme::Theme;

    #[test]
    fn the_number_of_objects_is_told_however_many_there_are() {
        let (store, theme) = (Store::default(), Theme::named("mono"));
        let ctx = Ctx::new(&store, &theme, false);
        for objects in [2, 99, 100, 9_999, 50_000] {
            let group = EventGroup {
                at: None,
                warning: true,
                reason: "BackOff".into(),
                kind: "Pod".into(),
                name: "backend-7f9c6d-2xk4p".into(),
                objects,
                message: "Back-off restarting failed container".into(),
                count: 3,
            };
            let area = Rect::new(0, 0, 160, 1);
            let mut buf = Buffer::empty(area);
            line(&mut Pen::new(&mut buf, area, 0), &ctx, &group);
            let shown: String = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
            assert!(shown.contains(&format!(" of {objects} Back-off")), "{shown}");
        }
    }
}
