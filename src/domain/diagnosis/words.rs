//! Picking sentences of Kubernetes to pieces.

use super::facts::{ContainerFacts, Facts};

/// What stands between the first `before` and the next `after`.
pub(super) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(after)?;
    Some(found)
}

/// The first word that follows `before`, without quotation marks and punctuation.
pub(super) fn word_after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    let word = rest.split_whitespace().next()?;
    let word = word.trim_matches(|c: char| matches!(c, '"' | '\'' | ',' | ';' | '(' | ')' | '.' | ':'));
    (!word.is_empty()).then_some(word)
}

/// Whether one of these stands in the text, whatever its case.
pub(super) fn has(text: &str, parts: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    parts.iter().any(|part| text.contains(part))
}

/// What goes wrong at the end of a chain of errors: gRPC's, containerd's and runc's wrappings say nothing to a person.
pub(super) fn core(message: &str) -> &str {
    let mut message = message;
    for wrapping in ["desc = ", "unable to start container process: "] {
        message = message.rsplit_once(wrapping).map_or(message, |(_, core)| core);
    }
    let message = message.trim().trim_end_matches('.');
    message.strip_suffix(": unknown").unwrap_or(message)
}

/// ` [name]`, where a pod has more than one container.
pub(super) fn in_container(facts: &Facts<'_>, container: &ContainerFacts) -> String {
    if facts.containers().count() > 1 { format!(" [{}]", container.name) } else { String::new() }
}

/// The words of a container's waiting, and of the events that say more than it.
pub(super) fn joined(reason: &str, message: &str) -> String {
    if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") }
}
