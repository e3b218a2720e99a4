//! ReplicaSets as the revisions of what owns them: Deployments and Argo Rollouts.

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::ListParams;
use kube::core::Selector;
use kube::{Api, ResourceExt};
use serde_json::Value;

use super::{Error, Revision, Target, patch};
use crate::api::environment::WorkloadKind;
use crate::api::labels::{ANNOTATION_CHANGE_CAUSE, LABEL_POD_TEMPLATE_HASH, LABEL_ROLLOUT_HASH};
use crate::api::time::from_time;

/// What owns the ReplicaSets.
pub(super) struct Owner {
    /// Its kind.
    pub(super) kind: WorkloadKind,
    /// Its uid.
    pub(super) uid: Option<String>,
    /// Its selector.
    pub(super) selector: LabelSelector,
    /// Its number of revision.
    pub(super) revision: Option<i64>,
    /// The annotation by which its ReplicaSets are numbered.
    pub(super) annotation: &'static str,
}

/// The revisions of that owner, newest first.
pub(super) async fn revisions(target: &Target, owner: Owner) -> Result<Vec<Revision>, Error> {
    let sets: Api<ReplicaSet> = patch::api(target);
    let list = sets.list(&list_params(owner.selector.clone())).await;
    let list = list.map_err(|source| patch::failed(owner.kind, target, source))?;
    Ok(select(&owner, &list.items, &target.container))
}

fn list_params(selector: LabelSelector) -> ListParams {
    let selector = Selector::try_from(selector).unwrap_or_default();
    if selector.selects_all() { ListParams::default() } else { ListParams::default().labels_from(&selector) }
}

fn select(owner: &Owner, sets: &[ReplicaSet], container: &str) -> Vec<Revision> {
    let mut revisions: Vec<Revision> = sets
        .iter()
        .filter(|set| {
            set.owner_references()
                .iter()
                .any(|found| found.controller == Some(true) && Some(&found.uid) == owner.uid.as_ref())
        })
        .map(|set| {
            let number = set.annotations().get(owner.annotation).and_then(|text| text.parse().ok());
            let number = number.unwrap_or_default();
            let template = set.spec.template.as_ref();
            let image = template.and_then(|template| patch::image(template, container));
            let recorded = set.annotations().get(ANNOTATION_CHANGE_CAUSE);
            Revision {
                number,
                change_cause: Revision::cause_of(recorded, image.as_deref()),
                image,
                template: template.map(|template| bare(serde_json::to_value(template).unwrap_or_default())),
                created: set.metadata.creation_timestamp.as_ref().map(from_time),
                is_current: owner.revision == Some(number),
            }
        })
        .collect();
    revisions.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    revisions
}

/// A template without what the controllers add to it.
pub(super) fn bare(mut template: Value) -> Value {
    let labels = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut);
    if let Some(labels) = labels {
        labels.remove(LABEL_POD_TEMPLATE_HASH);
        labels.remove(LABEL_ROLLOUT_HASH);
    }
    template
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::labels::ANNOTATION_REVISION;

    #[test]
    fn only_its_own_replica_sets_are_its_revisions() {
        let set = |number: &str, uid: &str| -> ReplicaSet {
            serde_json::from_value(json!({
                "metadata": {
                    "annotations": {"deployment.kubernetes.io/revision": number},
                    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "uid": uid, "controller": true}]
                },
                "spec": {"selector": {}, "template": {
                    "metadata": {"labels": {"app": "api", "pod-template-hash": "x"}},
                    "spec": {"containers": [{"name": "api", "image": format!("api:v{number}")}]}}}
            }))
            .unwrap()
        };
        let owner = Owner {
            kind: WorkloadKind::Deployment,
            uid: Some("u1".into()),
            selector: LabelSelector::default(),
            revision: Some(10),
            annotation: ANNOTATION_REVISION,
        };
        let found = select(&owner, &[set("2", "u1"), set("10", "u1"), set("7", "u2")], "api");
        let numbers: Vec<_> =
            found.iter().map(|r| (r.number, r.image.as_deref().unwrap(), r.is_current)).collect();
        assert_eq!(numbers, [(10, "api:v10", true), (2, "api:v2", false)]);
        let labels = &found[0].template.as_ref().unwrap()["metadata"]["labels"];
        assert_eq!(labels, &json!({"app": "api"}));
    }
}
