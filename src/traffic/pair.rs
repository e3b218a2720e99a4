//! The two Services of a component: how the pods of the second workload are told from those of the first, and reading objects of any kind.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use serde_json::Value;

use super::{Error, Route};
use crate::api::labels::{LABEL_TRACK, TRACK_FIELD_MANAGER};
use crate::domain::object_name::NewName;
use crate::workload::refusal::is_lost_race;
use crate::workload::track::{self, pod_labels, text_map};

/// How the second workload's pods are told from the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distinction {
    /// Labels in which they differ; none where the first workload's Service is to find both.
    pub labels: BTreeMap<String, String>,
    /// The second Service that the router needs, if it needs one.
    pub service: Option<SecondService>,
}

/// A second Service: made like another one, but for what it selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondService {
    /// Name of the Service that it is made of.
    pub of: String,
    /// Its own name.
    pub name: String,
}

/// Labels that tell workloads apart by custom, the most telling first.
const PREFERRED: [&str; 3] = ["app", "app.kubernetes.io/name", "app.kubernetes.io/instance"];

/// The value of a label on the pods of a second workload.
pub(super) fn second_value(route: &Route, value: &str) -> String {
    format!("{value}-{}", route.track)
}

/// The label that both the Service and the workload select by, and its value: the second workload's pods get another one.
pub(super) fn telling(route: &Route, service: &Value, workload: &Value) -> Result<(String, String), Error> {
    let name = route.service();
    let unfit = |why: String| Error::Unfit(format!("Service {name} {why}"));
    let selector = text_map(service.pointer("/spec/selector"));
    if selector.is_empty() {
        return Err(unfit("selects no pods: name the component's own Service under `service`".to_owned()));
    }
    let pods = pod_labels(workload);
    let fits = |key: &String, value: &String| {
        let own = pods.get(key);
        // the Service may be switched to the second workload at this moment
        own == Some(value) || own.is_some_and(|own| second_value(route, own) == *value)
    };
    if let Some((key, value)) = selector.iter().find(|(key, value)| !fits(key, value)) {
        return Err(unfit(format!(
            "selects {key}={value}, which the pods of {} {} do not bear: name the component's own Service under `service`",
            route.workload.kind, route.workload.name
        )));
    }
    let matched = text_map(workload.pointer("/spec/selector/matchLabels"));
    let shared: Vec<&String> = selector.keys().filter(|key| matched.contains_key(*key)).collect();
    let preferred = PREFERRED.iter().find_map(|wanted| shared.iter().find(|key| key.as_str() == *wanted));
    let key = preferred.or(shared.first()).ok_or_else(|| {
        unfit(format!(
            "and {} {} select by no common label, so that the pods of a second workload cannot be told apart: \
             add one of the workload's matchLabels to the Service's selector",
            route.workload.kind, route.workload.name
        ))
    })?;
    let value = matched.get(*key).cloned().unwrap_or_default();
    let second = second_value(route, &value);
    if let Some(problem) = NewName::of_label(key, &second, second.len() - value.len()).problem() {
        return Err(Error::NameTooLong(format!(
            "Service {name} selects by {key}={value}. {problem}, or add another label to both selectors"
        )));
    }
    Ok(((*key).clone(), value))
}

/// The distinction by Service: another value of one label, and a second Service that selects it.
pub(super) async fn by_service(route: &Route) -> Result<Distinction, Error> {
    let (service, workload) = read(route).await?;
    let (key, value) = telling(route, &service.data, &workload.data)?;
    let second = SecondService { of: route.service().to_owned(), name: route.second_service() };
    Ok(Distinction { labels: BTreeMap::from([(key, second_value(route, &value))]), service: Some(second) })
}

/// The distinction where one Service is to find the pods of both workloads.
pub(super) async fn by_nothing(route: &Route) -> Result<Distinction, Error> {
    workload_of(route).await?;
    // where no Service bears the name, nobody knows which one it is: requests may come by any way
    let service = find(&services(route), "Service", route.service()).await?;
    let selector =
        service.map(|service| text_map(service.data.pointer("/spec/selector"))).unwrap_or_default();
    if selector.contains_key(LABEL_TRACK) {
        return Err(Error::Unfit(format!(
            "Service {} selects by the label {LABEL_TRACK}, so that it would not find the pods of a second workload: \
             take it out of the selector, or name a router",
            route.service()
        )));
    }
    Ok(Distinction::default())
}

/// The Service and the workload of a route.
pub(super) async fn read(route: &Route) -> Result<(DynamicObject, DynamicObject), Error> {
    let service = get(&services(route), "Service", route.service()).await?;
    Ok((service, workload_of(route).await?))
}

/// The component's own workload.
pub(super) async fn workload_of(route: &Route) -> Result<DynamicObject, Error> {
    track::supports(&route.workload)?;
    let resource = ApiResource::erase::<Deployment>(&());
    get(&any(route, &resource), &resource.kind, &route.workload.name).await
}

pub(super) fn services(route: &Route) -> Api<DynamicObject> {
    any(route, &ApiResource::erase::<Service>(&()))
}

pub(super) fn any(route: &Route, resource: &ApiResource) -> Api<DynamicObject> {
    Api::namespaced_with(route.client.clone(), &route.namespace, resource)
}

/// One object; an error where it does not exist.
pub(super) async fn get(api: &Api<DynamicObject>, kind: &str, name: &str) -> Result<DynamicObject, Error> {
    match api.get(name).await {
        Ok(found) => Ok(found),
        Err(error) => Err(failed(api, kind, name, error)),
    }
}

/// One object, if it exists.
pub(super) async fn find(
    api: &Api<DynamicObject>,
    kind: &str,
    name: &str,
) -> Result<Option<DynamicObject>, Error> {
    match get(api, kind, name).await {
        Ok(found) => Ok(Some(found)),
        Err(Error::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A failure in the words of this module: an object that is not there differs from a kind that the cluster does not know.
pub(super) fn failed(api: &Api<DynamicObject>, kind: &str, name: &str, error: kube::Error) -> Error {
    let what = format!("{kind} {name}");
    match &error {
        kube::Error::Api(status) if status.code == 404 => {
            if status.message.contains(&format!("\"{name}\"")) {
                return Error::Missing { what };
            }
            let mut group = api.resource_url().trim_start_matches("/apis/").to_owned();
            group.truncate(group.find('/').unwrap_or(group.len()));
            Error::NotInstalled { kind: kind.to_owned(), group }
        }
        error if is_lost_race(error) => Error::Changed(what),
        _ => Error::Kube { what, source: Box::new(error) },
    }
}

/// One write of a few fields, under the name of what is made beside workloads.
pub(super) async fn patch(
    api: &Api<DynamicObject>,
    kind: &str,
    name: &str,
    operations: Vec<Value>,
) -> Result<(), Error> {
    let patch: json_patch::Patch = serde_json::from_value(Value::Array(operations))
        .map_err(|source| failed(api, kind, name, kube::Error::SerdeError(source)))?;
    let params =
        PatchParams { field_manager: Some(TRACK_FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch(name, &params, &Patch::<()>::Json(patch)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(failed(api, kind, name, error)),
    }
}

/// The first operation of every write: the object must still be the one that was read.
pub(super) fn unchanged(object: &DynamicObject) -> Value {
    let version = object.metadata.resource_version.clone().unwrap_or_default();
    serde_json::json!({"op": "test", "path": "/metadata/resourceVersion", "value": version})
}

/// A key as a step of a JSON pointer.
pub(super) fn step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
