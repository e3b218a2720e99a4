//! Curves of one pane of one environment: limits, deploy markers, gaps, current values. No data is said, never drawn.

mod curves;
mod title;

use chrono::{DateTime, TimeDelta, Utc};
use curves::GUTTER;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use title::{Room, Title};

use crate::app::state::cluster_state::Metric;
use crate::domain::age::Age;
use crate::domain::pane::{PaneDefinition, Severity};
use crate::domain::series::Series;
use crate::ui::chrome::{Chrome, Freshness, grey, stand_in};
use crate::ui::theme::Theme;

pub(super) use curves::{Curves, Detail, curve_style, stroke_glyph};
pub(super) use title::LimitNote;

/// What a metric pane shows.
pub(crate) struct Chart<'a, M> {
    /// What is measured, and by which limits it is judged.
    pub pane: &'a PaneDefinition,
    /// It is the one among several that keys mean.
    pub chosen: bool,
    /// Name of the environment.
    pub environment: &'a str,
    /// The answer; absent while none has come.
    pub metric: Option<&'a Metric>,
    /// Those of its curves that are shown.
    pub series: &'a [Series],
    /// Whose they are; absent: everybody's.
    pub whose: Option<&'a str>,
    /// Changes: when, a word, and its look, in the order of their times.
    pub markers: M,
    /// The present.
    pub now: DateTime<Utc>,
    /// The time that is shown.
    pub range: TimeDelta,
    /// Why a pane may be empty, in a sentence.
    pub empty: &'a str,
}

impl<'a, M: Iterator<Item = (DateTime<Utc>, &'a str, Style)> + Clone> Chart<'a, M> {
    /// Draws the pane. The chrome's freshness is that of the feed; an answer that failed makes it stale.
    pub(crate) fn draw(self, buf: &mut Buffer, area: Rect, mut chrome: Chrome<'a>) {
        let theme = chrome.theme;
        chrome.freshness = freshness(self.metric, chrome.freshness, self.now);
        let series = self.series;
        let room = Room::of(area.width);
        let severity = severity(self.pane, series, self.now);
        let note_style = severity_style(theme, severity);
        let is_warned = severity != Severity::Well;
        let title = Title { chart: &self, series, room, dot: theme.glyphs.dot, is_warned };
        let limit = LimitNote::of(self.pane, (theme.glyphs, severity), room <= Room::Little);
        let pointer = if self.chosen { theme.glyphs.current } else { "" };
        let note = (note_style, format_args!("{limit}"));
        let inner = chrome.draw(buf, area, format_args!("{pointer}{title}"), note);
        let empty = series.iter().all(|series| series.points.is_empty());
        if stand_in(buf, inner, theme, chrome.freshness, empty.then_some(self.empty)) {
            return;
        }
        if inner.height >= 2 && inner.width > GUTTER + 8 {
            let curves = Curves {
                pane: self.pane,
                series,
                markers: self.markers,
                now: self.now,
                range: self.range,
                detail: Detail::default(),
            };
            curves.draw(buf, inner, theme);
        }
        if chrome.freshness.is_stale() {
            grey(buf, inner, theme);
        }
    }
}

/// How true curves are, given the feed that brings them: an answer that failed, or is partial, makes them stale.
pub(super) fn freshness<'a>(
    metric: Option<&'a Metric>,
    feed: Freshness<'a>,
    now: DateTime<Utc>,
) -> Freshness<'a> {
    let Some(metric) = metric else { return feed };
    let age = metric.at.map(|at| Age::between(at, now));
    match (&metric.error, feed, age) {
        (_, Freshness::Stale { .. } | Freshness::Denied(_) | Freshness::Missing(_), _) | (None, _, None) => {
            feed
        }
        (Some(reason), _, age) => Freshness::Stale { age, reason, retry: None },
        (None, _, Some(age)) => match &metric.partial {
            Some(reason) => Freshness::Stale { age: Some(age), reason, retry: None },
            None => Freshness::Live(age),
        },
    }
}

/// How bad the worst of the present values is.
pub(super) fn severity(pane: &PaneDefinition, series: &[Series], now: DateTime<Utc>) -> Severity {
    let values = series.iter().filter_map(|series| recent(series, now));
    values.map(|value| pane.limits.judge(value)).max().unwrap_or(Severity::Well)
}

pub(super) fn severity_style(theme: &Theme, severity: Severity) -> Style {
    match severity {
        Severity::Well => theme.muted,
        Severity::Warn => theme.warning,
        Severity::Critical => theme.failing,
    }
}

/// The value that a curve has now; older ones are no value.
#[must_use]
pub(crate) fn recent(series: &Series, now: DateTime<Utc>) -> Option<f64> {
    series.current(now, (series.step * 3.0).max(60.0))
}
