//! What goes to standard output, and what is said beside it.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;
use serde_json::Value;

use super::error::CliError;
use super::exit::Exit;
use crate::domain::undecodable::Undecodable;
use crate::sanitize;

/// A text on standard output. A reader that has left is no failure.
pub(super) fn text(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// A value as JSON on standard output, without the bookkeeping of field managers.
pub(super) fn json(value: &impl Serialize) -> Result<(), CliError> {
    let failed = |error: serde_json::Error| CliError::new(Exit::Error, format!("output: {error}"));
    let mut value = serde_json::to_value(value).map_err(failed)?;
    drop_managed_fields(&mut value);
    let rendered = serde_json::to_string_pretty(&value).map_err(failed)?;
    text(&format!("{}\n", sanitize::json(&rendered)))
}

fn drop_managed_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
                metadata.remove("managedFields");
            }
            fields.values_mut().for_each(drop_managed_fields);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_managed_fields),
        _ => {}
    }
}

/// Names the objects that this version does not understand in whole, on standard error.
pub(super) fn not_understood<K: kube::Resource<DynamicType = ()>>(objects: &[K]) {
    for odd in objects.iter().filter_map(|object| Undecodable::in_part(&K::kind(&()), object)) {
        remark(&format!("warning: {odd}. Upgrade release-cockpit or correct the object."));
    }
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
