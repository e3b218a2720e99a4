//! The last line: which keys mean something now, the most important ones first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::command::{self, COMMANDS};
use crate::app::state::command::Command;
use crate::app::state::scope::Group;
use crate::app::state::target::Target;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::{Focus, View};
use crate::app::target::target;
use crate::ui::format::{Short, width};
use crate::ui::pane::Ctx;
use crate::ui::pen::Pen;

/// Commands that are always worth a place, at the line's end.
const ALWAYS: [&str; 3] = ["filter", "palette", "help"];

/// Keys that mean something now; those that cannot be used are dimmed.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let (store, theme) = (ctx.store, ctx.theme);
    let mut pen = Pen::new(buf, area, 0);
    if let Some(overlay) = store.ui.overlay() {
        overlay_keys(&mut pen, ctx, overlay);
        return;
    }
    let narrow = area.width < 120;
    for id in ALWAYS.iter().rev() {
        if let (Some(command), Some(key)) = (command::find(id), store.keymap.keys(id).first()) {
            if narrow && *id != "help" {
                pen.last(theme.key, format_args!("{key}"));
            } else {
                pen.last(theme.muted, format_args!("{key} {}", command.title));
            }
        }
    }
    pen.skip(1);
    let mut offer = Offer { pen: &mut pen, ctx, target: target(store) };
    let (near, lead) = near(store.ui.view(), store.ui.focus);
    let near = || near.iter().filter_map(|id| command::find(id));
    let of = |group: Group| {
        COMMANDS
            .iter()
            .copied()
            .filter(move |command| command.group == group && near().all(|it| it.id != command.id))
    };
    // Where not all of them fit, those that can be used come first; where most do, they keep their places.
    let wanted: &[Option<bool>] = if narrow { &[Some(true), Some(false)] } else { &[None] };
    for wanted in wanted.iter().copied() {
        match (store.ui.view(), lead) {
            // Here keys look closer; those that release are the same everywhere.
            (View::Zoom(_) | View::Differences(_), _) => offer.all(near(), wanted),
            (_, true) => offer.all(near().chain(of(Group::Releasing)).chain(of(Group::Looking)), wanted),
            (_, false) => offer.all(of(Group::Releasing).chain(near()).chain(of(Group::Looking)), wanted),
        }
    }
}

/// What people look for first in that pane of that view, and whether it comes before what releases.
const fn near(view: &View, focus: Focus) -> (&'static [&'static str], bool) {
    match (view, focus) {
        (View::Zoom(_), _) => {
            (&["changes", "metric", "range", "compare", "cursor-left", "cursor-right", "back"], true)
        }
        (View::Differences(_), _) => (&["diff", "identical", "component", "copy", "back"], true),
        (View::Home, Focus::Pods) => (&["logs", "describe", "shell", "component", "cause"], true),
        (View::Alerts(_), _) => (&["silence", "expire-silence", "alerts", "describe", "component"], true),
        (View::Events(_), _) => (&["warnings", "component"], true),
        (View::Inbox(_), _) => (&["approve", "reject", "open", "why"], true),
        _ => (&["component"], false),
    }
}

/// Writes commands with their keys, as many as fit.
struct Offer<'p, 'b, 'c> {
    pen: &'p mut Pen<'b>,
    ctx: &'p Ctx<'c>,
    target: Target,
}

impl Offer<'_, '_, '_> {
    /// Those that can be used, those that cannot, or both.
    fn all(&mut self, commands: impl Iterator<Item = &'static Command>, wanted: Option<bool>) {
        let (store, theme) = (self.ctx.store, self.ctx.theme);
        for command in commands {
            let is_here = command.scope.covers(store.ui.view()) && !ALWAYS.contains(&command.id);
            let Some(key) = store.keymap.keys(command.id).first().filter(|_| is_here) else { continue };
            let text = Short::of(format_args!("{key}"));
            let cells = width(text.as_str()) + 1 + width(command.title) + 2;
            if cells > self.pen.room() {
                continue;
            }
            let ready = command::availability(store, command, &self.target).is_ready();
            if wanted.is_some_and(|wanted| wanted != ready) {
                continue;
            }
            let (keys, words) = if ready { (theme.key, theme.text) } else { (theme.stale, theme.stale) };
            self.pen.put(keys, text.as_str()).fmt(words, format_args!(" {}", command.title)).skip(2);
        }
    }
}

fn overlay_keys(pen: &mut Pen<'_>, ctx: &Ctx<'_>, overlay: &Overlay) {
    let theme = ctx.theme;
    let keys: &[(&str, &str)] = match overlay {
        Overlay::Help { .. } => &[("esc", "back"), ("j k", "scroll")],
        Overlay::Palette(_) => {
            &[("enter", "do it"), ("tab", "complete"), ("up down", "choose"), ("esc", "back")]
        }
        Overlay::Filter { .. } | Overlay::Pattern(_) => &[("enter", "keep"), ("esc", "as before")],
        Overlay::Form(_) => &[
            ("tab", "next field"),
            ("up down", "versions"),
            ("left right", "strategy"),
            ("enter", "go on"),
            ("esc", "cancel"),
        ],
        Overlay::Confirm(confirm) if confirm.takes_letters() => {
            &[("y", "yes"), ("n", "no"), ("tab", "next"), ("enter", "press the button"), ("esc", "cancel")]
        }
        Overlay::Confirm(confirm) if confirm.is_on_button() => {
            &[("tab", "next"), ("enter", "press the button"), ("esc", "cancel")]
        }
        Overlay::Confirm(_) => &[("enter", "next"), ("tab", "next field"), ("esc", "cancel")],
        Overlay::Weight(_) => {
            &[("+ -", "shift"), ("tab", "next field"), ("enter", "go on"), ("esc", "cancel")]
        }
        Overlay::HandOff(_) => &[("tab", "next field"), ("enter", "go"), ("esc", "cancel")],
        Overlay::Message { .. } => &[("esc", "close")],
    };
    pen.skip(1);
    for (key, words) in keys {
        pen.put(theme.key, key).fmt(theme.text, format_args!(" {words}")).skip(2);
    }
}
