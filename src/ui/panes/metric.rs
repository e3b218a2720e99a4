//! Curves of one query of one environment: limit, deploy markers, gaps, current values. No data is said, never drawn.

use std::fmt;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::api::strategy::Track;
use crate::app::cluster_state::Metric;
use crate::domain::age::Age;
use crate::domain::series::{Series, unix};
use crate::ui::chrome::{Chrome, Freshness, grey, stand_in};
use crate::ui::format::{Unit, Value, cut_middle, width};
use crate::ui::plot::{Plot, Scale, Stroke};
use crate::ui::theme::Theme;

/// Seconds that a pane spans.
pub const RANGE: f64 = 1_800.0;
/// Cells of the scale on the left.
const GUTTER: u16 = 6;
/// Most cells of the curves' labels on the right, in a narrow pane and in a wide one.
const LABELS: [u16; 2] = [11, 18];

/// What a metric pane shows.
pub struct Chart<'a, M> {
    /// What is measured, such as `error rate`.
    pub name: &'a str,
    /// Name of the environment.
    pub environment: &'a str,
    /// What the numbers are.
    pub unit: Unit,
    /// The curves; absent while none have come.
    pub metric: Option<&'a Metric>,
    /// The limit in the query's unit.
    pub limit: Option<f64>,
    /// Changes: when, a word, and its look, in the order of their times.
    pub markers: M,
    /// The present.
    pub now: DateTime<Utc>,
    /// Why a pane may be empty, in a sentence.
    pub empty: &'a str,
}

