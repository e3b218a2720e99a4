//! The kind `StatefulSet`, and its `ControllerRevision`s as revisions.

use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::{Api, ResourceExt};

use super::controller_revisions::{self, owned};
use super::{Error, ImageChange, Operation, Revision, Target, Workload, Written};
use super::{operate, patch};
use crate::api::environment::WorkloadKind;
use crate::api::labels::CONTROLLER_FIELD_MANAGER;
use crate::api::time::from_time;
use crate::domain::rollout_status::WorkloadState;

/// The kind `apps/v1` StatefulSet.
pub(super) struct StatefulSets;

const KIND: WorkloadKind = WorkloadKind::StatefulSet;

impl Workload for StatefulSets {
    fn kind(&self) -> WorkloadKind {
        KIND
    }

    fn observe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Option<WorkloadState>, Error>> {
        async move {
            let api: Api<StatefulSet> = patch::api(target);
            let found = api.get_opt(&target.name).await.map_err(|e| patch::failed(KIND, target, e))?;
            let Some(object) = found else { return Ok(None) };
            let mut state = state(&object, &target.container);
            let uid = object.uid().unwrap_or_default();
            state.revision = controller_revisions::newest(&owned(KIND, target, &uid).await?);
            Ok(Some(state))
        }
        .boxed()
    }

    fn set_image<'a>(
        &'a self,
        target: &'a Target,
        change: &'a ImageChange,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        async move {
            let template = |object: &StatefulSet| object.spec.template.clone();
            let written = patch::set_image::<StatefulSet>(KIND, target, (change, &[]), template).await?;
            match (written, change.partition) {
                (Written::Already, Some(wanted)) => {
                    let found = |object: &StatefulSet| partition(object).unwrap_or(0);
                    patch::set_partition::<StatefulSet>(KIND, target, wanted, found).await
                }
                (written, _) => Ok(written),
            }
        }
        .boxed()
    }

    fn operate<'a>(
        &'a self,
        target: &'a Target,
        wanted: &'a Operation,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        operate::operate::<StatefulSet>(KIND, target, wanted, |object| object.spec.replicas.unwrap_or(1))
            .boxed()
    }

    fn revisions<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Vec<Revision>, Error>> {
        async move {
            let api: Api<StatefulSet> = patch::api(target);
            let found = api.get_opt(&target.name).await.map_err(|e| patch::failed(KIND, target, e))?;
            let object = found.ok_or_else(|| Error::Missing { kind: KIND, name: target.name.clone() })?;
            let uid = object.uid().unwrap_or_default();
            Ok(controller_revisions::revisions(&owned(KIND, target, &uid).await?, &target.container))
        }
        .boxed()
    }
}

fn partition(object: &StatefulSet) -> Option<i32> {
    object.spec.update_strategy.as_ref()?.rolling_update.as_ref()?.partition
}

/// Field manager of the partition: ours where we are among them, else the latest.
fn partition_by(object: &StatefulSet) -> Option<String> {
    let owners = object.metadata.managed_fields.iter().flatten().filter(|entry| owns_partition(entry));
    let is_ours = |entry: &ManagedFieldsEntry| entry.manager.as_deref() == Some(CONTROLLER_FIELD_MANAGER);
    let last = owners.max_by_key(|entry| (is_ours(entry), entry.time.as_ref().map(from_time)))?;
    Some(last.manager.clone().unwrap_or_default())
}

fn owns_partition(entry: &ManagedFieldsEntry) -> bool {
    const PATH: &str = "/f:spec/f:updateStrategy/f:rollingUpdate/f:partition";
    entry.fields_v1.as_ref().is_some_and(|fields| fields.0.pointer(PATH).is_some())
}

fn state(object: &StatefulSet, container: &str) -> WorkloadState {
    let mut state = WorkloadState::new(KIND, object.name_any());
    state.resource_version = object.resource_version().unwrap_or_default();
    state.generation = object.metadata.generation.unwrap_or_default();
    let spec = &object.spec;
    state.desired = spec.replicas.unwrap_or(1);
    state.image = patch::image(&spec.template, container);
    state.images = patch::images(&spec.template);
    state.configs = patch::configs(&spec.template);
    let strategy = spec.update_strategy.as_ref();
    state.on_delete = strategy.is_some_and(|strategy| strategy.type_.as_deref() == Some("OnDelete"));
    state.partition = partition(object);
    state.partition_by = partition_by(object);
    if let Some(status) = &object.status {
        state.observed_generation = status.observed_generation.unwrap_or_default();
        state.replicas = status.replicas;
        state.updated = status.updated_replicas.unwrap_or_default();
        state.ready = status.ready_replicas.unwrap_or_default();
        state.available = status.available_replicas.unwrap_or_default();
        state.current_revision = status.current_revision.clone().unwrap_or_default();
        state.update_revision = status.update_revision.clone().unwrap_or_default();
    }
    state
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn partition_and_revisions_are_read() {
        let strategy = |fields: Value| json!({"f:spec": {"f:updateStrategy": fields}});
        let partition = || strategy(json!({"f:rollingUpdate": {"f:partition": {}}}));
        let entry = |manager: &str, hour: u32, fields: Value| {
            json!({"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
                "time": format!("2027-01-15T{hour:02}:00:00Z"), "fieldsV1": fields})
        };
        let by = |entries: &[Value]| {
            let object = json!({"metadata": {"name": "db", "managedFields": entries}, "spec": {
                "selector": {}, "serviceName": "db", "template": {}, "updateStrategy": {"rollingUpdate": {"partition": 1}}}});
            state(&serde_json::from_value(object).unwrap(), "db").partition_by
        };
        let (ours, other) =
            (entry(CONTROLLER_FIELD_MANAGER, 8, partition()), entry("argocd", 9, partition()));
        let (older, unrelated) =
            (entry("kubectl", 7, partition()), entry("vpa", 10, strategy(json!({"f:type": {}}))));
        for (entries, expected) in [
            (vec![], None),
            (vec![unrelated.clone()], None),
            (vec![older.clone(), other.clone(), unrelated], Some("argocd")),
            (vec![other, ours, older], Some(CONTROLLER_FIELD_MANAGER)),
        ] {
            assert_eq!(by(&entries).as_deref(), expected, "{entries:?}");
        }
        let object: StatefulSet = serde_json::from_value(json!({
            "metadata": {"name": "db", "generation": 2},
            "spec": {
                "replicas": 3, "selector": {}, "serviceName": "db",
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
                "template": {"spec": {"containers": [{"name": "db", "image": "db:v1"}]}}
            },
            "status": {"replicas": 3, "readyReplicas": 2, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"}
        }))
        .unwrap();
        let state = state(&object, "db");
        assert_eq!((state.desired, state.ready, state.updated, state.partition), (3, 2, 1, Some(1)));
        assert_eq!((state.current_revision.as_str(), state.update_revision.as_str()), ("a", "b"));
        assert!(!state.on_delete);
    }
}
