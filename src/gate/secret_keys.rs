//! Whether a Secret has its keys. Values are skipped while the answer is being read, and never held.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::Request;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::{Answered, Gate, Scope, Verdict, unanswered};
use crate::api::environment::{Preflight, SecretKeys};
use crate::api::release::GateState;
use crate::domain::health::{PreflightQuestion, Question};

/// The Secret has these keys.
pub(super) struct SecretKeysGate;

/// A Secret of which only the names of the keys are kept.
#[derive(Deserialize)]
struct KeysOnly {
    #[serde(default)]
    #[serde(deserialize_with = "keys")]
    data: BTreeSet<String>,
}

/// The keys of a map; the values are skipped in the text itself.
#[expect(clippy::zero_sized_map_values, reason = "the values are never held, which is the point")]
fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    Ok(Option::<BTreeMap<String, IgnoredAny>>::deserialize(deserializer)?
        .unwrap_or_default()
        .into_keys()
        .collect())
}

impl Gate for SecretKeysGate {
    fn name(&self) -> &'static str {
        "secret-keys"
    }

    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>> {
        let Question::Preflight(PreflightQuestion { wanted: Preflight::SecretKeys(wanted), .. }) = question
        else {
            return None;
        };
        Some(look(scope, wanted).map(Answered::from).boxed())
    }
}

async fn look(scope: &Scope, wanted: &SecretKeys) -> Verdict {
    let what = format!("Secret {}", wanted.secret);
    let uri = format!("/api/v1/namespaces/{}/secrets/{}", scope.namespace, wanted.secret);
    let Ok(request) = Request::get(uri).body(Vec::new()) else {
        return (GateState::NoData, format!("{what} has an impossible name"));
    };
    match scope.client.request::<KeysOnly>(request).await {
        Ok(secret) => judge(wanted, &secret),
        Err(kube::Error::Api(status)) if status.code == 404 => {
            (GateState::Fail, format!("{what} does not exist"))
        }
        Err(error) => unanswered(&what, &error),
    }
}

fn judge(wanted: &SecretKeys, secret: &KeysOnly) -> Verdict {
    let missing: Vec<&str> =
        wanted.keys.iter().filter(|key| !secret.data.contains(*key)).map(String::as_str).collect();
    if missing.is_empty() {
        (GateState::Pass, format!("Secret {} has its {} keys", wanted.secret, wanted.keys.len()))
    } else {
        (GateState::Fail, format!("Secret {} lacks {}", wanted.secret, missing.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_keys_are_named_and_values_are_not() {
        let wanted = SecretKeys { secret: "app".into(), keys: vec!["A".into(), "B".into()] };
        let secret: KeysOnly = serde_json::from_str(r#"{"data": {"A": "c2VjcmV0"}}"#).unwrap();
        assert_eq!(judge(&wanted, &secret), (GateState::Fail, "Secret app lacks B".into()));
        let secret: KeysOnly = serde_json::from_str(r#"{"data": {"A": "c2VjcmV0", "B": ""}}"#).unwrap();
        assert_eq!(judge(&wanted, &secret).0, GateState::Pass);
        let empty: KeysOnly = serde_json::from_str("{}").unwrap();
        assert!(judge(&wanted, &empty).1.contains("A, B"));
    }
}
