//! Lists that Kubernetes merges by key, and maps with limits.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// `x-kubernetes-list-type: map` over the items' own schema.
pub(super) fn keyed<T: JsonSchema>(generator: &mut SchemaGenerator, key: &str, min: u32, max: u32) -> Schema {
    let items = generator.subschema_for::<T>();
    json_schema!({
        "type": "array",
        "minItems": min,
        "maxItems": max,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [key],
        "items": items
    })
}

pub(super) fn number_map(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1_000_000_000_000_i64},
        "x-kubernetes-validations": [{
            "rule": "!('errorRate' in self) || double(self['errorRate']) <= 1.0",
            "message": "errorRate is a ratio: at most 1 (which is 100 %)"
        }]
    })
}
