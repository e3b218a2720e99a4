//! Shift the weight: how much, why, what it would do to pods and requests, and the policy's refusal before anything is sent.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::state::weight_form::{WeightField, WeightForm};
use crate::ui::chrome::{Chrome, Freshness, sentence};
use crate::ui::format::width;
use crate::ui::layout::centred;
use crate::ui::overlays::clear;
use crate::ui::overlays::confirm::{button, field};
use crate::ui::overlays::message::rows;
use crate::ui::pane::Ctx;
use crate::ui::pen::Pen;

/// Draws the window.
pub(crate) fn draw(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, form: &WeightForm) {
    let theme = ctx.theme;
    let cells = body.width.min(80);
    let problem = form.problem.as_ref().map_or(0, |problem| rows(problem, cells.saturating_sub(6)));
    // The place of the preview is kept while nothing is typed, so that the window does not jump.
    let height = 2 + 2 + 1 + 4 + problem.max(1) + 1 + 1;
    let area = centred(body, cells, height);
    clear(buf, area, ctx.theme);
    let chrome =
        Chrome { theme, tier: Some(form.tier), focused: true, boxed: true, freshness: Freshness::Timeless };
    let place = &form.environment.key.name;
    let inner = chrome.draw(
        buf,
        area,
        format_args!("Weight of {} {} {} {place}", form.application, form.version, theme.glyphs.dot),
        (theme.muted, format_args!("now {}%", form.now)),
    );
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let mut pen = Pen::new(buf, inner, 0);
    field(&mut pen, ctx, ("weight", form.focus == WeightField::Weight), form.weight.split());
    pen.put(theme.text, "%");
    if form.focus == WeightField::Weight {
        pen.put(theme.muted, "   + and - shift it");
    }
    let focused = form.focus == WeightField::Reason;
    field(&mut Pen::new(buf, inner, 1), ctx, ("reason", focused), form.reason.split());
    for (line, row) in form.preview.iter().zip(3..inner.height.saturating_sub(2)) {
        let mut pen = Pen::new(buf, inner, row);
        pen.skip(1).left(10, theme.muted, theme, line.0);
        let room = pen.room();
        pen.cut(room, theme.text, theme, &line.1);
    }
    if let Some(problem) = &form.problem {
        let row = 7_u16.min(inner.height.saturating_sub(2));
        Pen::new(buf, inner, row).put(theme.failing, theme.glyphs.failing);
        let area = Rect {
            x: inner.x + 2,
            y: inner.y + row,
            width: inner.width.saturating_sub(2),
            height: inner.height.saturating_sub(row + 1),
        };
        sentence(buf, area, theme.failing, problem);
    }
    let mut pen = Pen::new(buf, inner, inner.height.saturating_sub(1));
    pen.skip(inner.width.saturating_sub(width("Go on") + 6 + 14));
    button(&mut pen, ctx, ("Go on", form.focus == WeightField::Submit), form.problem.is_none());
    pen.skip(2);
    button(&mut pen, ctx, ("Cancel", form.focus == WeightField::Cancel), true);
}
