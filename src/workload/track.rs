//! Second workloads: the copy of a component's own Deployment that runs the new version beside it.
//!
//! Owns what such a copy looks like, and that making, scaling and removing it can be repeated. Must not know how its pods are told
//! from the others (`traffic` says which labels) nor when any of it is right (`domain::rollout`). A copy belongs to the Deployment that
//! it was made of by name only: the garbage collector must not remove what serves
//! traffic because somebody deleted the Deployment beside it. The controller removes it when its release ends.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, ResourceExt};
use serde_json::{Map, Value, json};

use super::patch::failed;
use super::{Error, Target, Written, deployment, template};
use crate::api::environment::{WorkloadKind, WorkloadRef};
use crate::api::labels::{
    ANNOTATION_RELEASE, ANNOTATION_TEMPLATE, CONTROLLER_FIELD_MANAGER, LABEL_COMPONENT, LABEL_MANAGED_BY,
    LABEL_OWN_TRACK, LABEL_RELEASE, LABEL_TRACK, MANAGED_BY, TRACK_FIELD_MANAGER,
};
use crate::api::strategy::Track;
use crate::domain::rollout_status::WorkloadState;

const KIND: WorkloadKind = WorkloadKind::Deployment;

/// A second workload as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// What it is for.
    pub track: Track,
    /// Name of the component.
    pub component: String,
    /// The image that its container runs.
    pub image: String,
    /// Further containers and init containers that run the same image.
    pub containers: Vec<String>,
    /// Pods wanted.
    pub replicas: i32,
    /// Labels in which its pods differ from those of the first workload.
    pub labels: BTreeMap<String, String>,
    /// `namespace/name` of the release.
    pub release: String,
    /// Whether requests go to it: it is then never removed.
    pub serves: bool,
}

/// Refuses kinds that no second workload can be made of.
pub fn supports(workload: &WorkloadRef) -> Result<(), Error> {
    if workload.kind == KIND {
        return Ok(());
    }
    Err(Error::Single { kind: workload.kind, name: workload.name.clone() })
}

/// The second workload of a track beside `own`; nothing where there is none that the controller made.
pub async fn observe(own: &Target, track: Track) -> Result<Option<WorkloadState>, Error> {
    let target = second(own, track);
    let found = get(&target).await?.filter(|found| is_ours(found, track));
    let deployment = found.and_then(|found| found.try_parse::<Deployment>().ok());
    Ok(deployment.map(|deployment| deployment::state(&deployment, &target.container)))
}

/// Whether somebody else's object bears the name that the second workload needs.
pub async fn is_taken(own: &Target, track: Track) -> Result<bool, Error> {
    Ok(get(&second(own, track)).await?.is_some_and(|found| !is_ours(&found, track)))
}

/// Brings the second workload to image and size; makes it where it does not exist. Harmless when done twice.
pub async fn set(own: &Target, wanted: &Copy) -> Result<Written, Error> {
    let target = second(own, wanted.track);
    let first = get(own).await?.ok_or_else(|| Error::Missing { kind: KIND, name: own.name.clone() })?;
    let changed = || Error::Changed { kind: KIND, name: target.name.clone() };
    let copy = copied(&first, &Place::of(&target), wanted).ok_or_else(changed)?;
    let Some(found) = get(&target).await? else {
        let params =
            PostParams { field_manager: Some(TRACK_FIELD_MANAGER.to_owned()), ..PostParams::default() };
        return match api(&target).create(&params, &copy).await {
            Ok(_) => Ok(Written::Now),
            Err(source) => Err(failed(KIND, &target, source)),
        };
    };
    if !is_ours(&found, wanted.track) {
        return Err(Error::Foreign { kind: KIND, name: target.name });
    }
    let operations = match changes(&found, &copy, &target.container) {
        Changes::None => return Ok(Written::Already),
        Changes::Unfit if wanted.serves => return Err(Error::Serves { kind: KIND, name: target.name }),
        Changes::Unfit => {
            remove(own, wanted.track).await?;
            return Err(changed());
        }
        Changes::Some(operations) => operations,
    };
    write(&target, TRACK_FIELD_MANAGER, operations).await.map(|()| Written::Now)
}

/// Removes the second workload, unless somebody else made it.
pub async fn remove(own: &Target, track: Track) -> Result<Written, Error> {
    let target = second(own, track);
    let Some(found) = get(&target).await?.filter(|found| is_ours(found, track)) else {
        return Ok(Written::Already);
    };
    let preconditions = Preconditions { uid: found.uid(), resource_version: None };
    let params = DeleteParams::background().preconditions(preconditions);
    match api(&target).delete(&target.name, &params).await {
        Ok(_) => Ok(Written::Now),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Written::Already),
        Err(source) => Err(failed(KIND, &target, source)),
    }
}

