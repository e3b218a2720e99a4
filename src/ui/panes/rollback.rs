//! Versions to go back to, and what would change. It looks, and never acts.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::view::{Focus, RollbackView, View};
use crate::domain::age::Age;
use crate::domain::known_version::{KnownVersion, Verdict};
use crate::domain::version_outcome::{self, word};
use crate::ui::chrome::{Chrome, Freshness, grey, stand_in};
use crate::ui::format::{Many, Short, width};
use crate::ui::layout::{scrolled, take_top};
use crate::ui::overlays::confirm::change_line;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "rollback",
    focus: Some(Focus::Candidates),
    whole: Some(|view| matches!(view, View::Rollback(_))),
    rows: |area, _, boxed| visible_rows(area, boxed),
    draw,
};

const EMPTY: &str = "No version to go back to: no release has changed this environment yet. \
                     `kubectl rollout undo` knows the workloads' own revisions.";

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Rollback(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let freshness = ctx.freshness(view.environment.cluster, WatchedKind::Releases);
    let mut rest = area;
    let list = take_top(&mut rest, list_height(area, ctx.boxed));
    let application = ctx.row(&view.environment).map_or("", |row| &row.application);
    let dot = theme.glyphs.dot;
    let place = &view.environment.key.name;
    let count = view.versions.len();
    let inner = ctx.chrome(Some(Focus::Candidates), freshness).draw(
        buf,
        list,
        format_args!("Roll back {application} {dot} {place}"),
        (theme.muted, format_args!("{}", Many(count, "version"))),
    );
    if stand_in(buf, inner, theme, freshness, view.versions.is_empty().then_some(EMPTY)) {
        return;
    }
    let version = view.versions.iter().map(|known| width(&known.version)).max().unwrap_or(6).clamp(6, 24);
    let first = scrolled(view.cursor.offset, view.cursor.index, usize::from(inner.height));
    for ((at, known), row) in view.versions.iter().enumerate().skip(first).zip(0..inner.height) {
        let line = Rect { y: inner.y + row, height: 1, ..inner };
        version_line(buf, line, ctx, (view, at, known), version);
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
    changes(buf, rest, ctx, view);
}

fn version_line(
    buf: &mut Buffer,
    line: Rect,
    ctx: &Ctx<'_>,
    (view, at, known): (&RollbackView, usize, &KnownVersion),
    cells: u16,
) {
    let theme = ctx.theme;
    let selected = at == view.cursor.index;
    let (pointer, over) = ctx.selection(selected, Focus::Candidates);
    let usable = known.is_way_back();
    let text = if usable { theme.text } else { theme.muted };
    let (glyph, word, style) = verdict(ctx, known);
    let mut pen = Pen::new(buf, line, 0);
    pen.put(theme.accent, pointer).skip(1);
    if view.last_known_good == Some(at) {
        let arrow = if theme.glyphs.braille { "←" } else { "<-" };
        pen.last(theme.title, format_args!("{arrow} last known good "));
    } else if known.denied {
        pen.last(theme.warning, format_args!("denied until cleared "));
    }
    pen.left(cells, text.patch(theme.title), theme, &known.version).skip(2);
    pen.put(style, glyph).put(style, " ").left(14, style, theme, word).skip(1);
    let soaked = known.soaked.map_or_else(
        || Short::of(format_args!("")),
        |soaked| Short::of(format_args!("ran {}", Age::of(soaked))),
    );
    pen.left(10, text, theme, soaked.as_str()).skip(1);
    if let Some(at) = known.at {
        let age = Short::of(format_args!("{} ago", Age::between(at, ctx.store.now)));
        pen.left(11, theme.muted, theme, age.as_str()).skip(1);
    }
    if let Some(by) = &known.requested_by {
        let room = pen.room();
        pen.put(theme.muted, "by ").cut(room.saturating_sub(3), theme.muted, theme, by);
    }
    if let Some(style) = over {
        buf.set_style(line, style);
    }
}

fn verdict(ctx: &Ctx<'_>, known: &KnownVersion) -> (&'static str, &'static str, Style) {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    match known.verdict {
        _ if known.current => (glyphs.healthy, "runs now", theme.accent),
        Verdict::Good => (glyphs.done, "succeeded", theme.healthy),
        Verdict::RanBefore => (glyphs.todo, "ran before", theme.text),
        Verdict::Undecided => (glyphs.unknown, word(known), theme.unknown),
        Verdict::Left | Verdict::Bad => (glyphs.failing, word(known), theme.failing),
    }
}

/// What going back to the chosen version changes.
fn changes(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>, view: &RollbackView) {
    if area.height < 2 {
        return;
    }
    let theme = ctx.theme;
    let chosen = view.versions.get(view.cursor.index);
    let version = chosen.map_or("", |known| &known.version);
    let chrome = Chrome { freshness: Freshness::Timeless, ..ctx.chrome(None, Freshness::Timeless) };
    let inner = chrome.draw(
        buf,
        area,
        format_args!("What changes with {version}"),
        (theme.muted, format_args!("enter asks for confirmation {} e in an emergency", theme.glyphs.dot)),
    );
    let why = chosen.and_then(refusal);
    let mut row = 0;
    if let Some(already) = &view.already {
        let glyph = theme.glyphs.warning;
        Pen::new(buf, inner, row).fmt(theme.warning, format_args!(" {glyph} {already}"));
        row += 1;
    }
    if let Some(why) = why {
        let glyph = theme.glyphs.warning;
        Pen::new(buf, inner, row).fmt(theme.warning, format_args!(" {glyph} {why}"));
        row += 1;
    }
    for change in &view.preview {
        if row < inner.height {
            change_line(Pen::new(buf, inner, row).skip(1), ctx, change);
            row += 1;
        }
    }
    if view.preview.is_empty() && row < inner.height {
        Pen::new(buf, inner, row).put(theme.muted, " Nothing: every component runs these images already.");
    }
}

/// Why a version is no way back; absent when it is one.
fn refusal(known: &KnownVersion) -> Option<String> {
    let why = if known.is_way_back() {
        return None;
    } else if known.current {
        "this is what runs now"
    } else if word(known) == "aborted" {
        return Some(format!(
            "this version was {} here: it is shown, and not offered",
            version_outcome::sentence(known)
        ));
    } else if known.denied {
        "this version is denied here until someone with freeze allows it again"
    } else if known.verdict == Verdict::Left {
        "somebody rolled back from this version: deploy it again to return to it"
    } else if known.verdict == Verdict::Bad {
        "this version failed here: it is shown, and not offered"
    } else {
        "a release of this version is in progress"
    };
    Some(why.to_owned())
}

fn list_height(area: Rect, boxed: bool) -> u16 {
    (area.height * 3 / 5).max(if boxed { 5 } else { 4 }).min(area.height)
}

/// Rows of the list of versions where the view has this area.
fn visible_rows(area: Rect, boxed: bool) -> u16 {
    list_height(area, boxed).saturating_sub(if boxed { 2 } else { 1 })
}
