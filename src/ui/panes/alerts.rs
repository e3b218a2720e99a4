//! Alerts, the worst first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::state::alerts::{AlertLine, AlertScope};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::store::Store;
use crate::app::state::view::{Focus, View};
use crate::app::{alerts, components};
use crate::domain::age::Age;
use crate::domain::alert_row::Severity;
use crate::ui::chrome::{Chrome, Freshness, grey, stand_in};
use crate::ui::format::{Short, width};
use crate::ui::layout::{is_wide, scrolled, take_bottom};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "alerts",
    focus: Some(Focus::Alerts),
    rows: |area, _, boxed| visible_rows(area, boxed),
    draw,
    ..Pane::ROW
};

const EMPTY: &str = "No alert fires, and none is pending.";
const FILTERED: &str = "Nothing matches: esc shows all.";
const OTHERS: &str = "No alert is about this component: C shows those of all components.";
const ELSEWHERE: &str = "No alert of your environments fires. a goes on to everybody's.";

/// Where the list is, and what the chosen one says.
#[must_use]
pub(crate) fn areas(body: Rect, store: &Store) -> (Rect, Rect) {
    let mut list = body;
    let most = if is_wide(body) { 16 } else { 8 };
    let wanted = if store.rows.alerts.is_empty() { 0 } else { (body.height / 3).min(most) };
    let chosen = take_bottom(&mut list, if wanted < 3 { 0 } else { wanted });
    (list, chosen)
}

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Alerts(view) = ctx.store.ui.view() else { return };
    let (store, theme, dot) = (ctx.store, ctx.theme, ctx.theme.glyphs.dot);
    let rows = &store.rows;
    let freshness = ctx.worst(WatchedKind::Alerts);
    // It spans environments: production's frame belongs to what shows production alone.
    let chrome = Chrome { tier: None, freshness, ..ctx.chrome(Some(Focus::Alerts), Freshness::Timeless) };
    let filter = match store.ui.filter(Focus::Alerts) {
        Some(filter) => Short::of(format_args!(" {dot} /{}", filter.text())),
        None => Short::of(format_args!("")),
    };
    let component = match &view.scope {
        AlertScope::One(id) => components::alone(store, id),
        _ => None,
    };
    let alone = match component {
        Some(component) => Short::of(format_args!(" {dot} {}", component.name)),
        None => Short::of(format_args!("")),
    };
    let firing = rows.alerts.iter().filter(|line| line.state() == "firing").count();
    let others = match rows.alerts_elsewhere {
        0 => Short::of(format_args!("")),
        count => Short::of(format_args!(" {dot} {count} elsewhere")),
    };
    let hidden = match rows.alerts_hidden {
        0 => Short::of(format_args!("")),
        hidden => Short::of(format_args!(" {dot} {hidden} of others hidden")),
    };
    let (listed, total) = (rows.alerts.len(), rows.alerts_total);
    let note = if listed < total {
        Short::of(format_args!("{listed} of {total}{}{}", hidden.as_str(), others.as_str()))
    } else {
        {
            let quiet = rows.alerts.iter().filter(|line| line.quiet().is_some()).count();
            let quiet = if quiet > 0 {
                Short::of(format_args!(" {dot} {quiet} quiet"))
            } else {
                Short::of(format_args!(""))
            };
            let pending = rows.alerts.iter().filter(|line| line.state() == "pending").count();
            Short::of(format_args!(
                "{firing} firing {dot} {pending} pending{}{}{}",
                quiet.as_str(),
                hidden.as_str(),
                others.as_str()
            ))
        }
    };
    let inner = chrome.draw(
        buf,
        area,
        format_args!("Alerts {dot} {}{}{}", view.scope.words(), alone.as_str(), filter.as_str()),
        (theme.muted, format_args!("{}", note.as_str())),
    );
    let empty = match (total, rows.alerts_elsewhere, rows.alerts_hidden) {
        (0, 0, 0) => EMPTY,
        (0, 0, _) => OTHERS,
        (0, _, _) => ELSEWHERE,
        _ => FILTERED,
    };
    if stand_in(buf, inner, theme, freshness, rows.alerts.is_empty().then_some(empty)) {
        return;
    }
    let (below, mut body) = parted(ctx, inner);
    let columns = Columns::of(&rows.alerts, body.width);
    if body.height > 3 {
        columns.head(&mut Pen::new(buf, body, 0), ctx);
        body = Rect { y: body.y + 1, height: body.height - 1, ..body };
    }
    let first = scrolled(view.cursor.offset, view.cursor.index, usize::from(body.height));
    for (line, at) in rows.alerts.iter().skip(first).zip(0..body.height) {
        let area = Rect { y: body.y + at, height: 1, ..body };
        columns.row(buf, area, ctx, (line, view.cursor.selected.as_ref() == Some(&line.id)));
        if line.lost || freshness.is_stale() {
            grey(buf, area, theme);
        }
    }
    lost(buf, below, ctx);
}