/// Changes the number of pods of a component's own workload, provided that it is still `from`.
pub async fn scale(own: &Target, from: i32, to: i32) -> Result<Written, Error> {
    let found = get(own).await?.ok_or_else(|| Error::Missing { kind: KIND, name: own.name.clone() })?;
    let replicas = found.data.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    if replicas == i64::from(to) {
        return Ok(Written::Already);
    }
    if replicas != i64::from(from) {
        return Err(Error::Changed { kind: KIND, name: own.name.clone() });
    }
    let version = found.resource_version().unwrap_or_default();
    let operations = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
        {"op": "add", "path": "/spec/replicas", "value": to},
    ]);
    write(own, CONTROLLER_FIELD_MANAGER, operations).await.map(|()| Written::Now)
}

/// Where a copy is made, and its container that matters.
struct Place {
    namespace: String,
    name: String,
    container: String,
}

impl Place {
    fn of(target: &Target) -> Self {
        let Target { namespace, name, container, .. } = target;
        Self { namespace: namespace.clone(), name: name.clone(), container: container.clone() }
    }
}

fn second(own: &Target, track: Track) -> Target {
    Target { name: track.workload_name(&own.name), ..own.clone() }
}

fn api(target: &Target) -> Api<DynamicObject> {
    Api::namespaced_with(target.client.clone(), &target.namespace, &ApiResource::erase::<Deployment>(&()))
}

async fn get(target: &Target) -> Result<Option<DynamicObject>, Error> {
    api(target).get_opt(&target.name).await.map_err(|source| failed(KIND, target, source))
}

async fn write(target: &Target, manager: &str, operations: Value) -> Result<(), Error> {
    let patch: json_patch::Patch = serde_json::from_value(operations)
        .map_err(|source| failed(KIND, target, kube::Error::SerdeError(source)))?;
    let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    match api(target).patch(&target.name, &params, &Patch::<()>::Json(patch)).await {
        Ok(_) => Ok(()),
        Err(source) => Err(failed(KIND, target, source)),
    }
}

/// Whether the controller made it for this track.
#[must_use]
pub fn is_ours(object: &impl ResourceExt, track: Track) -> bool {
    let labels = object.labels();
    labels.get(LABEL_MANAGED_BY).is_some_and(|value| value == MANAGED_BY)
        && labels.get(LABEL_OWN_TRACK).is_some_and(|value| value == track.as_str())
}

/// The labels of whatever is made for a release; `release` is `namespace/name`, or empty where it is not known.
#[must_use]
pub fn own_labels(track: Track, release: &str) -> BTreeMap<String, String> {
    let name = release.rsplit('/').next().unwrap_or_default();
    let name = name.get(..63).unwrap_or(name).trim_end_matches(['-', '.', '_']);
    let mut labels = BTreeMap::from([
        (LABEL_MANAGED_BY.to_owned(), MANAGED_BY.to_owned()),
        (LABEL_OWN_TRACK.to_owned(), track.as_str().to_owned()),
    ]);
    if !name.is_empty() {
        labels.insert(LABEL_RELEASE.to_owned(), name.to_owned());
    }
    labels
}

/// The labels of a workload's pods.
#[must_use]
pub fn pod_labels(workload: &Value) -> BTreeMap<String, String> {
    text_map(workload.pointer("/spec/template/metadata/labels"))
}

