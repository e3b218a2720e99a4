//! Requests to a Prometheus by its URL.

use std::error::Error as _;

use http::Method;
use url::Url;

use super::{JSON, LARGEST, REDIRECTS, slow, too_large};
use crate::cluster::error::quote;
use crate::cluster::outbound::Outbound;
use crate::cluster::web;
use crate::metrics::answer::Reply;
use crate::metrics::error::{Error, Kind};

/// Longest query that is asked in a URL, in bytes; servers and proxies refuse URLs of more than 8 KiB.
const LONGEST_IN_URL: usize = 2_048;

/// A Prometheus by its URL. Where an Environment names it, each request is checked.
#[derive(Clone)]
pub(super) struct Direct {
    pub(super) client: prometheus_http_query::Client,
    pub(super) checked_by: Option<Outbound>,
}

impl Direct {
    /// Asks by Prometheus' own client; the answer is read by us, up to a limit.
    pub(super) async fn ask(
        &self,
        kind: &str,
        parameters: &[(&'static str, String)],
    ) -> Result<Reply, Error> {
        self.precheck().await?;
        let client = &self.client;
        let value = |wanted: &str| {
            let found = parameters.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let query = value("query").unwrap_or_default();
        let is_long = query.len() > LONGEST_IN_URL;
        let sent = match kind {
            "query" => {
                let others = parameters.iter().filter(|(name, _)| *name != "query");
                let asked = others.fold(client.query(query), |asked, (name, value)| asked.query(name, value));
                if is_long { asked.post_raw().await } else { asked.get_raw().await }
            }
            "query_range" => {
                let number =
                    |name: &str| value(name).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
                #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
                let whole = |name: &str| number(name).round() as i64;
                let asked = client.query_range(query, whole("start"), whole("end"), number("step"));
                if is_long { asked.post_raw().await } else { asked.get_raw().await }
            }
            other => {
                let request = client.inner().get(self.url(&format!("/api/v1/{other}"))).query(parameters);
                return read(request.send().await.map_err(|error| transport(&error))?).await;
            }
        };
        let response = sent.map_err(|error| {
            match error.source().and_then(|cause| cause.downcast_ref::<reqwest::Error>()) {
                Some(cause) => transport(cause),
                None => Error::new(Kind::Address, "Prometheus cannot be asked that"),
            }
        })?;
        read(response).await
    }

    /// Sends a request to that path, with a body of JSON where there is one.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Reply, Error> {
        self.precheck().await?;
        let mut request = self.client.inner().request(method, self.url(path));
        if let Some(body) = body {
            request = request.header(http::header::CONTENT_TYPE, JSON).body(body);
        }
        read(request.send().await.map_err(|error| transport(&error))?).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.client.base_url().as_str().trim_end_matches('/'))
    }

    async fn precheck(&self) -> Result<(), Error> {
        let Some(outbound) = &self.checked_by else { return Ok(()) };
        let checked = outbound.precheck_url(self.client.base_url()).await;
        checked.map_err(|why| Error::new(Kind::Address, why.to_string()))
    }
}

/// A client for an address that the user gives: loopback addresses are reached without a proxy, and redirects stay on their host.
pub(super) fn of_user(url: &Url) -> reqwest::ClientBuilder {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let given = url.clone();
    let same_host = reqwest::redirect::Policy::custom(move |attempt| {
        let stays = is_same_server(&given, attempt.url()) && attempt.previous().len() <= REDIRECTS;
        if stays { attempt.follow() } else { attempt.stop() }
    });
    let builder = reqwest::Client::builder()
        .redirect(same_host)
        .user_agent(concat!("release-cockpit/", env!("CARGO_PKG_VERSION")));
    if loopback { builder.no_proxy() } else { builder }
}

/// Whether a redirect leads to the same server, or to the same host over TLS.
fn is_same_server(given: &Url, next: &Url) -> bool {
    let same_port = next.port_or_known_default() == given.port_or_known_default();
    let over_tls = next.scheme() == "https" && next.port().is_none();
    next.host() == given.host() && (same_port || over_tls)
}

/// An address as it is shown: without name, password and query.
pub(super) fn masked(url: &str) -> String {
    let Ok(mut parsed) = url.trim().parse::<Url>() else { return quote(url) };
    parsed.set_query(parsed.query().map(|_| "…"));
    let _ = parsed.set_username("").and_then(|()| parsed.set_password(None));
    quote(parsed.as_str())
}

async fn read(mut response: reqwest::Response) -> Result<Reply, Error> {
    let status = response.status().as_u16();
    let media_type = web::media_type(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport(&error))? {
        if chunk.len() > LARGEST - body.len() {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, media_type, body: String::from_utf8_lossy(&body).into() })
}

fn transport(error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        return if error.is_connect() {
            Error::new(Kind::Down, "Prometheus does not accept a connection: check its URL and the network")
        } else {
            slow()
        };
    }
    if let Some(why) = web::refusal(error) {
        return Error::new(Kind::Address, why);
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
