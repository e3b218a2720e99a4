//! Autoscalers: who else sets the size of a workload.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};

use crate::api::environment::WorkloadRef;

/// Names of the autoscalers of a namespace with what each of them scales; nothing where they may not be read.
pub async fn autoscalers(client: &Client, namespace: &str) -> Vec<(WorkloadRef, String)> {
    let api: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), namespace);
    let found = match api.list(&ListParams::default()).await {
        Ok(found) => found.items,
        Err(error) => {
            tracing::debug!(namespace, %error, "autoscalers cannot be read");
            return Vec::new();
        }
    };
    found.iter().filter_map(|autoscaler| Some((scaled(autoscaler)?, autoscaler.name_any()))).collect()
}

/// Name of the autoscaler that sets the size of a workload, if one does.
pub async fn autoscaler_of(
    client: &Client,
    namespace: &str,
    workload: &WorkloadRef,
) -> Result<Option<String>, kube::Error> {
    let api: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), namespace);
    let found = api.list(&ListParams::default()).await?.items;
    let sets = |autoscaler: &&HorizontalPodAutoscaler| scaled(autoscaler).as_ref() == Some(workload);
    Ok(found.iter().find(sets).map(ResourceExt::name_any))
}

fn scaled(autoscaler: &HorizontalPodAutoscaler) -> Option<WorkloadRef> {
    let target = &autoscaler.spec.scale_target_ref;
    let kind = serde_json::from_value(serde_json::Value::String(target.kind.clone())).ok()?;
    Some(WorkloadRef { kind, name: target.name.clone() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::environment::WorkloadKind;

    #[test]
    fn its_target_is_a_workload_or_nothing_of_ours() {
        for (kind, expected) in [("Deployment", Some(WorkloadKind::Deployment)), ("Widget", None)] {
            let autoscaler = serde_json::from_value(json!({
                "metadata": {"name": "api"},
                "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": "api"}}
            }));
            assert_eq!(scaled(&autoscaler.unwrap()).map(|target| target.kind), expected);
        }
    }
}
