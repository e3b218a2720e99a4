//! Are you sure? What will happen, what is true right now, what must be typed; the button that does nothing has the focus.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::api::Tier;
use crate::app::state::confirm::{Confirm, ConfirmFocus};
use crate::app::state::form::ImageChange;
use crate::ui::chrome::{Chrome, Freshness, sentence};
use crate::ui::format::width;
use crate::ui::layout::centred;
use crate::ui::overlays::clear;
use crate::ui::overlays::message::rows;
use crate::ui::pane::Ctx;
use crate::ui::pen::Pen;
use crate::ui::shell::edited;

/// Draws the window.
pub(crate) fn draw(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, confirm: &Confirm) {
    let theme = ctx.theme;
    let cells = body.width.min(92);
    let area = centred(body, cells, height(confirm, cells.saturating_sub(4)));
    clear(buf, area, ctx.theme);
    let chrome = Chrome {
        theme,
        tier: Some(confirm.tier),
        focused: true,
        boxed: true,
        freshness: Freshness::Timeless,
    };
    let word = match confirm.tier {
        Tier::Production => "PROD",
        Tier::Staging => "staging",
        Tier::Development => "development",
    };
    let inner = chrome.draw(
        buf,
        area,
        format_args!("{word} {} {}", theme.glyphs.dot, confirm.environment.key.name),
        (Style::new(), format_args!("")),
    );
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let mut lines = Lines { buf, area: inner, row: 0, last: inner.height.saturating_sub(1) };
    lines.text(theme.title, &confirm.title);
    content(&mut lines, ctx, confirm);
    buttons(buf, inner, ctx, confirm);
}

/// Writes line after line, and leaves the last one to the buttons.
struct Lines<'a> {
    buf: &'a mut Buffer,
    area: Rect,
    row: u16,
    last: u16,
}

impl Lines<'_> {
    fn pen(&mut self) -> Pen<'_> {
        let row = if self.row < self.last { self.row } else { u16::MAX };
        self.row = self.row.saturating_add(1);
        Pen::new(self.buf, self.area, row)
    }

    fn text(&mut self, style: Style, text: &str) {
        let left = Rect {
            y: self.area.y + self.row.min(self.last),
            height: self.last.saturating_sub(self.row),
            ..self.area
        };
        self.row = self.row.saturating_add(sentence(self.buf, left, style, text));
    }
}

fn content(lines: &mut Lines<'_>, ctx: &Ctx<'_>, confirm: &Confirm) {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    // What forbids or hinders comes first: it must be seen also where the window is cut.
    if let Some(lock) = &confirm.lock {
        lines.pen().fmt(theme.failing, format_args!("{} locked: ", glyphs.failing)).put(theme.failing, lock);
    }
    if let Some(refusal) = &confirm.refusal {
        lines.text(theme.failing, refusal);
    }
    for change in &confirm.changed {
        lines
            .pen()
            .fmt(theme.failing, format_args!("{} changed meanwhile: ", glyphs.warning))
            .put(theme.failing, change);
    }
    for warning in &confirm.warnings {
        lines.pen().fmt(theme.warning, format_args!("{} ", glyphs.warning)).put(theme.warning, warning);
    }
    let label = confirm.facts.iter().map(|fact| width(fact.label)).max().unwrap_or(0).min(20);
    for fact in &confirm.facts {
        let mut pen = lines.pen();
        pen.left(label, theme.muted, theme, fact.label).skip(2);
        let style = if fact.bad { theme.failing } else { theme.text };
        if fact.bad {
            pen.put(style, glyphs.failing).put(style, " ");
        }
        let room = pen.room();
        pen.cut(room, style, theme, &fact.value);
    }
    changes(lines, ctx, &confirm.changes);
    if let Some(reason) = &confirm.reason {
        let word = match reason.least {
            0 => "reason",
            1..=3 => "reason (needed)",
            _ => "reason (10 or more characters)",
        };
        let focused = confirm.focus == ConfirmFocus::Reason;
        field(&mut lines.pen(), ctx, (word, focused), reason.editor.split());
    }
    if let Some(phrase) = &confirm.phrase {
        let mut pen = lines.pen();
        pen.put(theme.text, "to go on, type  ").put(theme.title, &phrase.expected);
        if phrase.is_typed() {
            pen.fmt(theme.healthy, format_args!("  {} typed", glyphs.done));
        }
        let focused = confirm.focus == ConfirmFocus::Phrase;
        field(&mut lines.pen(), ctx, ("phrase", focused), phrase.editor.split());
    }
}

