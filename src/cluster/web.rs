//! What every request to the world outside of the cluster needs: a limit on what is read, errors without addresses.

use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt as _;
use kube::client::Body;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// An answer of the API server, or of what is behind it, with as much of its body as was wanted.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The beginning of the body.
    pub body: Vec<u8>,
    /// Whether the body is longer than that.
    pub is_cut: bool,
}

/// Sends a request to the API server and reads at most `limit` bytes of the answer, whatever its status. kube's own methods read every body to
/// its end.
pub(crate) async fn send(
    client: &kube::Client,
    request: http::Request<Vec<u8>>,
    limit: usize,
) -> Result<Answer, kube::Error> {
    let (parts, body) = client.send(request.map(Body::from)).await?.into_parts();
    let (body, is_cut) = limited(body, limit).await?;
    Ok(Answer { status: parts.status, headers: parts.headers, body, is_cut })
}

/// At most `limit` bytes of a body, and whether there is more.
pub(crate) async fn limited(mut body: Body, limit: usize) -> Result<(Vec<u8>, bool), kube::Error> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let rest = limit - read.len();
        if data.len() > rest {
            read.extend_from_slice(&data[..rest]);
            return Ok((read, true));
        }
        read.extend_from_slice(&data);
    }
    Ok((read, false))
}

/// The media type of an answer, for sentences; nothing in it comes from elsewhere than a fixed list.
#[must_use]
pub(crate) fn media_type(headers: &HeaderMap) -> &'static str {
    let given =
        headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let known = [
        "application/json",
        "text/html",
        "text/plain",
        "application/xml",
        "text/xml",
        "application/problem+json",
    ];
    match known.into_iter().find(|known| *known == essence) {
        Some(known) => known,
        None if essence.is_empty() => "no content type",
        None => "another content type",
    }
}

/// A client for servers that settings name; redirects are answers. Needs an installed TLS provider.
pub(crate) fn trusted() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("release-cockpit/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(why)
}

/// Where an answer redirects to, if it does.
#[must_use]
pub(crate) fn redirected(from: &url::Url, answer: &reqwest::Response) -> Option<url::Url> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.headers().get(http::header::LOCATION)?.to_str().ok()?;
    let next = from.join(location).ok()?;
    matches!(next.scheme(), "http" | "https").then_some(next)
}

/// Reads a body up to a limit, in bytes; what is beyond it is an error.
pub(crate) async fn body(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(why)? {
        if chunk.len() > limit - body.len() {
            return Err(format!("the answer has more than {limit} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What went wrong, without the address: it may hold a token.
#[must_use]
pub(crate) fn why(error: reqwest::Error) -> String {
    let error = error.without_url();
    if let Some(why) = refusal(&error) {
        return why;
    }
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut last: &dyn std::error::Error = &error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// Why an address was not asked, where that is what went wrong.
#[must_use]
pub(crate) fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut at = Some(error);
    while let Some(cause) = at {
        if let Some(refused) = cause.downcast_ref::<crate::domain::address::Refused>() {
            return Some(refused.to_string());
        }
        at = cause.source();
    }
    None
}

/// What `Retry-After` asks for, in seconds or as a date.
#[must_use]
pub(crate) fn retry_after(headers: &HeaderMap, now: chrono::DateTime<chrono::Utc>) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_ask_for_patience_in_two_ways() {
        let now = chrono::DateTime::from_timestamp(784_111_770, 0).unwrap();
        for (value, expected) in [
            ("30", Some(30)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let headers: HeaderMap = [(RETRY_AFTER, value.parse().unwrap())].into_iter().collect();
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
