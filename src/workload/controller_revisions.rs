//! ControllerRevisions as the revisions of what owns them: StatefulSets and DaemonSets.

use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::Value;

use super::{Error, Revision, Target, patch};
use crate::api::environment::WorkloadKind;
use crate::api::labels::ANNOTATION_CHANGE_CAUSE;
use crate::api::time::from_time;

/// The ControllerRevisions of that owner.
pub(super) async fn owned(
    kind: WorkloadKind,
    target: &Target,
    uid: &str,
) -> Result<Vec<ControllerRevision>, Error> {
    let api: Api<ControllerRevision> = patch::api(target);
    let list = api.list(&ListParams::default()).await.map_err(|e| patch::failed(kind, target, e))?;
    let is_owned =
        |revision: &ControllerRevision| revision.owner_references().iter().any(|owner| owner.uid == uid);
    Ok(list.items.into_iter().filter(is_owned).collect())
}

/// The highest number.
pub(super) fn newest(found: &[ControllerRevision]) -> Option<i64> {
    found.iter().filter_map(|revision| revision.revision).max()
}

/// The same as revisions, newest first.
pub(super) fn revisions(found: &[ControllerRevision], container: &str) -> Vec<Revision> {
    let newest = newest(found);
    let mut revisions: Vec<Revision> = found
        .iter()
        .map(|revision| {
            let template = template(&revision.data.0);
            let image = template.as_ref().and_then(|template| image(template, container));
            let recorded = revision.annotations().get(ANNOTATION_CHANGE_CAUSE);
            Revision {
                number: revision.revision.unwrap_or_default(),
                change_cause: Revision::cause_of(recorded, image.as_deref()),
                image,
                template,
                created: revision.metadata.creation_timestamp.as_ref().map(from_time),
                is_current: revision.revision == newest,
            }
        })
        .collect();
    revisions.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    revisions
}

/// The template in what is recorded, which is a patch that replaces it.
fn template(data: &Value) -> Option<Value> {
    let mut template = data.pointer("/spec/template")?.clone();
    template.as_object_mut()?.remove("$patch");
    Some(template)
}

fn image(template: &Value, container: &str) -> Option<String> {
    let containers = template.pointer("/spec/containers")?.as_array()?;
    let found = containers.iter().find(|found| found["name"] == container)?;
    found["image"].as_str().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_comes_first_and_tells_its_template() {
        let revision = |number: i64, image: &str| -> ControllerRevision {
            serde_json::from_value(json!({
                "metadata": {"name": format!("db-{number}")}, "revision": number,
                "data": {"spec": {"template": {"$patch": "replace", "spec": {"containers": [{"name": "db", "image": image}]}}}}
            }))
            .unwrap()
        };
        let found = revisions(&[revision(1, "db:v1"), revision(3, "db:v3")], "db");
        let told: Vec<_> = found.iter().map(|r| (r.number, r.image.as_deref(), r.is_current)).collect();
        assert_eq!(told, [(3, Some("db:v3"), true), (1, Some("db:v1"), false)]);
        assert_eq!(found[0].template.as_ref().unwrap().get("$patch"), None);
    }
}
