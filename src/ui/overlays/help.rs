//! Every key and what it does, out of the registry; where something cannot be done now, why.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::command::{COMMANDS, Command, Group};
use crate::ui::chrome::{Chrome, Freshness};
use crate::ui::format::{Short, width};
use crate::ui::layout::centred;
use crate::ui::overlays::clear;
use crate::ui::pane::Ctx;
use crate::ui::pen::Pen;
use crate::ui::shell::target;

/// Lines of the help: a heading per group, a line per command, an empty line between groups.
#[must_use]
pub fn lines() -> usize {
    COMMANDS.len() + Group::ALL.len() * 2 - 1
}

/// Draws the window, scrolled past `offset` lines.
pub fn draw(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, offset: usize) {
    let theme = ctx.theme;
    let tall = u16::try_from(lines() + 2).unwrap_or(u16::MAX);
    let area = centred(body, body.width.min(118), tall);
    clear(buf, area);
    let chrome = Chrome { theme, tier: None, focused: true, boxed: true, freshness: Freshness::Timeless };
    let height = usize::from(area.height.saturating_sub(2));
    let first = offset.min(lines().saturating_sub(height));
    let note = if lines() > height {
        Short::of(format_args!("{}-{} of {}", first + 1, first + height, lines()))
    } else {
        Short::of(format_args!(""))
    };
    let inner =
        chrome.draw(buf, area, format_args!("Keys"), (theme.muted, format_args!("{}", note.as_str())));
    let target = target(ctx.store);
    let mut line = 0;
    let mut place = |buf: &mut Buffer, draw: &dyn Fn(&mut Pen<'_>)| {
        if line >= first && line < first + height {
            let row = u16::try_from(line - first).unwrap_or(u16::MAX);
            draw(&mut Pen::new(buf, inner, row));
        }
        line += 1;
    };
    for (at, group) in Group::ALL.iter().enumerate() {
        if at > 0 {
            place(buf, &|_| {});
        }
        place(buf, &|pen| {
            pen.fmt(theme.title, format_args!(" {}", group.title()));
        });
        for command in COMMANDS.iter().filter(|command| command.group == *group) {
            place(buf, &|pen| command_line(pen, ctx, command, &target));
        }
    }
}

fn command_line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, command: &Command, target: &crate::app::command::Target) {
    let theme = ctx.theme;
    let availability = (command.availability)(ctx.store, target);
    let ready = availability.is_ready();
    let (keys, words) = if ready { (theme.key, theme.text) } else { (theme.stale, theme.muted) };
    let at = pen.column();
    pen.skip(2);
    for chord in ctx.store.keymap.keys(command.id).iter().take(3) {
        let text = Short::of(format_args!("{chord} "));
        if pen.column() + width(text.as_str()) <= at + 15 {
            pen.put(keys, text.as_str());
        }
    }
    pen.to(at + 16).left(14, words, theme, command.title).skip(1);
    if let Some(reason) = availability.reason() {
        let room = pen.room();
        pen.put(theme.warning, "not now: ").cut(room.saturating_sub(9), theme.warning, theme, reason);
    } else {
        let room = pen.room();
        pen.cut(room, words, theme, command.help);
    }
}
