//! Metadata without what rows never need: skipping `managedFields` and most annotations while parsing saves most of a pod's memory.

use std::collections::BTreeMap;

use crate::api::labels::ANNOTATION_REVISION;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
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

/// For `#[serde(deserialize_with)]` on `metadata`.
pub(super) fn metadata<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    let slim = Slim::deserialize(deserializer)?;
    let revision = slim.annotations.and_then(|kept| kept.revision.or(kept.rollout_revision));
    Ok(ObjectMeta {
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
    })
}
