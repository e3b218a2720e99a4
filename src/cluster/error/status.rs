//! What admission policies, schemas and RBAC say, in their own words without the noise around them.

use std::fmt::Write as _;

use kube::core::Status;
use kube::core::response::StatusCause;

use super::{Error, Kind, quote};

/// Where a policy's own words begin in a refusal.
const POLICY_MARK: &str = "denied request: ";

/// What an admission policy said, if one did; also the API server's own words when a policy found no Environment.
pub(super) fn policy_refusal(status: &Status, causes: &[StatusCause]) -> Option<Error> {
    let texts = || causes.iter().map(|cause| cause.message.as_str()).chain([status.message.as_str()]);
    if texts().any(|text| text.contains("no params found for policy binding")) {
        return Some(Error::new(
            Kind::EnvironmentNotFound,
            "EnvironmentNotFound: there is no Environment in this namespace: its platform owner creates one first",
        ));
    }
    let words = texts().find_map(|text| text.split_once(POLICY_MARK))?.1.trim();
    if words.starts_with("expression '") {
        return Some(Error::new(
            Kind::Server,
            format!("an admission policy itself is broken; report this to its owner: {}", quote(words)),
        ));
    }
    let code = words.split_once(": ").map_or("", |(code, _)| code);
    let is_code = !code.is_empty() && code.chars().all(|c| c.is_ascii_alphanumeric());
    let code = if is_code { code.to_owned() } else { String::new() };
    let kind = if code == "EnvironmentNotFound" { Kind::EnvironmentNotFound } else { Kind::Refused { code } };
    Some(Error::new(kind, quote(words)))
}

/// The fields that do not fit; causes about `<nil>` only repeat that others were not looked at.
pub(super) fn invalid_sentence(status: &Status, causes: &[StatusCause]) -> String {
    if let Some((_, words)) = status.message.split_once("strict decoding error: ") {
        return format!(
            "the server does not know a field that we sent ({}): its CRDs are older than this program",
            quote(words)
        );
    }
    let mut sentence = String::new();
    for cause in causes.iter().filter(|cause| cause.field != "<nil>" && !cause.message.is_empty()) {
        if !sentence.is_empty() {
            sentence.push_str("; ");
        }
        if !cause.field.is_empty() {
            let _ = write!(sentence, "{}: ", quote(&cause.field));
        }
        sentence.push_str(&quote(&cause.message));
    }
    if sentence.is_empty() {
        let words =
            status.message.split_once(" is invalid: ").map_or(status.message.as_str(), |(_, words)| words);
        sentence = quote(words.strip_prefix("<nil>: ").unwrap_or(words));
    }
    sentence
}

/// RBAC's words as a sentence about us.
pub(super) fn rbac_sentence(message: &str) -> String {
    parse_rbac(message).unwrap_or_else(|| format!("you may not do this: {}", quote(message)))
}

fn parse_rbac(message: &str) -> Option<String> {
    let words = message.split_once(" cannot ")?.1;
    let (verb, rest) = words.split_once(" resource \"")?;
    let (resource, rest) = rest.split_once('"')?;
    let group = rest
        .split_once("API group \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("", |(group, _)| group);
    let place =
        rest.split_once("in the namespace \"").and_then(|(_, rest)| rest.split_once('"')).map_or_else(
            || "in the whole cluster".to_owned(),
            |(namespace, _)| format!("in namespace {namespace}"),
        );
    let object = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
    Some(quote(&format!(
        "you may not {verb} {resource} {place}: ask for the verb `{verb}` on `{object}` there"
    )))
}

pub(super) fn retry_after(status: &Status) -> String {
    let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    if seconds == 0 { String::new() } else { format!(" {seconds} s") }
}
