//! Every key and what it does, out of the registry; where something cannot be done now, why.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::help::{HelpLine, lines};
use crate::app::state::command::Command;
use crate::app::state::target::Target;
use crate::app::target::target;
use crate::ui::chrome::{Chrome, Freshness};
use crate::ui::format::{Short, width};
use crate::ui::layout::centred;
use crate::ui::overlays::clear;
use crate::ui::pane::Ctx;
use crate::ui::pen::Pen;

/// Draws the window, scrolled past `offset` lines.
pub(crate) fn draw(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, offset: usize) {
    let theme = ctx.theme;
    let lines = lines();
    let tall = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let area = centred(body, body.width.min(118), tall);
    clear(buf, area, theme);
    let chrome = Chrome { theme, tier: None, focused: true, boxed: true, freshness: Freshness::Timeless };
    let height = usize::from(area.height.saturating_sub(2));
    let first = offset.min(lines.len().saturating_sub(height));
    let note = if lines.len() > height {
        Short::of(format_args!("{}-{} of {}", first + 1, first + height, lines.len()))
    } else {
        Short::of(format_args!(""))
    };
    let inner =
        chrome.draw(buf, area, format_args!("Keys"), (theme.muted, format_args!("{}", note.as_str())));
    let target = target(ctx.store);
    for (line, row) in lines.iter().skip(first).zip(0..inner.height) {
        let mut pen = Pen::new(buf, inner, row);
        match line {
            HelpLine::Heading(group) => {
                pen.fmt(theme.title.patch(theme.accent), format_args!(" {}", group.title()));
            }
            HelpLine::Command(command) => command_line(&mut pen, ctx, command, &target),
        }
    }
}

fn command_line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, command: &Command, target: &Target) {
    let theme = ctx.theme;
    let availability = crate::app::command::own_availability(ctx.store, command, target);
    let ready = availability.is_ready();
    let (keys, words) = if ready { (theme.key, theme.text) } else { (theme.stale, theme.muted) };
    let at = pen.column();
    pen.skip(2);
    for chord in ctx.store.keymap.keys(command.id).iter().take(3) {
        let text = Short::of(format_args!("{chord} "));
        if pen.column() + width(text.as_str()) <= at + 13 {
            pen.put(keys, text.as_str());
        }
    }
    pen.to(at + 14).left(14, words, theme, command.title).skip(1);
    let room = pen.room();
    pen.cut(room, words, theme, command.help);
    if let Some(reason) = availability.reason() {
        let room = pen.room();
        pen.put(theme.muted, " · ").cut(room.saturating_sub(3), theme.warning, theme, reason);
    }
}
