//! What one session leaves to the next, on its way to and from the file. A file that cannot be used is told of in the log, and no more.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::Reader;
use crate::app::state::saved_state::SavedState;
use crate::app::state::store::Store;
use crate::app::{saved_state, tour};
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

/// How often what has changed is kept, so that a session that is killed leaves most of it.
const EVERY: Duration = Duration::from_secs(30);
/// How long the end of a session waits for a home directory that does not answer.
const LONGEST: Duration = Duration::from_secs(1);

/// Where what is kept goes, and what it is measured by.
pub(super) struct StateFile {
    path: Option<PathBuf>,
    /// The theme that the settings name.
    settings: Box<str>,
    /// What was given to the file last.
    given: Option<SavedState>,
    /// Not before then it is looked at again.
    next: Instant,
    writing: Option<JoinHandle<()>>,
}

impl StateFile {
    /// Takes over what the last session has left; a theme that was chosen in it is drawn again, as long as the settings name the same.
    pub(super) fn take(path: Option<PathBuf>, store: &mut Store, theme: &mut Theme, reader: &Reader) -> Self {
        let next = Instant::now() + EVERY;
        let state_file = Self { path, settings: store.theme.clone(), given: None, next, writing: None };
        let Some(path) = &state_file.path else { return state_file };
        match state::read::<SavedState>(path) {
            Err(sentence) => tracing::warn!("the state of the last session: {sentence}"),
            Ok(None) => {}
            Ok(Some(kept)) => {
                let chosen = kept.theme.as_ref().filter(|(_, stood_for)| **stood_for == *state_file.settings);
                if let Some((name, _)) = chosen
                    && let Ok(drawn) = reader.theme(name)
                {
                    *theme = drawn;
                    store.theme = name.as_str().into();
                }
                saved_state::take(store, kept);
            }
        }
        state_file
    }

    /// Keeps what has changed, now and then and beside the loop: a home directory may be far away.
    pub(super) fn keep_now_and_then(&mut self, store: &Store) {
        let now = Instant::now();
        if now >= self.next && self.writing.as_ref().is_none_or(JoinHandle::is_finished) {
            self.next = now + EVERY;
            self.give(store);
        }
    }

    /// Keeps what this session leaves.
    pub(super) async fn keep(&mut self, store: &Store) {
        self.written().await;
        self.give(store);
        self.written().await;
    }

    async fn written(&mut self) {
        if let Some(writing) = self.writing.take() {
            let _ = timeout(LONGEST, writing).await;
        }
    }

    fn give(&mut self, store: &Store) {
        let Some(path) = self.path.clone() else { return };
        let kept = saved_state::of(store, &self.settings);
        if self.given.as_ref() == Some(&kept) {
            return;
        }
        self.given = Some(kept.clone());
        self.writing = Some(tokio::task::spawn_blocking(move || {
            if let Err(error) = state::write(&path, &kept) {
                tracing::warn!("the state of this session is not kept: {}: {error}", path.display());
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::planera;

    #[tokio::test(start_paused = true)]
    async fn what_changed_is_kept_long_before_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let (mut store, mut theme) = (planera().store(), Theme::named("dark"));
        let reader = Reader::new(|| Err(String::new()), |_| Err(String::new()));
        let mut state_file = StateFile::take(Some(path.clone()), &mut store, &mut theme, &reader);
        state_file.keep_now_and_then(&store);
        state_file.written().await;
        assert!(!path.exists(), "not every second");
        tokio::time::advance(EVERY).await;
        state_file.keep_now_and_then(&store);
        state_file.written().await;
        let kept = state::read::<SavedState>(&path).unwrap().unwrap();
        assert_eq!(kept, saved_state::of(&store, ""));
        std::fs::remove_file(&path).unwrap();
        state_file.keep(&store).await;
        assert!(!path.exists(), "nothing has changed since");
        store.ui.pods_reversed = true;
        store.ui.pod_sort = crate::app::state::pod_sort::PodSort::Age;
        state_file.keep(&store).await;
        assert!(path.exists());
    }
}
