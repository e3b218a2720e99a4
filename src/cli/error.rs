//! Failures of the command line: one sentence for people, one number for scripts.

use super::exit::Exit;
use crate::cluster::{self, Kind};
use crate::config::ConfigError;
use crate::domain::intent::IntentError;

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct CliError {
    exit: Exit,
    sentence: String,
}

impl CliError {
    /// A failure of our own.
    pub fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self { exit, sentence: sentence.into() }
    }

    /// How the program ends because of it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }
}

impl From<cluster::Error> for CliError {
    fn from(error: cluster::Error) -> Self {
        Self { exit: exit_of(error.kind()), sentence: error.to_string() }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Usage, crate::sanitize::line(&error.to_string()))
    }
}

impl From<IntentError> for CliError {
    fn from(error: IntentError) -> Self {
        let exit = match error {
            IntentError::NotAVersion(_)
            | IntentError::ReasonMissing(..)
            | IntentError::ParameterMissing { .. }
            | IntentError::NeverForced(_)
            | IntentError::TicketMissing => Exit::Usage,
            IntentError::VersionRefused { .. }
            | IntentError::NoCommit { .. }
            | IntentError::StrategyRefused { .. }
            | IntentError::NoSlot { .. }
            | IntentError::SelfApproval { .. } => Exit::Refused,
            _ => Exit::Error,
        };
        Self::new(exit, crate::sanitize::line(&error.to_string()))
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Error, format!("output: {error}"))
    }
}

const fn exit_of(kind: &Kind) -> Exit {
    match kind {
        Kind::Context | Kind::Kubeconfig => Exit::Usage,
        Kind::Credentials
        | Kind::Denied
        | Kind::Refused { .. }
        | Kind::Invalid
        | Kind::EnvironmentNotFound
        | Kind::Quota => Exit::Refused,
        Kind::Tls | Kind::Unreachable | Kind::NoAnswer => Exit::Unreachable,
        _ => Exit::Error,
    }
}
