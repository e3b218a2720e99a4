//! Texts that a person asks for: YAML and descriptions. Sanitised, bounded, never kept.

pub(super) mod describe;

pub(super) use describe::crashed_container;

use serde_json::Value;
use std::fmt::Write as _;

use super::Cluster;
use super::error::{Error, Kind};
use crate::api::{GROUP, VERSION};
use crate::domain::pod_row::PodKey;
use crate::domain::workload_kind;
use crate::domain::workload_row::WorkloadKey;
use crate::sanitize;

impl Cluster {
    /// A pod as YAML; who wrote which field only where that is wanted.
    pub async fn pod_yaml(&self, pod: &PodKey, managed_fields: bool) -> Result<String, Error> {
        yaml(self.json(&pod_path(pod), "pods").await?, managed_fields)
    }

    /// An object of ours as YAML: plural (`environments`, `releases` or `releaseactions`), namespace and name.
    pub async fn object_yaml(&self, of: (&str, &str, &str), managed_fields: bool) -> Result<String, Error> {
        let (plural, namespace, name) = of;
        let path = format!("/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{plural}/{name}");
        yaml(self.json(&path, &format!("{plural}.{GROUP}")).await?, managed_fields)
    }

    /// A workload as YAML, without `managedFields`.
    pub async fn workload_yaml(&self, workload: &WorkloadKey, managed_fields: bool) -> Result<String, Error> {
        let row = workload_kind::row(workload.kind);
        let path = row.path(&workload.namespace, &workload.name);
        yaml(self.json(&path, row.plural).await?, managed_fields)
    }

    /// A pod with its containers, conditions and events. Events that may not be read are left out, and that is said.
    pub async fn pod_describe(&self, pod: &PodKey) -> Result<String, Error> {
        let (pod, events) = (pod_path(pod), events_path(&pod.namespace, "Pod", &pod.name));
        let (pod, events) = tokio::join!(self.json(&pod, "pods"), self.json(&events, "events"));
        Ok(sanitize::block(&describe::pod(&pod?, events.as_ref())).into_owned())
    }

    /// Workloads with their conditions and events, one after the other.
    pub async fn workloads_describe(&self, workloads: &[WorkloadKey]) -> Result<String, Error> {
        let mut out = String::new();
        for key in workloads {
            let row = workload_kind::row(key.kind);
            let object = row.path(&key.namespace, &key.name);
            let events = events_path(&key.namespace, key.kind.as_str(), &key.name);
            let (object, events) = tokio::join!(self.json(&object, row.plural), self.json(&events, "events"));
            if !out.is_empty() {
                out.push('\n');
            }
            match object {
                Ok(object) => out += &describe::workload(&object, events.as_ref()),
                Err(error) if workloads.len() > 1 => {
                    let _ = write!(out, "{} {}\n  {error}\n", key.kind.as_str(), key.name);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(sanitize::block(&out).into_owned())
    }

    pub(super) async fn json(&self, path: &str, what: &str) -> Result<Value, Error> {
        self.bounded(self.client().request(get(path)?), what).await
    }
}

pub(super) fn pod_path(pod: &PodKey) -> String {
    format!("/api/v1/namespaces/{}/pods/{}", pod.namespace, pod.name)
}

pub(super) fn get(path: &str) -> Result<http::Request<Vec<u8>>, Error> {
    http::Request::get(path)
        .body(Vec::new())
        .map_err(|_| Error::new(Kind::Invalid, "that name cannot be asked for"))
}

fn events_path(namespace: &str, kind: &str, name: &str) -> String {
    format!(
        "/api/v1/namespaces/{namespace}/events?limit=200&fieldSelector=involvedObject.kind%3D{kind}%2CinvolvedObject.name%3D{name}"
    )
}

fn yaml(mut object: Value, managed_fields: bool) -> Result<String, Error> {
    if !managed_fields && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    close_secret(&mut object);
    let text = serde_saphyr::to_string(&object)
        .map_err(|_| Error::new(Kind::Protocol, "the object cannot be shown as YAML"))?;
    Ok(sanitize::block(&text).into_owned())
}

/// The values of a Secret are never shown: neither its data nor what an earlier `kubectl apply` noted of them.
fn close_secret(object: &mut Value) {
    if object.get("kind").and_then(Value::as_str) != Some("Secret") {
        return;
    }
    for field in ["data", "stringData"] {
        for value in object.get_mut(field).and_then(Value::as_object_mut).into_iter().flatten() {
            *value.1 = Value::from("(not shown)");
        }
    }
    let notes = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    if let Some(notes) = notes {
        notes.shift_remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_keeps_its_values_to_itself() {
        let secret = json!({"kind": "Secret", "data": {"key": "czNjcmV0"}, "stringData": {"b": "s3cret"},
            "metadata": {"name": "x", "managedFields": [{"manager": "kubectl"}],
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "czNjcmV0"}}});
        let shown = yaml(secret, false).unwrap();
        assert!(shown.contains("key: (not shown)") && shown.contains("b: (not shown)"), "{shown}");
        assert!(
            !shown.contains("czNjcmV0") && !shown.contains("s3cret") && !shown.contains("manager"),
            "{shown}"
        );
    }

    #[test]
    fn who_wrote_what_is_shown_where_it_is_wanted() {
        let pod = json!({"kind": "Pod", "metadata": {"managedFields": [{"manager": "kubelet"}]}});
        assert!(yaml(pod.clone(), true).unwrap().contains("manager: kubelet"));
        assert!(!yaml(pod, false).unwrap().contains("kubelet"));
    }
}
