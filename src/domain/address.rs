//! Addresses of servers as people write them: a URL, or a Service that is reached through the API server.
//!
//! The rule for which of them may be asked is [`Allowed`]; names are resolved, and the rule is applied, in one place (`cluster::outbound`).

mod allowed;
mod range;

use url::Url;

pub use allowed::{Admitted, Allowed, Refused};
pub use range::Range;

/// Why a text is not the base URL of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoBase {
    /// It is no URL with a host.
    #[error("it is no http(s) URL")]
    Url,
    /// A base URL is continued by a path, which a query or fragment would swallow.
    #[error("it has a query or a fragment, which the base URL of a server must not have")]
    Query,
    /// A name or password.
    #[error("it holds a name or password, which an Environment must not")]
    Userinfo,
}

/// Reads the base URL of a server: http or https, without query and fragment. It may hold a name and password.
pub fn base(text: &str) -> Result<Url, NoBase> {
    let url: Url = text.trim().parse().map_err(|_| NoBase::Url)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(NoBase::Url);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(NoBase::Query);
    }
    Ok(url)
}

/// As [`base`], for a URL that an Environment names: without name and password.
pub fn named_base(text: &str) -> Result<Url, NoBase> {
    let url = base(text)?;
    if url.username().is_empty() && url.password().is_none() { Ok(url) } else { Err(NoBase::Userinfo) }
}

/// Whether that is a base URL that can be asked.
#[must_use]
pub fn is_url(text: &str) -> bool {
    base(text).is_ok()
}

/// Namespace and the rest of a Service that is written as `namespace/name:port` or `namespace/https:name:port`.
#[must_use]
pub fn service(text: &str) -> Option<(&str, &str)> {
    let (namespace, rest) = text.trim().trim_end_matches('/').split_once('/')?;
    let parts: Vec<&str> = rest.split(':').collect();
    let ok = match parts.as_slice() {
        [name, port] => is_label(name) && is_label(port),
        [scheme, name, port] => matches!(*scheme, "http" | "https") && is_label(name) && is_label(port),
        _ => false,
    };
    (ok && is_label(namespace)).then_some((namespace, rest))
}

/// Whether that may be the name of a namespace, a Service or a port.
#[must_use]
pub fn is_label(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_a_namespace_and_what_its_proxy_is_called() {
        for (text, expected) in [
            ("monitoring/prometheus:9090", Some(("monitoring", "prometheus:9090"))),
            ("m/https:prom:web", Some(("m", "https:prom:web"))),
            ("monitoring/prometheus:9090/", Some(("monitoring", "prometheus:9090"))),
            ("prometheus:9090", None),
            ("monitoring/prometheus", None),
            ("m/../secrets:1", None),
            ("m/ftp:a:1", None),
            ("http://prometheus:9090", None),
        ] {
            assert_eq!(service(text), expected, "{text}");
        }
    }

    #[test]
    fn a_url_has_a_host_and_is_asked_by_http() {
        for (text, expected) in [
            ("http://127.0.0.1:9093", true),
            ("https://alerts.example.com/prefix", true),
            ("http://", false),
            ("ftp://alerts.example.com", false),
            ("prometheus.example.com:9090", false),
            ("monitoring/prometheus:9090", false),
            ("http://thanos:9090/?deny_partial_response=1", false),
            ("http://thanos:9090/#", false),
            ("http://user:password@thanos:9090/", true),
        ] {
            assert_eq!(is_url(text), expected, "{text}");
        }
    }

    #[test]
    fn a_base_url_of_an_environment_has_no_password_either() {
        for (text, expected) in [
            ("https://prometheus.example.com/prefix/", None),
            ("https://prometheus.example.com/?x=", Some(NoBase::Query)),
            ("https://prometheus.example.com/x?", Some(NoBase::Query)),
            ("https://prometheus.example.com/#x", Some(NoBase::Query)),
            ("https://bob@prometheus.example.com/", Some(NoBase::Userinfo)),
            ("https://:secret@prometheus.example.com/", Some(NoBase::Userinfo)),
            ("gopher://prometheus.example.com/", Some(NoBase::Url)),
        ] {
            assert_eq!(named_base(text).err(), expected, "{text}");
        }
    }
}
