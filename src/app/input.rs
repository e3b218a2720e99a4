//! Keys: to the topmost window first, then through the key map to a command.

mod palette;

use crate::app::dialogs::{self, Pressed};
use crate::app::state::effect::Effect;
use crate::app::state::scope::Group;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::{completion, handoff, invoke, typing_ahead};
use crate::config::key::{KeyChord, KeyCode};

pub(super) use palette::run_line;

/// Does what a key means where the screen is now.
pub(super) fn press(store: &mut Store, chord: KeyChord, repeat: bool) -> Vec<Effect> {
    if typing_ahead::swallows(store, chord) {
        return Vec::new();
    }
    if store.ui.overlays.is_empty() {
        return invoke::run(store, chord, repeat);
    }
    match into_window(store, chord, repeat) {
        Pressed::Taken(effects) => effects,
        Pressed::Passed => {
            // leaving, suspending and redrawing work from everywhere
            let terminal =
                store.keymap.command(chord, store.ui.view()).is_some_and(|(c, _)| c.group == Group::Terminal);
            if terminal && chord.modifiers().ctrl { invoke::run(store, chord, repeat) } else { Vec::new() }
        }
    }
}

/// Hands a key to the topmost window.
pub(super) fn into_window(store: &mut Store, chord: KeyChord, repeat: bool) -> Pressed {
    let Some(overlay) = store.ui.overlays.pop() else { return Pressed::Passed };
    match overlay {
        Overlay::Help { offset, lines } => help(store, chord, (offset, lines)),
        Overlay::Message { title, text } => message(store, chord, title, text),
        Overlay::Filter { pane, editor, before } => {
            dialogs::filter::press(store, chord, (pane, editor, before))
        }
        Overlay::Pattern(line) => dialogs::pattern::press(store, chord, line),
        Overlay::Palette(palette) => palette::press(store, chord, palette),
        Overlay::Form(form) => dialogs::form::press(store, chord, form),
        Overlay::Confirm(confirm) => dialogs::confirm::press(store, chord, repeat, confirm),
        Overlay::Weight(form) => dialogs::weight::press(store, chord, form),
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
            dialogs::filter::apply(store, *pane, editor.text());
        }
        Overlay::Palette(palette) => {
            palette.editor.insert(text);
            completion::complete(store, palette);
        }
        Overlay::Pattern(line) => dialogs::pattern::paste(store, line, text),
        Overlay::Form(form) => dialogs::form::paste(store, form, text),
        Overlay::Confirm(confirm) => dialogs::confirm::paste(store, confirm, text),
        Overlay::Weight(form) => dialogs::weight::paste(store, form, text),
        Overlay::HandOff(_) | Overlay::Help { .. } | Overlay::Message { .. } => {}
    }
    store.ui.overlays.push(overlay);
}

fn help(store: &mut Store, chord: KeyChord, (offset, lines): (usize, usize)) -> Pressed {
    let command = store.keymap.command(chord, store.ui.view()).map(|(command, _)| command.id);
    if matches!(command, Some("help" | "back" | "quit")) && !chord.modifiers().ctrl {
        return Pressed::Taken(Vec::new());
    }
    store.ui.overlays.push(Overlay::Help { offset, lines });
    match command {
        Some("up" | "down" | "top" | "bottom" | "page-up" | "page-down") => {
            Pressed::Taken(invoke::run(store, chord, false))
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
