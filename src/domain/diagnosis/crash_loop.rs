//! A container ends again and again, or cannot be started at all.
//!
//! Reasons `CrashLoopBackOff`, `RunContainerError`, `CreateContainerError`: `pkg/kubelet/container/sync_result.go`,
//! `pkg/kubelet/kuberuntime/kuberuntime_container.go`; `StartError` and `ContainerCannotRun` are the runtime's.

use super::facts::{ContainerFacts, Ended, Facts};
use super::words::{core, in_container, joined};
use super::{Cause, Found, Jump};

const NOT_STARTED: [&str; 3] = ["RunContainerError", "CreateContainerError", "StartError"];

pub(super) const CAUSE: Cause = Cause { id: "crash-loop", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    if let Some((container, waiting)) = facts.waits(&NOT_STARTED) {
        return Some(not_started(facts, container, core(&waiting.message), &waiting.reason));
    }
    let (container, ended) =
        facts.containers().find_map(|container| Some((container, failed(container)?)))?;
    if matches!(&*ended.reason, "StartError" | "ContainerCannotRun") {
        return Some(not_started(facts, container, core(&ended.message), &ended.reason));
    }
    let how = how(ended);
    let again = if container.ended.is_some() { "ended" } else { "crashes" };
    Some(Found {
        sentence: format!("{again}: {how}{}{}", last_words(facts, ended), in_container(facts, container)),
        evidence: format!("container {} restarted {} times", container.name, container.restarts),
        remedy: remedy(ended.code).to_owned(),
        jump: Some(Jump::Log),
    })
}

fn failed(container: &ContainerFacts) -> Option<&Ended> {
    if let Some(ended) = &container.ended {
        return (ended.code != 0 || ended.signal != 0).then_some(ended);
    }
    let waits = container.waiting.as_ref().is_some_and(|waiting| &*waiting.reason == "CrashLoopBackOff");
    container.last.as_ref().filter(|_| waits)
}

fn not_started(facts: &Facts<'_>, container: &ContainerFacts, why: &str, reason: &str) -> Found {
    Found {
        sentence: format!("the container cannot be started: {why}{}", in_container(facts, container)),
        evidence: joined(reason, why),
        remedy: "check the container's command, its files and its security context".to_owned(),
        jump: Some(Jump::Describe),
    }
}

fn how(ended: &Ended) -> String {
    let code = if ended.signal != 0 && ended.code == 0 {
        format!("signal {}", ended.signal)
    } else {
        format!("exit {}", ended.code)
    };
    match &*ended.reason {
        "" | "Error" => code,
        reason => format!("{code} {reason}"),
    }
}

/// `, last log: "…"`, from the termination message, else from the log.
pub(super) fn last_words(facts: &Facts<'_>, ended: &Ended) -> String {
    let line = match &*ended.message {
        "" => facts.evidence.and_then(|evidence| evidence.last_line.as_deref()).unwrap_or_default(),
        message => message,
    };
    if line.is_empty() { String::new() } else { format!(", last log: \"{line}\"") }
}

const fn remedy(code: i32) -> &'static str {
    match code {
        0 => "it ends by itself: a server must stay, and a job does not belong into this workload",
        126 | 127 => "its command is missing in the image or cannot be executed",
        137 => "something killed it: look for probes, limits and the node's events",
        139 => "it crashed on its memory: look at its log and at what the version changed",
        143 => "it was asked to end: look for probes and for who deletes it",
        _ => "read the log of its last run; roll back if the version before ran",
    }
}
