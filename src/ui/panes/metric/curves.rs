//! Curves in an area: scale, limits, what lies beyond them, markers, names.

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::recent;
use crate::api::strategy::Track;
use crate::domain::pane::PaneDefinition;
use crate::domain::series::{Series, unix};
use crate::ui::format::{Unit, Value, cut_middle, width};
use crate::ui::plot::{Plot, Scale, Stroke, whole_dots};
use crate::ui::theme::Theme;

/// Cells of the scale on the left.
pub(super) const GUTTER: u16 = 6;
/// Most cells of the curves' labels on the right, in a narrow pane and in a wide one.
const LABELS: [u16; 2] = [11, 18];

/// What a pane that stands alone draws besides.
#[derive(Clone, Copy, Default)]
pub(in crate::ui::panes) struct Detail<'a> {
    /// The instant of the cursor, in Unix seconds.
    pub(in crate::ui::panes) cursor: Option<f64>,
    /// Place of the curve on top.
    pub(in crate::ui::panes) chosen: Option<usize>,
    /// What the curves are compared with, and by how many seconds it is moved.
    pub(in crate::ui::panes) baseline: Option<(&'a [Series], f64)>,
    /// Names beside the curves are left out, because a legend names them.
    pub(in crate::ui::panes) has_legend: bool,
}

/// Curves in an area, with their scale.
pub(in crate::ui::panes) struct Curves<'a, M> {
    pub(in crate::ui::panes) pane: &'a PaneDefinition,
    pub(in crate::ui::panes) series: &'a [Series],
    pub(in crate::ui::panes) markers: M,
    pub(in crate::ui::panes) now: DateTime<Utc>,
    pub(in crate::ui::panes) range: TimeDelta,
    pub(in crate::ui::panes) detail: Detail<'a>,
}

impl<'a, M: Iterator<Item = (DateTime<Utc>, &'a str, Style)> + Clone> Curves<'a, M> {
    pub(in crate::ui::panes) fn draw(self, buf: &mut Buffer, inner: Rect, theme: &Theme) {
        let Self { pane, series, now, detail, .. } = self;
        let unit = Unit::from(pane.unit);
        let sided = series.iter().any(Series::is_second);
        let labels = if detail.has_legend { 0 } else { label_cells(series, sided, inner.width) };
        let right = if labels > 0 { labels + 1 } else { 0 };
        let plot_area =
            Rect { x: inner.x + GUTTER, width: inner.width.saturating_sub(GUTTER + right), ..inner };
        let span = self.range.max(TimeDelta::seconds(1));
        let (from, to) = whole_dots(unix(now), span.as_seconds_f64(), plot_area.width, theme.glyphs);
        let limits = [(pane.limits.warn, theme.warning), (pane.limits.critical, theme.threshold)];
        let limit = pane.limits.critical.or(pane.limits.warn);
        let before = detail.baseline.map_or(0.0, |(series, shift)| highest(series, from - shift));
        let top = scale_top(highest(series, from).max(before), limit);
        let mut plot = Plot::new(buf, plot_area, Scale { from, to, top }, theme.glyphs);
        for (limit, style) in limits {
            if let Some(limit) = limit.filter(|limit| *limit <= top) {
                plot.limit(limit, style);
            }
        }
        let limit_row = limit.map(|limit| plot.row(limit));
        for (at, _, style) in self.markers.clone() {
            plot.marker(unix(at), style);
        }
        if let Some((baseline, shift)) = detail.baseline {
            for run in baseline.iter().flat_map(Series::segments) {
                let moved: Vec<(f64, f64)> = run.iter().map(|(at, value)| (at + shift, *value)).collect();
                plot.run(&moved, theme.muted, (3, Stroke::Dotted));
            }
        }
        // The new version lies on top of the old one, and the chosen curve on top of all.
        let on_top = detail.chosen.and_then(|index| Some((index, series.get(index)?)));
        for (index, curve) in ordered(series).chain(on_top) {
            let style = match detail.chosen {
                Some(chosen) if chosen != index => theme.muted,
                _ => curve_style(theme, curve, index),
            };
            for run in curve.segments() {
                plot.run(run, style, (look(curve, index), stroke(curve, sided)));
            }
        }
        if let Some(limit) = pane.limits.critical {
            for run in series.iter().flat_map(Series::segments) {
                plot.excess(run, limit, theme.failing, |value, limit| pane.limits.is_beyond(value, limit));
            }
        }
        if let Some(cursor) = detail.cursor {
            plot.cursor(cursor, theme.accent);
        }
        for (at, label, style) in self.markers {
            plot.label(unix(at), style, label);
        }
        let ends = LabelRows::of(&plot, series, now, inner);
        scale_labels(buf, inner, theme, (unit, top), limit_row.zip(limit));
        if labels > 0 {
            let column = Rect { x: plot_area.right() + 1, width: labels, ..inner };
            name_curves(buf, column, theme, (series, sided), &ends);
        }
    }
}

/// Cells of the names beside the curves.
fn label_cells(series: &[Series], sided: bool, room: u16) -> u16 {
    let most = LABELS[usize::from(room >= 60)];
    let labels = series.iter().map(|series| width(&series.label)).max().unwrap_or(0);
    if labels > 0 { (labels + u16::from(sided)).min(most) } else { 0 }
}

