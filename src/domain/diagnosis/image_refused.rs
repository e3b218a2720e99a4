//! The registry refuses the image: no pull secret, a missing one, or one that it does not accept.
//!
//! Event `FailedToRetrieveImagePullSecret`: `pkg/kubelet/kubelet_pods.go`, `getPullSecretsForPod`. The refusals are the registry's
//! words, which containerd hands on (`remotes/docker/authorizer.go`, `resolver.go`).

use super::facts::{Facts, PodFacts};
use super::image_missing::{PULLS, said};
use super::words::{between, core, has, in_container, joined};
use super::{Cause, Found, Jump};

const NO_SECRET: [&str; 1] = ["FailedToRetrieveImagePullSecret"];

pub(super) const CAUSE: Cause = Cause { id: "image-refused", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    let (container, waiting) = facts.waits(&PULLS)?;
    if let Some(missing) = facts.warned(&NO_SECRET).next() {
        let secrets = between(&missing.message, "image pull secrets (", ")").unwrap_or("of the pod");
        return Some(Found {
            sentence: format!("pull secret {secrets} is missing, and {} needs it", container.image),
            evidence: joined(&missing.reason, &missing.message),
            remedy: format!("create it: kubectl create secret docker-registry {secrets}"),
            jump: Some(Jump::Describe),
        });
    }
    let words = said(facts, &waiting.message).find(|words| is_refused(words))?;
    let registry = container.image.split('/').next().unwrap_or_default();
    let (who, remedy) = credentials(facts.pod?);
    Some(Found {
        sentence: format!(
            "registry {registry} refuses {}: {who}{}",
            container.image,
            in_container(facts, container)
        ),
        evidence: joined(&waiting.reason, core(words)),
        remedy,
        jump: Some(Jump::Describe),
    })
}

fn is_refused(words: &str) -> bool {
    has(
        words,
        &[
            "401 unauthorized",
            "403 forbidden",
            "unauthorized:",
            "access denied",
            "authorization failed",
            "no basic auth",
        ],
    )
}

fn credentials(pod: &PodFacts) -> (String, String) {
    if pod.pull_secrets.is_empty() {
        return (
            "the pod has no pull secret".to_owned(),
            "name one in the pod template's imagePullSecrets or in its ServiceAccount".to_owned(),
        );
    }
    let names = pod.pull_secrets.join(", ");
    (format!("it does not accept pull secret {names}"), format!("renew the credentials in Secret {names}"))
}
