//! Lists that Kubernetes merges by key, and maps with limits.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Component, Debt, DeniedDigest, MetricPane, Person, ScaledComponent, Slot};

/// `x-kubernetes-list-type: map` over the items' own schema.
fn keyed<T: JsonSchema>(generator: &mut SchemaGenerator, key: &str, min: u32, max: u32) -> Schema {
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

pub(super) fn components(generator: &mut SchemaGenerator) -> Schema {
    keyed::<Component>(generator, "name", 1, 32)
}

pub(super) fn slots(generator: &mut SchemaGenerator) -> Schema {
    keyed::<Slot>(generator, "name", 0, 16)
}

pub(super) fn denied(generator: &mut SchemaGenerator) -> Schema {
    keyed::<DeniedDigest>(generator, "digest", 0, 256)
}

pub(super) fn people(generator: &mut SchemaGenerator) -> Schema {
    keyed::<Person>(generator, "name", 0, 64)
}

pub(super) fn debts(generator: &mut SchemaGenerator) -> Schema {
    keyed::<Debt>(generator, "id", 0, 128)
}

pub(super) fn scaled(generator: &mut SchemaGenerator) -> Schema {
    keyed::<ScaledComponent>(generator, "component", 0, 32)
}

pub(super) fn panes(generator: &mut SchemaGenerator) -> Schema {
    keyed::<MetricPane>(generator, "name", 0, 32)
}

pub(super) fn number_map(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "maxProperties": 64, "additionalProperties": {"type": "number"}})
}
