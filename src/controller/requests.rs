//! Reading objects as the API server has them now.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::api::ListParams;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::context::Context;
use super::error::{Error, read_failed};
use crate::api::Stored;

/// Objects of a namespace, through the controller's client.
pub(super) fn api<K>(context: &Context, namespace: &str) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(context.core.client.clone(), namespace)
}

/// One object as the API server has it now; nothing when it is gone.
pub(super) async fn get<K>(
    context: &Context,
    namespace: &str,
    name: &str,
    what: &'static str,
) -> Result<Option<K>, Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
        + 'static,
{
    let found = api::<Stored<K>>(context, namespace).get_opt(name).await.map_err(read_failed(what))?;
    let found = found.map(Stored::readable).transpose();
    found.map_err(|unreadable| Error::Unreadable { what, reason: unreadable.reason })
}

/// The objects of a list. Those that cannot be decoded are left out: the watch of their kind reports them.
pub(super) async fn list<K>(api: &Api<Stored<K>>, params: &ListParams) -> kube::Result<Vec<K>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
        + 'static,
{
    let found = api.list(params).await?;
    Ok(found.items.into_iter().filter_map(|item| item.readable().ok()).collect())
}
