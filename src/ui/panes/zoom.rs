//! One metric pane alone: curves with a cursor, a legend of exact values, and what changed in the time that is shown.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::state::cluster_state::{Metric, Zoomed};
use crate::app::state::view::{Focus, View};
use crate::app::state::zoom::{Baseline, Compare, ZoomView};
use crate::app::{components, zoom};
use crate::domain::age::Age;
use crate::domain::pane::{Content, PaneDefinition, Severity};
use crate::domain::series::{Series, unix};
use crate::ui::chrome::{grey, sentence, stand_in};
use crate::ui::format::{Exact, Short, Unit};
use crate::ui::layout::{take_bottom, take_left};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::panes::changes::change_line;
use crate::ui::panes::metric::{self, Curves, Detail, LimitNote, stroke_glyph};
use crate::ui::panes::{metrics, objective};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "zoom",
    focus: Some(Focus::Zoom),
    whole: Some(|view| matches!(view, View::Zoom(_))),
    draw,
    ..Pane::ROW
};

const EMPTY: &str = "No data in this time: Prometheus answered, but has no samples of this. Another time: r. \
                     `release-cockpit doctor` shows every query with its answer.";
const FAILED: &str = "It is asked again by itself; ctrl-r asks now. The query is the Environment's (spec.metrics.queries, \
                      spec.metrics.panes) or a shipped one: `release-cockpit doctor` shows every query with its answer.";
const GONE: &str = "This environment has no such pane any more: m shows the next one.";
/// Cells of a number in the legend.
const NUMBER: u16 = 9;

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Zoom(view) = ctx.store.ui.view() else { return };
    match zoom::open_pane(ctx.store) {
        Some((_, pane)) if pane.content == Content::Objective => {
            objective::draw(buf, area, ctx, (&view.environment, pane, false));
        }
        Some((_, pane)) => Zoom::of(ctx, view, pane).draw(buf, area),
        None => {
            let freshness = metrics::freshness(ctx, &view.environment, true);
            let note = (ctx.theme.muted, format_args!(""));
            let chrome = ctx.chrome(Some(Focus::Zoom), freshness);
            let inner = chrome.draw(buf, area, format_args!("{}", view.pane), note);
            stand_in(buf, inner, ctx.theme, freshness, Some(GONE));
        }
    }
}

struct Zoom<'a> {
    ctx: Ctx<'a>,
    view: &'a ZoomView,
    pane: &'a PaneDefinition,
    zoomed: Option<&'a Zoomed>,
}

impl<'a> Zoom<'a> {
    fn of(ctx: &Ctx<'a>, view: &'a ZoomView, pane: &'a PaneDefinition) -> Self {
        let cluster = ctx.store.cluster(view.environment.cluster);
        Self { ctx: *ctx, view, pane, zoomed: cluster.and_then(|cluster| cluster.zoomed.as_ref()) }
    }

