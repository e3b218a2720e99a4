//! Addresses of servers as people write them: a URL, or a Service that is reached through the API server.

use url::Url;

/// Whether that is a URL that can be asked.
#[must_use]
pub fn is_url(text: &str) -> bool {
    text.parse::<Url>().is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
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

fn is_label(text: &str) -> bool {
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
        ] {
            assert_eq!(is_url(text), expected, "{text}");
        }
    }
}
