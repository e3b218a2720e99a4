//! What the analyses say of the new version: glyph, word and sentence, how many requests are behind it, and the evidence so far.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::api::Release;
use crate::api::release::{AnalysisVerdict, GateState, Phase};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::view::View;
use crate::domain::age::Age;
use crate::domain::analysis;
use crate::domain::labelled::unlabelled;
use crate::ui::chrome::{grey, stand_in};
use crate::ui::format::{Short, Unit, Value, width};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::panes::gates::{gate_look, rank};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane { id: "analysis", draw, ..Pane::ROW };

const EMPTY: &str = "Nothing has been measured yet. Where the plan asks for it, that holds the release.";

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let freshness = ctx.freshness(view.id.cluster, WatchedKind::Releases);
    let release = ctx.store.release(&view.id);
    let verdicts =
        release.and_then(|release| release.status.as_ref()).map_or(&[][..], |status| &status.analysis);
    let count = |state| verdicts.iter().filter(|verdict| verdict.state == state).count();
    let (failing, unknown) = (count(GateState::Fail), count(GateState::NoData));
    let (style, note) = match (failing, unknown, verdicts.len()) {
        (_, _, 0) => (theme.muted, Short::of(format_args!(""))),
        (0, 0, all) => (theme.healthy, Short::of(format_args!("{} of {all} pass", count(GateState::Pass)))),
        (0, unknown, _) => {
            let holds =
                if release.is_some_and(|release| is_held_by_numbers(release)) { ": holds" } else { "" };
            (theme.unknown, Short::of(format_args!("{unknown} without data{holds}")))
        }
        (failing, _, all) => (theme.failing, Short::of(format_args!("{failing} of {all} FAIL"))),
    };
    let chrome = ctx.chrome(None, freshness);
    let inner = chrome.draw(buf, area, format_args!("Analysis"), (style, format_args!("{}", note.as_str())));
    if stand_in(buf, inner, theme, freshness, verdicts.is_empty().then_some(EMPTY)) {
        return;
    }
    let mut sorted: Vec<&AnalysisVerdict> = verdicts.iter().collect();
    sorted.sort_by_key(|verdict| rank(verdict.state));
    let name = sorted.iter().map(|verdict| width(&verdict.name)).max().unwrap_or(8).clamp(6, 18);
    let each = if inner.height >= lines(verdicts.len(), true) { 2 } else { 1 };
    for (at, verdict) in sorted.into_iter().enumerate() {
        let row = u16::try_from(at).unwrap_or(u16::MAX).saturating_mul(each);
        if row >= inner.height {
            break;
        }
        line(&mut Pen::new(buf, inner, row), ctx, verdict, name);
        if each == 2 {
            numbers(&mut Pen::new(buf, inner, row + 1), ctx, verdict);
        }
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

/// Whether a number that is missing keeps this release from going on.
fn is_held_by_numbers(release: &Release) -> bool {
    let Some(status) = &release.status else { return false };
    matches!(status.phase, Phase::Progressing | Phase::Paused)
        && !status.tracks.is_empty()
        && !analysis::takes_over(status)
}

/// Rows of that many verdicts, with or without the numbers behind them.
#[must_use]
pub(crate) fn lines(verdicts: usize, numbers: bool) -> u16 {
    u16::try_from(verdicts * if numbers { 2 } else { 1 }).unwrap_or(u16::MAX)
}

fn line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, verdict: &AnalysisVerdict, name: u16) {
    let theme = ctx.theme;
    let (glyph, word, style) = gate_look(ctx, verdict.state);
    pen.fmt(style, format_args!(" {glyph} {word:<8}"));
    pen.left(name, theme.title, theme, &verdict.name).skip(1);
    let room = pen.room();
    pen.cut(room, theme.text, theme, unlabelled(&verdict.name, &verdict.detail));
}

/// How many requests, how sure, since when, how fresh.
fn numbers(pen: &mut Pen<'_>, ctx: &Ctx<'_>, verdict: &AnalysisVerdict) {
    let (theme, now) = (ctx.theme, ctx.store.now);
    let dot = theme.glyphs.dot;
    pen.fmt(theme.muted, format_args!("   {} ", theme.glyphs.elbow));
    match verdict.samples {
        Some(samples) => pen.fmt(theme.muted, format_args!("{} requests", Value(Unit::Number, samples))),
        None => pen.put(theme.muted, "requests not counted"),
    };
    if let Some((evidence, needed)) = verdict.evidence.zip(verdict.evidence_needed) {
        let (evidence, needed) = (Value(Unit::Number, evidence), Value(Unit::Number, needed));
        pen.fmt(theme.muted, format_args!(" {dot} evidence {evidence} of {needed}"));
    } else if let Some(confidence) = verdict.confidence {
        let (over, shown) = if confidence > 0.99 { ("over ", 99.0) } else { ("", confidence * 100.0) };
        pen.fmt(theme.muted, format_args!(" {dot} {over}{shown:.0}% sure that it is worse"));
    }
    if let Some(since) = verdict.since {
        pen.fmt(theme.muted, format_args!(" {dot} so for {}", Age::between(since, now)));
    }
    if let Some(at) = verdict.at {
        pen.fmt(theme.muted, format_args!(" {dot} measured {} ago", Age::between(at, now)));
    }
}