/// Lines below the list, one for each that does not answer while others do.
fn parted(ctx: &Ctx<'_>, inner: Rect) -> (Rect, Rect) {
    let mut list = inner;
    let silent =
        if ctx.worst(WatchedKind::Alerts).is_stale() { 0 } else { alerts::silent(ctx.store).count() };
    let below = take_bottom(&mut list, u16::try_from(silent).unwrap_or(u16::MAX).min(inner.height / 3));
    (below, list)
}

fn lost(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let theme = ctx.theme;
    for ((source, reason), row) in alerts::silent(ctx.store).zip(0..area.height) {
        let mut pen = Pen::new(buf, area, row);
        pen.fmt(theme.failing, format_args!(" {} {source}: ", theme.glyphs.failing));
        let room = pen.room();
        pen.cut(room, theme.text, theme, reason);
    }
}

/// Glyph and style of an alert.
#[must_use]
pub(crate) fn look(ctx: &Ctx<'_>, line: &AlertLine) -> (&'static str, Style) {
    let (theme, glyphs, alert) = (ctx.theme, ctx.theme.glyphs, &line.alert);
    if line.quiet().is_some() {
        return (glyphs.paused, theme.muted);
    }
    match (alert.is_firing, alert.severity()) {
        (_, Severity::Info) => (glyphs.dot, theme.muted),
        (false, _) => (glyphs.waiting, theme.warning),
        (true, Severity::Critical) => (glyphs.failing, theme.failing),
        (true, Severity::Warning) => (glyphs.warning, theme.warning),
    }
}

/// Widths of the columns, so that every row has the same ones.
struct Columns {
    name: u16,
    environment: u16,
    /// The application stands before the environment.
    applications: bool,
}

impl Columns {
    fn of(lines: &[AlertLine], cells: u16) -> Self {
        let widest = |of: fn(&AlertLine) -> u16, least: u16, most: u16| {
            lines.iter().map(of).max().unwrap_or(least).clamp(least, most)
        };
        let applications = cells >= 120;
        let environment = |line: &AlertLine| line.environment.as_ref().map_or(1, |id| width(&id.key.name));
        Self {
            name: widest(|line| width(&line.alert.name), 8, if cells < 100 { 20 } else { 36 }),
            environment: if applications { 28 } else { widest(environment, 11, 14) },
            applications,
        }
    }

    fn head(&self, pen: &mut Pen<'_>, ctx: &Ctx<'_>) {
        let (theme, style) = (ctx.theme, ctx.theme.muted);
        pen.skip(3).left(9, style, theme, "SEVERITY").left(10, style, theme, "STATE");
        pen.right(5, style, format_args!("FOR")).skip(1);
        pen.left(self.name, style, theme, "ALERT").skip(1);
        pen.left(self.environment, style, theme, "ENVIRONMENT").skip(1).put(style, "SUMMARY");
    }

    fn row(&self, buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>, (line, selected): (&AlertLine, bool)) {
        let (theme, alert) = (ctx.theme, &line.alert);
        let (pointer, over) = ctx.selection(selected, Focus::Alerts);
        let (glyph, style) = look(ctx, line);
        let mut pen = Pen::new(buf, area, 0);
        pen.put(theme.accent, pointer).put(style, glyph).skip(1);
        let word = alert.severity_word();
        pen.left(8, style, theme, if word.is_empty() { "-" } else { word }).skip(1);
        pen.left(10, style, theme, line.state());
        pen.right(5, theme.muted, format_args!("{}", Age::between(alert.since, ctx.store.now))).skip(1);
        pen.left(self.name, theme.title, theme, &alert.name).skip(1);
        self.environment(&mut pen, ctx, line);
        let room = pen.room();
        pen.cut(room, theme.text, theme, alert.summary());
        if let Some(style) = over {
            buf.set_style(area, style);
        }
    }

    fn environment(&self, pen: &mut Pen<'_>, ctx: &Ctx<'_>, line: &AlertLine) {
        let theme = ctx.theme;
        let end = pen.column() + self.environment + 1;
        let style = line.tier.map_or(theme.muted, |tier| theme.tier(tier));
        if let Some(id) = &line.environment {
            if let Some(row) = ctx.row(id).filter(|_| self.applications) {
                pen.cut(14, theme.text, theme, &row.application).put(theme.muted, theme.glyphs.dot);
            }
            let more = match line.alert.environments.len() - 1 {
                0 => Short::of(format_args!("")),
                more => Short::of(format_args!("+{more}")),
            };
            let room = end.saturating_sub(pen.column() + 1 + width(more.as_str()));
            pen.cut(room, style, theme, &id.key.name).put(theme.muted, more.as_str());
        } else {
            pen.cut(self.environment, style, theme, line.alert.namespace().unwrap_or("-"));
        }
        pen.to(end);
    }
}

/// Rows of the list where the pane has this area.
fn visible_rows(area: Rect, boxed: bool) -> u16 {
    let inner = area.height.saturating_sub(if boxed { 2 } else { 1 });
    if inner > 3 { inner - 1 } else { inner }
}
