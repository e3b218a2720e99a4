//! Which key means which command.

use std::collections::BTreeMap;

use crate::app::state::scope::Scope;
use crate::app::state::view::View;
use crate::config::key::KeyChord;

/// Which key means which command.
#[derive(Clone, Debug, PartialEq)]
pub struct Keymap {
    /// What each key means, the narrowest scope first.
    pub(in crate::app) meanings: BTreeMap<KeyChord, Vec<Meaning>>,
    /// The keys of each command, by its id.
    pub(in crate::app) chords: BTreeMap<&'static str, Vec<KeyChord>>,
}

/// What a key means where that scope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The command's id.
    pub id: &'static str,
    /// Which of that command's keys it is, counted from 0.
    pub nth: usize,
    /// Where the command means something.
    pub scope: Scope,
}

impl Keymap {
    /// What a key means in that view: the meaning with the narrowest scope of those that hold there, else one that holds elsewhere.
    #[must_use]
    pub fn meaning(&self, chord: KeyChord, view: &View) -> Option<Meaning> {
        let all = self.meanings.get(&chord)?;
        all.iter().find(|meaning| meaning.scope.covers(view)).or(all.last()).copied()
    }

    /// The keys of a command, the first one being the one to show.
    #[must_use]
    pub fn keys(&self, id: &str) -> &[KeyChord] {
        self.chords.get(id).map_or(&[], Vec::as_slice)
    }
}
