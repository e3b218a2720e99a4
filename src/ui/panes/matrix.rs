//! Applications by environments, over all clusters.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::matrix::{self, Matrix, MatrixRow};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::rows::EnvironmentRow;
use crate::app::state::view::{Focus, View};
use crate::domain::age::Age;
use crate::ui::chrome::{Chrome, Freshness, grey, stand_in};
use crate::ui::format::{Short, width};
use crate::ui::layout::scrolled;
use crate::ui::pane::{Ctx, Pane, tier_word};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "matrix",
    focus: Some(Focus::Matrix),
    whole: Some(|view| matches!(view, View::Matrix)),
    rows: |area, _, boxed| visible_rows(area, boxed),
    draw,
};

const EMPTY: &str = "No environments found. Create one: release-cockpit help install";
/// Cells that a column needs for a glyph and a version.
const NARROWEST: u16 = 16;

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let (store, theme) = (ctx.store, ctx.theme);
    let matrix = matrix::of(store);
    let freshness = ctx.worst(WatchedKind::Environments);
    // It spans environments: production's frame belongs to what shows production alone.
    let chrome = Chrome { tier: None, freshness, ..ctx.chrome(Some(Focus::Matrix), Freshness::Timeless) };
    let (dot, count) = (theme.glyphs.dot, store.rows.environments.len());
    let word = if count == 1 { "environment" } else { "environments" };
    let places = match store.clusters.len() {
        1 => Short::of(format_args!("{count} {word}")),
        several => Short::of(format_args!("{several} clusters {dot} {count} {word}")),
    };
    let inner = chrome.draw(
        buf,
        area,
        format_args!("Applications by environments"),
        (theme.muted, format_args!("{}", places.as_str())),
    );
    // one dead cluster hides nothing of the others
    let nothing = matrix.rows.is_empty();
    if nothing && stand_in(buf, inner, theme, freshness, Some(EMPTY)) {
        return;
    }
    let columns = Columns::of(ctx, &matrix, inner.width);
    let (below, list) = parted(ctx, inner);
    columns.head(&mut Pen::new(buf, list, 0), ctx, &matrix);
    let body = Rect { y: list.y + 1, height: list.height.saturating_sub(1), ..list };
    let selected = matrix.selected(store);
    let first = scrolled(0, selected.map_or(0, |(row, _)| row), usize::from(body.height));
    for ((nth, row), at) in matrix.rows.iter().enumerate().skip(first).zip(0..body.height) {
        let line = Rect { y: body.y + at, height: 1, ..body };
        let chosen = selected.filter(|(row, _)| *row == nth).map(|(_, column)| column);
        columns.row(buf, line, ctx, (row, chosen));
        if ctx.freshness(row.cluster, WatchedKind::Environments).is_stale() {
            grey(buf, line, theme);
        }
    }
    lost(buf, below, ctx);
}

/// Lines below the list, one for each cluster that has something to say against what is shown of it.
fn parted(ctx: &Ctx<'_>, inner: Rect) -> (Rect, Rect) {
    let wanted = u16::try_from(troubles(ctx).count()).unwrap_or(u16::MAX).min(inner.height / 3);
    let list = Rect { height: inner.height - wanted, ..inner };
    (Rect { y: inner.y + list.height, height: wanted, ..inner }, list)
}

fn troubles<'a>(ctx: &Ctx<'a>) -> impl Iterator<Item = (&'a str, Freshness<'a>)> {
    let ctx = *ctx;
    let states = ctx
        .store
        .clusters()
        .map(move |(id, cluster)| (&*cluster.context, ctx.freshness(id, WatchedKind::Environments)));
    states.filter(|(_, freshness)| !matches!(freshness, Freshness::Live(_) | Freshness::Timeless))
}

fn lost(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let theme = ctx.theme;
    for ((context, freshness), row) in troubles(ctx).zip(0..area.height) {
        let mut pen = Pen::new(buf, area, row);
        let (glyph, style, words) = match freshness {
            Freshness::Stale { reason, .. } => (theme.glyphs.failing, theme.failing, reason),
            Freshness::Denied(reason) | Freshness::Missing(reason) => {
                (theme.glyphs.warning, theme.warning, reason)
            }
            _ => (theme.glyphs.moving, theme.muted, "waiting for the first answer"),
        };
        pen.fmt(style, format_args!(" {glyph} {context}: "));
        let room = pen.room();
        pen.cut(room, theme.text, theme, words);
    }
}

/// Widths of the columns, and which of them are in sight.
struct Columns {
    application: u16,
    cluster: u16,
    each: u16,
    /// The first column in sight, and how many are.
    first: usize,
    shown: usize,
}

