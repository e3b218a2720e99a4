//! Keys: to the topmost window first, then through the key map to a command.

use crate::app::command::{self, Availability, Command, Group, Invocation};
use crate::app::effect::Effect;
use crate::app::history;
use crate::app::overlays::{self, Pressed};
use crate::app::place;
use crate::app::store::Store;
use crate::app::target::target;
use crate::app::toast::Level;
use crate::app::tour;
use crate::config::key::KeyChord;

/// Does what a key means where the screen is now.
pub(super) fn press(store: &mut Store, chord: KeyChord, repeat: bool) -> Vec<Effect> {
    if store.ui.overlays.is_empty() {
        return run(store, chord, repeat);
    }
    match overlays::press(store, chord, repeat) {
        Pressed::Taken(effects) => effects,
        Pressed::Passed => {
            // leaving, suspending and redrawing work from everywhere
            let terminal =
                store.keymap.command(chord, store.ui.view()).is_some_and(|(c, _)| c.group == Group::Terminal);
            if terminal && chord.modifiers().ctrl { run(store, chord, repeat) } else { Vec::new() }
        }
    }
}

/// Pasted text goes into a field or nowhere: it never presses keys.
pub(super) fn paste(store: &mut Store, text: &str) {
    overlays::paste(store, text);
}

/// Runs the command that a key means.
pub(in crate::app) fn run(store: &mut Store, chord: KeyChord, repeat: bool) -> Vec<Effect> {
    let Some((command, nth)) = store.keymap.command(chord, store.ui.view()) else { return Vec::new() };
    if repeat && command.group != Group::Moving {
        return Vec::new();
    }
    let invocation = Invocation { target: target(store), argument: None, key: Some(nth) };
    invoke(store, command, &invocation)
}

/// Runs a command, or says why it cannot be run.
pub(in crate::app) fn invoke(
    store: &mut Store,
    command: &'static Command,
    invocation: &Invocation,
) -> Vec<Effect> {
    let effects = match command::availability(store, command, &invocation.target) {
        // moving in a list is no new place, and history itself is none
        Availability::Ready if command.group == Group::Moving && command.id != "environment" => {
            (command.run)(store, invocation)
        }
        Availability::Ready => {
            let before = place::present(store);
            let effects = (command.run)(store, invocation);
            history::moved(store, before);
            effects
        }
        Availability::Unavailable(reason) => {
            store.say(Level::Warning, format!("{}: {reason}", command.title));
            return Vec::new();
        }
    };
    tour::used(store, command);
    effects
}
