//! One Prometheus: asked directly, or through the API server's service proxy.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Method;
use tokio::sync::Semaphore;

use super::alerts::{self, ActiveAlerts};
use super::answer::{self, Found, Reply, Results};
use super::error::{Error, Kind};
use crate::cluster::Cluster;
use crate::cluster::error::quote;
use crate::cluster::outbound::Outbound;
use crate::domain::address;

mod direct;
mod proxied;

use direct::Direct;
use proxied::Right;

/// What it is called.
const PROMETHEUS: &str = "Prometheus";
const JSON: &str = "application/json";
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a query may take in all.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Queries that one Prometheus is asked at the same time, unless a setting says otherwise.
const AT_ONCE: usize = 4;
/// Largest answer that is read, in bytes.
const LARGEST: usize = 16 << 20;
/// Redirects that are followed within one host, for an address that the user gave.
const REDIRECTS: usize = 5;

/// One Prometheus. Cheap to clone; clones share connections and the limit of queries at once.
#[derive(Clone)]
pub struct Prometheus {
    /// What it is, for sentences: an Alertmanager is reached in the same ways.
    who: &'static str,
    endpoint: Endpoint,
    permits: Arc<Semaphore>,
}

#[derive(Clone)]
enum Endpoint {
    /// By its URL.
    Direct(Box<Direct>),
    /// Path of the proxy without a slash at its end.
    Proxied { cluster: Box<Cluster>, base: String, right: Arc<Right> },
}

impl Prometheus {
    /// At a URL that the user gives, with or without a path or a slash at its end. Needs an installed TLS provider.
    pub fn direct(url: &str) -> Result<Self, Error> {
        Self::at(PROMETHEUS, url, None)
    }

    /// At a URL that an Environment names: only where the rule for such addresses admits it.
    pub fn named(url: &str, outbound: &Outbound) -> Result<Self, Error> {
        Self::at(PROMETHEUS, url, Some(outbound))
    }

    /// As [`Self::direct`], or as [`Self::named`] with what checks it, whatever it is.
    pub(super) fn at(who: &'static str, url: &str, checked_by: Option<&Outbound>) -> Result<Self, Error> {
        let refused = |why: &dyn std::fmt::Display| {
            let sentence = format!("`{}` is not an address of a {who}: {why}", direct::masked(url));
            Error::new(Kind::Address, sentence)
        };
        let read = if checked_by.is_some() { address::named_base(url) } else { address::base(url) };
        let parsed = read.map_err(|why| match why {
            address::NoBase::Url => refused(&"write http://host:9090 or https://host/path"),
            why => refused(&why),
        })?;
        let builder = match checked_by {
            Some(outbound) => outbound.builder(&parsed).map_err(|why| refused(&why))?,
            None => direct::of_user(&parsed),
        };
        let builder = builder.connect_timeout(CONNECT_TIMEOUT).timeout(TIMEOUT);
        // Without TLS no certificates are needed, and a machine may have none.
        let builder = if parsed.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
        let client = builder.build().map_err(|error| {
            Error::new(Kind::Address, format!("no client for {who}: {}", quote(&error.to_string())))
        })?;
        let mut base = parsed;
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        let client = prometheus_http_query::Client::from(client, base.as_str())
            .map_err(|_| refused(&"write http://host:9090 or https://host/path"))?;
        let direct = Direct { client, checked_by: checked_by.cloned() };
        Ok(Self::over(who, Endpoint::Direct(Box::new(direct))))
    }

    /// Through the API server: `namespace/name:port`, or `namespace/https:name:port`.
    pub fn through(cluster: Cluster, service: &str) -> Result<Self, Error> {
        Self::behind(PROMETHEUS, cluster, service)
    }

    /// As [`Self::through`], whatever it is.
    pub(super) fn behind(who: &'static str, cluster: Cluster, service: &str) -> Result<Self, Error> {
        let base = proxied::path(service).ok_or_else(|| {
            Error::new(
                Kind::Address,
                format!(
                    "`{}` is not a Service: write namespace/name:port, such as monitoring/prometheus:9090",
                    quote(service)
                ),
            )
        })?;
        let (namespace, service) = service.trim().trim_end_matches('/').split_once('/').unwrap_or_default();
        let right = Right {
            namespace: namespace.to_owned(),
            service: service.to_owned(),
            is_granted: AtomicBool::new(false),
        };
        Ok(Self::over(who, Endpoint::Proxied { cluster: Box::new(cluster), base, right: Arc::new(right) }))
    }

