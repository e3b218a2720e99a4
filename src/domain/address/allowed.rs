//! Which servers may be asked on behalf of an Environment: the rule, and what an administrator allows besides.
//!
//! Public and private addresses may be asked: a Prometheus or a webhook inside the cluster has a private one. Loopback addresses only where an
//! administrator lists them. Link-local, metadata, unspecified and multicast addresses never.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::Range;

/// What an administrator allows besides the rule, and the addresses that the user gave in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    entries: Vec<Entry>,
    given: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// A host name.
    Host { name: String, port: Option<u16> },
    /// An address, or a network of them.
    Network { base: IpAddr, bits: u8, port: Option<u16> },
    /// Services of a namespace, or one of them.
    Service { namespace: String, name: Option<String> },
}

/// Why an address is not asked: a sentence with the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// How a name may be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// By the rule: its addresses must follow the rule too.
    ByRule,
    /// By name or address on the list: also to a loopback address.
    ByList,
}

impl Allowed {
    /// Reads entries: `HOST[:PORT]`, `ADDRESS[:PORT]`, `NETWORK/BITS`, `service://NAMESPACE[/NAME]`. The error names the first bad one.
    pub fn parse<T: AsRef<str>>(entries: &[T]) -> Result<Self, String> {
        let entries = entries.iter().map(|entry| {
            let text = entry.as_ref().trim();
            Entry::parse(text).ok_or_else(|| {
                format!(
                    "`{text}` is not HOST, HOST:PORT, an address, a network such as 10.0.0.0/8, or service://NAMESPACE/NAME"
                )
            })
        });
        Ok(Self { entries: entries.collect::<Result<_, _>>()?, given: Vec::new() })
    }

    /// Also these addresses, which the user gave by flag or setting.
    #[must_use]
    pub fn with_given(mut self, urls: impl IntoIterator<Item = String>) -> Self {
        self.given.extend(urls);
        self
    }

    /// Whether the user gave exactly this address.
    #[must_use]
    pub fn is_given(&self, url: &str) -> bool {
        self.given.iter().any(|given| given == url)
    }

    /// Whether the server of a URL may be asked, as far as the URL shows. Where its host is a name, [`Self::resolved`] judges what it
    /// resolves to.
    pub fn admit(&self, url: &Url) -> Result<Admitted, Refused> {
        let port = url.port_or_known_default();
        match url.host() {
            Some(Host::Ipv4(ip)) => self.literal(ip.into(), port),
            Some(Host::Ipv6(ip)) => self.literal(ip.into(), port),
            Some(Host::Domain(name)) => self.host(name, port),
            None => Err(Refused("the address names no server".to_owned())),
        }
    }

    /// As [`Self::admit`], for a host as it is written, with or without brackets.
    pub fn host(&self, host: &str, port: Option<u16>) -> Result<Admitted, Refused> {
        let name = plain(host);
        if let Ok(ip) = name.parse::<IpAddr>() {
            return self.literal(ip, port);
        }
        let is_listed = self.entries.iter().any(
            |entry| matches!(entry, Entry::Host { name: listed, port: on } if *listed == name && fits(*on, port)),
        );
        Ok(if is_listed { Admitted::ByList } else { Admitted::ByRule })
    }

    /// Whether what a name resolves to may be asked: every address must be acceptable.
    pub fn resolved(&self, name: &str, how: Admitted, addresses: &[IpAddr]) -> Result<(), Refused> {
        let worst = addresses.iter().map(|ip| (Range::of(*ip), *ip)).filter(|(range, ip)| match range {
            Range::Public | Range::Private => false,
            Range::Loopback => how == Admitted::ByRule && !self.lists(*ip, None),
            Range::Metadata | Range::Unroutable => true,
        });
        match worst.map(|(range, _)| range).max() {
            None => Ok(()),
            Some(range) => Err(refused(&format!("{name} resolves to {}", range.words()), range, name)),
        }
    }

    fn literal(&self, ip: IpAddr, port: Option<u16>) -> Result<Admitted, Refused> {
        let range = Range::of(ip);
        match range {
            Range::Public | Range::Private => Ok(Admitted::ByRule),
            Range::Loopback if self.lists(ip, port) => Ok(Admitted::ByList),
            _ => Err(refused(&format!("{ip} is {}", range.words()), range, &ip.to_string())),
        }
    }

