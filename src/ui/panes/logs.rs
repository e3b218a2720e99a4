//! Logs while they are written: of one container, or of several merged by time, each with a mark and a name of its own.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::state::logs::{LogSource, LogView, SourceState};
use crate::app::state::view::{Focus, View};
use crate::domain::log::LogEntry;
use crate::ui::chrome::{Freshness, sentence};
use crate::ui::format::{Many, Short, head, tail, width};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;
use crate::ui::reading;
use crate::ui::theme::Theme;

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "logs",
    focus: Some(Focus::Text),
    whole: Some(|view| matches!(view, View::Logs(_))),
    draw,
    ..Pane::ROW
};

/// Cells of the name before a line, where several sources are merged.
const NAME: u16 = 18;

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Logs(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let chrome = ctx.chrome(Some(Focus::Text), Freshness::Timeless);
    let dot = theme.glyphs.dot;
    let title = format!("Logs {dot} {}{}", view.subject.words(), asked(view, dot));
    let note = note(view, dot);
    let inner =
        chrome.draw(buf, area, format_args!("{title}"), (theme.muted, format_args!("{}", note.as_str())));
    if inner.height == 0 {
        return;
    }
    let mut body = inner;
    if let Some(trouble) = trouble(view) {
        let row = Rect { height: 1, ..inner };
        let room = row.width;
        Pen::new(buf, row, 0).cut(room, theme.warning, theme, &trouble);
        body = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    if view.ring.shown_len() == 0 {
        sentence(buf, body, theme.muted, &empty(view));
        return;
    }
    if view.at_end { from_the_end(buf, body, ctx, view) } else { from_the_top(buf, body, ctx, view) }
}

/// What was asked for, where it is not the usual.
fn asked(view: &LogView, dot: &str) -> String {
    let mut words = format!(" {dot} {}", view.what.reach);
    if view.what.previous {
        let _ = write!(words, " {dot} previous run");
    }
    if view.what.all_containers {
        let _ = write!(words, " {dot} all containers");
    }
    if let Some(filter) = &view.filter {
        let _ = write!(words, " {dot} /{}", filter.text());
    }
    words
}

fn note(view: &LogView, dot: &str) -> Short {
    let state = match (view.what.previous, view.at_end) {
        (true, _) => "ended",
        (false, true) => "following",
        (false, false) => "stopped, f follows",
    };
    let shown = view.ring.shown_len();
    match (view.ring.dropped(), shown == view.ring.len()) {
        (0, true) => Short::of(format_args!("{state} {dot} {}", Many(shown, "line"))),
        (0, false) => Short::of(format_args!("{state} {dot} {shown} of {} lines", view.ring.len())),
        (gone, _) => Short::of(format_args!("{state} {dot} {}, {gone} older dropped", Many(shown, "line"))),
    }
}

/// Why lines are missing, as one line.
fn trouble(view: &LogView) -> Option<String> {
    let lost: Vec<&LogSource> =
        view.sources.iter().filter(|source| matches!(source.state, SourceState::Lost(_))).collect();
    let mut words = match lost.as_slice() {
        [] => String::new(),
        [one, rest @ ..] => {
            let SourceState::Lost(reason) = &one.state else { return None };
            let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
            format!("{}: {reason}{more}", one.pod)
        }
    };
    if view.left_out > 0 {
        let more = format!("{} more pods are not followed", view.left_out);
        words = if words.is_empty() { more } else { format!("{words}; {more}") };
    }
    (!words.is_empty()).then_some(words)
}

fn empty(view: &LogView) -> String {
    if !view.ring.is_empty() {
        return "No line matches the filter: esc shows all.".to_owned();
    }
    let done = !view.sources.is_empty()
        && view.sources.iter().all(|source| matches!(source.state, SourceState::Ended));
    match (view.sources.is_empty(), done) {
        (true, _) => "Waiting for the first line.".to_owned(),
        (false, true) => format!("Nothing was written ({}).", view.what.reach),
        (false, false) => {
            format!("Nothing was written yet ({}): lines appear as they come.", view.what.reach)
        }
    }
}

fn from_the_top(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, view: &LogView) {
    let first = view.first(usize::from(body.height));
    let mut row = 0;
    for (at, entry) in view.ring.shown().enumerate().skip(first) {
        if row >= body.height {
            return;
        }
        let area = Rect { y: body.y + row, height: body.height - row, ..body };
        row += line(buf, area, ctx, (view, entry, at));
    }
}

/// The newest line stands on the last row.
fn from_the_end(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, view: &LogView) {
    let last = view.ring.shown_len();
    let (prefix, mut room) = (prefix_cells(view), body.height);
    let mut taken = Vec::new();
    for (back, entry) in view.ring.shown().rev().enumerate() {
        let beside = body.width.saturating_sub(prefix);
        let rows = if view.look.wrap { reading::rows(width(&entry.text), beside) } else { 1 };
        if rows > room {
            break;
        }
        room -= rows;
        taken.push((entry, last - 1 - back, rows));
        if room == 0 {
            break;
        }
    }
    // While there are fewer lines than rows, they stand at the top.
    let mut row = if taken.len() == last { 0 } else { room };
    for (entry, at, rows) in taken.into_iter().rev() {
        let area = Rect { y: body.y + row, height: body.height - row, ..body };
        line(buf, area, ctx, (view, entry, at));
        row += rows;
    }
}

fn prefix_cells(view: &LogView) -> u16 {
    let stamp = if view.timestamps { 13 } else { 0 };
    stamp + if view.sources.len() > 1 { NAME + 4 } else { 0 }
}

fn line(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>, (view, entry, at): (&LogView, &LogEntry, usize)) -> u16 {
    let theme = ctx.theme;
    let stamp = match (view.timestamps, entry.at) {
        (true, Some(written)) => written.format("%H:%M:%S%.3f ").to_string(),
        (true, None) => " ".repeat(13),
        (false, _) => String::new(),
    };
    let name = match view.sources.get(usize::from(entry.source)) {
        Some(source) if view.sources.len() > 1 => name(entry.source, source),
        _ => String::new(),
    };
    let here = view.look.found == Some(at);
    let text = if here { reading::here(theme) } else { level(theme, &entry.text) };
    let marked = reading::marked(vec![(text, &entry.text)], &entry.text, &view.look);
    let prefix = prefix_cells(view).min(area.width);
    Pen::new(buf, area, 0).put(theme.muted, &stamp).put(colour(theme, entry.source), &name);
    let beside = Rect { x: area.x + prefix, width: area.width - prefix, ..area };
    reading::draw(buf, beside, &view.look, &marked)
}

/// A letter and the end of the name, which tells pods of one workload apart also without colour: `A …ckend-2xk4p`.
fn name(source: u16, of: &LogSource) -> String {
    let letter = char::from(b'A' + u8::try_from(source % 26).unwrap_or_default());
    let round = if source < 26 { ' ' } else { char::from_digit(u32::from(source / 26), 36).unwrap_or('+') };
    let whole = format!("{}/{}", of.pod, of.container);
    let name =
        if width(&of.pod) + width(&of.container) < NAME { whole.as_str() } else { tail(&of.pod, NAME) };
    let pad = usize::from(NAME.saturating_sub(width(name)));
    format!("{letter}{round}{name}{:pad$}  ", "")
}

fn colour(theme: &Theme, source: u16) -> Style {
    [theme.curve_a, theme.curve_b, theme.accent, theme.key, theme.marker, theme.staging]
        [usize::from(source % 6)]
}

/// Errors and warnings stand out where a line says that it is one.
fn level(theme: &Theme, text: &str) -> Style {
    let start = head(text, 160);
    let says = |words: &[&str]| words.iter().any(|word| start.contains(word));
    if says(&["ERROR", "FATAL", "panic", "level=error", "\"level\":\"error\"", "Exception"]) {
        theme.failing
    } else if says(&["WARN", "level=warn", "\"level\":\"warn"]) {
        theme.warning
    } else {
        theme.text
    }
}
