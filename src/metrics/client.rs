//! One Prometheus: asked directly, or through the API server's service proxy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use tokio::sync::Semaphore;

use super::alerts::{self, ActiveAlert};
use super::answer::{self, Found};
use super::error::{Error, Kind};
use crate::cluster::Cluster;
use crate::cluster::error::quote;
use crate::domain::address;

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
    /// URL without a slash at its end.
    Direct { client: reqwest::Client, base: String },
    /// Path of the proxy without a slash at its end.
    Proxied { cluster: Box<Cluster>, base: String, right: Arc<Right> },
}

/// The right to ask a Service through the API server. It is asked for before the Service is, so that nobody who looks around
/// fills the server's audit log with refusals.
struct Right {
    namespace: String,
    /// Name of the Service as the authorizer knows it, with scheme and port.
    service: String,
    is_granted: AtomicBool,
}

impl Prometheus {
    /// At a URL, with or without a path or a slash at its end. Needs an installed TLS provider.
    pub fn direct(url: &str) -> Result<Self, Error> {
        Self::at(PROMETHEUS, url)
    }

    /// As [`Self::direct`], whatever it is.
    pub(super) fn at(who: &'static str, url: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::new(
                Kind::Address,
                format!(
                    "`{}` is not a URL of a {who}: write http://host:9090 or https://host/path",
                    quote(url)
                ),
            )
        };
        let parsed: url::Url = url.trim().parse().map_err(|_| wrong())?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.host().is_none() {
            return Err(wrong());
        }
        let loopback = match parsed.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("release-cockpit/", env!("CARGO_PKG_VERSION")));
        if loopback {
            builder = builder.no_proxy();
        }
        if parsed.scheme() == "http" {
            // Without TLS no certificates are needed, and a machine may have none.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| {
            Error::new(Kind::Address, format!("no client for {who}: {}", quote(&error.to_string())))
        })?;
        let base = parsed.as_str().trim_end_matches('/').to_owned();
        Ok(Self::over(who, Endpoint::Direct { client, base }))
    }

    /// Through the API server: `namespace/name:port`, or `namespace/https:name:port`.
    pub fn through(cluster: Cluster, service: &str) -> Result<Self, Error> {
        Self::behind(PROMETHEUS, cluster, service)
    }

    /// As [`Self::through`], whatever it is.
    pub(super) fn behind(who: &'static str, cluster: Cluster, service: &str) -> Result<Self, Error> {
        let base = proxy_path(service).ok_or_else(|| {
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
    pub async fn alerts(&self) -> Result<Vec<ActiveAlert>, Error> {
        let (status, body) = self.fetch("alerts").await?;
        alerts::read(status, &body)
    }

    /// Asks `/api/v1/{kind}` for series; `query` is the name for sentences.
    pub(super) async fn ask(
        &self,
        query: &str,
        kind: &str,
        parameters: &[(&str, String)],
    ) -> Result<Vec<Found>, Error> {
        let encoded = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters.iter().map(|(key, value)| (*key, value.as_str())))
            .finish();
        let (status, body) = self.fetch(&format!("{kind}?{encoded}")).await?;
        answer::read(query, status, &body)
    }

    /// Gets `/api/v1/{path}`: status and body. Waits for its turn, and never longer than a few seconds for the answer.
    pub(super) async fn fetch(&self, path: &str) -> Result<(u16, String), Error> {
        self.call(Method::GET, &format!("/api/v1/{path}"), None).await
    }

    /// Sends a request to that path, with a body of JSON where there is one; as patient as [`Self::fetch`], and sent once.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<(u16, String), Error> {
        let Ok(_permit) = self.permits.acquire().await else {
            return Err(Error::new(Kind::Down, "the session is ending"));
        };
        let who = self.who;
        let asked = async {
            match &self.endpoint {
                Endpoint::Direct { client, base } => {
                    let mut request = client.request(method, format!("{base}{path}"));
                    if let Some(body) = body {
                        request = request.header(http::header::CONTENT_TYPE, JSON).body(body);
                    }
                    direct(request).await.map_err(|error| error.of(who))
                }
                Endpoint::Proxied { cluster, base, right } => {
                    if method == Method::GET {
                        right.ask(cluster).await.map_err(|error| error.of(who))?;
                    }
                    let answer = proxied(cluster, (method, &format!("{base}{path}")), body).await;
                    right.learn(&answer);
                    answer.map_err(|error| error.of(who))
                }
            }
        };
        tokio::time::timeout(TIMEOUT, asked).await.unwrap_or_else(|_| Err(slow().of(who)))
    }
}

