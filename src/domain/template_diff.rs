//! What changes between two pod templates, as rows for people: images, environment, resources, volumes, probes, arguments.
//!
//! Values that look secret are never shown, only that they differ; of what comes from a Secret only the reference is known here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::timeline::cut;

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it is, such as `backend: env LOG_LEVEL`.
    pub what: String,
    /// How it was; absent where it was not there.
    pub from: Option<String>,
    /// How it becomes; absent where it goes away.
    pub to: Option<String>,
}

/// Characters of a value that are shown.
const SHOWN: usize = 200;
/// Words in a name whose value is nobody's business.
const SECRET: [&str; 9] =
    ["PASSW", "SECRET", "TOKEN", "CREDENTIAL", "PRIVATE", "API_KEY", "APIKEY", "ACCESS_KEY", "AUTH"];

/// What a thing shows of itself, and what it is compared by.
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) value: Value,
}

/// Everything that differs between two pod templates, in a stable order.
#[must_use]
pub(crate) fn diff(from: &Value, to: &Value) -> Vec<Row> {
    let (from, to) = (things(from), things(to));
    let names: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let differs = |name: &&String| from.get(*name).map(|it| &it.value) != to.get(*name).map(|it| &it.value);
    names
        .into_iter()
        .filter(differs)
        .map(|name| {
            let mut row = Row {
                what: name.clone(),
                from: from.get(name).map(|it| it.text.clone()),
                to: to.get(name).map(|it| it.text.clone()),
            };
            if row.from.is_some() && row.from == row.to {
                row.to = Some(format!("another {}", row.to.unwrap_or_default()));
            }
            row
        })
        .collect()
}

/// Everything in a template that can differ, by what people call it.
pub(super) fn things(template: &Value) -> BTreeMap<String, Shown> {
    let mut found = BTreeMap::new();
    for part in ["labels", "annotations"] {
        for (key, value) in fields(&template["metadata"][part]) {
            put(&mut found, format!("{part}: {key}"), value, shown(key, value));
        }
    }
    for (key, value) in fields(&template["spec"]) {
        match key.as_str() {
            "containers" | "initContainers" => {
                for one in value.as_array().into_iter().flatten() {
                    container(&mut found, one);
                }
            }
            "volumes" => named(&mut found, "volume", value),
            _ => put(&mut found, format!("pod: {key}"), value, compact(value)),
        }
    }
    found
}

fn container(found: &mut BTreeMap<String, Shown>, container: &Value) {
    let name = container["name"].as_str().unwrap_or_default();
    for (key, value) in fields(container) {
        let what = |what: &str| format!("{name}: {what}");
        match key.as_str() {
            "name" => {}
            "env" => {
                for one in value.as_array().into_iter().flatten() {
                    let variable = one["name"].as_str().unwrap_or_default();
                    let text = match one.get("valueFrom") {
                        Some(source) => source_of(source),
                        None => shown(variable, one.get("value").unwrap_or(&Value::Null)),
                    };
                    put(found, what(&format!("env {variable}")), one, text);
                }
            }
            "resources" => {
                for (kind, amounts) in fields(value) {
                    for (resource, amount) in fields(amounts) {
                        put(found, what(&format!("{kind} {resource}")), amount, compact(amount));
                    }
                }
            }
            "args" | "command" => put(found, what(key), value, words(value)),
            "volumeMounts" => named(found, &what("mount"), value),
            _ => put(found, what(key), value, compact(value)),
        }
    }
}

/// The items of a list, each by its name.
fn named(found: &mut BTreeMap<String, Shown>, what: &str, list: &Value) {
    for one in list.as_array().into_iter().flatten() {
        let mut rest = one.clone();
        let name = rest.as_object_mut().and_then(|fields| fields.remove("name"));
        let name = name.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        put(found, format!("{what} {name}"), one, compact(&rest));
    }
}

