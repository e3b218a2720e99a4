//! Replacing an image, for every kind alike: a JSON patch whose tests make a second try, or a try too late, do nothing.

use std::fmt::Debug;

use json_patch::jsonptr::PointerBuf;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Container, PodTemplateSpec};
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::refusal::is_lost_race;
use super::{ContainerChange, Error, ImageChange, Revision, Target, Written, replica_sets};
use crate::api::environment::WorkloadKind;
use crate::api::labels::{ANNOTATION_CHANGE_CAUSE, ANNOTATION_RELEASE, CONTROLLER_FIELD_MANAGER};
use crate::domain::config_drift::{self, ConfigRef};
use crate::domain::containers::ContainerImage;

/// Where a StatefulSet's partition stands; the server writes its parents where nobody does.
const PARTITION: &str = "/spec/updateStrategy/rollingUpdate/partition";

pub(super) fn api<K>(target: &Target) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(target.client.clone(), &target.namespace)
}

/// A failed request; a lost race is told from every other failure.
pub(super) fn failed(kind: WorkloadKind, target: &Target, source: kube::Error) -> Error {
    if is_lost_race(&source) {
        return changed(kind, target);
    }
    Error::Kube { kind, name: target.name.clone(), source: Box::new(source) }
}

/// The object as it is now, and where it was found.
pub(super) async fn read<K>(kind: WorkloadKind, target: &Target) -> Result<(Api<K>, K), Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = api(target);
    let found = api.get_opt(&target.name).await.map_err(|source| failed(kind, target, source))?;
    let object = found.ok_or_else(|| Error::Missing { kind, name: target.name.clone() })?;
    Ok((api, object))
}

/// It is no longer what the decision was made on.
pub(super) fn changed(kind: WorkloadKind, target: &Target) -> Error {
    Error::Changed { kind, name: target.name.clone() }
}

/// Patches are the controller's.
pub(super) fn params() -> PatchParams {
    PatchParams { field_manager: Some(CONTROLLER_FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

fn containers(template: &PodTemplateSpec) -> &[Container] {
    template.spec.as_ref().map_or(&[], |spec| spec.containers.as_slice())
}

/// The image of a container in a template.
pub(super) fn image(template: &PodTemplateSpec, container: &str) -> Option<String> {
    containers(template).iter().find(|c| c.name == container).and_then(|c| c.image.clone())
}

/// Every container and init container of a template.
pub(super) fn images(template: &PodTemplateSpec) -> Vec<ContainerImage> {
    let of = |containers: &[Container], is_init: bool| -> Vec<ContainerImage> {
        let image =
            |c: &Container| Some(ContainerImage { name: c.name.clone(), image: c.image.clone()?, is_init });
        containers.iter().filter_map(image).collect()
    };
    let init = template.spec.as_ref().and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default();
    of(init, true).into_iter().chain(of(containers(template), false)).collect()
}

/// The ConfigMaps and Secrets that a template takes from.
pub(super) fn configs(template: &PodTemplateSpec) -> Vec<ConfigRef> {
    serde_json::to_value(template).map(|template| config_drift::references(&template)).unwrap_or_default()
}

/// Reads the object and replaces the image in what was read, if it is still `change.from`. What goes back to one of the `past`
/// revisions gets that revision's cause again, as `kubectl rollout undo` would have it.
pub(super) async fn set_image<K>(
    kind: WorkloadKind,
    target: &Target,
    (change, past): (&ImageChange, &[Revision]),
    template: impl Fn(&K) -> PodTemplateSpec + Send,
) -> Result<Written, Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let (api, object): (_, K) = read(kind, target).await?;
    let changed = || changed(kind, target);
    let mut template = template(&object);
    let own = ContainerChange {
        container: target.container.clone(),
        from: change.from.clone(),
        to: change.to.clone(),
    };
    let wanted: Vec<&ContainerChange> = [&own].into_iter().chain(&change.others).collect();
    let sites = sites(&template, &wanted).ok_or_else(changed)?;
    if sites.iter().all(|site| site.found == site.to) {
        return Ok(Written::Already);
    }
    bring(&mut template, &wanted);
    let change = ImageChange { cause: cause(change, past, &template), ..change.clone() };
    let version = object.resource_version().unwrap_or_default();
    let operations = operations(&sites, &change, &version, object.meta().annotations.is_some());
    write(kind, target, &api, operations).await
}

/// Where an image stands in the object, what it is and what it is to be.
struct Site<'a> {
    path: String,
    container: &'a str,
    found: String,
    to: &'a str,
}

/// The places of the containers in question; nothing where one of them is gone or runs neither image.
fn sites<'a>(template: &PodTemplateSpec, wanted: &[&'a ContainerChange]) -> Option<Vec<Site<'a>>> {
    let spec = template.spec.as_ref()?;
    let init = spec.init_containers.as_deref().unwrap_or_default();
    let lists = [("containers", spec.containers.as_slice()), ("initContainers", init)];
    let site = |wanted: &&'a ContainerChange| {
        let (path, found) = lists.iter().find_map(|(list, containers)| {
            let index = containers.iter().position(|one| one.name == wanted.container)?;
            let path = format!("/spec/template/spec/{list}/{index}");
            Some((path, containers[index].image.clone().unwrap_or_default()))
        })?;
        let fits = found == wanted.from || found == wanted.to;
        fits.then(|| Site { path, container: &wanted.container, found, to: &wanted.to })
    };
    wanted.iter().map(site).collect()
}

