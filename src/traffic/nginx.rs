//! NGINX: a second Ingress beside the component's own, which takes its share by annotation. It is made by the first write and removed at
//! the end; the component's own Ingress is only read.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{ApiResource, DeleteParams, DynamicObject, PostParams, Preconditions};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::{Distinction, Error, Key, Route, Router, SERVICE, pair};
use crate::api::labels::TRACK_FIELD_MANAGER;
use crate::api::strategy::Weight;
use crate::domain::object_name::{NewName, SUBDOMAIN};
use crate::domain::rollout::TrafficState;
use crate::workload::Written;
use crate::workload::track;

/// The router `nginx`.
pub(super) struct Nginx;

const KIND: &str = "Ingress";
const CANARY: &str = "nginx.ingress.kubernetes.io/canary";
const WEIGHT: &str = "nginx.ingress.kubernetes.io/canary-weight";
const CLASS: &str = "kubernetes.io/ingress.class";

fn api(route: &Route) -> Api<DynamicObject> {
    pair::any(route, &ApiResource::erase::<Ingress>(&()))
}

fn first_name(route: &Route) -> &str {
    route.setting("ingress").unwrap_or_default()
}

fn second_name(route: &Route) -> String {
    route.track.workload_name(first_name(route))
}

/// The second Ingress: the paths of the first one that lead to the component's Service, leading to the second one. NGINX takes all the
/// rest (TLS, annotations) from the first.
fn second(route: &Route, first: &DynamicObject, weight: Weight) -> Result<DynamicObject, Error> {
    let (service, second) = (route.service(), route.second_service());
    let mut rules = Vec::new();
    for rule in first.data.pointer("/spec/rules").and_then(Value::as_array).into_iter().flatten() {
        let paths = rule.pointer("/http/paths").and_then(Value::as_array).into_iter().flatten();
        let is_ours =
            |path: &&Value| path.pointer("/backend/service/name").and_then(Value::as_str) == Some(service);
        let mut paths: Vec<Value> = paths.filter(is_ours).cloned().collect();
        for path in &mut paths {
            path["backend"]["service"]["name"] = second.clone().into();
        }
        if !paths.is_empty() {
            let mut rule = rule.clone();
            rule["http"]["paths"] = paths.into();
            rules.push(rule);
        }
    }
    if rules.is_empty() {
        let name = first_name(route);
        return Err(Error::Unfit(format!("Ingress {name} has no path that leads to Service {service}")));
    }
    let mut annotations =
        BTreeMap::from([(CANARY, "true".to_owned()), (WEIGHT, weight.percent().to_string())]);
    annotations.extend(first.annotations().get(CLASS).map(|class| (CLASS, class.clone())));
    let mut spec = json!({"rules": rules});
    if let Some(class) = first.data.pointer("/spec/ingressClassName") {
        spec["ingressClassName"] = class.clone();
    }
    let object = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": KIND,
        "metadata": {
            "name": second_name(route), "namespace": route.namespace, "annotations": annotations,
            "labels": track::own_labels(route.track, ""),
            "ownerReferences": [{
                "apiVersion": "networking.k8s.io/v1", "kind": KIND, "name": first.name_any(),
                "uid": first.uid().unwrap_or_default(), "controller": false, "blockOwnerDeletion": false
            }]
        },
        "spec": spec
    });
    serde_json::from_value(object)
        .map_err(|error| Error::Unfit(format!("Ingress {} cannot be copied: {error}", first_name(route))))
}

async fn find(route: &Route) -> Result<Option<DynamicObject>, Error> {
    let name = second_name(route);
    match pair::find(&api(route), KIND, &name).await? {
        Some(found) if !track::is_ours(&found, route.track) => Err(Error::Unfit(format!(
            "Ingress {name} was not made by the controller: rename or remove it, its name is needed"
        ))),
        found => Ok(found),
    }
}

/// The share that the second Ingress takes; nothing when it says none that can be understood.
fn weight(second: &DynamicObject) -> Option<Weight> {
    let annotations = second.annotations();
    if annotations.get(CANARY).map(String::as_str) != Some("true") {
        return None;
    }
    annotations.get(WEIGHT)?.parse().ok().and_then(Weight::new)
}

