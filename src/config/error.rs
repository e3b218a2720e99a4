//! What can be wrong with settings, each with place, given value and what would be right.

use std::fmt;
use std::path::PathBuf;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of a file, counted from 1.
    Line(PathBuf, usize),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(path, line) => write!(f, "{}, line {line}", path.display()),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::Flag(name) => write!(f, "the flag {name}"),
        }
    }
}

/// Why the settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{} cannot be read: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: String,
    },
    /// The file is not TOML.
    #[error("{place}: {cause}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the parser says.
        cause: String,
    },
    /// There is no such key.
    #[error("{place}: there is no setting `{key}`{}; the settings are {}", hint(.nearest.as_deref()), known.join(", "))]
    UnknownKey {
        /// Where.
        place: Place,
        /// As it was written.
        key: String,
        /// The known key that looks most like it.
        nearest: Option<String>,
        /// Every known key.
        known: Vec<String>,
    },
    /// The value does not fit.
    #[error("{place}: `{key}` cannot be {given}: allowed is {allowed}")]
    WrongValue {
        /// Where.
        place: Place,
        /// The setting.
        key: String,
        /// As it was written.
        given: String,
        /// What would be right.
        allowed: String,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|key| format!(" (did you mean `{key}`?)")).unwrap_or_default()
}

/// The candidate that needs the fewest changes to become `given`, when these are few.
#[must_use]
pub(crate) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    let best = candidates.into_iter().map(|candidate| (distance(&given, candidate), candidate)).min()?;
    (best.0 <= 1 + given.chars().count() / 3).then_some(best.1)
}

/// Levenshtein's distance, over characters.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_strange_one_is_not() {
        let words = ["theme", "mouse", "range", "log.level"];
        for (given, expected) in [
            ("thme", Some("theme")),
            ("Mouse", Some("mouse")),
            ("loglevel", Some("log.level")),
            ("zzzzzzz", None),
        ] {
            assert_eq!(nearest(given, words), expected, "{given}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
