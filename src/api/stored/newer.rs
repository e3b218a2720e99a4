//! Unknown fields, as a newer version writes them.
//!
//! In a spec they count as parts that are not understood. In a status they are added again when the status is applied: server-side apply
//! removes fields that a manager no longer sends, and both versions use the same field manager. Until then they are kept as an
//! annotation that exists in memory only.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_ignored::Path;
use serde_json::{Map, Value};

/// In-memory annotation with those fields. Never sent.
pub(super) const NEWER_FIELDS: &str = "release-cockpit.dev/newer-fields";
/// Most fields that are kept.
const MOST: usize = 256;
/// Fields that tell an item of a list from the others, where it has one of them.
const NAMES: [&str; 6] = ["name", "component", "type", "id", "uid", "digest"];
/// What tells the other items apart.
const MARKS: [&str; 4] = ["at", "by", "reason", "action"];

/// A step on the way to a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Step {
    Field(String),
    /// Where the item stood, and what it is known by.
    Item(usize, Map<String, Value>),
}

/// A field that is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct NewerField {
    /// From the status.
    path: Vec<Step>,
    value: Value,
}

/// Paths of unknown fields: keys and list indices from the root.
#[derive(Debug, Default)]
pub(super) struct NewerFields {
    pub spec: Vec<Vec<String>>,
    pub status: Vec<Vec<String>>,
}

impl NewerFields {
    pub(super) const fn is_empty(&self) -> bool {
        self.spec.is_empty() && self.status.is_empty()
    }

    /// Adds the variant names of enums to the paths; `serde_ignored` leaves them out.
    #[must_use]
    pub(super) fn located(self, object: &Value) -> Self {
        let locate = |paths: Vec<Vec<String>>| paths.iter().filter_map(|path| locate(object, path)).collect();
        Self { spec: locate(self.spec), status: locate(self.status) }
    }

    fn add(&mut self, path: Vec<String>) {
        let list = match path.first().map(String::as_str) {
            Some("spec") => &mut self.spec,
            Some("status") => &mut self.status,
            _ => return,
        };
        if path.len() > 1 && list.len() < MOST {
            list.push(path);
        }
    }
}

/// Decodes, and lists unknown fields.
pub(super) fn decode<'de, K, D>(deserializer: D) -> (Result<K, D::Error>, NewerFields)
where
    K: DeserializeOwned,
    D: Deserializer<'de>,
{
    let mut found = NewerFields::default();
    let decoded = serde_ignored::deserialize(deserializer, |path| found.add(keys(&path)));
    (decoded, found)
}

/// The steps as keys of objects and indices of lists.
fn keys(path: &Path<'_>) -> Vec<String> {
    let (parent, key) = match path {
        Path::Root => return Vec::new(),
        Path::Seq { parent, index } => (parent, Some(index.to_string())),
        Path::Map { parent, key } => (parent, Some(key.clone())),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            (parent, None)
        }
    };
    let mut keys = keys(parent);
    keys.extend(key);
    keys
}

/// Adds the variant names to one path, as in `strategy.canary.steps`. An enum with content is an object with one field.
fn locate(object: &Value, path: &[String]) -> Option<Vec<String>> {
    let mut here = object;
    let mut whole = Vec::new();
    for key in path {
        if let Value::Array(items) = here {
            here = items.get(key.parse::<usize>().ok()?)?;
        } else {
            while here.get(key).is_none() {
                let mut fields = here.as_object()?.iter();
                let (Some((name, inner)), None) = (fields.next(), fields.next()) else { return None };
                whole.push(name.clone());
                here = inner;
            }
            here = here.get(key)?;
        }
        whole.push(key.clone());
    }
    Some(whole)
}

/// Keeps the fields at these places of an object.
pub(super) fn keep(meta: &mut ObjectMeta, object: &Value, paths: &[Vec<String>]) {
    let fields: Vec<NewerField> = paths.iter().filter_map(|path| field(object, path)).collect();
    if !fields.is_empty()
        && let Ok(fields) = serde_json::to_string(&fields)
    {
        meta.annotations.get_or_insert_default().insert(NEWER_FIELDS.to_owned(), fields);
    }
}

fn field(object: &Value, path: &[String]) -> Option<NewerField> {
    let (first, rest) = path.split_first()?;
    let mut here = object.get(first)?;
    let mut steps = Vec::new();
    for key in rest {
        let (step, next) = match here {
            Value::Array(items) => {
                let index = key.parse().ok()?;
                let item = items.get(index)?;
                (Step::Item(index, identity(item)), item)
            }
            _ => (Step::Field(key.clone()), here.get(key)?),
        };
        steps.push(step);
        here = next;
    }
    Some(NewerField { path: steps, value: here.clone() })
}

/// What tells an item of a list from the others.
fn identity(item: &Value) -> Map<String, Value> {
    let of = |names: &[&str]| -> Map<String, Value> {
        let scalar = |name: &&str| item.get(*name).filter(|value| !value.is_object() && !value.is_array());
        names.iter().filter_map(|name| Some(((*name).to_owned(), scalar(name)?.clone()))).collect()
    };
    let named = of(&NAMES);
    if named.is_empty() { of(&MARKS) } else { named }
}

