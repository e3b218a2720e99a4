//! Accounts at registries, as `kubernetes.io/dockerconfigjson` and the older `kubernetes.io/dockercfg` hold them.
//!
//! An account is found as the kubelet finds it: by host with globs per label, port and prefix of the path, the longest first.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Deserialize;

/// The key of a pull secret.
pub const PULL_SECRET_KEY: &str = ".dockerconfigjson";
/// The key of a pull secret of the older type.
pub const OLD_PULL_SECRET_KEY: &str = ".dockercfg";

/// Docker's own registry, by the server that is asked, and what files call it.
const DOCKER: &str = "registry-1.docker.io";
const DOCKER_ALIASES: [&str; 4] = ["docker.io", "index.docker.io", "registry.hub.docker.com", DOCKER];

/// Accounts by server and path. Nothing shows them.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The most specific scope first.
    accounts: Vec<(Scope, Account)>,
    /// The Secret that they come from.
    secret: Option<String>,
}

/// What an account is for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Scope {
    /// Labels may hold `*` and `?`; may end in a port.
    host: String,
    /// Prefix of the repository with a leading slash; empty: all.
    path: String,
}

/// Name and password, or a refresh token.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) user: String,
    pub(super) password: String,
    /// What a token service takes instead of a password.
    pub(super) identity_token: Option<String>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Option<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default, rename = "identitytoken")]
    identity_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.accounts.iter().map(|(scope, _)| scope)).finish()
    }
}

impl Credentials {
    /// Nobody's.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// What a pull secret holds, in either format; nothing where it is none.
    #[must_use]
    pub fn from_docker_config(text: &str) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        let file = if value.get("auths").is_some() { value } else { serde_json::json!({"auths": value}) };
        let file: File = serde_json::from_value(file).ok()?;
        let mut accounts: Vec<(Scope, Account)> = file
            .auths
            .into_iter()
            .filter_map(|(server, entry)| Some((Scope::parse(&server), entry?.account()?)))
            .collect();
        accounts.sort_by(|(one, _), (other, _)| other.order().cmp(&one.order()));
        Some(Self { accounts, secret: None })
    }

    /// The same, named after the Secret that they come from.
    #[must_use]
    pub fn of_secret(mut self, name: &str) -> Self {
        self.secret = Some(name.to_owned());
        self
    }

    /// The accounts for a repository of a server, the most specific first.
    pub(super) fn of(&self, host: &str, repository: &str) -> Vec<&Account> {
        let is_for = |(scope, account)| Scope::matches(scope, host, repository).then_some(account);
        self.accounts.iter().map(|(scope, account)| (scope, account)).filter_map(is_for).collect()
    }

    /// What helps where there is no account for a registry.
    pub(super) fn remedy(&self, registry: &str) -> String {
        match &self.secret {
            Some(name) => {
                format!("Secret {name} has no account for {registry}: add one, or name another pull secret")
            }
            None => "name a pull secret".to_owned(),
        }
    }
}

impl Scope {
    /// Of a key such as `ghcr.io`, `https://index.docker.io/v1/` or `*.azurecr.io:8443/team`.
    fn parse(key: &str) -> Self {
        let rest = key.trim().split_once("://").map_or(key.trim(), |(_, rest)| rest);
        let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
        let path = ["v1", "v2"]
            .into_iter()
            .find_map(|version| {
                path.strip_prefix(version).filter(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            .unwrap_or(path)
            .trim_start_matches('/');
        let host = host.to_lowercase();
        let host = if DOCKER_ALIASES.contains(&host.as_str()) { DOCKER.to_owned() } else { host };
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        Self { host, path }
    }

    /// Longer paths before shorter ones, names before patterns.
    fn order(&self) -> (usize, bool, &str) {
        (self.path.len(), !self.host.contains(['*', '?']), &self.host)
    }

    fn matches(&self, host: &str, repository: &str) -> bool {
        let host = host.to_lowercase();
        let (own, theirs) = (split_port(&self.host), split_port(&host));
        let (labels, others) =
            (own.0.split('.').collect::<Vec<_>>(), theirs.0.split('.').collect::<Vec<_>>());
        own.1 == theirs.1
            && labels.len() == others.len()
            && labels.iter().zip(others).all(|(label, other)| glob(label.as_bytes(), other.as_bytes()))
            && format!("/{repository}").starts_with(&self.path)
    }
}

fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (host, None),
    }
}

/// Whether a label fits a pattern of `*` and `?`.
fn glob(pattern: &[u8], label: &[u8]) -> bool {
    match (pattern, label) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => glob(rest, label) || (!label.is_empty() && glob(pattern, &label[1..])),
        ([b'?', rest @ ..], [_, others @ ..]) => glob(rest, others),
        ([own, rest @ ..], [other, others @ ..]) => own == other && glob(rest, others),
        _ => false,
    }
}

