//! One JSON text for one value: sorted keys, no insignificant whitespace. Whatever is equal has equal bytes.

use serde_json::Value;

/// The canonical text of a value. Keys are sorted by their bytes.
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort_unstable();
            text.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                // a bare string is written with the same escapes as inside of an object
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                write(&fields[key], text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        simple => text.push_str(&simple.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_values_have_equal_texts() {
        for (value, expected) in [
            (json!({"b": 1, "a": {"d": null, "c": [true, "x"]}}), r#"{"a":{"c":[true,"x"],"d":null},"b":1}"#),
            (json!({"é\n\"": "\u{1}ü"}), "{\"é\\n\\\"\":\"\\u0001ü\"}"),
            (json!({}), "{}"),
            (json!([]), "[]"),
        ] {
            assert_eq!(canonical_json(&value), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn the_order_of_keys_does_not_count_and_nothing_is_lost(keys in proptest::collection::btree_map(".*", ".*", 0..8)) {
            let forward: serde_json::Map<String, Value> =
                keys.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
            let backward: serde_json::Map<String, Value> =
                keys.iter().rev().map(|(key, value)| (key.clone(), value.clone().into())).collect();
            let text = canonical_json(&Value::Object(forward.clone()));
            proptest::prop_assert_eq!(&text, &canonical_json(&Value::Object(backward)));
            let read: Value = serde_json::from_str(&text).unwrap();
            proptest::prop_assert_eq!(read, Value::Object(forward));
        }
    }
}
