//! Label and field selectors, as `kubectl -l` and `--field-selector` send them.

use serde_json::Value;

use super::refusal::Refusal;
use crate::sim::kinds::{self, Resource};

/// One requirement on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl Requirement {
    /// Keys and values may only hold what labels may hold.
    fn is_well_formed(&self) -> bool {
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        let (key, values): (&str, &[String]) = match self {
            Self::In(key, values) | Self::NotIn(key, values) => (key, values),
            Self::Exists(key) | Self::Absent(key) => (key, &[]),
        };
        !key.is_empty() && plain(key) && values.iter().all(|value| plain(value) && !value.contains('/'))
    }
}

/// What an object must be to be listed.
#[derive(Clone, Debug, Default)]
pub(super) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, bool, String)>,
}

impl Selector {
    /// Both selectors of a request.
    ///
    /// # Errors
    /// 400 for what cannot be parsed, and for fields that the resource cannot be selected by.
    pub(super) fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Self, Refusal> {
        Ok(Self { labels: parse_labels(labels)?, fields: parse_fields(resource, fields)? })
    }

    /// Whether everything matches.
    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object matches.
    pub(super) fn matches(&self, value: &Value) -> bool {
        self.labels.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => {
                kinds::label(value, key).is_some_and(|present| values.iter().any(|wanted| wanted == present))
            }
            Requirement::NotIn(key, values) => {
                kinds::label(value, key).is_none_or(|present| values.iter().all(|wanted| wanted != present))
            }
            Requirement::Exists(key) => kinds::label(value, key).is_some(),
            Requirement::Absent(key) => kinds::label(value, key).is_none(),
        }) && self.fields.iter().all(|(path, equal, wanted)| (field(value, path) == *wanted) == *equal)
    }
}

fn field(value: &Value, path: &str) -> String {
    let path = path.replace("regarding.", "involvedObject.");
    match path.split('.').try_fold(value, |value, part| value.get(part)) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn parse_fields(resource: &Resource, text: &str) -> Result<Vec<(String, bool, String)>, Refusal> {
    let mut fields = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (path, equal, wanted) = if let Some((path, wanted)) = part.split_once("!=") {
            (path, false, wanted)
        } else if let Some((path, wanted)) = part.split_once("==") {
            (path, true, wanted)
        } else if let Some((path, wanted)) = part.split_once('=') {
            (path, true, wanted)
        } else {
            return Err(Refusal::bad_request(format!(
                "Unable to find \"{}\" that match label selector \"\", field selector \"{text}\": invalid selector: \
                 '{text}'; can't understand '{part}'",
                resource.plural
            )));
        };
        if !selectable(resource, path) {
            let why = if has_own_fields(resource) {
                format!("field label not supported: {path}")
            } else {
                format!(
                    "\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                )
            };
            return Err(Refusal::bad_request(format!(
                "Unable to find \"{}, Resource={}\" that match label selector \"\", field selector \"{text}\": {why}",
                resource.api_version(),
                resource.plural
            )));
        }
        fields.push((path.to_owned(), equal, wanted.to_owned()));
    }
    Ok(fields)
}

/// Whether a kind tells its own fields from those of every object.
fn has_own_fields(resource: &Resource) -> bool {
    resource.is_ours() || !own_fields(resource).is_empty()
}

fn selectable(resource: &Resource, path: &str) -> bool {
    path == "metadata.name"
        || (resource.namespaced && path == "metadata.namespace")
        || own_fields(resource).contains(&path)
}

fn own_fields(resource: &Resource) -> &'static [&'static str] {
    match resource.plural {
        "pods" => &[
            "spec.nodeName",
            "status.phase",
            "spec.restartPolicy",
            "spec.serviceAccountName",
            "status.podIP",
        ],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "regarding.kind",
            "regarding.name",
            "regarding.namespace",
            "reason",
            "type",
        ],
        "environments" => &["spec.application", "spec.tier"],
        "releases" => &["spec.environment", "spec.version", "spec.requestedBy", "status.phase"],
        "releaseactions" => {
            &["spec.release.name", "spec.environment", "spec.action", "spec.actor", "status.result"]
        }
        "secrets" => &["type"],
        "namespaces" => &["status.phase"],
        "replicasets" => &["status.replicas"],
        _ => &[],
    }
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, Refusal> {
    let mut requirements = Vec::new();
    for part in split_outside_parentheses(text) {
        let part = part.trim();
        if part.is_empty() {
            continue;
        }
        requirements.push(
            requirement(part).filter(Requirement::is_well_formed).ok_or_else(|| {
                Refusal::bad_request(format!("unable to parse requirement: found '{part}'"))
            })?,
        );
    }
    Ok(requirements)
}

fn requirement(part: &str) -> Option<Requirement> {
    let set = |rest: &str| {
        let inner = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split(',').map(|value| value.trim().to_owned()).collect::<Vec<_>>())
    };
    if let Some((key, rest)) = part.split_once(" notin") {
        return Some(Requirement::NotIn(key.trim().to_owned(), set(rest)?));
    }
    if let Some((key, rest)) = part.split_once(" in") {
        return Some(Requirement::In(key.trim().to_owned(), set(rest)?));
    }
    let pair = |(key, value): (&str, &str)| (key.trim().to_owned(), vec![value.trim().to_owned()]);
    if let Some(found) = part.split_once("!=") {
        let (key, values) = pair(found);
        return Some(Requirement::NotIn(key, values));
    }
    if let Some(found) = part.split_once("==").or_else(|| part.split_once('=')) {
        let (key, values) = pair(found);
        return Some(Requirement::In(key, values));
    }
    let word =
        |key: &str| !key.is_empty() && !key.contains(|c: char| c.is_whitespace() || "()<>".contains(c));
    match part.strip_prefix('!') {
        Some(key) => word(key.trim()).then(|| Requirement::Absent(key.trim().to_owned())),
        None => word(part).then(|| Requirement::Exists(part.to_owned())),
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::kinds::{PODS, RELEASES};
    use serde_json::json;

    #[test]
    fn label_selectors_of_every_form_match() {
        let pod = json!({"metadata": {"labels": {"app": "web", "track": "stable"}}});
        for (text, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,track!=canary", true),
            ("app in (api, web)", true),
            ("app notin (web)", false),
            ("missing notin (web)", true),
            ("track", true),
            ("!track", false),
            ("app=api", false),
        ] {
            assert_eq!(Selector::parse(PODS, text, "").unwrap().matches(&pod), expected, "{text}");
        }
    }

    #[test]
    fn field_selectors_know_the_fields_of_their_kind() {
        let release = json!({"metadata": {"name": "a"}, "status": {"phase": "Pending"}});
        assert!(Selector::parse(RELEASES, "", "status.phase=Pending").unwrap().matches(&release));
        assert!(!Selector::parse(RELEASES, "", "status.phase!=Pending").unwrap().matches(&release));
        assert_eq!(Selector::parse(RELEASES, "", "spec.nodeName=a").unwrap_err().code, 400);
    }
}