    fn series(&self) -> &'a [Series] {
        self.shown().1
    }

    /// Whose curves are shown, where not everybody's are, and these.
    fn shown(&self) -> (Option<&'a str>, &'a [Series]) {
        let series = self.zoomed.map_or(&[][..], |zoomed| &zoomed.present.series);
        components::curves(self.ctx.store, &self.view.environment, series)
    }

    /// What the curves are compared with, and by how many seconds it is moved.
    fn baseline(&self) -> Option<(&'a Metric, f64)> {
        let zoomed = self.zoomed?;
        Some((&zoomed.baseline, zoomed.wish.baseline?.shift(self.ctx.store.now)))
    }

    fn draw(&self, buf: &mut Buffer, area: Rect) {
        let (theme, store) = (self.ctx.theme, self.ctx.store);
        let series = self.series();
        let feed = metrics::freshness(&self.ctx, &self.view.environment, self.zoomed.is_some());
        let freshness = metric::freshness(self.zoomed.map(|zoomed| &zoomed.present), feed, store.now);
        let severity = metric::severity(self.pane, series, store.now);
        let limit = LimitNote::of(self.pane, (theme.glyphs, severity), false);
        let dot = theme.glyphs.dot;
        let whose = match self.shown().0 {
            Some(whose) => Short::of(format_args!(" {dot} {whose}")),
            None => Short::of(format_args!("")),
        };
        let place = metrics::name_of(&self.view.environment);
        let beside = match self.view.compare {
            Compare::Nothing => "",
            Compare::Before => " beside before the release",
            Compare::Yesterday => " beside yesterday",
        };
        let (what, range) = (&self.pane.title, self.view.word());
        let note = (metric::severity_style(theme, severity), format_args!("{limit}"));
        let chrome = self.ctx.chrome(Some(Focus::Zoom), freshness);
        let title = format_args!("{what} {dot} {place}{} {dot} {range}{beside}", whose.as_str());
        let mut inner = chrome.draw(buf, area, title, note);
        let (legend, changes) = self.below(&mut inner);
        let empty = series.iter().all(|series| series.points.is_empty());
        let has_others = self.zoomed.is_some_and(|zoomed| !zoomed.present.series.is_empty());
        let why = if series.is_empty() && has_others { metrics::OF_OTHERS } else { EMPTY };
        if stand_in(buf, inner, theme, freshness, empty.then_some(why)) {
            if self.zoomed.is_some_and(|zoomed| zoomed.present.error.is_some()) && inner.height > 6 {
                let below =
                    Rect { y: inner.y + 4, x: inner.x + 1, height: inner.height - 4, width: inner.width - 2 };
                sentence(buf, below, theme.muted, FAILED);
            }
            self.changes(buf, changes);
            return;
        }
        self.curves(buf, inner);
        self.legend(buf, legend);
        if freshness.is_stale() {
            grey(buf, inner, theme);
            grey(buf, legend, theme);
        }
        self.changes(buf, changes);
    }

    /// Cuts what stands below the curves off: the legend, and the changes below or beside it.
    fn below(&self, inner: &mut Rect) -> (Rect, Rect) {
        if inner.height < 6 {
            return (Rect::default(), Rect::default());
        }
        let lines = u16::try_from(self.series().len()).unwrap_or(u16::MAX).saturating_add(1);
        let changes = u16::try_from(self.changed().count()).unwrap_or(u16::MAX).saturating_add(1);
        if inner.width >= 150 {
            let height = lines.max(changes).clamp(2, (inner.height / 3).max(2));
            let mut rest = take_bottom(inner, height);
            let legend = take_left(&mut rest, inner.width / 2);
            return (legend, rest);
        }
        let changes = take_bottom(inner, changes.min((inner.height / 4).max(2)));
        let legend = take_bottom(inner, lines.clamp(2, (inner.height / 2).max(2)));
        (legend, changes)
    }

    fn curves(&self, buf: &mut Buffer, inner: Rect) {
        let store = self.ctx.store;
        let of = |metric: &'a Metric| components::curves(store, &self.view.environment, &metric.series).1;
        let baseline = self.baseline().map(|(metric, shift)| (of(metric), shift));
        let series = self.series();
        let curves = Curves {
            pane: self.pane,
            series,
            markers: metrics::markers(&self.ctx, &self.view.environment),
            now: self.ctx.store.now,
            range: self.view.span(),
            detail: Detail {
                cursor: self.view.cursor.map(|_| self.view.at(self.ctx.store.now)),
                chosen: zoom::chosen(self.view, series),
                baseline,
                has_legend: true,
            },
        };
        if inner.height >= 2 && inner.width > 14 {
            curves.draw(buf, inner, self.ctx.theme);
        }
    }

    /// The exact values at the cursor, and lowest, highest and mean of the time that is shown.
    fn legend(&self, buf: &mut Buffer, area: Rect) {
        let (theme, now) = (self.ctx.theme, self.ctx.store.now);
        let (series, at) = (self.series(), self.view.at(now));
        let name = area.width.saturating_sub(NUMBER * 5 + 6).clamp(8, 44);
        let mut pen = Pen::new(buf, area, 0);
        let instant = DateTime::from_timestamp_millis(millis(at)).unwrap_or(now);
        match self.view.cursor {
            Some(_) => {
                let ago = Age::between(instant, now);
                pen.skip(1)
                    .fmt(theme.accent, format_args!("{} {ago} ago", instant.format("%d %b %H:%M:%SZ")));
            }
            None => {
                pen.skip(1).put(theme.muted, "now; left and right move a cursor");
            }
        }
        pen.to(area.x + name + 3);
        let baseline = self.baseline();
        let words = [if self.view.cursor.is_some() { "at" } else { "now" }, "before", "min", "max", "mean"];
        for (column, word) in words.into_iter().enumerate() {
            if column != 1 || baseline.is_some() {
                pen.right(NUMBER, theme.muted, format_args!("{word}"));
            }
        }
        let rows = usize::from(area.height.saturating_sub(1));
        let chosen = zoom::chosen(self.view, series);
        // The chosen curve is always among those that are told.
        let first = chosen.map_or(0, |chosen| (chosen + 1).saturating_sub(rows));
        let hidden = series.len().saturating_sub(first + rows);
        for (row, (index, curve)) in (1..area.height).zip(series.iter().enumerate().skip(first)) {
            let pen = &mut Pen::new(buf, area, row);
            self.line(pen, (index, curve), (name, at), chosen == Some(index));
        }
        if hidden > 0 && area.height > 1 {
            let line = Rect { y: area.bottom() - 1, height: 1, ..area };
            let more = Short::of(format_args!("+{hidden}"));
            Pen::new(buf, line, 0).last(theme.muted, format_args!("{}", more.as_str()));
        }
    }

    fn line(
        &self,
        pen: &mut Pen<'_>,
        (index, curve): (usize, &Series),
        (name, at): (u16, f64),
        is_chosen: bool,
    ) {
        let (theme, now) = (self.ctx.theme, self.ctx.store.now);
        let sided = self.series().iter().any(Series::is_second);
        let style = metric::curve_style(theme, curve, index);
        pen.put(theme.text, if is_chosen { theme.glyphs.current } else { " " });
        pen.put(style, stroke_glyph(theme, curve, sided)).skip(1);
        pen.name(name, if is_chosen { theme.title } else { theme.text }, theme, &curve.label);
        let summary = curve.summary(unix(self.view_start(now)), unix(now));
        let value = if self.view.cursor.is_some() { curve.at(at) } else { metric::recent(curve, now) };
        self.number(pen, value);
        if let Some((metric, shift)) = self.baseline() {
            let twin = twin(&metric.series, curve, self.series().len());
            self.number(pen, twin.and_then(|twin| twin.at(at - shift)));
        }
        self.number(pen, summary.map(|summary| summary.min));
        self.number(pen, summary.map(|summary| summary.max));
        self.number(pen, summary.map(|summary| summary.mean));
    }

    fn view_start(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - self.view.span()
    }

    /// A number with the glyph of how bad it is.
    fn number(&self, pen: &mut Pen<'_>, value: Option<f64>) {
        let theme = self.ctx.theme;
        let Some(value) = value else {
            pen.right(NUMBER, theme.muted, format_args!("no data"));
            return;
        };
        let (style, glyph): (Style, &str) = match self.pane.limits.judge(value) {
            Severity::Well => (theme.text, ""),
            Severity::Warn => (theme.warning, theme.glyphs.warning),
            Severity::Critical => (theme.failing, theme.glyphs.failing),
        };
        pen.right(NUMBER, style, format_args!("{glyph}{}", Exact(Unit::from(self.pane.unit), value)));
    }

    fn changed(&self) -> impl Iterator<Item = &'a crate::app::state::changes::Change> {
        let since = self.view_start(self.ctx.store.now);
        self.ctx.store.rows.changes.iter().filter(move |change| change.at >= since)
    }

    /// What changed in the time that is shown; and what the curves are compared with.
    fn changes(&self, buf: &mut Buffer, area: Rect) {
        let theme = self.ctx.theme;
        let count = self.changed().count();
        let mut pen = Pen::new(buf, area, 0);
        pen.skip(1).fmt(theme.title, format_args!("changed within {}: {count}", self.view.word()));
        if let Some(text) = self.compared() {
            let room = pen.skip(3).room();
            pen.cut(room, theme.muted, theme, &text);
        }
        for (change, row) in self.changed().zip(1..area.height) {
            change_line(&mut Pen::new(buf, area, row), &self.ctx, change);
        }
    }

    /// What the dotted curve is, or why there is none.
    fn compared(&self) -> Option<String> {
        let (metric, _) = self.baseline()?;
        let what = match self.zoomed?.wish.baseline? {
            Baseline::Until(end) => {
                let release = zoom::newest_release(self.ctx.store, &self.view.environment);
                let version = release.map_or(String::new(), |(_, version)| format!(" {version}"));
                format!("until the release{version} began at {}", end.format("%d %b %H:%MZ"))
            }
            Baseline::Ago(_) => "yesterday at the same hour".to_owned(),
        };
        let samples = metric.series.iter().any(|series| !series.points.is_empty());
        Some(match (&metric.error, metric.at, samples) {
            (Some(reason), _, _) => format!("nothing to compare with: {reason}"),
            (None, None, _) => format!("asking for {what}"),
            (None, Some(_), false) => {
                format!("nothing to compare with: Prometheus has no samples of {what}")
            }
            (None, Some(_), true) => format!("dotted: {what}"),
        })
    }
}

/// The curve of another time that is the same one's; where there is but one on either side, these two.
fn twin<'a>(baseline: &'a [Series], curve: &Series, count: usize) -> Option<&'a Series> {
    let same = baseline.iter().find(|series| series.label == curve.label);
    same.or_else(|| {
        baseline.first().filter(|_| baseline.len() == 1 && (count == 1 || curve.is_second() || count == 2))
    })
}

fn millis(at: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit 53 bits")]
    let millis = (at * 1_000.0).round() as i64;
    millis
}