impl<'a, M: Iterator<Item = (DateTime<Utc>, &'a str, Style)> + Clone> Chart<'a, M> {
    /// Draws the pane. The chrome's freshness is that of the feed; an answer that failed makes it stale.
    pub fn draw(self, buf: &mut Buffer, area: Rect, mut chrome: Chrome<'a>) {
        let theme = chrome.theme;
        chrome.freshness = self.freshness(chrome.freshness);
        let series = self.metric.map_or(&[][..], |metric| &metric.series);
        let worst = series.iter().filter_map(|series| recent(series, self.now)).fold(f64::NAN, f64::max);
        let over = self.limit.is_some_and(|limit| worst > limit);
        let note_style = if over { theme.failing } else { theme.muted };
        let room = Room::of(area.width);
        let title = Title { chart: (self.name, self.environment, self.unit), series, now: self.now, room };
        let limit = LimitNote {
            limit: self.limit,
            unit: self.unit,
            over: over.then_some(theme.glyphs.failing),
            room,
        };
        let inner = chrome.draw(buf, area, format_args!("{title}"), (note_style, format_args!("{limit}")));
        let empty = series.iter().all(|series| series.points.is_empty());
        if stand_in(buf, inner, theme, chrome.freshness, empty.then_some(self.empty)) {
            return;
        }
        if inner.height >= 2 && inner.width > GUTTER + 8 {
            self.curves(buf, inner, theme, series);
        }
        if chrome.freshness.is_stale() {
            grey(buf, inner, theme);
        }
    }

    fn freshness(&self, feed: Freshness<'a>) -> Freshness<'a> {
        let Some(metric) = self.metric else { return feed };
        let age = metric.at.map(|at| Age::between(at, self.now));
        match (&metric.error, feed, age) {
            (_, Freshness::Stale { .. } | Freshness::Denied(_) | Freshness::Missing(_), _)
            | (None, _, None) => feed,
            (Some(reason), _, age) => Freshness::Stale { age, reason, retry: None },
            (None, _, Some(age)) => Freshness::Live(age),
        }
    }

    fn curves(self, buf: &mut Buffer, inner: Rect, theme: &Theme, series: &[Series]) {
        let sided = series.iter().any(is_second);
        let most = LABELS[usize::from(inner.width >= 60)];
        let labels = series.iter().map(|series| width(&series.label)).max().unwrap_or(0);
        let labels = if labels > 0 { (labels + u16::from(sided)).min(most) } else { 0 };
        let right = if labels > 0 { labels + 1 } else { 0 };
        let plot_area =
            Rect { x: inner.x + GUTTER, width: inner.width.saturating_sub(GUTTER + right), ..inner };
        let to = unix(self.now);
        let from = to - RANGE;
        let top = scale_top(series, self.limit, from);
        let mut plot = Plot::new(buf, plot_area, Scale { from, to, top }, theme.glyphs);
        let limit_row = self.limit.map(|limit| {
            plot.limit(limit, theme.threshold);
            plot.row(limit)
        });
        for (at, _, style) in self.markers.clone() {
            plot.marker(unix(at), style);
        }
        // The new version lies on top of the old one.
        for (index, curve) in ordered(series) {
            for run in curve.segments() {
                plot.run(run, curve_style(theme, curve, index), (look(curve, index), stroke(curve, sided)));
            }
        }
        for (at, label, style) in self.markers {
            plot.label(unix(at), style, label);
        }
        let ends = LabelRows::of(&plot, series, self.now, inner);
        scale_labels(buf, inner, theme, (self.unit, top), limit_row.zip(self.limit));
        if labels > 0 {
            let column = Rect { x: plot_area.right() + 1, width: labels, ..inner };
            for (index, row) in ends.rows() {
                let curve = &series[index];
                let style = curve_style(theme, curve, index);
                let mut at = column.x;
                if sided {
                    let glyph = theme.glyphs.strokes[usize::from(stroke(curve, sided) == Stroke::Dashed)];
                    (at, _) = buf.set_stringn(at, row, glyph, 1, style);
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
    }
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

/// Whether a curve is of the new version while two run side by side.
fn is_second(series: &Series) -> bool {
    let last = series.label.rsplit(' ').next().unwrap_or_default();
    [Track::Canary, Track::Green].iter().any(|track| track.as_str() == last)
}

/// The curves in the order in which they are drawn: what is drawn later lies on top.
fn ordered(series: &[Series]) -> impl Iterator<Item = (usize, &Series)> {
    let all = || series.iter().enumerate();
    all().filter(|(_, series)| !is_second(series)).chain(all().filter(|(_, series)| is_second(series)))
}

/// Beside a new version, the old one is dashed.
fn stroke(series: &Series, sided: bool) -> Stroke {
    if sided && !is_second(series) { Stroke::Dashed } else { Stroke::Whole }
}

/// Whose curve it is decides over its place among the looks: the old version's first, the new one's second.
fn slot(series: &Series, index: usize) -> usize {
    let is_old = series.label.ends_with(Track::Stable.as_str());
    if is_second(series) {
        1
    } else if is_old {
        0
    } else {
        index % 4
    }
}

/// Which character stands for a curve where there are no dots: one for the new version, another for the old one.
fn look(series: &Series, index: usize) -> usize {
    match (is_second(series), series.label.ends_with(Track::Stable.as_str())) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => index,
    }
}

fn curve_style(theme: &Theme, series: &Series, index: usize) -> Style {
    match slot(series, index) {
        0 => theme.curve_a,
        1 => theme.curve_b,
        2 => theme.accent,
        _ => theme.text,
    }
}

/// The value that a curve has now; older ones are no value.
#[must_use]
pub fn recent(series: &Series, now: DateTime<Utc>) -> Option<f64> {
    series.current(now, (series.step * 3.0).max(60.0))
}

/// Room above the highest of limit and visible samples, so that neither lies on the frame.
fn scale_top(series: &[Series], limit: Option<f64>, from: f64) -> f64 {
    let highest = series
        .iter()
        .flat_map(|series| &series.points)
        .filter(|(at, value)| *at >= from && value.is_finite())
        .map(|(_, value)| *value)
        .fold(limit.unwrap_or(0.0), f64::max);
    if highest > 0.0 { highest * 1.1 } else { 1.0 }
}

fn scale_labels(
    buf: &mut Buffer,
    inner: Rect,
    theme: &Theme,
    (unit, top): (Unit, f64),
    limit: Option<(u16, f64)>,
) {
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

/// How much a title line can say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// The worst value, without a limit's number: both stand beside the curves.
    Little,
    /// Every curve's value.
    Some,
    /// The environment and the range as well.
    Plenty,
}

impl Room {
    const fn of(cells: u16) -> Self {
        match cells {
            0..60 => Self::Little,
            60..100 => Self::Some,
            _ => Self::Plenty,
        }
    }
}

/// `Error rate · production · 30m  stable 0.08%  canary 1.9%`; of many curves, the worst alone.
struct Title<'a> {
    chart: (&'a str, &'a str, Unit),
    series: &'a [Series],
    now: DateTime<Utc>,
    room: Room,
}

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, environment, unit) = self.chart;
        // The value must survive beside a warning: there the name gives way, whose first word says enough.
        let short = if self.room == Room::Little { name.split(' ').next().unwrap_or(name) } else { name };
        f.write_str(short)?;
        if self.room == Room::Plenty {
            write!(f, " · {environment} · 30m")?;
        }
        let value = |series: &Series| recent(series, self.now);
        let worst = self.series.iter().max_by(|a, b| {
            value(a).unwrap_or(f64::NEG_INFINITY).total_cmp(&value(b).unwrap_or(f64::NEG_INFINITY))
        });
        let Some(worst) = worst else { return Ok(()) };
        if self.room == Room::Little || self.series.len() > 3 {
            return match value(worst) {
                Some(value) if self.series.len() > 1 => {
                    write!(f, "  {} {}", Value(unit, value), worst.label)
                }
                Some(value) => write!(f, "  {}", Value(unit, value)),
                None => f.write_str("  no data"),
            };
        }
        for series in self.series {
            f.write_str("  ")?;
            if !series.label.is_empty() {
                write!(f, "{} ", series.label)?;
            }
            match value(series) {
                Some(value) => write!(f, "{}", Value(unit, value))?,
                None => f.write_str("no data")?,
            }
        }
        Ok(())
    }
}

/// `limit 5%`, or `✘ over limit 5%`.
struct LimitNote {
    limit: Option<f64>,
    unit: Unit,
    over: Option<&'static str>,
    room: Room,
}

impl fmt::Display for LimitNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(limit) = self.limit else { return Ok(()) };
        match (self.over, self.room) {
            (Some(glyph), Room::Little) => write!(f, "{glyph} over limit"),
            (None, Room::Little) => Ok(()),
            (Some(glyph), _) => write!(f, "{glyph} over limit {}", Value(self.unit, limit)),
            (None, _) => write!(f, "limit {}", Value(self.unit, limit)),
        }
    }
}
