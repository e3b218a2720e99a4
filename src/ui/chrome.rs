//! What surrounds a pane's content: frame, title, freshness; and what stands in for content that is not there.

use std::fmt;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use crate::api::Tier;
use crate::domain::age::Age;
use crate::domain::watch_state::WatchState;
use crate::ui::format::{Short, head, width};
use crate::ui::pen::Pen;
use crate::ui::theme::Theme;

/// How true a pane's content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness<'a> {
    /// In step with the source, last heard that long ago.
    Live(Age),
    /// The first answer is on its way.
    Connecting,
    /// Was true that long ago; absent: never.
    Stale {
        /// How long ago.
        age: Option<Age>,
        /// Why.
        reason: &'a str,
        /// Until the next try.
        retry: Option<Age>,
    },
    /// We may not see it.
    Denied(&'a str),
    /// It is not installed.
    Missing(&'a str),
    /// The pane shows nothing that ages.
    Timeless,
}

impl<'a> Freshness<'a> {
    /// The freshness of what a feed has brought.
    #[must_use]
    pub(crate) fn of(state: Option<&'a WatchState>, now: DateTime<Utc>) -> Self {
        match state {
            None | Some(WatchState::Connecting) => Self::Connecting,
            Some(WatchState::Live { heard }) => Self::Live(Age::between(*heard, now)),
            Some(WatchState::Stale { since, reason, retry_at }) => Self::Stale {
                age: since.map(|since| Age::between(since, now)),
                reason,
                retry: retry_at.map(|at| Age::between(now, at)),
            },
            Some(WatchState::Denied { reason }) => Self::Denied(reason),
            Some(WatchState::Missing { reason }) => Self::Missing(reason),
        }
    }

    /// Content was true once and is shown greyed.
    #[must_use]
    pub(crate) const fn is_stale(self) -> bool {
        matches!(self, Self::Stale { .. })
    }
}

/// The frame of a pane or a dialog.
pub(crate) struct Chrome<'a> {
    /// Look.
    pub theme: &'a Theme,
    /// The tier of what is shown; production is framed doubled in its own colour.
    pub tier: Option<Tier>,
    /// It has the focus.
    pub focused: bool,
    /// A frame on four sides; else a line above.
    pub boxed: bool,
    /// How true its content is.
    pub freshness: Freshness<'a>,
}

