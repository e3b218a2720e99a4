//! Discovery: versions, groups, resources, and as much OpenAPI as kubectl asks for.

use std::collections::BTreeMap;

use axum::response::Response;
use http::{HeaderValue, Method, header};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::refusal::json_response;
use crate::sim::kinds::{RESOURCES, Resource};

/// Groups that are served but keep no objects: group, version, resource, kind.
const REVIEWS: [(&str, &str, &str, &str); 4] = [
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview"),
    ("metrics.k8s.io", "v1beta1", "pods", "PodMetrics"),
];

/// Answers discovery; nothing for other paths.
pub(super) fn answer(call: &Call) -> Option<Response> {
    if call.method != Method::GET {
        return None;
    }
    let path = call.path.trim_matches('/');
    let segments: Vec<&str> = path.split('/').collect();
    let body = match segments.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => return Some(plain("ok")),
        [""] => json!({"paths": ["/api", "/apis", "/healthz", "/openapi/v2", "/openapi/v3", "/version"]}),
        ["version"] => json!({
            "major": "1", "minor": "36", "gitVersion": "v1.36.2+release-cockpit-sim", "gitCommit": "simulated",
            "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "rustc",
            "platform": "linux/amd64"
        }),
        ["api"] => json!({"kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}]}),
        ["apis"] => json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": group_list()}),
        ["api", "v1"] => resource_list("", "v1")?,
        ["apis", group] => group_list().into_iter().find(|one| one["name"] == *group)?,
        ["apis", group, version] => resource_list(group, version)?,
        ["openapi", "v2"] => {
            json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.36.2"}, "paths": {}, "definitions": {}})
        }
        ["openapi", "v3"] => openapi_index(),
        ["openapi", "v3", "api", "v1"] => openapi("", "v1"),
        ["openapi", "v3", "apis", group, version] => openapi(group, version),
        _ => return None,
    };
    Some(json_response(200, body.to_string()))
}

fn plain(text: &'static str) -> Response {
    let mut response = json_response(200, text);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn groups() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let rows = RESOURCES.iter().map(|row| (row.group, row.version));
    for (group, version) in rows.chain(REVIEWS.iter().map(|row| (row.0, row.1))) {
        let versions = groups.entry(group).or_default();
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    groups
}

fn group_list() -> Vec<Value> {
    groups()
        .into_iter()
        .filter(|(group, _)| !group.is_empty())
        .map(|(group, versions)| {
            let versions: Vec<_> = versions
                .iter()
                .map(|version| json!({"groupVersion": format!("{group}/{version}"), "version": version}))
                .collect();
            json!({"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": versions, "preferredVersion": versions[0]})
        })
        .collect()
}

fn resource_list(group: &str, version: &str) -> Option<Value> {
    let mut resources = Vec::new();
    for row in RESOURCES.iter().filter(|row| row.group == group && row.version == version) {
        resources.push(json!({
            "name": row.plural, "singularName": row.singular, "namespaced": row.namespaced, "kind": row.kind,
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
            "shortNames": row.short, "categories": row.categories
        }));
        resources.extend(row.subresources.iter().map(|sub| subresource(row, sub)));
    }
    for (_, _, name, kind) in REVIEWS.iter().filter(|row| row.0 == group && row.1 == version) {
        resources.push(
            if group == "metrics.k8s.io" {
                json!({"name": name, "singularName": "pod", "namespaced": true, "kind": kind, "verbs": ["get", "list"]})
            } else {
                json!({"name": name, "singularName": "", "namespaced": false, "kind": kind, "verbs": ["create"]})
            },
        );
    }
    if resources.is_empty() {
        return None;
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Some(
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}),
    )
}

fn subresource(row: &Resource, sub: &str) -> Value {
    let name = format!("{}/{sub}", row.plural);
    match sub {
        "scale" => {
            json!({"name": name, "singularName": "", "namespaced": row.namespaced, "group": "autoscaling",
            "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"]})
        }
        "proxy" => {
            json!({"name": name, "singularName": "", "namespaced": true, "kind": "ServiceProxyOptions", "verbs": ["create", "get"]})
        }
        "log" => {
            json!({"name": name, "singularName": "", "namespaced": true, "kind": "Pod", "verbs": ["get"]})
        }
        "eviction" => {
            json!({"name": name, "singularName": "", "namespaced": true, "group": "policy", "version": "v1",
            "kind": "Eviction", "verbs": ["create"]})
        }
        _ => json!({"name": name, "singularName": "", "namespaced": row.namespaced, "kind": row.kind,
            "verbs": ["get", "patch", "update"]}),
    }
}

fn openapi_index() -> Value {
    let mut paths = Map::new();
    for (group, versions) in groups() {
        for version in versions {
            let path =
                if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
            let link = format!("/openapi/v3/{path}?hash=1");
            paths.insert(path, json!({"serverRelativeURL": link}));
        }
    }
    json!({"paths": paths})
}

/// Paths with the parameters that kubectl looks for, and the schemas of the product's kinds.
fn openapi(group: &str, version: &str) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for row in RESOURCES.iter().filter(|row| row.group == group && row.version == version) {
        let base =
            if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let place = if row.namespaced { "/namespaces/{namespace}" } else { "" };
        let kind = json!({"group": group, "version": version, "kind": row.kind});
        let parameters: Vec<_> = ["dryRun", "fieldManager", "fieldValidation"]
            .iter()
            .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
            .collect();
        let operation = |action: &str| {
            json!({"x-kubernetes-action": action, "x-kubernetes-group-version-kind": kind, "parameters": parameters,
                "responses": {"200": {"description": "OK"}}})
        };
        paths.insert(
            format!("{base}{place}/{}/{{name}}", row.plural),
            json!({"get": operation("get"), "patch": operation("patch"), "put": operation("put")}),
        );
        paths.insert(format!("{base}{place}/{}", row.plural), json!({"post": operation("post")}));
        let mut schema = super::definitions::of(row)
            .map_or_else(|| json!({"type": "object"}), |definition| definition.schema.clone());
        schema["x-kubernetes-group-version-kind"] = json!([kind]);
        schemas.insert(format!("io.k8s.{}.{}.{}", group.replace('/', "."), version, row.kind), schema);
    }
    json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.36.2"}, "paths": paths,
        "components": {"schemas": schemas}})
}
