//! POST, PUT and DELETE, and the one path by which every write reaches the store.

use std::sync::Arc;

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Shared;
use super::call::{Call, Target};
use super::fields::{self, Merge};
use super::policy::{self, Operation, Request};
use super::refusal::{Cause, Refusal, json_response};
use super::shape::Shape;
use super::{definitions, native};
use crate::sim::kinds::{self, CRDS, NAMESPACES, NEW_EVENTS, PODS, Resource, text};
use crate::sim::store::{Key, Object, entry, metadata, stamp};
use crate::sim::world::World;

/// A write on its way: who, what, and how its fields are recorded.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
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

    fn strict(&self) -> bool {
        self.call.query.get("fieldValidation") == Some("Strict")
    }
}

/// How lists of a kind are merged.
pub fn merge_of(resource: &Resource) -> Merge<'static> {
    definitions::of(resource).map_or(Merge::Builtin, |definition| Merge::Schema(&definition.schema))
}

/// Creates an object.
pub fn create(shared: &Shared, call: &Call, target: &Target) -> Result<Response, Refusal> {
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
pub fn create_value(
    shared: &Shared,
    world: &mut World,
    write: Write<'_>,
    mut value: Value,
) -> Result<Response, Refusal> {
    let (call, target, resource) = (write.call, write.target, write.target.resource);
    let now = shared.now();
    let name = prepare_new(world, target, &mut value, now)?;
    definitions::decode(resource, &mut value, write.strict())?;
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
    let request = Request {
        user: &call.user,
        operation: Operation::Create,
        resource,
        sub: "",
        namespace: target.space(),
        name: &name,
    };
    policy::judge(&world.store, &shared.authorizer, request, Some(&value), now)?;
    if world.store.get(resource, target.space(), &name).is_some() {
        return Err(Refusal::exists(resource, &name));
    }
    let shape = Shape::of(&call.accept);
    if call.dry_run()? {
        metadata(&mut value).insert("uid".into(), "00000000-0000-4000-8000-000000000000".into());
        return Ok(json_response(201, value.to_string()));
    }
    let object = world.store.create(resource, value, now);
    shared.written(world, now);
    Ok(json_response(201, shape.one(resource, &object, now).into_owned()))
}

/// Fills in identity of a new object; its final name.
fn prepare_new(
    world: &mut World,
    target: &Target,
    value: &mut Value,
    now: DateTime<Utc>,
) -> Result<String, Refusal> {
    let resource = target.resource;
    if !value.is_object() {
        return Err(Refusal::bad_request("the body of the request is not an object"));
    }
    let stored_version = if resource.plural == "events" { "v1".to_owned() } else { resource.api_version() };
    value["apiVersion"] = stored_version.into();
    value["kind"] = resource.kind.into();
    let space = text(value, &["metadata", "namespace"]).to_owned();
    if resource.namespaced {
        if !space.is_empty() && space != target.space() {
            return Err(Refusal::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        if world.store.get(NAMESPACES, "", target.space()).is_none() {
            return Err(Refusal::not_found(NAMESPACES, target.space()));
        }
        metadata(value).insert("namespace".into(), target.space().into());
    } else {
        metadata(value).shift_remove("namespace");
    }
    let mut name = text(value, &["metadata", "name"]).to_owned();
    if name.is_empty() {
        let prefix = text(value, &["metadata", "generateName"]).to_owned();
        if prefix.is_empty() {
            let cause = Cause::new(
                "metadata.name",
                "FieldValueRequired",
                "Required value: name or generateName is required",
            );
            return Err(Refusal::invalid(resource, "", &[cause]));
        }
        name = world.generate_name(&prefix);
        metadata(value).insert("name".into(), name.clone().into());
    }
    if !is_valid_name(&name) {
        let message = format!(
            "Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
             '-' or '.', and must start and end with an alphanumeric character"
        );
        return Err(Refusal::invalid(
            resource,
            &name,
            &[Cause::new("metadata.name", "FieldValueInvalid", message)],
        ));
    }
    let meta = metadata(value);
    for field in [
        "uid",
        "resourceVersion",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
    ] {
        meta.shift_remove(field);
    }
    meta.insert("creationTimestamp".into(), stamp(now).into());
    Ok(name)
}

fn is_valid_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.' || c == ':';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= 253 && name.chars().all(inner) && edge(name.chars().next()) && edge(name.chars().last())
}

fn check_kind(resource: &Resource, value: &Value) -> Result<(), Refusal> {
    let (kind, version) = (text(value, &["kind"]), text(value, &["apiVersion"]));
    if resource.is_ours() && version == resource.api_version() && !kind.is_empty() && kind != resource.kind {
        let message = format!("Invalid value: \"{kind}\": must be {}", resource.kind);
        let cause = Cause::new("kind", "FieldValueInvalid", message);
        return Err(Refusal::invalid(resource, text(value, &["metadata", "name"]), &[cause]));
    }
    if (!kind.is_empty() && kind != resource.kind)
        || (!version.is_empty() && version != resource.api_version())
    {
        return Err(Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {version}, Kind={kind}",
            resource.kind
        )));
    }
    Ok(())
}

