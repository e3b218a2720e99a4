//! Keys in a confirmation. A held key never types and never answers; pasted text never becomes the phrase.

use super::Pressed;
use crate::app::ask;
use crate::app::state::confirm::{Confirm, ConfirmFocus};
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::config::key::{KeyChord, KeyCode};

pub(in crate::app) fn press(
    store: &mut Store,
    chord: KeyChord,
    repeat: bool,
    mut confirm: Box<Confirm>,
) -> Pressed {
    let held = chord.modifiers();
    match chord.code() {
        KeyCode::Esc => return Pressed::Taken(Vec::new()),
        _ if repeat && chord.code() != KeyCode::Backspace => {}
        KeyCode::Tab if held.shift => confirm.focus = step(&confirm, -1),
        KeyCode::Tab => confirm.focus = step(&confirm, 1),
        KeyCode::Left | KeyCode::Right | KeyCode::Up | KeyCode::Down if confirm.is_on_button() => {
            let back = matches!(chord.code(), KeyCode::Left | KeyCode::Up);
            confirm.focus = step(&confirm, if back { -1 } else { 1 });
        }
        KeyCode::Enter => return enter(store, confirm),
        KeyCode::Char(c) if chord.typed().is_some() && confirm.takes_letters() => match c {
            'y' | 'Y' => return answer(store, confirm),
            'n' | 'N' => return Pressed::Taken(Vec::new()),
            // whoever types a word means the field: a `y` inside of it must not answer
            _ if confirm.reason.is_some() => {
                confirm.focus = ConfirmFocus::Reason;
                edit(&mut confirm, chord);
            }
            _ => {}
        },
        _ => {
            if !edit(&mut confirm, chord) {
                store.ui.overlays.push(Overlay::Confirm(confirm));
                return Pressed::Passed;
            }
        }
    }
    store.ui.overlays.push(Overlay::Confirm(confirm));
    Pressed::Taken(Vec::new())
}

/// A reason may be pasted; the phrase shows that a person has read it.
pub(in crate::app) fn paste(store: &mut Store, confirm: &mut Confirm, text: &str) {
    match (&mut confirm.reason, confirm.focus) {
        (Some(reason), ConfirmFocus::Reason) => reason.editor.insert(text),
        _ if confirm.phrase.is_some() => {
            store.say(crate::app::state::toast::Level::Warning, "the phrase is typed, not pasted");
        }
        _ => {}
    }
}

fn step(confirm: &Confirm, by: isize) -> ConfirmFocus {
    super::form::cycle(&confirm.foci(), confirm.focus, by)
}

/// On a field, enter goes on to what is still to be done; only on the button does it answer.
fn enter(store: &mut Store, mut confirm: Box<Confirm>) -> Pressed {
    match confirm.focus {
        ConfirmFocus::Cancel => return Pressed::Taken(Vec::new()),
        ConfirmFocus::Accept => return answer(store, confirm),
        ConfirmFocus::Reason => {
            if confirm.reason.as_ref().is_some_and(crate::app::state::confirm::Reason::is_given) {
                confirm.focus =
                    if confirm.phrase.is_some() { ConfirmFocus::Phrase } else { ConfirmFocus::Accept };
            }
        }
        ConfirmFocus::Phrase => {
            if confirm.phrase.as_ref().is_some_and(crate::app::state::confirm::Phrase::is_typed) {
                confirm.focus = ConfirmFocus::Accept;
            }
        }
    }
    store.ui.overlays.push(Overlay::Confirm(confirm));
    Pressed::Taken(Vec::new())
}

fn answer(store: &mut Store, mut confirm: Box<Confirm>) -> Pressed {
    ask::renew(store, &mut confirm);
    let Some(effects) = ask::accept(store, &mut confirm) else {
        store.ui.overlays.push(Overlay::Confirm(confirm));
        return Pressed::Taken(Vec::new());
    };
    Pressed::Taken(effects)
}

/// Typing on a button goes to the first field, which gets the keys.
fn edit(confirm: &mut Confirm, chord: KeyChord) -> bool {
    if confirm.is_on_button() && (chord.typed().is_some() || chord.code() == KeyCode::Backspace) {
        confirm.focus = if confirm.reason.as_ref().is_some_and(|reason| !reason.is_given()) {
            ConfirmFocus::Reason
        } else if confirm.phrase.is_some() {
            ConfirmFocus::Phrase
        } else {
            confirm.focus
        };
    }
    match confirm.focus {
        ConfirmFocus::Reason => confirm.reason.as_mut().is_some_and(|reason| reason.editor.key(chord)),
        ConfirmFocus::Phrase => confirm.phrase.as_mut().is_some_and(|phrase| phrase.editor.key(chord)),
        ConfirmFocus::Cancel | ConfirmFocus::Accept => false,
    }
}
