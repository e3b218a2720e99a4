//! One HTTP request to a channel, and what its answer means.

use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::{Error, Message};
use crate::cluster::web;
use crate::domain::secret_use::is_protected;

/// How much of an answer is read.
const LIMIT: usize = 1 << 20;
/// Slack's own words for a refusal, which say what is wrong with the webhook; nothing else of an answer is repeated.
const SLACK: [&str; 12] = [
    "action_prohibited",
    "channel_is_archived",
    "channel_not_found",
    "invalid_payload",
    "invalid_token",
    "no_active_hooks",
    "no_service",
    "no_team",
    "no_text",
    "posting_to_general_channel_denied",
    "team_disabled",
    "user_not_found",
];

/// A request that is to be sent.
pub(super) struct Request {
    pub(super) method: Method,
    /// Where to; it may be a secret itself.
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether anything in it comes from a Secret.
    pub(super) is_secret: bool,
}

/// A POST of JSON with something from a Secret in it.
pub(super) fn post(url: Url, body: &Value) -> Request {
    let body = body.to_string().into_bytes();
    Request { method: Method::POST, url, headers: HeaderMap::new(), body, is_secret: true }
}

/// The URL of a request, as the settings name it.
pub(super) fn url(message: &Message<'_>, text: &str) -> Result<Url, Error> {
    let url: Option<Url> = text.trim().parse().ok();
    url.filter(is_web).ok_or_else(|| no_url(message))
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

fn no_url(message: &Message<'_>) -> Error {
    Error::Settings(format!("the address of {} is no http(s) URL", message.notify.channel))
}

impl Message<'_> {
    /// Sends a request; the body of the answer where it is a good one.
    pub(super) async fn send(&self, request: Request) -> Result<Vec<u8>, Error> {
        let Request { method, url, headers, body, is_secret } = request;
        if !is_web(&url) {
            return Err(no_url(self));
        }
        if is_secret && !is_protected(&url) {
            return Err(Error::Settings(format!(
                "a secret of {} is only sent over https",
                self.notify.channel
            )));
        }
        let refused = |why: String| Error::Settings(format!("{} is not told: {why}", self.notify.channel));
        let client = self.sender.outbound.client(&url).await.map_err(|why| refused(why.to_string()))?;
        let answer = client
            .request(method, url)
            .headers(headers)
            .header("content-type", "application/json")
            .body(body)
            .timeout(self.sender.patience)
            .send()
            .await
            .map_err(|error| match web::refusal(&error) {
                Some(why) => refused(why),
                None => Error::Silent(web::why(error)),
            })?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = web::body(answer, LIMIT).await.map_err(Error::Silent)?;
        if status.is_success() {
            return Ok(body);
        }
        let said = said(status, &headers, &body);
        Err(match status.as_u16() {
            429 => Error::Busy(web::retry_after(&headers, self.sender.clock.now())),
            408 | 500.. => Error::Broken(said),
            _ => Error::Refused(said),
        })
    }
}

/// What an answer is, without anything of its text: it may repeat what we sent, or come from a server that nobody meant to ask.
fn said(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> String {
    let status = status.as_u16();
    let known = SLACK.into_iter().find(|word| word.as_bytes() == body.trim_ascii());
    match known {
        Some(word) => format!("status {status}: {word}"),
        None if body.is_empty() => format!("status {status}"),
        None => format!("status {status} ({})", web::media_type(headers)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_answer_is_repeated_but_slacks_own_words() {
        let said = |status: u16, body: &[u8]| {
            let headers = [(http::header::CONTENT_TYPE, "text/html; charset=utf-8".parse().unwrap())];
            super::said(StatusCode::from_u16(status).unwrap(), &headers.into_iter().collect(), body)
        };
        assert_eq!(said(404, b"Cannot POST /hooks/abc"), "status 404 (text/html)");
        assert_eq!(said(403, b"no \x1b[31mhunter2\n here"), "status 403 (text/html)");
        assert_eq!(said(403, b"invalid_token\n"), "status 403: invalid_token");
        assert_eq!(said(404, b""), "status 404");
    }
}
