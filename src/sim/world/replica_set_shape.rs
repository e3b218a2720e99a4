//! What a Deployment's ReplicaSet looks like, and the annotations and conditions that its controller keeps.

use serde_json::{Value, json};

use super::rolling::bounds;
use crate::api::labels::{ANNOTATION_REVISION, LABEL_POD_TEMPLATE_HASH};
use crate::sim::kinds::{self, int, list, text};
use crate::sim::rng::Seed;
use crate::sim::store::metadata;

/// Annotation of ReplicaSets.
pub(super) const HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// Annotation of ReplicaSets.
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
/// Annotation of ReplicaSets.
pub(super) const MOST: &str = "deployment.kubernetes.io/max-replicas";

/// The ReplicaSet of a Deployment's present template.
pub(super) fn set_of(deployment: &Value, revision: i64, replicas: i64) -> Value {
    let mut template = deployment["spec"]["template"].clone();
    let hash = template_hash(&template);
    if !template["metadata"]["labels"].is_object() {
        template["metadata"]["labels"] = json!({});
    }
    template["metadata"]["labels"][LABEL_POD_TEMPLATE_HASH] = hash.clone().into();
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][LABEL_POD_TEMPLATE_HASH] = hash.clone().into();
    let name = text(deployment, &["metadata", "name"]);
    let wanted = int(deployment, &["spec", "replicas"]).unwrap_or(1);
    let (surge, _) = bounds(&deployment["spec"], wanted);
    let mut annotations = json!({});
    let kept = deployment["metadata"]["annotations"].as_object();
    for (key, value) in kept.into_iter().flatten().filter(|(key, _)| {
        *key != "kubectl.kubernetes.io/last-applied-configuration"
            && !key.starts_with("deployment.kubernetes.io/")
    }) {
        annotations[key] = value.clone();
    }
    annotations[ANNOTATION_REVISION] = revision.to_string().into();
    annotations[DESIRED] = wanted.to_string().into();
    annotations[MOST] = (wanted + surge).to_string().into();
    let mut spec = json!({"replicas": replicas, "selector": selector, "template": template});
    if let Some(seconds) = deployment["spec"].get("minReadySeconds") {
        spec["minReadySeconds"] = seconds.clone();
    }
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{name}-{hash}"), "namespace": deployment["metadata"]["namespace"],
            "labels": template["metadata"]["labels"], "annotations": annotations,
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "Deployment", "name": name, "uid": deployment["metadata"]["uid"],
                "controller": true, "blockOwnerDeletion": true
            }]
        },
        "spec": spec, "status": {"replicas": 0}
    })
}

/// The revision of a ReplicaSet or Deployment; 0 when it has none.
pub(super) fn revision(value: &Value) -> i64 {
    kinds::annotation(value, ANNOTATION_REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

pub(super) fn annotate(value: &mut Value, key: &str, text: &str) {
    let metadata = metadata(value);
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if !annotations.is_object() {
        *annotations = json!({});
    }
    annotations[key] = text.into();
}

pub(super) fn progressing(deployment: &Value) -> Option<&Value> {
    list(deployment, &["status", "conditions"]).iter().find(|item| text(item, &["type"]) == "Progressing")
}

/// Sets a condition; the transition time moves only with the status.
pub(super) fn condition(
    status: &mut Value,
    kind: &str,
    holds: &str,
    (reason, message): (&str, &str),
    now: &str,
) {
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(conditions) = status["conditions"].as_array_mut() else { return };
    let present = conditions.iter_mut().find(|item| text(item, &["type"]) == kind);
    match present {
        Some(item) => {
            let same = item["status"] == holds && item["reason"] == reason;
            if same && kind == "Available" {
                return;
            }
            if item["status"] != holds {
                item["lastTransitionTime"] = now.into();
            }
            item["status"] = holds.into();
            item["reason"] = reason.into();
            item["message"] = message.into();
            item["lastUpdateTime"] = now.into();
        }
        None => conditions.push(json!({
            "type": kind, "status": holds, "reason": reason, "message": message,
            "lastUpdateTime": now, "lastTransitionTime": now
        })),
    }
}

/// The template as text with keys in order and without the hash label, for comparison.
pub(super) fn template_key(template: &Value) -> String {
    let mut template = template.clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.shift_remove(LABEL_POD_TEMPLATE_HASH);
    }
    canonical(&template)
}

fn template_hash(template: &Value) -> String {
    Seed(0).child(&template_key(template)).suffix(10)
}

/// JSON with the keys of every map in order and nulls and empty maps left out.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut parts: Vec<_> = map
                .iter()
                .filter(|(_, value)| !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty()))
                .map(|(key, value)| format!("{key:?}:{}", canonical(value)))
                .collect();
            parts.sort();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(items) => {
            let parts: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", parts.join(","))
        }
        other => other.to_string(),
    }
}
