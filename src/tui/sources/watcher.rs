//! One kind of object of one cluster, over as many scopes as are needed, as one feed.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use kube::api::ApiResource;
use kube::core::{DynamicResourceScope, NamespaceResourceScope};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

use super::merged::Merged;
use crate::api::Stored;
use crate::app::state::event::Delta;
use crate::cluster::Cluster;
use crate::cluster::watch::{Pulse, ToRow, WatchMessage, WatchTarget};
use crate::domain::undecodable::Undecodable;
use crate::domain::watch_state::WatchState;
use crate::time::Clock;

/// Updates that wait for the loop; beyond it the server is asked to wait.
const BACKLOG: usize = 256;

/// What every watch of a cluster needs.
#[derive(Clone)]
pub(super) struct WatchContext {
    pub(super) cluster: Cluster,
    pub(super) pulse: watch::Receiver<Pulse>,
    pub(super) clock: Clock,
}

/// The API of a kind in a namespace, or in the whole cluster where it is empty.
type Open<W> = Box<dyn Fn(Client, &str) -> Api<Stored<W>> + Send + Sync>;

/// What is followed, and how it becomes rows.
pub(super) struct Kind<W, K, V> {
    pub(super) what: String,
    pub(super) row: ToRow<W, K, V>,
    api: Open<W>,
}

impl<W, K, V> Kind<W, K, V>
where
    W: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    /// A kind that its type says all about.
    pub(super) fn of(what: String, row: fn(W) -> (K, V)) -> Self
    where
        W: 'static,
        K: 'static,
        V: 'static,
    {
        let api = |client, namespace: &str| match namespace {
            "" => Api::all(client),
            namespace => Api::namespaced(client, namespace),
        };
        Self { what, row: Arc::new(row), api: Box::new(api) }
    }
}

impl<W, K, V> Kind<W, K, V>
where
    W: Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
{
    /// A kind that is one of several of the same type.
    pub(super) fn one_of(resource: ApiResource, row: ToRow<W, K, V>) -> Self {
        let what = resource.plural.clone();
        let api = move |client, namespace: &str| match namespace {
            "" => Api::all_with(client, &resource),
            namespace => Api::namespaced_with(client, namespace, &resource),
        };
        Self { what, row, api: Box::new(api) }
    }
}

/// The watches of one feed.
pub(super) struct Watcher<K, V> {
    merged: Merged<K>,
    tasks: BTreeMap<Box<str>, AbortOnDropHandle<()>>,
    sender: mpsc::Sender<WatchMessage<K, V>>,
    receiver: mpsc::Receiver<WatchMessage<K, V>>,
}

/// What a feed has to say.
pub(super) struct News<K, V> {
    pub(super) deltas: Vec<Delta<K, V>>,
    pub(super) state: Option<WatchState>,
    /// Every object of the feed that cannot be decoded, or only in part, where that has changed.
    pub(super) undecodable: Option<Vec<Undecodable>>,
    /// The whole cluster may not be read.
    pub(super) denied_at_large: bool,
}

impl<K, V> Watcher<K, V>
where
    K: Clone + Ord + Send + 'static,
    V: Send + 'static,
{
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        Self { merged: Merged::default(), tasks: BTreeMap::new(), sender, receiver }
    }

    /// Follows a kind in a namespace, or in the whole cluster where it is empty. A scope that is followed already stays.
    pub(super) fn follow<W>(&mut self, context: &WatchContext, kind: &Kind<W, K, V>, namespace: &str)
    where
        W: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
    {
        let scope: Box<str> = scope(namespace, &kind.what);
        if self.merged.has(&scope) {
            return;
        }
        let api = (kind.api)(context.cluster.watch_client(), namespace);
        let feed = WatchTarget {
            api,
            what: kind.what.clone(),
            scope: scope.clone(),
            row: kind.row.clone(),
            sink: self.sender.clone(),
        };
        self.merged.add(scope.clone());
        let task = tokio::spawn(feed.follow(context.pulse.clone(), context.clock.clone()));
        self.tasks.insert(scope, AbortOnDropHandle::new(task));
    }

    /// Follows only these namespaces of that kind from now on; says what is gone with the others.
    pub(super) fn keep_only(&mut self, namespaces: &[&str]) -> Vec<Delta<K, V>> {
        let gone: Vec<Box<str>> = self
            .merged
            .scopes()
            .filter(|scope| !namespaces.contains(&namespace_of(scope)))
            .map(Into::into)
            .collect();
        let mut deltas = Vec::new();
        for scope in gone {
            self.tasks.remove(&scope);
            deltas.extend(self.merged.remove(&scope));
        }
        deltas
    }

    /// The next thing that the feed has to say; cancel safe.
    pub(super) async fn next(&mut self) -> News<K, V> {
        let Some(heard) = self.receiver.recv().await else { return std::future::pending().await };
        let denied = matches!(&heard.update, crate::cluster::watch::Update::State(WatchState::Denied { .. }));
        let denied_at_large = denied && namespace_of(&heard.scope).is_empty();
        let deltas = self.merged.take(heard);
        News { deltas, state: self.merged.news(), undecodable: self.merged.undecodable(), denied_at_large }
    }
}

fn scope(namespace: &str, what: &str) -> Box<str> {
    format!("{namespace}/{what}").into()
}

fn namespace_of(scope: &str) -> &str {
    scope.split_once('/').map_or("", |(namespace, _)| namespace)
}
