//! A TOML file as a flat list of keys, each with the line that it stands in.

use std::path::Path;

use super::error::{ConfigError, Place};

/// One key of a file with its value.
pub(super) struct Entry {
    /// Tables and key, with dots between them.
    pub(super) key: String,
    /// The value.
    pub(super) value: toml::Value,
    /// The line of the value, counted from 1.
    pub(super) line: usize,
}

/// Every key of the file, in its order.
pub(super) fn entries(path: &Path, text: &str) -> Result<Vec<Entry>, ConfigError> {
    let parsed = toml::de::DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        let cause = error.message().lines().collect::<Vec<_>>().join(" ");
        ConfigError::Syntax { place: Place::Line(path.to_owned(), line), cause }
    })?;
    // the tree with places tells where, the plain tree tells what
    let values: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        place: Place::Line(path.to_owned(), 1),
        cause: error.message().to_owned(),
    })?;
    let mut found = Vec::new();
    collect(parsed.get_ref(), &values, "", &mut |key, value, offset| {
        found.push(Entry { key, value, line: line_of(text, offset) });
    });
    found.sort_by_key(|entry| entry.line);
    Ok(found)
}

/// One table of an array of tables.
pub(super) struct Table {
    /// Its keys, in its order.
    pub(super) entries: Vec<Entry>,
    /// The line where it begins.
    pub(super) line: usize,
}

/// The tables of `[[key]]`, in their order; none where there is no such key.
pub(super) fn tables(path: &Path, text: &str, key: &str) -> Result<Vec<Table>, ConfigError> {
    let syntax = |error: &toml::de::Error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        let cause = error.message().lines().collect::<Vec<_>>().join(" ");
        ConfigError::Syntax { place: Place::Line(path.to_owned(), line), cause }
    };
    let parsed = toml::de::DeTable::parse(text).map_err(|error| syntax(&error))?;
    let values: toml::Table = text.parse().map_err(|error| syntax(&error))?;
    let (Some((name, places)), Some(value)) = (parsed.get_ref().get_key_value(key), values.get(key)) else {
        return Ok(Vec::new());
    };
    let wrong = || ConfigError::WrongValue {
        place: Place::Line(path.to_owned(), line_of(text, name.span().start)),
        key: key.to_owned(),
        given: format!("{} {value}", value.type_str()),
        allowed: format!("tables [[{key}]]"),
    };
    let (toml::de::DeValue::Array(places), toml::Value::Array(items)) = (places.get_ref(), value) else {
        return Err(wrong());
    };
    let mut found = Vec::new();
    for (place, item) in places.iter().zip(items) {
        let (toml::de::DeValue::Table(keys), toml::Value::Table(values)) = (place.get_ref(), item) else {
            return Err(wrong());
        };
        let mut entries = Vec::new();
        collect(keys, values, "", &mut |key, value, offset| {
            entries.push(Entry { key, value, line: line_of(text, offset) });
        });
        entries.sort_by_key(|entry| entry.line);
        found.push(Table { entries, line: line_of(text, place.span().start) });
    }
    Ok(found)
}

fn collect(
    places: &toml::de::DeTable<'_>,
    values: &toml::Table,
    prefix: &str,
    found: &mut impl FnMut(String, toml::Value, usize),
) {
    for (key, place) in places {
        let name = key.get_ref();
        let Some(value) = values.get(name.as_ref()) else { continue };
        let full = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
        match (place.get_ref(), value) {
            (toml::de::DeValue::Table(places), toml::Value::Table(values)) => {
                collect(places, values, &full, found);
            }
            _ => found(full, value.clone(), key.span().start),
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Reads a file; what is wrong with it becomes a sentence.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
        path: path.to_owned(),
        cause: match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
            _ => error.to_string(),
        },
    })
}