impl Chrome<'_> {
    /// Draws frame and title, and returns what is left for the content. `note` stands at the title line's end, before the age.
    pub(crate) fn draw(
        &self,
        buf: &mut Buffer,
        area: Rect,
        title: fmt::Arguments<'_>,
        note: (Style, fmt::Arguments<'_>),
    ) -> Rect {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return area;
        }
        if self.boxed && area.height >= 2 && area.width >= 4 {
            self.sides(buf, area);
            let line = Rect { x: area.x + 1, width: area.width - 2, height: 1, ..area };
            self.title(buf, line, title, note);
            return Rect {
                x: area.x + 1,
                y: area.y + 1,
                width: area.width - 2,
                height: area.height.saturating_sub(2),
            };
        }
        self.title(buf, Rect { height: 1, ..area }, title, note);
        Rect { y: area.y + 1, height: area.height - 1, ..area }
    }

    fn lines(&self) -> &'static crate::ui::glyphs::Lines {
        let glyphs = self.theme.glyphs;
        if self.tier == Some(Tier::Production) { &glyphs.double } else { &glyphs.plain }
    }

    fn sides(&self, buf: &mut Buffer, area: Rect) {
        let (lines, style) = (self.lines(), self.theme.frame(self.tier, self.focused));
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for y in area.top() + 1..bottom {
            buf[(area.left(), y)].set_symbol(lines.vertical).set_style(style);
            buf[(right, y)].set_symbol(lines.vertical).set_style(style);
        }
        for x in area.left() + 1..right {
            buf[(x, bottom)].set_symbol(lines.horizontal).set_style(style);
        }
        for (x, y, symbol) in [
            (area.left(), area.top(), lines.top_left),
            (right, area.top(), lines.top_right),
            (area.left(), bottom, lines.bottom_left),
            (right, bottom, lines.bottom_right),
        ] {
            buf[(x, y)].set_symbol(symbol).set_style(style);
        }
    }

    fn title(
        &self,
        buf: &mut Buffer,
        line: Rect,
        title: fmt::Arguments<'_>,
        note: (Style, fmt::Arguments<'_>),
    ) {
        let theme = self.theme;
        let (horizontal, rule) = (self.lines().horizontal, theme.frame(self.tier, self.focused));
        Pen::new(buf, line, 0).rule(rule, horizontal);
        // Texts stand on the rule, and must not take its colour.
        let over = |style: Style| Style::reset().patch(theme.text).patch(style);
        let (note_style, note, title) = (over(note.0), Short::of(note.1), Title(self, title));
        let title = Short::of(format_args!("{title}"));
        let mut pen = Pen::new(buf, line, 0);
        let wanted = width(title.as_str()).min(26) + width(note.as_str()) + 5;
        self.state(&mut pen, wanted);
        if !note.as_str().is_empty() {
            pen.last(note_style, format_args!(" {} ", note.as_str()));
        }
        let mut style = over(theme.title);
        if self.focused || self.tier == Some(Tier::Production) {
            style = over(theme.frame(self.tier, self.focused)).patch(theme.title);
        }
        pen.skip(u16::from(self.boxed)).put(style, " ");
        let room = pen.room().saturating_sub(1);
        pen.cut(room, style, theme, title.as_str()).put(style, " ");
    }

    /// The freshness, at the line's end; `wanted` cells are for others.
    fn state(&self, pen: &mut Pen<'_>, wanted: u16) {
        let (theme, glyphs) = (self.theme, self.theme.glyphs);
        let over = |style: Style| Style::reset().patch(theme.text).patch(style);
        let (style, word, age) = match self.freshness {
            Freshness::Timeless => return,
            // A few seconds are the beat of every feed; only what is older is news.
            Freshness::Live(age) => (theme.healthy, "", Some(age).filter(|age| age.seconds() >= 5)),
            Freshness::Connecting => (theme.muted, " connecting", None),
            Freshness::Denied(_) => (theme.warning, " not allowed", None),
            Freshness::Missing(_) => (theme.warning, " not installed", None),
            Freshness::Stale { age, reason, retry } => {
                let room = pen.room().saturating_sub(wanted);
                return stale(pen, theme, (age, reason, retry), room);
            }
        };
        let glyph = match self.freshness {
            Freshness::Live(_) => glyphs.healthy,
            Freshness::Connecting => glyphs.moving,
            Freshness::Denied(_) => glyphs.failing,
            _ => glyphs.unknown,
        };
        match age {
            Some(age) => pen.last(over(style), format_args!(" {glyph} {age} ")),
            None => pen.last(over(style), format_args!(" {glyph}{word} ")),
        };
    }
}

/// The title with the pointer of the focus before it.
struct Title<'a>(&'a Chrome<'a>, fmt::Arguments<'a>);

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A window has the keys anyway; only a pane among others points at itself.
        if self.0.focused && self.0.freshness != Freshness::Timeless {
            f.write_str(self.0.theme.glyphs.current)?;
        }
        f.write_fmt(self.1)
    }
}

/// `STALE 14s: reason, retry in 3s`, where all of it fits into `room`; else `STALE 14s`.
fn stale(pen: &mut Pen<'_>, theme: &Theme, what: (Option<Age>, &str, Option<Age>), room: u16) {
    let style = Style::reset().patch(theme.text).patch(theme.failing);
    let (age, reason, retry) = what;
    let since = match age {
        Some(age) => Short::of(format_args!("STALE {age}")),
        None => Short::of(format_args!("LOST")),
    };
    let again = match retry {
        Some(retry) => Short::of(format_args!(", retry in {retry}")),
        None => Short::of(format_args!("")),
    };
    let (since, again) = (since.as_str(), again.as_str());
    let left = room.saturating_sub(width(since) + width(again) + 4);
    if left < width(reason).min(24) {
        pen.last(style, format_args!(" {since} "));
        return;
    }
    // `last` leaves a cell between what it writes; the pieces of one sentence close it.
    pen.last(style, format_args!("{again} "));
    if width(reason) > left {
        pen.close().last(style, format_args!(": {}{}", head(reason, left - 1), theme.glyphs.ellipsis));
    } else {
        pen.close().last(style, format_args!(": {reason}"));
    }
    pen.close().last(style, format_args!(" {since}"));
}

