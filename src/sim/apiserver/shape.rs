//! The form in which a client wants objects: in full, as a table, or their metadata only.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::table;
use crate::sim::kinds::{NEW_EVENTS, Resource};
use crate::sim::store::Object;

/// What the `Accept` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The objects as they are.
    Full,
    /// `meta.k8s.io/v1` Table.
    Table,
    /// `meta.k8s.io/v1` `PartialObjectMetadata`.
    Metadata,
}

impl Shape {
    /// The first form in an `Accept` header that we can serve.
    pub(super) fn of(accept: &str) -> Self {
        for part in accept.split(',') {
            if part.contains("as=Table") {
                return Self::Table;
            }
            if part.contains("as=PartialObjectMetadata") {
                return Self::Metadata;
            }
            if part.trim().starts_with("application/json") || part.trim().starts_with("*/*") {
                return Self::Full;
            }
        }
        Self::Full
    }

    /// One object in this form, as JSON.
    pub(super) fn one<'a>(self, resource: &Resource, object: &'a Object, now: DateTime<Utc>) -> Cow<'a, str> {
        match self {
            Self::Full if std::ptr::eq(resource, NEW_EVENTS) => {
                Cow::Owned(super::events::to_new(&object.value).to_string())
            }
            Self::Full => Cow::Borrowed(object.json()),
            Self::Metadata => Cow::Owned(partial(&object.value).to_string()),
            Self::Table => Cow::Owned(
                table::of(resource, &[&object.value], &object.version.to_string(), now).to_string(),
            ),
        }
    }
}

/// The metadata of an object as an object of its own.
pub(super) fn partial(value: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": value.get("metadata").cloned().unwrap_or_default()
    })
}
