//! Who owns which field: `metadata.managedFields`, the sets behind server-side apply.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::schema::list_keys;
use crate::sim::store::{metadata, stamp};

/// One step of a path as `FieldsV1` spells it: `f:name`, `k:{…}`, `v:…`.
pub(super) type Path = Vec<String>;
/// Paths of owned fields. A path that ends in `.` stands for the existence of a list item.
pub(super) type Set = BTreeSet<Path>;

/// How lists of one kind of object are merged: by the schema of a custom resource, or by the well-known keys.
#[derive(Clone, Copy, Debug)]
pub(super) enum Merge<'a> {
    /// The node of a structural schema.
    Schema(&'a Value),
    /// The well-known lists of the built-in kinds.
    Builtin,
    /// Below an atomic value.
    Atomic,
}

impl<'a> Merge<'a> {
    /// The rule below a field.
    pub(super) fn field(self, name: &str) -> Self {
        match self {
            Self::Schema(schema) => {
                let inner = schema.get("properties").and_then(|known| known.get(name));
                match inner.or_else(|| schema.get("additionalProperties").filter(|inner| inner.is_object())) {
                    Some(inner) => Self::Schema(inner),
                    None => Self::Builtin,
                }
            }
            other => other,
        }
    }

    /// The keys by which the items of the list in field `name` are told apart, and the rule below an item; nothing when the
    /// list is replaced as a whole. Call on the rule of the list itself.
    pub(super) fn keys(self, name: &str) -> Option<(Vec<&'a str>, Self)> {
        match self {
            Self::Schema(schema) => {
                let keys = list_keys(schema)?;
                Some((keys, schema.get("items").map_or(Self::Atomic, Self::Schema)))
            }
            Self::Builtin => Some((builtin_keys(name)?, Self::Builtin)),
            Self::Atomic => None,
        }
    }
}

/// Keys of the lists that the built-in kinds merge by key.
pub(super) fn builtin_keys(name: &str) -> Option<Vec<&'static str>> {
    Some(match name {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "volumes"
        | "env"
        | "imagePullSecrets"
        | "secrets" => vec!["name"],
        "ports" => vec!["containerPort", "protocol"],
        "volumeMounts" => vec!["mountPath"],
        "conditions" => vec!["type"],
        "ownerReferences" => vec!["uid"],
        "topologySpreadConstraints" => vec!["topologyKey"],
        "hostAliases" => vec!["ip"],
        _ => return None,
    })
}

/// The paths of all leaves of an object, without identity and what the server itself writes.
pub(super) fn leaves(value: &Value, merge: Merge<'_>) -> Set {
    let mut set = Set::new();
    for (name, inner) in value.as_object().into_iter().flatten() {
        match name.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => {
                let mut metadata = inner.clone();
                if let Some(map) = metadata.as_object_mut() {
                    map.retain(|key, _| {
                        matches!(key.as_str(), "labels" | "annotations" | "finalizers" | "ownerReferences")
                    });
                }
                if metadata.as_object().is_none_or(Map::is_empty) {
                    continue;
                }
                collect(&metadata, "metadata", Merge::Builtin, &mut vec!["f:metadata".to_owned()], &mut set);
            }
            _ => collect(inner, name, merge.field(name), &mut vec![format!("f:{name}")], &mut set),
        }
    }
    set
}

fn collect(value: &Value, name: &str, merge: Merge<'_>, path: &mut Path, set: &mut Set) {
    match value {
        Value::Object(map) if !map.is_empty() && !matches!(merge, Merge::Atomic) => {
            for (key, inner) in map {
                path.push(format!("f:{key}"));
                collect(inner, key, merge.field(key), path, set);
                path.pop();
            }
        }
        Value::Array(items) => match merge.keys(name) {
            Some((keys, below)) => {
                for item in items {
                    path.push(item_key(item, &keys));
                    path.push(".".to_owned());
                    set.insert(path.clone());
                    path.pop();
                    collect(item, "", below, path, set);
                    path.pop();
                }
            }
            None if name == "finalizers" => {
                for item in items {
                    path.push(format!("v:{item}"));
                    set.insert(path.clone());
                    path.pop();
                }
            }
            None => {
                set.insert(path.clone());
            }
        },
        _ => {
            set.insert(path.clone());
        }
    }
}

/// The `k:` step of a list item.
pub(super) fn item_key(item: &Value, keys: &[&str]) -> String {
    let map: Map<String, Value> = keys
        .iter()
        .filter_map(|key| {
            let value = item.get(*key).cloned().or_else(|| (*key == "protocol").then(|| "TCP".into()))?;
            Some(((*key).to_owned(), value))
        })
        .collect();
    format!("k:{}", Value::Object(map))
}

