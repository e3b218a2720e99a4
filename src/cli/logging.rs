//! The log: to a file, or to standard error where nothing is drawn.

use std::fs::OpenOptions;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use super::error::CliError;
use super::exit::Exit;
use crate::config::Settings;

/// Where the log goes when no file is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// Nowhere: the terminal is being drawn, or the command speaks for itself.
    Nowhere,
    /// Standard error.
    StandardError,
}

/// Starts the log. It is written until the guard is dropped.
pub(super) fn start(settings: &Settings, otherwise: Otherwise) -> Result<Option<WorkerGuard>, CliError> {
    let level = &settings.log_level;
    // libraries speak of their own doings at debug; only ours is wanted by default
    let filter = EnvFilter::new(format!(
        // kube writes the whole text of an answer that it cannot decode
        "{},kube_client::client=error,release_cockpit={level}",
        if level == "trace" { "debug" } else { "warn" }
    ));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(true);
    let started = match (&settings.log_file, otherwise) {
        (Some(path), _) => {
            let mut options = OpenOptions::new();
            options.create(true).append(true);
            // It names people, versions and hosts.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(path).map_err(|error| {
                CliError::new(Exit::Usage, format!("the log {} cannot be written: {error}", path.display()))
            })?;
            let (writer, guard) = tracing_appender::non_blocking(file);
            builder.with_ansi(false).with_writer(writer).try_init().map(|()| Some(guard))
        }
        (None, Otherwise::StandardError) => {
            builder.with_ansi(false).with_writer(std::io::stderr).try_init().map(|()| None)
        }
        (None, Otherwise::Nowhere) => return Ok(None),
    };
    started.map_err(|error| CliError::new(Exit::Error, format!("the log: {error}")))
}
