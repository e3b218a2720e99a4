//! Forgeries that the policies must refuse: complete and right in everything but the name that they carry, so that a refusal is
//! theirs and nobody else's. Sent as dry runs, which create nothing.

use std::time::Duration;

use serde_json::json;

use kube::Client;
use kube::api::{Api, PostParams};

use crate::api::{Environment, Release, ReleaseAction};
use crate::controller::metadata::{name, namespace};
use crate::domain::image_version;

/// How long the API server may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// Whose name the forgeries carry: nobody's.
const NOBODY: &str = "release-cockpit-probe";
/// Name of the objects that are never created.
const NAME: &str = "release-cockpit-probe";
/// Versions that patterns usually ask for.
const VERSIONS: [&str; 8] = ["v1.0.0", "1.0.0", "v1.0", "1.0", "v1", "1", "v2026.1.1", "main"];

/// What became of a forgery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was taken: nobody checks names.
    Accepted,
    /// A policy of that name refused it, with this code.
    Refused {
        /// Name of the policy.
        policy: String,
        /// The code before the sentence.
        code: String,
    },
    /// It was not even judged: no permission, or something else stood in its way.
    Stopped(String),
    /// The API server could not be asked.
    Lost(String),
}

/// A forgery and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    /// The policy that must refuse it.
    pub policy: &'static str,
    /// What was forged.
    pub what: &'static str,
    /// What became of it.
    pub answer: Answer,
}

/// Hands the API server one forgery of each kind.
pub(super) async fn ask(client: &Client, environment: &Environment) -> Vec<Probe> {
    let space = namespace(environment);
    let releases: Api<Release> = Api::namespaced(client.clone(), space);
    let actions: Api<ReleaseAction> = Api::namespaced(client.clone(), space);
    let (release, action) =
        tokio::join!(forge(&releases, release(environment)), forge(&actions, action(environment)));
    let probe = |policy, what, answer| Probe { policy, what, answer };
    let release = release.map(|answer| probe("release-cockpit-release", "a release", answer));
    let action = action.map(|answer| probe("release-cockpit-action", "an action", answer));
    release.into_iter().chain(action).collect()
}

/// Hands one forgery in.
async fn forge<K>(api: &Api<K>, object: serde_json::Value) -> Option<Answer>
where
    K: serde::de::DeserializeOwned + serde::Serialize + Clone + std::fmt::Debug,
{
    let forged: K = serde_json::from_value(object).ok()?;
    let params = PostParams { dry_run: true, ..PostParams::default() };
    let sent = tokio::time::timeout(PATIENCE, api.create(&params, &forged)).await;
    Some(answer(sent.map(|sent| sent.map(drop))))
}

fn answer<E>(sent: Result<Result<(), kube::Error>, E>) -> Answer {
    match sent {
        Ok(Ok(())) => Answer::Accepted,
        Ok(Err(kube::Error::Api(status))) if status.code < 500 && status.code != 429 => {
            refusal(&status.message).unwrap_or_else(|| Answer::Stopped(status.message.clone()))
        }
        Ok(Err(error)) => Answer::Lost(error.to_string()),
        Err(_) => Answer::Lost("the API server did not answer in time".to_owned()),
    }
}

/// `ValidatingAdmissionPolicy 'NAME' with binding 'NAME' denied request: CODE: sentence`.
fn refusal(message: &str) -> Option<Answer> {
    let (_, rest) = message.split_once("ValidatingAdmissionPolicy '")?;
    let (policy, rest) = rest.split_once('\'')?;
    let words = rest.split_once("denied request: ").map_or("", |(_, words)| words);
    let code = words.split_once(": ").map_or("", |(code, _)| code);
    Some(Answer::Refused { policy: policy.to_owned(), code: code.to_owned() })
}

/// A rollback, which no freeze stops, of a version that fits.
fn release(environment: &Environment) -> serde_json::Value {
    let images: Vec<_> = environment
        .spec
        .components
        .iter()
        .take(1)
        .map(|component| json!({"component": component.name, "image": format!("{}:probe", component.image)}))
        .collect();
    json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
        "metadata": {"name": NAME, "namespace": namespace(environment)},
        "spec": {
            "environment": name(environment), "version": version(environment), "kind": "Rollback",
            "requestedBy": NOBODY, "reason": "a dry run that the policies must refuse", "images": images,
        },
    })
}

fn action(environment: &Environment) -> serde_json::Value {
    json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction",
        "metadata": {"name": NAME, "namespace": namespace(environment)},
        "spec": {
            "environment": name(environment), "action": "Unfreeze", "actor": NOBODY,
            "reason": "a dry run that the policies must refuse",
        },
    })
}

/// A version that the environment's pattern admits, as far as one can be guessed.
fn version(environment: &Environment) -> String {
    let pattern = environment.spec.versions.as_ref().and_then(|versions| versions.pattern.as_deref());
    let fits = |version: &&str| {
        pattern.is_none_or(|pattern| image_version::matches(pattern, version).unwrap_or(true))
    };
    let current = environment.status.iter().flat_map(|status| &status.current);
    let guess = current.map(|current| current.version.as_str()).chain(VERSIONS).find(fits);
    guess.unwrap_or("v1.0.0").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::Versions;
    use crate::domain::fixtures::environment;

    #[test]
    fn forgeries_are_objects_that_only_their_name_betrays() {
        let mut environment = environment();
        environment.spec.versions =
            Some(Versions { pattern: Some(r"^v\d+\.\d+$".into()), ..Versions::default() });
        let forged: Release = serde_json::from_value(release(&environment)).unwrap();
        assert_eq!((forged.spec.version.as_str(), forged.spec.images.len()), ("v1.0", 1));
        let forged: ReleaseAction = serde_json::from_value(action(&environment)).unwrap();
        assert!(forged.spec.action.is_on_environment() && forged.spec.release.is_none());
    }

    #[test]
    fn a_refusal_is_known_by_the_policy_that_gave_it() {
        let refused = |policy: &str, code: &str| {
            Some(Answer::Refused { policy: policy.to_owned(), code: code.to_owned() })
        };
        for (message, expected) in [
            (
                "releases.release-cockpit.dev \"x\" is forbidden: ValidatingAdmissionPolicy 'release-cockpit-release' with binding 'b' denied request: IdentityMismatch: spec.requestedBy must be a, not b",
                refused("release-cockpit-release", "IdentityMismatch"),
            ),
            (
                "ValidatingAdmissionPolicy 'p' with binding 'b' failed: no params found for policy binding with `Deny` parameterNotFoundAction",
                refused("p", ""),
            ),
            (
                "releases.release-cockpit.dev is forbidden: User \"c\" cannot create resource \"releases\"",
                None,
            ),
        ] {
            assert_eq!(refusal(message), expected, "{message}");
        }
    }
}
