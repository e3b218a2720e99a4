//! Defaults and the few checks of built-in kinds that a client relies on.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::refusal::{Cause, Refusal};
use super::{metadata, policy};
use crate::sim::kinds::{self, Resource, text};
use crate::sim::store::entry;

/// Fills in what an API server fills in.
pub(crate) fn default(resource: &Resource, value: &mut Value) {
    match resource.kind {
        "Deployment" => {
            let spec = entry(value, "spec");
            put(spec, "replicas", json!(1));
            put(spec, "revisionHistoryLimit", json!(10));
            put(spec, "progressDeadlineSeconds", json!(600));
            put(spec, "strategy", json!({"type": "RollingUpdate"}));
            let rolling = spec["strategy"]["type"] != "Recreate";
            if let Some(strategy) = spec["strategy"].as_object_mut() {
                put(strategy, "type", json!("RollingUpdate"));
                if rolling {
                    put(strategy, "rollingUpdate", json!({}));
                    if let Some(rolling) = strategy["rollingUpdate"].as_object_mut() {
                        put(rolling, "maxUnavailable", json!("25%"));
                        put(rolling, "maxSurge", json!("25%"));
                    }
                }
            }
            pod_template(spec);
        }
        "ReplicaSet" | "StatefulSet" => {
            let spec = entry(value, "spec");
            put(spec, "replicas", json!(1));
            pod_template(spec);
        }
        "DaemonSet" => pod_template(entry(value, "spec")),
        "Pod" => pod_spec(entry(value, "spec")),
        _ => {}
    }
}

fn put(map: &mut Map<String, Value>, field: &str, value: Value) {
    if map.get(field).is_none_or(Value::is_null) {
        map.insert(field.to_owned(), value);
    }
}

fn pod_template(spec: &mut Map<String, Value>) {
    put(spec, "template", json!({}));
    put_in(&mut spec["template"], "metadata");
    if let Some(metadata) = spec["template"]["metadata"].as_object_mut() {
        put(metadata, "creationTimestamp", Value::Null);
    }
    pod_spec(entry(&mut spec["template"], "spec"));
}

fn put_in(value: &mut Value, field: &str) {
    entry(value, field);
}

fn pod_spec(spec: &mut Map<String, Value>) {
    for (field, value) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
    ] {
        put(spec, field, value);
    }
    for container in spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
        let latest = text(container, &["image"]).ends_with(":latest");
        let Some(container) = container.as_object_mut() else { continue };
        put(container, "resources", json!({}));
        put(container, "terminationMessagePath", json!("/dev/termination-log"));
        put(container, "terminationMessagePolicy", json!("File"));
        put(container, "imagePullPolicy", json!(if latest { "Always" } else { "IfNotPresent" }));
        for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(port) = port.as_object_mut() {
                put(port, "protocol", json!("TCP"));
            }
        }
    }
}

/// Drops the fields that a built-in kind does not have, and tells their paths.
///
/// # Errors
/// 400 for values that the kind cannot hold.
pub(crate) fn prune(
    resource: &Resource,
    value: &mut Value,
    unknown: &mut Vec<String>,
) -> Result<(), Refusal> {
    let typed = match resource.kind {
        "Deployment" => round_trip::<Deployment>(value),
        "Pod" => round_trip::<Pod>(value),
        "ConfigMap" => round_trip::<ConfigMap>(value),
        "Service" => round_trip::<Service>(value),
        "Lease" => round_trip::<Lease>(value),
        _ => return Ok(()),
    };
    let typed = typed.map_err(|error| {
        let kind = resource.kind;
        Refusal::bad_request(format!(
            "{kind} in version \"{}\" cannot be handled as a {kind}: {error}",
            resource.version
        ))
    })?;
    drop_unknown(value, &typed, "", unknown);
    Ok(())
}

fn round_trip<T: Serialize + DeserializeOwned>(value: &Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(T::deserialize(value)?)
}

fn drop_unknown(value: &mut Value, typed: &Value, path: &str, unknown: &mut Vec<String>) {
    match (value, typed) {
        (Value::Object(map), Value::Object(known)) => map.retain(|key, value| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let empty = value.is_null()
                || value.as_array().is_some_and(Vec::is_empty)
                || value.as_object().is_some_and(Map::is_empty);
            match known.get(key) {
                Some(typed) => drop_unknown(value, typed, &path, unknown),
                None if empty => {}
                None => {
                    unknown.push(path);
                    return false;
                }
            }
            true
        }),
        (Value::Array(items), Value::Array(known)) => {
            for (n, (item, typed)) in items.iter_mut().zip(known).enumerate() {
                drop_unknown(item, typed, &format!("{path}[{n}]"), unknown);
            }
        }
        _ => {}
    }
}