impl Entry {
    fn account(self) -> Option<Account> {
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let identity_token = filled(self.identity_token);
        if let Some(auth) = filled(self.auth) {
            let auth = auth.trim();
            let bytes = STANDARD.decode(auth).or_else(|_| STANDARD_NO_PAD.decode(auth)).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let (user, password) = text.split_once(':')?;
            let (user, password) = (user.to_owned(), password.trim_end_matches('\0').to_owned());
            return Some(Account { user, password, identity_token });
        }
        let (user, password) = (filled(self.username), filled(self.password));
        if identity_token.is_none() && (user.is_none() || password.is_none()) {
            return None;
        }
        Some(Account {
            user: user.unwrap_or_default(),
            password: password.unwrap_or_default(),
            identity_token,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(text: &str, host: &str, repository: &str) -> Vec<String> {
        let credentials = Credentials::from_docker_config(text).unwrap();
        credentials.of(host, repository).into_iter().map(|account| account.user.clone()).collect()
    }

    #[test]
    fn accounts_are_found_by_the_server_that_is_asked() {
        let text = r#"{"auths": {
            "https://index.docker.io/v1/": {"auth": "Ym9iOmh1bnRlcjI="},
            "ghcr.io": {"username": "ci", "password": "ghp"},
            "https://reg.example:8443/v2/": {"username": "two", "password": "p"},
            "nothing.io": null, "empty.io": {},
            "broken.io": {"auth": "!"}}}"#;
        for (host, expected) in [
            (DOCKER, &["bob"][..]),
            ("ghcr.io", &["ci"]),
            ("GHCR.io", &["ci"]),
            ("reg.example:8443", &["two"]),
            ("reg.example", &[]),
            ("broken.io", &[]),
            ("nothing.io", &[]),
            ("empty.io", &[]),
            ("evil.io", &[]),
            ("a.ghcr.io", &[]),
        ] {
            assert_eq!(users(text, host, "acme/app"), expected, "{host}");
        }
        let credentials = Credentials::from_docker_config(text).unwrap();
        assert!(!format!("{credentials:?}").contains("hunter2"));
        assert!(Credentials::from_docker_config("not json").is_none());
        assert!(Credentials::from_docker_config(r#"{"auths": []}"#).is_none());
    }

    #[test]
    fn accounts_are_chosen_as_the_kubelet_chooses_them() {
        let account = |user: &str| serde_json::json!({"username": user, "password": "p"});
        let of = |keys: &[&str]| {
            let auths: serde_json::Map<_, _> =
                keys.iter().map(|key| ((*key).to_owned(), account(key))).collect();
            serde_json::json!({"auths": auths}).to_string()
        };
        for (keys, host, repository, expected) in [
            (&["h.io/acme", "h.io/other"][..], "h.io", "acme/app", &["h.io/acme"][..]),
            (
                &["h.io", "h.io/acme", "h.io/acme/app"],
                "h.io",
                "acme/app",
                &["h.io/acme/app", "h.io/acme", "h.io"],
            ),
            (&["h.io/acme/"], "h.io", "acme/app", &["h.io/acme/"]),
            (&["h.io/other"], "h.io", "acme/app", &[]),
            (&["*.azurecr.io"], "team.azurecr.io", "app", &["*.azurecr.io"]),
            (&["*.azurecr.io"], "azurecr.io", "app", &[]),
            (&["*.azurecr.io"], "a.team.azurecr.io", "app", &[]),
            (&["*.0.0.1:18120"], "127.0.0.1:18120", "app", &["*.0.0.1:18120"]),
            (&["*.0.0.1:18120"], "127.0.0.1:18121", "app", &[]),
            (&["*.*.azurecr.io"], "team.eu.azurecr.io", "app", &["*.*.azurecr.io"]),
            (
                &["te?m.azurecr.io", "*.azurecr.io", "team.azurecr.io"],
                "team.azurecr.io",
                "app",
                &["team.azurecr.io", "te?m.azurecr.io", "*.azurecr.io"],
            ),
            (&["docker.io/acme", "docker.io"], DOCKER, "acme/app", &["docker.io/acme", "docker.io"]),
            (&["https://h.io/v2/acme"], "h.io", "acme/app", &["https://h.io/v2/acme"]),
            (&["h.io/v2ray"], "h.io", "v2ray/app", &["h.io/v2ray"]),
        ] {
            assert_eq!(users(&of(keys), host, repository), expected, "{keys:?} {host}/{repository}");
        }
    }

    #[test]
    fn an_empty_auth_is_no_auth() {
        for (entry, expected) in [
            (r#"{"auth": "", "username": "u", "password": "p"}"#, Some(("u", "p", None))),
            (r#"{"auth": null, "username": "u", "password": "p"}"#, Some(("u", "p", None))),
            (r#"{"auth": "Ym9iOmEK"}"#, Some(("bob", "a\n", None))),
            (r#"{"auth": "Ym9iOmFi"}"#, Some(("bob", "ab", None))),
            (r#"{"auth": "Ym9iOmE"}"#, Some(("bob", "a", None))),
            (r#"{"auth": "Ym9iOg==", "identitytoken": "t"}"#, Some(("bob", "", Some("t")))),
            (r#"{"identitytoken": "t"}"#, Some(("", "", Some("t")))),
            (r#"{"auth": "", "username": "u"}"#, None),
            (r"{}", None),
        ] {
            let text = format!(r#"{{"auths": {{"h.io": {entry}}}}}"#);
            let credentials = Credentials::from_docker_config(&text).unwrap();
            let found = credentials.of("h.io", "a");
            let found = found
                .first()
                .map(|one| (one.user.as_str(), one.password.as_str(), one.identity_token.as_deref()));
            assert_eq!(found, expected, "{entry}");
        }
        assert_eq!(
            users(r#"{"h.io": {"username": "old", "password": "p"}}"#, "h.io", "a"),
            ["old"],
            "dockercfg"
        );
    }

    #[test]
    fn a_secret_without_an_account_is_named() {
        let credentials = Credentials::from_docker_config(r#"{"auths": {}}"#).unwrap().of_secret("pull");
        assert!(credentials.remedy("ghcr.io").starts_with("Secret pull has no account for ghcr.io"));
        assert_eq!(Credentials::none().remedy("ghcr.io"), "name a pull secret");
    }
}
