//! Why somebody was not told.

use std::time::Duration;

use crate::cluster::secret::SecretError;

/// Why a channel was not told. No sentence holds an address or a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The environment's settings of this channel cannot work.
    #[error("{0}")]
    Settings(String),
    /// Its secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Nobody answers.
    #[error("{0}")]
    Silent(String),
    /// It asks for patience.
    #[error("asked to wait{}", .0.map_or_else(String::new, |span| format!(" for {} s", span.as_secs())))]
    Busy(Option<Duration>),
    /// It fails by itself.
    #[error("failed: {0}")]
    Broken(String),
    /// It says no.
    #[error("refused: {0}")]
    Refused(String),
}

impl Error {
    /// Whether a later try may succeed without anybody doing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Settings(_) | Self::Refused(_) => false,
            Self::Secret(error) => error.is_transient(),
            Self::Silent(_) | Self::Busy(_) | Self::Broken(_) => true,
        }
    }

    /// How long the channel wants to be left alone.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Busy(wait) => *wait,
            _ => None,
        }
    }
}