/// The same template with the images that are wanted.
fn bring(template: &mut PodTemplateSpec, wanted: &[&ContainerChange]) {
    let Some(spec) = template.spec.as_mut() else { return };
    let init = spec.init_containers.iter_mut().flatten();
    for container in spec.containers.iter_mut().chain(init) {
        if let Some(change) = wanted.iter().find(|change| change.container == container.name) {
            container.image = Some(change.to.clone());
        }
    }
}

/// The cause that the revision bears which has exactly this template; the change's own where there is none.
fn cause(change: &ImageChange, past: &[Revision], template: &PodTemplateSpec) -> String {
    let wanted = serde_json::to_value(template).map(replica_sets::bare).ok();
    let same = past.iter().find(|revision| revision.template.is_some() && revision.template == wanted);
    same.and_then(|revision| revision.change_cause.clone()).unwrap_or_else(|| change.cause.clone())
}

/// Moves the partition of what runs the image already.
pub(super) async fn set_partition<K>(
    kind: WorkloadKind,
    target: &Target,
    wanted: i32,
    found: impl Fn(&K) -> i32 + Send,
) -> Result<Written, Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let (api, object): (_, K) = read(kind, target).await?;
    if found(&object) == wanted {
        return Ok(Written::Already);
    }
    let version = object.resource_version().unwrap_or_default();
    let operations = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
        {"op": "add", "path": PARTITION, "value": wanted},
    ]);
    write(kind, target, &api, operations).await
}

async fn write<K>(
    kind: WorkloadKind,
    target: &Target,
    api: &Api<K>,
    operations: Value,
) -> Result<Written, Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let patch: json_patch::Patch = serde_json::from_value(operations)
        .map_err(|source| failed(kind, target, kube::Error::SerdeError(source)))?;
    match api.patch(&target.name, &params(), &Patch::<()>::Json(patch)).await {
        Ok(_) => Ok(Written::Now),
        Err(source) => Err(failed(kind, target, source)),
    }
}

