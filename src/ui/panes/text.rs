//! A text that is looked at: YAML, description, log.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::text_view::TextBody;
use crate::app::ui_state::{Pane as Focus, View};
use crate::ui::chrome::{Freshness, sentence};
use crate::ui::format::Short;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub static PANE: Pane = Pane { id: "text", title: "Text", focus: Some(Focus::Text), min: (20, 3), draw };

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Text(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let filter = ctx.store.ui.filter(Focus::Text);
    let count = view.shown(filter).count();
    let chrome = ctx.chrome(Some(Focus::Text), Freshness::Timeless);
    let height = usize::from(area.height.saturating_sub(if ctx.boxed { 2 } else { 1 }));
    let first = view.offset.min(count.saturating_sub(1));
    let note = if count == 0 {
        Short::of(format_args!(""))
    } else {
        Short::of(format_args!("{}-{} of {}", first + 1, (first + height).min(count), count))
    };
    let inner = chrome.draw(
        buf,
        area,
        format_args!("{}", view.title),
        (theme.muted, format_args!("{}", note.as_str())),
    );
    match &view.body {
        TextBody::Loading => {
            sentence(buf, inner, theme.muted, "Waiting for the answer.");
        }
        TextBody::Failed(reason) => {
            sentence(buf, inner, theme.failing, reason);
        }
        TextBody::Lines(lines) if lines.is_empty() => {
            sentence(buf, inner, theme.muted, "The answer is empty: there is nothing to show.");
        }
        TextBody::Lines(_) if count == 0 => {
            sentence(buf, inner, theme.muted, "No line matches the filter: esc shows all.");
        }
        TextBody::Lines(_) => {
            for (line, row) in view.shown(filter).skip(first).zip(0..inner.height) {
                Pen::new(buf, inner, row).put(theme.text, line);
            }
        }
    }
}