fn name_curves(
    buf: &mut Buffer,
    column: Rect,
    theme: &Theme,
    (series, sided): (&[Series], bool),
    ends: &LabelRows,
) {
    for (index, row) in ends.rows() {
        let curve = &series[index];
        let style = curve_style(theme, curve, index);
        let mut at = column.x;
        if sided {
            (at, _) = buf.set_stringn(at, row, stroke_glyph(theme, curve, sided), 1, style);
        }
        let room = column.right().saturating_sub(at);
        let (first, second) = cut_middle(&curve.label, room);
        (at, _) = buf.set_stringn(at, row, first, usize::from(room), style);
        if let Some(second) = second {
            (at, _) = buf.set_stringn(at, row, theme.glyphs.ellipsis, 1, style);
            buf.set_stringn(at, row, second, usize::from(room), style);
        }
    }
}

/// How a curve is drawn, as a glyph before its name.
pub(in crate::ui::panes) fn stroke_glyph(theme: &Theme, series: &Series, sided: bool) -> &'static str {
    theme.glyphs.strokes[usize::from(stroke(series, sided) == Stroke::Dashed)]
}

/// Rows beside which the curves' labels stand: where the curves end, moved apart where two would cover each other.
struct LabelRows {
    rows: [(usize, u16); 8],
    len: usize,
}

impl LabelRows {
    fn of(plot: &Plot<'_>, series: &[Series], now: DateTime<Utc>, inner: Rect) -> Self {
        let mut this = Self { rows: [(0, 0); 8], len: 0 };
        for (index, curve) in series.iter().enumerate().take(this.rows.len().min(usize::from(inner.height))) {
            let last = recent(curve, now)
                .or_else(|| curve.points.iter().rev().find(|p| p.1.is_finite()).map(|p| p.1));
            if let Some(value) = last {
                this.rows[this.len] = (index, plot.row(value.max(0.0)));
                this.len += 1;
            }
        }
        let rows = &mut this.rows[..this.len];
        rows.sort_by_key(|(_, row)| *row);
        for at in 1..rows.len() {
            rows[at].1 = rows[at].1.max(rows[at - 1].1 + 1);
        }
        // Pushed below the pane: push back up from its last row.
        let mut limit = inner.bottom();
        for (_, row) in rows.iter_mut().rev() {
            limit = limit.saturating_sub(1);
            *row = (*row).min(limit);
            limit = *row;
        }
        this
    }

    fn rows(&self) -> impl Iterator<Item = (usize, u16)> + '_ {
        self.rows[..self.len].iter().copied()
    }
}

/// The curves in the order in which they are drawn: what is drawn later lies on top.
fn ordered(series: &[Series]) -> impl Iterator<Item = (usize, &Series)> {
    let all = || series.iter().enumerate();
    all().filter(|(_, series)| !series.is_second()).chain(all().filter(|(_, series)| series.is_second()))
}

/// Beside a new version, the old one is dashed.
fn stroke(series: &Series, sided: bool) -> Stroke {
    if sided && !series.is_second() { Stroke::Dashed } else { Stroke::Whole }
}

/// Whose curve it is decides over its place among the looks: the old version's first, the new one's second.
fn slot(series: &Series, index: usize) -> usize {
    let is_old = series.track == Some(Track::Stable);
    if series.is_second() {
        1
    } else if is_old {
        0
    } else {
        index % 4
    }
}

/// Which character stands for a curve where there are no dots: one for the new version, another for the old one.
fn look(series: &Series, index: usize) -> usize {
    match (series.is_second(), series.track == Some(Track::Stable)) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => index,
    }
}

pub(in crate::ui::panes) fn curve_style(theme: &Theme, series: &Series, index: usize) -> Style {
    match slot(series, index) {
        0 => theme.curve_a,
        1 => theme.curve_b,
        2 => theme.accent,
        _ => theme.text,
    }
}

/// The highest of the samples from an instant on; 0 without any.
fn highest(series: &[Series], from: f64) -> f64 {
    let samples = series.iter().flat_map(|series| &series.points);
    let visible = samples.filter(|(at, value)| *at >= from && value.is_finite());
    visible.map(|(_, value)| *value).fold(0.0, f64::max)
}

/// Room above the higher of limit and samples, so that neither lies on the frame.
fn scale_top(highest: f64, limit: Option<f64>) -> f64 {
    let highest = highest.max(limit.unwrap_or(0.0));
    if highest > 0.0 { highest * 1.1 } else { 1.0 }
}

fn scale_labels(
    buf: &mut Buffer,
    inner: Rect,
    theme: &Theme,
    (unit, top): (Unit, f64),
    limit: Option<(u16, f64)>,
) {
    // The column is narrow, and the title says what the numbers are.
    let unit = if unit == Unit::PerSecond { Unit::Number } else { unit };
    let mut put = |row: u16, style: Style, value: f64| {
        let line = Rect { y: row, height: 1, width: GUTTER - 1, ..inner };
        crate::ui::pen::Pen::new(buf, line, 0).right(
            GUTTER - 1,
            style,
            format_args!("{}", Value(unit, value)),
        );
    };
    let bottom = inner.bottom().saturating_sub(1);
    put(bottom, theme.muted, 0.0);
    match limit {
        Some((row, value)) if row < bottom => {
            put(row, theme.threshold, value);
            if row > inner.top() + 1 {
                put(inner.top(), theme.muted, top);
            }
        }
        _ => put(inner.top(), theme.muted, top),
    }
}
