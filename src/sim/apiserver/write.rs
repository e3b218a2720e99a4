//! POST, PUT and DELETE, and the one path by which every write reaches the store.

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value, json};

use super::Shared;
use super::call::{Call, Target};
use super::fields::{self, Merge};
use super::identity::{check_kind, keep_identity, prepare_new};
use super::policy::{Operation, Request};
use super::refusal::{Cause, Refusal, json_response, with_warnings};
use super::shape::Shape;
use super::{definitions, native};
use crate::sim::kinds::{self, CRDS, NEW_EVENTS, PODS, Resource, text};
use crate::sim::store::{Key, Object, entry, metadata};
use crate::sim::world::World;

/// A write on its way: who, what, and how its fields are recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write<'a> {
    /// The request.
    pub call: &'a Call,
    /// What it points at.
    pub target: &'a Target,
    /// Server-side apply has recorded its fields already.
    pub applied: bool,
}

impl Write<'_> {
    fn sub(&self) -> &str {
        self.target.sub.as_deref().unwrap_or_default()
    }

    /// Drops unknown fields; returns a warning for each.
    fn decode(&self, value: &mut Value) -> Result<Vec<String>, Refusal> {
        let mode = self.call.query.get("fieldValidation").unwrap_or("Warn");
        let unknown = definitions::decode(self.target.resource, value, mode == "Strict")?;
        let warned = unknown.into_iter().filter(|_| mode != "Ignore");
        Ok(warned.map(|field| format!("unknown field \"{field}\"")).collect())
    }
}

/// How lists of a kind are merged.
pub(super) fn merge_of(resource: &Resource) -> Merge<'static> {
    definitions::of(resource).map_or(Merge::Builtin, |definition| Merge::Schema(&definition.schema))
}

/// Creates an object.
pub(super) fn create(shared: &Shared, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let resource = target.resource;
    let mut value = call.object()?;
    check_kind(resource, &value)?;
    if std::ptr::eq(resource, NEW_EVENTS) {
        value = super::events::to_core(&value);
    }
    let mut world = shared.world();
    let write = Write { call, target, applied: false };
    create_value(shared, &mut world, write, value)
}

/// Creates an object from its value; also the end of an apply to a free name.
pub(super) fn create_value(
    shared: &Shared,
    world: &mut World,
    write: Write<'_>,
    mut value: Value,
) -> Result<Response, Refusal> {
    let (call, target, resource) = (write.call, write.target, write.target.resource);
    let now = shared.now();
    let name = prepare_new(world, target, &mut value, now)?;
    let dry_run = call.dry_run()?;
    let request = Request {
        user: &call.user,
        operation: Operation::Create,
        resource,
        sub: "",
        namespace: target.space(),
        name: &name,
        object: None,
        old: None,
        dry_run,
    };
    let (policies, authorizer) = (&shared.policies, &shared.authorizer);
    if let Some(changed) =
        policies.mutate(&world.store, authorizer, Request { object: Some(&value), ..request })?
    {
        value = changed;
    }
    let mut warnings = write.decode(&mut value)?;
    native::default(resource, &mut value);
    if resource.has_status()
        && resource.table != CRDS.table
        && let Some(map) = value.as_object_mut()
    {
        map.shift_remove("status");
    }
    native::fresh_status(resource, &mut value);
    definitions::validate(resource, &value, None)?;
    native::validate(resource, &value, None)?;
    if !write.applied {
        let by = (call.manager(), "", resource.api_version());
        fields::record_update(None, &mut value, merge_of(resource), (by.0, by.1, &by.2), now);
    }
    warnings.extend(policies.validate(
        &world.store,
        authorizer,
        Request { object: Some(&value), ..request },
    )?);
    if world.store.get(resource, target.space(), &name).is_some() {
        return Err(Refusal::exists(resource, &name));
    }
    let shape = Shape::of(&call.accept);
    if dry_run {
        metadata(&mut value).insert("uid".into(), "00000000-0000-4000-8000-000000000000".into());
        return Ok(with_warnings(json_response(201, value.to_string()), &warnings));
    }
    let object = world.store.create(resource, value, now);
    shared.written(world, now);
    Ok(with_warnings(json_response(201, shape.one(resource, &object, now).into_owned()), &warnings))
}

/// Replaces an object, its status, or its scale.
pub(super) fn replace(shared: &Shared, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let resource = target.resource;
    let mut value = call.object()?;
    if target.sub.as_deref() != Some("scale") {
        check_kind(resource, &value)?;
    }
    if std::ptr::eq(resource, NEW_EVENTS) {
        value = super::events::to_core(&value);
    }
    let named = text(&value, &["metadata", "name"]);
    if !named.is_empty() && named != target.named() {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({named}) does not match the name on the URL ({})",
            target.named()
        )));
    }
    let mut world = shared.world();
    let old = world
        .store
        .get(resource, target.space(), target.named())
        .cloned()
        .ok_or_else(|| Refusal::not_found(resource, target.named()))?;
    if text(&value, &["metadata", "resourceVersion"]).is_empty() && resource.is_ours() {
        let message = "Invalid value: 0x0: must be specified for an update";
        let cause = Cause::new("metadata.resourceVersion", "FieldValueInvalid", message);
        return Err(Refusal::invalid(resource, target.named(), &[cause]));
    }
    if target.sub.as_deref() == Some("scale") {
        value = with_replicas(&old.value, &value)?;
    }
    update(shared, &mut world, Write { call, target, applied: false }, &old, value)
}

