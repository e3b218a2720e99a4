//! Why a pod is in trouble, in one line: exit code, reason, limit, message.

use std::fmt::Write as _;

use super::{Container, ContainerStatus, SlimPod, Terminated};

/// The most telling cause; empty when nothing is wrong.
pub(super) fn of(pod: &SlimPod) -> String {
    let status = &pod.status;
    let mut containers = status.init_container_statuses.iter().chain(&status.container_statuses);
    if let Some(cause) = containers.find_map(|container| of_container(pod, container)) {
        return cause;
    }
    if status.phase == "Failed" {
        return joined(&status.reason, &status.message);
    }
    if status.phase == "Pending"
        && let Some(condition) = status.condition("PodScheduled")
        && condition.status == "False"
    {
        return joined(&condition.reason, &condition.message);
    }
    String::new()
}

fn of_container(pod: &SlimPod, container: &ContainerStatus) -> Option<String> {
    let state = &container.state;
    if let Some(terminated) = &state.terminated {
        return (terminated.exit_code != 0 || terminated.signal != 0)
            .then(|| ended(pod, container, terminated));
    }
    let waiting = state.waiting.as_ref()?;
    // The kubelet's own words about a back-off repeat what the end of the last run says better.
    if waiting.reason == "CrashLoopBackOff"
        && let Some(last) = &container.last_state.terminated
    {
        return Some(ended(pod, container, last));
    }
    match waiting.reason.as_str() {
        "" | "ContainerCreating" | "PodInitializing" => None,
        reason => Some(joined(reason, &waiting.message)),
    }
}

fn ended(pod: &SlimPod, container: &ContainerStatus, terminated: &Terminated) -> String {
    let mut text = if terminated.signal != 0 && terminated.exit_code == 0 {
        format!("signal {}", terminated.signal)
    } else {
        format!("exit {}", terminated.exit_code)
    };
    if !terminated.reason.is_empty() && terminated.reason != "Error" {
        let _ = write!(text, " {}", terminated.reason);
    }
    let limit = spec_of(pod, &container.name).map_or("", |spec| spec.resources.limits.memory.as_str());
    if terminated.reason == "OOMKilled" && !limit.is_empty() {
        let _ = write!(text, " (limit {limit})");
    }
    let message = terminated.message.lines().rev().find(|line| !line.trim().is_empty());
    if let Some(message) = message {
        let _ = write!(text, ": {}", message.trim());
    }
    if pod.spec.containers.len() > 1 {
        let _ = write!(text, " [{}]", container.name);
    }
    text
}

fn spec_of<'a>(pod: &'a SlimPod, name: &str) -> Option<&'a Container> {
    pod.spec.containers.iter().chain(&pod.spec.init_containers).find(|container| container.name == name)
}

fn joined(reason: &str, message: &str) -> String {
    match (reason.is_empty(), message.is_empty()) {
        (false, false) => format!("{reason}: {message}"),
        (true, _) => message.to_owned(),
        (_, true) => reason.to_owned(),
    }
}
