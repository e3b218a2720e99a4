//! Writing statuses: by server-side apply under the controller's own field manager, and only over the version that was read.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use kube::api::{Patch, PatchParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::context::Context;
use super::error::{Error, write_failed};
use super::metadata::{name, namespace};
use super::requests::api;
use crate::api::labels::CONTROLLER_FIELD_MANAGER;
use crate::api::stored::{self, Stored};

/// Replaces the status of an object. A conflict means that the object is no longer the one that was read; nothing is written then.
/// Returns the object as it is stored. Fields that only a newer version knows stay as they are. A status that is understood in part is never replaced: the other parts would be lost.
pub(super) async fn store<K>(
    context: &Context,
    object: &K,
    status: &impl Serialize,
    what: &'static str,
) -> Result<K, Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
        + 'static,
{
    if !stored::is_status_understood(object) {
        let unknown = stored::unknown(object).unwrap_or_default();
        return Err(Error::NotUnderstood { what, unknown });
    }
    let mut status =
        serde_json::to_value(status).map_err(|error| write_failed(what, kube::Error::SerdeError(error)))?;
    // the chain is another manager's: what is not sent is neither touched nor owned
    if let Some(fields) = status.as_object_mut() {
        fields.remove("seal");
        fields.remove("chain");
        // and so is what was told
        fields.remove("notified");
    }
    stored::add_newer_fields(object, &mut status, true);
    let mut metadata = json!({"name": name(object), "namespace": namespace(object)});
    if let Some(version) = &object.meta().resource_version {
        metadata["resourceVersion"] = json!(version);
    }
    let body: Value = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": metadata,
        "status": status,
    });
    let params = PatchParams::apply(CONTROLLER_FIELD_MANAGER).force();
    let written = api::<Stored<K>>(context, namespace(object))
        .patch_status(name(object), &params, &Patch::Apply(&body))
        .await
        .map_err(|error| write_failed(what, error))?;
    written.readable().map_err(|unreadable| Error::Unreadable { what, reason: unreadable.reason })
}
