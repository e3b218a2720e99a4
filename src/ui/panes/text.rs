//! A text that is looked at: YAML, description, difference.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::state::text_view::TextBody;
use crate::app::state::view::{Focus, View};
use crate::ui::chrome::{Freshness, sentence};
use crate::ui::format::Short;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::{reading, syntax};

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "text",
    focus: Some(Focus::Text),
    whole: Some(|view| matches!(view, View::Text(_))),
    draw,
    ..Pane::ROW
};

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Text(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let count = view.shown().count();
    let chrome = ctx.chrome(Some(Focus::Text), Freshness::Timeless);
    let height = usize::from(area.height.saturating_sub(if ctx.boxed { 2 } else { 1 }));
    let first = view.look.offset.min(count.saturating_sub(1));
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
            let mut row = 0;
            for (at, line) in view.shown().enumerate().skip(first) {
                if row >= inner.height {
                    return;
                }
                let text = if view.look.found == Some(at) { reading::here(theme) } else { theme.text };
                let plain = vec![(text, line)];
                let spans = if view.is_yaml() && view.look.found != Some(at) {
                    syntax::yaml(theme, line)
                } else {
                    plain
                };
                let spans = reading::marked(spans, line, &view.look);
                let rest = Rect { y: inner.y + row, height: inner.height - row, ..inner };
                row += reading::draw(buf, rest, &view.look, &spans);
            }
        }
    }
}
