//! A transport that hangs or refuses what a test wants it to.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::json;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It reaches the API server.
    Pass,
    /// It is never answered, and does not reach the API server.
    Hang,
    /// The API server carries it out, and its answer is lost.
    Lose,
    /// It is refused with that code and does not reach the API server.
    Refuse(u16),
}

/// The client behind that transport; `rule` is given method and path with query.
pub fn faulty(client: &Client, rule: impl Fn(&str, &str) -> Fault + Send + Sync + 'static) -> Client {
    let (inner, rule) = (client.clone(), Arc::new(rule));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (inner, rule) = (inner.clone(), rule.clone());
        async move {
            let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
            match rule(request.method().as_str(), &path) {
                Fault::Pass => inner.send(request).await,
                Fault::Hang => std::future::pending().await,
                Fault::Lose => {
                    inner.send(request).await?;
                    std::future::pending().await
                }
                Fault::Refuse(code) => Ok::<_, kube::Error>(refusal(code)),
            }
        }
    });
    Client::new(service, "default")
}

fn refusal(code: u16) -> Response<Body> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": if code == 403 { "Forbidden" } else { "InternalError" },
        "message": "quota: no more changes today",
    });
    let body = Body::from(serde_json::to_vec(&status).unwrap());
    Response::builder()
        .status(StatusCode::from_u16(code).unwrap())
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
}
