//! What comes next, when, and what happens if nobody acts.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::outlook::{Outlook, outlook};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::view::View;
use crate::domain::age::Age;
use crate::ui::chrome::{grey, sentence, stand_in};
use crate::ui::format::{Short, width};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane { id: "outlook", draw, ..Pane::ROW };

const EMPTY: &str = "Nothing follows.";

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let freshness = ctx.freshness(view.id.cluster, WatchedKind::Releases);
    let found = of(ctx);
    if !ctx.boxed {
        if let Some(outlook) = &found {
            line(&mut Pen::new(buf, area, 0), ctx, outlook);
        }
        return;
    }
    let when = match found.as_ref().and_then(|outlook| outlook.at) {
        Some(at) => Short::of(format_args!("in {}", Age::between(ctx.store.now, at))),
        None => Short::of(format_args!("")),
    };
    let next = found.as_ref().and_then(|outlook| outlook.next.as_deref()).unwrap_or("nothing");
    let title = Short::of(format_args!("Next: {next}"));
    let chrome = ctx.chrome(None, freshness);
    let note = (theme.accent, format_args!("{}", when.as_str()));
    let inner = chrome.draw(buf, area, format_args!("{}", title.as_str()), note);
    if stand_in(buf, inner, theme, freshness, found.is_none().then_some(EMPTY)) {
        return;
    }
    if let Some(outlook) = &found {
        let style = if outlook.waits { theme.warning } else { theme.text };
        let text = format!("If nobody acts, {}.", outlook.otherwise);
        let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        sentence(buf, inner, style, &text);
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

/// The outlook of the opened release.
#[must_use]
pub(crate) fn of(ctx: &Ctx<'_>) -> Option<Outlook> {
    let View::Release(view) = ctx.store.ui.view() else { return None };
    let release = ctx.store.release(&view.id)?;
    let environment = ctx.store.environment(&ctx.store.environment_of(&view.id)?)?;
    outlook(release, environment)
}

/// `next: analysis in 2m10s · if nobody acts: it goes on by itself`
fn line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, outlook: &Outlook) {
    let theme = ctx.theme;
    pen.put(theme.text, " ");
    if let Some(next) = &outlook.next {
        pen.put(theme.muted, "next: ").cut(24, theme.title, theme, next);
        if let Some(at) = outlook.at {
            pen.fmt(theme.accent, format_args!(" in {}", Age::between(ctx.store.now, at)));
        }
        pen.fmt(theme.muted, format_args!(" {} ", theme.glyphs.dot));
    }
    let room = pen.room();
    let style = if outlook.waits { theme.warning } else { theme.text };
    let lead = if room >= width(&outlook.otherwise) + 16 { "if nobody acts: " } else { "unattended: " };
    pen.put(theme.muted, lead).cut(room.saturating_sub(width(lead)), style, theme, &outlook.otherwise);
}
