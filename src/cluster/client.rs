//! Clients of one context: one for requests, which must end, and one for watches, which must not.
//!
//! Owns reading the kubeconfig and the timeouts. Must not know what is asked.

use std::path::PathBuf;
use std::time::Duration;

use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError, LoadDataError};
use kube::{Client, Config};

use super::error::{Error, Kind, quote};
use super::registry::Mirrors;
use crate::api::labels::CLIENT_FIELD_MANAGER;

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
        let (mut config, context) = load(options).await?;
        if !options.interactive
            && let Some(exec) = &mut config.auth_info.exec
        {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
        // Building a client may run a plugin and reads the system's certificates: both block.
        tokio::task::spawn_blocking(move || Self::from_config(config, context))
            .await
            .map_err(|_| Error::new(Kind::Credentials, "the kubeconfig's credentials could not be loaded"))?
    }

    /// Both clients of a configuration.
    pub(crate) fn from_config(mut config: Config, context: String) -> Result<Self, Error> {
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.default_retry = false;
        if config.cluster_url.scheme_str() == Some("http") {
            // Without TLS no certificates are needed, and a machine may have none.
            config.root_cert = Some(Vec::new());
        }
        config.headers.push((http::header::USER_AGENT, user_agent()));
        let mut for_requests = config.clone();
        for_requests.read_timeout = Some(READ_TIMEOUT);
        for_requests.reset_reader_on_write = true;
        let namespace = config.default_namespace.clone();
        let build = |config| Client::try_from(config).map_err(|error| Error::of(error, "the API server"));
        Ok(Self { requests: build(for_requests)?, watches: build(config)?, context, namespace })
    }
}

fn user_agent() -> http::HeaderValue {
    http::HeaderValue::from_str(&format!("{CLIENT_FIELD_MANAGER}/{}", env!("CARGO_PKG_VERSION")))
        .unwrap_or_else(|_| http::HeaderValue::from_static(CLIENT_FIELD_MANAGER))
}

/// The names of the contexts of a kubeconfig, the current one first.
pub fn contexts(source: &Source) -> Result<Vec<String>, Error> {
    let Some(kubeconfig) = read(source)? else { return Ok(Vec::new()) };
    let mut names = names(&kubeconfig);
    if let Some(at) = names.iter().position(|name| Some(name) == kubeconfig.current_context.as_ref()) {
        let current = names.remove(at);
        names.insert(0, current);
    }
    Ok(names)
}

async fn load(options: &ConnectOptions) -> Result<(Config, String), Error> {
    if let Source::Server(url) = &options.source {
        let uri: http::Uri = url.parse().map_err(|_| {
            Error::new(Kind::Kubeconfig, format!("`{}` is not a URL of an API server", quote(url)))
        })?;
        let host = uri.host().unwrap_or_default().to_owned();
        return Ok((Config::new(uri), options.context.clone().unwrap_or(host)));
    }
    let Some(kubeconfig) = read(&options.source)? else {
        return Config::incluster().map(|config| (config, "in-cluster".to_owned())).map_err(|_| {
            Error::new(
                Kind::Kubeconfig,
                "there is no kubeconfig: set KUBECONFIG or pass --kubeconfig FILE; to look around without a cluster: release-cockpit demo",
            )
        });
    };
    let known = names(&kubeconfig);
    let context = options.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let selected = KubeConfigOptions { context: options.context.clone(), cluster: None, user: None };
    let config = Config::from_custom_kubeconfig(kubeconfig, &selected)
        .await
        .map_err(|error| kubeconfig_error(&error, &known))?;
    Ok((config, context))
}

fn names(kubeconfig: &Kubeconfig) -> Vec<String> {
    kubeconfig.contexts.iter().map(|context| context.name.clone()).collect()
}

/// The kubeconfig; none when nothing names one and we may be inside a pod.
fn read(source: &Source) -> Result<Option<Kubeconfig>, Error> {
    match source {
        Source::Server(_) => Ok(None),
        Source::File(path) => Kubeconfig::read_from(path).map(Some),
        Source::Yaml(text) => Kubeconfig::from_yaml(text).map(Some),
        Source::Standard => match Kubeconfig::read() {
            Err(KubeconfigError::FindPath) => return Ok(None),
            Err(KubeconfigError::ReadConfig(error, _))
                if error.kind() == std::io::ErrorKind::NotFound
                    && std::env::var_os("KUBECONFIG").is_none() =>
            {
                return Ok(None);
            }
            answer => answer.map(Some),
        },
    }
    .map_err(|error| kubeconfig_error(&error, &[]))
}

/// One sentence for whatever is wrong with a kubeconfig; `known` are the contexts that exist.
pub(crate) fn kubeconfig_error(error: &KubeconfigError, known: &[String]) -> Error {
    let known = if known.is_empty() { "none".to_owned() } else { quote(&known.join(", ")) };
    let sentence = match error {
        KubeconfigError::ReadConfig(cause, path) => {
            format!(
                "the kubeconfig {} cannot be read: {}",
                quote(&path.display().to_string()),
                io_words(cause)
            )
        }
        KubeconfigError::Parse(cause) => {
            // Only the first line: the parser's snippet may show a token.
            let first = cause.to_string();
            format!("the kubeconfig is not valid YAML: {}", quote(first.lines().next().unwrap_or_default()))
        }
        KubeconfigError::CurrentContextNotSet => {
            let sentence =
                format!("the kubeconfig has no current context: pass --context NAME (it has: {known})");
            return Error::new(Kind::Context, sentence);
        }
        KubeconfigError::LoadContext(name) => {
            let sentence = format!("the kubeconfig has no context {}: it has {known}", quote(name));
            return Error::new(Kind::Context, sentence);
        }
        KubeconfigError::LoadClusterOfContext(name) => {
            format!("the kubeconfig's context names the cluster {}, which it does not define", quote(name))
        }
        KubeconfigError::MissingClusterUrl => "the kubeconfig's cluster has no `server:`".to_owned(),
        KubeconfigError::LoadCertificateAuthority(cause) => material("certificate authority", cause),
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

fn io_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => quote(&error.to_string()),
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
