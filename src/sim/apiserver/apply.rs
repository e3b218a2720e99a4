//! Server-side apply: merge of what a manager wants into what is, with conflicts on fields of other managers.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use std::fmt::Write as _;

use super::fields::{
    Merge, Owner, Set, display, is_item, item_key, leaves, owners, remove_at, set_owners, value_at,
};
use super::refusal::Refusal;
use crate::sim::store::stamp;

/// Who applies, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Applier<'a> {
    /// Name of the field manager.
    pub manager: &'a str,
    /// Subresource; empty for the object itself.
    pub subresource: &'a str,
    /// `apiVersion` of the object.
    pub api_version: &'a str,
    /// Take fields over from other managers.
    pub force: bool,
}

/// Merges `wanted` into `live` (nothing when the object is to be created).
///
/// # Errors
/// 409 with the fields that belong to others and would change.
pub(super) fn apply(
    live: Option<&Value>,
    wanted: &Value,
    merge: Merge<'_>,
    by: Applier<'_>,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let mut wanted = wanted.clone();
    if let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    let fields = leaves(&wanted, merge);
    let mut owners = live.map(owners).unwrap_or_default();
    let is_me = |owner: &Owner| {
        owner.manager == by.manager && owner.operation == "Apply" && owner.subresource == by.subresource
    };
    let conflicts = find_conflicts(live, (&wanted, &fields), (&owners, by.api_version), &is_me);
    if !conflicts.is_empty() && !by.force {
        return Err(Refusal::apply_conflict(&conflicts));
    }
    let mut result = live.cloned().unwrap_or_else(|| Value::Object(Map::new()));
    overlay(&mut result, &wanted, "", merge);
    let before: Set =
        owners.iter().find(|owner| is_me(owner)).map(|owner| owner.fields.clone()).unwrap_or_default();
    let kept_by_others =
        |path: &Vec<String>| owners.iter().any(|owner| !is_me(owner) && owner.fields.contains(path));
    let mut given_up: Vec<_> =
        before.iter().filter(|path| !fields.contains(*path) && !kept_by_others(path)).collect();
    given_up.sort_by_key(|path| std::cmp::Reverse(path.len()));
    for path in given_up {
        let item_is_still_owned = path.last().is_some_and(|step| step == ".")
            && owners.iter().any(|owner| {
                !is_me(owner) && owner.fields.iter().any(|other| other.starts_with(&path[..path.len() - 1]))
            });
        if !item_is_still_owned {
            remove_at(&mut result, path);
        }
    }
    for owner in &mut owners {
        if !is_me(owner) {
            let name = label(owner, by.api_version);
            owner.fields.retain(|path| {
                value_at(&result, path).is_some()
                    && !(conflicts.iter().any(|(manager, field)| *manager == name && *field == display(path)))
            });
        }
    }
    let unchanged = live.is_some_and(|live| *live == result) && before == fields;
    match owners.iter_mut().find(|owner| is_me(owner)) {
        Some(mine) => {
            mine.fields = fields;
            if !unchanged {
                mine.time = stamp(now);
            }
        }
        None => owners.push(Owner {
            manager: by.manager.to_owned(),
            operation: "Apply".to_owned(),
            subresource: by.subresource.to_owned(),
            time: stamp(now),
            fields,
        }),
    }
    set_owners(&mut result, &owners, by.api_version);
    Ok(result)
}

fn find_conflicts(
    live: Option<&Value>,
    (wanted, fields): (&Value, &Set),
    (owners, api_version): (&[Owner], &str),
    is_me: &impl Fn(&Owner) -> bool,
) -> Vec<(String, String)> {
    let Some(live) = live else { return Vec::new() };
    let mut conflicts = Vec::new();
    for path in fields.iter().filter(|path| path.last().is_some_and(|step| step != ".")) {
        if value_at(live, path) == value_at(wanted, path) {
            continue;
        }
        for owner in owners.iter().filter(|owner| !is_me(owner)) {
            let overlaps = owner.fields.contains(path)
                || owner.fields.iter().any(|other| other.len() > path.len() && other.starts_with(path));
            if overlaps {
                conflicts.push((label(owner, api_version), display(path)));
            }
        }
    }
    conflicts
}

/// A manager as conflicts name it.
fn label(owner: &Owner, api_version: &str) -> String {
    let mut text = format!("\"{}\"", owner.manager);
    if !owner.subresource.is_empty() {
        let _ = write!(text, " with subresource \"{}\"", owner.subresource);
    }
    if owner.operation == "Update" {
        let _ = write!(text, " using {api_version} at {}", owner.time);
    }
    text
}

