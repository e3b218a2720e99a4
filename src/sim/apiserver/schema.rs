//! Structural schemas: pruning, defaults and validation of the product's own kinds, from the very schemas that its
//! `CustomResourceDefinitions` carry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;
use serde_json::Value;

use super::refusal::Cause;

/// Removes fields that the schema does not know and tells their paths.
pub(super) fn prune(schema: &Value, value: &mut Value, path: &str, unknown: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.is_object()) {
                for (key, value) in map.iter_mut() {
                    prune(inner, value, &join(path, key), unknown);
                }
                return;
            }
            let keep_all = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
            let properties = schema.get("properties");
            if properties.is_none() && keep_all {
                return;
            }
            let mut kept = serde_json::Map::new();
            for (key, mut value) in std::mem::take(map) {
                match properties.and_then(|known| known.get(&key)) {
                    Some(inner) => {
                        prune(inner, &mut value, &join(path, &key), unknown);
                        kept.insert(key, value);
                    }
                    None if keep_all || (path.is_empty() && is_root_field(&key)) => {
                        kept.insert(key, value);
                    }
                    None => unknown.push(join(path, &key)),
                }
            }
            *map = kept;
        }
        Value::Array(items) => {
            if let Some(inner) = schema.get("items") {
                for (n, item) in items.iter_mut().enumerate() {
                    prune(inner, item, &format!("{path}[{n}]"), unknown);
                }
            }
        }
        _ => {}
    }
}

fn is_root_field(key: &str) -> bool {
    matches!(key, "apiVersion" | "kind" | "metadata")
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Fills in defaults, and drops nulls: rules see a null as absent, also where the schema allows it.
pub(super) fn default(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.is_object()) {
                for value in map.values_mut() {
                    default(inner, value);
                }
            }
            for (key, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if map.get(key).is_some_and(Value::is_null) {
                    map.shift_remove(key);
                }
                if !map.contains_key(key)
                    && let Some(fallback) = inner.get("default")
                {
                    map.insert(key.clone(), fallback.clone());
                }
                if let Some(value) = map.get_mut(key) {
                    default(inner, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = schema.get("items") {
                for item in items {
                    default(inner, item);
                }
            }
        }
        _ => {}
    }
}

/// Checks a value and adds what is wrong with it. As a server from Kubernetes 1.30 on does (ratcheting), it lets stand whatever the
/// object that is replaced holds at the same place: items of lists have a place only where the list is a map.
pub(super) fn validate(
    schema: &Value,
    value: &Value,
    old: Option<&Value>,
    path: &str,
    causes: &mut Vec<Cause>,
) {
    if old == Some(value) {
        return;
    }
    if value.is_null() && schema.get("nullable") == Some(&Value::Bool(true)) {
        return;
    }
    if !check_type(schema, value, path, causes) {
        return;
    }
    check_enum(schema, value, path, causes);
    match value {
        Value::String(text) => check_text(schema, text, path, causes),
        Value::Number(number) => check_number(schema, number.as_f64().unwrap_or_default(), path, causes),
        Value::Array(items) => check_items(schema, items, old, path, causes),
        Value::Object(map) => {
            for key in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
                if let Some(key) = key.as_str()
                    && !map.contains_key(key)
                {
                    causes.push(Cause::new(&join(path, key), "FieldValueRequired", "Required value"));
                }
            }
            if let Some(most) = limit(schema, "maxProperties")
                && map.len() > most
            {
                causes.push(Cause::new(
                    path,
                    "FieldValueTooMany",
                    format!("Too many: {}: must have at most {most} items", map.len()),
                ));
            }
            for (key, value) in map {
                let inner = schema
                    .get("properties")
                    .and_then(|known| known.get(key))
                    .or_else(|| schema.get("additionalProperties").filter(|inner| inner.is_object()));
                if let Some(inner) = inner {
                    validate(inner, value, old.and_then(|old| old.get(key)), &join(path, key), causes);
                }
            }
        }
        _ => {}
    }
}

fn check_type(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) -> bool {
    if schema.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
        return value.is_string() || value.is_i64();
    }
    let Some(wanted) = schema.get("type").and_then(Value::as_str) else { return true };
    let fits = match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        _ => true,
    };
    if !fits {
        let given = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(n) if n.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        causes.push(Cause::new(
            path,
            "FieldValueTypeInvalid",
            format!("Invalid value: \"{given}\": {path} in body must be of type {wanted}: \"{given}\""),
        ));
    }
    fits
}