fn operations(sites: &[Site<'_>], change: &ImageChange, version: &str, annotated: bool) -> Value {
    let mut operations = vec![json!({"op": "test", "path": "/metadata/resourceVersion", "value": version})];
    for Site { path, container, found, to } in sites {
        operations.push(json!({"op": "test", "path": format!("{path}/name"), "value": container}));
        operations.push(json!({"op": "test", "path": format!("{path}/image"), "value": found}));
        if found != to {
            operations.push(json!({"op": "replace", "path": format!("{path}/image"), "value": to}));
        }
    }
    if let Some(partition) = change.partition {
        operations.push(json!({"op": "add", "path": PARTITION, "value": partition}));
    }
    if annotated {
        for (key, value) in [(ANNOTATION_RELEASE, &change.release), (ANNOTATION_CHANGE_CAUSE, &change.cause)]
        {
            let path = PointerBuf::from_tokens(["metadata", "annotations", key]);
            operations.push(json!({"op": "add", "path": path.to_string(), "value": value}));
        }
    } else {
        let annotations = json!({ANNOTATION_RELEASE: change.release, ANNOTATION_CHANGE_CAUSE: change.cause});
        operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": annotations}));
    }
    Value::Array(operations)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> ImageChange {
        ImageChange {
            from: "api:v1".into(),
            to: "api:v2".into(),
            release: "planera/planera-2".into(),
            cause: "set to api:v2".into(),
            is_undo: false,
            partition: None,
            others: vec![ContainerChange {
                container: "migrate".into(),
                from: "api:v0".into(),
                to: "api:v2".into(),
            }],
        }
    }

    fn object(image: &str, version: &str, annotations: &Value) -> Value {
        json!({
            "metadata": {"resourceVersion": version, "annotations": annotations},
            "spec": {"template": {"spec": {
                "initContainers": [{"name": "migrate", "image": "api:v0"}],
                "containers": [{"name": "sidecar", "image": "x"}, {"name": "api", "image": image}]
            }}}
        })
    }

    fn apply(document: &mut Value, annotated: bool) -> Result<(), json_patch::PatchError> {
        let template: PodTemplateSpec = serde_json::from_value(json!({"spec": {
            "initContainers": [{"name": "migrate", "image": "api:v0"}],
            "containers": [{"name": "sidecar", "image": "x"}, {"name": "api", "image": "api:v1"}]
        }}))
        .unwrap();
        let (change, own) = (
            change(),
            ContainerChange { container: "api".into(), from: "api:v1".into(), to: "api:v2".into() },
        );
        let wanted: Vec<&ContainerChange> = [&own].into_iter().chain(&change.others).collect();
        let sites = sites(&template, &wanted).unwrap();
        let patch: json_patch::Patch =
            serde_json::from_value(operations(&sites, &change, "7", annotated)).unwrap();
        json_patch::patch(document, &patch)
    }

    #[test]
    fn a_container_that_is_gone_or_runs_something_else_changes_nothing() {
        let template = |init: &str, image: &str| -> PodTemplateSpec {
            serde_json::from_value(json!({"spec": {
                "initContainers": [{"name": init, "image": image}], "containers": [{"name": "api", "image": "api:v1"}]
            }}))
            .unwrap()
        };
        let change = change();
        let wanted: Vec<&ContainerChange> = change.others.iter().collect();
        for (init, image, expected) in [
            ("migrate", "api:v0", Some("api:v0")),
            ("migrate", "api:v2", Some("api:v2")),
            ("migrate", "api:v7", None),
            ("other", "api:v0", None),
        ] {
            let template = template(init, image);
            let found = sites(&template, &wanted).map(|sites| sites[0].found.clone());
            assert_eq!(found.as_deref(), expected, "{init} {image}");
            let listed: Vec<_> = images(&template).into_iter().map(|one| (one.name, one.is_init)).collect();
            assert_eq!(listed, [(init.to_owned(), true), ("api".to_owned(), false)]);
        }
    }

    #[test]
    fn the_image_and_its_cause_are_written_together() {
        for annotations in [json!({"other": "stays"}), json!(null)] {
            let annotated = !annotations.is_null();
            let mut document = object("api:v1", "7", &annotations);
            apply(&mut document, annotated).unwrap();
            let containers = &document["spec"]["template"]["spec"]["containers"];
            assert_eq!(document["spec"]["template"]["spec"]["initContainers"][0]["image"], "api:v2");
            assert_eq!((&containers[1]["image"], &containers[0]["image"]), (&json!("api:v2"), &json!("x")));
            let written = &document["metadata"]["annotations"];
            assert_eq!(written[ANNOTATION_RELEASE], "planera/planera-2");
            assert_eq!(written[ANNOTATION_CHANGE_CAUSE], "set to api:v2");
            assert_eq!(written.get("other").is_some(), annotated);
        }
    }

    #[test]
    fn what_goes_back_bears_the_cause_that_it_bore() {
        let template = |image: &str, variable: &str| -> PodTemplateSpec {
            serde_json::from_value(json!({"metadata": {"labels": {"app": "api"}},
                "spec": {"containers": [{"name": "api", "image": image, "env": [{"name": "A", "value": variable}]}]}}))
            .unwrap()
        };
        let past = Revision {
            change_cause: Some("the first".into()),
            template: Some(serde_json::to_value(template("api:v2", "1")).unwrap()),
            ..Revision::default()
        };
        let cause = |variable| cause(&change(), std::slice::from_ref(&past), &template("api:v2", variable));
        assert_eq!((cause("1").as_str(), cause("2").as_str()), ("the first", "set to api:v2"));
    }

    #[test]
    fn a_second_try_and_a_late_try_do_nothing() {
        for mut document in [object("api:v2", "7", &json!({})), object("api:v1", "8", &json!({}))] {
            let before = document.clone();
            assert!(apply(&mut document, true).is_err());
            assert_eq!(document, before);
        }
    }
}
