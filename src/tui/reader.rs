//! How a session reads its settings and themes again while it runs. Where they are and what has precedence is the command line's word.

use std::fmt;
use std::sync::Arc;

use crate::app::state::preferences::Preferences;
use crate::ui::theme::Theme;

/// What the settings say anew.
#[derive(Clone, Debug)]
pub struct Reread {
    /// Styles and glyphs.
    pub theme: Theme,
    /// Everything else that can change while a session runs.
    pub preferences: Preferences,
    /// What became of it, in one sentence.
    pub sentence: String,
}

type ReadSettings = dyn Fn() -> Result<Reread, String> + Send + Sync;
type ReadTheme = dyn Fn(&str) -> Result<Theme, String> + Send + Sync;

/// Reads settings and themes again.
#[derive(Clone)]
pub struct Reader {
    settings: Arc<ReadSettings>,
    theme: Arc<ReadTheme>,
}

impl Reader {
    /// A reader out of what reads the settings and what reads a theme by its name or path.
    pub fn new(
        settings: impl Fn() -> Result<Reread, String> + Send + Sync + 'static,
        theme: impl Fn(&str) -> Result<Theme, String> + Send + Sync + 'static,
    ) -> Self {
        Self { settings: Arc::new(settings), theme: Arc::new(theme) }
    }

    /// The settings as they are now, or one sentence that names the mistake.
    pub fn settings(&self) -> Result<Reread, String> {
        (self.settings)()
    }

    /// That theme, or one sentence why it cannot be drawn.
    pub fn theme(&self, choice: &str) -> Result<Theme, String> {
        (self.theme)(choice)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}