impl Right {
    /// Asks the API server's authorizer, unless it has said yes before. What it does not answer is tried.
    async fn ask(&self, cluster: &Cluster) -> Result<(), Error> {
        if self.is_granted.load(Ordering::Relaxed) {
            return Ok(());
        }
        match cluster.may_ask_service(&self.namespace, &self.service).await {
            Ok(false) => Err(Error::new(
                Kind::Denied,
                format!(
                    "Prometheus through the API server: you may not get services/proxy of {} in namespace {}: the role \
                     release-cockpit-metrics holds it",
                    self.service, self.namespace
                ),
            )),
            Ok(true) => {
                self.is_granted.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    /// A right that was taken away is asked for anew.
    fn learn(&self, answer: &Result<(u16, String), Error>) {
        if answer.as_ref().is_err_and(|error| error.kind() == Kind::Denied) {
            self.is_granted.store(false, Ordering::Relaxed);
        }
    }
}

async fn direct(request: reqwest::RequestBuilder) -> Result<(u16, String), Error> {
    let mut response = request.send().await.map_err(|error| transport(&error))?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err(Error::new(
                Kind::Query,
                "the answer is larger than 16 MiB: the query selects too many series",
            ));
        }
    }
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

async fn proxied(
    cluster: &Cluster,
    (method, path): (Method, &str),
    body: Option<String>,
) -> Result<(u16, String), Error> {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, JSON)
        .body(body.map(String::into_bytes).unwrap_or_default())
        .map_err(|_| Error::new(Kind::Address, "that Service cannot be asked for"))?;
    match cluster.client().request_text(request).await {
        Ok(body) => Ok((200, body)),
        // What is not a Status of the API server comes from behind it.
        Err(kube::Error::Api(status)) if status.reason == "Failed to parse error data" => {
            Ok((status.code, status.message))
        }
        Err(kube::Error::Api(status)) if status.code == 503 => Err(Error::new(
            Kind::Down,
            format!("Prometheus' Service has no ready pod ({})", quote(&status.message)),
        )),
        Err(error) => Err(crate::cluster::Error::of(error, "services/proxy").into()),
    }
}

fn transport(error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        return if error.is_connect() {
            Error::new(Kind::Down, "Prometheus does not accept a connection: check its URL and the network")
        } else {
            slow()
        };
    }
    let words = crate::cluster::error::chain(error).to_lowercase();
    if words.contains("connection refused") {
        return Error::new(
            Kind::Down,
            "Prometheus is down: nothing listens at its address (connection refused)",
        );
    }
    if words.contains("dns") || words.contains("lookup") {
        return Error::new(Kind::Down, "Prometheus' host name cannot be resolved: check its URL");
    }
    if words.contains("certificate") || words.contains("tls") {
        return Error::new(
            Kind::Down,
            "TLS with Prometheus fails: is its certificate trusted by this machine?",
        );
    }
    Error::new(Kind::Down, format!("the connection to Prometheus broke: {}", last_cause(error)))
}

fn last_cause(error: &reqwest::Error) -> String {
    let mut at: &dyn std::error::Error = error;
    while let Some(cause) = at.source() {
        at = cause;
    }
    quote(&at.to_string())
}

fn slow() -> Error {
    Error::new(Kind::Slow, format!("Prometheus is slow: no answer within {} s", TIMEOUT.as_secs()))
}

/// `monitoring/https:prometheus:9090` as a path of the API server.
pub(super) fn proxy_path(service: &str) -> Option<String> {
    let (namespace, rest) = address::service(service)?;
    Some(format!("/api/v1/namespaces/{namespace}/services/{rest}/proxy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_become_paths() {
        for (service, expected) in [
            (
                "monitoring/prometheus:9090",
                Some("/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"),
            ),
            ("m/https:prom:web", Some("/api/v1/namespaces/m/services/https:prom:web/proxy")),
            (
                "monitoring/prometheus:9090/",
                Some("/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"),
            ),
            ("prometheus:9090", None),
            ("monitoring/prometheus", None),
            ("m/../secrets:1", None),
            ("m/ftp:a:1", None),
        ] {
            assert_eq!(proxy_path(service).as_deref(), expected, "{service}");
        }
    }

    #[test]
    fn urls_lose_their_last_slash_and_others_are_refused() {
        rustls::crypto::ring::default_provider().install_default().ok();
        for (url, expected) in [
            ("http://127.0.0.1:9090", "http://127.0.0.1:9090"),
            ("http://127.0.0.1:9090/", "http://127.0.0.1:9090"),
            ("http://h/prom/", "http://h/prom"),
        ] {
            let Endpoint::Direct { base, .. } = Prometheus::direct(url).unwrap().endpoint else { panic!() };
            assert_eq!(base, expected);
        }
        for url in ["", "prometheus:9090", "file:///etc/passwd", "http://"] {
            assert_eq!(Prometheus::direct(url).err().unwrap().kind(), Kind::Address, "{url}");
        }
    }
}
