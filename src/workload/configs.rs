//! What ConfigMaps and Secrets hold, as hashes: a content is read, hashed and let go.

use http::Request;
use kube::Client;
use serde_json::Value;

use crate::api::config_record::ConfigKind;
use crate::domain::config_drift::{self, ABSENT, ConfigRef};

/// The hash of an object's content: `Some(None)` where it may not be read, nothing where the server gave no answer this time.
pub async fn content_hash(
    client: &Client,
    namespace: &str,
    reference: &ConfigRef,
    salt: &str,
) -> Option<Option<String>> {
    let plural = match reference.kind {
        ConfigKind::ConfigMap => "configmaps",
        ConfigKind::Secret => "secrets",
    };
    let uri = format!("/api/v1/namespaces/{namespace}/{plural}/{}", reference.name);
    let request = Request::get(uri).body(Vec::new()).ok()?;
    match client.request::<Value>(request).await {
        Ok(object) => Some(Some(config_drift::hash(salt, reference, &object))),
        Err(kube::Error::Api(status)) if status.code == 404 => Some(Some(ABSENT.to_owned())),
        Err(kube::Error::Api(status)) if status.code == 403 => Some(None),
        Err(error) => {
            tracing::debug!(namespace, plural, name = %reference.name, %error, "not hashed this time");
            None
        }
    }
}
