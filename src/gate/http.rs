//! HTTP probes: an absolute URL asked directly, or `service://[namespace/]name:port/path` through the API server's service proxy. A Service of
//! another namespace only where an administrator allows it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, StatusCode};
use kube::client::Body;
use url::Url;

use super::{Answered, Gate, Scope, Verdict};
use crate::api::environment::HttpProbe;
use crate::api::release::GateState;
use crate::cluster::web;
use crate::domain::address;
use crate::domain::health::Question;

/// One HTTP GET.
pub(super) struct Http;

/// How long an answer may take where the probe does not say.
const WITHIN: Duration = Duration::from_secs(5);
/// How much of a body is looked at.
const BODY_LIMIT: usize = 1 << 20;
/// What the API server answers before it looks at a request when it has too many.
const TOO_MANY: &[u8] = b"Too many requests, please try again.";

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
    let asked = match parse(&probe.url, &scope.namespace) {
        Ok(Address::Service { namespace, name, path }) => {
            if !scope.outbound.allowed().service(&scope.namespace, &namespace, &name) {
                return elsewhere(&namespace, &name);
            }
            through_proxy(scope, &path, within).await
        }
        Ok(Address::Direct(url)) => {
            let late = || (GateState::Fail, format!("no answer within {} ms", within.as_millis()));
            tokio::time::timeout(within, directly(scope, url)).await.unwrap_or_else(|_| Err(late()))
        }
        Err(why) => Err((GateState::NoData, why)),
    };
    match asked {
        Ok((status, body)) => judge(probe, status, &body),
        Err(verdict) => verdict,
    }
}

/// The controller may ask more Services than whoever writes an Environment.
fn elsewhere(namespace: &str, name: &str) -> Verdict {
    let sentence = format!(
        "Service {namespace}/{name} is of another namespace: an Environment may not name it unless the controller runs with \
         --allow-host service://{namespace}/{name}"
    );
    (GateState::NoData, sentence)
}

type Got = Result<(StatusCode, Vec<u8>), Verdict>;

/// Asks a Service through the API server. As long as nothing has come from behind the API server, nobody knows who is slow.
async fn through_proxy(scope: &Scope, path: &str, within: Duration) -> Got {
    let has_begun = AtomicBool::new(false);
    let asked = async {
        let cannot = |why: String| (GateState::NoData, why);
        let request = Request::get(path).body(Body::empty()).map_err(|e| cannot(e.to_string()))?;
        let response =
            scope.client.send(request).await.map_err(|e| cannot(crate::workload::request_error(&e)))?;
        has_begun.store(true, Ordering::Relaxed);
        let (parts, body) = response.into_parts();
        let body = web::limited(body, BODY_LIMIT).await;
        Ok::<_, Verdict>((
            parts.status,
            body.map_err(|_| (GateState::Fail, "the answer broke off".to_owned()))?.0,
        ))
    };
    let (status, body) = tokio::time::timeout(within, asked).await.unwrap_or_else(|_| {
        let span = within.as_millis();
        Err(if has_begun.load(Ordering::Relaxed) {
            (GateState::Fail, format!("no whole answer within {span} ms"))
        } else {
            let why = format!("no answer within {span} ms through the API server: it or the Service is slow");
            (GateState::NoData, why)
        })
    })?;
    match refusal(status, &body) {
        Some(why) => Err((GateState::NoData, why)),
        None => Ok((status, body)),
    }
}

/// The API server's own refusal to pass the request on: neither a pass nor a failure of the service behind it.
fn refusal(status: StatusCode, body: &[u8]) -> Option<String> {
    let code = status.as_u16();
    if code == 429 && body.trim_ascii() == TOO_MANY {
        return Some("the API server is overloaded (429)".to_owned());
    }
    let refused: kube::core::Status = serde_json::from_slice(body).ok()?;
    if refused.code != code || refused.status != Some(kube::core::response::StatusSummary::Failure) {
        return None;
    }
    let of_service = refused.details.as_ref().is_some_and(|details| details.kind == "services");
    // a server behind it could imitate it, so that nothing of its text is repeated
    match code {
        401 | 403 if of_service => {
            Some(format!("the API server does not let us use services/proxy ({code})"))
        }
        404 if of_service => Some("there is no such Service (404)".to_owned()),
        429 => Some("the API server is overloaded (429)".to_owned()),
        500 | 504 => Some(format!("the API server fails ({code})")),
        _ => None,
    }
}

