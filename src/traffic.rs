//! Traffic: who decides which share of a component's requests its second workload gets, behind one port.
//!
//! Owns how each router's objects are read and written: in one write, over the version that was read, and nothing of them touched but
//! the two backends in question. Must not know which share is right (`domain::rollout`). What a router's objects state and what
//! was asked for are different facts: [`Router::observe`] tells the first. A new router is one file and one line in [`ROUTERS`].

use std::collections::BTreeMap;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use kube::Client;

use crate::api::environment::WorkloadRef;
use crate::api::strategy::{Track, TrafficRouting, Weight};
use crate::domain::object_name::NewName;
use crate::domain::rollout::TrafficState;
use crate::workload::Written;

mod error;
mod gateway_api;
mod istio;
mod nginx;
mod pair;
mod replica_ratio;
mod service_selector;
pub mod services;
mod split;
mod traefik;
mod weighted;

pub use error::Error;
pub use pair::Distinction;

/// One component's traffic: where it is decided, and between which two workloads.
#[derive(Clone)]
pub struct Route {
    /// Client with which everything is reached.
    pub client: Client,
    /// Namespace of all objects.
    pub namespace: String,
    /// The component's own workload.
    pub workload: WorkloadRef,
    /// What the second workload is for.
    pub track: Track,
    /// The router's settings.
    pub config: BTreeMap<String, String>,
}

impl Route {
    /// A setting that is not empty.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.config.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The Service of the component's own pods: the setting `service`, or the workload's name.
    #[must_use]
    pub fn service(&self) -> &str {
        self.setting(SERVICE.name).unwrap_or(&self.workload.name)
    }

    /// The Service of the second workload's pods.
    #[must_use]
    pub fn second_service(&self) -> String {
        self.track.workload_name(self.service())
    }
}

/// A setting of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// As `trafficRouting.config` spells it.
    pub name: &'static str,
    /// Whether the router cannot do without.
    pub is_needed: bool,
    /// What it is.
    pub what: &'static str,
}

const SERVICE: Key = Key {
    name: "service",
    is_needed: false,
    what: "the Service of the component (default: the workload's name)",
};

/// Which shares a router can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shares {
    /// Any whole per cent.
    Any,
    /// All or nothing.
    AllOrNothing,
    /// Whatever the pods of the two workloads make of it.
    Pods,
}

/// One kind of router.
pub trait Router: Send + Sync {
    /// Name, as `trafficRouting.router` spells it.
    fn name(&self) -> &'static str;

    /// The settings that it knows.
    fn keys(&self) -> &'static [Key];

    /// Which shares it can set.
    fn shares(&self) -> Shares {
        Shares::Any
    }

    /// Whether the second workload's pods are found by a Service of their own, as [`Router::distinguish`] will have it.
    fn has_second_service(&self, route: &Route) -> bool;

    /// Names of the objects that it would make, besides the second workload.
    fn new_names(&self, route: &Route) -> Vec<NewName> {
        let name = route.second_service();
        let service = NewName::of_service(&name, name.len() - route.service().len());
        if self.has_second_service(route) { vec![service] } else { Vec::new() }
    }

    /// What only this router can say about its settings; missing and unknown ones are found by [`validate`].
    fn check(&self, config: &BTreeMap<String, String>) -> Result<(), String> {
        let _ = config;
        Ok(())
    }

    /// How the second workload's pods are told from the others, and which Service finds them.
    fn distinguish<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Distinction, Error>>;

    /// What the router's objects state. What cannot be understood is said in the state; errors are those of reading.
    fn observe<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<TrafficState, Error>>;

    /// Whether all these shares can be set one after another, as the objects are now; nothing is written.
    fn rehearse<'a>(&'a self, route: &'a Route, shares: &'a [Weight]) -> BoxFuture<'a, Result<(), Error>> {
        let _ = (route, shares);
        futures::future::ready(Ok(())).boxed()
    }

    /// Replaces the share `from` by `to`, in one write. Harmless when done twice.
    fn set<'a>(&'a self, route: &'a Route, from: Weight, to: Weight)
    -> BoxFuture<'a, Result<Written, Error>>;

    /// What [`Router::reset`] would still change, as kind and name; nothing where the objects are what they were.
    fn remains<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Option<String>, Error>> {
        let _ = route;
        futures::future::ready(Ok(None)).boxed()
    }

    /// Puts back whatever the objects hold for the second workload. Harmless when done twice.
    fn reset<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Written, Error>>;
}

/// Every router.
pub static ROUTERS: &[&dyn Router] = &[
    &replica_ratio::ReplicaRatio,
    &service_selector::ServiceSelector,
    &gateway_api::GatewayApi,
    &istio::Istio,
    &nginx::Nginx,
    &traefik::Traefik,
];

/// The router of that name.
pub fn router(name: &str) -> Result<&'static dyn Router, Error> {
    ROUTERS.iter().copied().find(|router| router.name() == name).ok_or_else(|| {
        let known: Vec<&str> = ROUTERS.iter().map(|router| router.name()).collect();
        Error::Config(format!("no router is called {name}: there are {}", known.join(", ")))
    })
}

/// The router that these settings name, provided that it can do with them.
pub fn validate(routing: &TrafficRouting) -> Result<&'static dyn Router, Error> {
    let router = router(&routing.router)?;
    let keys = router.keys();
    let wanted = || {
        let keys = keys.iter().map(|key| {
            let need = if key.is_needed { "needed" } else { "optional" };
            format!("{} ({need}: {})", key.name, key.what)
        });
        let keys: Vec<String> = keys.collect();
        if keys.is_empty() { "it has none".to_owned() } else { keys.join(", ") }
    };
    let refuse =
        |why: String| Err(Error::Config(format!("router {}: {why}; settings: {}", router.name(), wanted())));
    if let Some(unknown) = routing.config.keys().find(|name| keys.iter().all(|key| key.name != name.as_str()))
    {
        return refuse(format!("{unknown} is not a setting"));
    }
    let is_given = |key: &Key| routing.config.get(key.name).is_some_and(|value| !value.trim().is_empty());
    if let Some(missing) = keys.iter().find(|key| key.is_needed && !is_given(key)) {
        return refuse(format!("{} is missing", missing.name));
    }
    match router.check(&routing.config) {
        Ok(()) => Ok(router),
        Err(why) => refuse(why),
    }
}

#[cfg(test)]
mod tests;
