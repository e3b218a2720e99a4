//! Decides through which proxy an API server is reached, as kubectl does (Go's `http.ProxyFromEnvironment`).
//!
//! Pure: reads no environment of its own. A proxy in the kubeconfig always applies; the variables spare loopback servers and
//! those in `NO_PROXY`.

use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;

use super::super::error::{Error, Kind, quote};
use super::kubeconfig::Variables;

/// A proxy in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Its address, which may hold credentials.
    pub(super) url: Uri,
    /// Where it is set: `proxy-url` or the name of a variable.
    pub(super) source: &'static str,
}

impl Proxy {
    /// Its address without credentials, and where it is set.
    pub(super) fn shown(&self) -> String {
        let host = self.url.host().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let scheme = self.url.scheme_str().unwrap_or("http");
        quote(&format!("{scheme}://{host}{port} ({})", self.source))
    }
}

/// The proxy for `server`; `from_kubeconfig` is the cluster's `proxy-url`.
pub(super) fn choose(
    server: &Uri,
    from_kubeconfig: Option<&str>,
    variables: Variables<'_>,
) -> Result<Option<Proxy>, Error> {
    if let Some(given) = from_kubeconfig {
        return parse(given, "proxy-url").map(Some);
    }
    let is_https = server.scheme() == Some(&Scheme::HTTPS);
    let names = if is_https { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let value = |name: &str| variables(name)?.into_string().ok().filter(|value| !value.is_empty());
    let Some((name, given)) = names.into_iter().find_map(|name| Some((name, value(name)?))) else {
        return Ok(None);
    };
    let spared = value("NO_PROXY").or_else(|| value("no_proxy")).unwrap_or_default();
    if is_direct(server, &spared) {
        return Ok(None);
    }
    parse(&given, name).map(Some)
}

/// A proxy's address; without a scheme it is `http://`.
fn parse(given: &str, source: &'static str) -> Result<Proxy, Error> {
    let given = given.trim();
    let whole =
        |text: &str| text.parse::<Uri>().ok().filter(|uri| uri.scheme().is_some() && uri.host().is_some());
    let url = whole(given).or_else(|| whole(&format!("http://{given}")));
    let wrong = |why: &str| Err(Error::new(Kind::Kubeconfig, format!("the proxy in {source} {why}")));
    let Some(url) = url else { return wrong("is not a URL: write http://HOST:PORT") };
    match url.scheme_str().unwrap_or_default().to_ascii_lowercase().as_str() {
        "http" | "https" | "socks5" => Ok(Proxy { url, source }),
        // Both leave the resolution of names to the proxy here.
        "socks5h" => whole(&format!("socks5{}", &given["socks5h".len()..]))
            .map_or_else(|| wrong("is not a URL: write socks5://HOST:PORT"), |url| Ok(Proxy { url, source })),
        other => wrong(&format!("has the scheme {}: use http, https or socks5", quote(other))),
    }
}

/// Whether `NO_PROXY` or its place on the loopback spares a server from the proxy of the environment.
fn is_direct(server: &Uri, no_proxy: &str) -> bool {
    let host = server.host().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let port = server.port_u16().unwrap_or(if server.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 });
    if host == "localhost" {
        return true;
    }
    let address: Option<IpAddr> = host.parse().ok();
    if address.is_some_and(|address| address.to_canonical().is_loopback()) {
        return true;
    }
    let host = host.trim_end_matches('.').to_lowercase();
    no_proxy.split(',').any(|entry| spares(&entry.trim().to_lowercase(), &host, address, port))
}

/// Whether one entry of `NO_PROXY` names the server; an entry that makes no sense names nothing.
fn spares(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/')
        && let (Ok(network), Ok(bits)) = (network.parse(), bits.parse())
    {
        return address.is_some_and(|address| contains(network, bits, address));
    }
    let (name, wanted) = split_port(entry);
    if name.is_empty() || wanted.is_some_and(|wanted| wanted != port.to_string()) {
        return false;
    }
    if let Ok(ip) = name.parse::<IpAddr>() {
        return address.is_some_and(|address| address.to_canonical() == ip.to_canonical());
    }
    if address.is_some() {
        return false;
    }
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match name.strip_prefix('.') {
        Some(domain) => !domain.is_empty() && host.strip_suffix(name).is_some(),
        None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
    }
}

/// A host and its port, if it names one: `[::1]:6443`, `example.com:6443`; a bare IPv6 address has none.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port).filter(|port| !port.is_empty())),
        _ => (entry, None),
    }
}

fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    fn same<const N: usize>(a: [u8; N], b: [u8; N], bits: u32) -> bool {
        let whole = usize::try_from(bits / 8).unwrap_or(N).min(N);
        let rest = bits % 8;
        let mask = |byte: u8| u16::from(byte) >> (8 - rest);
        a[..whole] == b[..whole] && (rest == 0 || whole == N || mask(a[whole]) == mask(b[whole]))
    }
    match (network.to_canonical(), address.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => bits <= 32 && same(a.octets(), b.octets(), bits),
        (IpAddr::V6(a), IpAddr::V6(b)) => bits <= 128 && same(a.octets(), b.octets(), bits),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn chosen(server: &str, from_kubeconfig: Option<&str>, set: &[(&str, &str)]) -> Result<String, String> {
        let find =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        choose(&server.parse().unwrap(), from_kubeconfig, &find)
            .map(|proxy| proxy.map_or_else(|| "direct".to_owned(), |proxy| proxy.shown()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_kubeconfigs_proxy_always_applies() {
        let spared = [("NO_PROXY", "localhost,127.0.0.1,*"), ("HTTPS_PROXY", "http://other:1")];
        for (given, shown) in [
            ("http://127.0.0.1:18128", "http://127.0.0.1:18128 (proxy-url)"),
            ("socks5://127.0.0.1:1080", "socks5://127.0.0.1:1080 (proxy-url)"),
            ("socks5h://127.0.0.1:1080", "socks5://127.0.0.1:1080 (proxy-url)"),
            ("https://me:s3cret@proxy.example", "https://proxy.example (proxy-url)"),
            ("proxy.example:3128", "http://proxy.example:3128 (proxy-url)"),
        ] {
            assert_eq!(chosen("https://localhost:18499", Some(given), &spared).unwrap(), shown);
        }
        let sentence = chosen("https://a", Some("ftp://me:s3cret@x"), &[]).unwrap_err();
        assert!(
            sentence.contains("proxy-url") && sentence.contains("ftp") && !sentence.contains("s3cret"),
            "{sentence}"
        );
    }

    #[test]
    fn variables_are_read_by_scheme_and_in_both_cases() {
        for (server, set, shown) in [
            ("https://api.example", &[("HTTPS_PROXY", "http://p:1")][..], "http://p:1 (HTTPS_PROXY)"),
            ("https://api.example", &[("https_proxy", "p:1")], "http://p:1 (https_proxy)"),
            (
                "https://api.example",
                &[("HTTPS_PROXY", ""), ("https_proxy", "p:1")],
                "http://p:1 (https_proxy)",
            ),
            ("https://api.example", &[("HTTP_PROXY", "p:1"), ("ALL_PROXY", "p:2")], "direct"),
            ("http://api.example", &[("HTTPS_PROXY", "p:1")], "direct"),
            ("http://api.example", &[("HTTP_PROXY", "p:1")], "http://p:1 (HTTP_PROXY)"),
        ] {
            assert_eq!(chosen(server, None, set).unwrap(), shown, "{server} {set:?}");
        }
    }

    #[test]
    fn no_proxy_names_servers_as_go_reads_it() {
        // server, NO_PROXY, whether the server is reached directly
        for (server, no_proxy, direct) in [
            ("https://localhost:18443", "", true),
            ("https://127.0.0.1:6443", "", true),
            ("https://127.8.9.1:6443", "", true),
            ("https://[::1]:6443", "", true),
            ("https://[::ffff:127.0.0.1]:6443", "", true),
            ("https://api.example", "", false),
            ("https://api.example", "*", true),
            ("https://api.example", "a, * ,b", true),
            ("https://api.example", "example", true),
            ("https://api.example", ".example", true),
            ("https://api.example", "*.example", true),
            ("https://API.Example", "api.EXAMPLE", true),
            ("https://api.example", "api.example:443", true),
            ("https://api.example", "api.example:6443", false),
            ("https://api.example:6443", "api.example:6443", true),
            ("https://example", ".example", false),
            ("https://notexample", "example", false),
            ("https://api.example", "pi.example", false),
            ("https://10.0.0.5", "10.0.0.0/8", true),
            ("https://10.0.0.5", "10.0.0.4/30", true),
            ("https://10.0.0.9", "10.0.0.4/30", false),
            ("https://10.0.0.5", "10.0.0.0/33", false),
            ("https://10.0.0.5", "10.0.0.5", true),
            ("https://10.0.0.5:6443", "10.0.0.5:6443", true),
            ("https://10.0.0.5:6443", "10.0.0.5:443", false),
            ("https://10.0.0.5", "10.0.0", false),
            ("https://[fd00::5]:6443", "fd00::/8", true),
            ("https://[fd00::5]:6443", "[fd00::5]:6443", true),
            ("https://[fd00::5]:6443", "fd00::5", true),
            ("https://10.0.0.5", "0.0.0.0/0", true),
            ("https://api.example", "localhost,", false),
            ("https://api.example", ",,  ,:,/,[,.,*.,no/host,localhost 127.0.0.1", false),
            ("https://api.example", "localhost,,api.example,", true),
        ] {
            let set = [("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", no_proxy)];
            let expected = if direct { "direct" } else { "http://p:1 (HTTPS_PROXY)" };
            assert_eq!(chosen(server, None, &set).unwrap(), expected, "{server} with NO_PROXY={no_proxy}");
            let lower = [("HTTPS_PROXY", "http://p:1"), ("no_proxy", no_proxy)];
            assert_eq!(chosen(server, None, &lower).unwrap(), expected, "{server} with no_proxy={no_proxy}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_value_of_no_proxy_is_an_error(no_proxy in ".*", host in "[a-z]{1,8}(\\.[a-z]{1,5})?") {
            let server: Uri = format!("https://{host}:6443").parse().unwrap();
            let _ = is_direct(&server, &no_proxy);
        }
    }
}
