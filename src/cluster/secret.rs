//! One value out of a Secret, read at the moment of use. It is never kept, shown or logged.

use std::fmt;

use k8s_openapi::api::core::v1::Secret as Object;
use kube::{Api, Client};

/// A value that no log, error or screen shows.
#[derive(Clone)]
pub struct SecretValue(String);

impl SecretValue {
    /// The value, for whoever it is meant for.
    #[must_use]
    pub fn reveal(&self) -> &str {
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

/// The value under that key, without the line's end that files bring along.
pub async fn read_secret(
    client: &Client,
    namespace: &str,
    name: &str,
    key: &str,
) -> Result<SecretValue, SecretError> {
    let api: Api<Object> = Api::namespaced(client.clone(), namespace);
    let object = api.get(name).await.map_err(|error| match &error {
        kube::Error::Api(status) if status.code == 404 => SecretError::Missing(name.to_owned()),
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => SecretError::Denied(name.to_owned()),
        _ => SecretError::Unanswered { name: name.to_owned(), why: error.to_string() },
    })?;
    let missing = || SecretError::NoKey { name: name.to_owned(), key: key.to_owned() };
    let bytes = object.data.unwrap_or_default().remove(key).ok_or_else(missing)?.0;
    let text = String::from_utf8(bytes)
        .map_err(|_| SecretError::NoText { name: name.to_owned(), key: key.to_owned() })?;
    Ok(SecretValue(text.trim_end_matches(['\r', '\n']).to_owned()))
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
