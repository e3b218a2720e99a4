//! Preflight gates: questions to the world, whose answers must be fresh at the moment of execution.

use chrono::TimeDelta;

use super::{Case, Evaluation, Gate, Moment, targets};
use crate::api::environment::Preflight;
use crate::api::release::GateState;
use crate::domain::health::{Question, preflight_name};

/// How old an answer may be.
const FRESH: TimeDelta = TimeDelta::seconds(60);
/// How often a question is asked while a release waits.
pub(super) const EVERY: TimeDelta = TimeDelta::seconds(30);

/// Adds a gate per preflight check, and the questions that are due.
pub(super) fn judge(case: &Case<'_>, all: &mut Evaluation) {
    let Some(gates) = &case.environment.spec.gates else { return };
    for (index, preflight) in gates.preflight.iter().enumerate() {
        let base = preflight_name(index, preflight);
        for (name, question) in questions(case, &base, preflight) {
            if case.observed.answers.is_due(&name, EVERY, case.now) {
                all.questions.push((name.clone(), question));
            }
            all.push(gate(case, &name));
        }
    }
}

/// The gate of one question, by its freshest answer.
pub(super) fn gate(case: &Case<'_>, name: &str) -> Gate {
    match case.observed.answers.last_since(name, case.now - FRESH) {
        Some(answer) => {
            let gate = Gate::new(name, answer.state, &answer.detail);
            if answer.state == GateState::Pass { gate } else { gate.cleared_by("whoever can mend it") }
        }
        None if case.moment == Moment::Waiting => {
            Gate::wait(name, "is being asked").cleared_by("the controller")
        }
        None => Gate::no_data(name, "the last answer is too old").cleared_by("the controller"),
    }
}

fn questions(case: &Case<'_>, base: &str, preflight: &Preflight) -> Vec<(String, Question)> {
    match preflight {
        Preflight::SecretKeys(keys) => vec![(base.to_owned(), Question::SecretKeys(keys.clone()))],
        Preflight::RevisionHistory(history) => {
            let workloads = targets(case).map(|(component, _)| component.workload.clone()).collect();
            vec![(base.to_owned(), Question::RevisionHistory { at_least: history.at_least, workloads })]
        }
        Preflight::GithubChecks(checks) => {
            let version = case.release().spec.version.clone();
            vec![(base.to_owned(), Question::GithubChecks { wanted: checks.clone(), version })]
        }
        Preflight::ImageExists(wanted) => targets(case)
            .map(|(component, image)| {
                let question = Question::ImageExists { image: image.to_owned(), wanted: wanted.clone() };
                (format!("{base}/{}", component.name), question)
            })
            .collect(),
    }
}