    fn over(who: &'static str, endpoint: Endpoint) -> Self {
        Self { who, endpoint, permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Asked at most that many queries at the same time, at least one.
    #[must_use]
    pub fn at_once(self, queries: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(queries.max(1))), ..self }
    }

    /// Every alert that is pending or fires.
    pub async fn alerts(&self) -> Result<ActiveAlerts, Error> {
        alerts::read(&self.fetch("alerts", &[]).await?)
    }

    /// Asks `/api/v1/{kind}` for series; `query` is the name for sentences. A partial answer is an error.
    pub(super) async fn ask(
        &self,
        query: &str,
        kind: &str,
        parameters: &[(&'static str, String)],
    ) -> Result<Vec<Found>, Error> {
        self.ask_in_part(query, kind, parameters).await?.whole(query)
    }

    /// As [`Self::ask`], where a part of the truth is shown as such.
    pub(super) async fn ask_in_part(
        &self,
        query: &str,
        kind: &str,
        parameters: &[(&'static str, String)],
    ) -> Result<Results, Error> {
        answer::read(query, &self.fetch(kind, parameters).await?)
    }

    /// Gets `/api/v1/{kind}` with these parameters. Waits for its turn, and never longer than a few seconds for the answer.
    pub(super) async fn fetch(
        &self,
        kind: &str,
        parameters: &[(&'static str, String)],
    ) -> Result<Reply, Error> {
        match &self.endpoint {
            Endpoint::Direct(direct) => self.patiently(direct.ask(kind, parameters).boxed()).await,
            Endpoint::Proxied { .. } => {
                let encoded = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(parameters.iter().map(|(key, value)| (*key, value.as_str())))
                    .finish();
                let separator = if encoded.is_empty() { "" } else { "?" };
                self.call(Method::GET, &format!("/api/v1/{kind}{separator}{encoded}"), None).await
            }
        }
    }

    /// Sends a request to that path, with a body of JSON where there is one; as patient as [`Self::fetch`], and sent once.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Reply, Error> {
        let asked = async {
            match &self.endpoint {
                Endpoint::Direct(direct) => direct.call(method, path, body).await,
                Endpoint::Proxied { cluster, base, right } => {
                    if method == Method::GET {
                        right.ask(cluster).await?;
                    }
                    let answer = proxied::send(cluster, (method, &format!("{base}{path}")), body).await;
                    right.learn(&answer);
                    answer
                }
            }
        };
        self.patiently(asked.boxed()).await
    }

    async fn patiently(&self, asked: BoxFuture<'_, Result<Reply, Error>>) -> Result<Reply, Error> {
        let Ok(_permit) = self.permits.acquire().await else {
            return Err(Error::new(Kind::Down, "the session is ending"));
        };
        let answer = tokio::time::timeout(TIMEOUT, asked).await.unwrap_or_else(|_| Err(slow()));
        answer.map_err(|error| error.of(self.who))
    }
}

fn too_large() -> Error {
    Error::new(Kind::Query, "the answer is larger than 16 MiB: the query selects too many series")
}

fn slow() -> Error {
    Error::new(Kind::Slow, format!("Prometheus is slow: no answer within {} s", TIMEOUT.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_base_url_is_refused() {
        rustls::crypto::ring::default_provider().install_default().ok();
        for url in ["", "prometheus:9090", "file:///etc/passwd", "http://", "http://h/?x=1", "http://h/#x"] {
            assert_eq!(Prometheus::direct(url).err().unwrap().kind(), Kind::Address, "{url}");
        }
        let said = Prometheus::direct("http://bob:hunter2@h/?token=hunter2").err().unwrap().to_string();
        assert!(said.contains("query or a fragment") && !said.contains("hunter2"), "{said}");
    }

    #[test]
    fn what_an_environment_names_follows_the_rule() {
        rustls::crypto::ring::default_provider().install_default().ok();
        for url in [
            "http://127.0.0.1:9090",
            "http://2852039166/",
            "http://[::ffff:169.254.169.254]/latest",
            "http://bob:hunter2@prometheus.monitoring:9090",
            "http://prometheus.monitoring:9090/?x=",
            "http://prometheus.monitoring:9090/#",
        ] {
            let error = Prometheus::named(url, &Outbound::default()).err().unwrap();
            assert_eq!(error.kind(), Kind::Address, "{url}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert!(Prometheus::named("http://prometheus.monitoring:9090/prefix/", &Outbound::default()).is_ok());
        assert!(Prometheus::direct("http://127.0.0.1:9090").is_ok());
    }
}
