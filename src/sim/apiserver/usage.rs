//! The metrics API: what the world's pods use, out of the same samples that its Prometheus has.

use std::sync::Arc;

use axum::response::Response;
use http::Method;
use serde_json::{Value, json};

use super::Shared;
use super::call::{Call, Target};
use super::refusal::{Refusal, json_response};
use crate::sim::kinds::{PODS, list, text};
use crate::sim::store::{Object, stamp};

/// Milliseconds over which CPU is measured.
const WINDOW: i64 = 30_000;

/// Answers for the pods of a namespace, of all of them, or for one pod; nothing for other paths.
pub(super) fn answer(shared: &Shared, call: &Call) -> Option<Result<Response, Refusal>> {
    let rest = call.path.strip_prefix("/apis/metrics.k8s.io/v1beta1/")?;
    if call.method != Method::GET {
        return None;
    }
    let segments: Vec<&str> = rest.trim_matches('/').split('/').collect();
    let (namespace, name) = match segments.as_slice() {
        ["pods"] => ("", ""),
        ["namespaces", namespace, "pods"] => (*namespace, ""),
        ["namespaces", namespace, "pods", name] => (*namespace, *name),
        _ => return None,
    };
    Some(pods(shared, call, (namespace, name)))
}

fn pods(shared: &Shared, call: &Call, (namespace, name): (&str, &str)) -> Result<Response, Refusal> {
    // who may see the pods may see what they use
    let target = Target {
        resource: PODS,
        namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
        name: (!name.is_empty()).then(|| name.to_owned()),
        sub: None,
        rest: String::new(),
    };
    shared.authorizer.check(&call.user, if name.is_empty() { "list" } else { "get" }, &target)?;
    let found: Vec<Arc<Object>> = {
        let world = shared.world();
        let all = world.store.list(PODS, target.namespace.as_deref());
        all.filter(|pod| name.is_empty() || pod.name() == name).cloned().collect()
    };
    let mut measured = found.iter().filter_map(|pod| measure(shared, &pod.value));
    if !name.is_empty() {
        let one = measured.next().ok_or_else(|| Refusal::not_found(PODS, name))?;
        return Ok(json_response(200, one.to_string()));
    }
    let items: Vec<Value> = measured.collect();
    let body = json!({"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items});
    Ok(json_response(200, body.to_string()))
}

/// Nothing for a pod that was not scraped lately: the metrics API leaves it out.
fn measure(shared: &Shared, pod: &Value) -> Option<Value> {
    let now = shared.now();
    let (namespace, name) = (text(pod, &["metadata", "namespace"]), text(pod, &["metadata", "name"]));
    let samples = shared.samples.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    let containers: Vec<Value> = list(pod, &["spec", "containers"])
        .iter()
        .filter_map(|container| {
            let container = text(container, &["name"]);
            let of = |metric: &str| samples.of_container(metric, (namespace, name, container));
            let until = now.timestamp_millis();
            let (_, memory) = of("container_memory_working_set_bytes")?.latest(until - 2 * WINDOW, until)?;
            let cpu: Vec<(i64, f64)> =
                of("container_cpu_usage_seconds_total")?.between(until - WINDOW, until).collect();
            let (first, last) = (cpu.first()?, cpu.last()?);
            let seconds = ((last.0 - first.0) as f64 / 1_000.0).max(1.0);
            let nanos = ((last.1 - first.1).max(0.0) / seconds * 1e9) as u64;
            Some(json!({"name": container, "usage": {"cpu": format!("{nanos}n"), "memory": format!("{}Ki", (memory / 1_024.0) as u64)}}))
        })
        .collect();
    if containers.is_empty() {
        return None;
    }
    Some(json!({
        "metadata": {"name": name, "namespace": namespace, "labels": pod["metadata"]["labels"], "creationTimestamp": stamp(now)},
        "timestamp": stamp(now), "window": "30s", "containers": containers
    }))
}
