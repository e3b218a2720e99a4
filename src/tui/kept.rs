//! What one session leaves to the next, on its way to and from the file. A file that cannot be used is told of in the log, and no more.

use std::path::{Path, PathBuf};

use super::Reader;
use crate::app::kept::{self, Kept};
use crate::app::store::Store;
use crate::app::tour;
use crate::config::state;
use crate::ui::theme::Theme;

/// Begins the tour where nobody has begun it yet, and remembers that somebody has.
pub(super) fn tour_once(path: Option<&Path>, store: &mut Store) {
    let Some(path) = path.filter(|path| !path.exists()) else { return };
    tour::begin(store);
    if let Err(error) = state::write(path, &serde_json::json!({"tour": "begun"})) {
        tracing::warn!("that the tour was begun is not kept: {}: {error}", path.display());
    }
}

/// Where what is kept goes, and what it is measured by.
pub(super) struct Keeper {
    path: Option<PathBuf>,
    /// The theme that the settings name.
    settings: Box<str>,
}

impl Keeper {
    /// Takes over what the last session has left; a theme that was chosen in it is drawn again, as long as the settings name the same.
    pub(super) fn take(path: Option<PathBuf>, store: &mut Store, theme: &mut Theme, reader: &Reader) -> Self {
        let keeper = Self { path, settings: store.theme.clone() };
        let Some(path) = &keeper.path else { return keeper };
        match state::read::<Kept>(path) {
            Err(sentence) => tracing::warn!("the state of the last session: {sentence}"),
            Ok(None) => {}
            Ok(Some(kept)) => {
                let chosen = kept.theme.as_ref().filter(|(_, stood_for)| **stood_for == *keeper.settings);
                if let Some((name, _)) = chosen
                    && let Ok(drawn) = reader.theme(name)
                {
                    *theme = drawn;
                    store.theme = name.as_str().into();
                }
                store.resume(kept);
            }
        }
        keeper
    }

    /// Keeps what this session leaves.
    pub(super) fn keep(&self, store: &Store) {
        let Some(path) = &self.path else { return };
        if let Err(error) = state::write(path, &kept::of(store, &self.settings)) {
            tracing::warn!("the state of this session is not kept: {}: {error}", path.display());
        }
    }
}
