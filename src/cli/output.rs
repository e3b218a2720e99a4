//! What goes to standard output, and what is said beside it.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;

use super::error::CliError;
use super::exit::Exit;
use crate::sanitize;

/// A text on standard output. A reader that has left is no failure.
pub(super) fn text(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// A value as JSON on standard output.
pub(super) fn json(value: &impl Serialize) -> Result<(), CliError> {
    let rendered = serde_json::to_string_pretty(value)
        .map_err(|error| CliError::new(Exit::Error, format!("output: {error}")))?;
    text(&format!("{rendered}\n"))
}

/// A remark for people on standard error.
pub(super) fn remark(sentence: &str) {
    let _ = writeln!(std::io::stderr(), "{}", sanitize::line(sentence));
}

/// A remark, unless standard error is a file or a pipe.
pub(super) fn progress(sentence: &str) {
    if std::io::stderr().is_terminal() {
        remark(sentence);
    }
}
