//! The registry cannot be reached, or asks to come back later.
//!
//! Reasons `ErrImagePull`, `ImagePullBackOff`, `RegistryUnavailable`: `pkg/kubelet/images/types.go`.

use super::facts::Facts;
use super::image_missing::{PULLS, said};
use super::words::{core, has, in_container, joined};
use super::{Cause, Found, Jump};

pub(super) const CAUSE: Cause = Cause { id: "image-not-pulled", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    let reasons = [PULLS[0], PULLS[1], "RegistryUnavailable"];
    let (container, waiting) = facts.waits(&reasons)?;
    let words = said(facts, &waiting.message)
        .find(|words| !has(words, &["back-off pulling image"]) && !words.starts_with("Error: "))
        .unwrap_or(&waiting.message);
    let registry = container.image.split('/').next().unwrap_or_default();
    let (why, remedy) = if has(words, &["429", "toomanyrequests", "rate limit"]) {
        (
            format!("registry {registry} asks to come back later: too many pulls"),
            "wait, or pull with credentials that have a higher limit",
        )
    } else if has(words, &["no such host", "server misbehaving"]) {
        (format!("registry {registry} has no address"), "check the image's host name and the nodes' DNS")
    } else if has(
        words,
        &["timeout", "deadline exceeded", "connection refused", "unreachable", "unexpected eof"],
    ) {
        (
            format!("registry {registry} does not answer"),
            "check the registry and the way to it from the nodes",
        )
    } else if has(words, &["x509", "certificate", "http response to https"]) {
        (format!("registry {registry} is not trusted"), "check the registry's certificate on the nodes")
    } else {
        (format!("image {} cannot be pulled", container.image), "look at the pod's events")
    };
    Some(Found {
        sentence: format!("{why}{}", in_container(facts, container)),
        evidence: joined(&waiting.reason, core(words)),
        remedy: remedy.to_owned(),
        jump: Some(Jump::Describe),
    })
}