async fn observe(route: &Route) -> Result<TrafficState, Error> {
    let first = pair::get(&api(route), KIND, first_name(route)).await?;
    if let Err(Error::Unfit(detail)) = second(route, &first, Weight::ZERO) {
        return Ok(TrafficState { detail, ..TrafficState::default() });
    }
    let name = second_name(route);
    let (weight, detail) = match find(route).await? {
        None => (Some(Weight::ZERO), format!("there is no Ingress {name}")),
        Some(second) => match weight(&second) {
            Some(weight) => (Some(weight), format!("Ingress {name} takes {weight}")),
            None => (None, format!("the annotations of Ingress {name} state no weight from 0 to 100")),
        },
    };
    Ok(TrafficState { weight, is_accepted: weight.is_some(), detail, ..TrafficState::default() })
}

async fn set(route: &Route, from: Weight, to: Weight) -> Result<Written, Error> {
    let name = second_name(route);
    let Some(found) = find(route).await? else {
        if to == Weight::ZERO {
            return Ok(Written::Already);
        }
        if from != Weight::ZERO {
            return Err(Error::Changed(format!("{KIND} {name}")));
        }
        let first = pair::get(&api(route), KIND, first_name(route)).await?;
        let params =
            PostParams { field_manager: Some(TRACK_FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let api = api(route);
        return match api.create(&params, &second(route, &first, to)?).await {
            Ok(_) => Ok(Written::Now),
            Err(error) => Err(pair::failed(&api, KIND, &name, error)),
        };
    };
    match weight(&found) {
        Some(now) if now == to => return Ok(Written::Already),
        Some(now) if now == from => {}
        _ => return Err(Error::Changed(format!("{KIND} {name}"))),
    }
    let path = format!("/metadata/annotations/{}", pair::step(WEIGHT));
    let operations = vec![
        pair::unchanged(&found),
        json!({"op": "replace", "path": path, "value": to.percent().to_string()}),
    ];
    pair::patch(&api(route), KIND, &name, operations).await.map(|()| Written::Now)
}

async fn reset(route: &Route) -> Result<Written, Error> {
    let Some(found) = find(route).await? else { return Ok(Written::Already) };
    let name = second_name(route);
    let preconditions = Preconditions { uid: found.uid(), resource_version: None };
    let api = api(route);
    match api.delete(&name, &DeleteParams::background().preconditions(preconditions)).await {
        Ok(_) => Ok(Written::Now),
        Err(error) => match pair::failed(&api, KIND, &name, error) {
            Error::Missing { .. } => Ok(Written::Already),
            error => Err(error),
        },
    }
}

impl Router for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn keys(&self) -> &'static [Key] {
        &[
            Key {
                name: "ingress",
                is_needed: true,
                what: "the Ingress that leads to the component's Service",
            },
            SERVICE,
        ]
    }

    fn has_second_service(&self, _: &Route) -> bool {
        true
    }

    fn new_names(&self, route: &Route) -> Vec<NewName> {
        let (first, second) = (route.service(), route.second_service());
        let service = NewName::of_service(&second, second.len() - first.len());
        let ingress = second_name(route);
        let suffix = ingress.len() - first_name(route).len();
        let remedy = "use an Ingress with a name".to_owned();
        let what = KIND.to_owned();
        let ingress = NewName { what, text: ingress, limit: SUBDOMAIN, because: None, remedy, suffix };
        vec![service, ingress]
    }

    fn distinguish<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Distinction, Error>> {
        pair::by_service(route).boxed()
    }

    fn observe<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<TrafficState, Error>> {
        observe(route).boxed()
    }

    fn set<'a>(
        &'a self,
        route: &'a Route,
        from: Weight,
        to: Weight,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        set(route, from, to).boxed()
    }

    fn remains<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Option<String>, Error>> {
        async move { Ok(find(route).await?.map(|found| format!("{KIND} {}", found.name_any()))) }.boxed()
    }

    fn reset<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Written, Error>> {
        reset(route).boxed()
    }
}
