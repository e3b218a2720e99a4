//! The kinds of value that a setting may have, and how each is read from a file, a variable or a flag.

use std::fmt;
use std::path::PathBuf;

use crate::api::Duration;
use crate::domain::address;

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text; empty means not set.
    Text,
    /// A path; empty means not set. `~/` is the home directory.
    Path,
    /// The URL of a server; empty means not set.
    Url,
    /// A Service behind the API server; empty means not set.
    Service,
    /// Several texts; in variables they are separated by commas.
    List,
    /// Several of these words; in variables they are separated by commas.
    Words(&'static [&'static str]),
    /// Yes or no.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number between two others.
    Number {
        /// Smallest.
        min: usize,
        /// Largest.
        max: usize,
    },
    /// A span of time between two others, in milliseconds.
    Span {
        /// Shortest.
        min: Duration,
        /// Longest.
        max: Duration,
    },
}

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Text`], [`Kind::Path`], [`Kind::Url`], [`Kind::Service`] and [`Kind::Choice`].
    Text(String),
    /// Of [`Kind::List`] and [`Kind::Words`].
    List(Vec<String>),
    /// Of [`Kind::Switch`].
    Switch(bool),
    /// Of [`Kind::Number`].
    Number(usize),
    /// Of [`Kind::Span`].
    Span(Duration),
}

impl Value {
    /// As text; empty for other kinds.
    #[must_use]
    pub fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    /// As text, unless it is empty.
    #[must_use]
    pub fn some_text(&self) -> Option<String> {
        Some(self.text()).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// As a path, unless it is empty; `~/` is replaced by the home directory.
    #[must_use]
    pub fn some_path(&self) -> Option<PathBuf> {
        let text = self.some_text()?;
        match (text.strip_prefix("~/"), etcetera::home_dir()) {
            (Some(rest), Ok(home)) => Some(home.join(rest)),
            _ => Some(PathBuf::from(text)),
        }
    }

    /// As a list; empty for other kinds.
    #[must_use]
    pub fn list(&self) -> &[String] {
        if let Self::List(list) = self { list } else { &[] }
    }

    /// As a switch; off for other kinds.
    #[must_use]
    pub const fn switch(&self) -> bool {
        matches!(self, Self::Switch(true))
    }

    /// As a number; 0 for other kinds.
    #[must_use]
    pub const fn number(&self) -> usize {
        if let Self::Number(number) = self { *number } else { 0 }
    }

    /// As a span; nothing for other kinds.
    #[must_use]
    pub const fn span(&self) -> Duration {
        if let Self::Span(span) = self { *span } else { Duration::ZERO }
    }
}

/// As TOML writes it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", toml::Value::String(text.clone())),
            Self::List(list) => {
                write!(f, "{}", toml::Value::Array(list.iter().cloned().map(toml::Value::String).collect()))
            }
            Self::Switch(on) => write!(f, "{on}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Span(span) => write!(f, "\"{span}\""),
        }
    }
}

impl Kind {
    /// What is allowed, for people.
    #[must_use]
    pub fn allowed(self) -> String {
        match self {
            Self::Text => "a text in quotes".to_owned(),
            Self::Path => "a path in quotes".to_owned(),
            Self::Url => "\"http://HOST:PORT\" or \"https://HOST\"; a Service of the cluster goes into the setting beside \
                          it whose name ends in `service`"
                .to_owned(),
            Self::Service => "\"namespace/name:port\" or \"namespace/https:name:port\"; a URL goes into the setting \
                              beside it whose name ends in `url`"
                .to_owned(),
            Self::List => "a list of texts, such as [\"a\", \"b\"]".to_owned(),
            Self::Words(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                format!("a list of any of {}", words.join(", "))
            }
            Self::Switch => "true or false".to_owned(),
            Self::Choice(words) => {
                words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
            }
            Self::Number { min, max } => format!("a whole number from {min} to {max}"),
            Self::Span { min, max } => format!("a duration from \"{min}\" to \"{max}\""),
        }
    }

    /// The value that a text stands for, as variables and flags give it.
    #[must_use]
    pub fn read_text(self, text: &str) -> Option<Value> {
        match self {
            Self::Text | Self::Path => Some(Value::Text(text.to_owned())),
            Self::Url | Self::Service if text.is_empty() => Some(Value::Text(String::new())),
            Self::Url => address::is_url(text).then(|| Value::Text(text.to_owned())),
            Self::Service => address::service(text).map(|_| Value::Text(text.to_owned())),
            Self::List => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Some(Value::List(items.map(str::to_owned).collect()))
            }
            Self::Words(words) => Self::List.read_text(text).filter(|value| are_of(value, words)),
            Self::Switch => match text {
                "true" | "1" | "yes" | "on" => Some(Value::Switch(true)),
                "false" | "0" | "no" | "off" => Some(Value::Switch(false)),
                _ => None,
            },
            Self::Choice(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
            Self::Number { min, max } => {
                text.parse().ok().filter(|number| (min..=max).contains(number)).map(Value::Number)
            }
            Self::Span { min, max } => {
                text.parse().ok().filter(|span| (min..=max).contains(span)).map(Value::Span)
            }
        }
    }

    /// The value that a file states.
    #[must_use]
    pub fn read_toml(self, given: &toml::Value) -> Option<Value> {
        match (self, given) {
            (Self::List, toml::Value::Array(items)) => {
                let items = items.iter().map(|item| item.as_str().map(str::to_owned));
                items.collect::<Option<Vec<_>>>().map(Value::List)
            }
            (Self::Words(words), given) => Self::List.read_toml(given).filter(|value| are_of(value, words)),
            (Self::Switch, toml::Value::Boolean(on)) => Some(Value::Switch(*on)),
            (Self::Number { .. }, toml::Value::Integer(number)) => self.read_text(&number.to_string()),
            (Self::List | Self::Switch | Self::Number { .. }, _) => None,
            (kind, toml::Value::String(text)) => kind.read_text(text),
            _ => None,
        }
    }
}

/// Each item is one of these words.
fn are_of(value: &Value, words: &[&str]) -> bool {
    value.list().iter().all(|item| words.contains(&item.as_str()))
}
