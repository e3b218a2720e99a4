//! Merge patches: JSON merge patch (RFC 7386) and the strategic merge patch of the built-in kinds.

use serde_json::{Map, Value};

use super::fields::builtin_keys;

/// RFC 7386.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(map) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            map.shift_remove(key);
        } else {
            merge(map.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Strategic merge: as [`merge`], but well-known lists are merged by key, and directives are obeyed.
pub(super) fn strategic(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() || patch.get("$patch").and_then(Value::as_str) == Some("replace") {
        *target = Value::Object(Map::new());
    }
    let Value::Object(map) = target else { return };
    if let Some(kept) = patch.get("$retainKeys").and_then(Value::as_array) {
        map.retain(|key, _| kept.iter().any(|kept| kept.as_str() == Some(key)));
    }
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(items), Some(gone)) =
                (map.get_mut(list).and_then(Value::as_array_mut), value.as_array())
            {
                items.retain(|item| !gone.contains(item));
            }
        } else if key.starts_with('$') {
            // directives of order and of the object itself are no fields
        } else if value.is_null() {
            map.shift_remove(key);
        } else if let Value::Array(items) = value {
            strategic_list(key, map.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new())), items);
        } else {
            strategic(map.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

fn strategic_list(name: &str, target: &mut Value, patch: &[Value]) {
    if name == "finalizers" {
        let mut all = target.as_array().cloned().unwrap_or_default();
        all.extend(
            patch.iter().filter(|item| !target.as_array().is_some_and(|list| list.contains(item))).cloned(),
        );
        *target = Value::Array(all);
        return;
    }
    let Some(key) = builtin_keys(name).and_then(|keys| keys.first().copied()) else {
        *target = Value::Array(patch.to_vec());
        return;
    };
    let replace = patch.iter().any(|item| directive(item) == Some("replace"));
    let Value::Array(items) = target else {
        *target = Value::Array(patch.to_vec());
        return;
    };
    if replace {
        items.clear();
    }
    for wanted in patch {
        let is_same = |item: &Value| item.get(key).is_some() && item.get(key) == wanted.get(key);
        match directive(wanted) {
            Some("replace") if wanted.get(key).is_none() => {}
            Some("delete") => items.retain(|item| !is_same(item)),
            _ => {
                if let Some(item) = items.iter_mut().find(|item| is_same(item)) {
                    strategic(item, wanted);
                } else {
                    let mut item = Value::Object(Map::new());
                    strategic(&mut item, wanted);
                    items.push(item);
                }
            }
        }
    }
}

fn directive(item: &Value) -> Option<&str> {
    item.get("$patch").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn set_image_changes_one_container_only() {
        let mut target = json!({"spec": {"containers": [{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b", "image": "2"}]}});
        strategic(
            &mut target,
            &json!({"spec": {"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "a", "image": "9"}]}}),
        );
        assert_eq!(
            target,
            json!({"spec": {"containers": [{"name": "a", "image": "9", "env": [{"name": "X", "value": "1"}]}, {"name": "b", "image": "2"}]}})
        );
    }

    #[test]
    fn directives_delete_and_replace() {
        let mut target = json!({"containers": [{"name": "a"}, {"name": "b"}], "strategy": {"type": "RollingUpdate", "rollingUpdate": {}}});
        strategic(
            &mut target,
            &json!({"containers": [{"name": "a", "$patch": "delete"}], "strategy": {"$retainKeys": ["type"], "type": "Recreate"}}),
        );
        assert_eq!(target, json!({"containers": [{"name": "b"}], "strategy": {"type": "Recreate"}}));
    }

    #[test]
    fn a_merge_patch_replaces_lists_and_removes_nulls() {
        let mut target = json!({"a": [1, 2], "b": {"c": 1, "d": 2}});
        merge(&mut target, &json!({"a": [3], "b": {"c": null}}));
        assert_eq!(target, json!({"a": [3], "b": {"d": 2}}));
    }
}
