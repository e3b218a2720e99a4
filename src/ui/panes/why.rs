//! Why a release does not go on: each gate with who can clear it, when, and by which command; and the API server's own word.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::api::Release;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::view::{Focus, ServerWord, View, WhyView};
use crate::app::why::reasons;
use crate::domain::age::Age;
use crate::domain::outcome;
use crate::domain::why::Reason;
use crate::ui::chrome::{grey, sentence, stand_in};
use crate::ui::format::{Short, width};
use crate::ui::layout::take_bottom;
use crate::ui::overlays::message::rows;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::panes::gates::gate_look;
use crate::ui::panes::queue::phase_look;
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "why",
    focus: Some(Focus::Why),
    whole: Some(|view| matches!(view, View::Why(_))),
    draw,
    ..Pane::ROW
};

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Why(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let freshness = ctx.freshness(view.id.cluster, WatchedKind::Releases);
    let Some(release) = ctx.store.release(&view.id) else {
        let inner = ctx.chrome(Some(Focus::Why), freshness).draw(
            buf,
            area,
            format_args!("Why"),
            (theme.muted, format_args!("")),
        );
        stand_in(buf, inner, theme, freshness, Some("This release is gone: it was deleted. esc goes back."));
        return;
    };
    let gates = reasons(ctx.store, &view.id);
    let open = gates.iter().filter(|gate| gate.holds()).count();
    let note = match (gates.len(), open) {
        (0, _) => Short::of(format_args!("")),
        (all, 0) => Short::of(format_args!("{all} passed")),
        (all, open) => Short::of(format_args!("{open} of {all} shut")),
    };
    let (version, place) = (&release.spec.version, &release.spec.environment);
    let chrome = ctx.chrome(Some(Focus::Why), freshness);
    let title = format_args!("Why {version} {} {place} does not go on", theme.glyphs.arrow);
    let mut inner = chrome.draw(buf, area, title, (theme.muted, format_args!("{}", note.as_str())));
    server(buf, &mut inner, ctx, view);
    let mut row = head(buf, inner, ctx, release);
    if gates.is_empty() {
        let text = "Nothing holds it: no gate is shut.";
        Pen::new(buf, inner, row).put(theme.muted, " ").put(theme.muted, text);
    }
    for gate in gates.iter().skip(view.offset) {
        if row >= inner.height {
            break;
        }
        row += gate_lines(buf, Rect { y: inner.y + row, height: inner.height - row, ..inner }, ctx, gate);
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

/// The phase and the controller's sentence.
fn head(buf: &mut Buffer, inner: Rect, ctx: &Ctx<'_>, release: &Release) -> u16 {
    let theme = ctx.theme;
    let (glyph, style) = phase_look(ctx, release.phase());
    let mut pen = Pen::new(buf, inner, 0);
    pen.fmt(style, format_args!(" {glyph} {} ", release.phase()));
    let at = pen.column();
    let room = Rect { x: at, width: inner.right().saturating_sub(at), height: inner.height.min(2), ..inner };
    let message = match &release.status {
        None => "the controller has not seen it yet".into(),
        Some(_) => outcome::message(release),
    };
    let took = sentence(buf, room, theme.text, &message);
    took.max(1)
}

/// The gate with its whole sentence; then who can clear it, when, and how. Returns the rows that it took.
fn gate_lines(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>, gate: &Reason) -> u16 {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    let (glyph, word, style) = gate_look(ctx, gate.state);
    let mut pen = Pen::new(buf, area, 0);
    if let Some(at) = gate.clears_at.filter(|_| gate.holds()) {
        pen.last(theme.accent, format_args!("in {} ", Age::between(ctx.store.now, at)));
    }
    let room = pen.room();
    pen.fmt(style, format_args!(" {glyph} {word:<8}")).put(theme.title, &gate.gate).skip(2);
    let left = (area.x + room).saturating_sub(pen.column());
    let mut row = 1;
    if width(&gate.detail) <= left {
        pen.put(theme.text, &gate.detail);
    } else {
        row += indented(buf, area, row, (theme.text, &gate.detail));
    }
    if !gate.holds() {
        return row;
    }
    if let Some(who) = &gate.who {
        let text = format!("{} cleared by {who}", glyphs.elbow);
        row += indented(buf, area, row, (theme.muted, &text));
    }
    if let Some(command) = &gate.command {
        let mut pen = Pen::new(buf, area, row);
        pen.fmt(theme.muted, format_args!("   {} ", glyphs.elbow)).put(theme.key, command);
        row += 1;
    }
    row
}

fn indented(buf: &mut Buffer, area: Rect, row: u16, (style, text): (Style, &str)) -> u16 {
    let area = Rect {
        x: area.x + 3.min(area.width),
        y: area.y + row,
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(row),
    };
    sentence(buf, area, style, text)
}

/// What the server says, below the gates, and what we say, where the two differ.
fn server(buf: &mut Buffer, inner: &mut Rect, ctx: &Ctx<'_>, view: &WhyView) {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    let (glyph, style, text) = match &view.server {
        ServerWord::Asked { what, .. } => {
            (glyphs.moving, theme.muted, format!("the API server is asked about {what}"))
        }
        ServerWord::Accepts(what) => {
            (glyphs.done, theme.healthy, format!("the API server would accept {what} (dry run)"))
        }
        ServerWord::Refuses { what, reason } => {
            (glyphs.failing, theme.failing, format!("the API server would refuse {what} (dry run): {reason}"))
        }
        ServerWord::NotAsked(reason) => (glyphs.unknown, theme.muted, reason.clone()),
    };
    let differ = match (&view.server, &view.ours) {
        (ServerWord::Refuses { reason, .. }, Some(ours)) => !reason.contains(ours.as_str()),
        (ServerWord::Accepts(_), Some(_)) => true,
        _ => false,
    };
    let ours = view.ours.as_ref().filter(|_| differ || matches!(view.server, ServerWord::NotAsked(_)));
    let cells = inner.width.saturating_sub(4);
    let ours_rows = ours.map_or(0, |ours| rows(ours, cells.saturating_sub(16)));
    let wanted = rows(&text, cells).saturating_add(ours_rows).min(inner.height / 2);
    let area = take_bottom(inner, wanted);
    Pen::new(buf, area, 0).fmt(style, format_args!(" {glyph}"));
    let took = sentence(buf, Rect { x: area.x + 3.min(area.width), width: cells, ..area }, style, &text);
    if let Some(ours) = ours {
        let mut pen = Pen::new(buf, area, took);
        pen.fmt(theme.warning, format_args!(" {} ", glyphs.warning));
        pen.put(theme.warning, "this terminal: ");
        let room = pen.room();
        pen.cut(room, theme.warning, theme, ours);
    }
}