fn put(found: &mut BTreeMap<String, Shown>, what: String, value: &Value, text: String) {
    found.insert(what, Shown { text: cut(text, SHOWN), value: value.clone() });
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Where a variable comes from: names, never values.
fn source_of(source: &Value) -> String {
    for (kind, what) in [("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")] {
        if let Some(reference) = source.get(kind) {
            let part = |name: &str| reference[name].as_str().unwrap_or_default().to_owned();
            return format!("key {} of {what} {}", part("key"), part("name"));
        }
    }
    compact(source)
}

/// A value as it may be seen: not at all where its name or its form says that it is a secret.
pub(super) fn shown(name: &str, value: &Value) -> String {
    let text = compact(value);
    if looks_secret(name) || has_credentials(&text) { "value (not shown)".to_owned() } else { text }
}

fn words(value: &Value) -> String {
    let mut hide_next = false;
    let word = |word: &Value| {
        let text = compact(word);
        let (name, rest) = text.split_once('=').unwrap_or((text.as_str(), ""));
        let hidden =
            std::mem::replace(&mut hide_next, rest.is_empty() && name.starts_with('-') && looks_secret(name));
        if hidden || has_credentials(&text) {
            "(not shown)".to_owned()
        } else if !rest.is_empty() && looks_secret(name) {
            format!("{name}=(not shown)")
        } else {
            text.clone()
        }
    };
    value.as_array().into_iter().flatten().map(word).collect::<Vec<_>>().join(" ")
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace('-', "_");
    SECRET.iter().any(|word| name.contains(word))
}

/// Whether it is a URL with a password in it.
fn has_credentials(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

pub(super) fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(container: &Value) -> Value {
        json!({"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [container]}})
    }

    fn rows(from: &Value, to: &Value) -> Vec<(String, Option<String>, Option<String>)> {
        diff(&template(from), &template(to)).into_iter().map(|row| (row.what, row.from, row.to)).collect()
    }

    #[test]
    fn each_kind_of_change_is_a_row_of_its_own() {
        let from = json!({"name": "api", "image": "api:v1", "args": ["--port", "80"], "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
            "env": [{"name": "LEVEL", "value": "info"}, {"name": "GONE", "value": "x"}], "readinessProbe": {"periodSeconds": 5},
            "volumeMounts": [{"name": "data", "mountPath": "/a"}]});
        let to = json!({"name": "api", "image": "api:v2", "args": ["--port", "81"], "resources": {"limits": {"cpu": "2", "memory": "1Gi"}},
            "env": [{"name": "LEVEL", "value": "debug"}, {"name": "NEW", "valueFrom": {"secretKeyRef": {"name": "app", "key": "K"}}}],
            "readinessProbe": {"periodSeconds": 9}, "volumeMounts": [{"name": "data", "mountPath": "/b"}]});
        let told = rows(&from, &to);
        let names: Vec<_> = told.iter().map(|(what, _, _)| what.as_str()).collect();
        assert_eq!(
            names,
            [
                "api: args",
                "api: env GONE",
                "api: env LEVEL",
                "api: env NEW",
                "api: image",
                "api: limits cpu",
                "api: mount data",
                "api: readinessProbe"
            ]
        );
        assert_eq!(told[2].1.as_deref().zip(told[2].2.as_deref()), Some(("info", "debug")));
        assert_eq!((told[1].2.as_deref(), told[3].2.as_deref()), (None, Some("key K of Secret app")));
        assert!(diff(&template(&from), &template(&from)).is_empty());
    }

    #[test]
    fn what_looks_secret_is_never_shown() {
        for (name, before, after) in [
            ("DB_PASSWORD", "hunter2", "hunter3"),
            ("SESSION_TOKEN", "hunter2", "hunter3"),
            ("DATABASE_URL", "postgres://app:hunter2@db/app", "postgres://app:hunter3@db/app"),
        ] {
            let container = |value: &str| json!({"name": "api", "env": [{"name": name, "value": value}]});
            let told = rows(&container(before), &container(after));
            assert_eq!(told.len(), 1, "{name}");
            assert!(!format!("{told:?}").contains("hunter"), "{told:?}");
            assert_ne!(told[0].1, told[0].2, "that it differs is told");
        }
        for args in [json!(["--db-password=hunter2"]), json!(["--auth-token", "hunter2"])] {
            let told = rows(&json!({"name": "api", "args": args}), &json!({"name": "api"}));
            assert!(!format!("{told:?}").contains("hunter"), "{told:?}");
        }
    }
}
