//! The Services that a second workload needs: one that a router sends to, and one by which people see it before the switch.
//!
//! Owns that making and removing them can be repeated, and that a preview Service which was there before gets its selector back.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, PostParams, Preconditions};
use serde_json::{Value, json};

use super::pair::{self, Distinction};
use super::{Error, Route, Router};
use crate::api::labels::{
    ANNOTATION_RELEASE, ANNOTATION_SECOND, ANNOTATION_SELECTOR_BEFORE, LABEL_OWN_TRACK, TRACK_FIELD_MANAGER,
};
use crate::workload::Written;
use crate::workload::track::{self, pod_labels, text_map};

const KIND: &str = "Service";

type Labels = BTreeMap<String, String>;

/// Makes the Service that a router sends the second workload's share to.
pub async fn make(route: &Route, distinction: &Distinction, release: &str) -> Result<Written, Error> {
    let Some(second) = &distinction.service else { return Ok(Written::Already) };
    let api = pair::services(route);
    if let Some(found) = pair::find(&api, KIND, &second.name).await? {
        if track::is_ours(&found, route.track) {
            return Ok(Written::Already);
        }
        return Err(taken(&second.name));
    }
    let made_of = pair::get(&api, KIND, &second.of).await?;
    create(route, &made_of, distinction, (&second.name, release)).await
}

