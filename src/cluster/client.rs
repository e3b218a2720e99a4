//! Clients of one context: one for requests, which must end, and one for watches, which must not.
//!
//! Owns the timeouts. What a kubeconfig means is read beneath it: files and merging (`kubeconfig`), address and trust (`connection`),
//! proxies (`proxy`), credential plugins (`plugin`) and their renewal (`credentials`). Must not know what is asked.

mod connection;
mod credentials;
mod kubeconfig;
mod plugin;
mod proxy;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::config::{KubeconfigError, LoadDataError};
use kube::{Client, Config};

use super::error::{Error, Kind, quote};
use super::registry::Mirrors;
use crate::api::labels::CLIENT_FIELD_MANAGER;
use crate::domain::address::Allowed;
use connection::Connection;
use credentials::{Credentials, Purpose};
use kubeconfig::io_words;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may go without a byte of answer.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// Where the address of an API server and the credentials come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// `KUBECONFIG`, else `~/.kube/config`, else the ServiceAccount of the pod that we run in.
    #[default]
    Standard,
    /// This kubeconfig file.
    File(PathBuf),
    /// The text of a kubeconfig.
    Yaml(String),
    /// An API server without credentials at this URL, such as an embedded one.
    Server(String),
}

/// Which cluster to connect to, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectOptions {
    /// Where address and credentials come from.
    pub source: Source,
    /// The context; absent: the current one.
    pub context: Option<String>,
    /// Credential plugins may ask on the terminal. Never while something else draws on it.
    pub interactive: bool,
    /// Registries are asked what tags mean, under these addresses; absent: none is asked.
    pub mirrors: Option<Mirrors>,
    /// What servers may be asked besides the rule for those that Environments name.
    pub allowed: Allowed,
}

/// The two clients of one context.
#[derive(Clone)]
pub(crate) struct Clients {
    /// For requests: ends by itself when the server is silent.
    pub(crate) requests: Client,
    /// For watches: may be silent for as long as nothing happens.
    pub(crate) watches: Client,
    /// The context's name, or the host.
    pub(crate) context: String,
    /// The context's namespace.
    pub(crate) namespace: String,
}

impl Clients {
    /// Reads the configuration and builds both clients; no request is sent, but a credential plugin may run.
    pub(crate) async fn open(options: &ConnectOptions) -> Result<Self, Error> {
        let (connection, context) = load(options)?;
        let credentials = prepared(connection);
        credentials.prepare().await?;
        Ok(Self::over(&credentials, context))
    }

    /// Both clients of a configuration.
    pub(crate) fn from_config(config: Config, context: String) -> Result<Self, Error> {
        let credentials = prepared(Connection::of_config(config)?);
        credentials.prepare_now()?;
        Ok(Self::over(&credentials, context))
    }

    fn over(credentials: &Arc<Credentials>, context: String) -> Self {
        let requests = credentials.client(Purpose::Requests);
        let namespace = requests.default_namespace().to_owned();
        Self { requests, watches: credentials.client(Purpose::Watches), context, namespace }
    }
}

/// Credentials over a connection with our timeouts.
fn prepared(mut connection: Connection) -> Arc<Credentials> {
    let config = &mut connection.config;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.default_retry = false;
    if config.cluster_url.scheme_str() == Some("http") {
        // Without TLS no certificates are needed, and a machine may have none.
        config.root_cert = Some(Vec::new());
    }
    config.headers.push((http::header::USER_AGENT, user_agent()));
    Credentials::new(connection)
}

fn user_agent() -> http::HeaderValue {
    http::HeaderValue::from_str(&format!("{CLIENT_FIELD_MANAGER}/{}", env!("CARGO_PKG_VERSION")))
        .unwrap_or_else(|_| http::HeaderValue::from_static(CLIENT_FIELD_MANAGER))
}

/// The process's own environment.
fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The names of the contexts of a kubeconfig, the current one first.
pub fn contexts(source: &Source) -> Result<Vec<String>, Error> {
    let Some(merged) = kubeconfig::read(source, &environment)? else { return Ok(Vec::new()) };
    let mut names = kubeconfig::names(&merged.kubeconfig);
    if let Some(at) = names.iter().position(|name| Some(name) == merged.kubeconfig.current_context.as_ref()) {
        let current = names.remove(at);
        names.insert(0, current);
    }
    Ok(names)
}

/// Files that `KUBECONFIG` names and that do not exist.
pub fn skipped_kubeconfigs(source: &Source) -> Result<Vec<PathBuf>, Error> {
    Ok(kubeconfig::read(source, &environment)?.map(|merged| merged.skipped).unwrap_or_default())
}