/// A map of texts in an object; empty where there is none.
#[must_use]
pub fn text_map(value: Option<&Value>) -> BTreeMap<String, String> {
    let pairs = value.and_then(Value::as_object).into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// The labels that the pods of a copy bear.
#[must_use]
pub fn labels_of_copy(first: &Value, wanted: &Copy) -> BTreeMap<String, String> {
    let mut labels = pod_labels(first);
    labels.extend(wanted.labels.clone());
    if !wanted.labels.is_empty() {
        labels.entry(LABEL_COMPONENT.to_owned()).or_insert_with(|| wanted.component.clone());
    }
    for key in [LABEL_TRACK, LABEL_OWN_TRACK] {
        // a track that the selector of the router knows by another name stays as it is wanted
        if !wanted.labels.contains_key(key) {
            labels.insert(key.to_owned(), wanted.track.as_str().to_owned());
        }
    }
    labels
}

/// The second workload, made of the first one: no status, no annotations of whoever applies the first one, no node, and no label by
/// which somebody's GitOps would count it among its own objects.
fn copied(first: &DynamicObject, target: &Place, wanted: &Copy) -> Option<DynamicObject> {
    let mut spec = first.data.get("spec")?.as_object()?.clone();
    let labels = labels_of_copy(&first.data, wanted);
    let matched = text_map(first.data.pointer("/spec/selector/matchLabels"));
    let mut selector: Map<String, Value> =
        matched.keys().filter_map(|key| Some((key.clone(), labels.get(key)?.clone().into()))).collect();
    selector.insert(LABEL_OWN_TRACK.to_owned(), labels.get(LABEL_OWN_TRACK)?.clone().into());
    spec.insert("selector".to_owned(), json!({"matchLabels": selector}));
    spec.insert("replicas".to_owned(), wanted.replicas.into());
    spec.remove("paused");
    let template = spec.get_mut("template")?;
    let metadata =
        template.as_object_mut()?.entry("metadata").or_insert_with(|| json!({})).as_object_mut()?;
    metadata.retain(|key, _| key == "labels" || key == "annotations");
    metadata.insert("labels".to_owned(), json!(labels));
    let pod = template.get_mut("spec")?.as_object_mut()?;
    pod.remove("nodeName");
    let containers = pod.get_mut("containers")?.as_array_mut()?;
    let container = containers.iter_mut().find(|one| one["name"] == target.container.as_str())?;
    container["image"] = wanted.image.clone().into();
    for list in ["containers", "initContainers"] {
        for one in pod.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if wanted.containers.iter().any(|name| one["name"] == name.as_str()) {
                one["image"] = wanted.image.clone().into();
            }
        }
    }
    let mut own = own_labels(wanted.track, &wanted.release);
    own.extend(labels.get(LABEL_COMPONENT).map(|component| (LABEL_COMPONENT.to_owned(), component.clone())));
    let made_of = first.clone().try_parse::<Deployment>().ok()?;
    let made_of = template::hash(&made_of.spec.template, &target.container);
    let object = json!({
        "apiVersion": "apps/v1", "kind": KIND.as_str(),
        "metadata": {
            "name": target.name, "namespace": target.namespace, "labels": own,
            "annotations": {ANNOTATION_RELEASE: wanted.release, ANNOTATION_TEMPLATE: made_of}
        },
        "spec": spec
    });
    serde_json::from_value(object).ok()
}

/// What brings a copy that exists to the one that is wanted.
#[derive(Debug, PartialEq)]
enum Changes {
    None,
    Some(Value),
    /// Its selector is another one, which nobody can change: it must be made anew.
    Unfit,
}

/// A copy of the same release keeps its template but for the image, unless the template that it was copied from has changed; one that
/// another release left behind is brought up to date.
fn changes(found: &DynamicObject, copy: &DynamicObject, container: &str) -> Changes {
    if found.data.pointer("/spec/selector") != copy.data.pointer("/spec/selector") {
        return Changes::Unfit;
    }
    let version = found.resource_version().unwrap_or_default();
    let mut operations = vec![json!({"op": "test", "path": "/metadata/resourceVersion", "value": version})];
    let mut add = |path: String, value: Option<&Value>| {
        operations.push(json!({"op": "add", "path": path, "value": value}));
    };
    let is_same = |key: &str| found.annotations().get(key) == copy.annotations().get(key);
    let is_old = found.annotations().contains_key(ANNOTATION_TEMPLATE) && !is_same(ANNOTATION_TEMPLATE);
    if is_same(ANNOTATION_RELEASE) && is_old {
        let path = format!("/metadata/annotations/{}", ANNOTATION_TEMPLATE.replace('/', "~1"));
        add("/spec/template".to_owned(), copy.data.pointer("/spec/template"));
        add(path, copy.annotations().get(ANNOTATION_TEMPLATE).map(|hash| json!(hash)).as_ref());
    } else if is_same(ANNOTATION_RELEASE) {
        let at = |object: &DynamicObject| {
            let containers = object.data.pointer("/spec/template/spec/containers")?.as_array()?;
            containers.iter().position(|one| one["name"] == container)
        };
        let path = |index: usize| format!("/spec/template/spec/containers/{index}/image");
        let (Some(here), Some(there)) = (at(found), at(copy)) else { return Changes::Unfit };
        let (here, there) = (path(here), path(there));
        if found.data.pointer(&here) != copy.data.pointer(&there) {
            add(here, copy.data.pointer(&there));
        }
    } else {
        add("/spec/template".to_owned(), copy.data.pointer("/spec/template"));
        add("/metadata/labels".to_owned(), Some(&json!(copy.labels())));
        add("/metadata/annotations".to_owned(), Some(&json!(copy.annotations())));
    }
    if found.data.pointer("/spec/replicas") != copy.data.pointer("/spec/replicas") {
        add("/spec/replicas".to_owned(), copy.data.pointer("/spec/replicas"));
    }
    if !found.owner_references().is_empty() {
        // of an older version of the controller
        operations.push(json!({"op": "remove", "path": "/metadata/ownerReferences"}));
    }
    if operations.len() == 1 { Changes::None } else { Changes::Some(Value::Array(operations)) }
}

#[cfg(test)]
mod tests;
