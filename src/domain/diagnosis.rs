//! Why a pod or a workload does not get well: one cause in one sentence, with the evidence, what to do, and where to look.
//!
//! Owns what is looked at ([`Facts`]) and the registry of causes. A cause is one file in `diagnosis/` and one line in `CAUSES`, whose
//! order is that of precedence: what explains the others comes first. Each names the sources of Kubernetes that its words come from.
//! Must not know how an object is read (`cluster`), nor who shows the sentence.

mod config_missing;
mod crash_loop;
mod disruption_budget;
mod evicted;
pub(crate) mod facts;
mod gated;
mod git_ops;
mod image_missing;
mod image_refused;
mod image_unreachable;
mod out_of_memory;
mod probe;
mod progress_deadline;
mod quota;
mod refused;
mod summary;
mod unschedulable;
mod volume;
mod webhook;
mod words;

use serde::Serialize;

pub(crate) use facts::{
    Condition, ContainerFacts, Ended, Evidence, Facts, PodFacts, Waiting, Warning, WorkloadEvidence,
    WorkloadFacts,
};
pub(crate) use summary::{Case, foremost};

/// One cause, told to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Which cause, in kebab-case.
    pub id: &'static str,
    /// The cause in one sentence, without a full stop.
    pub sentence: String,
    /// The words of the cluster that show it; empty where the sentence has them all.
    pub evidence: String,
    /// What helps.
    pub remedy: String,
    /// Where more is to be seen.
    pub jump: Jump,
}

/// Where the evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Jump {
    /// The log of the pod, of its last run where it crashed.
    Log,
    /// The description of the pod, with its events.
    Describe,
    /// The workload's object.
    Workload,
}

/// A rule that recognises one cause.
struct Cause {
    /// Its name, in kebab-case.
    id: &'static str,
    /// The cause, where the facts show it.
    find: fn(&Facts<'_>) -> Option<Found>,
}

/// What a rule has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    sentence: String,
    evidence: String,
    remedy: String,
    jump: Option<Jump>,
}

/// Every cause, those first that explain the others.
const CAUSES: &[Cause] = &[
    image_missing::CAUSE,
    image_refused::CAUSE,
    image_unreachable::CAUSE,
    config_missing::CAUSE,
    volume::CAUSE,
    out_of_memory::CAUSE,
    probe::CAUSE,
    crash_loop::CAUSE,
    evicted::CAUSE,
    gated::CAUSE,
    unschedulable::CAUSE,
    quota::CAUSE,
    webhook::CAUSE,
    refused::CAUSE,
    git_ops::CAUSE,
    progress_deadline::CAUSE,
    disruption_budget::CAUSE,
];

/// The foremost cause that the facts show.
#[must_use]
pub(crate) fn diagnose(facts: &Facts<'_>) -> Option<Diagnosis> {
    CAUSES.iter().find_map(|cause| {
        let found = (cause.find)(facts)?;
        Some(Diagnosis {
            id: cause.id,
            sentence: found.sentence,
            evidence: found.evidence,
            remedy: found.remedy,
            jump: found.jump.unwrap_or(Jump::Describe),
        })
    })
}

/// Names of every cause, in the order of precedence.
#[cfg(test)]
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    CAUSES.iter().map(|cause| cause.id)
}

#[cfg(test)]
mod tests;
