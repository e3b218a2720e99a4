//! The image does not exist, or its name is none.
//!
//! Reasons `ErrImagePull`, `ImagePullBackOff`, `InvalidImageName`, `ErrImageNeverPull`: `pkg/kubelet/images/types.go` and `image_manager.go`. The words
//! `not found` and `manifest unknown` are the registry's, which containerd hands on; since 1.32 the back-off repeats them.

use super::facts::Facts;
use super::words::{core, has, in_container, joined};
use super::{Cause, Found, Jump};

pub(super) const PULLS: [&str; 2] = ["ErrImagePull", "ImagePullBackOff"];
const WARNED: [&str; 1] = ["Failed"];

pub(super) const CAUSE: Cause = Cause { id: "image-not-found", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    if let Some((container, waiting)) = facts.waits(&["InvalidImageName"]) {
        return Some(Found {
            sentence: format!(
                "{:?} is no name of an image{}",
                container.image,
                in_container(facts, container)
            ),
            evidence: joined(&waiting.reason, &waiting.message),
            remedy: "correct the image's name in the Environment or the release".to_owned(),
            jump: Some(Jump::Describe),
        });
    }
    if let Some((container, waiting)) = facts.waits(&["ErrImageNeverPull"]) {
        return Some(Found {
            sentence: format!(
                "image {} is not on the node, and its pull policy is Never{}",
                container.image,
                in_container(facts, container)
            ),
            evidence: joined(&waiting.reason, &waiting.message),
            remedy: "set imagePullPolicy to IfNotPresent, or bring the image onto the node".to_owned(),
            jump: Some(Jump::Describe),
        });
    }
    let (container, waiting) = facts.waits(&PULLS)?;
    let words = said(facts, &waiting.message).find(|words| is_missing(words))?;
    Some(Found {
        sentence: format!("image {} does not exist{}", container.image, in_container(facts, container)),
        evidence: joined(&waiting.reason, core(words)),
        remedy: "push that tag, or release a version whose image exists".to_owned(),
        jump: Some(Jump::Describe),
    })
}

/// What the container itself says of the pull, then what was warned of.
pub(super) fn said<'a>(facts: &Facts<'a>, message: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
    std::iter::once(message).chain(facts.warned(&WARNED).map(|warning| &*warning.message))
}

fn is_missing(words: &str) -> bool {
    // `pull access denied, repository does not exist or may require authorization` decides nothing
    has(words, &["not found", "manifest unknown", "name unknown", "code = notfound"])
        && !has(words, &["access denied", "unauthorized", "lookup "])
}