fn load(options: &ConnectOptions) -> Result<(Connection, String), Error> {
    if let Source::Server(url) = &options.source {
        let uri: http::Uri = url.parse().map_err(|_| {
            Error::new(Kind::Kubeconfig, format!("`{}` is not a URL of an API server", quote(url)))
        })?;
        let host = uri.host().unwrap_or_default().to_owned();
        let context = options.context.clone().unwrap_or(host);
        return Ok((Connection::of_config(Config::new(uri))?, context));
    }
    let Some(merged) = kubeconfig::read(&options.source, &environment)? else {
        let config = Config::incluster().map_err(|_| {
            Error::new(
                Kind::Kubeconfig,
                "there is no kubeconfig: set KUBECONFIG or pass --kubeconfig FILE; to look around without a cluster: release-cockpit demo",
            )
        })?;
        return Ok((Connection::of_config(config)?, "in-cluster".to_owned()));
    };
    let selected = kubeconfig::select(&merged.kubeconfig, options.context.as_deref())?;
    let context = selected.name.clone();
    Ok((Connection::of_context(selected, options.interactive, &environment)?, context))
}

/// One sentence for a client certificate that the client library cannot load.
pub(crate) fn kubeconfig_error(error: &KubeconfigError) -> Error {
    let sentence = match error {
        KubeconfigError::LoadClientCertificate(cause) => material("client certificate", cause),
        KubeconfigError::LoadClientKey(cause) => material("client key", cause),
        KubeconfigError::ParseCertificates(_) => "a certificate in the kubeconfig is not PEM".to_owned(),
        other => format!("the kubeconfig cannot be used: {}", quote(&other.to_string())),
    };
    Error::new(Kind::Kubeconfig, sentence)
}

fn material(what: &str, error: &LoadDataError) -> String {
    match error {
        LoadDataError::ReadFile(cause, path) => {
            format!(
                "the kubeconfig's {what} {} cannot be read: {}",
                quote(&path.display().to_string()),
                io_words(cause)
            )
        }
        LoadDataError::DecodeBase64(_) => format!("the kubeconfig's {what} is not base64"),
        LoadDataError::NoBase64DataOrFile => format!("the kubeconfig gives no {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "
apiVersion: v1
kind: Config
current-context: b
clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]
users: [{name: u, user: {token: s3cret}}]
contexts:
- {name: a, context: {cluster: c, user: u, namespace: shop}}
- {name: b, context: {cluster: c, user: u}}
- {name: broken, context: {cluster: nowhere, user: u}}
";

    fn options(yaml: &str, context: Option<&str>) -> ConnectOptions {
        ConnectOptions {
            source: Source::Yaml(yaml.to_owned()),
            context: context.map(str::to_owned),
            interactive: false,
            mirrors: None,
            allowed: Allowed::default(),
        }
    }

    #[tokio::test]
    async fn picks_the_context_and_its_namespace() {
        let clients = Clients::open(&options(YAML, Some("a"))).await.unwrap();
        assert_eq!((clients.context.as_str(), clients.namespace.as_str()), ("a", "shop"));
        let clients = Clients::open(&options(YAML, None)).await.unwrap();
        assert_eq!((clients.context.as_str(), clients.namespace.as_str()), ("b", "default"));
        assert_eq!(contexts(&Source::Yaml(YAML.to_owned())).unwrap(), ["b", "a", "broken"]);
    }

    #[tokio::test]
    async fn every_fault_of_a_kubeconfig_has_its_sentence() {
        for (yaml, context, kind, part) in [
            (YAML, Some("prod"), Kind::Context, "it has a, b, broken"),
            (YAML, Some("broken"), Kind::Kubeconfig, "nowhere"),
            ("contexts: []", None, Kind::Context, "no current context"),
            ("users: [{name: u, user: {token: s3cret}}", None, Kind::Kubeconfig, "not valid YAML"),
        ] {
            let error = Clients::open(&options(yaml, context)).await.err().unwrap();
            assert_eq!(error.kind(), &kind, "{error}");
            let sentence = error.to_string();
            assert!(sentence.contains(part) && !sentence.contains("s3cret"), "{sentence}");
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_named() {
        let source = Source::File("/nonexistent/kubeconfig".into());
        let error = Clients::open(&ConnectOptions { source, ..Default::default() }).await.err().unwrap();
        assert_eq!(
            error.to_string(),
            "the kubeconfig /nonexistent/kubeconfig cannot be read: there is no such file"
        );
    }
}
