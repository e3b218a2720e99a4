//! The parameters of a policy: the objects that a binding selects for one request.

use kube::core::{Selector, SelectorExt as _};
use serde_json::Value;

use super::spec::{Binding, Spec};
use super::{Request, matching};
use crate::sim::kinds;
use crate::sim::store::Store;

const NONE_FOUND: &str =
    "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction";

/// The values of `params`, one evaluation for each; null for a policy without parameters.
///
/// # Errors
/// Why the binding cannot be configured.
pub(super) fn of(
    store: &Store,
    spec: &Spec,
    binding: &Binding,
    request: Request<'_>,
) -> Result<Vec<Value>, String> {
    let (Some(kind), Some(reference)) = (&spec.param_kind, &binding.param_ref) else {
        return Ok(vec![Value::Null]);
    };
    let (version, name) =
        (kind.api_version.as_deref().unwrap_or_default(), kind.kind.as_deref().unwrap_or_default());
    let resource = kinds::by_kind(version, name).ok_or_else(|| {
        format!("failed to configure policy: failed to find resource referenced by paramKind: '{version}, Kind={name}'")
    })?;
    let namespace = match (resource.namespaced, reference.namespace.as_deref()) {
        (false, Some(_)) => {
            return Err(
                "failed to configure binding: paramRef.namespace must not be provided for a cluster-scoped \
                        `paramKind`"
                    .to_owned(),
            );
        }
        (false, None) => "",
        (true, Some(namespace)) => namespace,
        (true, None) if request.namespace.is_empty() => {
            return Err(
                "failed to configure binding: cannot use namespaced paramRef in policy binding that matches \
                        cluster-scoped resources"
                    .to_owned(),
            );
        }
        (true, None) => request.namespace,
    };
    let found: Vec<Value> = if let Some(name) = &reference.name {
        store.get(resource, namespace, name).map(|object| object.value.clone()).into_iter().collect()
    } else {
        let selector = reference.selector.clone().unwrap_or_default();
        let selector =
            Selector::try_from(selector).map_err(|error| format!("failed to configure binding: {error}"))?;
        let scope = resource.namespaced.then_some(namespace);
        let objects = store.list(resource, scope).map(|object| &object.value);
        objects.filter(|value| selector.matches(&matching::labels(value))).cloned().collect()
    };
    if found.is_empty() && reference.parameter_not_found_action.as_deref() == Some("Deny") {
        return Err(NONE_FOUND.to_owned());
    }
    Ok(found)
}
