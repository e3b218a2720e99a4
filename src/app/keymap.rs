//! Which key means which command: the registry's defaults, patched by the user's file.

use std::collections::BTreeMap;

use crate::app::command::{COMMANDS, Command, find};
use crate::config::key::KeyChord;

/// Which key means which command.
#[derive(Clone, Debug, PartialEq)]
pub struct Keymap {
    commands: BTreeMap<KeyChord, (&'static Command, usize)>,
    chords: BTreeMap<&'static str, Vec<KeyChord>>,
}

/// Why a key map cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// There is no such command.
    #[error("`{given}` is not a command; {}", near(.given))]
    UnknownCommand {
        /// As it was written.
        given: String,
    },
    /// One key cannot mean two things.
    #[error(
        "the key {chord} means both `{first}` and `{second}`: give one of them another key, or an empty list"
    )]
    Conflict {
        /// The key.
        chord: KeyChord,
        /// One command.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// Nobody could leave.
    #[error("`quit` needs at least one key")]
    NoWayOut,
}

impl KeymapError {
    /// The command's name in the file that is to blame, for the loader to find its line.
    #[must_use]
    pub fn command(&self) -> &str {
        match self {
            Self::UnknownCommand { given } => given,
            Self::Conflict { second, .. } => second,
            Self::NoWayOut => "quit",
        }
    }
}

fn near(given: &str) -> String {
    let close =
        COMMANDS.iter().map(|command| command.id).find(|id| id.starts_with(given) || given.starts_with(id));
    if let Some(id) = close {
        return format!("did you mean `{id}`?");
    }
    let ids: Vec<&str> = COMMANDS.iter().map(|command| command.id).collect();
    format!("commands are {}", ids.join(", "))
}

/// The keys of the registry.
#[must_use]
pub fn default_keymap() -> Keymap {
    let chords = COMMANDS.iter().map(|command| (command.id, command.keys.to_vec())).collect();
    Keymap { commands: index(&chords), chords }
}

impl Default for Keymap {
    fn default() -> Self {
        default_keymap()
    }
}

impl Keymap {
    /// This map with other keys for some commands; a named command loses the keys that it had. A key that is given to one command
    /// is taken from the command that has it by default, unless that one is named as well.
    pub fn with(
        &self,
        overrides: impl IntoIterator<Item = (String, Vec<KeyChord>)>,
    ) -> Result<Self, KeymapError> {
        let mut named: Vec<(&'static str, Vec<KeyChord>)> = Vec::new();
        for (given, keys) in overrides {
            let Some(command) = find(&given) else { return Err(KeymapError::UnknownCommand { given }) };
            for (other, taken) in &named {
                if let Some(chord) = keys.iter().find(|chord| taken.contains(chord)) {
                    return Err(KeymapError::Conflict { chord: *chord, first: other, second: command.id });
                }
            }
            named.push((command.id, keys));
        }
        let mut chords = self.chords.clone();
        for (id, keys) in named {
            for taken in chords.values_mut() {
                taken.retain(|chord| !keys.contains(chord));
            }
            chords.insert(id, keys);
        }
        if chords.get("quit").is_none_or(Vec::is_empty) {
            return Err(KeymapError::NoWayOut);
        }
        Ok(Self { commands: index(&chords), chords })
    }

    /// The command that a key means, and which of that command's keys it is.
    #[must_use]
    pub fn command(&self, chord: KeyChord) -> Option<(&'static Command, usize)> {
        self.commands.get(&chord).copied()
    }

    /// The keys of a command, the first one being the one to show.
    #[must_use]
    pub fn keys(&self, id: &str) -> &[KeyChord] {
        self.chords.get(id).map_or(&[], Vec::as_slice)
    }
}

fn index(chords: &BTreeMap<&'static str, Vec<KeyChord>>) -> BTreeMap<KeyChord, (&'static Command, usize)> {
    let mut commands = BTreeMap::new();
    for command in COMMANDS {
        for (nth, chord) in chords.get(command.id).into_iter().flatten().enumerate() {
            commands.entry(*chord).or_insert((*command, nth));
        }
    }
    commands
}
