//! The Kubernetes adapter that the terminal, the command line and the controller share.
//!
//! Owns clients, watches, the translation of Kubernetes' objects into small rows, permissions, and the creation of our own
//! objects. Must not know screens (`app`, `ui`) nor how a release proceeds (`domain`).
//!
//! ```no_run
//! # async fn example() -> Result<(), release_cockpit::cluster::Error> {
//! use release_cockpit::cluster::{Cluster, ConnectOptions};
//! let cluster = Cluster::connect(&ConnectOptions::default()).await?;
//! for release in cluster.releases().await? {
//!     let _ = release.phase();
//! }
//! # Ok(())
//! # }
//! ```

mod budgets;
mod client;
pub(crate) mod error;
pub(crate) mod event_row;
pub(crate) mod examine;
pub(crate) mod lease;
pub mod logs;
mod objects;
pub mod outbound;
mod permissions;
mod pin;
pub mod pod_row;
pub mod registry;
pub(crate) mod releases;
pub(crate) mod secret;
mod slim;
mod snapshot;
pub(crate) mod text;
mod usage;
pub mod watch;
mod way_back;
pub(crate) mod web;
pub(crate) mod workload_row;

pub use client::{ConnectOptions, Source, contexts, skipped_kubeconfigs};
pub use error::{Error, Kind};
pub use permissions::AuthenticatedUser;
pub use releases::Outcome;

use client::Clients;
use outbound::Outbound;
use registry::Registries;

/// One cluster, through the credentials of one context. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Cluster {
    clients: Clients,
    namespaces: std::sync::Arc<[String]>,
    /// Where a tag's meaning is asked for; absent: nowhere.
    registries: Option<Registries>,
    /// How servers are asked that Environments name.
    outbound: Outbound,
}

impl Cluster {
    /// Reads the kubeconfig and prepares both clients. Sends nothing yet, so that an absent server is not an error here.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, Error> {
        let outbound = Outbound::new(options.allowed.clone());
        let registries = options.mirrors.clone();
        let registries = registries.map(|mirrors| Registries::new(mirrors).with_outbound(outbound.clone()));
        Clients::open(options).await.map(|clients| Self {
            clients,
            namespaces: [].into(),
            registries,
            outbound,
        })
    }

    /// The cluster of a client configuration, for those who have one already.
    pub fn from_config(config: kube::Config, context: impl Into<String>) -> Result<Self, Error> {
        Clients::from_config(config, context.into()).map(|clients| Self {
            clients,
            namespaces: [].into(),
            registries: None,
            outbound: Outbound::default(),
        })
    }

    /// Over a client that exists already, for requests and watches alike.
    #[must_use]
    pub fn from_client(client: kube::Client, context: impl Into<String>) -> Self {
        let namespace = client.default_namespace().to_owned();
        let clients =
            Clients { requests: client.clone(), watches: client, context: context.into(), namespace };
        Self { clients, namespaces: [].into(), registries: None, outbound: Outbound::default() }
    }

    /// Asks servers that Environments name like that.
    #[must_use]
    pub fn with_outbound(self, outbound: Outbound) -> Self {
        let registries = self.registries.map(|registries| registries.with_outbound(outbound.clone()));
        Self { registries, outbound, ..self }
    }

    /// How servers are asked that Environments name.
    #[must_use]
    pub const fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// Also looks into these namespaces where the whole cluster may not be listed.
    #[must_use]
    pub fn with_namespaces(mut self, namespaces: impl IntoIterator<Item = String>) -> Self {
        self.namespaces = namespaces.into_iter().collect();
        self
    }

    /// Name of the context, or the host where there is none.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.clients.context
    }

    /// The context's own namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.clients.namespace
    }

    /// The client for requests: bounded in time, never retries by itself.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        self.clients.requests.clone()
    }

    /// The client for watches: no read timeout.
    #[must_use]
    pub fn watch_client(&self) -> kube::Client {
        self.clients.watches.clone()
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("context", &self.clients.context).finish_non_exhaustive()
    }
}
