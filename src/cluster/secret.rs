//! One value out of a Secret, read at the moment of use, and only for a use that the Secret itself permits (`domain::secret_use`). It is never
//! kept, shown or logged.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret as Object;
use kube::{Api, Client};
use url::Url;

use crate::domain::secret_use::{self, SecretUse, Unmarked};

/// A value that no log, error or screen shows.
#[derive(Clone)]
pub(crate) struct SecretValue(String);

impl SecretValue {
    /// The value, for whoever it is meant for.
    #[must_use]
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl From<&str> for SecretValue {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Why there is no value. Each sentence names Secret and key, and nothing of what is in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// There is no such Secret.
    #[error("Secret {0} does not exist")]
    Missing(String),
    /// It lacks the key.
    #[error("Secret {name} lacks the key {key}")]
    NoKey {
        /// The Secret.
        name: String,
        /// The key.
        key: String,
    },
    /// What is under the key is no text.
    #[error("what Secret {name} holds under {key} is no text")]
    NoText {
        /// The Secret.
        name: String,
        /// The key.
        key: String,
    },
    /// What is under the key is no URL.
    #[error("what Secret {name} holds under {key} is no http(s) URL")]
    NoUrl {
        /// The Secret.
        name: String,
        /// The key.
        key: String,
    },
    /// It does not say that it may be used like that.
    #[error(transparent)]
    Unmarked(#[from] Unmarked),
    /// It may not be read.
    #[error(
        "Secret {0} may not be read: grant `get` on it with a Role in its namespace, as release-cockpit-secret-values shows"
    )]
    Denied(String),
    /// The API server does not answer as it should.
    #[error("Secret {name} cannot be read: {why}")]
    Unanswered {
        /// The Secret.
        name: String,
        /// What went wrong.
        why: String,
    },
}

impl SecretError {
    /// Whether a later try may succeed without anybody doing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unanswered { .. })
    }
}

/// A Secret as it was read at the moment of use. It gives a value only for a use that its annotations permit.
pub(crate) struct Opened {
    namespace: String,
    name: String,
    annotations: BTreeMap<String, String>,
    data: BTreeMap<String, ByteString>,
}

impl Opened {
    /// Reads a Secret.
    pub(crate) async fn read(client: &Client, namespace: &str, name: &str) -> Result<Self, SecretError> {
        let api: Api<Object> = Api::namespaced(client.clone(), namespace);
        let object = api.get(name).await.map_err(|error| unread(name, &error))?;
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            annotations: object.metadata.annotations.unwrap_or_default(),
            data: object.data.unwrap_or_default(),
        })
    }

    /// The value under that key, to be sent to `host` for that kind of use, without the line's end that files bring along.
    pub(crate) fn value(&self, key: &str, kind: &str, host: &str) -> Result<SecretValue, SecretError> {
        self.permit(kind, Some(host))?;
        self.raw(key)
    }

    /// The URL under that key: to be asked for that kind of use, if the Secret permits its host. A value that is no URL is not shown.
    pub(crate) fn url(&self, key: &str, kind: &str) -> Result<(SecretValue, Url), SecretError> {
        self.permit(kind, None)?;
        let value = self.raw(key)?;
        let url: Option<Url> = value.reveal().trim().parse().ok();
        let no_url = || SecretError::NoUrl { name: self.name.clone(), key: key.to_owned() };
        // the host of anything else would show a part of a value that was never meant to be an address
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(no_url)?;
        let host = secret_use::host_of(&url).ok_or_else(no_url)?;
        self.permit(kind, Some(&host))?;
        Ok((value, url))
    }

    fn permit(&self, kind: &str, host: Option<&str>) -> Result<(), SecretError> {
        let wanted =
            SecretUse { secret: self.name.clone(), kind: kind.to_owned(), host: host.map(str::to_owned) };
        Ok(secret_use::permit(&self.namespace, &self.annotations, &wanted)?)
    }

    fn raw(&self, key: &str) -> Result<SecretValue, SecretError> {
        let missing = || SecretError::NoKey { name: self.name.clone(), key: key.to_owned() };
        let bytes = self.data.get(key).ok_or_else(missing)?.0.clone();
        let text = String::from_utf8(bytes)
            .map_err(|_| SecretError::NoText { name: self.name.clone(), key: key.to_owned() })?;
        Ok(SecretValue(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// Whether a Secret permits a use. Reads no value.
pub(crate) async fn inspect(client: &Client, namespace: &str, wanted: &SecretUse) -> Result<(), SecretError> {
    let api: Api<Object> = Api::namespaced(client.clone(), namespace);
    let object = api.get_metadata(&wanted.secret).await.map_err(|error| unread(&wanted.secret, &error))?;
    Ok(secret_use::permit(namespace, &object.metadata.annotations.unwrap_or_default(), wanted)?)
}

/// The value under that key of a pull secret, whose accounts name the registries themselves that they are for: for nothing else.
pub(crate) async fn read_secret(
    client: &Client,
    namespace: &str,
    name: &str,
    key: &str,
) -> Result<SecretValue, SecretError> {
    Opened::read(client, namespace, name).await?.raw(key)
}

fn unread(name: &str, error: &kube::Error) -> SecretError {
    match error {
        kube::Error::Api(status) if status.code == 404 => SecretError::Missing(name.to_owned()),
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => SecretError::Denied(name.to_owned()),
        _ => SecretError::Unanswered { name: name.to_owned(), why: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_does_not_show_itself() {
        let value = SecretValue::from("hunter2");
        assert_eq!(format!("{value:?}"), "…");
        assert_eq!(value.reveal(), "hunter2");
    }
}
