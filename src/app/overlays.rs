//! Windows above the view: the topmost gets the keys.

mod confirm;
mod form;
mod palette;
mod pattern;
mod weight;

use crate::app::ask;
use crate::app::effect::Effect;
use crate::app::filter::Filter;
use crate::app::handoff;
use crate::app::line_editor::LineEditor;
use crate::app::store::Store;
use crate::app::ui_state::{Overlay, Pane};
use crate::config::key::{KeyChord, KeyCode};

pub(super) use form::{cycle, open as open_form};
pub(super) use palette::{open as open_palette, open_with as open_palette_with, run_line};
pub(super) use pattern::{apply as apply_pattern, open as open_pattern};
pub(super) use weight::open as open_weight;

/// What a window did with a key.
pub(super) enum Pressed {
    /// It took the key.
    Taken(Vec<Effect>),
    /// It has no meaning for it.
    Passed,
}

/// Hands a key to the topmost window.
pub(super) fn press(store: &mut Store, chord: KeyChord, repeat: bool) -> Pressed {
    let Some(overlay) = store.ui.overlays.pop() else { return Pressed::Passed };
    match overlay {
        Overlay::Help { offset } => help(store, chord, offset),
        Overlay::Message { title, text } => message(store, chord, title, text),
        Overlay::Filter { pane, editor, before } => filter(store, chord, (pane, editor, before)),
        Overlay::Pattern(line) => pattern::press(store, chord, line),
        Overlay::Palette(palette) => palette::press(store, chord, palette),
        Overlay::Form(form) => form::press(store, chord, form),
        Overlay::Confirm(confirm) => confirm::press(store, chord, repeat, confirm),
        Overlay::Weight(form) => weight::press(store, chord, form),
        Overlay::HandOff(form) => match handoff::press(store, chord, form) {
            (effects, true) => Pressed::Taken(effects),
            (_, false) => Pressed::Passed,
        },
    }
}

/// Hands pasted text to the topmost window. A phrase is never pasted; where nothing is edited it is dropped.
pub(super) fn paste(store: &mut Store, text: &str) {
    let Some(mut overlay) = store.ui.overlays.pop() else { return };
    match &mut overlay {
        Overlay::Filter { pane, editor, .. } => {
            editor.insert(text);
            apply_filter(store, *pane, editor.text());
        }
        Overlay::Palette(palette) => {
            palette.editor.insert(text);
            palette::complete(store, palette);
        }
        Overlay::Pattern(line) => pattern::paste(store, line, text),
        Overlay::Form(form) => form::paste(store, form, text),
        Overlay::Confirm(confirm) => confirm::paste(store, confirm, text),
        Overlay::Weight(form) => weight::paste(store, form, text),
        Overlay::HandOff(_) | Overlay::Help { .. } | Overlay::Message { .. } => {}
    }
    store.ui.overlays.push(overlay);
}

/// Brings what open windows show up to date.
pub(super) fn renew(store: &mut Store) {
    let mut overlays = std::mem::take(&mut store.ui.overlays);
    for overlay in &mut overlays {
        match overlay {
            Overlay::Confirm(confirm) => ask::renew(store, confirm),
            Overlay::Form(form) => form::renew(store, form),
            Overlay::Weight(form) => weight::renew(store, form),
            _ => {}
        }
    }
    store.ui.overlays = overlays;
}

/// Opens `/` for the focused pane with what is looked for there already.
pub(super) fn open_filter(store: &mut Store) {
    let pane = store.ui.focus;
    let before = store.ui.filters.get(&pane).cloned();
    let editor = LineEditor::with(before.as_ref().map_or("", Filter::text));
    store.ui.overlays.push(Overlay::Filter { pane, editor, before });
}

fn filter(
    store: &mut Store,
    chord: KeyChord,
    (pane, mut editor, before): (Pane, LineEditor, Option<Filter>),
) -> Pressed {
    match chord.code() {
        KeyCode::Enter => return Pressed::Taken(Vec::new()),
        KeyCode::Esc => {
            apply_filter(store, pane, before.as_ref().map_or("", Filter::text));
            return Pressed::Taken(Vec::new());
        }
        _ => {}
    }
    let taken = editor.key(chord);
    apply_filter(store, pane, editor.text());
    store.ui.overlays.push(Overlay::Filter { pane, editor, before });
    if taken { Pressed::Taken(Vec::new()) } else { Pressed::Passed }
}

/// Looks for that text in a pane.
pub(super) fn apply_filter(store: &mut Store, pane: Pane, text: &str) {
    match Filter::parse(text) {
        Some(filter) => store.ui.filters.insert(pane, filter),
        None => store.ui.filters.remove(&pane),
    };
    match pane {
        Pane::Pods => store.dirty.pods = true,
        Pane::Environments | Pane::Queue => store.dirty.releases = true,
        Pane::Events => store.dirty.events = true,
        Pane::Alerts => store.dirty.alerts = true,
        _ => store.dirty.screen = true,
    }
}

fn help(store: &mut Store, chord: KeyChord, offset: usize) -> Pressed {
    let command = store.keymap.command(chord, store.ui.view()).map(|(command, _)| command.id);
    if matches!(command, Some("help" | "back" | "quit")) && !chord.modifiers().ctrl {
        return Pressed::Taken(Vec::new());
    }
    store.ui.overlays.push(Overlay::Help { offset });
    match command {
        Some("up" | "down" | "top" | "bottom" | "page-up" | "page-down") => {
            Pressed::Taken(crate::app::update::run_key(store, chord, false))
        }
        _ => Pressed::Passed,
    }
}

/// Any of the keys that close things closes it, so that nobody is caught.
fn message(store: &mut Store, chord: KeyChord, title: String, text: String) -> Pressed {
    if matches!(chord.code(), KeyCode::Enter | KeyCode::Esc) || matches!(chord.typed(), Some(' ' | 'q')) {
        return Pressed::Taken(Vec::new());
    }
    store.ui.overlays.push(Overlay::Message { title, text });
    Pressed::Passed
}
