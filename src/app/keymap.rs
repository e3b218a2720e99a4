//! Which key means which command: the registry's defaults, patched by the user's file.

use std::collections::BTreeMap;

use crate::app::command::{COMMANDS, Command, find};
use crate::app::ui_state::View;
use crate::config::key::KeyChord;

/// Which key means which command.
#[derive(Clone, Debug, PartialEq)]
pub struct Keymap {
    /// What each key means, the narrowest scope first.
    commands: Meanings,
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
        Ok(Self { commands: index(&chords), chords })
    }

    /// The command that a key means in that view, and which of that command's keys it is: the one with the narrowest scope of those
    /// that mean something there, else one that means something elsewhere.
    #[must_use]
    pub fn command(&self, chord: KeyChord, view: &View) -> Option<(&'static Command, usize)> {
        let all = self.commands.get(&chord)?;
        all.iter().find(|(command, _)| command.scope.covers(view)).or(all.last()).copied()
    }

    /// The keys of a command, the first one being the one to show.
    #[must_use]
    pub fn keys(&self, id: &str) -> &[KeyChord] {
        self.chords.get(id).map_or(&[], Vec::as_slice)
    }
}

type Meanings = BTreeMap<KeyChord, Vec<(&'static Command, usize)>>;

fn index(chords: &BTreeMap<&'static str, Vec<KeyChord>>) -> Meanings {
    let mut commands: Meanings = BTreeMap::new();
    for command in COMMANDS.iter().copied() {
        for (nth, chord) in chords.get(command.id).into_iter().flatten().enumerate() {
            commands.entry(*chord).or_default().push((command, nth));
        }
    }
    for meanings in commands.values_mut() {
        meanings.sort_by_key(|(command, _)| command.scope.breadth());
    }
    commands
}