    fn lists(&self, ip: IpAddr, port: Option<u16>) -> bool {
        self.entries.iter().any(|entry| match entry {
            Entry::Network { base, bits, port: on } => {
                fits(*on, port) && (within(*base, *bits, ip) || within(*base, *bits, ip.to_canonical()))
            }
            _ => false,
        })
    }

    /// Whether an Environment of that namespace may have a Service asked through the API server.
    #[must_use]
    pub fn service(&self, own: &str, namespace: &str, name: &str) -> bool {
        own == namespace
            || self.entries.iter().any(|entry| {
                matches!(entry, Entry::Service { namespace: listed, name: only }
                    if listed == namespace && only.as_deref().is_none_or(|only| only == name))
            })
    }
}

fn refused(what: &str, range: Range, host: &str) -> Refused {
    Refused(if range.is_never_asked() {
        format!("{what}: such an address is never asked for an Environment")
    } else {
        format!("{what}: an Environment may not name it unless the controller runs with --allow-host {host}")
    })
}

/// A listed port, or any.
fn fits(listed: Option<u16>, port: Option<u16>) -> bool {
    listed.is_none() || listed == port
}

/// As names are compared: without brackets, without the dot at the end, in small letters.
fn plain(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

fn within(base: IpAddr, bits: u8, ip: IpAddr) -> bool {
    let shift = |width: u32| width.saturating_sub(u32::from(bits));
    match (base, ip) {
        (IpAddr::V4(base), IpAddr::V4(ip)) => {
            (u32::from(base) ^ u32::from(ip)).checked_shr(shift(32)).unwrap_or(0) == 0
        }
        (IpAddr::V6(base), IpAddr::V6(ip)) => {
            (u128::from(base) ^ u128::from(ip)).checked_shr(shift(128)).unwrap_or(0) == 0
        }
        _ => false,
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if let Some(service) = text.strip_prefix("service://") {
            let (namespace, name) = match service.trim_end_matches('/').split_once('/') {
                Some((namespace, name)) => (namespace, Some(name)),
                None => (service.trim_end_matches('/'), None),
            };
            let is_ok = super::is_label(namespace) && name.is_none_or(super::is_label);
            return is_ok
                .then(|| Self::Service { namespace: namespace.to_owned(), name: name.map(str::to_owned) });
        }
        if let Some((base, bits)) = text.split_once('/') {
            let (base, bits): (IpAddr, u8) = (base.parse().ok()?, bits.parse().ok()?);
            let most = if base.is_ipv4() { 32 } else { 128 };
            return (bits <= most).then_some(Self::Network { base, bits, port: None });
        }
        if let Ok(ip) = plain(text).parse::<IpAddr>() {
            return Some(Self::network(ip, None));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port > 0)?)),
            None => (text, None),
        };
        if let Ok(ip) = plain(host).parse::<IpAddr>() {
            return Some(Self::network(ip, port));
        }
        let name = plain(host);
        let is_name = !name.is_empty()
            && name.split('.').all(|part| {
                !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            });
        is_name.then_some(Self::Host { name, port })
    }

    const fn network(base: IpAddr, port: Option<u16>) -> Self {
        Self::Network { base, bits: if base.is_ipv4() { 32 } else { 128 }, port }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} allowed addresses", self.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(allowed: &Allowed, url: &str) -> Result<Admitted, Refused> {
        allowed.admit(&url.parse().unwrap_or_else(|error| panic!("{url}: {error}")))
    }

    #[test]
    fn no_spelling_of_an_address_passes_the_rule() {
        let none = Allowed::default();
        for url in [
            "http://127.0.0.1:9090/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://127.0.0.1./",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:ffff:127.0.0.1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://169.254.169.254./",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0xa9.0xfe.0xa9.0xfe/",
            "http://0251.0376.0251.0376/",
            "http://169.16689662/",
            "http://１６９.254.169.254/",
            "http://169。254。169。254/",
            "http://user@169.254.169.254/",
            "https://169.254.169.254:443/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:a9fe:a9fe::]/",
            "http://[fd00:ec2::254]/",
            "http://[fe80::1]/",
            "http://0.0.0.0/",
            "http://0/",
            "http://[::]/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://168.63.129.16/machine",
            "http://100.100.100.200/",
        ] {
            assert!(admit(&none, url).is_err(), "{url}");
        }
        for url in [
            "https://hooks.slack.com/x",
            "http://10.96.0.10:9090",
            "http://prometheus.monitoring:9090",
            "https://8.8.8.8/",
        ] {
            assert_eq!(admit(&none, url), Ok(Admitted::ByRule), "{url}");
        }
    }

    #[test]
    fn a_list_opens_loopback_and_nothing_opens_metadata() {
        let allowed =
            Allowed::parse(&["127.0.0.1:9090", "LocalHost.", "::1", "169.254.169.254", "0.0.0.0/0", "::/0"])
                .unwrap();
        let one = Allowed::parse(&["127.0.0.1:9090"]).unwrap();
        assert_eq!(admit(&one, "http://127.0.0.1:9090/"), Ok(Admitted::ByList));
        assert_eq!(admit(&one, "http://[::ffff:127.0.0.1]:9090/"), Ok(Admitted::ByList));
        assert!(admit(&one, "http://127.0.0.1:9091/").is_err());
        assert!(admit(&one, "http://127.0.0.2:9090/").is_err());
        assert_eq!(admit(&allowed, "http://[::1]/"), Ok(Admitted::ByList));
        assert_eq!(admit(&allowed, "http://localhost:1/"), Ok(Admitted::ByList));
        for url in [
            "http://169.254.169.254/",
            "http://[fe80::1]/",
            "http://0.0.0.0/",
            "http://[::ffff:169.254.169.254]/",
        ] {
            assert!(admit(&allowed, url).is_err(), "{url}");
        }
        let loopback = Allowed::parse(&["127.0.0.0/8"]).unwrap();
        assert_eq!(admit(&loopback, "http://127.9.9.9:1/"), Ok(Admitted::ByList));
    }

    #[test]
    fn what_a_name_resolves_to_follows_the_rule_too() {
        let none = Allowed::default();
        let listed = Allowed::parse(&["localhost", "127.0.0.0/8"]).unwrap();
        let ips = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        for (allowed, how, addresses, is_ok) in [
            (&none, Admitted::ByRule, &["10.0.0.1"][..], true),
            (&none, Admitted::ByRule, &["93.184.216.34", "2606:4700::1"], true),
            (&none, Admitted::ByRule, &["127.0.0.1"], false),
            (&none, Admitted::ByRule, &["93.184.216.34", "169.254.169.254"], false),
            (&none, Admitted::ByRule, &["::ffff:a9fe:a9fe"], false),
            (&listed, Admitted::ByRule, &["127.0.0.1"], true),
            (&listed, Admitted::ByList, &["::1"], true),
            (&listed, Admitted::ByList, &["169.254.169.254"], false),
            (&listed, Admitted::ByList, &["0.0.0.0"], false),
        ] {
            assert_eq!(allowed.resolved("name", how, &ips(addresses)).is_ok(), is_ok, "{addresses:?}");
        }
        let said =
            none.resolved("metadata.example", Admitted::ByRule, &ips(&["169.254.169.254"])).unwrap_err();
        assert!(said.to_string().contains("never asked") && !said.to_string().contains("169.254"), "{said}");
    }

    #[test]
    fn services_of_other_namespaces_are_listed() {
        let allowed = Allowed::parse(&["service://shared", "service://other/api"]).unwrap();
        for (namespace, name, expected) in [
            ("own", "x", true),
            ("shared", "x", true),
            ("other", "api", true),
            ("other", "db", false),
            ("third", "x", false),
        ] {
            assert_eq!(allowed.service("own", namespace, name), expected, "{namespace}/{name}");
        }
    }

    #[test]
    fn an_entry_that_is_not_understood_is_named() {
        for text in [
            "",
            "10.0.0.0/33",
            "host:0",
            "host:http",
            "http://host",
            "a b",
            "::1/129",
            "service://",
            "*.example.com",
        ] {
            let said = Allowed::parse(&["ok.example", text]).unwrap_err();
            assert!(said.contains(&format!("`{text}`")), "{said}");
        }
        for text in
            ["host", "host:80", "h.example.com.", "127.0.0.1", "[::1]:80", "::1", "10.0.0.0/8", "fd00::/8"]
        {
            assert!(Allowed::parse(&[text]).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_the_user_gave_is_known_by_its_whole_text() {
        let allowed = Allowed::default().with_given(["http://localhost:9090".to_owned()]);
        assert!(allowed.is_given("http://localhost:9090"));
        assert!(!allowed.is_given("http://localhost:9090/other"));
    }
}