/// The value at a path; nothing when absent.
pub(super) fn value_at<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    let Some((step, rest)) = path.split_first() else { return Some(value) };
    if step == "." {
        return Some(value);
    }
    if let Some(name) = step.strip_prefix("f:") {
        return value_at(value.get(name)?, rest);
    }
    if let Some(key) = step.strip_prefix("k:") {
        let item = value.as_array()?.iter().find(|item| is_item(item, key))?;
        return value_at(item, rest);
    }
    let wanted: Value = serde_json::from_str(step.strip_prefix("v:")?).ok()?;
    value.as_array()?.iter().find(|item| **item == wanted)
}

/// Whether an item of a list has this key.
pub(super) fn is_item(item: &Value, key: &str) -> bool {
    let Ok(Value::Object(key)) = serde_json::from_str(key) else { return false };
    key.iter().all(|(name, wanted)| {
        item.get(name) == Some(wanted) || (name == "protocol" && wanted == "TCP" && item.get(name).is_none())
    })
}

/// Removes what a path points at, and containers that became empty by it.
pub(super) fn remove_at(value: &mut Value, path: &[String]) {
    let Some((step, rest)) = path.split_first() else { return };
    let last = rest.is_empty() || rest == ["."];
    if let Some(name) = step.strip_prefix("f:") {
        let Some(map) = value.as_object_mut() else { return };
        if last {
            map.shift_remove(name);
        } else if let Some(inner) = map.get_mut(name) {
            remove_at(inner, rest);
            let empty =
                inner.as_object().is_some_and(Map::is_empty) || inner.as_array().is_some_and(Vec::is_empty);
            if empty {
                map.shift_remove(name);
            }
        }
    } else if let Some(items) = value.as_array_mut() {
        let is_meant = |item: &Value| match step.strip_prefix("k:") {
            Some(key) => is_item(item, key),
            None => step
                .strip_prefix("v:")
                .is_some_and(|text| serde_json::from_str::<Value>(text).is_ok_and(|wanted| wanted == *item)),
        };
        if last {
            items.retain(|item| !is_meant(item));
        } else if let Some(item) = items.iter_mut().find(|item| is_meant(item)) {
            remove_at(item, rest);
        }
    }
}

/// A path as errors show it: `.spec.images[component="backend"].image`.
pub(super) fn display(path: &[String]) -> String {
    let mut text = String::new();
    for step in path {
        if let Some(name) = step.strip_prefix("f:") {
            text.push('.');
            text.push_str(name);
        } else if let Some(key) = step.strip_prefix("k:") {
            let key: Map<String, Value> = serde_json::from_str(key).unwrap_or_default();
            let parts: Vec<_> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let _ = write!(text, "[{}]", parts.join(","));
        } else if let Some(value) = step.strip_prefix("v:") {
            let _ = write!(text, "[={value}]");
        }
    }
    text
}

/// One entry of `managedFields`.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// Name of the manager.
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// Subresource; empty for the object itself.
    pub subresource: String,
    /// When it last changed.
    pub time: String,
    /// What it owns.
    pub fields: Set,
}

/// Reads `managedFields`.
pub(super) fn owners(value: &Value) -> Vec<Owner> {
    let entries = value.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    let text =
        |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    entries
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|entry| {
            let mut fields = Set::new();
            if let Some(tree) = entry.get("fieldsV1") {
                from_tree(tree, &mut Vec::new(), &mut fields);
            }
            Owner {
                manager: text(entry, "manager"),
                operation: text(entry, "operation"),
                subresource: text(entry, "subresource"),
                time: text(entry, "time"),
                fields,
            }
        })
        .collect()
}

/// Writes `managedFields`; owners of nothing are left out.
pub(super) fn set_owners(value: &mut Value, owners: &[Owner], api_version: &str) {
    let entries: Vec<Value> = owners
        .iter()
        .filter(|owner| !owner.fields.is_empty())
        .map(|owner| {
            let mut entry = json!({
                "manager": owner.manager, "operation": owner.operation, "apiVersion": api_version, "time": owner.time,
                "fieldsType": "FieldsV1", "fieldsV1": to_tree(&owner.fields)
            });
            if !owner.subresource.is_empty() {
                entry["subresource"] = owner.subresource.clone().into();
            }
            entry
        })
        .collect();
    metadata(value).insert("managedFields".into(), Value::Array(entries));
}