async fn directly(scope: &Scope, url: Url) -> Got {
    let client = scope.outbound.client(&url).await.map_err(|why| (GateState::NoData, why.to_string()))?;
    let mut response = client.get(url).send().await.map_err(|error| match web::refusal(&error) {
        Some(why) => (GateState::NoData, why),
        None => (GateState::Fail, format!("no answer: {}", web::why(error))),
    })?;
    let mut body = Vec::new();
    while body.len() < BODY_LIMIT {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk[..chunk.len().min(BODY_LIMIT - body.len())]),
            Ok(None) => break,
            Err(error) => {
                return Err((GateState::Fail, format!("the answer broke off: {}", web::why(error))));
            }
        }
    }
    Ok((response.status(), body))
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
    /// A path of the API server.
    Service {
        namespace: String,
        name: String,
        path: String,
    },
    Direct(Url),
}

/// Where a probe goes; `service://` becomes a path of the API server.
fn parse(url: &str, namespace: &str) -> Result<Address, String> {
    let wrong = || format!("{url} is neither http(s):// nor service://[namespace/]name:port/path");
    if url.starts_with("http://") || url.starts_with("https://") {
        let parsed: Url = url.parse().map_err(|_| wrong())?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("the probe's URL holds a name or password, which an Environment must not".to_owned());
        }
        return Ok(Address::Direct(parsed));
    }
    let rest = url.strip_prefix("service://").ok_or_else(wrong)?;
    let port_at = rest.find(':').ok_or_else(wrong)?;
    let (service, rest) = (&rest[..port_at], &rest[port_at + 1..]);
    let (namespace, name) = service.split_once('/').unwrap_or((namespace, service));
    let (port, path) = rest.split_once('/').unwrap_or((rest, ""));
    if ![namespace, name, port].into_iter().all(address::is_label) {
        return Err(wrong());
    }
    let plain = path
        .to_ascii_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/")
        .replace('\\', "/");
    if plain.split(['/', '?']).any(|segment| segment == "..") {
        return Err(format!("{url} climbs out of the service"));
    }
    let path = format!("/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy/{path}");
    Ok(Address::Service { namespace: namespace.to_owned(), name: name.to_owned(), path })
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
            ("service://backend:80/%2e%2E/secrets", None),
            ("service://backend:80/.%2e%2fsecrets", None),
            ("service://backend:80/..\\secrets", None),
            ("service://a/b/c:80/", None),
            ("ftp://backend", None),
        ] {
            let found = parse(url, "prod").ok().map(|address| match address {
                Address::Service { path, .. } => path,
                Address::Direct(url) => url.to_string(),
            });
            assert_eq!(found.as_deref(), expected, "{url}");
        }
        assert_eq!(
            parse("https://example.com/", "prod"),
            Ok(Address::Direct("https://example.com/".parse().unwrap()))
        );
        assert!(parse("https://bob:hunter2@example.com/", "prod").is_err_and(|why| !why.contains("hunter2")));
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
        assert!(refusal(StatusCode::TOO_MANY_REQUESTS, &status(429, "")).is_some());
        assert!(refusal(StatusCode::TOO_MANY_REQUESTS, b"Too many requests, please try again.\n").is_some());
        assert!(refusal(StatusCode::TOO_MANY_REQUESTS, b"slow down").is_none());
        assert!(refusal(StatusCode::GATEWAY_TIMEOUT, &status(504, "")).is_some());
        assert!(refusal(StatusCode::INTERNAL_SERVER_ERROR, b"panic").is_none());
        assert!(refusal(StatusCode::SERVICE_UNAVAILABLE, &status(503, "services")).is_none());
        assert!(refusal(StatusCode::FORBIDDEN, b"go away").is_none());
        assert!(refusal(StatusCode::NOT_FOUND, &status(404, "orders")).is_none());
    }
}
