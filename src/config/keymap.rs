//! The user's key map: a TOML file of `command = ["key", …]`. Which commands there are is `app`'s word.

use std::path::{Path, PathBuf};

use super::error::{ConfigError, Place};
use super::key::KeyChord;
use super::toml_file;

/// What a key map file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeymapFile {
    path: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    command: String,
    keys: Vec<KeyChord>,
    line: usize,
}

impl KeymapFile {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(path, &toml_file::read(path)?)
    }

    /// Reads the text of a file; one key as a plain text is allowed as well.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let entries = toml_file::entries(path, text)?.into_iter().map(|entry| {
            let place = || Place::Line(path.to_owned(), entry.line);
            let wrong = |given: String, allowed: String| ConfigError::WrongValue {
                place: place(),
                key: entry.key.clone(),
                given,
                allowed,
            };
            let texts = match &entry.value {
                toml::Value::String(one) => Some(vec![one.as_str()]),
                toml::Value::Array(several) => several.iter().map(toml::Value::as_str).collect(),
                _ => None,
            };
            let allowed = "a list of keys, such as [\"x\", \"ctrl-x\", \"f5\"]";
            let texts = texts.ok_or_else(|| wrong(entry.value.to_string(), allowed.to_owned()))?;
            let keys = texts.into_iter().map(|text| {
                text.parse::<KeyChord>().map_err(|error| {
                    let sentence = error.to_string();
                    let allowed = sentence.split_once("write ").map_or(allowed, |(_, rest)| rest);
                    wrong(format!("`{text}`"), allowed.to_owned())
                })
            });
            let keys = keys.collect::<Result<Vec<_>, _>>()?;
            Ok(Entry { command: entry.key.clone(), keys, line: entry.line })
        });
        Ok(Self { path: path.to_owned(), entries: entries.collect::<Result<_, _>>()? })
    }

    /// Commands with the keys that they are given, in the file's order.
    pub(crate) fn overrides(&self) -> impl Iterator<Item = (String, Vec<KeyChord>)> + '_ {
        self.entries.iter().map(|entry| (entry.command.clone(), entry.keys.clone()))
    }

    /// An error about one of its commands, with the line that names it.
    #[must_use]
    pub(crate) fn blame(&self, command: &str, cause: String) -> ConfigError {
        let line = self.entries.iter().find(|entry| entry.command == command).map_or(1, |entry| entry.line);
        ConfigError::Syntax { place: Place::Line(self.path.clone(), line), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists_and_single_keys() {
        let file = KeymapFile::parse(
            Path::new("k.toml"),
            "quit = [\"q\", \"ctrl-q\"]\nhelp = \"f1\"\ndeploy = []\n",
        );
        let told: Vec<_> = file
            .unwrap()
            .overrides()
            .map(|(command, keys)| {
                format!("{command}:{}", keys.iter().map(ToString::to_string).collect::<String>())
            })
            .collect();
        assert_eq!(told, ["quit:qctrl-q", "help:f1", "deploy:"]);
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, expected) in [
            ("\nquit = [\"qq\"]", "k.toml, line 2: `quit` cannot be `qq`: allowed is a single character"),
            ("quit = 3", "k.toml, line 1: `quit` cannot be 3: allowed is a list of keys"),
            ("quit = [\"q\"]\nquit = [\"x\"]", "k.toml, line 2: duplicate key"),
        ] {
            let error = KeymapFile::parse(Path::new("k.toml"), text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let file = KeymapFile::parse(Path::new("k.toml"), "\n\nflyy = \"f\"").unwrap();
        assert_eq!(file.blame("flyy", "no".into()).to_string(), "k.toml, line 3: no");
    }
}