/// The end of every update: checks, records, stores.
pub(super) fn update(
    shared: &Shared,
    world: &mut World,
    write: Write<'_>,
    old: &Arc<Object>,
    mut value: Value,
) -> Result<Response, Refusal> {
    let (call, target, resource) = (write.call, write.target, write.target.resource);
    let now = shared.now();
    keep_identity(resource, old, &mut value)?;
    keep_other_half(resource, write.sub(), &old.value, &mut value);
    let dry_run = call.dry_run()?;
    let scaled = (write.sub() == "scale").then(|| scale_of(&old.value));
    let request = Request {
        user: &call.user,
        operation: Operation::Update,
        resource,
        sub: write.sub(),
        namespace: target.space(),
        name: target.named(),
        object: None,
        old: Some(scaled.as_ref().unwrap_or(&old.value)),
        dry_run,
    };
    let (policies, authorizer) = (&shared.policies, &shared.authorizer);
    if scaled.is_none()
        && let Some(changed) =
            policies.mutate(&world.store, authorizer, Request { object: Some(&value), ..request })?
    {
        value = changed;
    }
    let mut warnings = write.decode(&mut value)?;
    native::default(resource, &mut value);
    definitions::validate(resource, &value, Some(&old.value))?;
    native::validate(resource, &value, Some(&old.value))?;
    bump_generation(resource, &old.value, &mut value);
    if !write.applied {
        let by = (call.manager(), write.sub(), resource.api_version());
        fields::record_update(Some(&old.value), &mut value, merge_of(resource), (by.0, by.1, &by.2), now);
    }
    let scale = scaled.is_some().then(|| scale_of(&value));
    let request = Request { object: scale.as_ref().or(Some(&value)), ..request };
    warnings.extend(policies.validate(&world.store, authorizer, request)?);
    if dry_run {
        return Ok(with_warnings(json_response(200, value.to_string()), &warnings));
    }
    let last_finalizer_gone = kinds::is_terminating(&value)
        && kinds::list(&value, &["metadata", "finalizers"]).is_empty()
        && resource.table != PODS.table;
    let object = if last_finalizer_gone {
        world.store.update(resource, value);
        world.store.remove(resource, &Key::new(target.space(), target.named())).unwrap_or_else(|| old.clone())
    } else {
        world.store.update(resource, value)
    };
    shared.written(world, now);
    if write.sub() == "scale" {
        return Ok(with_warnings(json_response(200, scale_of(&object.value).to_string()), &warnings));
    }
    let body = Shape::of(&call.accept).one(resource, &object, now).into_owned();
    Ok(with_warnings(json_response(200, body), &warnings))
}

/// Writes of status keep everything else; all other writes keep the status.
fn keep_other_half(resource: &Resource, sub: &str, old: &Value, value: &mut Value) {
    if sub == "status" {
        let status = value.get("status").cloned();
        let managed = value["metadata"].get("managedFields").cloned();
        *value = old.clone();
        if let Some(managed) = managed {
            metadata(value).insert("managedFields".to_owned(), managed);
        }
        set_or_remove(value, "status", status);
    } else if resource.has_status() && resource.table != CRDS.table {
        set_or_remove(value, "status", old.get("status").cloned());
    }
}

fn set_or_remove(value: &mut Value, field: &str, content: Option<Value>) {
    let Some(map) = value.as_object_mut() else { return };
    match content {
        Some(content) => map.insert(field.to_owned(), content),
        None => map.shift_remove(field),
    };
}

fn bump_generation(resource: &Resource, old: &Value, value: &mut Value) {
    let counted = resource.is_custom() || matches!(resource.group, "apps" | "networking.k8s.io");
    if counted && old.get("spec") != value.get("spec") {
        let next = kinds::int(old, &["metadata", "generation"]).unwrap_or(0) + 1;
        metadata(value).insert("generation".into(), next.into());
    }
}

/// The `autoscaling/v1` Scale of a workload.
pub(super) fn scale_of(workload: &Value) -> Value {
    let labels: Vec<_> = kinds::at(workload, &["spec", "selector", "matchLabels"])
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let meta = &workload["metadata"];
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"], "creationTimestamp": meta["creationTimestamp"]
        },
        "spec": {"replicas": workload["spec"]["replicas"]},
        "status": {"replicas": kinds::int(workload, &["status", "replicas"]).unwrap_or(0), "selector": labels.join(",")}
    })
}

/// A workload with the replicas of a Scale.
pub(super) fn with_replicas(workload: &Value, scale: &Value) -> Result<Value, Refusal> {
    let replicas = kinds::int(scale, &["spec", "replicas"]).unwrap_or(0);
    if replicas < 0 {
        return Err(Refusal::bad_request("spec.replicas: must be greater than or equal to 0"));
    }
    let mut value = workload.clone();
    entry(&mut value, "spec").insert("replicas".into(), replicas.into());
    let version = text(scale, &["metadata", "resourceVersion"]);
    if !version.is_empty() {
        metadata(&mut value).insert("resourceVersion".into(), version.into());
    }
    Ok(value)
}
