//! Prometheus: queries out of templates, curves that grow, failures as sentences.
//!
//! Owns the client (direct, or through the API server's service proxy), the shipped queries (`assets/queries.toml`), the
//! incremental fetch of curves, and single readings and alerts for judgements (`Pool`). Absent data stays absent: nothing here turns a gap into a number. Must not know screens.

mod alertmanager;
mod alerts;
mod answer;
mod client;
mod curves;
pub(crate) mod error;
mod measured;
mod pods;
mod pool;
pub(crate) mod queries;
mod reading;

pub use alertmanager::{Alertmanager, Changed};
pub use alerts::{ActiveAlert, ActiveAlerts};
pub use client::Prometheus;
pub use curves::{Curves, instant, instant_in_part};
pub use error::{Error, Kind};
pub use measured::{measure, objective};
pub use pods::pod_usage;
pub use pool::Pool;

use crate::api::Environment;
use crate::api::environment::AlertmanagerRef;
use crate::cluster::Cluster;
use crate::cluster::outbound::Outbound;
use crate::domain::address;

/// Where the operator wants numbers from, where an environment does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// A URL; wins over everything, also over the environment's own, because it is how an operator reaches it from here.
    pub url: Option<String>,
    /// `namespace/name:port`, for environments without an address of their own.
    pub service: Option<String>,
}

/// The address to use for an environment, for sharing clients: URL or Service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A URL.
    Url(String),
    /// A Service behind the API server.
    Service(String),
}

impl Target {
    /// Of an environment; none where nobody names a Prometheus.
    #[must_use]
    pub fn of(environment: &Environment, address: &Address) -> Option<Self> {
        let own = environment.spec.metrics.as_ref().and_then(|metrics| metrics.prometheus.as_ref());
        let url = address.url.clone().or_else(|| own?.url.clone()).map(Self::Url);
        let service = || own.and_then(|own| own.service.clone()).or_else(|| address.service.clone());
        url.or_else(|| service().map(Self::Service))
    }

    /// What people call it; a password in a URL is not part of that.
    #[must_use]
    pub fn words(&self) -> String {
        let text = match self {
            Self::Service(service) => service.clone(),
            Self::Url(text) => match text.parse::<url::Url>() {
                Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
                    let _ = url.set_username("").and_then(|()| url.set_password(None));
                    url.into()
                }
                _ => text.clone(),
            },
        };
        crate::sanitize::line(&text).into_owned()
    }

    /// Of an Alertmanager; none where nothing is given.
    #[must_use]
    pub fn of_alertmanager(reference: &AlertmanagerRef) -> Option<Self> {
        let url = reference.url.clone().map(Self::Url);
        url.or_else(|| reference.service.clone().map(Self::Service))
    }

    /// What checks a URL: nothing where the user gave it, the rule for addresses where an Environment names it.
    fn checked_by<'a>(url: &str, cluster: &'a Cluster) -> Option<&'a Outbound> {
        let outbound = cluster.outbound();
        (!outbound.allowed().is_given(url)).then_some(outbound)
    }

    /// A client for the Alertmanager that is there.
    pub fn open_alertmanager(&self, cluster: &Cluster) -> Result<Alertmanager, Error> {
        let opened = match self {
            Self::Url(url) => Prometheus::at("Alertmanager", url, Self::checked_by(url, cluster)),
            Self::Service(service) => Prometheus::behind("Alertmanager", cluster.clone(), service),
        };
        opened.map(Alertmanager)
    }

    /// A client for it.
    pub fn open(&self, cluster: &Cluster) -> Result<Prometheus, Error> {
        match self {
            Self::Url(url) => Prometheus::at("Prometheus", url, Self::checked_by(url, cluster)),
            Self::Service(service) => Prometheus::through(cluster.clone(), service),
        }
    }
}

/// Whether that is a URL that can be asked, or a Service as `namespace/name:port`.
#[must_use]
pub fn is_address(text: &str) -> bool {
    if text.contains("://") { address::is_url(text) } else { address::service(text).is_some() }
}

/// The Alertmanager of an environment; none where nobody names one. Who is asked is chosen as it is for Prometheus.
#[must_use]
pub fn alertmanager_of(environment: &Environment, address: &Address) -> Option<AlertmanagerRef> {
    let own = environment.spec.metrics.as_ref().and_then(|metrics| metrics.alertmanager.as_ref());
    let url = address.url.clone().or_else(|| own?.url.clone());
    let service = || own.and_then(|own| own.service.clone()).or_else(|| address.service.clone());
    let reference = match url {
        Some(url) => AlertmanagerRef { url: Some(url), service: None },
        None => AlertmanagerRef { url: None, service: Some(service()?) },
    };
    Some(reference)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_operators_url_wins_then_the_environment_then_the_operators_service() {
        let environment = |prometheus: serde_json::Value| -> Environment {
            serde_json::from_value(json!({
                "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment", "metadata": {"name": "e"},
                "spec": {"application": "a", "tier": "staging", "components": [], "metrics": {"prometheus": prometheus}},
            }))
            .unwrap()
        };
        let both = Address { url: Some("http://u".into()), service: Some("a/b:1".into()) };
        let service = Address { url: None, ..both.clone() };
        for (given, address, expected) in [
            (json!({"service": "m/p:9090"}), &both, Some(Target::Url("http://u".into()))),
            (json!({"service": "m/p:9090"}), &service, Some(Target::Service("m/p:9090".into()))),
            (json!({"url": "http://own"}), &service, Some(Target::Url("http://own".into()))),
            (json!(null), &service, Some(Target::Service("a/b:1".into()))),
            (json!(null), &Address::default(), None),
        ] {
            assert_eq!(Target::of(&environment(given), address), expected);
        }
    }
}
