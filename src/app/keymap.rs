//! Which key means which command: the registry's defaults, patched by the user's file.

use std::collections::BTreeMap;

use crate::app::command::{COMMANDS, find};
use crate::app::state::command::Command;
use crate::app::state::keymap::{Keymap, Meaning};
use crate::app::state::view::View;
use crate::config::key::KeyChord;

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
pub(crate) fn default_keymap() -> Keymap {
    let chords = COMMANDS.iter().map(|command| (command.id, command.keys.to_vec())).collect();
    Keymap { meanings: index(&chords), chords }
}

fn index(chords: &BTreeMap<&'static str, Vec<KeyChord>>) -> BTreeMap<KeyChord, Vec<Meaning>> {
    let mut meanings: BTreeMap<KeyChord, Vec<Meaning>> = BTreeMap::new();
    for command in COMMANDS.iter().copied() {
        for (nth, chord) in chords.get(command.id).into_iter().flatten().enumerate() {
            let meaning = Meaning { id: command.id, nth, scope: command.scope };
            meanings.entry(*chord).or_default().push(meaning);
        }
    }
    for meanings in meanings.values_mut() {
        meanings.sort_by_key(|meaning| meaning.scope.breadth());
    }
    meanings
}

impl Default for Keymap {
    fn default() -> Self {
        default_keymap()
    }
}

impl Keymap {
    /// This map with other keys for some commands; a named command loses the keys that it had. A key that is given to one command
    /// is taken from every command that has it by default and means something in the same view, unless that one is named as well.
    pub fn with(
        &self,
        overrides: impl IntoIterator<Item = (String, Vec<KeyChord>)>,
    ) -> Result<Self, KeymapError> {
        let mut named: Vec<(&'static Command, Vec<KeyChord>)> = Vec::new();
        for (given, keys) in overrides {
            let Some(command) = find(&given) else { return Err(KeymapError::UnknownCommand { given }) };
            for (other, taken) in &named {
                if let Some(chord) = keys.iter().find(|chord| taken.contains(chord))
                    && other.scope.meets(command.scope)
                {
                    return Err(KeymapError::Conflict { chord: *chord, first: other.id, second: command.id });
                }
            }
            named.push((command, keys));
        }
        let mut chords = self.chords.clone();
        let kept: Vec<&str> = named.iter().map(|(command, _)| command.id).collect();
        for (command, keys) in named {
            for other in COMMANDS.iter().filter(|other| !kept.contains(&other.id)) {
                if let Some(taken) = chords.get_mut(other.id).filter(|_| other.scope.meets(command.scope)) {
                    taken.retain(|chord| !keys.contains(chord));
                }
            }
            chords.insert(command.id, keys);
        }
        if chords.get("quit").is_none_or(Vec::is_empty) {
            return Err(KeymapError::NoWayOut);
        }
        Ok(Self { meanings: index(&chords), chords })
    }

    /// The command that a key means in that view, and which of that command's keys it is.
    #[must_use]
    pub fn command(&self, chord: KeyChord, view: &View) -> Option<(&'static Command, usize)> {
        let meaning = self.meaning(chord, view)?;
        find(meaning.id).map(|command| (command, meaning.nth))
    }
}
