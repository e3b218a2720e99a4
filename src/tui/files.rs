//! Files that a person asks for. A file that exists is never written over.

use std::io::ErrorKind;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use crate::app::state::effect::RequestId;
use crate::app::state::event::{Event, Outcome};
use crate::sanitize;

/// Writes a new file that only we may read, and tells its whole path, or why it was not written.
pub(super) async fn save(path: String, text: String, events: mpsc::Sender<Event>) {
    let outcome = Outcome::Saved(write(&path, &text).await);
    let _ = events.send(Event::RequestDone { request: RequestId(0), outcome }).await;
}

async fn write(path: &str, text: &str) -> Result<String, String> {
    let path = match path.strip_prefix("~/") {
        Some(rest) => std::env::var_os("HOME")
            .map_or_else(|| path.into(), |home| std::path::PathBuf::from(home).join(rest)),
        None => std::path::PathBuf::from(path),
    };
    let shown = sanitize::line(&path.display().to_string()).into_owned();
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let sentence = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            format!("{shown} exists already and stays as it is: name another file, `:save PATH`")
        }
        ErrorKind::NotFound => format!("{shown} cannot be written: there is no such directory"),
        ErrorKind::PermissionDenied => {
            format!("{shown} cannot be written: permission denied; name another file, `:save PATH`")
        }
        _ => format!("{shown} cannot be written: {error}"),
    };
    let mut file = options.open(&path).await.map_err(sentence)?;
    file.write_all(text.as_bytes()).await.map_err(sentence)?;
    file.flush().await.map_err(sentence)?;
    let whole = tokio::fs::canonicalize(&path).await.unwrap_or(path);
    Ok(sanitize::line(&whole.display().to_string()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_written_once_and_never_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log").display().to_string();
        let told = write(&path, "one\n").await.unwrap();
        assert!(told.ends_with("/a.log"), "{told}");
        let again = write(&path, "two\n").await.unwrap_err();
        assert!(again.contains("exists already and stays as it is"), "{again}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");
        let nowhere = write("/nonexistent/a.log", "x").await.unwrap_err();
        assert!(nowhere.contains("there is no such directory"), "{nowhere}");
    }
}
