//! HTTP probes: an absolute URL asked directly, or `service://[namespace/]name:port/path` through the API server's service proxy.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, StatusCode};
use kube::client::Body;

use super::{Answered, Gate, Scope, Verdict};
use crate::api::environment::HttpProbe;
use crate::api::release::GateState;
use crate::domain::health::Question;

/// One HTTP GET.
pub struct Http;

/// How long an answer may take where the probe does not say.
const WITHIN: Duration = Duration::from_secs(5);
/// How much of a body is looked at.
const BODY_LIMIT: usize = 1 << 20;

impl Gate for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>> {
        let Question::Http(probe) = question else { return None };
        Some(get(scope, probe).map(Answered::from).boxed())
    }
}

async fn get(scope: &Scope, probe: &HttpProbe) -> Verdict {
    let within = probe.within.map_or(WITHIN, crate::api::Duration::to_std);
    let asked = async {
        match parse(&probe.url, &scope.namespace) {
            Ok(Address::Service(path)) => through_proxy(scope, &path).await,
            Ok(Address::Direct) => directly(scope, &probe.url).await,
            Err(why) => Err((GateState::NoData, why)),
        }
    };
    match tokio::time::timeout(within, asked).await {
        Ok(Ok((status, body))) => judge(probe, status, &body),
        Ok(Err(verdict)) => verdict,
        Err(_) => (GateState::Fail, format!("no answer within {} ms", within.as_millis())),
    }
}

type Got = Result<(StatusCode, Vec<u8>), Verdict>;

async fn through_proxy(scope: &Scope, path: &str) -> Got {
    let cannot = |why: String| (GateState::NoData, why);
    let request = Request::get(path).body(Body::empty()).map_err(|e| cannot(e.to_string()))?;
    let response = scope.client.send(request).await.map_err(|e| cannot(format!("API server: {e}")))?;
    let status = response.status();
    let body = response.into_body().collect_bytes().await.map_err(|e| cannot(format!("API server: {e}")))?;
    match refusal(status, &body) {
        Some(why) => Err(cannot(why)),
        None => Ok((status, body.to_vec())),
    }
}

/// The API server's own refusal to pass the request on: neither a pass nor a failure of the service behind it.
fn refusal(status: StatusCode, body: &[u8]) -> Option<String> {
    if !matches!(status.as_u16(), 401 | 403 | 404) {
        return None;
    }
    let refused: kube::core::Status = serde_json::from_slice(body).ok()?;
    let is_ours = refused.code == status.as_u16()
        && refused.details.as_ref().is_some_and(|details| details.kind == "services");
    is_ours.then_some(refused.message)
}

async fn directly(scope: &Scope, url: &str) -> Got {
    let Some(client) = &scope.http else {
        return Err((GateState::NoData, "no HTTP client could be built".to_owned()));
    };
    let mut response = client
        .get(url)
        .send()
        .await
        .map_err(|e| (GateState::Fail, format!("no answer: {}", innermost(&e.without_url()))))?;
    let mut body = Vec::new();
    while body.len() < BODY_LIMIT {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => {
                return Err((
                    GateState::Fail,
                    format!("the answer broke off: {}", innermost(&error.without_url())),
                ));
            }
        }
    }
    Ok((response.status(), body))
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

fn judge(probe: &HttpProbe, status: StatusCode, body: &[u8]) -> Verdict {
    let wanted = probe.status.unwrap_or(200);
    if i32::from(status.as_u16()) != wanted {
        return (GateState::Fail, format!("status {} instead of {wanted}", status.as_u16()));
    }
    let body = String::from_utf8_lossy(&body[..body.len().min(BODY_LIMIT)]);
    match &probe.body_contains {
        Some(text) if !body.contains(text.as_str()) => {
            (GateState::Fail, format!("the body does not contain {text:?}"))
        }
        _ => (GateState::Pass, format!("status {wanted}")),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Address {
    Service(String),
    Direct,
}

/// Where a probe goes; `service://` becomes a path of the API server.
fn parse(url: &str, namespace: &str) -> Result<Address, String> {
    if url.starts_with("http://") || url.starts_with("https://") {
        return Ok(Address::Direct);
    }
    let wrong = || format!("{url} is neither http(s):// nor service://[namespace/]name:port/path");
    let rest = url.strip_prefix("service://").ok_or_else(wrong)?;
    let port_at = rest.find(':').ok_or_else(wrong)?;
    let (service, rest) = (&rest[..port_at], &rest[port_at + 1..]);
    let (namespace, name) = service.split_once('/').unwrap_or((namespace, service));
    let (port, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_label = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if !is_label(namespace) || !is_label(name) || !is_label(port) {
        return Err(wrong());
    }
    if path.split(['/', '?']).any(|segment| segment == "..") {
        return Err(format!("{url} climbs out of the service"));
    }
    Ok(Address::Service(format!("/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy/{path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_becomes_a_path_of_the_api_server() {
        for (url, expected) in [
            ("service://backend:80/health", Some("/api/v1/namespaces/prod/services/backend:80/proxy/health")),
            (
                "service://other/backend:http/a/b?c=d",
                Some("/api/v1/namespaces/other/services/backend:http/proxy/a/b?c=d"),
            ),
            ("service://backend:80", Some("/api/v1/namespaces/prod/services/backend:80/proxy/")),
            ("service://backend/health", None),
            ("service://backend:80/../../secrets", None),
            ("service://a/b/c:80/", None),
            ("ftp://backend", None),
        ] {
            let found = parse(url, "prod").ok();
            assert_eq!(found, expected.map(|path| Address::Service(path.into())), "{url}");
        }
        assert_eq!(parse("https://example.com/", "prod"), Ok(Address::Direct));
    }

    #[test]
    fn status_and_body_are_judged() {
        let mut probe = HttpProbe {
            url: "https://example.com/".into(),
            status: None,
            within: None,
            body_contains: Some("<title>".into()),
        };
        assert_eq!(judge(&probe, StatusCode::OK, b"<title>").0, GateState::Pass);
        assert_eq!(judge(&probe, StatusCode::OK, b"nothing").0, GateState::Fail);
        assert_eq!(judge(&probe, StatusCode::BAD_GATEWAY, b"<title>").0, GateState::Fail);
        probe.status = Some(502);
        assert_eq!(judge(&probe, StatusCode::BAD_GATEWAY, b"<title>").0, GateState::Pass);
    }

    #[test]
    fn the_api_servers_own_refusal_is_no_answer_of_the_service() {
        let status = |code: u16, kind: &str| {
            serde_json::to_vec(&serde_json::json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
                "reason": "Forbidden", "message": "services \"backend\" is forbidden", "details": {"name": "backend", "kind": kind}
            }))
            .unwrap()
        };
        assert!(refusal(StatusCode::FORBIDDEN, &status(403, "services")).is_some());
        assert!(refusal(StatusCode::SERVICE_UNAVAILABLE, &status(503, "services")).is_none());
        assert!(refusal(StatusCode::FORBIDDEN, b"go away").is_none());
        assert!(refusal(StatusCode::NOT_FOUND, &status(404, "orders")).is_none());
    }
}
