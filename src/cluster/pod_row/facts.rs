//! What of a pod tells the cause of its trouble.

use super::{Container, ContainerStatus, SlimPod, Terminated};
use crate::domain::diagnosis::{ContainerFacts, Ended, PodFacts, Waiting};
use crate::sanitize;

/// Longest text that is kept of a sentence.
const LONGEST: usize = 1_000;

pub(super) fn of(pod: &SlimPod) -> PodFacts {
    let (spec, status) = (&pod.spec, &pod.status);
    let unscheduled = status
        .condition("PodScheduled")
        .filter(|condition| condition.status == "False" && condition.reason == "Unschedulable");
    let of = |container: &Container| {
        let mut all = status.init_container_statuses.iter().chain(&status.container_statuses);
        of_container(container, all.find(|status| status.name == container.name))
    };
    PodFacts {
        reason: line(&status.reason),
        message: line(&status.message),
        unscheduled: unscheduled.map(|condition| line(&condition.message)),
        gates: spec.scheduling_gates.iter().map(|gate| line(&gate.name)).collect(),
        pull_secrets: spec.image_pull_secrets.iter().map(|secret| line(&secret.name)).collect(),
        containers: spec.init_containers.iter().chain(&spec.containers).map(of).collect(),
    }
}

fn of_container(spec: &Container, status: Option<&ContainerStatus>) -> ContainerFacts {
    let facts = ContainerFacts {
        name: line(&spec.name),
        image: line(&spec.image),
        memory_limit: line(&spec.resources.limits.memory),
        ..ContainerFacts::default()
    };
    let Some(status) = status else { return facts };
    let waiting = status.state.waiting.as_ref();
    // an init container that has done its part is as good as ready
    let done =
        status.state.terminated.as_ref().is_some_and(|ended| ended.exit_code == 0 && ended.signal == 0);
    ContainerFacts {
        ready: status.ready || done,
        restarts: status.restart_count,
        waiting: waiting
            .map(|waiting| Waiting { reason: line(&waiting.reason), message: line(&waiting.message) }),
        ended: status.state.terminated.as_ref().map(ended),
        last: status.last_state.terminated.as_ref().map(ended),
        ..facts
    }
}

fn ended(terminated: &Terminated) -> Ended {
    let last = terminated.message.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Ended {
        code: terminated.exit_code,
        signal: terminated.signal,
        reason: line(&terminated.reason),
        message: line(last.trim()),
    }
}

fn line(text: &str) -> Box<str> {
    let text = sanitize::line(text);
    text.chars().take(LONGEST).collect::<String>().into()
}
