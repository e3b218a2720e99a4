//! A ConfigMap, a Secret or a key of one does not exist.
//!
//! Reason `CreateContainerConfigError`: `pkg/kubelet/kuberuntime/kuberuntime_container.go`; its words: `makeEnvironmentVariables` in
//! `pkg/kubelet/kubelet_pods.go`. Volumes: event `FailedMount`, `pkg/kubelet/volumemanager`, `pkg/volume/{configmap,secret}`.

use super::facts::Facts;
use super::words::{between, in_container, joined, word_after};
use super::{Cause, Found, Jump};

const MOUNTS: [&str; 1] = ["FailedMount"];

pub(super) const CAUSE: Cause = Cause { id: "config-missing", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    if let Some((container, waiting)) = facts.waits(&["CreateContainerConfigError"]) {
        let (what, remedy) = missing(&waiting.message).unwrap_or_else(|| {
            (
                format!("the container's configuration is wrong: {}", waiting.message),
                "look at the pod's events".to_owned(),
            )
        });
        return Some(Found {
            sentence: format!("{what}{}", in_container(facts, container)),
            evidence: joined(&waiting.reason, &waiting.message),
            remedy,
            jump: Some(Jump::Describe),
        });
    }
    let (warning, (what, remedy)) =
        facts.warned(&MOUNTS).find_map(|warning| Some((warning, missing(&warning.message)?)))?;
    Some(Found {
        sentence: what,
        evidence: joined(&warning.reason, &warning.message),
        remedy,
        jump: Some(Jump::Describe),
    })
}

/// What is missing, and how to bring it; nothing where the words tell of something else.
fn missing(message: &str) -> Option<(String, String)> {
    if let Some(key) = word_after(message, "couldn't find key ") {
        let (kind, object) = ["Secret", "ConfigMap"]
            .iter()
            .find_map(|kind| Some((*kind, word_after(message, &format!(" in {kind} "))?)))?;
        let name = object.rsplit('/').next().unwrap_or(object);
        return Some((
            format!("{kind} {name} has no key {key}"),
            format!("add {key} to {kind} {name}, or take it out of the pod template"),
        ));
    }
    if message.contains("runAsNonRoot and image will run as root") {
        return Some((
            "it must not run as root, and its image does".to_owned(),
            "give it a runAsUser, or build the image with another USER".to_owned(),
        ));
    }
    if let Some((_, rest)) = message.split_once("references non-existent ")
        && let Some(key) = word_after(rest, "key: ")
    {
        let kind = if rest.starts_with("secret") { "Secret" } else { "ConfigMap" };
        let volume = between(message, "for volume \"", "\"")
            .map_or("a volume".to_owned(), |name| format!("volume {name}"));
        return Some((
            format!("{volume} wants key {key} of a {kind} that does not have it"),
            format!("add {key} to that {kind}"),
        ));
    }
    for (kind, words) in [("Secret", "secret "), ("ConfigMap", "configmap ")] {
        if message.contains("not found")
            && let Some(name) = word_after(message, words)
        {
            return Some((
                format!("{kind} {name} does not exist"),
                format!("create {kind} {name} in this namespace before the release"),
            ));
        }
    }
    None
}
