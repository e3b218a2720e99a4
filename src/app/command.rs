//! The registry of commands, looked into. Footer, help, palette, key map, README and command line all derive from it.
//!
//! Owns which command has which name and whether it can be done now. A new command is one row in its family's file in `commands/`.

use crate::app::state::command::Command;
use crate::app::state::store::Store;
use crate::app::state::target::{Availability, Target};
use crate::app::{act, environment_act, guard};
use crate::domain::action_rule;

pub use crate::app::commands::COMMANDS;

/// Other names of commands: short ones, and those of earlier versions, which key maps may still use.
const ALIASES: [(&str, &str); 12] = [
    ("q", "quit"),
    ("q!", "quit"),
    ("env", "environment"),
    ("rel", "release"),
    ("undo", "rollback"),
    ("h", "help"),
    ("handover", "hand-over"),
    ("numbers", "dora"),
    ("differences", "diff"),
    ("same", "identical"),
    ("history-back", "previous-place"),
    ("history-forward", "next-place"),
];

/// The command of that name or alias.
#[must_use]
pub fn find(name: &str) -> Option<&'static Command> {
    let id = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, id)| id);
    COMMANDS.iter().copied().find(|command| command.id == id)
}

/// Whether a command can be done now, and why not: where it means something, what we may do, whether the data are fresh, and then
/// what the command itself demands.
#[must_use]
pub fn availability(store: &Store, command: &Command, target: &Target) -> Availability {
    if !command.scope.covers(store.ui.view()) {
        return Availability::Unavailable(command.scope.words().to_owned());
    }
    if let Some(verb) = command.verb {
        let Some(environment) = &target.environment else {
            let why = store.clusters().find_map(|(id, _)| guard::lock(store, id));
            return Availability::Unavailable(why.unwrap_or_else(|| "no environment is selected".to_owned()));
        };
        let is_stop = command.action.is_some_and(|kind| action_rule::rule(kind).is_stop());
        let refusal = if is_stop {
            guard::refusal_to_stop(store, environment, verb)
        } else {
            guard::refusal(store, environment, verb)
        };
        if let Some(reason) = refusal {
            return Availability::Unavailable(reason);
        }
    }
    own_availability(store, command, target)
}

/// The subcommands that have a key, with the command that they share a name and a meaning with.
pub fn cli_verbs() -> impl Iterator<Item = (&'static str, &'static Command)> {
    COMMANDS.iter().copied().filter_map(|command| command.cli.map(|verb| (verb, command)))
}

/// The command's own condition; view, permissions and data age aside.
#[must_use]
pub fn own_availability(store: &Store, command: &Command, target: &Target) -> Availability {
    match (command.availability, command.action) {
        (Some(availability), _) => availability(store, target),
        (None, Some(kind)) if kind.is_on_environment() => environment_act::availability(store, target, kind),
        (None, Some(kind)) => act::availability(store, target, kind),
        (None, None) => Availability::Ready,
    }
}
