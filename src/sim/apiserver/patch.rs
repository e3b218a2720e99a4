//! PATCH in its four forms.

use axum::response::Response;
use serde_json::Value;

use super::Shared;
use super::apply::{Applier, apply};
use super::call::{Call, Target};
use super::definitions;
use super::refusal::Refusal;
use super::strategic::{merge, strategic};
use super::write::{Write, create_value, merge_of, scale_of, update, with_replicas};
use crate::sim::kinds::{NEW_EVENTS, text};
use crate::sim::store::metadata;

/// Changes an object as the body says.
pub(super) fn patch(shared: &Shared, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let resource = target.resource;
    let form = call.content_type.split(';').next().unwrap_or_default().trim();
    if form.starts_with("application/apply-patch") {
        return apply_patch(shared, call, target);
    }
    let body = call.object()?;
    let mut world = shared.world();
    let old = world
        .store
        .get(resource, target.space(), target.named())
        .cloned()
        .ok_or_else(|| Refusal::not_found(resource, target.named()))?;
    let is_scale = target.sub.as_deref() == Some("scale");
    let is_new_event = std::ptr::eq(resource, NEW_EVENTS);
    let mut value = if is_scale {
        scale_of(&old.value)
    } else if is_new_event {
        super::events::to_new(&old.value)
    } else {
        old.value.clone()
    };
    match form {
        "application/json-patch+json" => json_patch(&mut value, &body)?,
        "application/strategic-merge-patch+json" if resource.is_custom() => {
            return Err(Refusal::unknown_format(
                "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            ));
        }
        "application/strategic-merge-patch+json" => strategic(&mut value, &body),
        _ => merge(&mut value, &body),
    }
    if is_scale {
        value = with_replicas(&old.value, &value)?;
    } else if is_new_event {
        value = super::events::to_core(&value);
    }
    // a patch that does not name a version is applied to the newest one
    if text(&body, &["metadata", "resourceVersion"]).is_empty()
        && let Some(meta) = value.get_mut("metadata").and_then(Value::as_object_mut)
    {
        let named_by_operations = form == "application/json-patch+json";
        if !named_by_operations {
            meta.insert("resourceVersion".into(), old.version.to_string().into());
        }
    }
    update(shared, &mut world, Write { call, target, applied: false }, &old, value)
}

fn json_patch(value: &mut Value, body: &Value) -> Result<(), Refusal> {
    let operations: json_patch::Patch = serde_json::from_value(body.clone())
        .map_err(|error| Refusal::bad_request(format!("error decoding patch: {error}")))?;
    json_patch::patch(value, &operations).map_err(|_| Refusal::patch_failed())
}

fn apply_patch(shared: &Shared, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let resource = target.resource;
    let manager = call.query.get("fieldManager").unwrap_or_default();
    if manager.is_empty() {
        return Err(Refusal::options(
            "PatchOptions",
            "fieldManager",
            "Required value: is required for apply patch",
        ));
    }
    let mut wanted = call.object()?;
    if !text(&wanted, &["metadata", "managedFields"]).is_empty() {
        return Err(Refusal::bad_request("metadata.managedFields must be nil"));
    }
    if target.sub.as_deref() == Some("scale") {
        return Err(Refusal::unknown_path());
    }
    if text(&wanted, &["kind"]) != resource.kind {
        return Err(Refusal::bad_request(format!(
            "invalid object type: {}, Kind={}",
            text(&wanted, &["apiVersion"]),
            text(&wanted, &["kind"])
        )));
    }
    metadata(&mut wanted).insert("name".into(), target.named().into());
    let sub = target.sub.as_deref().unwrap_or_default();
    if sub != "status"
        && resource.has_status()
        && let Some(map) = wanted.as_object_mut()
    {
        map.shift_remove("status");
    }
    if sub == "status"
        && let Some(map) = wanted.as_object_mut()
    {
        map.retain(|key, _| matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "status"));
    }
    let strict = call.query.get("fieldValidation") == Some("Strict");
    let mut checked = wanted.clone();
    definitions::decode(resource, &mut checked, strict)?;
    let mut world = shared.world();
    let old = world.store.get(resource, target.space(), target.named()).cloned();
    let api_version = resource.api_version();
    let by =
        Applier { manager, subresource: sub, api_version: &api_version, force: call.query.flag("force") };
    let live = old.as_ref().map(|object| &object.value);
    let value = apply(live, &wanted, merge_of(resource), by, shared.now())?;
    let write = Write { call, target, applied: true };
    match old {
        Some(old) => update(shared, &mut world, write, &old, value),
        None if sub.is_empty() => {
            shared.authorizer.check(&call.user, "create", target)?;
            create_value(shared, &mut world, write, value)
        }
        None => Err(Refusal::not_found(resource, target.named())),
    }
}
