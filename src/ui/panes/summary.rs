//! The head of the release view: what goes where, how far it is, what it waits for, and who asked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::api::{Release, ReleaseKind, Tier};
use crate::app::driving;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::view::View;
use crate::domain::age::Age;
use crate::domain::outcome;
use crate::ui::chrome::stand_in;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::panes::queue::phase_look;
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane { id: "summary", draw, ..Pane::ROW };

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let Some(release) = ctx.store.release(&view.id) else {
        let freshness = ctx.freshness(view.id.cluster, WatchedKind::Releases);
        stand_in(buf, area, theme, freshness, Some("This release is gone: it was deleted. esc goes back."));
        return;
    };
    let spec = &release.spec;
    let row = ctx.store.rows.queue.iter().find(|row| row.id == view.id);
    let tier = ctx.store.focused_tier();
    let mut pen = Pen::new(buf, area, 0);
    if let Some(at) = release.created_at() {
        pen.last(theme.muted, format_args!("{}", Age::between(at, ctx.store.now)));
    }
    pen.last(theme.muted, format_args!("by {}", crate::ui::format::head(&spec.requested_by, 40)));
    if let Some(driving) = driving::of(release, ctx.store.now).filter(|driving| !driving.by.is_empty()) {
        let by = crate::ui::format::head(driving.by, 30);
        match driving.left {
            Some(left) => pen.last(theme.accent, format_args!("driver: {by} ({left} left) ")),
            None => pen.last(theme.accent, format_args!("driver: {by} ")),
        };
    }
    pen.put(theme.text, " ");
    if let Some(row) = row {
        pen.put(theme.title, &row.application).skip(1);
        if !row.from.is_empty() {
            pen.put(theme.text, &row.from).fmt(theme.muted, format_args!(" {} ", theme.glyphs.arrow));
        }
    }
    pen.put(theme.title, &spec.version);
    let strategy = row.map_or("", |row| row.strategy.as_str());
    let kind = match spec.kind {
        ReleaseKind::Deploy => "deploy",
        ReleaseKind::Promote => "promote",
        ReleaseKind::Rollback => "rollback",
    };
    pen.fmt(theme.muted, format_args!(" {} {kind} {} {strategy}", theme.glyphs.dot, theme.glyphs.dot));
    pen.fmt(theme.muted, format_args!(" {} ", theme.glyphs.dot));
    pen.put(theme.tier(tier.unwrap_or(Tier::Development)), &spec.environment);
    if spec.emergency == Some(true) {
        pen.put(theme.failing, " EMERGENCY");
    }
    message(buf, area, ctx);
}

/// Phase and the controller's sentence; then the requester's reason.
fn message(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let Some(release) = ctx.store.release(&view.id) else { return };
    let theme = ctx.theme;
    let (glyph, style) = phase_look(ctx, release.phase());
    let mut pen = Pen::new(buf, area, 1);
    pen.fmt(style, format_args!(" {glyph} {} ", release.phase()));
    let row = ctx.store.rows.queue.iter().find(|row| row.id == view.id);
    if let Some(pending) = row.and_then(|row| row.pending.as_ref()) {
        pen.fmt(theme.accent, format_args!("{} {pending} ", theme.glyphs.moving));
    }
    let room = pen.room();
    pen.cut(room, theme.text, theme, &outcome::message(release));
    let mut pen = Pen::new(buf, area, 2);
    if let Some(case) = ctx.store.rows.causes.get(&view.id) {
        let (glyphs, sentence) = (theme.glyphs, case.sentence(case.subject.name()));
        pen.fmt(theme.failing, format_args!(" {} ", glyphs.failing));
        pen.last(theme.key, format_args!("J shows it"));
        let room = pen.room();
        pen.cut(room, theme.failing, theme, &sentence);
        return;
    }
    present(&mut pen, ctx, release);
    if let Some(note) = driving::of(release, ctx.store.now).and_then(|driving| driving.note) {
        let room = pen.room();
        pen.put(theme.accent, " note: ").cut(room.saturating_sub(8), theme.text, theme, note);
    }
    let room = pen.room();
    if let Some(ticket) = &release.spec.ticket {
        pen.fmt(theme.accent, format_args!(" {ticket}"));
    }
    if let Some(reason) = &release.spec.reason {
        pen.put(theme.muted, " ").cut(room, theme.muted, theme, reason);
    }
}

/// Who else has been at it in the last ten minutes, at the line's end.
fn present(pen: &mut Pen<'_>, ctx: &Ctx<'_>, release: &Release) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let Some(cluster) = ctx.store.cluster(view.id.cluster) else { return };
    for (who, age) in driving::present(cluster, release, ctx.store.now).into_iter().take(3).rev() {
        if pen.room() > 40 {
            pen.last(ctx.theme.muted, format_args!("{} {age}", crate::ui::format::head(who, 20)));
        }
    }
    if pen.room() > 40 {
        pen.last(ctx.theme.muted, format_args!("lately:"));
    }
}
