//! What a release waits for, who can clear it, and who has approved.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::api::release::{ApprovalRecord, ApprovalState, GateState, GateStatus};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::view::{Focus, View};
use crate::domain::age::Age;
use crate::domain::labelled::unlabelled;
use crate::ui::chrome::{grey, stand_in};
use crate::ui::format::{Short, width};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane { id: "gates", focus: Some(Focus::Gates), draw, ..Pane::ROW };

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let freshness = ctx.freshness(view.id.cluster, WatchedKind::Releases);
    let status = ctx.store.release(&view.id).and_then(|release| release.status.as_ref());
    let gates = status.map_or(&[][..], |status| &status.gates);
    let approvals = status.map_or(&[][..], |status| &status.approvals);
    let open = gates.iter().filter(|gate| gate.state != GateState::Pass).count();
    let is_over = status.is_some_and(|status| status.phase.is_final());
    let note = match (gates.len(), open) {
        (0, _) => Short::of(format_args!("")),
        (all, 0) => Short::of(format_args!("{all} passed")),
        (all, open) if is_over => Short::of(format_args!("{open} of {all} had not passed")),
        (all, open) => Short::of(format_args!("{open} of {all} open")),
    };
    let style = if open > 0 { theme.warning } else { theme.healthy };
    let chrome = ctx.chrome(Some(Focus::Gates), freshness);
    let title = if is_over { "Gates" } else { "Waits for" };
    let inner = chrome.draw(buf, area, format_args!("{title}"), (style, format_args!("{}", note.as_str())));
    let empty = gates.is_empty() && approvals.is_empty();
    if stand_in(buf, inner, theme, freshness, empty.then_some("Nothing: no gate has been judged yet.")) {
        return;
    }
    let name =
        gates.iter().map(|gate| width(&gate.name)).max().unwrap_or(8).clamp(8, (inner.width / 3).max(8));
    // What holds it stands on top: it must be seen also where the pane is cut.
    let mut sorted: Vec<&GateStatus> = gates.iter().collect();
    sorted.sort_by_key(|gate| rank(gate.state));
    let mut row = 0;
    for gate in sorted.into_iter().skip(view.gates_offset) {
        gate_line(&mut Pen::new(buf, inner, row), ctx, gate, name);
        row += 1;
        if let (Some(who), GateState::Wait | GateState::Fail) = (&gate.cleared_by, gate.state) {
            let mut pen = Pen::new(buf, inner, row);
            pen.fmt(theme.muted, format_args!("   {} cleared by ", theme.glyphs.elbow));
            let room = pen.room();
            pen.cut(room, theme.text, theme, who);
            row += 1;
        }
    }
    for approval in approvals.iter().skip(view.gates_offset.saturating_sub(gates.len())) {
        approval_line(&mut Pen::new(buf, inner, row), ctx, approval);
        row += 1;
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

/// What refuses and what nobody knows come before what merely waits, and that before what has passed.
#[must_use]
pub(crate) const fn rank(state: GateState) -> u8 {
    match state {
        GateState::Fail => 0,
        GateState::NoData => 1,
        GateState::Wait => 2,
        GateState::Pass => 3,
    }
}

fn gate_line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, gate: &GateStatus, name: u16) {
    let theme = ctx.theme;
    let (glyph, word, style) = gate_look(ctx, gate.state);
    if let Some(at) = gate.clears_at.filter(|_| gate.state != GateState::Pass) {
        pen.last(theme.accent, format_args!("in {} ", Age::between(ctx.store.now, at)));
    }
    pen.fmt(style, format_args!(" {glyph} {word:<8}"));
    pen.left(name, theme.text, theme, &gate.name).skip(1);
    let room = pen.room();
    pen.cut(room, theme.muted, theme, unlabelled(&gate.name, &gate.detail));
}

/// Glyph, word and style of a verdict.
#[must_use]
pub(crate) fn gate_look(ctx: &Ctx<'_>, state: GateState) -> (&'static str, &'static str, Style) {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    match state {
        GateState::Pass => (glyphs.done, "pass", theme.healthy),
        GateState::Wait => (glyphs.waiting, "wait", theme.warning),
        GateState::Fail => (glyphs.failing, "FAIL", theme.failing),
        GateState::NoData => (glyphs.unknown, "no data", theme.unknown),
    }
}

fn approval_line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, approval: &ApprovalRecord) {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    let (glyph, word, style) = match approval.state {
        ApprovalState::Counted => (glyphs.done, "approved", theme.healthy),
        ApprovalState::Stale => (glyphs.warning, "approved another plan", theme.warning),
        ApprovalState::Expired => (glyphs.warning, "approval expired", theme.warning),
        ApprovalState::SelfApproval => (glyphs.failing, "own release: does not count", theme.failing),
        ApprovalState::Withdrawn => (glyphs.warning, "took the approval back", theme.warning),
        ApprovalState::Unattested => (glyphs.warning, "approval not attested: does not count", theme.failing),
    };
    pen.last(theme.muted, format_args!("{} ago ", Age::between(approval.at, ctx.store.now)));
    pen.fmt(style, format_args!(" {glyph} {word} "));
    let room = pen.room();
    pen.cut(room, theme.text, theme, &approval.actor);
    for slot in &approval.slots {
        pen.fmt(theme.muted, format_args!(" ({slot})"));
    }
}
