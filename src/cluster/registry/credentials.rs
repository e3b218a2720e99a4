//! Accounts at registries, as `kubernetes.io/dockerconfigjson` holds them.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// The key of a pull secret.
pub const PULL_SECRET_KEY: &str = ".dockerconfigjson";

/// Accounts by server. Nothing shows them.
#[derive(Clone, Default)]
pub struct Credentials(BTreeMap<String, Account>);

/// Name and password.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) user: String,
    pub(super) password: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Credentials {
    /// Nobody's.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// What a pull secret holds; nothing where it is none.
    #[must_use]
    pub fn from_docker_config(text: &str) -> Option<Self> {
        let file: File = serde_json::from_str(text).ok()?;
        let accounts =
            file.auths.into_iter().filter_map(|(server, entry)| Some((server_of(&server), entry.account()?)));
        Some(Self(accounts.collect()))
    }

    /// The account for a server.
    pub(super) fn of(&self, host: &str) -> Option<&Account> {
        self.0.get(host)
    }
}

impl Entry {
    fn account(self) -> Option<Account> {
        if let Some(auth) = self.auth {
            let text = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
            let (user, password) = text.split_once(':')?;
            return Some(Account { user: user.to_owned(), password: password.to_owned() });
        }
        Some(Account { user: self.username?, password: self.password? })
    }
}

/// The server that is asked, of what the file calls it: `https://index.docker.io/v1/` is Docker's own.
fn server_of(name: &str) -> String {
    let name = name.split_once("://").map_or(name, |(_, rest)| rest);
    let host = name.split('/').next().unwrap_or_default();
    match host {
        "docker.io" | "index.docker.io" => "registry-1.docker.io".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_the_server_that_is_asked() {
        let text = r#"{"auths": {
            "https://index.docker.io/v1/": {"auth": "Ym9iOmh1bnRlcjI="},
            "ghcr.io": {"username": "ci", "password": "ghp"},
            "broken.io": {"auth": "!"}}}"#;
        let credentials = Credentials::from_docker_config(text).unwrap();
        let user = |host: &str| credentials.of(host).map(|account| account.user.as_str());
        assert_eq!(user("registry-1.docker.io"), Some("bob"));
        assert_eq!(user("ghcr.io"), Some("ci"));
        assert_eq!(user("broken.io"), None);
        assert_eq!(user("evil.io"), None);
        assert!(!format!("{credentials:?}").contains("hunter2"));
        assert!(Credentials::from_docker_config("not json").is_none());
    }
}
