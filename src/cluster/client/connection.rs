//! What a context means for a connection: address, trusted certificates, identity, proxy, and where the credentials come from.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use kube::Config;
use kube::config::{AuthInfo, Cluster, ExecConfig};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::ExposeSecret as _;

use super::super::error::{Error, Kind, quote};
use super::kubeconfig::{Selected, Variables, io_words};
use super::plugin::Plugin;
use super::proxy::{self, Proxy};

/// Where the `Authorization` header of a request comes from.
#[derive(Clone, Debug)]
pub(super) enum Method {
    /// Nobody, a client certificate, or the client library's OIDC provider.
    Unchanged,
    /// The same header always.
    Fixed(HeaderValue),
    /// A file that somebody rewrites; the header until it can be read.
    File(PathBuf, Option<HeaderValue>),
    /// A credential plugin.
    Plugin(Box<Plugin>),
}

/// Everything that a connection needs but what is renewed.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) config: Config,
    pub(super) method: Method,
    pub(super) proxy: Option<Proxy>,
}

impl Connection {
    /// Of a configuration that somebody else has read, such as the one inside a pod.
    pub(super) fn of_config(mut config: Config) -> Result<Self, Error> {
        let user = std::mem::take(&mut config.auth_info);
        let (method, rest) = split(user, |exec| Plugin::new(exec, &Cluster::default(), &[], false))?;
        config.auth_info = rest;
        let proxy = config.proxy_url.clone().map(|url| Proxy { url, source: "proxy-url" });
        Ok(Self { config, method, proxy })
    }

    /// Of a context; `at_terminal` says whether a plugin may ask there.
    pub(super) fn of_context(
        selected: Selected,
        at_terminal: bool,
        variables: Variables<'_>,
    ) -> Result<Self, Error> {
        let Selected { namespace, cluster, user, .. } = selected;
        let server = server(&cluster, &user)?;
        let pem = authorities(&cluster)?;
        let proxy = proxy::choose(&server, cluster.proxy_url.as_deref(), variables)?;
        let (method, rest) = split(user, |exec| Plugin::new(exec, &cluster, &pem, at_terminal))?;
        let mut config = Config::new(server);
        config.default_namespace = namespace;
        config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
        config.root_cert = if pem.is_empty() { None } else { Some(trusted(&pem)?) };
        config.disable_compression = cluster.disable_compression.unwrap_or(false);
        config.tls_server_name = cluster.tls_server_name;
        config.proxy_url = proxy.as_ref().map(|proxy| proxy.url.clone());
        config.auth_info = rest;
        Ok(Self { config, method, proxy })
    }
}

/// The server's address; without a scheme it is `https` where anything says TLS, as kubectl reads it.
fn server(cluster: &Cluster, user: &AuthInfo) -> Result<Uri, Error> {
    let given = cluster.server.as_deref().unwrap_or_default().trim();
    if given.is_empty() {
        return Err(Error::new(Kind::Kubeconfig, "the kubeconfig's cluster has no `server:`"));
    }
    let has_tls = cluster.insecure_skip_tls_verify == Some(true)
        || cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some();
    let whole = match given.contains("://") {
        true => given.to_owned(),
        false if has_tls => format!("https://{given}"),
        false => format!("http://{given}"),
    };
    let is_usable = |uri: &Uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"));
    whole.parse::<Uri>().ok().filter(is_usable).ok_or_else(|| {
        Error::new(
            Kind::Kubeconfig,
            format!("the kubeconfig's `server: {}` is not a URL of an API server", quote(given)),
        )
    })
}

/// The cluster's certificate authorities in PEM; empty: the system's.
fn authorities(cluster: &Cluster) -> Result<Vec<u8>, Error> {
    const WHAT: &str = "the kubeconfig's certificate authority";
    if let Some(data) = &cluster.certificate_authority_data {
        return STANDARD
            .decode(data)
            .map_err(|_| Error::new(Kind::Kubeconfig, format!("{WHAT} is not base64")));
    }
    let Some(path) = &cluster.certificate_authority else { return Ok(Vec::new()) };
    std::fs::read(path).map_err(|error| {
        Error::new(Kind::Kubeconfig, format!("{WHAT} {} cannot be read: {}", quote(path), io_words(&error)))
    })
}

/// The certificates that can be trusted; one that cannot be read does not spoil the others.
fn trusted(pem: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let all = CertificateDer::pem_slice_iter(pem).map_while(Result::ok);
    let usable: Vec<Vec<u8>> = all
        .filter(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok())
        .map(|certificate| certificate.to_vec())
        .collect();
    if usable.is_empty() {
        return Err(Error::new(
            Kind::Kubeconfig,
            "the kubeconfig's certificate authority holds no certificate in PEM: correct `certificate-authority`",
        ));
    }
    Ok(usable)
}

