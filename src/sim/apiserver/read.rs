//! GET and LIST.

use axum::response::Response;
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;

use super::Shared;
use super::call::{Call, Target};
use super::refusal::{Refusal, json_response};
use super::selector::Selector;
use super::shape::{Shape, partial};
use super::table;
use crate::sim::kinds::{NEW_EVENTS, Resource};
use crate::sim::store::{Key, Object};

/// One object.
pub(super) fn get(shared: &Shared, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let (resource, name) = (target.resource, target.named());
    let object = {
        let (world, asked) = (shared.world(), call.query.get("resourceVersion"));
        match shared.caches.list(&world.store, resource, target.namespace.as_deref(), asked) {
            Some((_, objects)) => objects.into_iter().find(|object| object.name() == name),
            None => world.store.get(resource, target.space(), name).cloned(),
        }
    };
    let object = object.ok_or_else(|| Refusal::not_found(resource, name))?;
    if target.sub.as_deref() == Some("scale") {
        return Ok(json_response(200, super::write::scale_of(&object.value).to_string()));
    }
    let shape = Shape::of(&call.accept);
    Ok(json_response(200, shape.one(resource, &object, shared.now()).into_owned()))
}

/// Many objects, in pages.
pub(super) fn list(shared: &Shared, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let resource = target.resource;
    let limit: usize = match call.query.get("limit") {
        None | Some("") => 0,
        Some(text) => text.parse().map_err(|_| Refusal::bad_request(format!("invalid limit \"{text}\"")))?,
    };
    let page = page(shared, call, target, limit)?;
    let (version, remaining) = (page.version, page.remaining);
    let counted = selector_is_empty(call);
    let page: Vec<_> = page.objects;
    let next = (remaining > 0).then(|| page.last().map(|last| to_token(version, last))).flatten();
    let shape = Shape::of(&call.accept);
    if shape == Shape::Table {
        let values: Vec<&Value> = page.iter().map(|object| &object.value).collect();
        let mut table = table::of(resource, &values, &version.to_string(), shared.now());
        if let Some(next) = next {
            table["metadata"]["continue"] = next.into();
            if counted {
                table["metadata"]["remainingItemCount"] = remaining.into();
            }
        }
        return Ok(json_response(200, table.to_string()));
    }
    let kind = if shape == Shape::Metadata { "PartialObjectMetadata" } else { resource.kind };
    let api_version =
        if shape == Shape::Metadata { "meta.k8s.io/v1".to_owned() } else { resource.api_version() };
    let mut body = format!(
        "{{\"kind\":\"{kind}List\",\"apiVersion\":\"{api_version}\",\"metadata\":{{\"resourceVersion\":\"{version}\""
    );
    if let Some(next) = next {
        let _ = write!(body, ",\"continue\":{}", Value::from(next));
        if counted {
            let _ = write!(body, ",\"remainingItemCount\":{remaining}");
        }
    }
    body.push_str("},\"items\":[");
    for (n, object) in page.iter().enumerate() {
        if n > 0 {
            body.push(',');
        }
        match shape {
            Shape::Metadata => body.push_str(&partial(&object.value).to_string()),
            _ if std::ptr::eq(resource, NEW_EVENTS) => {
                body.push_str(&super::events::to_new(&object.value).to_string());
            }
            _ => body.push_str(object.json()),
        }
    }
    body.push_str("]}");
    Ok(json_response(200, body))
}

/// The selectors of a request.
pub(super) fn selector(call: &Call, resource: &Resource) -> Result<Selector, Refusal> {
    Selector::parse(
        resource,
        call.query.get("labelSelector").unwrap_or_default(),
        call.query.get("fieldSelector").unwrap_or_default(),
    )
}

/// One page of a list.
struct Page {
    objects: Vec<Arc<Object>>,
    /// How many match behind it.
    remaining: usize,
    /// The version at which the whole list is read.
    version: u64,
}

fn page(shared: &Shared, call: &Call, target: &Target, limit: usize) -> Result<Page, Refusal> {
    let resource = target.resource;
    let selector = selector(call, resource)?;
    let matches = |object: &&Arc<Object>| selector.is_empty() || selector.matches(&object.value);
    let namespace = target.namespace.as_deref();
    let world = shared.world();
    let Some(token) = call.query.get("continue").filter(|token| !token.is_empty()) else {
        let asked = call.query.get("resourceVersion");
        if let Some((version, mut objects)) = shared.caches.list(&world.store, resource, namespace, asked) {
            // such a list is never cut into pages
            objects.retain(|object| matches(&object));
            return Ok(Page { objects, remaining: 0, version });
        }
        let mut found = world.store.list(resource, namespace).filter(matches);
        let objects = if limit == 0 {
            found.by_ref().cloned().collect()
        } else {
            found.by_ref().take(limit).cloned().collect()
        };
        return Ok(Page { objects, remaining: found.count(), version: world.store.version() });
    };
    let (version, start) = from_token(token)
        .ok_or_else(|| Refusal::bad_request(format!("continue key is not valid: {token}")))?;
    let all = world.store.list_at(resource, version, namespace).map_err(|_| {
        Refusal::gone(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without \
             the continue parameter.",
        )
    })?;
    let behind: Vec<_> =
        all.iter().filter(|object| Key::of(&object.value) >= start).filter(matches).collect();
    let limit = if limit == 0 { behind.len() } else { limit };
    Ok(Page {
        objects: behind.iter().take(limit).copied().cloned().collect(),
        remaining: behind.len().saturating_sub(limit),
        version,
    })
}

fn selector_is_empty(call: &Call) -> bool {
    ["labelSelector", "fieldSelector"].iter().all(|name| call.query.get(name).is_none_or(str::is_empty))
}

/// The token after an object: the version of the list, and the key of whatever sorts directly behind.
fn to_token(version: u64, last: &Object) -> String {
    format!("v1/{version}/{}/{}", last.namespace(), last.name())
}

fn from_token(token: &str) -> Option<(u64, Key)> {
    let (version, rest) = token.strip_prefix("v1/")?.split_once('/')?;
    let (namespace, name) = rest.split_once('/')?;
    Some((version.parse().ok()?, Key::new(namespace, &format!("{name}\0"))))
}
