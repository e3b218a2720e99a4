//! The service proxy: the world's Prometheus and Alertmanager, and the health endpoints of its applications. The first two are also
//! served directly, under `/prometheus` and `/alertmanager`.

use axum::response::Response;
use http::{HeaderValue, Method, header};
use serde_json::json;

use super::Shared;
use super::call::{Call, Target};
use super::refusal::{Refusal, json_response};
use crate::sim::kinds::{SERVICES, list, text};
use crate::sim::prometheus::api::{Parameters, answer};
use crate::sim::world;

/// Prometheus under a path of its own; nothing for other paths.
pub(super) fn direct(shared: &Shared, call: &Call) -> Option<Response> {
    if let Some(rest) = call.path.strip_prefix("/alertmanager") {
        return rest.starts_with('/').then(|| alertmanager(shared, call, rest));
    }
    let rest = call.path.strip_prefix("/prometheus")?;
    (rest.is_empty() || rest.starts_with('/')).then(|| prometheus(shared, call, rest))
}

/// A request to a Service.
pub(super) fn service(shared: &Shared, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let (name, port) = parts(target.named());
    let world = shared.world();
    let Some(object) = world.store.get(SERVICES, target.space(), name) else {
        return Err(Refusal::not_found(SERVICES, name));
    };
    let is_port = |wanted: &str| {
        let ports = list(&object.value, &["spec", "ports"]).iter();
        ports
            .into_iter()
            .any(|one| text(one, &["name"]) == wanted || one["port"].as_u64() == wanted.parse().ok())
    };
    if !port.is_none_or(is_port) {
        return Err(Refusal::unavailable(format!(
            "no endpoints available for service \"{name}:{}\"",
            port.unwrap_or_default()
        )));
    }
    let services = &world.scenario().services;
    let service = services.iter().find(|service| service.namespace == target.space() && service.name == name);
    if service.is_some_and(|service| service.prometheus) {
        drop(world);
        return Ok(prometheus(shared, call, &target.rest));
    }
    if service.is_some_and(|service| service.alertmanager) {
        drop(world);
        return Ok(alertmanager(shared, call, &target.rest));
    }
    // a Service that was made since answers as applications do
    let body = service.map_or_else(|| json!({"status": "ok"}).to_string(), |service| service.body.clone());
    match world::health(&world, target.space(), &object.value["spec"]["selector"]) {
        None => Err(Refusal::unavailable(format!("no endpoints available for service \"{name}\""))),
        Some(status) if status < 400 => Ok(json_response(status, body)),
        Some(status) => Ok(json_response(status, "{\"status\":\"error\"}".to_owned())),
    }
}

/// `[scheme:]name[:port]`.
fn parts(text: &str) -> (&str, Option<&str>) {
    let pieces: Vec<&str> = text.split(':').collect();
    match pieces.as_slice() {
        ["http" | "https", name, port] => (name, Some(*port).filter(|port| !port.is_empty())),
        ["http" | "https" | "", name] => (name, None),
        [name, port] => (name, Some(*port).filter(|port| !port.is_empty())),
        _ => (text, None),
    }
}

fn alertmanager(shared: &Shared, call: &Call, path: &str) -> Response {
    let alerts = {
        let samples = shared.samples.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        samples.rules().alerts()
    };
    let mut alertmanager = shared.alertmanager.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (code, body) = alertmanager.answer((&call.method, path), &call.body, &alerts, shared.now());
    // it says nothing where there is nothing to say
    json_response(code, if body.is_null() { String::new() } else { body.to_string() })
}

fn prometheus(shared: &Shared, call: &Call, path: &str) -> Response {
    let mut parameters: Vec<(String, String)> = call.query.pairs().to_vec();
    if call.method == Method::POST {
        parameters.extend(url::form_urlencoded::parse(&call.body).into_owned());
    }
    let now = shared.now().timestamp_millis();
    let samples = shared.samples.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (code, body) = answer(&samples, path, &Parameters(&parameters), now);
    match body {
        Ok(json) => json_response(code, json.to_string()),
        Err(text) => {
            let mut response = json_response(code, text);
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn the_three_forms_of_a_proxied_service_are_understood() {
        assert_eq!(parts("prometheus"), ("prometheus", None));
        assert_eq!(parts("prometheus:9090"), ("prometheus", Some("9090")));
        assert_eq!(parts("http:prometheus:9090"), ("prometheus", Some("9090")));
        assert_eq!(parts("http:prometheus:"), ("prometheus", None));
    }
}
