//! A container was killed for its memory.
//!
//! Reason `OOMKilled` with exit code 137: the runtime's, taken over by `pkg/kubelet/kuberuntime/kuberuntime_container.go`; a cgroup whose
//! first process survives reports it as well (`memory.oom.group`).

use super::facts::{ContainerFacts, Ended, Facts};
use super::words::in_container;
use super::{Cause, Found, Jump};

pub(super) const CAUSE: Cause = Cause { id: "out-of-memory", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    let (container, ended) =
        facts.containers().find_map(|container| Some((container, killed(container)?)))?;
    let limit = match &*container.memory_limit {
        "" => "no limit of its own: the node ran out".to_owned(),
        limit => format!("limit {limit}"),
    };
    let last = super::crash_loop::last_words(facts, ended);
    let remedy = match &*container.memory_limit {
        "" => "set a memory limit and request, and find out what grows".to_owned(),
        limit => format!(
            "raise the memory limit above {limit}, or find out what grows; the version before may need less"
        ),
    };
    Some(Found {
        sentence: format!("exit {} OOMKilled, {limit}{last}{}", ended.code, in_container(facts, container)),
        evidence: format!("container {} restarted {} times", container.name, container.restarts),
        remedy,
        jump: Some(Jump::Log),
    })
}

/// How it was killed, unless it serves again.
fn killed(container: &ContainerFacts) -> Option<&Ended> {
    let ended = container.ended.as_ref().or(container.last.as_ref().filter(|_| !container.ready))?;
    (&*ended.reason == "OOMKilled").then_some(ended)
}