/// Splits a user into where the header comes from and what the client library needs: impersonation, a client certificate, OIDC.
///
/// The order is client-go's: a token, then a password; a plugin only where neither these nor a certificate are given.
fn split(
    mut user: AuthInfo,
    plugin: impl FnOnce(ExecConfig) -> Result<Plugin, Error>,
) -> Result<(Method, AuthInfo), Error> {
    let has_certificate = user.client_certificate.is_some() || user.client_certificate_data.is_some();
    if !has_certificate {
        // A key alone identifies nobody.
        (user.client_key, user.client_key_data) = (None, None);
    }
    let token = user.token.take().filter(|token| !token.expose_secret().trim().is_empty());
    let token = token.map(|token| bearer(token.expose_secret())).transpose()?;
    let (name, password, exec) = (user.username.take(), user.password.take(), user.exec.take());
    let file = user.token_file.take().filter(|path| !path.is_empty());
    let provider = user.auth_provider.take();
    let method = if let Some(path) = file {
        let path = PathBuf::from(path);
        let header = match (read_token(&path), token) {
            (Ok(header), _) => header,
            (Err(_), Some(token)) => token,
            (Err(error), None) => return Err(error),
        };
        Method::File(path, Some(header))
    } else if let Some(token) = token {
        Method::Fixed(token)
    } else if name.is_some() || password.is_some() {
        let password = password.as_ref().map_or("", |password| password.expose_secret());
        let pair = STANDARD.encode(format!("{}:{password}", name.unwrap_or_default()));
        Method::Fixed(header(&format!("Basic {pair}"))?)
    } else if let Some(provider) = provider {
        if provider.name != "oidc" {
            return Err(removed(&provider.name));
        }
        user.auth_provider = Some(provider);
        Method::Unchanged
    } else if let Some(exec) = exec.filter(|_| !has_certificate) {
        Method::Plugin(Box::new(plugin(exec)?))
    } else {
        Method::Unchanged
    };
    Ok((method, user))
}

/// A provider that Kubernetes has removed, with what took its place.
fn removed(name: &str) -> Error {
    let instead = match name {
        "gcp" => "install gke-gcloud-auth-plugin and run `gcloud container clusters get-credentials` again",
        "azure" => "install kubelogin and run `kubelogin convert-kubeconfig`",
        _ => "use a credential plugin (`exec`) instead",
    };
    let sentence = format!(
        "the kubeconfig's `auth-provider: {}` does not exist since Kubernetes 1.26: {instead}",
        quote(name)
    );
    Error::new(Kind::Credentials, sentence)
}

/// The header of a token; white space around it is no part of it.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, Error> {
    header(&format!("Bearer {}", token.trim()))
}

