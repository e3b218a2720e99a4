//! What a registry wants to see before it answers: a name and password, or a token that another server gives.

use reqwest::header::{GetAll, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Deserialize;

use super::address::is_loopback;
use super::credentials::Account;
use super::{Asking, Error};
use crate::cluster::web;

/// Largest answer of a token service that is read, in bytes.
const LIMIT: usize = 1 << 20;

/// What is sent along with each request.
pub(super) enum Authorization {
    /// A name and password.
    Basic(Account),
    /// A token.
    Bearer(String),
}

impl Authorization {
    pub(super) fn on(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Basic(account) => request.basic_auth(&account.user, Some(&account.password)),
            Self::Bearer(token) => request.bearer_auth(token),
        }
    }
}

/// What a registry demands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A name and password.
    Basic,
    /// A token from there, for this service and scope.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

/// The first challenge that is understood; a token before a password.
pub(super) fn challenge(headers: &GetAll<'_, HeaderValue>) -> Option<Challenge> {
    let texts: Vec<&str> = headers.iter().filter_map(|value| value.to_str().ok()).collect();
    let bearer = texts.iter().find_map(|text| bearer(text));
    let basic =
        || texts.iter().any(|text| scheme(text).0.eq_ignore_ascii_case("basic")).then_some(Challenge::Basic);
    bearer.or_else(basic)
}

fn scheme(text: &str) -> (&str, &str) {
    text.trim().split_once(' ').unwrap_or((text.trim(), ""))
}

fn bearer(text: &str) -> Option<Challenge> {
    let (name, rest) = scheme(text);
    if !name.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let value = |wanted: &str| {
        parameters(rest).into_iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    Some(Challenge::Bearer { realm: value("realm")?, service: value("service"), scope: value("scope") })
}

/// `key="value"` pairs; a comma inside of quotes is no end.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim().trim_start_matches(',').trim().to_owned();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((key, value.trim().to_owned()));
        rest = after.trim_start();
    }
    found
}

#[derive(Deserialize)]
struct Granted {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
}

/// Gets what the registry demands.
pub(super) async fn authorize(
    asking: &Asking<'_>,
    challenge: Option<&Challenge>,
    account: Option<&Account>,
) -> Result<Authorization, Error> {
    let registry = &asking.address.registry;
    let stranger = || {
        let remedy = asking.credentials.remedy(registry);
        Error::Credentials(format!("{registry} does not answer without credentials: {remedy}"))
    };
    let (realm, service, scope) = match challenge {
        Some(Challenge::Bearer { realm, service, scope }) => (realm, service, scope),
        Some(Challenge::Basic) => return account.cloned().map(Authorization::Basic).ok_or_else(stranger),
        None => return Err(stranger()),
    };
    let url = realm_url(asking, realm)?;
    let scope = scope.clone().unwrap_or_else(|| format!("repository:{}:pull", asking.address.repository));
    let mut fields = vec![("scope", scope.as_str())];
    fields.extend(service.as_ref().map(|service| ("service", service.as_str())));
    let identity = account.and_then(|account| Some((account, account.identity_token.as_deref()?)));
    let mut answer = None;
    if let Some((account, token)) = identity {
        let mut form = fields.clone();
        form.extend([
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", "release-cockpit"),
        ]);
        let request = asking.request(Method::POST, &url).await?.form(&form);
        let given = request.send().await.map_err(|error| asking.silent(web::why(error)))?;
        // A token service without this grant may still take the password.
        let has_password = !account.password.is_empty();
        answer = Some(given).filter(|given| given.status().is_success() || !has_password);
    }
    let answer = if let Some(answer) = answer {
        answer
    } else {
        let mut request = asking.request(Method::GET, &url).await?.query(&fields);
        if let Some(account) = account {
            request = request.basic_auth(&account.user, Some(&account.password));
        }
        request.send().await.map_err(|error| asking.silent(web::why(error)))?
    };
    match answer.status() {
        StatusCode::TOO_MANY_REQUESTS => return Err(Error::Busy(registry.clone())),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if account.is_some() => {
            return Err(Error::Credentials(format!("{registry} refuses the pull secret's account")));
        }
        status if status.is_client_error() => return Err(stranger()),
        status if !status.is_success() => {
            return Err(
                asking.strange(&format!("has a token service that answers with status {}", status.as_u16()))
            );
        }
        _ => {}
    }
    let body = web::body(answer, LIMIT).await.map_err(|why| asking.silent(why))?;
    let granted: Option<Granted> = serde_json::from_slice(&body).ok();
    let token =
        granted.and_then(|granted| granted.token.or(granted.access_token)).filter(|token| !token.is_empty());
    token.map(Authorization::Bearer).ok_or_else(|| asking.strange("has a token service that gives no token"))
}

/// Names and passwords go nowhere without TLS, but to a registry that is itself asked without it.
fn realm_url(asking: &Asking<'_>, realm: &str) -> Result<url::Url, Error> {
    let url: Option<url::Url> = realm.parse().ok();
    let is_safe = |url: &url::Url| {
        let host = url.host_str().unwrap_or_default();
        let server = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let is_plain = url.scheme() == "http" && asking.address.base.starts_with("http://");
        url.scheme() == "https" || (is_plain && (server == asking.address.host || is_loopback(host)))
    };
    url.filter(is_safe).ok_or_else(|| asking.strange("sends us for a token to where it would not be safe"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let token = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
            Some(Challenge::Bearer { realm: realm.into(), service: owned(service), scope: owned(scope) })
        };
        for (values, expected) in [
            (
                &[
                    r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull,push""#,
                ][..],
                token("https://ghcr.io/token", Some("ghcr.io"), Some("repository:a/b:pull,push")),
            ),
            (&["bearer realm=https://x/t"], token("https://x/t", None, None)),
            (&["Basic realm=\"r\"", "Bearer realm=\"https://x/t\""], token("https://x/t", None, None)),
            (&["Basic realm=\"r\""], Some(Challenge::Basic)),
            (&["Negotiate"], None),
            (&["Bearer nonsense"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
            }
            assert_eq!(challenge(&headers.get_all(WWW_AUTHENTICATE)), expected, "{values:?}");
        }
    }
}