fn to_tree(set: &Set) -> Value {
    let mut tree = json!({});
    for path in set {
        let mut node = &mut tree;
        for step in path {
            node = &mut node[step.as_str()];
            if node.is_null() {
                *node = json!({});
            }
        }
    }
    tree
}

fn from_tree(tree: &Value, path: &mut Path, set: &mut Set) {
    for (step, inner) in tree.as_object().into_iter().flatten() {
        path.push(step.clone());
        if inner.as_object().is_none_or(Map::is_empty) {
            set.insert(path.clone());
        } else {
            from_tree(inner, path, set);
        }
        path.pop();
    }
}

/// Records that an update by `manager` changed `old` into `new`.
pub(super) fn record_update(
    old: Option<&Value>,
    new: &mut Value,
    merge: Merge<'_>,
    (manager, subresource, api_version): (&str, &str, &str),
    now: DateTime<Utc>,
) {
    let present = leaves(new, merge);
    let changed: Set = present
        .iter()
        .filter(|path| old.is_none_or(|old| value_at(old, path) != value_at(new, path)))
        .filter(|path| {
            path.last().is_some_and(|step| step != ".") || old.is_none_or(|old| value_at(old, path).is_none())
        })
        .cloned()
        .collect();
    let mut owners = old.map(owners).unwrap_or_default();
    for owner in &mut owners {
        let is_me =
            owner.manager == manager && owner.operation == "Update" && owner.subresource == subresource;
        owner.fields.retain(|path| value_at(new, path).is_some() && (is_me || !changed.contains(path)));
    }
    if !changed.is_empty() {
        let mine = owners.iter_mut().find(|owner| {
            owner.manager == manager && owner.operation == "Update" && owner.subresource == subresource
        });
        match mine {
            Some(mine) => {
                mine.fields.extend(changed);
                mine.time = stamp(now);
            }
            None => owners.push(Owner {
                manager: manager.to_owned(),
                operation: "Update".to_owned(),
                subresource: subresource.to_owned(),
                time: stamp(now),
                fields: changed,
            }),
        }
    }
    set_owners(new, &owners, api_version);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_of_keyed_lists_carry_their_keys() {
        let object = json!({"kind": "X", "metadata": {"name": "a", "labels": {"l": "1"}},
            "spec": {"containers": [{"name": "c", "image": "i"}], "args": [1, 2]}});
        let set = leaves(&object, Merge::Builtin);
        let shown: Vec<_> = set.iter().map(|path| display(path)).collect();
        assert_eq!(
            shown,
            [
                ".metadata.labels.l",
                ".spec.args",
                ".spec.containers[name=\"c\"]",
                ".spec.containers[name=\"c\"].image",
                ".spec.containers[name=\"c\"].name"
            ]
        );
        for path in &set {
            assert!(value_at(&object, path).is_some(), "{path:?}");
        }
    }

    #[test]
    fn the_tree_of_fields_is_read_back_as_it_was_written() {
        let object =
            json!({"metadata": {}, "spec": {"containers": [{"name": "c", "image": "i"}], "replicas": 3}});
        let set = leaves(&object, Merge::Builtin);
        let mut back = Set::new();
        from_tree(&to_tree(&set), &mut Vec::new(), &mut back);
        assert_eq!(set, back);
    }

    #[test]
    fn an_update_takes_over_what_it_changes() {
        let old = json!({"metadata": {}, "spec": {"a": 1, "b": 1}});
        let mut first = old.clone();
        record_update(None, &mut first, Merge::Builtin, ("one", "", "v1"), DateTime::UNIX_EPOCH);
        let mut second = first.clone();
        second["spec"]["b"] = json!(2);
        record_update(Some(&first), &mut second, Merge::Builtin, ("two", "", "v1"), DateTime::UNIX_EPOCH);
        let owners = owners(&second);
        assert_eq!(owners.len(), 2);
        assert_eq!(owners[0].fields.iter().map(|path| display(path)).collect::<Vec<_>>(), [".spec.a"]);
        assert_eq!(owners[1].fields.iter().map(|path| display(path)).collect::<Vec<_>>(), [".spec.b"]);
    }

    #[test]
    fn removing_a_leaf_removes_what_became_empty() {
        let mut value = json!({"a": {"b": {"c": 1}}, "d": 1});
        remove_at(&mut value, &["f:a".into(), "f:b".into(), "f:c".into()]);
        assert_eq!(value, json!({"d": 1}));
    }
}
