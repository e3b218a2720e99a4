//! Objects as they are stored, decoded one by one: an object that cannot be decoded is a value of its own, never the failure of the
//! list or watch that it is in.
//!
//! Three outcomes. An object that fits its type is that type. An object of ours with parts that this version does not understand
//! (an enum value of a newer version, a date that does not exist) is decoded without these parts, and carries a list of them
//! ([`unknown_parts`]): it keeps its name, and freezes and denials that can be read stay in force, but nothing may be decided on
//! it as if the missing parts had never been there. `partial` owns how. Any other object is [`Stored::Unreadable`]. Must not know
//! what follows from that: `domain` decides it, `controller`, `app` and `cli` show it.
//!
//! The list travels as an annotation that exists in memory only: it needs no field in any type, survives every clone and cache, and
//! is removed from what the API server sends, so that nobody can write it.
//!
//! An unknown field of a spec counts as such a part: it may be a gate of a newer version. Unknown fields of a status are preserved when
//! the status is written ([`add_newer_fields`]).

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

mod newer;
mod partial;

pub(crate) use newer::add_newer_fields;

/// In-memory annotation that lists the parts of an object that this version does not understand. Never sent.
const UNKNOWN_PARTS: &str = "release-cockpit.dev/unknown-parts";
/// In-memory annotation with the spec as it is stored, of an object that is understood in part. Never sent.
const SPEC_AS_STORED: &str = "release-cockpit.dev/spec-as-stored";
/// Annotations that exist in memory only.
const IN_MEMORY: [&str; 3] = [UNKNOWN_PARTS, SPEC_AS_STORED, newer::NEWER_FIELDS];
/// Longest reason, in characters.
const REASON: usize = 240;

/// An object from a list, a watch or a read.
#[derive(Clone, Debug)]
pub enum Stored<K> {
    /// It fits its type; `unknown_parts` lists what is missing.
    Readable(K),
    /// It does not fit its type.
    Unreadable(Box<Unreadable>),
}

/// An object that this version cannot decode.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable {
    meta: ObjectMeta,
    /// Why, in one sentence without control characters.
    pub reason: String,
}

/// A part of an object that this version does not understand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnknownPart {
    /// Where it is, such as `spec.onFailure`.
    pub path: String,
    /// Its value where that is a short text or number, else why it cannot be decoded.
    pub value: String,
    /// Whether this is an unknown field, with the rest of the object decoded.
    #[serde(default)]
    pub is_field: bool,
}

impl std::fmt::Display for UnknownPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.value)
    }
}

/// What this version does not understand of an object; empty for almost every object.
#[must_use]
pub(crate) fn unknown_parts(object: &impl Resource) -> Vec<UnknownPart> {
    let annotations = object.meta().annotations.as_ref();
    let list = annotations.and_then(|annotations| annotations.get(UNKNOWN_PARTS));
    list.and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default()
}

/// Whether this version understands the whole object.
#[must_use]
pub(crate) fn is_understood(object: &impl Resource) -> bool {
    object.meta().annotations.as_ref().is_none_or(|annotations| !annotations.contains_key(UNKNOWN_PARTS))
}

/// Whether the object was decoded except for unknown fields.
#[must_use]
pub(crate) fn is_decoded(object: &impl Resource) -> bool {
    unknown_parts(object).iter().all(|part| part.is_field)
}

/// Whether this version understands the object's status: otherwise it must not replace it.
#[must_use]
pub(crate) fn is_status_understood(object: &impl Resource) -> bool {
    unknown_parts(object).iter().all(|part| !part.path.starts_with("status"))
}

/// `spec.onFailure: retry, spec.tier: canary`: what this version does not understand, in a few words; nothing for almost every object.
#[must_use]
pub(crate) fn unknown(object: &impl Resource) -> Option<String> {
    const NAMED: usize = 3;
    let parts = unknown_parts(object);
    if parts.is_empty() {
        return None;
    }
    let named: Vec<String> = parts.iter().take(NAMED).map(ToString::to_string).collect();
    let more = parts.len().saturating_sub(NAMED);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    Some(format!("{}{rest}", named.join(", ")))
}

