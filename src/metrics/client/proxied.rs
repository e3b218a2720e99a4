//! Requests to a Prometheus through the API server's service proxy.

use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;

use super::{JSON, LARGEST, too_large};
use crate::cluster::Cluster;
use crate::cluster::web;
use crate::domain::address;
use crate::metrics::answer::Reply;
use crate::metrics::error::{Error, Kind};

/// The right to ask a Service through the API server. It is asked for before the Service is, so that nobody who looks around
/// fills the server's audit log with refusals.
pub(super) struct Right {
    pub(super) namespace: String,
    /// Name of the Service as the authorizer knows it, with scheme and port.
    pub(super) service: String,
    pub(super) is_granted: AtomicBool,
}

impl Right {
    /// Asks the API server's authorizer, unless it has said yes before. What it does not answer is tried.
    pub(super) async fn ask(&self, cluster: &Cluster) -> Result<(), Error> {
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
    pub(super) fn learn(&self, answer: &Result<Reply, Error>) {
        if answer.as_ref().is_err_and(|error| error.kind() == Kind::Denied) {
            self.is_granted.store(false, Ordering::Relaxed);
        }
    }
}

/// Sends a request to a path of the proxy.
pub(super) async fn send(
    cluster: &Cluster,
    (method, path): (Method, &str),
    body: Option<String>,
) -> Result<Reply, Error> {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, JSON)
        .body(body.map(String::into_bytes).unwrap_or_default())
        .map_err(|_| Error::new(Kind::Address, "that Service cannot be asked for"))?;
    let answer = web::send(&cluster.client(), request, LARGEST)
        .await
        .map_err(|error| Error::from(crate::cluster::Error::of(error, "services/proxy")))?;
    if answer.is_cut {
        return Err(too_large());
    }
    // What is not a Status of the API server comes from behind it.
    if !answer.status.is_success()
        && let Ok(status) = serde_json::from_slice::<kube::core::Status>(&answer.body)
        && status.code == answer.status.as_u16()
    {
        return Err(by_the_api_server(status.code));
    }
    let media_type = web::media_type(&answer.headers);
    let body = String::from_utf8_lossy(&answer.body).into();
    Ok(Reply { status: answer.status.as_u16(), media_type, body })
}

/// What the API server itself answers; a server behind it could imitate it, so that nothing of its text is repeated.
fn by_the_api_server(code: u16) -> Error {
    let (kind, why) = match code {
        401 => (Kind::Denied, "it does not accept the credentials"),
        403 => (Kind::Denied, "you may not use services/proxy of that Service"),
        404 => (Kind::Address, "there is no such Service"),
        503 => return Error::new(Kind::Down, "Prometheus' Service has no ready pod (503)"),
        _ => {
            return Error::new(Kind::Server, format!("Prometheus through the API server: it fails ({code})"));
        }
    };
    Error::new(kind, format!("Prometheus through the API server: {why} ({code})"))
}

/// `monitoring/https:prometheus:9090` as a path of the API server.
pub(super) fn path(service: &str) -> Option<String> {
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
            assert_eq!(path(service).as_deref(), expected, "{service}");
        }
    }
}
