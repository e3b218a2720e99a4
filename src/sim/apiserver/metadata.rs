//! Names, labels and annotations that a server refuses, in its words.

use serde_json::Value;

use super::refusal::Cause;
use crate::sim::kinds::{self, Resource, text};

/// The longest name of most objects.
const SUBDOMAIN: usize = 253;
/// The longest value of a label, name part of a key, and name of what becomes a host name.
const LABEL: usize = 63;
const SUBDOMAIN_FORM: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and \
     end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_FORM: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with \
     an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const VALUE_FORM: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and \
     end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
     '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const KEY_FORM: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
     (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// What is wrong with the metadata of an object; its name is judged only when it is new.
pub(super) fn causes(resource: &Resource, value: &Value, is_new: bool) -> Vec<Cause> {
    let mut causes = Vec::new();
    if is_new {
        let name = text(value, &["metadata", "name"]);
        causes.extend(
            name_problems(resource, name).into_iter().map(|why| invalid("metadata.name", name, &why)),
        );
    }
    labels(value, &["metadata", "labels"], "metadata.labels", &mut causes);
    annotations(value, &["metadata", "annotations"], "metadata.annotations", &mut causes);
    causes
}

/// Judges keys and values of labels; `field` is how the server calls their place.
pub(super) fn labels(value: &Value, path: &[&str], field: &str, causes: &mut Vec<Cause>) {
    for (key, value) in kinds::at(value, path).and_then(Value::as_object).into_iter().flatten() {
        causes.extend(key_problems(key).into_iter().map(|why| invalid(field, key, &why)));
        let value = value.as_str().unwrap_or_default();
        causes.extend(value_problems(value).into_iter().map(|why| invalid(field, value, &why)));
    }
}

/// Judges keys of annotations.
pub(super) fn annotations(value: &Value, path: &[&str], field: &str, causes: &mut Vec<Cause>) {
    for (key, _) in kinds::at(value, path).and_then(Value::as_object).into_iter().flatten() {
        causes
            .extend(key_problems(&key.to_ascii_lowercase()).into_iter().map(|why| invalid(field, key, &why)));
    }
}

fn invalid(field: &str, found: &str, why: &str) -> Cause {
    Cause::new(field, "FieldValueInvalid", format!("Invalid value: \"{found}\": {why}"))
}

fn name_problems(resource: &Resource, name: &str) -> Vec<String> {
    let mut problems = Vec::new();
    match resource.kind {
        // any path segment will do
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {}
        "Service" | "StatefulSet" | "Namespace" => {
            problems.extend((name.len() > LABEL).then(|| longest(LABEL, "characters")));
            if !is_label(name) {
                let only_dots = is_subdomain(name);
                problems.push(if only_dots {
                    "must not contain dots".to_owned()
                } else {
                    LABEL_FORM.to_owned()
                });
            }
        }
        _ => {
            problems.extend((name.len() > SUBDOMAIN).then(|| longest(SUBDOMAIN, "characters")));
            problems.extend((!is_subdomain(name)).then(|| SUBDOMAIN_FORM.to_owned()));
        }
    }
    problems
}

fn longest(most: usize, unit: &str) -> String {
    format!("must be no more than {most} {unit}")
}

fn value_problems(value: &str) -> Vec<String> {
    let mut problems = Vec::new();
    problems.extend((value.len() > LABEL).then(|| longest(LABEL, "bytes")));
    problems.extend((!value.is_empty() && !is_word(value)).then(|| VALUE_FORM.to_owned()));
    problems
}

fn key_problems(key: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let (prefix, name) = match key.split('/').collect::<Vec<_>>().as_slice() {
        [name] => (None, *name),
        [prefix, name] => (Some(*prefix), *name),
        _ => {
            return vec![format!(
                "a valid label key {KEY_FORM} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    match prefix {
        Some("") => problems.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => {
            let long = (prefix.len() > SUBDOMAIN).then(|| longest(SUBDOMAIN, "bytes"));
            let form = (!is_subdomain(prefix)).then(|| SUBDOMAIN_FORM.to_owned());
            problems.extend(long.into_iter().chain(form).map(|why| format!("prefix part {why}")));
        }
        None => {}
    }
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    } else if name.len() > LABEL {
        problems.push(format!("name part {}", longest(LABEL, "bytes")));
    }
    problems.extend((!is_word(name)).then(|| format!("name part {KEY_FORM}")));
    problems
}

fn is_edge(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().copied().is_some_and(is_edge)
        && bytes.last().copied().is_some_and(is_edge)
        && bytes.iter().all(|byte| is_edge(*byte) || *byte == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}