/// The status of a new object of a built-in kind.
pub(crate) fn fresh_status(resource: &Resource, value: &mut Value) {
    match resource.kind {
        "Pod" => value["status"] = json!({"phase": "Pending", "qosClass": "Burstable"}),
        "Namespace" => value["status"] = json!({"phase": "Active"}),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => value["status"] = json!({}),
        _ => {}
    }
}

/// Checks a built-in kind.
///
/// # Errors
/// 422.
pub(crate) fn validate(resource: &Resource, value: &Value, old: Option<&Value>) -> Result<(), Refusal> {
    let mut causes = metadata::causes(resource, value, old.is_none());
    if resource.kind == "Service" {
        metadata::labels(value, &["spec", "selector"], "spec.selector", &mut causes);
    }
    if matches!(resource.kind, "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") {
        workload(value, old, &mut causes);
    }
    causes.extend(policy::causes(resource, value));
    if resource.kind == "Pod" && kinds::list(value, &["spec", "containers"]).is_empty() {
        causes.push(Cause::new("spec.containers", "FieldValueRequired", "Required value"));
    }
    if causes.is_empty() {
        Ok(())
    } else {
        Err(Refusal::invalid(resource, text(value, &["metadata", "name"]), &causes))
    }
}

/// Whether a label of the selector can be none; the template is not judged then.
fn is_no_selector(value: &Value, causes: &mut Vec<Cause>) -> bool {
    let before = causes.len();
    metadata::labels(value, &["spec", "selector", "matchLabels"], "spec.selector.matchLabels", causes);
    causes.len() > before
}

fn workload(value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let selector = kinds::at(value, &["spec", "selector", "matchLabels"]).and_then(Value::as_object);
    match selector {
        None => causes.push(Cause::new("spec.selector", "FieldValueRequired", "Required value")),
        Some(wanted) if is_no_selector(value, causes) => {
            let shown = json!({"matchLabels": wanted});
            let message = format!("Invalid value: {shown}: invalid label selector");
            causes.push(Cause::new("spec.selector", "FieldValueInvalid", message));
        }
        Some(wanted) => {
            let labels = kinds::at(value, &["spec", "template", "metadata", "labels"]);
            let fits =
                wanted.iter().all(|(key, wanted)| labels.and_then(|labels| labels.get(key)) == Some(wanted));
            if !fits {
                let shown = labels.cloned().unwrap_or_default();
                causes.push(Cause::new(
                    "spec.template.metadata.labels",
                    "FieldValueInvalid",
                    format!("Invalid value: {shown}: `selector` does not match template `labels`"),
                ));
            }
            let (labels, annotations) = ("spec.template.labels", "spec.template.annotations");
            metadata::labels(value, &["spec", "template", "metadata", "labels"], labels, causes);
            metadata::annotations(
                value,
                &["spec", "template", "metadata", "annotations"],
                annotations,
                causes,
            );
        }
    }
    if let Some(old) = old
        && old["spec"]["selector"] != value["spec"]["selector"]
    {
        let message = format!("Invalid value: {}: field is immutable", value["spec"]["selector"]);
        causes.push(Cause::new("spec.selector", "FieldValueInvalid", message));
    }
    if kinds::list(value, &["spec", "template", "spec", "containers"]).is_empty() {
        causes.push(Cause::new("spec.template.spec.containers", "FieldValueRequired", "Required value"));
    }
    for (n, container) in kinds::list(value, &["spec", "template", "spec", "containers"]).iter().enumerate() {
        for field in ["name", "image"] {
            if text(container, &[field]).is_empty() {
                let path = format!("spec.template.spec.containers[{n}].{field}");
                causes.push(Cause::new(&path, "FieldValueRequired", "Required value"));
            }
        }
    }
    if kinds::int(value, &["spec", "replicas"]).is_some_and(|replicas| replicas < 0) {
        let message =
            format!("Invalid value: {}: must be greater than or equal to 0", value["spec"]["replicas"]);
        causes.push(Cause::new("spec.replicas", "FieldValueInvalid", message));
    }
}
