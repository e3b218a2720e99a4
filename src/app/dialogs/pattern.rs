//! A regular expression while it is typed: it takes effect at once, and a bad one says what is wrong.

use super::Pressed;
use crate::app::state::line_editor::LineEditor;
use crate::app::state::pattern::Pattern;
use crate::app::state::store::Store;
use crate::app::state::toast::Level;
use crate::app::state::ui_state::{Overlay, PatternLine, Purpose};
use crate::app::state::view::View;
use crate::app::texts;
use crate::config::key::{KeyChord, KeyCode};

/// Opens the line with what is there already.
pub(in crate::app) fn open(store: &mut Store, purpose: Purpose) {
    let before = now(store, purpose).cloned();
    let editor = LineEditor::with(before.as_ref().map_or("", Pattern::text));
    store.ui.overlays.push(Overlay::Pattern(PatternLine { purpose, editor, before, fault: None }));
}

fn now(store: &Store, purpose: Purpose) -> Option<&Pattern> {
    match purpose {
        Purpose::Filter => texts::filter(store),
        Purpose::Search => texts::search(store),
    }
}

fn set(store: &mut Store, purpose: Purpose, pattern: Option<Pattern>) {
    match purpose {
        Purpose::Filter => texts::set_filter(store, pattern),
        Purpose::Search => texts::set_search(store, pattern),
    }
}

/// Filters or searches by a whole expression, or says what is wrong with it.
pub(in crate::app) fn apply(store: &mut Store, purpose: Purpose, text: &str) {
    match Pattern::parse(text) {
        Ok(pattern) => {
            set(store, purpose, pattern);
            begin(store, purpose);
        }
        Err(fault) => store.say(Level::Warning, fault),
    }
}

/// Goes to the first match: from the page on in a text, from the newest line back in a log.
fn begin(store: &mut Store, purpose: Purpose) {
    if purpose == Purpose::Search && texts::search(store).is_some() {
        let forward = !matches!(store.ui.view(), View::Logs(_));
        texts::step(store, forward);
    }
}

pub(in crate::app) fn press(store: &mut Store, chord: KeyChord, mut line: PatternLine) -> Pressed {
    match chord.code() {
        KeyCode::Esc => {
            set(store, line.purpose, line.before);
            return Pressed::Taken(Vec::new());
        }
        KeyCode::Enter => {
            if let Some(fault) = line.fault {
                store.say(Level::Warning, fault);
            } else {
                begin(store, line.purpose);
            }
            return Pressed::Taken(Vec::new());
        }
        _ => {}
    }
    let taken = line.editor.key(chord);
    if taken {
        renew(store, &mut line);
    }
    store.ui.overlays.push(Overlay::Pattern(line));
    if taken { Pressed::Taken(Vec::new()) } else { Pressed::Passed }
}

pub(in crate::app) fn paste(store: &mut Store, line: &mut PatternLine, text: &str) {
    line.editor.insert(text);
    renew(store, line);
}

/// What was last understood stays in force while an expression is not yet whole.
fn renew(store: &mut Store, line: &mut PatternLine) {
    match Pattern::parse(line.editor.text()) {
        Ok(pattern) => {
            line.fault = None;
            set(store, line.purpose, pattern);
        }
        Err(fault) => line.fault = Some(fault),
    }
}
