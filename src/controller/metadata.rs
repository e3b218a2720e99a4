//! Name and namespace of an object.

use kube::Resource;

/// Its namespace; empty for cluster-scoped objects.
pub(in crate::controller) fn namespace(object: &impl Resource) -> &str {
    object.meta().namespace.as_deref().unwrap_or_default()
}

/// Its name.
pub(in crate::controller) fn name(object: &impl Resource) -> &str {
    object.meta().name.as_deref().unwrap_or_default()
}