/// The spec as it is stored, of an object that is understood in part: what a record's seal covers. Nothing for any other object, whose
/// spec is all there is.
#[must_use]
pub(crate) fn spec_as_stored(object: &impl Resource) -> Option<Value> {
    let text = object.meta().annotations.as_ref()?.get(SPEC_AS_STORED)?;
    serde_json::from_str(text).ok()
}

/// Marks an object as understood in part.
fn mark(meta: &mut ObjectMeta, parts: &[UnknownPart], spec: &Value) {
    let annotations = meta.annotations.get_or_insert_default();
    annotations.insert(SPEC_AS_STORED.to_owned(), spec.to_string());
    if let Ok(list) = serde_json::to_string(parts) {
        annotations.insert(UNKNOWN_PARTS.to_owned(), list);
    }
}

impl<K> Stored<K> {
    /// The object, or why there is none.
    ///
    /// # Errors
    /// The object does not fit its type.
    pub fn readable(self) -> Result<K, Box<Unreadable>> {
        match self {
            Self::Readable(object) => Ok(object),
            Self::Unreadable(unreadable) => Err(unreadable),
        }
    }
}

impl<K: Resource + DeserializeOwned + 'static> Stored<K> {
    /// Decodes the JSON of one object. A `null` is an absent field, as everywhere in Kubernetes.
    #[must_use]
    pub fn decode(text: &str) -> Self {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let (decoded, newer) = newer::decode::<K, _>(&mut deserializer);
        let error = match decoded.and_then(|object| deserializer.end().map(|()| object)) {
            Ok(mut object) => {
                if let Some(annotations) = &mut object.meta_mut().annotations {
                    annotations.retain(|key, _| !IN_MEMORY.contains(&key.as_str()));
                }
                if !newer.is_empty()
                    && let Ok(value) = serde_json::from_str(text)
                {
                    let newer = newer.located(&value);
                    newer::keep(object.meta_mut(), &value, &newer.status);
                    partial::mark_fields(&mut object, &value, &newer.spec);
                }
                return Self::Readable(object);
            }
            Err(error) => error,
        };
        let outline = || serde_json::from_str::<Outline>(text).unwrap_or_default();
        // nested deeper than a tree of values may be
        let Ok(mut value) = serde_json::from_str::<Value>(text) else {
            return Self::Unreadable(Unreadable::of(outline(), &error.to_string()));
        };
        drop_nulls(&mut value);
        if let Some(annotations) = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| !IN_MEMORY.contains(&key.as_str()));
        }
        match partial::decode::<K>(value) {
            Ok(object) => Self::Readable(object),
            Err(reason) => Self::Unreadable(Unreadable::of(outline(), &reason)),
        }
    }
}

/// Removes every `null`, in lists too.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

/// For `#[serde(deserialize_with)]`: a part of an object in which a `null` is an absent field, in lists too; the part itself may be null.
///
/// # Errors
/// The part does not fit its type.
pub(crate) fn without_nulls<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let mut value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(T::default());
    }
    drop_nulls(&mut value);
    serde_json::from_value(value).map_err(serde::de::Error::custom)
}

impl<'de, K: Resource + DeserializeOwned + 'static> Deserialize<'de> for Stored<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::decode(Box::<RawValue>::deserialize(deserializer)?.get()))
    }
}

/// The few fields that say which object it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Outline {
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
}

impl Unreadable {
    fn of(outline: Outline, reason: &str) -> Box<Self> {
        let Metadata { name, namespace, uid, resource_version } = outline.metadata;
        let meta = ObjectMeta { name, namespace, uid, resource_version, ..ObjectMeta::default() };
        Box::new(Self { meta, reason: plain(reason, REASON) })
    }

    /// Its name, namespace, uid and version; nothing else.
    #[must_use]
    pub const fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

/// A text that others wrote, on one line and bounded.
fn plain(text: &str, most: usize) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(most).collect();
    if text.chars().nth(most).is_some() {
        short.push('…');
    }
    short
}

impl<K: Resource> Resource for Stored<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn api_version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::api_version(dt)
    }

    fn plural(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Readable(object) => object.meta(),
            Self::Unreadable(unreadable) => &unreadable.meta,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Readable(object) => object.meta_mut(),
            Self::Unreadable(unreadable) => &mut unreadable.meta,
        }
    }
}

#[cfg(test)]
mod tests;