/// The name in the body is the one in the path, whether or not there is such an object.
fn check_name(target: &Target, value: &Value) -> Result<(), Refusal> {
    let (name, wanted) = (text(value, &["metadata", "name"]), target.named());
    if name.is_empty() || name == wanted {
        return Ok(());
    }
    Err(Refusal::bad_request(format!(
        "the name of the object ({name}) does not match the name on the URL ({wanted})"
    )))
}

/// Replaces an object, its status, or its scale.
pub fn replace(shared: &Shared, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let resource = target.resource;
    let mut value = call.object()?;
    if target.sub.as_deref() != Some("scale") {
        check_kind(resource, &value)?;
    }
    check_name(target, &value)?;
    if std::ptr::eq(resource, NEW_EVENTS) {
        value = super::events::to_core(&value);
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
pub fn update(
    shared: &Shared,
    world: &mut World,
    write: Write<'_>,
    old: &Arc<Object>,
    mut value: Value,
) -> Result<Response, Refusal> {
    let (call, target, resource) = (write.call, write.target, write.target.resource);
    let now = shared.now();
    check_name(target, &value)?;
    keep_identity(resource, old, &mut value)?;
    keep_other_half(resource, write.sub(), &old.value, &mut value);
    definitions::decode(resource, &mut value, write.strict())?;
    native::default(resource, &mut value);
    definitions::validate(resource, &value, Some(&old.value))?;
    native::validate(resource, &value, Some(&old.value))?;
    bump_generation(resource, &old.value, &mut value);
    if !write.applied {
        let by = (call.manager(), write.sub(), resource.api_version());
        fields::record_update(Some(&old.value), &mut value, merge_of(resource), (by.0, by.1, &by.2), now);
    }
    let request = Request {
        user: &call.user,
        operation: Operation::Update,
        resource,
        sub: write.sub(),
        namespace: target.space(),
        name: target.named(),
    };
    policy::judge(&world.store, &shared.authorizer, request, Some(&value), now)?;
    if call.dry_run()? {
        return Ok(json_response(200, value.to_string()));
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
        return Ok(json_response(200, scale_of(&object.value).to_string()));
    }
    Ok(json_response(200, Shape::of(&call.accept).one(resource, &object, now).into_owned()))
}

/// What a client may not change stays; what it expected must be so.
fn keep_identity(resource: &Resource, old: &Object, value: &mut Value) -> Result<(), Refusal> {
    let version = text(value, &["metadata", "resourceVersion"]);
    if !version.is_empty() && version != "0" && version != old.version.to_string() {
        return Err(Refusal::conflict(
            resource,
            old.name(),
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    let uid = text(value, &["metadata", "uid"]);
    if !uid.is_empty() && uid != old.uid() {
        let why =
            format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", old.uid());
        return Err(Refusal::conflict(resource, old.name(), &why));
    }
    value["apiVersion"] = old.value["apiVersion"].clone();
    value["kind"] = old.value["kind"].clone();
    let meta = metadata(value);
    for field in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
    ] {
        match old.value["metadata"].get(field) {
            Some(kept) => meta.insert(field.to_owned(), kept.clone()),
            None => meta.shift_remove(field),
        };
    }
    if !meta.contains_key("managedFields")
        && let Some(kept) = old.value["metadata"].get("managedFields")
    {
        meta.insert("managedFields".to_owned(), kept.clone());
    }
    Ok(())
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
    let counted = resource.is_ours() || resource.group == "apps";
    if counted && old.get("spec") != value.get("spec") {
        let next = kinds::int(old, &["metadata", "generation"]).unwrap_or(0) + 1;
        metadata(value).insert("generation".into(), next.into());
    }
}

/// The `autoscaling/v1` Scale of a workload.
pub fn scale_of(workload: &Value) -> Value {
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
pub fn with_replicas(workload: &Value, scale: &Value) -> Result<Value, Refusal> {
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
