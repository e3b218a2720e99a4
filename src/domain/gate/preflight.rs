//! Preflight gates: questions to the world, whose answers must be fresh at the moment of execution.

use chrono::TimeDelta;

use super::{Case, Evaluation, Gate, Moment, targets};
use crate::api::environment::{Asked, Component, Gates, Preflight};
use crate::api::release::{GateState, Phase, Release, ReleaseKind};
use crate::domain::health::{PreflightQuestion, Question, image_version_name, preflight_name};
use crate::domain::span;
use crate::domain::{image_version, version};

/// How old an answer may be.
pub(super) const FRESH: TimeDelta = TimeDelta::seconds(60);
/// How often a question is asked while a release waits.
pub(super) const EVERY: TimeDelta = TimeDelta::seconds(30);

/// Adds a gate per image by digest: it must be what the registry has under the version's tag. The same answer tells which digests
/// belong together, which the deny list wants to know of releases that wait for no gate, too.
pub(super) fn versions(case: &Case<'_>, is_waived: bool, all: &mut Evaluation) {
    let spec = &case.environment.spec;
    let is_trusted = spec.versions.as_ref().is_some_and(|versions| versions.allow_unverified_digests);
    let has_denials = case.environment.status.as_ref().is_some_and(|status| !status.denied.is_empty());
    let version = &case.release().spec.version;
    let Some(tag) = image_version::tag_of(spec.versions.as_ref(), version) else { return };
    for (component, image) in targets(case) {
        let Some(digest) = version::digest_of(image) else { continue };
        let name = image_version_name(component.name.as_str());
        let is_gate = !is_waived && !is_trusted;
        let proof = proof(case, component.name.as_str(), digest).filter(|_| is_gate);
        if (is_gate && proof.is_none() || has_denials) && case.observed.answers.is_due(&name, EVERY, case.now)
        {
            let question = Question::ImageTag {
                image: version::with_tag(&component.image, &tag),
                digest: digest.to_owned(),
                pull_secret: spec.gates.as_ref().and_then(Gates::pull_secret).map(str::to_owned),
            };
            all.questions.push((name.clone(), question));
        }
        match proof {
            Some(proof) => all.push(Gate::pass(name, proof)),
            None if is_gate => all.push(gate(case, &name, "someone who can push the image")),
            None => {}
        }
    }
}

/// A release under the same version that brought the same digest, passed this gate and succeeded: here, or where it comes from.
fn proof(case: &Case<'_>, component: &str, digest: &str) -> Option<String> {
    let me = &case.release().spec;
    let brought = |release: &Release| {
        release.phase() == Phase::Succeeded
            && release.spec.kind != ReleaseKind::Rollback
            && release.spec.emergency != Some(true)
            && release.spec.version == me.version
            && release.spec.images.iter().any(|image| {
                image.component.as_str() == component && version::digest_of(&image.image) == Some(digest)
            })
    };
    let here = case.observed.others.iter().filter(|other| other.spec.environment == me.environment);
    let there = case.observed.source.iter().flat_map(|source| &source.releases);
    let found = here.chain(there).find(|release| brought(release))?;
    Some(format!("{} succeeded with this digest as {}", me.version, found.key()))
}

/// Adds a gate per preflight check, and the questions that are due.
pub(super) fn judge(case: &Case<'_>, all: &mut Evaluation) {
    let Some(gates) = &case.environment.spec.gates else { return };
    for (index, preflight) in gates.preflight.iter().enumerate() {
        let base = preflight_name(index, preflight);
        for (name, question) in questions(case, &base, preflight) {
            if case.observed.answers.is_due(&name, EVERY, case.now) {
                all.questions.push((name.clone(), question));
            }
            all.push(gate(case, &name, preflight.kind().cleared_by));
        }
    }
}

