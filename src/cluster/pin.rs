//! What a tag means is asked once, when a release is asked for: from then on it means that content, whoever moves the tag.
//!
//! Only deployments by tag are pinned. What is promoted or brought back is what ran, and a tag may mean another content by now.

use std::time::Duration;

use futures::future::join_all;

use super::Cluster;
use super::error::{Error as ClusterError, Kind};
use super::registry::{Credentials, Error, Registries};
use crate::api::Release;
use crate::api::release::ReleaseKind;
use crate::domain::version;

/// How long people wait for registries.
const PATIENCE: Duration = Duration::from_secs(2);

impl Cluster {
    /// The release with digests beside its tags, where registries answer in time; one sentence for each component that keeps its tag
    /// alone. Its name stays, so that asking again is the same request. Fails where a registry answers that an image does not exist.
    pub async fn pinned(&self, release: &Release) -> Result<(Release, Vec<String>), ClusterError> {
        match &self.registries {
            Some(registries) if release.spec.kind == ReleaseKind::Deploy => pin(registries, release).await,
            _ => Ok((release.clone(), Vec::new())),
        }
    }
}

async fn pin(registries: &Registries, release: &Release) -> Result<(Release, Vec<String>), ClusterError> {
    let mut release = release.clone();
    let nobody = Credentials::none();
    let asked = release.spec.images.iter().map(|image| async {
        if version::digest_of(&image.image).is_some() {
            return None;
        }
        let answer = tokio::time::timeout(PATIENCE, registries.digest(&image.image, &nobody)).await;
        let late =
            |_| Err(Error::Silent { registry: image.image.clone(), why: "no answer in time".to_owned() });
        Some(answer.unwrap_or_else(late))
    });
    let answers = join_all(asked).await;
    let mut remarks = Vec::new();
    for (image, answer) in release.spec.images.iter_mut().zip(answers) {
        match answer {
            Some(Ok(digest)) => image.image = format!("{}@{digest}", image.image),
            Some(Err(error @ Error::NotThere { .. })) => {
                let sentence =
                    format!("{}: {error}. Push the image first, or check the version", image.component);
                return Err(ClusterError::new(Kind::NotFound, crate::sanitize::line(&sentence)));
            }
            Some(Err(error)) => {
                let sentence =
                    format!("warning: {}: digest not resolved ({error}); releasing by tag", image.component);
                remarks.push(crate::sanitize::line(&sentence).into_owned());
            }
            None => {}
        }
    }
    Ok((release, remarks))
}

/// Whether two lists of images mean the same: by tag where only one of them was pinned.
pub(super) fn same_images(one: &Release, other: &Release) -> bool {
    let (one, other) = (&one.spec.images, &other.spec.images);
    let same = |a: &str, b: &str| match (version::parse(a), version::parse(b)) {
        (a, b) if a.digest.is_some() && b.digest.is_some() => a == b,
        (a, b) => (a.repository, a.tag) == (b.repository, b.tag) && a.tag.is_some(),
    };
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(a, b)| a == b || (a.component == b.component && same(&a.image, &b.image)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::release;

    #[test]
    fn the_same_request_is_known_again_whether_a_registry_answered_or_not() {
        let (one, two) = (format!("sha256:{}", "1".repeat(64)), format!("sha256:{}", "2".repeat(64)));
        let with = |image: &str| {
            let mut release = release("v2");
            release.spec.images.truncate(1);
            release.spec.images[0].image = image.to_owned();
            release
        };
        for (a, b, expected) in [
            ("r/a:v1".to_owned(), "r/a:v1".to_owned(), true),
            ("r/a:v1".to_owned(), format!("r/a:v1@{one}"), true),
            (format!("r/a:v1@{one}"), format!("r/a:v1@{one}"), true),
            (format!("r/a:v1@{one}"), format!("r/a:v1@{two}"), false),
            ("r/a:v1".to_owned(), format!("r/a:v2@{one}"), false),
            ("r/b:v1".to_owned(), format!("r/a:v1@{one}"), false),
            ("r/a".to_owned(), format!("r/a@{one}"), false),
        ] {
            assert_eq!(same_images(&with(&a), &with(&b)), expected, "{a} {b}");
            assert_eq!(same_images(&with(&b), &with(&a)), expected, "{b} {a}");
        }
    }
}
