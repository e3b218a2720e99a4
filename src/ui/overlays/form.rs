//! Deploy or promote: version with completion, strategy, reason, ticket, and what would change.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::api::ReleaseKind;
use crate::app::state::form::{Field, Form};
use crate::ui::chrome::{Chrome, Freshness, sentence};
use crate::ui::format::{cut_middle, width};
use crate::ui::layout::{centred, scrolled};
use crate::ui::overlays::clear;
use crate::ui::overlays::confirm::{button, change_line, field};
use crate::ui::pane::Ctx;
use crate::ui::pen::Pen;

/// Most suggestions that are shown at once.
const SUGGESTIONS: u16 = 5;

/// Draws the window.
pub(crate) fn draw(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, form: &Form) {
    let theme = ctx.theme;
    let suggestions = shown(form);
    let preview = u16::try_from(form.preview.len()).unwrap_or(u16::MAX).min(8);
    let height = 2 + 4 + suggestions + preview + 1 + 2 + 1;
    let area = centred(body, body.width.min(92), height);
    clear(buf, area, ctx.theme);
    let chrome =
        Chrome { theme, tier: Some(form.tier), focused: true, boxed: true, freshness: Freshness::Timeless };
    let word = if form.kind == ReleaseKind::Promote { "Promote" } else { "Deploy" };
    let place = &form.environment.key.name;
    let note = form.source.as_ref().map_or("", |source| &source.key.name);
    let from = if note.is_empty() { "" } else { "from " };
    let several = ctx.store.clusters.len() > 1;
    let cluster = ctx.store.cluster(form.environment.cluster).filter(|_| several);
    let (first, last) = cluster.map_or(("", None), |cluster| cut_middle(&cluster.context, 24));
    let at = if cluster.is_some() { " on " } else { "" };
    let gap = if last.is_some() { theme.glyphs.ellipsis } else { "" };
    let last = last.unwrap_or_default();
    let inner = chrome.draw(
        buf,
        area,
        format_args!("{word} {} {} {place}{at}{first}{gap}{last}", form.application, theme.glyphs.arrow),
        (theme.muted, format_args!("{from}{note}")),
    );
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let row = fields(buf, inner, ctx, form);
    let row = previews(buf, inner, ctx, (form, row));
    verdict(buf, inner, ctx, (form, row));
    let mut pen = Pen::new(buf, inner, inner.height.saturating_sub(1));
    let submit = if form.checking.is_some() { "Checking" } else { "Go on" };
    pen.skip(inner.width.saturating_sub(width(submit) + 6 + 14));
    let usable = form.problem.is_none() && form.checking.is_none();
    button(&mut pen, ctx, (submit, form.focus == Field::Submit), usable);
    pen.skip(2);
    button(&mut pen, ctx, ("Cancel", form.focus == Field::Cancel), true);
}

fn shown(form: &Form) -> u16 {
    let wanted = form.focus == Field::Version || form.suggestion.is_some();
    if wanted { u16::try_from(form.suggestions.len()).unwrap_or(u16::MAX).min(SUGGESTIONS) } else { 0 }
}

fn fields(buf: &mut Buffer, inner: Rect, ctx: &Ctx<'_>, form: &Form) -> u16 {
    let theme = ctx.theme;
    let focused = |field| form.focus == field;
    field(&mut Pen::new(buf, inner, 0), ctx, ("version", focused(Field::Version)), form.version.split());
    let count = shown(form);
    let first = scrolled(0, form.suggestion.unwrap_or(0), usize::from(count));
    for (suggestion, at) in form.suggestions.iter().enumerate().skip(first).zip(0..count) {
        let (index, suggestion) = suggestion;
        let chosen = form.suggestion == Some(index);
        let mut pen = Pen::new(buf, inner, 1 + at);
        pen.skip(10).put(theme.accent, if chosen { theme.glyphs.current } else { " " });
        pen.left(20, if chosen { theme.title } else { theme.text }, theme, &suggestion.version).skip(1);
        let room = pen.room();
        pen.cut(room, theme.muted, theme, &suggestion.seen);
        if chosen {
            buf.set_style(
                Rect { y: inner.y + 1 + at, height: 1, ..inner }.intersection(inner),
                theme.selection,
            );
        }
    }
    strategy(&mut Pen::new(buf, inner, 1 + count), ctx, form);
    field(&mut Pen::new(buf, inner, 2 + count), ctx, ("reason", focused(Field::Reason)), form.reason.split());
    field(&mut Pen::new(buf, inner, 3 + count), ctx, ("ticket", focused(Field::Ticket)), form.ticket.split());
    5 + count
}

fn strategy(pen: &mut Pen<'_>, ctx: &Ctx<'_>, form: &Form) {
    let theme = ctx.theme;
    let focused = form.focus == Field::Strategy;
    pen.put(theme.accent, if focused { theme.glyphs.current } else { " " })
        .fmt(theme.muted, format_args!("{:<9} ", "strategy"));
    for (at, name) in form.strategies.iter().enumerate() {
        if at == form.strategy {
            pen.fmt(theme.title, format_args!("[{name}] "));
        } else {
            pen.fmt(theme.muted, format_args!(" {name}  "));
        }
    }
}

fn previews(buf: &mut Buffer, inner: Rect, ctx: &Ctx<'_>, (form, row): (&Form, u16)) -> u16 {
    let last = inner.height.saturating_sub(2);
    let mut row = row;
    for change in form.preview.iter().take(8) {
        if row < last {
            change_line(&mut Pen::new(buf, inner, row), ctx, change);
            row += 1;
        }
    }
    row
}

/// The server's refusal word by word, else what is still wrong, between fields and buttons.
fn verdict(buf: &mut Buffer, inner: Rect, ctx: &Ctx<'_>, (form, row): (&Form, u16)) {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    let (style, glyph, text): (Style, &str, &str) = match (&form.refusal, &form.problem) {
        (Some(refusal), _) => (theme.failing, glyphs.failing, refusal),
        (None, Some(problem)) => (theme.warning, glyphs.warning, problem),
        (None, None) if form.checking.is_some() => (theme.muted, glyphs.moving, "asking the server"),
        (None, None) => return,
    };
    let row = row.min(inner.height.saturating_sub(2));
    let area = Rect {
        x: inner.x + 2,
        y: inner.y + row,
        width: inner.width.saturating_sub(2),
        height: inner.height.saturating_sub(row + 1),
    };
    Pen::new(buf, inner, row).put(style, glyph);
    sentence(buf, area, style, text);
}
