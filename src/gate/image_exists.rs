//! Whether an image is in its registry, for every platform that it must run on.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Answered, Gate, Scope, Verdict};
use crate::api::environment::{ImageExists, Preflight};
use crate::api::release::GateState;
use crate::cluster::registry::{Credentials, Error, Found, OLD_PULL_SECRET_KEY, PULL_SECRET_KEY};
use crate::cluster::secret::{SecretError, read_secret};
use crate::domain::health::{PreflightQuestion, Question};

/// The image exists in its registry.
pub(super) struct ImageExistsGate;

impl Gate for ImageExistsGate {
    fn name(&self) -> &'static str {
        "image-exists"
    }

    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>> {
        let Question::Preflight(PreflightQuestion { wanted: Preflight::ImageExists(wanted), images, .. }) =
            question
        else {
            return None;
        };
        Some(look_at_all(scope, images, wanted).map(Answered::from).boxed())
    }
}

/// The verdict on the first image that does not pass, else on the last.
async fn look_at_all(scope: &Scope, images: &[String], wanted: &ImageExists) -> Verdict {
    let mut verdict = (GateState::NoData, "no image is named".to_owned());
    for image in images {
        verdict = look(scope, image, wanted).await;
        if verdict.0 != GateState::Pass {
            break;
        }
    }
    verdict
}

async fn look(scope: &Scope, image: &str, wanted: &ImageExists) -> Verdict {
    let credentials = match &wanted.pull_secret {
        Some(name) => match credentials(scope, name).await {
            Ok(credentials) => credentials,
            Err(why) => return (GateState::NoData, why),
        },
        None => Credentials::none(),
    };
    judge(image, wanted, scope.registries.look(image, &credentials).await)
}

pub(super) async fn credentials(scope: &Scope, name: &str) -> Result<Credentials, String> {
    let read = async |key| read_secret(&scope.client, &scope.namespace, name, key).await;
    let text = match read(PULL_SECRET_KEY).await {
        Err(error @ SecretError::NoKey { .. }) => read(OLD_PULL_SECRET_KEY).await.map_err(|_| error),
        answer => answer,
    };
    let text = text.map_err(|error| error.to_string())?;
    Credentials::from_docker_config(text.reveal())
        .map(|credentials| credentials.of_secret(name))
        .ok_or_else(|| format!("Secret {name} is no pull secret"))
}

fn judge(image: &str, wanted: &ImageExists, found: Result<Found, Error>) -> Verdict {
    let found = match found {
        Ok(found) => found,
        Err(error @ (Error::NotThere { .. } | Error::Reference(_))) => {
            return (GateState::Fail, error.to_string());
        }
        Err(error) => return (GateState::NoData, format!("whether {image} exists is not known: {error}")),
    };
    let is_there = |platform: &&String| found.platforms.iter().any(|there| there.is(platform));
    let missing: Vec<&str> =
        wanted.platforms.iter().filter(|platform| !is_there(platform)).map(String::as_str).collect();
    let there: Vec<String> = found.platforms.iter().map(ToString::to_string).collect();
    let there = if there.is_empty() { "no platform".to_owned() } else { there.join(", ") };
    if !missing.is_empty() {
        return (
            GateState::Fail,
            format!("{image} is not there for {}; it is for {there}", missing.join(", ")),
        );
    }
    let digest: String = found.digest.chars().take("sha256:".len() + 12).collect();
    let platforms = if wanted.platforms.is_empty() { String::new() } else { format!(" for {there}") };
    (GateState::Pass, format!("{image} is there{platforms} ({digest})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::registry::Platform;

    fn found(architectures: &[&str]) -> Found {
        let platform = |architecture: &&str| Platform {
            os: "linux".into(),
            architecture: (*architecture).to_owned(),
            variant: None,
        };
        Found {
            digest: format!("sha256:{}", "ab".repeat(32)),
            children: Vec::new(),
            platforms: architectures.iter().map(platform).collect(),
        }
    }

    #[test]
    fn only_what_is_there_for_every_platform_passes() {
        let wanted = |platforms: &[&str]| ImageExists {
            platforms: platforms.iter().map(ToString::to_string).collect(),
            pull_secret: None,
        };
        let both = wanted(&["linux/amd64", "linux/arm64"]);
        let registry = || "ghcr.io".to_owned();
        for (wanted, answer, state, sentence) in [
            (
                &both,
                Ok(found(&["amd64", "arm64"])),
                GateState::Pass,
                "a:v1 is there for linux/amd64, linux/arm64 (sha256:abababababab)",
            ),
            (
                &both,
                Ok(found(&["amd64"])),
                GateState::Fail,
                "a:v1 is not there for linux/arm64; it is for linux/amd64",
            ),
            (
                &both,
                Ok(found(&[])),
                GateState::Fail,
                "a:v1 is not there for linux/amd64, linux/arm64; it is for no platform",
            ),
            (&wanted(&[]), Ok(found(&[])), GateState::Pass, "a:v1 is there (sha256:abababababab)"),
            (
                &both,
                Err(Error::NotThere { registry: registry(), image: "a:v1".into() }),
                GateState::Fail,
                "ghcr.io has no a:v1",
            ),
            (
                &both,
                Err(Error::Busy(registry())),
                GateState::NoData,
                "whether a:v1 exists is not known: ghcr.io asks for patience",
            ),
            (
                &both,
                Err(Error::Silent { registry: registry(), why: "no answer in time".into() }),
                GateState::NoData,
                "whether a:v1 exists is not known: ghcr.io: no answer in time",
            ),
        ] {
            let (found, said) = judge("a:v1", wanted, answer);
            assert_eq!(found, state, "{said}");
            assert!(said.starts_with(sentence), "{said}");
        }
    }
}
