//! `EndpointSlices`: what stands behind each Service, told from its selector and the pods as they are now.

use std::collections::BTreeMap;

use axum::response::Response;
use http::Method;
use serde_json::{Value, json};

use super::Shared;
use super::call::{Call, Target};
use super::refusal::{Refusal, json_response};
use crate::sim::kinds::{PODS, SERVICES, at, label, list, text};

/// Lists the slices of a namespace; nothing for other paths.
pub(super) fn answer(shared: &Shared, call: &Call) -> Option<Result<Response, Refusal>> {
    let rest = call.path.strip_prefix("/apis/discovery.k8s.io/v1/namespaces/")?;
    let namespace = rest.strip_suffix("/endpointslices")?;
    (call.method == Method::GET && !call.query.flag("watch")).then(|| slices(shared, call, namespace))
}

fn slices(shared: &Shared, call: &Call, namespace: &str) -> Result<Response, Refusal> {
    // who may see the services may see what stands behind them
    let target = Target {
        resource: SERVICES,
        namespace: Some(namespace.to_owned()),
        name: None,
        sub: None,
        rest: String::new(),
    };
    shared.authorizer.check(&call.user, "list", &target)?;
    let world = shared.world();
    let pods: Vec<&Value> = world.store.list(PODS, Some(namespace)).map(|pod| &pod.value).collect();
    let items: Vec<Value> = world
        .store
        .list(SERVICES, Some(namespace))
        .filter_map(|service| slice(&service.value, &pods))
        .collect();
    let body = json!({"kind": "EndpointSliceList", "apiVersion": "discovery.k8s.io/v1", "metadata": {}, "items": items});
    Ok(json_response(200, body.to_string()))
}

fn slice(service: &Value, pods: &[&Value]) -> Option<Value> {
    let selector: BTreeMap<String, String> =
        at(service, &["spec", "selector"]).and_then(|found| serde_json::from_value(found.clone()).ok())?;
    let name = text(service, &["metadata", "name"]);
    let chosen = pods.iter().filter(|pod| {
        !selector.is_empty()
            && !text(pod, &["status", "podIP"]).is_empty()
            && selector.iter().all(|(key, value)| label(pod, key) == Some(value))
    });
    let endpoints: Vec<Value> = chosen
        .map(|pod| {
            let conditions = list(pod, &["status", "conditions"]).iter();
            let ready = conditions
                .filter(|one| text(one, &["type"]) == "Ready")
                .any(|one| text(one, &["status"]) == "True");
            json!({"addresses": [text(pod, &["status", "podIP"])], "nodeName": text(pod, &["spec", "nodeName"]),
                "conditions": {"ready": ready, "serving": ready, "terminating": false},
                "targetRef": {"kind": "Pod", "name": text(pod, &["metadata", "name"]), "namespace": text(pod, &["metadata", "namespace"])}})
        })
        .collect();
    Some(json!({
        "metadata": {"name": format!("{name}-sim"), "namespace": text(service, &["metadata", "namespace"]),
            "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4", "ports": service["spec"]["ports"], "endpoints": endpoints
    }))
}
