//! The release queue: what moves, what waits and for whom, what has just ended.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::api::Phase;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::rows::{QueueGroup, QueueRow};
use crate::app::state::view::Focus;
use crate::domain::age::Age;
use crate::ui::chrome::{Chrome, Freshness, grey, stand_in};
use crate::ui::format::{Short, width};
use crate::ui::layout::scrolled;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane { id: "queue", focus: Some(Focus::Queue), draw, ..Pane::ROW };

const EMPTY: &str = "No releases yet: press n to deploy a version, or run `release-cockpit deploy`.";

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let (store, theme) = (ctx.store, ctx.theme);
    let freshness = ctx.worst(WatchedKind::Releases);
    let inner = frame(buf, area, ctx, freshness);
    let rows = &store.rows.queue;
    if stand_in(buf, inner, theme, freshness, rows.is_empty().then_some(EMPTY)) {
        return;
    }
    let columns = Columns::of(rows, inner.width);
    let cursor = &store.ui.queue;
    let first = scrolled(cursor.offset, cursor.index, usize::from(inner.height));
    for (row, at) in rows.iter().skip(first).zip(0..inner.height) {
        let selected = cursor.selected.as_ref() == Some(&row.id);
        columns.row(buf, Rect { y: inner.y + at, height: 1, ..inner }, ctx, (row, selected));
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

fn frame(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>, freshness: Freshness<'_>) -> Rect {
    let (store, theme) = (ctx.store, ctx.theme);
    let count = |group| store.rows.queue.iter().filter(|row| row.group == group).count();
    let (running, waiting) = (count(QueueGroup::Executing), count(QueueGroup::Waiting));
    let dot = theme.glyphs.dot;
    let mine = store.rows.inbox.len();
    let note = match mine {
        0 => Short::of(format_args!("")),
        1 => Short::of(format_args!("! 1 needs you (i)")),
        _ => Short::of(format_args!("! {mine} need you (i)")),
    };
    // The queue spans environments; production's frame belongs to what shows production alone.
    let chrome = Chrome { tier: None, freshness, ..ctx.chrome(Some(Focus::Queue), Freshness::Timeless) };
    chrome.draw(
        buf,
        area,
        format_args!("Release queue {dot} {running} running {dot} {waiting} waiting"),
        (theme.warning.patch(theme.title), format_args!("{}", note.as_str())),
    )
}

/// Widths of the columns, so that every row has the same ones.
struct Columns {
    what: u16,
    environment: u16,
    strategy: u16,
    bar: u16,
    by: u16,
}

impl Columns {
    fn of(rows: &[QueueRow], cells: u16) -> Self {
        let what = rows.iter().map(what_width).max().unwrap_or(12);
        let environment =
            rows.iter().map(|row| width(&row.environment.key.name)).max().unwrap_or(8).clamp(7, 14);
        match cells {
            0..100 => Self {
                what: what.clamp(12, 22),
                environment: environment.min(10),
                strategy: 0,
                bar: 4,
                by: 0,
            },
            100..150 => Self { what: what.clamp(12, 30), environment, strategy: 9, bar: 4, by: 10 },
            _ => Self { what: what.clamp(12, 44), environment, strategy: 9, bar: 10, by: 16 },
        }
    }

    fn row(&self, buf: &mut Buffer, line: Rect, ctx: &Ctx<'_>, (row, selected): (&QueueRow, bool)) {
        let theme = ctx.theme;
        let (pointer, over) = ctx.selection(selected, Focus::Queue);
        let finished = row.group == QueueGroup::Finished;
        let text = if finished { theme.muted } else { theme.text };
        let mut pen = Pen::new(buf, line, 0);
        pen.put(theme.accent, pointer)
            .put(theme.warning.patch(theme.title), if row.needs_me { "!" } else { " " });
        self.what(&mut pen, ctx, row, text);
        let tier = row.tier.map_or(theme.unknown, |tier| theme.tier(tier));
        pen.left(self.environment, tier, theme, &row.environment.key.name).skip(1);
        if self.strategy > 0 {
            pen.left(self.strategy, theme.muted, theme, row.strategy.as_str()).skip(1);
        }
        self.phase(&mut pen, ctx, row);
        let since = row.finished.filter(|_| finished).or(row.created);
        if let Some(since) = since {
            let age = Short::of(format_args!("{}", Age::between(since, ctx.store.now)));
            pen.last(theme.muted, format_args!(" {:>5}", age.as_str()));
        }
        if self.by > 0 {
            let by = crate::ui::format::head(&row.requested_by, self.by);
            pen.last(theme.muted, format_args!("by {by:<width$}", width = usize::from(self.by)));
        }
        let now = ctx.store.now;
        let driver = row.driver.as_ref().filter(|(_, until)| until.is_none_or(|until| until > now));
        if let Some((by, _)) = driver.filter(|_| pen.room() > 30) {
            pen.last(theme.accent, format_args!("driver: {}", crate::ui::format::head(by, 16)));
        }
        if let Some(pending) = &row.pending {
            pen.put(theme.accent, theme.glyphs.moving)
                .put(theme.accent, " ")
                .put(theme.accent, pending)
                .skip(1);
        }
        let room = pen.room();
        match ctx.store.rows.causes.get(&row.id) {
            Some(case) => pen.cut(room, theme.failing, theme, &case.diagnosis.sentence),
            None => pen.cut(room, text, theme, &row.message),
        };
        if let Some(style) = over {
            buf.set_style(line, style);
        }
    }

    /// `planera v1.8.1→v1.8.2`; where room is short, the version that ran before goes first, then the application's end.
    fn what(&self, pen: &mut Pen<'_>, ctx: &Ctx<'_>, row: &QueueRow, text: Style) {
        let theme = ctx.theme;
        let end = pen.column() + self.what;
        let (to, from) = (width(&row.to), width(&row.from));
        let with_from = if row.from.is_empty() { 0 } else { from + 1 };
        let application = width(&row.application) + 1;
        if application + with_from + to <= self.what {
            pen.put(text, &row.application).skip(1);
            if with_from > 0 {
                pen.put(theme.muted, &row.from).put(theme.muted, theme.glyphs.arrow);
            }
            pen.put(text.patch(theme.title), &row.to);
        } else {
            let left = self.what.saturating_sub(to + 1).max(3);
            pen.cut(left, text, theme, &row.application).skip(1);
            let room = end.saturating_sub(pen.column());
            pen.cut(room, text.patch(theme.title), theme, &row.to);
        }
        pen.to(end + 1);
    }

    /// A bar while it moves, then the phase in a glyph and a word.
    fn phase(&self, pen: &mut Pen<'_>, ctx: &Ctx<'_>, row: &QueueRow) {
        let theme = ctx.theme;
        let (glyph, style) = phase_look(ctx, row.phase);
        let end = pen.column() + self.bar + 1 + 5 + 2 + 11 + 1;
        match row.steps {
            Some((done, all)) if all > 0 && row.group == QueueGroup::Executing => {
                bar(pen, ctx, (done, all), (self.bar, style));
                let steps = Short::of(format_args!("{}/{all}", (done + 1).min(all)));
                pen.fmt(style, format_args!("{:>5} ", steps.as_str()));
            }
            _ => {
                pen.skip(0);
            }
        }
        pen.put(style, glyph).put(style, " ").cut(11, style, theme, row.phase.as_str()).skip(1);
        if self.bar > 4 {
            pen.to(end);
        }
        if let Some(weight) = row.weight.filter(|_| row.group == QueueGroup::Executing) {
            if self.strategy == 0 {
                pen.put(theme.muted, row.strategy.as_str()).skip(1);
            }
            let weight = Short::of(format_args!("{weight}%"));
            pen.fmt(style, format_args!("{:>4} ", weight.as_str()));
        }
    }
}

/// Progress as cells that are full, and cells to come.
pub(crate) fn bar(
    pen: &mut Pen<'_>,
    ctx: &Ctx<'_>,
    (done, all): (usize, usize),
    (cells, style): (u16, Style),
) {
    let full = usize::from(cells) * done.min(all) / all.max(1);
    for at in 0..usize::from(cells) {
        if at < full {
            pen.put(style, ctx.theme.glyphs.bar_full);
        } else {
            pen.put(ctx.theme.muted, ctx.theme.glyphs.bar_empty);
        }
    }
}

/// Glyph and style of a phase.
#[must_use]
pub(crate) fn phase_look(ctx: &Ctx<'_>, phase: Phase) -> (&'static str, Style) {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    match phase {
        Phase::Pending => (glyphs.waiting, theme.warning),
        Phase::Progressing | Phase::Verifying => (glyphs.moving, theme.accent),
        Phase::Paused => (glyphs.paused, theme.warning),
        Phase::RollingBack => (glyphs.warning, theme.failing),
        Phase::Succeeded => (glyphs.done, theme.healthy),
        Phase::RolledBack => (glyphs.warning, theme.warning),
        Phase::Held | Phase::Failed | Phase::Errored | Phase::Unknown => (glyphs.failing, theme.failing),
        Phase::Rejected | Phase::Aborted => (glyphs.failing, theme.muted),
        Phase::Superseded | Phase::Expired => (glyphs.todo, theme.muted),
    }
}

fn what_width(row: &QueueRow) -> u16 {
    let from = if row.from.is_empty() { 0 } else { width(&row.from) + 1 };
    width(&row.application) + 1 + from + width(&row.to)
}
