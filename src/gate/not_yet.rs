//! Gates that environments may ask for and that this version cannot judge. They hold: no data is never green.

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::{Gate, Scope, Verdict};
use crate::api::release::GateState;
use crate::domain::health::Question;

/// The image exists in its registry.
pub struct ImageExistsGate;

/// The commit's check runs are green.
pub struct GithubChecksGate;

fn not_yet(what: &str) -> BoxFuture<'static, Verdict> {
    ready((GateState::NoData, format!("{what}: not yet judged by this version"))).boxed()
}

impl Gate for ImageExistsGate {
    fn name(&self) -> &'static str {
        "image-exists"
    }

    fn ask<'a>(&'a self, _: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Verdict>> {
        let Question::ImageExists { image, .. } = question else { return None };
        Some(not_yet(&format!("whether {image} exists")))
    }
}

impl Gate for GithubChecksGate {
    fn name(&self) -> &'static str {
        "github-checks"
    }

    fn ask<'a>(&'a self, _: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Verdict>> {
        let Question::GithubChecks { repo, version } = question else { return None };
        Some(not_yet(&format!("the checks of {version} in {repo}")))
    }
}