/// The gate of one question, by its freshest answer; `who` can make it pass.
pub(super) fn gate(case: &Case<'_>, name: &str, who: &str) -> Gate {
    match case.observed.answers.last_since(name, span::before(case.now, FRESH)) {
        Some(answer) => {
            let gate = Gate::new(name, answer.state, &answer.detail);
            if answer.state == GateState::Pass { gate } else { gate.cleared_by(who) }
        }
        None if case.moment == Moment::Waiting => {
            Gate::wait(name, "is being asked").cleared_by("the controller")
        }
        None => Gate::no_data(name, "the last answer is too old").cleared_by("the controller"),
    }
}

/// The questions of one check with the names of their gates.
fn questions(case: &Case<'_>, base: &str, preflight: &Preflight) -> Vec<(String, Question)> {
    let versions = case.environment.spec.versions.as_ref();
    let revision = image_version::revision_of(versions, &case.release().spec.version);
    let question = |about: &[(&Component, &str)]| {
        Question::Preflight(PreflightQuestion {
            wanted: preflight.clone(),
            images: about.iter().map(|(_, image)| (*image).to_owned()).collect(),
            workloads: about.iter().map(|(component, _)| component.workload.clone()).collect(),
            revision: revision.to_owned(),
        })
    };
    let all: Vec<_> = targets(case).collect();
    match preflight.kind().asked {
        Asked::Once => vec![(base.to_owned(), question(&all))],
        Asked::PerComponent => {
            all.iter().map(|one| (format!("{base}/{}", one.0.name), question(&[*one]))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::evaluate;
    use super::*;
    use crate::api::environment::{GithubChecks, ImageExists, RevisionHistory, SecretKeys};
    use crate::api::release::ReleaseStatus;
    use crate::domain::fixtures::{at, environment, observed};
    use crate::domain::health::Answer;
    use crate::domain::plan;

    fn every_kind() -> Vec<Preflight> {
        vec![
            Preflight::ImageExists(ImageExists::default()),
            Preflight::SecretKeys(SecretKeys { secret: "app".into(), keys: vec!["A".into()] }),
            Preflight::RevisionHistory(RevisionHistory { at_least: 2 }),
            Preflight::GithubChecks(GithubChecks { repo: "acme/shop".into(), ..GithubChecks::default() }),
        ]
    }

    #[test]
    fn a_check_is_asked_as_its_row_says_and_names_who_can_clear_it() {
        let mut environment = environment();
        environment.spec.gates = Some(Gates { preflight: every_kind(), ..Gates::default() });
        let mut observed = observed(environment);
        let plan = plan::plan(observed.environment.as_ref().unwrap(), &observed.release);
        let status = ReleaseStatus { plan: Some(plan), ..ReleaseStatus::default() };
        let evaluation = |observed: &_| evaluate(observed, &status, None, Moment::Waiting, at(0));
        let asked: Vec<_> = evaluation(&observed)
            .questions
            .into_iter()
            .filter_map(|(name, question)| match question {
                Question::Preflight(asked) => {
                    Some((name, asked.images.len(), asked.workloads.len(), asked.revision))
                }
                _ => None,
            })
            .collect();
        let version = observed.release.spec.version.clone();
        let row = |name: &str, count: usize| (name.to_owned(), count, count, version.clone());
        assert_eq!(
            asked,
            [
                row("preflight/0/image-exists/backend", 1),
                row("preflight/0/image-exists/frontend", 1),
                row("preflight/1/secret-keys", 2),
                row("preflight/2/revision-history", 2),
                row("preflight/3/github-checks", 2),
            ]
        );
        for (name, ..) in &asked {
            observed.answers.record(name, Answer::new(at(0), GateState::Fail, "no"));
        }
        let gates = evaluation(&observed).gates;
        for (name, ..) in &asked {
            let gate = gates.iter().find(|gate| gate.name == *name).unwrap();
            let index: usize = name.split('/').nth(1).unwrap().parse().unwrap();
            assert_eq!(gate.state, GateState::Fail);
            assert_eq!(gate.cleared_by.as_deref(), Some(every_kind()[index].kind().cleared_by), "{name}");
        }
    }
}
