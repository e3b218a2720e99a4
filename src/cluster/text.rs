//! Texts that a person asks for: YAML and descriptions. Sanitised, bounded, never kept.

pub(super) mod describe;

pub(super) use describe::crashed_container;

use serde_json::Value;

use super::Cluster;
use super::error::{Error, Kind};
use crate::api::{GROUP, VERSION};
use crate::domain::pod_row::PodKey;
use crate::domain::workload_row::WorkloadKey;
use crate::sanitize;

impl Cluster {
    /// A pod as YAML, without `managedFields`.
    pub async fn pod_yaml(&self, pod: &PodKey) -> Result<String, Error> {
        yaml(self.json(&pod_path(pod), "pods").await?)
    }

    /// An object of ours as YAML; `plural` is `environments`, `releases` or `releaseactions`.
    pub async fn object_yaml(&self, plural: &str, namespace: &str, name: &str) -> Result<String, Error> {
        let path = format!("/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{plural}/{name}");
        yaml(self.json(&path, &format!("{plural}.{GROUP}")).await?)
    }

    /// A workload as YAML, without `managedFields`.
    pub async fn workload_yaml(&self, workload: &WorkloadKey) -> Result<String, Error> {
        let kinds = super::workload_row::kinds();
        let known = kinds.iter().find(|(resource, _)| resource.kind == workload.kind.as_str());
        let Some((resource, _)) = known else {
            return Err(Error::new(Kind::Invalid, "that kind cannot be asked for"));
        };
        let path = format!(
            "/apis/{}/namespaces/{}/{}/{}",
            resource.api_version, workload.namespace, resource.plural, workload.name
        );
        yaml(self.json(&path, &resource.plural).await?)
    }

    /// A pod with its containers, conditions and events. Events that may not be read are left out, and that is said.
    pub async fn pod_describe(&self, pod: &PodKey) -> Result<String, Error> {
        let path = format!(
            "/api/v1/namespaces/{}/events?limit=200&fieldSelector=involvedObject.kind%3DPod%2CinvolvedObject.name%3D{}",
            pod.namespace, pod.name
        );
        let (pod, events) = (pod_path(pod), path);
        let (pod, events) = tokio::join!(self.json(&pod, "pods"), self.json(&events, "events"));
        Ok(sanitize::block(&describe::pod(&pod?, events.as_ref())).into_owned())
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

fn yaml(mut object: Value) -> Result<String, Error> {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    let text = serde_saphyr::to_string(&object)
        .map_err(|_| Error::new(Kind::Protocol, "the object cannot be shown as YAML"))?;
    Ok(sanitize::block(&text).into_owned())
}