/// Lays `wanted` over `target`: maps by field, keyed lists by key, everything else as a whole.
fn overlay(target: &mut Value, wanted: &Value, name: &str, merge: Merge<'_>) {
    match wanted {
        Value::Object(map) if !matches!(merge, Merge::Atomic) => {
            if !target.is_object() {
                *target = Value::Object(Map::new());
            }
            let Value::Object(into) = target else { return };
            for (key, value) in map {
                let below =
                    if key == "metadata" && name.is_empty() { Merge::Builtin } else { merge.field(key) };
                overlay(into.entry(key.clone()).or_insert(Value::Null), value, key, below);
            }
        }
        Value::Array(items) => match merge.keys(name) {
            Some((keys, below)) => {
                let mut merged = target.as_array().cloned().unwrap_or_default();
                for item in items {
                    let key = item_key(item, &keys);
                    let key = key.strip_prefix("k:").unwrap_or_default();
                    match merged.iter_mut().find(|present| is_item(present, key)) {
                        Some(present) => overlay(present, item, "item", below),
                        None => merged.push(item.clone()),
                    }
                }
                *target = Value::Array(merged);
            }
            None if name == "finalizers" => {
                let mut merged = target.as_array().cloned().unwrap_or_default();
                merged.extend(
                    items
                        .iter()
                        .filter(|item| !target.as_array().is_some_and(|list| list.contains(item)))
                        .cloned(),
                );
                *target = Value::Array(merged);
            }
            None => *target = wanted.clone(),
        },
        _ => *target = wanted.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn by(manager: &str) -> Applier<'_> {
        Applier { manager, subresource: "status", api_version: "g/v1", force: false }
    }

    fn run(live: Option<&Value>, wanted: &Value, by: Applier<'_>) -> Result<Value, Refusal> {
        apply(live, wanted, Merge::Builtin, by, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn another_manager_on_the_same_leaf_is_a_conflict_unless_it_wants_the_same() {
        let live = run(None, &json!({"metadata": {}, "status": {"phase": "A", "n": 1}}), by("one")).unwrap();
        let refusal = run(Some(&live), &json!({"status": {"phase": "B"}}), by("two")).unwrap_err();
        assert_eq!(refusal.code, 409);
        assert_eq!(
            refusal.message,
            "Apply failed with 1 conflict: conflict with \"one\" with subresource \"status\": .status.phase"
        );
        assert!(run(Some(&live), &json!({"status": {"phase": "A"}}), by("two")).is_ok());
        let forced =
            run(Some(&live), &json!({"status": {"phase": "B"}}), Applier { force: true, ..by("two") })
                .unwrap();
        assert_eq!(forced["status"], json!({"phase": "B", "n": 1}));
        let names: Vec<_> =
            owners(&forced).iter().map(|owner| (owner.manager.clone(), owner.fields.len())).collect();
        assert_eq!(names, [("one".to_owned(), 1), ("two".to_owned(), 1)]);
    }

    #[test]
    fn what_a_manager_no_longer_names_is_removed() {
        let live =
            run(None, &json!({"metadata": {}, "status": {"phase": "A", "message": "m"}}), by("one")).unwrap();
        let next = run(Some(&live), &json!({"status": {"phase": "A"}}), by("one")).unwrap();
        assert_eq!(next["status"], json!({"phase": "A"}));
    }

    #[test]
    fn keyed_lists_merge_by_key_and_items_that_are_given_up_go() {
        let live = run(
            None,
            &json!({"metadata": {}, "status": {"conditions": [{"type": "A", "status": "True"}, {"type": "B", "status": "True"}]}}),
            by("one"),
        )
        .unwrap();
        let other = run(
            Some(&live),
            &json!({"status": {"conditions": [{"type": "C", "status": "True"}]}}),
            by("two"),
        )
        .unwrap();
        assert_eq!(other["status"]["conditions"].as_array().unwrap().len(), 3);
        let next = run(
            Some(&other),
            &json!({"status": {"conditions": [{"type": "A", "status": "False"}]}}),
            by("one"),
        )
        .unwrap();
        let kept: Vec<_> = next["status"]["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["type"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(kept, ["A", "C"]);
    }

    #[test]
    fn the_same_apply_twice_changes_nothing() {
        let wanted = json!({"metadata": {}, "status": {"list": [{"a": 1}], "phase": "A"}});
        let live = run(None, &wanted, by("one")).unwrap();
        let again =
            apply(Some(&live), &wanted, Merge::Builtin, by("one"), DateTime::from_timestamp(500, 0).unwrap())
                .unwrap();
        assert_eq!(live, again);
    }
}
