//! Two versions side by side: pods, images and shares of each track, the three weights, and loudly what somebody else changed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::api::release::ReleaseStatus;
use crate::api::strategy::Track;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::located::ReleaseId;
use crate::app::state::store::Store;
use crate::app::state::view::View;
use crate::app::tracks::{Side, WeightWords, drifts, shown_in};
use crate::domain::age::Age;
use crate::domain::known_version::tag;
use crate::ui::chrome::{grey, sentence, stand_in};
use crate::ui::format::{Short, width};
use crate::ui::overlays::message::rows as rows_of;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane { id: "tracks", draw, ..Pane::ROW };

const EMPTY: &str = "One version only: nothing runs beside it.";

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let freshness = ctx.freshness(view.id.cluster, WatchedKind::Releases);
    let release = ctx.store.release(&view.id);
    let words = release.and_then(|release| WeightWords::of(release));
    let words = words.map(|words| words.dotted(theme.glyphs.dot));
    let chrome = ctx.chrome(None, freshness);
    let style = match &words {
        Some(words) if words.is_away() => theme.warning,
        _ => theme.title,
    };
    let note = match words {
        Some(words) if area.width < 100 => Short::of(format_args!("{}", words.short())),
        Some(words) => Short::of(format_args!("{words}")),
        None => Short::of(format_args!("")),
    };
    let (sides, left_out) = shown_in(ctx.store, &view.id);
    let alone = ctx.alone(&view.id, left_out);
    let note = (style, format_args!("{}", note.as_str()));
    let inner = chrome.draw(buf, area, format_args!("Tracks{}", alone.as_str()), note);
    let status = release.and_then(|release| release.status.as_ref());
    let Some(status) = status.filter(|_| !sides.is_empty()) else {
        stand_in(buf, inner, theme, freshness, Some(EMPTY));
        return;
    };
    let mut row = drift(buf, inner, ctx, status);
    if ctx.boxed && row < inner.height {
        since(&mut Pen::new(buf, inner, row), ctx, status);
        row += 1;
    }
    for pair in sides.chunks(2) {
        if row >= inner.height {
            break;
        }
        if ctx.boxed {
            for side in pair {
                line(&mut Pen::new(buf, inner, row), ctx, side);
                row += 1;
            }
        } else {
            short_line(&mut Pen::new(buf, inner, row), ctx, pair);
            row += 1;
        }
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

/// What somebody else changed comes first: it must be seen also where the pane is cut.
fn drift(buf: &mut Buffer, inner: Rect, ctx: &Ctx<'_>, status: &ReleaseStatus) -> u16 {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    let mut row = 0;
    for (component, drift) in drifts(status) {
        let left =
            Rect { y: inner.y + row.min(inner.height), height: inner.height.saturating_sub(row), ..inner };
        let text = format!(" {} DRIFT {component}: {drift}", glyphs.failing);
        row += sentence(buf, left, theme.failing, &text);
    }
    row
}

/// Rows that the pane's content takes.
#[must_use]
pub(crate) fn wanted(
    (store, id): (&Store, &ReleaseId),
    status: &ReleaseStatus,
    cells: u16,
    boxed: bool,
) -> u16 {
    let (_, left_out) = shown_in(store, id);
    let shown = status.tracks.len().saturating_sub(left_out);
    let lines = shown * if boxed { 2 } else { 1 } + usize::from(boxed);
    let lines = u16::try_from(lines).unwrap_or(u16::MAX);
    drifts(status).fold(lines, |lines, (component, drift)| {
        lines.saturating_add(rows_of(&format!("   DRIFT {component}: {drift}"), cells.max(1)))
    })
}

/// For how long the weight is what it is, and who set it.
fn since(pen: &mut Pen<'_>, ctx: &Ctx<'_>, status: &ReleaseStatus) {
    let theme = ctx.theme;
    let Some(weight) = &status.weight else { return };
    let by = weight.by.as_deref().unwrap_or("the plan");
    pen.fmt(theme.muted, format_args!(" {}% set by {by}", weight.desired));
    if let Some(since) = weight.since {
        pen.fmt(theme.muted, format_args!(", {} ago", Age::between(since, ctx.store.now)));
    }
}

fn look(ctx: &Ctx<'_>, side: &Side<'_>) -> (&'static str, Style) {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    match (side.available, side.wanted) {
        (_, 0) => (glyphs.todo, theme.muted),
        (0, _) => (glyphs.failing, theme.failing),
        (available, wanted) if available < wanted => (glyphs.warning, theme.warning),
        _ => (glyphs.healthy, theme.healthy),
    }
}

/// `backend   canary   ● 1/1 pods   v1.8.2   10% of the traffic, router states 10%   ghcr.io/…`
fn line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, side: &Side<'_>) {
    let theme = ctx.theme;
    let (glyph, style) = look(ctx, side);
    let name = if side.track == Track::Stable { side.component } else { "" };
    pen.skip(1).left(12, theme.text, theme, name).skip(1);
    pen.left(7, theme.title, theme, side.track.as_str());
    let pods = Short::of(format_args!("{}/{}", side.available, side.wanted));
    pen.fmt(style, format_args!("{glyph} {:>5} pods  ", pods.as_str()));
    pen.left(12, theme.text, theme, tag(side.image)).skip(1);
    if let Some(share) = side.share {
        let odd = side.stated.is_some_and(|stated| stated != share);
        let share = Short::of(format_args!("{share}%"));
        pen.fmt(theme.text, format_args!("{:>4} of the traffic", share.as_str()));
        if let Some(stated) = side.stated.filter(|_| odd) {
            pen.fmt(theme.failing, format_args!(", the router states {stated}%"));
        }
        pen.skip(2);
    }
    let room = pen.room();
    if room > 12 {
        pen.name(room.min(width(side.image)), theme.muted, theme, side.image);
    }
}

/// Both tracks of a component on one line.
fn short_line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, pair: &[Side<'_>]) {
    let theme = ctx.theme;
    pen.skip(1).left(10, theme.text, theme, pair.first().map_or("", |side| side.component)).skip(1);
    for side in pair {
        let (glyph, style) = look(ctx, side);
        pen.fmt(theme.title, format_args!("{} ", side.track));
        pen.fmt(style, format_args!("{glyph} {}/{} ", side.available, side.wanted));
        pen.cut(10, theme.text, theme, tag(side.image));
        if let Some(share) = side.share {
            let odd = side.stated.is_some_and(|stated| stated != share);
            pen.fmt(if odd { theme.failing } else { theme.muted }, format_args!(" {share}%"));
        }
        pen.skip(3);
    }
}
