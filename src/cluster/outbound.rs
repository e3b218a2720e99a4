//! Requests to servers that an Environment names: the one place where such a name becomes an address.
//!
//! The rule is `domain::address::Allowed`. It is applied to the address as it is written, and to every address that a name resolves to; the
//! connection is made to the very addresses that were checked. Redirects are never followed. Where a proxy is configured, names are also
//! resolved beforehand, because the proxy resolves them itself.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::TcpStream;
use url::Url;

use crate::domain::address::{Admitted, Allowed, Refused};

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Variables that name a proxy.
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// How names become addresses.
pub trait Lookup: Send + Sync {
    /// Every address of a host.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// As the machine resolves names.
struct System;

impl Lookup for System {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        async move { Ok(tokio::net::lookup_host((host.as_str(), 0)).await?.map(|address| address.ip()).collect()) }
            .boxed()
    }
}

/// Asks servers that an Environment names. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    allowed: Arc<Allowed>,
    lookup: Arc<dyn Lookup>,
    /// Hosts of the configured proxies.
    proxies: Arc<[String]>,
    by_rule: Client,
    by_list: Client,
}

/// Built when it is first needed: certificates are read for it.
type Client = Arc<OnceLock<Result<reqwest::Client, String>>>;

impl Default for Outbound {
    fn default() -> Self {
        Self::new(Allowed::default())
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Outbound {
    /// By the rule, and what is allowed besides.
    #[must_use]
    pub fn new(allowed: Allowed) -> Self {
        let named =
            PROXIES.iter().filter_map(|name| std::env::var(name).ok()).filter(|value| !value.is_empty());
        let host = |value: String| {
            let with_scheme = if value.contains("://") { value } else { format!("http://{value}") };
            with_scheme.parse::<Url>().ok()?.host_str().map(str::to_ascii_lowercase)
        };
        Self {
            allowed: Arc::new(allowed),
            lookup: Arc::new(System),
            proxies: named.filter_map(host).collect(),
            by_rule: Client::default(),
            by_list: Client::default(),
        }
    }

    /// With names resolved by somebody else.
    #[must_use]
    pub fn with_lookup(self, lookup: Arc<dyn Lookup>) -> Self {
        Self { lookup, by_rule: Client::default(), by_list: Client::default(), ..self }
    }

    /// What may be asked.
    #[must_use]
    pub fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// A client for requests to the server of that URL. Needs an installed TLS provider.
    pub async fn client(&self, url: &Url) -> Result<reqwest::Client, Refused> {
        let how = self.allowed.admit(url)?;
        self.precheck(url, how).await?;
        let kept = match how {
            Admitted::ByRule => &self.by_rule,
            Admitted::ByList => &self.by_list,
        };
        let built = kept.get_or_init(|| {
            let built = self.configured(how).connect_timeout(CONNECT_TIMEOUT).build();
            built.map_err(|error| format!("no HTTP client could be built: {}", super::web::why(error)))
        });
        built.clone().map_err(Refused)
    }

    /// The beginning of a client for the server of that URL, for whoever needs other timeouts. [`Self::precheck_url`] comes before each request.
    pub fn builder(&self, url: &Url) -> Result<reqwest::ClientBuilder, Refused> {
        Ok(self.configured(self.allowed.admit(url)?))
    }

    /// Whether the server may be asked where a proxy would resolve its name.
    pub async fn precheck_url(&self, url: &Url) -> Result<(), Refused> {
        self.precheck(url, self.allowed.admit(url)?).await
    }

    fn configured(&self, how: Admitted) -> reqwest::ClientBuilder {
        let resolver = Resolver {
            allowed: self.allowed.clone(),
            lookup: self.lookup.clone(),
            proxies: self.proxies.clone(),
            how,
        };
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("release-cockpit/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(resolver))
    }

    async fn precheck(&self, url: &Url, how: Admitted) -> Result<(), Refused> {
        let (false, Some(name)) = (self.proxies.is_empty(), url.domain()) else { return Ok(()) };
        // a name that only the proxy can resolve is the proxy's to judge
        match self.lookup.lookup(name.to_owned()).await {
            Ok(addresses) => self.allowed.resolved(name, how, &addresses),
            Err(_) => Ok(()),
        }
    }

    /// Opens a connection to a host, by name or address.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
        let addresses = self.addresses(host, port).await?;
        Ok(TcpStream::connect(addresses.as_slice()).await?)
    }

    /// The checked addresses of a host, by name or address; never none.
    pub async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
        let how = self.allowed.host(host, Some(port))?;
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let ips = if let Ok(ip) = name.parse::<IpAddr>() {
            vec![ip]
        } else {
            let ips = self.lookup.lookup(name.to_owned()).await?;
            self.allowed.resolved(name, how, &ips)?;
            ips
        };
        if ips.is_empty() {
            return Err(io::Error::from(io::ErrorKind::NotFound).into());
        }
        Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is not asked.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It cannot be reached.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Resolves names for a client, and gives it only what may be asked.
struct Resolver {
    allowed: Arc<Allowed>,
    lookup: Arc<dyn Lookup>,
    proxies: Arc<[String]>,
    how: Admitted,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let (allowed, lookup) = (self.allowed.clone(), self.lookup.clone());
        // the environment of the process names its proxy, not an Environment
        let how = if self.proxies.contains(&name.to_ascii_lowercase()) { Admitted::ByList } else { self.how };
        Box::pin(async move {
            let ips = lookup.lookup(name.clone()).await?;
            allowed.resolved(&name, how, &ips)?;
            let addresses: Addrs = Box::new(ips.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Another answer to each question, the last one for ever: a name that is rebound.
    struct Rebinding(Mutex<VecDeque<Vec<IpAddr>>>);

    impl Rebinding {
        fn new(answers: &[&[&str]]) -> Arc<Self> {
            let parsed = answers.iter().map(|ips| ips.iter().map(|ip| ip.parse().unwrap()).collect());
            Arc::new(Self(Mutex::new(parsed.collect())))
        }
    }

    impl Lookup for Rebinding {
        fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let mut answers = self.0.lock().unwrap();
            let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            std::future::ready(Ok(answer.unwrap_or_default())).boxed()
        }
    }

    /// A server on the loopback that counts connections and answers each with the same text.
    async fn server(answer: &'static str) -> (u16, Arc<AtomicUsize>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        (port, count)
    }

    async fn get(outbound: &Outbound, url: &str) -> Result<u16, String> {
        rustls::crypto::ring::default_provider().install_default().ok();
        let url: Url = url.parse().unwrap();
        let client = outbound.client(&url).await.map_err(|refused| refused.to_string())?;
        let answer = client.get(url).send().await.map_err(super::super::web::why)?;
        Ok(answer.status().as_u16())
    }

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    #[tokio::test]
    async fn a_name_that_resolves_to_the_machine_itself_is_not_connected_to() {
        let (port, count) = server(OK).await;
        for answers in
            [&[&["127.0.0.1"][..]][..], &[&["93.184.216.34", "127.0.0.1"]], &[&["::ffff:127.0.0.1"]]]
        {
            let outbound = Outbound::default().with_lookup(Rebinding::new(answers));
            let said = get(&outbound, &format!("http://rebound.example:{port}/")).await.unwrap_err();
            assert!(said.contains("rebound.example resolves to a loopback address"), "{said}");
            assert!(outbound.connect("rebound.example", port).await.is_err());
        }
        assert_eq!(count.load(Ordering::SeqCst), 0);
        let listed = Outbound::new(Allowed::parse(&["127.0.0.0/8"]).unwrap());
        let listed = listed.with_lookup(Rebinding::new(&[&["127.0.0.1"]]));
        assert_eq!(get(&listed, &format!("http://rebound.example:{port}/")).await, Ok(200));
        assert!(listed.connect("rebound.example", port).await.is_ok());
    }

    #[tokio::test]
    async fn each_connection_is_made_to_what_was_checked_for_it() {
        let (port, count) = server(OK).await;
        // good when it is looked at for the first time, the machine itself when a connection is made
        let rebinding = Rebinding::new(&[&["10.255.255.1"], &["127.0.0.1"]]);
        let outbound = Outbound { proxies: Arc::from(["proxy.example".to_owned()]), ..Outbound::default() };
        let outbound = outbound.with_lookup(rebinding);
        let said = get(&outbound, &format!("http://rebound.example:{port}/")).await.unwrap_err();
        assert!(said.contains("resolves to a loopback address"), "{said}");
        assert_eq!(count.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn an_address_skips_no_check_and_a_redirect_is_an_answer() {
        let (port, count) = server(OK).await;
        for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "127.0.0.1."] {
            assert!(get(&Outbound::default(), &format!("http://{host}:{port}/")).await.is_err(), "{host}");
        }
        assert_eq!(count.load(Ordering::SeqCst), 0);
        let moved: &'static str = Box::leak(
            format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{port}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .into_boxed_str(),
        );
        let (other, _) = server(moved).await;
        let listed = Outbound::new(Allowed::parse(&["127.0.0.1"]).unwrap());
        assert_eq!(get(&listed, &format!("http://127.0.0.1:{other}/")).await, Ok(302));
        assert_eq!(count.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_proxy_of_the_process_may_be_on_the_machine_itself() {
        let outbound = Outbound { proxies: Arc::from(["proxy.local".to_owned()]), ..Outbound::default() };
        let outbound = outbound.with_lookup(Rebinding::new(&[&["127.0.0.1"]]));
        let resolver = |how| Resolver {
            allowed: outbound.allowed.clone(),
            lookup: outbound.lookup.clone(),
            proxies: outbound.proxies.clone(),
            how,
        };
        let resolve = |name: &str| resolver(Admitted::ByRule).resolve(name.parse().unwrap());
        assert!(resolve("proxy.local").await.is_ok());
        assert!(resolve("other.local").await.is_err());
    }
}
