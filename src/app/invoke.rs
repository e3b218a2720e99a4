//! Commands on their way from a key or a line to what they do.

use crate::app::state::command::Command;
use crate::app::state::effect::Effect;
use crate::app::state::scope::Group;
use crate::app::state::store::Store;
use crate::app::state::target::{Availability, Invocation};
use crate::app::state::toast::Level;
use crate::app::target::target;
use crate::app::{command, completion, navigation, place, tour, typing_ahead};
use crate::config::key::KeyChord;

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
    let (newest, count) = (store.toasts.back().map(|toast| toast.at), store.toasts.len());
    let effects = match command::availability(store, command, &invocation.target) {
        // moving in a list is no new place, and history itself is none
        Availability::Ready if command.group == Group::Moving && command.id != "environment" => {
            (command.run)(store, invocation)
        }
        Availability::Ready => {
            let before = place::present(store);
            let effects = (command.run)(store, invocation);
            navigation::moved(store, before);
            effects
        }
        Availability::Unavailable(reason) => {
            store.say(Level::Warning, format!("{}: {reason}", command.title));
            typing_ahead::after(store, command, None, 0);
            return Vec::new();
        }
    };
    typing_ahead::after(store, command, newest, count);
    tour::used(store, command.id);
    completion::begin(store);
    effects
}