fn check_enum(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let Some(allowed) = schema.get("enum").and_then(Value::as_array) else { return };
    if !allowed.contains(value) {
        let names: Vec<_> = allowed.iter().filter(|value| !value.is_null()).map(Value::to_string).collect();
        causes.push(Cause::new(
            path,
            "FieldValueNotSupported",
            format!("Unsupported value: {value}: supported values: {}", names.join(", ")),
        ));
    }
}

fn check_text(schema: &Value, text: &str, path: &str, causes: &mut Vec<Cause>) {
    let length = text.chars().count();
    if let Some(most) = limit(schema, "maxLength")
        && length > most
    {
        causes.push(Cause::new(
            path,
            "FieldValueTooLong",
            format!("Too long: may not be more than {most} bytes"),
        ));
    }
    let mut invalid = |why: String| {
        causes.push(Cause::new(
            path,
            "FieldValueInvalid",
            format!("Invalid value: {}: {path} in body {why}", Value::from(text)),
        ));
    };
    if let Some(least) = limit(schema, "minLength")
        && length < least
    {
        invalid(format!("should be at least {least} chars long"));
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
        && !matches(pattern, text)
    {
        invalid(format!("should match '{pattern}'"));
    }
    if schema.get("format").and_then(Value::as_str) == Some("date-time") && !is_date_time(text) {
        invalid("must be of type date-time: \"".to_owned() + text + "\"");
    }
}

/// Whether a text fits a pattern of a schema, which is compiled once.
fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: Mutex<BTreeMap<String, Option<Regex>>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if !compiled.contains_key(pattern) {
        compiled.insert(pattern.to_owned(), Regex::new(pattern).ok());
    }
    compiled.get(pattern).is_some_and(|regex| regex.as_ref().is_some_and(|regex| regex.is_match(text)))
}

/// `IsDateTime` of kube-openapi's `strfmt`: laxer than RFC 3339. Any two digits are an offset, and a second `T` ends what is looked at.
fn is_date_time(text: &str) -> bool {
    static TIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$").ok()
    });
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time), Some(pattern)) = (parts.next(), parts.next(), &*TIME) else { return false };
    let is_date = date.len() == 10 && chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok();
    let fits = pattern.captures(time).is_some_and(|found| {
        let at_most = |part: usize, most: &str| found.get(part).is_some_and(|digits| digits.as_str() <= most);
        at_most(1, "23") && at_most(2, "59") && at_most(3, "59")
    });
    is_date && fits
}

fn check_number(schema: &Value, number: f64, path: &str, causes: &mut Vec<Cause>) {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let is_int32 = schema.get("format").and_then(Value::as_str) == Some("int32");
    if is_int32 && !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number) {
        causes.push(Cause::new(
            path,
            "FieldValueInvalid",
            format!(
                "Invalid value: {number}: Checked value must be of type integer with format int32 in {path}"
            ),
        ));
    }
    let mut invalid = |why: String| {
        causes.push(Cause::new(
            path,
            "FieldValueInvalid",
            format!("Invalid value: {number}: {path} in body should be {why}"),
        ));
    };
    if let Some(least) = bound("minimum")
        && number < least
    {
        invalid(format!("greater than or equal to {least}"));
    }
    if let Some(most) = bound("maximum")
        && number > most
    {
        invalid(format!("less than or equal to {most}"));
    }
}

fn check_items(schema: &Value, items: &[Value], old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    if let Some(most) = limit(schema, "maxItems")
        && items.len() > most
    {
        causes.push(Cause::new(
            path,
            "FieldValueTooMany",
            format!("Too many: {}: must have at most {most} items", items.len()),
        ));
    }
    if let Some(least) = limit(schema, "minItems")
        && items.len() < least
    {
        causes.push(Cause::new(
            path,
            "FieldValueInvalid",
            format!("Invalid value: {}: {path} in body should have at least {least} items", items.len()),
        ));
    }
    let mut seen = BTreeSet::new();
    let keys = list_keys(schema);
    for (n, item) in items.iter().enumerate() {
        let path = format!("{path}[{n}]");
        if let Some(keys) = &keys {
            let key: serde_json::Map<_, _> =
                keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(*key)?.clone()))).collect();
            let key = Value::Object(key).to_string();
            if !seen.insert(key.clone()) {
                causes.push(Cause::new(&path, "FieldValueDuplicate", format!("Duplicate value: {key}")));
            }
        }
        let before = keys.as_ref().and_then(|keys| {
            let same = |other: &&Value| keys.iter().all(|key| other.get(*key) == item.get(*key));
            old?.as_array()?.iter().find(same)
        });
        if let Some(inner) = schema.get("items") {
            validate(inner, item, before, &path, causes);
        }
    }
}