impl Columns {
    fn of(ctx: &Ctx<'_>, matrix: &Matrix<'_>, cells: u16) -> Self {
        let application =
            matrix.rows.iter().map(|row| width(row.application)).max().unwrap_or(8).clamp(8, 20);
        let several = ctx.store.clusters.len() > 1;
        let contexts = ctx.store.clusters.iter().map(|cluster| width(&cluster.context));
        let cluster = if several { contexts.max().unwrap_or(0).clamp(6, 14) + 1 } else { 0 };
        let left = cells.saturating_sub(1 + application + 1 + cluster);
        let count = u16::try_from(matrix.columns.len()).unwrap_or(u16::MAX).max(1);
        let shown = (left / NARROWEST).clamp(1, count);
        let selected = matrix.selected(ctx.store).map_or(0, |(_, column)| column);
        let shown_columns = usize::from(shown);
        let first = (selected + 1).saturating_sub(shown_columns);
        Self { application, cluster, each: (left / shown).min(30), first, shown: shown_columns }
    }

    fn head(&self, pen: &mut Pen<'_>, ctx: &Ctx<'_>, matrix: &Matrix<'_>) {
        let theme = ctx.theme;
        pen.skip(1).left(self.application, theme.muted, theme, "NAME").skip(1);
        if self.cluster > 0 {
            pen.left(self.cluster, theme.muted, theme, "CLUSTER");
        }
        for (tier, name) in matrix.columns.iter().skip(self.first).take(self.shown) {
            let end = pen.column() + self.each;
            let word = tier_word(*tier);
            if !name.to_lowercase().starts_with(&word.to_lowercase()) {
                pen.put(theme.tier(*tier), word).skip(1);
            }
            let room = end.saturating_sub(pen.column() + 1);
            pen.cut(room, theme.tier(*tier), theme, name).to(end);
        }
        let hidden = matrix.columns.len() - self.shown.min(matrix.columns.len());
        if hidden > 0 {
            pen.last(theme.muted, format_args!("+{hidden}"));
        }
    }

    fn row(
        &self,
        buf: &mut Buffer,
        line: Rect,
        ctx: &Ctx<'_>,
        (row, chosen): (&MatrixRow<'_>, Option<usize>),
    ) {
        let theme = ctx.theme;
        let (pointer, over) = ctx.selection(chosen.is_some(), Focus::Matrix);
        let mut pen = Pen::new(buf, line, 0);
        pen.put(theme.accent, pointer).left(self.application, theme.text, theme, row.application).skip(1);
        if self.cluster > 0 {
            let context = ctx.store.cluster(row.cluster).map_or("", |cluster| &cluster.context);
            pen.left(self.cluster.saturating_sub(1), theme.muted, theme, context).skip(1);
        }
        let mut marked = None;
        for (nth, cell) in row.cells.iter().enumerate().skip(self.first).take(self.shown) {
            let at = pen.column();
            if let Some(cell) = cell {
                self.cell(&mut pen, ctx, cell, at);
            } else {
                pen.put(theme.muted, theme.glyphs.dot);
            }
            pen.to(at + self.each);
            if chosen == Some(nth) {
                marked = Some(Rect {
                    x: at,
                    width: self.each.saturating_sub(1).min(line.right().saturating_sub(at)),
                    ..line
                });
            }
        }
        if let (Some(style), Some(area)) = (over, marked) {
            buf.set_style(area, style);
        }
    }

    /// `● v1.8.1`, `▲ v1.8.1 canary 25%`, `✘ v1.8.1 degraded`; and how much waits for us there.
    fn cell(&self, pen: &mut Pen<'_>, ctx: &Ctx<'_>, row: &EnvironmentRow, at: u16) {
        let theme = ctx.theme;
        let (glyph, style) = ctx.health(row.health.class());
        let end = at + self.each.saturating_sub(1);
        let left = |pen: &Pen<'_>| end.saturating_sub(pen.column());
        pen.put(style, glyph).skip(1);
        let version = row.versions.first().map_or("?", |version| &**version);
        pen.cut(left(pen), theme.text, theme, version);
        if row.versions.len() > 1 && left(pen) > 1 {
            pen.put(theme.warning, "+");
        }
        if let Some(count) = row.alerts.filter(|count| count.firing > 0 && left(pen) >= 4) {
            let (glyph, style) = super::environments::firing(ctx, count);
            pen.fmt(style, format_args!(" {glyph}{}", count.firing));
        }
        let words = match &row.active {
            Some(active) => match active.weight {
                Some(weight) => Short::of(format_args!(" {} {weight}%", row.health.word())),
                None => Short::of(format_args!(" {}", row.health.word())),
            },
            None if row.health.word() == "healthy" => {
                let since = row.healthy_for.filter(|_| self.each >= 24);
                since.map_or_else(
                    || Short::of(format_args!("")),
                    |span| Short::of(format_args!(" {}", Age::of(span))),
                )
            }
            None => Short::of(format_args!(" {}", row.health.word())),
        };
        pen.cut(left(pen), style, theme, words.as_str());
        if !row.reason.is_empty() && left(pen) > 6 {
            pen.put(style, ": ");
            let room = left(pen);
            pen.cut(room, theme.text, theme, &row.reason);
        }
        if row.needs_me > 0 && left(pen) >= 5 {
            pen.fmt(theme.accent, format_args!(" !{}", row.needs_me));
        }
    }
}

/// Rows of the list where the pane has this area.
fn visible_rows(area: Rect, boxed: bool) -> u16 {
    area.height.saturating_sub(if boxed { 3 } else { 2 })
}
