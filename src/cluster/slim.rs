//! Metadata without what rows never need: skipping `managedFields` and most annotations while parsing saves most of a pod's memory.

use std::collections::BTreeMap;

use crate::api::labels::ANNOTATION_REVISION;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta, OwnerReference, Time};
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Slim {
    name: Option<String>,
    namespace: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    labels: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<OwnerReference>>,
    annotations: Option<Kept>,
}

/// The only annotations that a row needs; the others are skipped while parsing.
#[derive(Deserialize)]
struct Kept {
    #[serde(rename = "deployment.kubernetes.io/revision")]
    revision: Option<String>,
    #[serde(rename = "rollout.argoproj.io/revision")]
    rollout_revision: Option<String>,
}

/// Metadata of a workload, whose writers matter.
#[derive(Deserialize)]
struct Written {
    #[serde(flatten)]
    slim: Slim,
    #[serde(rename = "managedFields", default)]
    managed_fields: Vec<ManagedFieldsEntry>,
}

/// As [`metadata`], but those entries of `managedFields` stay that own the image of a container, without the fields.
pub(super) fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    let Written { slim, managed_fields } = Written::deserialize(deserializer)?;
    let owns_an_image = |entry: &ManagedFieldsEntry| {
        let containers = entry
            .fields_v1
            .as_ref()
            .and_then(|fields| fields.0.pointer("/f:spec/f:template/f:spec/f:containers"));
        let containers = containers.and_then(serde_json::Value::as_object);
        containers
            .is_some_and(|containers| containers.values().any(|container| container.get("f:image").is_some()))
    };
    let kept = managed_fields.into_iter().filter(owns_an_image);
    let kept: Vec<_> = kept.map(|entry| ManagedFieldsEntry { fields_v1: None, ..entry }).collect();
    Ok(ObjectMeta { managed_fields: (!kept.is_empty()).then_some(kept), ..of(slim) })
}

/// For `#[serde(deserialize_with)]` on `metadata`.
pub(super) fn metadata<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    Ok(of(Slim::deserialize(deserializer)?))
}

fn of(slim: Slim) -> ObjectMeta {
    let revision = slim.annotations.and_then(|kept| kept.revision.or(kept.rollout_revision));
    ObjectMeta {
        annotations: revision.map(|revision| BTreeMap::from([(ANNOTATION_REVISION.to_owned(), revision)])),
        name: slim.name,
        namespace: slim.namespace,
        resource_version: slim.resource_version,
        generation: slim.generation,
        creation_timestamp: slim.creation_timestamp,
        deletion_timestamp: slim.deletion_timestamp,
        labels: slim.labels,
        owner_references: slim.owner_references,
        ..ObjectMeta::default()
    }
}