/// The keys by which items of a list are told apart; nothing for an atomic list.
pub(super) fn list_keys(schema: &Value) -> Option<Vec<&str>> {
    if schema.get("x-kubernetes-list-type")?.as_str()? != "map" {
        return None;
    }
    Some(schema.get("x-kubernetes-list-map-keys")?.as_array()?.iter().filter_map(Value::as_str).collect())
}

fn limit(schema: &Value, name: &str) -> Option<usize> {
    schema.get(name).and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn schema() -> Value {
        json!({"type": "object", "properties": {"spec": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^[a-z]*$"},
            "kind": {"type": "string", "enum": ["A", "B"], "default": "A"},
            "n": {"type": "integer", "minimum": 0, "maximum": 9},
            "list": {"type": "array", "maxItems": 2, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                     "items": {"type": "object", "properties": {"k": {"type": "string"}}}}
        }}}})
    }

    #[rstest]
    #[case(json!({}), "spec.name", "FieldValueRequired")]
    #[case(json!({"name": "abcd"}), "spec.name", "FieldValueTooLong")]
    #[case(json!({"name": ""}), "spec.name", "FieldValueInvalid")]
    #[case(json!({"name": "A"}), "spec.name", "FieldValueInvalid")]
    #[case(json!({"name": 1}), "spec.name", "FieldValueTypeInvalid")]
    #[case(json!({"name": "a", "kind": "C"}), "spec.kind", "FieldValueNotSupported")]
    #[case(json!({"name": "a", "n": 10}), "spec.n", "FieldValueInvalid")]
    #[case(json!({"name": "a", "list": [{"k": "1"}, {"k": "1"}]}), "spec.list[1]", "FieldValueDuplicate")]
    #[case(json!({"name": "a", "list": [{}, {"k": "1"}, {"k": "2"}]}), "spec.list", "FieldValueTooMany")]
    fn what_the_schema_forbids_is_named(#[case] spec: Value, #[case] field: &str, #[case] reason: &str) {
        let mut causes = Vec::new();
        validate(&schema(), &json!({"spec": spec}), None, "", &mut causes);
        assert_eq!(causes.len(), 1, "{causes:?}");
        assert_eq!((causes[0].field.as_str(), causes[0].reason), (field, reason));
    }

    #[test]
    fn unknown_fields_are_dropped_and_named_and_defaults_filled_in() {
        let mut value =
            json!({"kind": "X", "spec": {"name": "a", "extra": 1, "list": [{"k": "1", "z": 2}]}, "junk": {}});
        let mut unknown = Vec::new();
        prune(&schema(), &mut value, "", &mut unknown);
        default(&schema(), &mut value);
        assert_eq!(unknown, ["spec.extra", "spec.list[0].z", "junk"]);
        assert_eq!(value, json!({"kind": "X", "spec": {"name": "a", "list": [{"k": "1"}], "kind": "A"}}));
    }

    #[rstest]
    #[case("2027-01-15T08:00:00Z", true)]
    #[case("2027-01-15T08:00:00.123+02:00", true)]
    #[case("2027-01-15t08:00:00z", true)]
    #[case("2027-01-15T08:00:00+99:99", true)]
    #[case("2027-01-15T08:00:00+24:00", true)]
    #[case("2027-01-15T08:00:00ZTx", true)]
    #[case("2027-01-15 08:00:00Z", false)]
    #[case("2027-13-15T08:00:00Z", false)]
    #[case("2027-02-30T08:00:00Z", false)]
    #[case("2027-01-15T24:00:00Z", false)]
    #[case("2027-01-15T08:00:60Z", false)]
    #[case("2027-01-15T08:00:00", false)]
    #[case("", false)]
    fn dates_are_what_the_real_server_takes_for_one(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_date_time(text), expected);
    }

    #[test]
    fn what_was_stored_before_may_stay() {
        let old = json!({"spec": {"name": "abcd", "n": 10, "list": [{"k": "1", "d": "x"}]}});
        let mut causes = Vec::new();
        validate(&schema(), &old, Some(&old), "", &mut causes);
        assert_eq!(causes.len(), 0, "{causes:?}");
        let mut new = old.clone();
        new["spec"]["kind"] = json!("B");
        validate(&schema(), &new, Some(&old), "", &mut causes);
        assert_eq!(causes.len(), 0, "{causes:?}");
        new["spec"]["n"] = json!(11);
        validate(&schema(), &new, Some(&old), "", &mut causes);
        assert_eq!(causes.len(), 1, "{causes:?}");
    }
}