fn header(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        let sentence = "the kubeconfig's token or password holds characters that HTTP does not allow";
        Error::new(Kind::Credentials, sentence)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The header of the token in a file.
pub(super) fn read_token(path: &std::path::Path) -> Result<HeaderValue, Error> {
    let named = || quote(&path.display().to_string());
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(
            Kind::Credentials,
            format!("the token file {} cannot be read: {}", named(), io_words(&error)),
        )
    })?;
    if text.trim().is_empty() {
        return Err(Error::new(Kind::Credentials, format!("the token file {} is empty", named())));
    }
    bearer(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn connection(cluster: &Value, user: &Value) -> Result<Connection, Error> {
        let selected = Selected {
            name: "c".into(),
            namespace: "default".into(),
            cluster: serde_json::from_value(cluster.clone()).unwrap(),
            user: serde_json::from_value(user.clone()).unwrap(),
        };
        Connection::of_context(selected, false, &|_| None)
    }

    fn shown(connection: &Connection) -> String {
        match &connection.method {
            Method::Unchanged => "none".to_owned(),
            Method::Fixed(header) | Method::File(_, Some(header)) => header.to_str().unwrap().to_owned(),
            Method::File(_, None) => "file".to_owned(),
            Method::Plugin(_) => "plugin".to_owned(),
        }
    }

    #[test]
    fn credentials_are_chosen_in_the_order_of_client_go() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        std::fs::write(&file, "from-file\n\n").unwrap();
        let exec = json!({"command": "x"});
        for (user, expected) in [
            (json!({}), "none"),
            (json!({"token": "t"}), "Bearer t"),
            (json!({"token": " t\n"}), "Bearer t"),
            (json!({"tokenFile": file}), "Bearer from-file"),
            (json!({"tokenFile": file, "token": "t"}), "Bearer from-file"),
            (json!({"tokenFile": "/gone", "token": "t"}), "Bearer t"),
            (json!({"username": "u", "password": "p:q"}), "Basic dTpwOnE="),
            (json!({"username": "u"}), "Basic dTo="),
            (json!({"exec": exec}), "plugin"),
            (json!({"exec": exec, "token": "t"}), "Bearer t"),
            (json!({"exec": exec, "username": "u"}), "Basic dTo="),
            (json!({"exec": exec, "client-certificate-data": "eA==", "client-key-data": "eA=="}), "none"),
            (json!({"auth-provider": {"name": "oidc"}}), "none"),
        ] {
            let connection = connection(&json!({"server": "http://c"}), &user).unwrap();
            assert_eq!(shown(&connection), expected, "{user}");
            let rest = serde_json::to_string(&connection.config.auth_info).unwrap();
            assert!(!rest.contains("from-file") && !rest.contains("command"), "{rest}");
        }
        std::fs::write(&file, " \n").unwrap();
        for (user, part) in [
            (json!({"tokenFile": file}), "is empty"),
            (json!({"tokenFile": "/gone"}), "/gone cannot be read: there is no such file"),
            (json!({"auth-provider": {"name": "gcp"}}), "gke-gcloud-auth-plugin"),
            (json!({"auth-provider": {"name": "azure"}}), "kubelogin"),
            (json!({"auth-provider": {"name": "tectonic"}}), "credential plugin"),
            (json!({"token": "a\nb"}), "HTTP does not allow"),
        ] {
            let sentence = connection(&json!({"server": "http://c"}), &user).unwrap_err().to_string();
            assert!(sentence.contains(part), "{sentence}");
        }
    }

    #[test]
    fn a_server_without_a_scheme_is_read_as_kubectl_reads_it() {
        for (cluster, user, expected) in [
            (json!({"server": "https://c:6443/"}), json!({}), "https://c:6443/"),
            (json!({"server": "HTTPS://c/as/alice"}), json!({}), "https://c/as/alice"),
            (json!({"server": "c:8080"}), json!({}), "http://c:8080/"),
            (json!({"server": "c"}), json!({}), "http://c/"),
            (json!({"server": "c:6443", "insecure-skip-tls-verify": true}), json!({}), "https://c:6443/"),
            (json!({"server": "c:6443"}), json!({"client-certificate-data": "eA=="}), "https://c:6443/"),
            (json!({"server": "https://[::1]:6443"}), json!({}), "https://[::1]:6443/"),
        ] {
            assert_eq!(
                connection(&cluster, &user).unwrap().config.cluster_url.to_string(),
                expected,
                "{cluster}"
            );
        }
        for wrong in ["", "ftp://c", "http://", "https://a b"] {
            assert!(connection(&json!({"server": wrong}), &json!({})).is_err(), "{wrong}");
        }
    }

    #[test]
    fn certificate_authorities_are_read_leniently() {
        let pem = include_str!("../../../tests/fixtures/certificate.pem");
        let of = |text: &str| {
            connection(
                &json!({"server": "https://c", "certificate-authority-data": STANDARD.encode(text)}),
                &json!({}),
            )
            .map(|connection| connection.config.root_cert.map(|all| all.len()))
        };
        assert_eq!(of(pem).unwrap(), Some(1));
        assert_eq!(of(&format!("# comment\n{}\ntext\n{pem}", pem.replace('\n', "\r\n"))).unwrap(), Some(2));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(of(&format!("{broken}{pem}")).unwrap(), Some(1));
        assert!(of(broken).unwrap_err().to_string().contains("no certificate in PEM"));
        assert!(of("nothing").unwrap_err().to_string().contains("no certificate in PEM"));
        let directory = tempfile::tempdir().unwrap();
        let empty = directory.path().join("ca.crt");
        std::fs::write(&empty, "").unwrap();
        let file = |path: &std::path::Path| {
            connection(&json!({"server": "https://c", "certificate-authority": path}), &json!({}))
        };
        assert_eq!(file(&empty).unwrap().config.root_cert, None, "an empty file leaves the system's");
        assert!(
            file(&directory.path().join("gone")).unwrap_err().to_string().contains("there is no such file")
        );
    }

    #[test]
    fn a_key_without_a_certificate_identifies_nobody() {
        let connection =
            connection(&json!({"server": "http://c"}), &json!({"client-key-data": "eA=="})).unwrap();
        assert!(connection.config.auth_info.client_key_data.is_none());
    }
}
