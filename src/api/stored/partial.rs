//! Decoding an object without the parts that do not fit.
//!
//! Each round decodes, and removes the smallest removable part around the first misfit: a field that may be absent, or an item of a
//! list. Fields that must be there, and those whose absence would read as harmless, are replaced instead (`stand_in`). Only kinds of
//! this product are decoded in part: whoever decides on them asks for the list of unknown parts.

use std::any::TypeId;
use std::fmt::Write as _;

use kube::Resource;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::Segment;

use super::{UnknownPart, mark, newer, plain};
use crate::api::{Environment, Release, ReleaseAction};

/// Most parts that are removed; an object that is stranger than that is unreadable.
const ROUNDS: usize = 64;
/// Most parts that are listed.
const LISTED: usize = 16;
/// Longest value that is shown, in characters.
const VALUE: usize = 80;

/// The kinds that are decoded in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Environment,
    Release,
    ReleaseAction,
}

impl Kind {
    fn of<K: 'static>() -> Option<Self> {
        let wanted = TypeId::of::<K>();
        [
            (TypeId::of::<Environment>(), Self::Environment),
            (TypeId::of::<Release>(), Self::Release),
            (TypeId::of::<ReleaseAction>(), Self::ReleaseAction),
        ]
        .into_iter()
        .find(|(id, _)| *id == wanted)
        .map(|(_, kind)| kind)
    }

    /// What takes the place of a part that must be there, or whose absence would read as harmless: the most careful value.
    fn stand_in(self, path: &str, object: &Value) -> Option<Value> {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let environment = || text("/spec/environment");
        Some(match (self, path) {
            (Self::Environment, "spec.tier") => json!("production"),
            (Self::Environment, "spec") => json!({"application": "", "tier": "production", "components": []}),
            (Self::Environment, "spec.components") => json!([]),
            (Self::Environment, "spec.application") => json!(""),
            (Self::Environment, "status.frozen.inFlight") => json!("Hold"),
            (Self::Release, "status.phase") | (Self::ReleaseAction, "spec.action") => json!("Unknown"),
            (Self::Release, "status") => json!({"phase": "Unknown"}),
            (Self::Release, "spec.kind") => json!("Deploy"),
            (Self::Release, "spec") => json!({
                "environment": environment(), "version": "unknown", "images": [], "kind": "Deploy",
                "requestedBy": text("/spec/requestedBy"),
            }),
            (Self::ReleaseAction, "spec") => json!({
                "environment": environment(), "action": "Unknown", "actor": text("/spec/actor"),
            }),
            // that it was judged is known; absence would have it judged again
            (Self::ReleaseAction, "status.result") => json!("Refused"),
            (Self::ReleaseAction, "status") => json!({"result": "Refused"}),
            _ => return None,
        })
    }
}

/// Decodes a tree without `null`s. Parts that do not fit are left out and listed, where this kind may be decoded in part.
pub(super) fn decode<K: Resource + DeserializeOwned + 'static>(mut value: Value) -> Result<K, String> {
    let kind = Kind::of::<K>();
    let mut parts = Vec::new();
    let mut spec = None;
    for _ in 0..ROUNDS {
        let error = match serde_path_to_error::deserialize::<_, K>(&value) {
            Ok(mut object) => {
                let (_, unknown) = newer::decode::<K, _>(&value);
                let unknown = unknown.located(&value);
                newer::keep(object.meta_mut(), &value, &unknown.status);
                if kind.is_some() {
                    parts.extend(fields(&value, &unknown.spec));
                    parts.truncate(LISTED);
                }
                if !parts.is_empty() {
                    let spec = spec.unwrap_or_else(|| value.get("spec").cloned().unwrap_or_default());
                    mark(object.meta_mut(), &parts, &spec);
                }
                return Ok(object);
            }
            Err(error) => error,
        };
        let path = path(&value, error.path());
        let message = error.inner().to_string();
        let sentence = || match dotted(&path).as_str() {
            "" => message.clone(),
            at => format!("{at}: {message}"),
        };
        let Some(kind) = kind else { return Err(sentence()) };
        spec.get_or_insert_with(|| value.get("spec").cloned().unwrap_or_default());
        let part = part(&value, &path, &message);
        if !repair(&mut value, kind, path.clone(), &message) {
            return Err(sentence());
        }
        if parts.len() < LISTED {
            parts.push(part);
        }
    }
    Err("too many of its parts do not fit".to_owned())
}