/// What happens to each component.
fn changes(lines: &mut Lines<'_>, ctx: &Ctx<'_>, changes: &[ImageChange]) {
    for change in changes {
        change_line(&mut lines.pen(), ctx, change);
    }
}

/// `backend   …/backend:v1.8.1 → …/backend:v1.8.2`, each image cut at its beginning: its end tells it apart.
pub(crate) fn change_line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, change: &ImageChange) {
    let theme = ctx.theme;
    pen.left(12, theme.muted, theme, &change.component).skip(1);
    if change.is_nothing() {
        let room = pen.room();
        pen.put(theme.muted, "stays ").name(room.saturating_sub(6), theme.muted, theme, &change.to);
        return;
    }
    let half = pen.room().saturating_sub(3) / 2;
    let from = change.from.as_deref().unwrap_or("(not known)");
    image(pen, ctx, (from, half), theme.muted);
    pen.fmt(theme.muted, format_args!(" {} ", theme.glyphs.arrow));
    let room = pen.room();
    image(pen, ctx, (&change.to, room), theme.text);
}

fn image(pen: &mut Pen<'_>, ctx: &Ctx<'_>, (text, cells): (&str, u16), style: Style) {
    if width(text) <= cells {
        pen.put(style, text);
    } else {
        pen.put(style, ctx.theme.glyphs.ellipsis);
        pen.put(style, crate::ui::format::tail(text, cells.saturating_sub(1)));
    }
}

/// A text field with its name; the one that has the keys is pointed at.
pub(crate) fn field(pen: &mut Pen<'_>, ctx: &Ctx<'_>, (name, focused): (&str, bool), text: (&str, &str)) {
    let theme = ctx.theme;
    let pointer = if focused { theme.glyphs.current } else { " " };
    pen.put(theme.accent, pointer).fmt(theme.muted, format_args!("{name:<9} "));
    if focused {
        edited(pen, ctx, text);
    } else {
        pen.put(theme.text, text.0).put(theme.text, text.1);
    }
}

/// A button; the one that has the keys is framed and reversed.
pub(crate) fn button(pen: &mut Pen<'_>, ctx: &Ctx<'_>, (word, focused): (&str, bool), usable: bool) {
    let theme = ctx.theme;
    let style = match (focused, usable) {
        (true, true) => theme.title.add_modifier(Modifier::REVERSED),
        (true, false) => theme.stale.add_modifier(Modifier::REVERSED),
        (false, true) => theme.text,
        (false, false) => theme.stale,
    };
    if focused {
        pen.fmt(style, format_args!("[ {word} ]"));
    } else {
        pen.fmt(style, format_args!("  {word}  "));
    }
}

fn buttons(buf: &mut Buffer, inner: Rect, ctx: &Ctx<'_>, confirm: &Confirm) {
    let cells = width(&confirm.verb) + 6 + 4 + 12;
    let mut pen = Pen::new(buf, inner, inner.height.saturating_sub(1));
    pen.skip(inner.width.saturating_sub(cells));
    let verb = confirm.verb.trim_end_matches(" of");
    button(&mut pen, ctx, (verb, confirm.focus == ConfirmFocus::Accept), confirm.is_ready());
    pen.skip(3);
    button(&mut pen, ctx, ("Cancel", confirm.focus == ConfirmFocus::Cancel), true);
}

fn height(confirm: &Confirm, cells: u16) -> u16 {
    let lines = confirm.facts.len()
        + confirm.changes.len()
        + confirm.changed.len()
        + usize::from(confirm.lock.is_some())
        + confirm.warnings.len()
        + usize::from(confirm.reason.is_some())
        + 2 * usize::from(confirm.phrase.is_some());
    // Title, an empty line above the buttons, the buttons, the frame.
    let refusal = confirm.refusal.as_ref().map_or(0, |refusal| rows(refusal, cells));
    let lines = u16::try_from(lines).unwrap_or(u16::MAX);
    lines.saturating_add(refusal).saturating_add(rows(&confirm.title, cells)).saturating_add(4)
}