/// The first of the Services beside the second workload that is not there.
pub async fn lacks(
    router: &dyn Router,
    route: &Route,
    preview: Option<&str>,
) -> Result<Option<String>, Error> {
    let api = pair::services(route);
    let second = router.has_second_service(route).then(|| route.second_service());
    for name in second.into_iter().chain(preview.map(str::to_owned)) {
        if pair::find(&api, KIND, &name).await?.is_none() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Whether the name of the Service that would be made is free.
pub async fn is_free(route: &Route, distinction: &Distinction) -> Result<(), Error> {
    let Some(second) = &distinction.service else { return Ok(()) };
    match pair::find(&pair::services(route), KIND, &second.name).await? {
        Some(found) if !track::is_ours(&found, route.track) => Err(taken(&second.name)),
        _ => Ok(()),
    }
}

fn taken(name: &str) -> Error {
    Error::Unfit(format!(
        "Service {name} was not made by the controller: rename or remove it, its name is needed"
    ))
}

/// Lets a Service show the second workload before the switch: one that is there, or one that is made.
pub async fn preview(
    route: &Route,
    distinction: &Distinction,
    name: &str,
    release: &str,
) -> Result<Written, Error> {
    if name == route.service() {
        return Err(Error::Config(format!("previewService {name} is the component's own Service")));
    }
    let api = pair::services(route);
    let own = pair::get(&api, KIND, route.service()).await?;
    let Some(found) = pair::find(&api, KIND, name).await? else {
        return create(route, &own, distinction, (name, release)).await;
    };
    let selector = selector(route, distinction, &own).await?;
    let before = text_map(found.data.pointer("/spec/selector"));
    belongs(route, &found).await?;
    if before == selector {
        return Ok(Written::Already);
    }
    let mut operations = vec![pair::unchanged(&found)];
    operations.push(json!({"op": "add", "path": "/spec/selector", "value": selector}));
    if found.metadata.annotations.is_none() {
        operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
    }
    let mut note = |key: &str, value: String| {
        let path = format!("/metadata/annotations/{}", pair::step(key));
        operations.push(json!({"op": "add", "path": path, "value": value}));
    };
    note(ANNOTATION_SECOND, route.track.workload_name(&route.workload.name));
    if !found.annotations().contains_key(ANNOTATION_SELECTOR_BEFORE) {
        note(ANNOTATION_SELECTOR_BEFORE, json!(before).to_string());
    }
    pair::patch(&api, KIND, name, operations).await.map(|()| Written::Now)
}

/// Refuses a preview Service that exists and finds pods of anything but this component, or serves another release's workload.
pub async fn may_preview(route: &Route, name: &str) -> Result<(), Error> {
    if name == route.service() {
        return Err(Error::Config(format!("previewService {name} is the component's own Service")));
    }
    match pair::find(&pair::services(route), KIND, name).await? {
        Some(found) => belongs(route, &found).await,
        None => Ok(()),
    }
}

async fn belongs(route: &Route, service: &DynamicObject) -> Result<(), Error> {
    let name = service.name_any();
    let not_ours = |why: String| {
        Err(Error::Unfit(format!(
            "previewService {name} {why}: name a Service of {} alone, or one that does not exist yet",
            route.workload.name
        )))
    };
    let of = route.track.workload_name(&route.workload.name);
    match service.annotations().get(ANNOTATION_SECOND) {
        Some(second) if *second == of => return Ok(()),
        Some(second) => return not_ours(format!("shows {second}")),
        None => {}
    }
    if service.data.pointer("/spec/type").and_then(Value::as_str) == Some("ExternalName") {
        return not_ours("leads out of the cluster".to_owned());
    }
    let selector = text_map(service.data.pointer("/spec/selector"));
    let own = pod_labels(&pair::workload_of(route).await?.data);
    let is_own = |(key, value): (&String, &String)| own.get(key) == Some(value);
    if !selector.is_empty() && selector.iter().all(is_own) {
        return Ok(());
    }
    let deployments = pair::any(route, &ApiResource::erase::<Deployment>(&()));
    let all = deployments
        .list(&ListParams::default())
        .await
        .map_err(|error| pair::failed(&deployments, "Deployment", "list", error))?;
    let finds = |one: &&DynamicObject| {
        let pods = pod_labels(&one.data);
        !selector.is_empty() && selector.iter().all(|(key, value)| pods.get(key) == Some(value))
    };
    match all.items.iter().find(finds) {
        Some(other) => not_ours(format!("finds the pods of Deployment {}", other.name_any())),
        None => Ok(()),
    }
}

/// The own workload, and the labels of the own Service and of the one that will be made, where there will be one.
pub async fn labels(
    route: &Route,
    distinction: &Distinction,
) -> Result<(Value, Option<(Labels, Labels)>), Error> {
    let own = pair::workload_of(route).await?.data;
    let Some(second) = &distinction.service else { return Ok((own, None)) };
    let made_of = pair::get(&pair::services(route), KIND, &second.of).await?;
    Ok((own, Some((made_of.labels().clone(), labels_of_copy(route, &made_of, "")))))
}

fn labels_of_copy(route: &Route, made_of: &DynamicObject, release: &str) -> Labels {
    // what selects Services by label, as a ServiceMonitor does, is to find this one as well
    let labels = made_of.labels().iter().filter(|(key, _)| !is_theirs(key));
    let mut labels: Labels = labels.map(|(key, value)| (key.clone(), value.clone())).collect();
    labels.extend(track::own_labels(route.track, release));
    labels
}

/// Names of the Services that [`remove`] would still remove or restore.
pub async fn remaining(route: &Route) -> Result<Vec<String>, Error> {
    let of = route.track.workload_name(&route.workload.name);
    let all = made_for(route, &of).await?;
    Ok(all.iter().map(|service| format!("{KIND} {}", service.name_any())).collect())
}

async fn made_for(route: &Route, second: &String) -> Result<Vec<DynamicObject>, Error> {
    let api = pair::services(route);
    let all =
        api.list(&ListParams::default()).await.map_err(|error| pair::failed(&api, KIND, "list", error))?;
    Ok(all.items.into_iter().filter(|one| one.annotations().get(ANNOTATION_SECOND) == Some(second)).collect())
}

/// Removes the Services that were made for the second workload, and gives a preview Service its selector back.
pub async fn remove(route: &Route) -> Result<Written, Error> {
    let api = pair::services(route);
    let of = route.track.workload_name(&route.workload.name);
    let mut written = Written::Already;
    for service in made_for(route, &of).await? {
        let name = service.name_any();
        if track::is_ours(&service, route.track) {
            let preconditions = Preconditions { uid: service.uid(), resource_version: None };
            match api.delete(&name, &DeleteParams::background().preconditions(preconditions)).await {
                Ok(_) => written = Written::Now,
                Err(error) => match pair::failed(&api, KIND, &name, error) {
                    Error::Missing { .. } => {}
                    error => return Err(error),
                },
            }
        } else {
            pair::patch(&api, KIND, &name, restoration(&service)).await?;
            written = Written::Now;
        }
    }
    Ok(written)
}

/// Gives a Service that was only borrowed its own selector back.
fn restoration(service: &DynamicObject) -> Vec<Value> {
    let mut operations = vec![pair::unchanged(service)];
    let before = service.annotations().get(ANNOTATION_SELECTOR_BEFORE);
    if let Some(before) = before.and_then(|text| serde_json::from_str::<BTreeMap<String, String>>(text).ok())
    {
        operations.push(json!({"op": "add", "path": "/spec/selector", "value": before}));
    }
    for key in [ANNOTATION_SECOND, ANNOTATION_SELECTOR_BEFORE] {
        if service.annotations().contains_key(key) {
            let path = format!("/metadata/annotations/{}", pair::step(key));
            operations.push(json!({"op": "remove", "path": path}));
        }
    }
    operations
}

/// What finds the pods of the second workload only: the selector of the component's own Service, but for the labels in which they differ.
async fn selector(
    route: &Route,
    distinction: &Distinction,
    own: &DynamicObject,
) -> Result<BTreeMap<String, String>, Error> {
    let workload = pair::workload_of(route).await?;
    let pods = pod_labels(&workload.data);
    let mut selector = text_map(own.data.pointer("/spec/selector"));
    for (key, value) in &mut selector {
        // the Service may be switched to the second workload at this moment
        if let Some(own) = pods.get(key) {
            value.clone_from(own);
        }
    }
    selector.extend(distinction.labels.clone());
    selector.entry(LABEL_OWN_TRACK.to_owned()).or_insert_with(|| route.track.as_str().to_owned());
    Ok(selector)
}

async fn create(
    route: &Route,
    made_of: &DynamicObject,
    distinction: &Distinction,
    (name, release): (&str, &str),
) -> Result<Written, Error> {
    let api = pair::services(route);
    let selector = selector(route, distinction, made_of).await?;
    let service = copied(route, made_of, &selector, (name, release));
    let service = serde_json::from_value(service)
        .map_err(|source| pair::failed(&api, KIND, name, kube::Error::SerdeError(source)))?;
    let params = PostParams { field_manager: Some(TRACK_FIELD_MANAGER.to_owned()), ..PostParams::default() };
    match api.create(&params, &service).await {
        Ok(_) => Ok(Written::Now),
        Err(error) => Err(pair::failed(&api, KIND, name, error)),
    }
}

/// Prefixes of annotations that only say how pods are reached or scraped. No other annotation is copied: what a cloud, a DNS or a
/// certificate controller would act upon must not be done a second time.
const COPIED: [&str; 5] = [
    "prometheus.io",
    "service.kubernetes.io",
    "config.linkerd.io",
    "networking.istio.io",
    "traefik.ingress.kubernetes.io",
];

fn is_copied(key: &str) -> bool {
    COPIED.contains(&key.split('/').next().unwrap_or_default()) && !key.contains("load-balancer")
}

/// Labels by which somebody's GitOps or package manager knows its own objects.
fn is_theirs(key: &str) -> bool {
    const KEYS: [&str; 4] =
        ["app.kubernetes.io/managed-by", "app.kubernetes.io/instance", "helm.sh/chart", "heritage"];
    let owner = key.split_once('/').map_or("", |(owner, _)| owner);
    let is_owner = |known: &str| owner == known || owner.ends_with(&format!(".{known}"));
    KEYS.contains(&key)
        || ["argoproj.io", "fluxcd.io", "helm.sh", "k8slens.dev", "release-cockpit.dev"]
            .iter()
            .any(|k| is_owner(k))
}

fn copied(
    route: &Route,
    made_of: &DynamicObject,
    selector: &BTreeMap<String, String>,
    (name, release): (&str, &str),
) -> Value {
    let given = |key: &str| made_of.data.pointer(&format!("/spec/{key}")).cloned();
    let mut ports = given("ports").unwrap_or_default();
    for port in ports.as_array_mut().into_iter().flatten() {
        if let Some(port) = port.as_object_mut() {
            port.remove("nodePort");
        }
    }
    let mut spec = json!({"type": "ClusterIP", "selector": selector, "ports": ports});
    for key in ["sessionAffinity", "sessionAffinityConfig", "internalTrafficPolicy", "trafficDistribution"] {
        if let Some(value) = given(key) {
            spec[key] = value;
        }
    }
    if given("clusterIP").is_some_and(|address| address == "None") {
        spec["clusterIP"] = "None".into();
    }
    let mut annotations: BTreeMap<String, String> = made_of
        .annotations()
        .iter()
        .filter(|(key, _)| is_copied(key))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let labels = labels_of_copy(route, made_of, release);
    annotations.insert(ANNOTATION_RELEASE.to_owned(), release.to_owned());
    annotations.insert(ANNOTATION_SECOND.to_owned(), route.track.workload_name(&route.workload.name));
    json!({
        "apiVersion": "v1", "kind": KIND,
        "metadata": {
            "name": name, "namespace": route.namespace, "labels": labels, "annotations": annotations
        },
        "spec": spec
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_copied_that_a_controller_would_act_upon_again() {
        for (key, expected) in [
            ("prometheus.io/scrape", true),
            ("service.kubernetes.io/topology-mode", true),
            ("traefik.ingress.kubernetes.io/service.sticky.cookie", true),
            ("service.kubernetes.io/load-balancer-cleanup", false),
            ("external-dns.alpha.kubernetes.io/hostname", false),
            ("service.beta.kubernetes.io/aws-load-balancer-type", false),
            ("cloud.google.com/neg", false),
            ("networking.gke.io/load-balancer-type", false),
            ("metallb.universe.tf/address-pool", false),
            ("cert-manager.io/cluster-issuer", false),
            ("argocd.argoproj.io/tracking-id", false),
            ("kubectl.kubernetes.io/last-applied-configuration", false),
            ("meta.helm.sh/release-name", false),
            ("release-cockpit.dev/release", false),
            ("plain", false),
        ] {
            assert_eq!(is_copied(key), expected, "{key}");
        }
        for (key, expected) in [
            ("app", false),
            ("app.kubernetes.io/name", false),
            ("team", false),
            ("app.kubernetes.io/instance", true),
            ("app.kubernetes.io/managed-by", true),
            ("helm.sh/chart", true),
            ("kustomize.toolkit.fluxcd.io/name", true),
            ("argocd.argoproj.io/instance", true),
            ("release-cockpit.dev/track", true),
        ] {
            assert_eq!(is_theirs(key), expected, "{key}");
        }
    }
}