/// Takes colour and weight from everything in the area: it was true once.
pub(crate) fn grey(buf: &mut Buffer, area: Rect, theme: &Theme) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let cell = &mut buf[(x, y)];
            cell.fg = theme.stale.fg.unwrap_or(Color::Reset);
            cell.bg = theme.stale.bg.or(theme.text.bg).unwrap_or(Color::Reset);
            cell.modifier = theme.stale.add_modifier;
        }
    }
}

/// A sentence in place of content, broken between words; `bold` leads. Returns the rows that it took.
pub(crate) fn sentence(buf: &mut Buffer, area: Rect, style: Style, text: &str) -> u16 {
    let area = area.intersection(buf.area);
    let mut row = 0;
    for line in text.lines() {
        let mut rest = line;
        while !rest.is_empty() && row < area.height {
            let (shown, next) = split_line(rest, area.width);
            Pen::new(buf, area, row).put(style, shown);
            rest = next;
            row += 1;
        }
    }
    row
}

/// The words of `text` that fit into `cells`, and the rest.
#[must_use]
pub(crate) fn split_line(text: &str, cells: u16) -> (&str, &str) {
    let fitting = head(text, cells.max(1));
    if fitting.len() == text.len() {
        return (text, "");
    }
    // A word that is wider than the line, or a character wider than a cell, is broken where it must be.
    let at = match fitting.rfind(' ') {
        _ if text[fitting.len()..].starts_with(' ') => fitting.len(),
        Some(space) if space > 0 => space,
        _ if fitting.is_empty() => text.chars().next().map_or(text.len(), char::len_utf8),
        _ => fitting.len(),
    };
    (&text[..at], text[at..].trim_start())
}

/// Says why there is no content; `true` when it did, and nothing else is to be drawn.
pub(crate) fn stand_in(
    buf: &mut Buffer,
    area: Rect,
    theme: &Theme,
    freshness: Freshness<'_>,
    empty: Option<&str>,
) -> bool {
    let area = Rect { x: area.x + u16::from(area.width > 2), width: area.width.saturating_sub(2), ..area };
    match freshness {
        Freshness::Denied(reason) | Freshness::Missing(reason) => {
            sentence(buf, area, theme.text, reason);
        }
        Freshness::Connecting if empty.is_some() => {
            sentence(buf, area, theme.muted, "Waiting for the first answer.");
        }
        Freshness::Stale { age: None, reason, .. } if empty.is_some() => {
            sentence(buf, area, theme.text, reason);
        }
        _ => match empty {
            Some(text) => {
                sentence(buf, area, theme.muted, text);
            }
            None => return false,
        },
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_break_between_words_and_long_words_where_they_must() {
        assert_eq!(split_line("no releases yet", 8), ("no", "releases yet"));
        assert_eq!(split_line("no releases yet", 11), ("no releases", "yet"));
        assert_eq!(split_line("abcdefgh", 3), ("abc", "defgh"));
        assert_eq!(split_line("日本", 1), ("日", "本"));
        assert_eq!(split_line("fits", 4), ("fits", ""));
    }

    #[test]
    fn a_stale_pane_says_since_when_why_and_what_follows() {
        let theme = Theme::named("mono");
        let area = Rect::new(0, 0, 100, 3);
        let mut buf = Buffer::empty(area);
        let chrome = Chrome {
            theme: &theme,
            tier: None,
            focused: false,
            boxed: true,
            freshness: Freshness::Stale {
                age: Some(Age::of(chrono::TimeDelta::seconds(14))),
                reason: "watch lost (connection refused)",
                retry: Some(Age::of(chrono::TimeDelta::seconds(3))),
            },
        };
        chrome.draw(&mut buf, area, format_args!("Pods"), (Style::new(), format_args!("")));
        let first: String = (0..100).map(|x| buf[(x, 0)].symbol()).collect();
        assert!(first.contains(" STALE 14s: watch lost (connection refused), retry in 3s ┐"), "{first}");
    }
}
