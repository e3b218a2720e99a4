//! Whether a digest is what its registry has under the tag of the version: else the version that people see is not what would run.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::image_exists::credentials;
use super::{Answered, Gate, Scope, Verdict};
use crate::api::release::GateState;
use crate::cluster::registry::{Credentials, Error, Found};
use crate::domain::health::{self, ImageIndex, Question};

/// The registry has that digest under that tag.
pub(super) struct ImageTagGate;

impl Gate for ImageTagGate {
    fn name(&self) -> &'static str {
        "image-version"
    }

    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>> {
        let Question::ImageTag { image, digest, pull_secret } = question else { return None };
        Some(look(scope, image, digest, pull_secret.as_deref()).boxed())
    }
}

async fn look(scope: &Scope, image: &str, digest: &str, pull_secret: Option<&str>) -> Answered {
    let credentials = match pull_secret {
        Some(name) => match credentials(scope, name).await {
            Ok(credentials) => credentials,
            Err(why) => return (GateState::NoData, why).into(),
        },
        None => Credentials::none(),
    };
    let answer = scope.registries.look(image, &credentials).await;
    let found = answer.as_ref().ok().map(|found| {
        let (digest, children) = (found.digest.clone(), found.children.clone());
        health::Found::Index(ImageIndex { digest, children })
    });
    let (state, detail) = judge(image, digest, answer);
    Answered { state, detail, found }
}

fn judge(image: &str, digest: &str, found: Result<Found, Error>) -> Verdict {
    match found {
        Ok(found) if found.digest == digest => (GateState::Pass, format!("{image} is {}", short(digest))),
        Ok(found) if found.children.iter().any(|child| child == digest) => {
            (GateState::Pass, format!("{image} holds {} for one platform", short(digest)))
        }
        Ok(found) => (
            GateState::Fail,
            format!("{image} is {} in its registry, not {}", short(&found.digest), short(digest)),
        ),
        Err(error @ (Error::NotThere { .. } | Error::Reference(_))) => (GateState::Fail, error.to_string()),
        Err(error) => (GateState::NoData, format!("what {image} is cannot be found out: {error}")),
    }
}

fn short(digest: &str) -> String {
    digest.chars().take("sha256:".len() + 12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_registry_has_under_the_tag_passes() {
        let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
        let found = || Found { digest: digest("a"), children: vec![digest("b")], platforms: Vec::new() };
        let registry = || "ghcr.io".to_owned();
        for (wanted, answer, state, sentence) in [
            (digest("a"), Ok(found()), GateState::Pass, "r/a:v1 is sha256:aaaaaaaaaaaa"),
            (digest("b"), Ok(found()), GateState::Pass, "r/a:v1 holds sha256:bbbbbbbbbbbb for one platform"),
            (
                digest("c"),
                Ok(found()),
                GateState::Fail,
                "r/a:v1 is sha256:aaaaaaaaaaaa in its registry, not sha256:cccccccccccc",
            ),
            (
                digest("a"),
                Err(Error::NotThere { registry: registry(), image: "r/a:v1".into() }),
                GateState::Fail,
                "ghcr.io has no r/a:v1",
            ),
            (
                digest("a"),
                Err(Error::Busy(registry())),
                GateState::NoData,
                "what r/a:v1 is cannot be found out",
            ),
        ] {
            let (found, detail) = judge("r/a:v1", &wanted, answer);
            assert_eq!(found, state, "{detail}");
            assert!(detail.starts_with(sentence), "{detail}");
        }
    }
}
