//! One HTTP request to a channel, and what its answer means.

use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use super::{Error, Message};
use crate::cluster::secret::SecretValue;
use crate::cluster::web;
use crate::sanitize;

/// How much of an answer is read.
const LIMIT: usize = 1 << 20;
/// How much of a refusal is repeated, in characters.
const REPEATED: usize = 200;

/// A request that is to be sent.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    /// Where to; it may be a secret itself.
    pub(super) url: &'a str,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// What must not be repeated in an error.
    pub(super) secrets: &'a [&'a SecretValue],
}

/// A POST of JSON.
pub(super) fn post<'a>(url: &'a str, body: &Value, secrets: &'a [&'a SecretValue]) -> Request<'a> {
    let body = body.to_string().into_bytes();
    Request { method: Method::POST, url, headers: HeaderMap::new(), body, secrets }
}

impl Message<'_> {
    /// Sends a request; the body of the answer where it is a good one.
    pub(super) async fn send(&self, request: Request<'_>) -> Result<Vec<u8>, Error> {
        let client =
            self.desk.http.as_ref().ok_or_else(|| Error::Silent("no HTTP client could be built".into()))?;
        let url: url::Url = request
            .url
            .trim()
            .parse()
            .ok()
            .filter(|url: &url::Url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
            .ok_or_else(|| {
                Error::Settings(format!("the address of {} is no http(s) URL", self.notify.channel))
            })?;
        let answer = client
            .request(request.method, url)
            .headers(request.headers)
            .header("content-type", "application/json")
            .body(request.body)
            .timeout(self.desk.patience)
            .send()
            .await
            .map_err(|error| Error::Silent(web::why(error)))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = web::body(answer, LIMIT).await.map_err(Error::Silent)?;
        if status.is_success() {
            return Ok(body);
        }
        let said = said(status, &body, request.secrets);
        Err(match status.as_u16() {
            429 => Error::Busy(web::retry_after(&headers, self.desk.clock.now())),
            408 | 500.. => Error::Broken(said),
            _ => Error::Refused(said),
        })
    }
}

/// The status and the beginning of what came with it, without any secret.
fn said(status: StatusCode, body: &[u8], secrets: &[&SecretValue]) -> String {
    let mut text = sanitize::line(&String::from_utf8_lossy(body)).into_owned();
    for secret in secrets.iter().map(|secret| secret.reveal()).filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "…");
    }
    let text: String = text.trim().chars().take(REPEATED).collect();
    if text.is_empty() {
        format!("status {}", status.as_u16())
    } else {
        format!("status {}: {text}", status.as_u16())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_repeated_without_the_secret() {
        let secret = SecretValue::from("hunter2");
        let said =
            said(StatusCode::FORBIDDEN, b"no \x1b[31mhunter2\n here", &[&secret, &SecretValue::from("")]);
        assert!(said.starts_with("status 403: no "), "{said}");
        assert!(!said.contains("hunter2") && !said.contains('\x1b'), "{said}");
        assert_eq!(super::said(StatusCode::NOT_FOUND, b"", &[]), "status 404");
    }
}
