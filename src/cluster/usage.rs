//! What pods use, as the metrics API says (metrics-server, or an adapter over Prometheus).

use serde_json::Value;

use super::Cluster;
use super::error::{Error, Kind};
use super::text::describe::{items, text};
use crate::domain::usage::{Usage, bytes, millicores};
use crate::sanitize;

impl Cluster {
    /// What the pods of a namespace use, by name.
    pub async fn pod_usage(&self, namespace: &str) -> Result<Vec<(Box<str>, Usage)>, Error> {
        let path = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods");
        let list = self.json(&path, "pods.metrics.k8s.io").await.map_err(|error| match error.kind() {
            Kind::NotFound | Kind::NotInstalled => {
                Error::new(Kind::NotInstalled, "this cluster has no metrics API: install metrics-server")
            }
            _ => error,
        })?;
        Ok(items(&list, "/items").iter().map(usage).collect())
    }
}

fn usage(pod: &Value) -> (Box<str>, Usage) {
    let containers = items(pod, "/containers").iter().map(|container| Usage {
        cpu: millicores(text(container, "/usage/cpu")).unwrap_or_default(),
        memory: bytes(text(container, "/usage/memory")).unwrap_or_default(),
    });
    let sum = containers.fold(Usage::default(), |sum, one| sum + one);
    (sanitize::line(text(pod, "/metadata/name")).into(), sum)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn containers_are_added_up() {
        let pod = json!({"metadata": {"name": "a"}, "containers": [
            {"name": "x", "usage": {"cpu": "1500000n", "memory": "1024Ki"}},
            {"name": "y", "usage": {"cpu": "250m", "memory": "1Mi"}}]});
        assert_eq!(usage(&pod), ("a".into(), Usage { cpu: 252, memory: 2 << 20 }));
    }
}
