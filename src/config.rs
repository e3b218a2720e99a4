//! Settings: what a person may choose, where each value came from, and the words in which it is written.
//!
//! Owns the layers (defaults, file, environment variables, flags), key names, the key map and the theme as plain data.
//! Must not know how anything is drawn (`ui`), nor what a command does (`app`).

pub(crate) mod error;
pub mod key;
pub(crate) mod keymap;
pub(crate) mod layer;
pub mod registry;
pub(crate) mod sections;
pub(crate) mod settings;
pub(crate) mod state;
pub mod theme;
mod toml_file;
pub(crate) mod value;

pub use error::ConfigError;
pub(crate) use error::distance;
pub use layer::Origin;
pub use sections::Section;
pub use settings::{Colours, Settings};

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// Where the settings are read from unless `--config` names another file: `$XDG_CONFIG_HOME/release-cockpit/release-cockpit.toml`.
///
/// Nothing where the system knows no home directory.
#[must_use]
pub fn default_path() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("release-cockpit").join("release-cockpit.toml"))
}
