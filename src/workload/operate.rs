//! Scaling and restarting, for every kind alike: a merge patch over the version that was read, which leaves the action's name on
//! the workload, so that a second try finds it done.

use std::fmt::Debug;

use chrono::SecondsFormat;
use k8s_openapi::NamespaceResourceScope;
use kube::api::Patch;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::patch::{changed, failed, params, read};
use super::{Error, Operation, OperationKind, Target, Written};
use crate::api::environment::WorkloadKind;
use crate::api::labels::{ANNOTATION_ACTION, ANNOTATION_RESTARTED_AT};
use crate::domain::workload_kind;

/// Does it, unless the workload bears the action's name already or wants another size than was seen.
pub(super) async fn operate<K>(
    kind: WorkloadKind,
    target: &Target,
    wanted: &Operation,
    replicas: impl Fn(&K) -> i32 + Send,
) -> Result<Written, Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let (api, object): (_, K) = read(kind, target).await?;
    let changed = || changed(kind, target);
    if object.annotations().get(ANNOTATION_ACTION) == Some(&wanted.action) {
        return Ok(Written::Already);
    }
    if let OperationKind::Scale { from, to } = wanted.kind {
        match replicas(&object) {
            now if now == to => return Ok(Written::Already),
            now if now == from => {}
            _ => return Err(changed()),
        }
    }
    let body = body(kind, wanted, &object.resource_version().unwrap_or_default());
    match api.patch(&target.name, &params(), &Patch::Merge(&body)).await {
        Ok(_) => Ok(Written::Now),
        Err(source) => Err(failed(kind, target, source)),
    }
}

fn body(workload: WorkloadKind, wanted: &Operation, version: &str) -> Value {
    let spec = match wanted.kind {
        OperationKind::Scale { to, .. } => json!({"replicas": to}),
        OperationKind::Restart(at) => {
            let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
            // another template would be another version to Argo, with all its steps
            if workload_kind::row(workload).has_own_plan {
                return json!({"metadata": metadata(wanted, version), "spec": {"restartAt": at}});
            }
            json!({"template": {"metadata": {"annotations": {ANNOTATION_RESTARTED_AT: at}}}})
        }
    };
    json!({"metadata": metadata(wanted, version), "spec": spec})
}

fn metadata(wanted: &Operation, version: &str) -> Value {
    json!({"resourceVersion": version, "annotations": {ANNOTATION_ACTION: wanted.action}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_meant_is_written() {
        let scale = Operation { kind: OperationKind::Scale { from: 4, to: 0 }, action: "a1".into() };
        let written = body(WorkloadKind::Deployment, &scale, "7");
        assert_eq!(written["spec"], json!({"replicas": 0}));
        assert_eq!(
            written["metadata"],
            json!({"resourceVersion": "7", "annotations": {ANNOTATION_ACTION: "a1"}})
        );
        let at = chrono::DateTime::from_timestamp(1_800_000_000, 5).unwrap();
        let restart = Operation { kind: OperationKind::Restart(at), action: "a2".into() };
        let written = body(WorkloadKind::Rollout, &restart, "7");
        assert_eq!(written["spec"], json!({"restartAt": "2027-01-15T08:00:00Z"}));
        let written = body(WorkloadKind::Deployment, &restart, "7");
        let annotations = &written["spec"]["template"]["metadata"]["annotations"];
        assert_eq!(annotations[ANNOTATION_RESTARTED_AT], "2027-01-15T08:00:00Z");
        assert!(written["spec"].get("replicas").is_none());
    }
}
