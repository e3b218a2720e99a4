//! The file that keeps what one session leaves to the next: where it is, how it is read and written.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// Where the state is kept: `$XDG_STATE_HOME/release-cockpit/state.json`. Nothing where the system knows no such place.
#[must_use]
pub(crate) fn default_path() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    let directory = base.state_dir().unwrap_or_else(|| base.data_dir());
    Some(directory.join("release-cockpit").join("state.json"))
}

/// What was kept; nothing where there is no file, and one sentence where it cannot be used.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, String> {
    let wrong = |cause: String| format!("{} is not used: {cause}", path.display());
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error.to_string())),
        Ok(about) if about.len() > LONGEST => return Err(wrong("it is too long".to_owned())),
        Ok(_) => {}
    }
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map(Some).map_err(|error| wrong(error.to_string()))
}

/// Keeps it, readable by us alone. The file is whole at any moment: the new one takes the place of the old one.
pub(crate) fn write<T: Serialize>(path: &Path, kept: &T) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    // Never through a link that somebody else has put there.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = match options.open(&beside) {
        // What an earlier process of our number left behind.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(&beside)?;
            options.open(&beside)?
        }
        opened => opened?,
    };
    serde_json::to_writer_pretty(&mut file, kept)?;
    file.write_all(b"\n")?;
    drop(file);
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep").join("state.json");
        assert_eq!(read::<Vec<String>>(&path), Ok(None));
        write(&path, &vec!["a".to_owned()]).unwrap();
        write(&path, &vec!["b".to_owned()]).unwrap();
        assert_eq!(read(&path), Ok(Some(vec!["b".to_owned()])));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_the_new_file_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (path, victim) = (directory.path().join("state.json"), directory.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        std::os::unix::fs::symlink(&victim, &beside).unwrap();
        write(&path, &vec!["a".to_owned()]).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(read(&path), Ok(Some(vec!["a".to_owned()])));
    }

    #[test]
    fn a_corrupt_file_is_a_sentence() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        for text in ["", "{", "[1]", "{\"a\": 1}", "\u{0}\u{1}"] {
            fs::write(&path, text).unwrap();
            let sentence = read::<Vec<String>>(&path).unwrap_err();
            assert!(sentence.contains("state.json is not used: "), "{sentence}");
        }
        assert!(read::<Vec<String>>(directory.path()).is_err());
    }
}
