//! What kubectl prints of a pod: READY, STATUS, RESTARTS.

use chrono::{DateTime, Utc};

use super::{ContainerStatus, SlimPod, Terminated};
use crate::api::time::from_time;

/// Three columns.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) ready: u16,
    pub(super) total: u16,
    pub(super) reason: String,
    pub(super) restarts: u32,
    pub(super) last_restart: Option<DateTime<Utc>>,
}

impl Shown {
    fn count_restarts(&mut self, container: &ContainerStatus) {
        self.restarts += container.restart_count;
        let ended = container.last_state.terminated.as_ref().and_then(|last| last.finished_at.as_ref());
        self.last_restart = self.last_restart.max(ended.map(from_time));
    }
}

/// Waits that resolve themselves; every other reason to wait is trouble.
const ORDINARY: [&str; 9] = [
    "Running",
    "Pending",
    "ContainerCreating",
    "PodInitializing",
    "Terminating",
    "Completed",
    "NotReady",
    "Succeeded",
    "SchedulingGated",
];

/// The word says that something is wrong.
pub(super) fn is_trouble(reason: &str) -> bool {
    match reason.strip_prefix("Init:") {
        Some(rest) => !rest.contains('/') && !ORDINARY.contains(&rest),
        None => !ORDINARY.contains(&reason) && !reason.is_empty(),
    }
}

pub(super) fn of(pod: &SlimPod) -> Shown {
    let (spec, status) = (&pod.spec, &pod.status);
    let mut shown = Shown { reason: status.phase.clone(), ..Shown::default() };
    if !status.reason.is_empty() {
        shown.reason.clone_from(&status.reason);
    }
    if status.condition("PodScheduled").is_some_and(|condition| condition.reason == "SchedulingGated") {
        "SchedulingGated".clone_into(&mut shown.reason);
    }
    let sidecars = spec.init_containers.iter().filter(|container| container.is_restartable()).count();
    shown.total = u16::try_from(spec.containers.len() + sidecars).unwrap_or(u16::MAX);
    let initializing = init_containers(pod, &mut shown);
    if !initializing || status.holds("Initialized") {
        containers(pod, &mut shown);
    }
    if pod.metadata.deletion_timestamp.is_some() {
        if status.reason == "NodeLost" {
            "Unknown".clone_into(&mut shown.reason);
        } else if !matches!(status.phase.as_str(), "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut shown.reason);
        }
    }
    shown
}

fn is_restartable(pod: &SlimPod, name: &str) -> bool {
    pod.spec.init_containers.iter().any(|container| container.name == name && container.is_restartable())
}

/// Whether the pod is still being initialised; stops at the first container that has not done its part.
fn init_containers(pod: &SlimPod, shown: &mut Shown) -> bool {
    for (index, container) in pod.status.init_container_statuses.iter().enumerate() {
        shown.count_restarts(container);
        let state = &container.state;
        if state.terminated.as_ref().is_some_and(|terminated| terminated.exit_code == 0) {
            continue;
        }
        if is_restartable(pod, &container.name) && container.started == Some(true) {
            shown.ready += u16::from(container.ready);
            continue;
        }
        let waiting = state.waiting.as_ref().map_or("", |waiting| waiting.reason.as_str());
        shown.reason = match &state.terminated {
            Some(terminated) => format!("Init:{}", ended(terminated)),
            None if !waiting.is_empty() && waiting != "PodInitializing" => format!("Init:{waiting}"),
            None => format!("Init:{index}/{}", pod.spec.init_containers.len()),
        };
        return true;
    }
    false
}

fn containers(pod: &SlimPod, shown: &mut Shown) {
    // From here on only containers that run beside the others count as restarted.
    (shown.restarts, shown.last_restart) = (0, None);
    for container in &pod.status.init_container_statuses {
        if is_restartable(pod, &container.name) {
            shown.count_restarts(container);
        }
    }
    let mut has_running = false;
    for container in pod.status.container_statuses.iter().rev() {
        shown.count_restarts(container);
        let state = &container.state;
        match (&state.waiting, &state.terminated) {
            (Some(waiting), _) if !waiting.reason.is_empty() => shown.reason.clone_from(&waiting.reason),
            (_, Some(terminated)) => shown.reason = ended(terminated),
            _ if container.ready && state.running.is_some() => {
                has_running = true;
                shown.ready += 1;
            }
            _ => {}
        }
    }
    if shown.reason == "Completed" && has_running {
        let word = if pod.status.holds("Ready") { "Running" } else { "NotReady" };
        word.clone_into(&mut shown.reason);
    }
}

fn ended(terminated: &Terminated) -> String {
    match terminated {
        Terminated { reason, .. } if !reason.is_empty() => reason.clone(),
        Terminated { signal, .. } if *signal != 0 => format!("Signal:{signal}"),
        Terminated { exit_code, .. } => format!("ExitCode:{exit_code}"),
    }
}
