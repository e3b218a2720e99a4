//! DELETE of one object or of a collection: preconditions, finalizers, grace, propagation.

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value, json};

use super::Shared;
use super::call::{Call, Target};
use super::policy::{Operation, Request};
use super::read::selector;
use super::refusal::{Refusal, json_response, with_warnings};
use crate::sim::kinds::{self, NAMESPACES, PODS, RESOURCES, Resource, text};
use crate::sim::store::{Key, Object, metadata, stamp};
use crate::sim::world::World;

/// Deletes one object.
pub(super) fn one(shared: &Shared, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let resource = target.resource;
    let options = options(call)?;
    let mut world = shared.world();
    let object = world
        .store
        .get(resource, target.space(), target.named())
        .cloned()
        .ok_or_else(|| Refusal::not_found(resource, target.named()))?;
    let wanted = text(&options, &["preconditions", "uid"]);
    if !wanted.is_empty() && wanted != object.uid() {
        let why = format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({}). The object might have been deleted \
             and then recreated",
            object.uid()
        );
        return Err(Refusal::conflict(resource, object.name(), &why));
    }
    let version = text(&options, &["preconditions", "resourceVersion"]);
    if !version.is_empty() && version != object.version.to_string() {
        let why = format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({}). The object \
             might have been modified",
            object.version
        );
        return Err(Refusal::conflict(resource, object.name(), &why));
    }
    let dry_run = dry_run(call, &options)?;
    let warnings = admit(shared, &world, deletion(call, resource, &object, dry_run))?;
    if dry_run {
        return Ok(with_warnings(json_response(200, success(resource, &object).to_string()), &warnings));
    }
    let left = delete(shared, &mut world, resource, &object, &options);
    shared.written(&mut world, shared.now());
    let answer =
        left.map_or_else(|| success(resource, &object).to_string(), |object| object.json().to_owned());
    Ok(with_warnings(json_response(200, answer), &warnings))
}

/// Deletes every object that the selectors match.
pub(super) fn collection(shared: &Shared, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let resource = target.resource;
    let options = options(call)?;
    let selector = selector(call, resource)?;
    let mut world = shared.world();
    let found: Vec<_> = world
        .store
        .list(resource, target.namespace.as_deref())
        .filter(|object| selector.matches(&object.value))
        .cloned()
        .collect();
    let dry_run = dry_run(call, &options)?;
    let mut warnings = Vec::new();
    for object in &found {
        // a request for a collection has no name
        let request = Request { name: "", ..deletion(call, resource, object, dry_run) };
        warnings.extend(admit(shared, &world, request)?);
    }
    if !dry_run {
        for object in &found {
            delete(shared, &mut world, resource, object, &options);
        }
        shared.written(&mut world, shared.now());
    }
    let items: Vec<&Value> = found.iter().map(|object| &object.value).collect();
    let list = json!({
        "kind": format!("{}List", resource.kind), "apiVersion": resource.api_version(),
        "metadata": {"resourceVersion": world.store.version().to_string()}, "items": items
    });
    Ok(with_warnings(json_response(200, list.to_string()), &warnings))
}

fn admit(shared: &Shared, world: &World, request: Request<'_>) -> Result<Vec<String>, Refusal> {
    shared.policies.validate(&world.store, &shared.authorizer, request)
}

fn deletion<'a>(
    call: &'a Call,
    resource: &'static Resource,
    object: &'a Object,
    dry_run: bool,
) -> Request<'a> {
    Request {
        user: &call.user,
        operation: Operation::Delete,
        resource,
        sub: "",
        namespace: object.namespace(),
        name: object.name(),
        object: None,
        old: Some(&object.value),
        dry_run,
    }
}

/// Deletes, or marks for deletion; the object when it is still there.
fn delete(
    shared: &Shared,
    world: &mut World,
    resource: &'static Resource,
    object: &Arc<Object>,
    options: &Value,
) -> Option<Arc<Object>> {
    let key = Key::new(object.namespace(), object.name());
    if text(options, &["propagationPolicy"]) == "Orphan" {
        orphan(world, object.uid());
    }
    if resource.table == PODS.table {
        let grace = kinds::int(options, &["gracePeriodSeconds"]);
        world.terminate_pod(&key, grace);
        return world.store.get(resource, &key.namespace, &key.name).cloned();
    }
    let now = shared.now();
    if text(options, &["propagationPolicy"]) == "Foreground" {
        return world.delete_in_foreground(resource, &key, now);
    }
    if !kinds::list(&object.value, &["metadata", "finalizers"]).is_empty() {
        return world.store.change(resource, &key, |value| {
            let meta = metadata(value);
            meta.entry("deletionTimestamp").or_insert_with(|| stamp(now).into());
            meta.entry("deletionGracePeriodSeconds").or_insert_with(|| 0.into());
        });
    }
    if resource.table == NAMESPACES.table {
        empty_namespace(world, object.name());
    }
    world.store.remove(resource, &key);
    None
}

fn empty_namespace(world: &mut World, namespace: &str) {
    for resource in RESOURCES.iter().filter(|resource| resource.namespaced) {
        let keys: Vec<Key> =
            world.store.list(resource, Some(namespace)).map(|object| Key::of(&object.value)).collect();
        for key in keys {
            world.store.remove(resource, &key);
        }
    }
}

/// Cuts the dependents of an object loose, so that they outlive it.
fn orphan(world: &mut World, uid: &str) {
    for resource in RESOURCES.iter().filter(|resource| resource.namespaced) {
        let keys: Vec<Key> = world
            .store
            .list(resource, None)
            .filter(|object| {
                kinds::list(&object.value, &["metadata", "ownerReferences"])
                    .iter()
                    .any(|owner| text(owner, &["uid"]) == uid)
            })
            .map(|object| Key::of(&object.value))
            .collect();
        for key in keys {
            world.store.change(resource, &key, |value| {
                let meta = metadata(value);
                if let Some(owners) = meta.get_mut("ownerReferences").and_then(Value::as_array_mut) {
                    owners.retain(|owner| text(owner, &["uid"]) != uid);
                }
                if meta.get("ownerReferences").and_then(Value::as_array).is_some_and(Vec::is_empty) {
                    meta.shift_remove("ownerReferences");
                }
            });
        }
    }
}

fn options(call: &Call) -> Result<Value, Refusal> {
    let mut options = if call.body.is_empty() { json!({}) } else { call.object()? };
    for name in ["propagationPolicy"] {
        if let Some(value) = call.query.get(name) {
            options[name] = value.into();
        }
    }
    if let Some(grace) = call.query.get("gracePeriodSeconds").and_then(|text| text.parse::<i64>().ok()) {
        options["gracePeriodSeconds"] = grace.into();
    }
    Ok(options)
}

fn dry_run(call: &Call, options: &Value) -> Result<bool, Refusal> {
    Ok(call.dry_run()? || kinds::list(options, &["dryRun"]).iter().any(|value| value == "All"))
}

fn success(resource: &Resource, object: &Object) -> Value {
    let mut details = json!({"name": object.name(), "kind": resource.plural, "uid": object.uid()});
    if !resource.group.is_empty() {
        details["group"] = resource.group.into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
