//! Events are kept in the form of the core group; `events.k8s.io/v1` shows the same objects under other names.

use serde_json::{Map, Value};

/// Core name and new name of each field that differs.
const NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// A core Event as `events.k8s.io/v1`.
pub(super) fn to_new(event: &Value) -> Value {
    rename(event, "events.k8s.io/v1", |name| {
        NAMES.iter().find(|(core, _)| *core == name).map_or(name, |(_, new)| new)
    })
}

/// An `events.k8s.io/v1` Event in core form.
pub(super) fn to_core(event: &Value) -> Value {
    rename(event, "v1", |name| NAMES.iter().find(|(_, new)| *new == name).map_or(name, |(core, _)| core))
}

fn rename(event: &Value, version: &str, name: impl Fn(&str) -> &str) -> Value {
    let mut renamed = Map::new();
    for (field, value) in event.as_object().into_iter().flatten() {
        if field == "apiVersion" {
            renamed.insert(field.clone(), version.into());
        } else {
            renamed.insert(name(field).to_owned(), value.clone());
        }
    }
    Value::Object(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_forms_tell_the_same() {
        let core = json!({"apiVersion": "v1", "kind": "Event", "involvedObject": {"name": "x"}, "message": "m", "reason": "R"});
        let new = to_new(&core);
        assert_eq!(new["regarding"]["name"], "x");
        assert_eq!(new["note"], "m");
        assert_eq!(to_core(&new), core);
    }
}