/// Marks an object that has unknown fields at these paths.
pub(super) fn mark_fields<K: Resource + 'static>(object: &mut K, value: &Value, places: &[Vec<String>]) {
    let parts: Vec<_> = fields(value, places).take(LISTED).collect();
    if !parts.is_empty() && Kind::of::<K>().is_some() {
        mark(object.meta_mut(), &parts, value.get("spec").unwrap_or(&Value::Null));
    }
}

/// The unknown fields at these paths. A `null` is an absent field.
fn fields<'a>(value: &'a Value, places: &'a [Vec<String>]) -> impl Iterator<Item = UnknownPart> + 'a {
    places.iter().filter_map(|keys| {
        let (path, found) = follow(value, keys)?;
        let part = part(value, &path, "unknown field");
        (!found.is_null()).then_some(UnknownPart { is_field: true, ..part })
    })
}

/// Resolves a path; returns its steps and the value.
fn follow<'a>(value: &'a Value, keys: &[String]) -> Option<(Vec<Step>, &'a Value)> {
    let mut path = Vec::new();
    let mut here = value;
    for key in keys {
        let (step, next) = match here {
            Value::Array(items) => {
                let index = key.parse().ok()?;
                (Step::Item(index), items.get(index)?)
            }
            _ => (Step::Field(key.clone()), here.get(key)?),
        };
        path.push(step);
        here = next;
    }
    Some((path, here))
}

/// A place in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
}

/// The steps of an error's path that exist in the tree: it also names variants and options.
fn path(value: &Value, path: &serde_path_to_error::Path) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut here = value;
    for segment in path {
        let (step, next) = match segment {
            Segment::Seq { index } => (Step::Item(*index), here.get(*index)),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                (Step::Field(key.clone()), here.get(key))
            }
            Segment::Unknown => break,
        };
        let Some(next) = next else { break };
        steps.push(step);
        here = next;
    }
    steps
}

/// `spec.gates.health[0].interval`.
fn dotted(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Field(name) if text.is_empty() => text.push_str(name),
            Step::Field(name) => {
                text.push('.');
                text.push_str(name);
            }
            Step::Item(index) => _ = write!(text, "[{index}]"),
        }
    }
    text
}

fn at<'a>(value: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |here, step| match step {
        Step::Field(name) => here.get_mut(name),
        Step::Item(index) => here.get_mut(*index),
    })
}

fn part(value: &Value, path: &[Step], message: &str) -> UnknownPart {
    let found = path.iter().try_fold(value, |here, step| match step {
        Step::Field(name) => here.get(name),
        Step::Item(index) => here.get(*index),
    });
    let shown = match found {
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => message.to_owned(),
    };
    UnknownPart { path: plain(&dotted(path), VALUE), value: plain(&shown, VALUE), is_field: false }
}

/// The field that an error misses.
fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split('`').next()
}

/// Replaces or removes the part at a path, or the smallest part around it; whether anything could be done.
fn repair(value: &mut Value, kind: Kind, mut path: Vec<Step>, message: &str) -> bool {
    if let Some(field) = missing(message) {
        let mut absent = path.clone();
        absent.push(Step::Field(field.to_owned()));
        if let Some(stand_in) = kind.stand_in(&dotted(&absent), value)
            && let Some(Value::Object(fields)) = at(value, &path)
        {
            fields.insert(field.to_owned(), stand_in);
            return true;
        }
    }
    if let Some(stand_in) = kind.stand_in(&dotted(&path), value)
        && let Some(found) = at(value, &path)
        && *found != stand_in
    {
        *found = stand_in;
        return true;
    }
    let Some(last) = path.pop() else { return false };
    if matches!(&last, Step::Field(name) if path.is_empty() && name != "status") {
        return false;
    }
    match (at(value, &path), last) {
        (Some(Value::Object(fields)), Step::Field(name)) => fields.shift_remove(&name).is_some(),
        (Some(Value::Array(items)), Step::Item(index)) if index < items.len() => {
            items.remove(index);
            true
        }
        _ => false,
    }
}
