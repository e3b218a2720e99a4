//! Names, kinds and versions of objects that are written: what a client must say, and what it cannot change.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::call::Target;
use super::refusal::{Cause, Refusal};
use crate::sim::kinds::{NAMESPACES, Resource, text};
use crate::sim::store::{Object, metadata, stamp};
use crate::sim::world::World;

/// Fills in identity of a new object; its final name.
pub(super) fn prepare_new(
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

/// Refuses an object of another kind.
pub(super) fn check_kind(resource: &Resource, value: &Value) -> Result<(), Refusal> {
    let (kind, version) = (text(value, &["kind"]), text(value, &["apiVersion"]));
    if resource.is_ours() {
        let mut causes = Vec::new();
        for (field, given, wanted) in
            [("apiVersion", version, resource.api_version()), ("kind", kind, resource.kind.to_owned())]
        {
            if !given.is_empty() && given != wanted {
                let message = format!("Invalid value: \"{given}\": must be {wanted}");
                causes.push(Cause::new(field, "FieldValueInvalid", message));
            }
        }
        if !causes.is_empty() {
            return Err(Refusal::invalid(resource, text(value, &["metadata", "name"]), &causes));
        }
    } else if (!kind.is_empty() && kind != resource.kind)
        || (!version.is_empty() && version != resource.api_version())
    {
        return Err(Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {version}, Kind={kind}",
            resource.kind
        )));
    }
    Ok(())
}

/// What a client may not change stays; what it expected must be so.
pub(super) fn keep_identity(resource: &Resource, old: &Object, value: &mut Value) -> Result<(), Refusal> {
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
    let name = text(value, &["metadata", "name"]);
    if !name.is_empty() && name != old.name() {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            old.name()
        )));
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