/// Adds to a status what this version does not know of the object's own, wherever what it belongs to is still there. What stands
/// beside it at the top belongs to `is_whole` statuses only.
pub(crate) fn add_newer_fields(object: &impl Resource, status: &mut Value, is_whole: bool) {
    let kept = object.meta().annotations.as_ref().and_then(|annotations| annotations.get(NEWER_FIELDS));
    let fields: Vec<NewerField> = kept.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    for NewerField { path, value } in fields {
        let Some((Step::Field(last), parents)) = path.split_last() else { continue };
        if parents.is_empty() && !is_whole {
            continue;
        }
        let parent = parents.iter().try_fold(&mut *status, |here, step| follow(here, step));
        if let Some(fields) = parent.and_then(Value::as_object_mut)
            && !fields.contains_key(last)
        {
            fields.insert(last.clone(), value);
        }
    }
}

fn follow<'a>(here: &'a mut Value, step: &Step) -> Option<&'a mut Value> {
    match step {
        Step::Field(name) => here.get_mut(name),
        Step::Item(index, known_by) => {
            let items = here.as_array_mut()?;
            let is_same = |item: &Value| identity(item) == *known_by;
            let same: Vec<usize> =
                items.iter().enumerate().filter(|(_, item)| is_same(item)).map(|(at, _)| at).collect();
            let at = match same.as_slice() {
                [one] if !known_by.is_empty() => *one,
                several if several.contains(index) => *index,
                _ => return None,
            };
            items.get_mut(at)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Stored;
    use super::*;
    use crate::api::{Environment, Release};

    fn release(status: &Value) -> Release {
        let object = json!({
            "metadata": {"name": "r1", "namespace": "shop", "annotations": {(NEWER_FIELDS): "[]", "a": "b"}},
            "spec": {"environment": "production", "version": "v1", "kind": "Deploy", "requestedBy": "alice", "images": []},
            "status": status,
        });
        Stored::<Release>::decode(&object.to_string()).readable().unwrap()
    }

    /// The status as this version writes it, with what it does not know.
    fn written(release: &Release, change: impl Fn(&mut Value)) -> Value {
        let mut status = serde_json::to_value(release.status.as_ref().unwrap()).unwrap();
        change(&mut status);
        add_newer_fields(release, &mut status, true);
        status
    }

    fn newer() -> Value {
        let at = "2027-01-15T08:00:00Z";
        json!({
            "phase": "Progressing", "budget": {"spent": 3}, "quorum": [1, 2],
            "step": {"index": 1, "startedAt": at, "lane": "fast"},
            "gates": [{"name": "frozen", "state": "Pass", "weight": 7}, {"name": "approval", "state": "Wait"}],
            "timeline": [{"at": at, "by": "alice", "reason": "Teleported", "message": "m", "from": "mars"}],
            "conditions": [{"type": "Levitating", "status": "True", "reason": "Calm", "message": "",
                "lastTransitionTime": at, "height": "2m"}],
        })
    }

    #[test]
    fn what_this_version_does_not_know_is_written_as_it_was_read() {
        let release = release(&newer());
        assert!(super::super::is_understood(&release), "nothing that is known is missing");
        assert_eq!(release.metadata.annotations.as_ref().unwrap()["a"], "b");
        let status = written(&release, |_| {});
        for path in [
            "/budget/spent",
            "/quorum/1",
            "/step/lane",
            "/gates/0/weight",
            "/timeline/0/from",
            "/timeline/0/reason",
            "/conditions/0/height",
            "/conditions/0/type",
        ] {
            assert!(status.pointer(path).is_some(), "{path}: {status}");
            assert_eq!(status.pointer(path), newer().pointer(path), "{path}");
        }
    }

    #[test]
    fn what_it_belongs_to_takes_it_along_or_away() {
        let release = release(&newer());
        let status = written(&release, |status| {
            let gates = status["gates"].as_array_mut().unwrap();
            gates.swap(0, 1);
            gates[1]["state"] = json!("Fail");
            status["conditions"][0]["reason"] = json!("Storm");
            status["timeline"].as_array_mut().unwrap().clear();
            status.as_object_mut().unwrap().remove("step");
        });
        assert_eq!(status["gates"][1], json!({"name": "frozen", "state": "Fail", "detail": "", "weight": 7}));
        assert!(status["gates"][0].get("weight").is_none());
        assert_eq!(status["conditions"][0]["height"], "2m");
        assert!(status.get("step").is_none() && status["timeline"] == json!([]), "{status}");
        // what is known by now is not overwritten, and a part of a status takes nothing that is not in it
        let mut part = json!({"step": {"index": 2}, "gates": []});
        add_newer_fields(&release, &mut part, false);
        assert_eq!(part, json!({"step": {"index": 2, "lane": "fast"}, "gates": []}));
        let mut known = json!({"budget": "ours"});
        add_newer_fields(&release, &mut known, true);
        assert_eq!(known["budget"], "ours");
    }

    #[test]
    fn a_status_of_this_version_and_one_with_an_odd_spec_keep_what_they_have() {
        let release = release(&json!({"phase": "Progressing", "gates": [], "paused": null}));
        assert!(!release.metadata.annotations.unwrap().contains_key(NEWER_FIELDS));
        let object = json!({
            "metadata": {"name": "production", "namespace": "shop"},
            "spec": {"application": "shop", "tier": "staging", "onFailure": "retry", "components": []},
            "status": {"budget": 3, "frozen": {"by": "erin", "reason": "fire", "inFlight": "Finish", "wave": null, "ring": 2}},
        });
        let odd = Stored::<Environment>::decode(&object.to_string()).readable().unwrap();
        assert!(!super::super::is_understood(&odd) && super::super::is_status_understood(&odd));
        let mut status = json!({"frozen": {"by": "erin"}});
        add_newer_fields(&odd, &mut status, true);
        assert_eq!(status, json!({"frozen": {"by": "erin", "ring": 2}, "budget": 3}));
    }
}
