//! Scheduler and kubelet: a pod's way from Pending to Ready, its faults, and its end.

mod faults;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Task, World};
use crate::sim::kinds::{NODES, PODS, int, list, text};
use crate::sim::registry;
use crate::sim::rng::Seed;
use crate::sim::scenario::{Behaviour, Fault};
use crate::sim::store::{Key, metadata, stamp};

/// What happens next to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Schedule,
    Pull,
    PullFailed,
    PullBackOff,
    Start,
    Ready,
    ProbeFailed,
    Crash,
    Gone,
}

/// What the kubelet remembers of a pod.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub key: Key,
    pub version: String,
    pub behaviour: Behaviour,
    /// Since when it answers requests.
    pub ready_since: Option<DateTime<Utc>>,
    pub restarts: u32,
    pulls: u32,
    leaving: bool,
    seed: Seed,
}

impl Run {
    /// The run of a pod, from its image.
    pub(super) fn new(pod: &Value, behaviour: Behaviour, seed: Seed) -> Self {
        Self {
            key: Key::of(pod),
            version: version_of(pod).to_owned(),
            behaviour,
            ready_since: None,
            restarts: 0,
            pulls: 0,
            leaving: false,
            seed,
        }
    }

    /// Whether requests reach it.
    pub(super) fn serves(&self) -> bool {
        self.ready_since.is_some() && !self.leaving
    }
}

/// The tag of a pod's first container.
pub(super) fn version_of(pod: &Value) -> &str {
    let image =
        list(pod, &["spec", "containers"]).first().map_or("", |container| text(container, &["image"]));
    let image = image.split('@').next().unwrap_or_default();
    image.rsplit_once(':').map_or("latest", |(_, tag)| tag)
}

impl World {
    /// Takes a pod that has just appeared into care.
    pub(super) fn adopt(&mut self, key: &Key, pod: &Value) {
        let seed = self.seed.child("pod").child(&key.namespace).child(&key.name);
        let behaviour = self.scenario.behaviour(version_of(pod));
        let uid = text(pod, &["metadata", "uid"]).to_owned();
        self.runs.insert(uid.clone(), Run::new(pod, behaviour, seed));
        self.later(key, &uid, Stage::Schedule, seed.child("schedule").between(0.03, 0.15));
    }

    fn later(&mut self, key: &Key, uid: &str, stage: Stage, seconds: f64) {
        self.after_seconds(seconds, Task::Pod { key: key.clone(), uid: uid.to_owned(), stage });
    }

    pub(super) fn advance_pod(&mut self, key: &Key, uid: &str, stage: Stage) {
        let Some(pod) = self.store.get(PODS, &key.namespace, &key.name).cloned() else {
            self.runs.remove(uid);
            return;
        };
        let Some(run) = self.runs.get(uid).cloned() else { return };
        if pod.uid() != uid || (run.leaving && stage != Stage::Gone) {
            return;
        }
        match stage {
            Stage::Schedule => self.schedule(key, uid, &pod.value, &run),
            Stage::Pull => self.pull(key, uid, &pod.value, &run),
            Stage::PullFailed => self.pull_failed(key, uid, &pod.value, &run),
            Stage::PullBackOff => self.pull_back_off(key, uid, &pod.value, &run),
            Stage::Start => self.start(key, uid, &pod.value, &run),
            Stage::Ready => self.become_ready(key, uid),
            Stage::ProbeFailed => {
                let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
                self.emit(&pod.value, "kubelet", "Warning", ("Unhealthy", message));
                self.later(key, uid, Stage::ProbeFailed, 10.0);
            }
            Stage::Crash => self.crash(key, uid, &pod.value, &run),
            Stage::Gone => {
                self.store.remove(PODS, key);
                self.runs.remove(uid);
            }
        }
    }

    fn schedule(&mut self, key: &Key, uid: &str, pod: &Value, run: &Run) {
        let nodes: Vec<String> = self.store.list(NODES, None).map(|node| node.name().to_owned()).collect();
        if nodes.is_empty() || run.behaviour.fault == Some(Fault::Unschedulable) {
            self.stay_unscheduled(key, uid, pod, nodes.len());
            return;
        }
        let pick = (run.seed.child("node").unit() * nodes.len() as f64) as usize;
        let node = nodes[pick.min(nodes.len() - 1)].clone();
        let (now, seed) = (stamp(self.now), run.seed);
        self.store.change(PODS, key, |pod| {
            pod["spec"]["nodeName"] = node.clone().into();
            pod["status"] = waiting_status(pod, &now, seed, ("ContainerCreating", None));
        });
        let name = format!("{}/{}", key.namespace, key.name);
        let message = format!("Successfully assigned {name} to {node}");
        self.emit(pod, "default-scheduler", "Normal", ("Scheduled", &message));
        self.later(key, uid, Stage::Pull, 0.15);
    }

    fn pull(&mut self, key: &Key, uid: &str, pod: &Value, run: &Run) {
        let image = image_of(pod);
        let message = format!("Pulling image \"{image}\"");
        self.emit(pod, "kubelet", "Normal", ("Pulling", &message));
        if run.behaviour.fault == Some(Fault::Pullfail) {
            self.later(key, uid, Stage::PullFailed, run.seed.child("pull").between(0.5, 1.0));
        } else {
            self.later(key, uid, Stage::Start, run.seed.child("pull").between(0.3, 1.0));
        }
    }

    fn start(&mut self, key: &Key, uid: &str, pod: &Value, run: &Run) {
        if run.behaviour.fault == Some(Fault::Config) {
            return self.lack_configuration(key, uid, pod, run);
        }
        let image = image_of(pod);
        let container = list(pod, &["spec", "containers"]).first().map_or("", |first| text(first, &["name"]));
        if run.restarts == 0 {
            let message = format!("Successfully pulled image \"{image}\"");
            self.emit(pod, "kubelet", "Normal", ("Pulled", &message));
        } else {
            let message = format!("Container image \"{image}\" already present on machine");
            self.emit(pod, "kubelet", "Normal", ("Pulled", &message));
        }
        let message = format!("Created container: {container}");
        self.emit(pod, "kubelet", "Normal", ("Created", &message));
        let message = format!("Started container {container}");
        self.emit(pod, "kubelet", "Normal", ("Started", &message));
        let now = stamp(self.now);
        self.store.change(PODS, key, |pod| {
            pod["status"]["phase"] = "Running".into();
            each_container(pod, |status| {
                status["state"] = json!({"running": {"startedAt": now}});
                status["imageID"] = image_id(text(status, &["image"])).into();
                status["started"] = true.into();
                status["ready"] = false.into();
            });
        });
        let startup = run.behaviour.startup_seconds * run.seed.nth(u64::from(run.restarts)).between(0.8, 1.3);
        match run.behaviour.fault {
            Some(Fault::Crash) => {
                self.later(key, uid, Stage::Crash, run.seed.child("crash").between(1.5, 3.5));
            }
            Some(Fault::Unready) => self.later(key, uid, Stage::ProbeFailed, startup),
            _ => self.later(key, uid, Stage::Ready, startup),
        }
    }

    fn become_ready(&mut self, key: &Key, uid: &str) {
        let now = stamp(self.now);
        self.store.change(PODS, key, |pod| {
            each_container(pod, |status| status["ready"] = true.into());
            set_ready(pod, true, &now);
        });
        let at = self.now;
        if let Some(run) = self.runs.get_mut(uid) {
            run.ready_since = Some(at);
        }
    }

    /// Ends a pod: at once when it never ran or has no grace, else after its containers have stopped.
    pub(crate) fn terminate_pod(&mut self, key: &Key, grace: Option<i64>) {
        let Some(pod) = self.store.get(PODS, &key.namespace, &key.name).cloned() else { return };
        let uid = pod.uid().to_owned();
        let grace = grace
            .or_else(|| int(&pod.value, &["spec", "terminationGracePeriodSeconds"]))
            .unwrap_or(30)
            .max(0);
        let never_ran = text(&pod.value, &["spec", "nodeName"]).is_empty();
        if grace == 0 || never_ran {
            self.store.remove(PODS, key);
            self.runs.remove(&uid);
            return;
        }
        let deadline = stamp(self.now + TimeDelta::seconds(grace));
        self.store.change(PODS, key, |pod| {
            let meta = metadata(pod);
            meta.entry("deletionTimestamp").or_insert_with(|| deadline.into());
            meta.entry("deletionGracePeriodSeconds").or_insert_with(|| grace.into());
        });
        let Some(run) = self.runs.get_mut(&uid) else { return };
        if std::mem::replace(&mut run.leaving, true) {
            return;
        }
        let seconds = run.seed.child("stop").between(0.8, 2.2).min(grace as f64);
        for container in list(&pod.value, &["spec", "containers"]) {
            let message = format!("Stopping container {}", text(container, &["name"]));
            self.emit(&pod.value, "kubelet", "Normal", ("Killing", &message));
        }
        self.later(key, &uid, Stage::Gone, seconds);
    }
}

/// The image by its digest, as the world's registry tells it.
pub(super) fn image_id(image: &str) -> String {
    let (repository, digest) = image.split_once('@').unwrap_or((image, ""));
    if !digest.is_empty() {
        return image.to_owned();
    }
    let (repository, tag) = repository.rsplit_once(':').unwrap_or((repository, "latest"));
    format!("{repository}@{}", registry::digest_of(repository, tag))
}

fn image_of(pod: &Value) -> String {
    list(pod, &["spec", "containers"]).first().map_or("", |first| text(first, &["image"])).to_owned()
}

fn each_container(pod: &mut Value, mut change: impl FnMut(&mut Value)) {
    for status in pod["status"]["containerStatuses"].as_array_mut().into_iter().flatten() {
        change(status);
    }
}

/// The status of a scheduled pod whose containers wait.
fn waiting_status(pod: &Value, now: &str, seed: Seed, (reason, message): (&str, Option<&str>)) -> Value {
    let before = &pod["status"];
    let started = before.get("startTime").cloned().unwrap_or_else(|| now.into());
    let octet = |name: &str| 1 + (seed.child(name).unit() * 250.0) as u32;
    let ip = before
        .get("podIP")
        .cloned()
        .unwrap_or_else(|| format!("10.244.{}.{}", octet("a"), octet("b")).into());
    let mut waiting = json!({"reason": reason});
    if let Some(message) = message {
        waiting["message"] = message.into();
    }
    let statuses: Vec<_> = list(pod, &["spec", "containers"])
        .iter()
        .map(|container| {
            let name = text(container, &["name"]);
            json!({
                "name": name, "image": container["image"], "imageID": "", "ready": false, "started": false,
                "restartCount": 0, "state": {"waiting": waiting}, "lastState": {}
            })
        })
        .collect();
    json!({
        "phase": "Pending", "qosClass": "Burstable", "startTime": started,
        "hostIP": "10.0.0.1", "podIP": ip, "podIPs": [{"ip": ip}],
        "conditions": conditions(now, false), "containerStatuses": statuses
    })
}

/// The five conditions of a scheduled pod.
pub(super) fn conditions(now: &str, ready: bool) -> Value {
    let word = if ready { "True" } else { "False" };
    let mut all: Vec<Value> = [
        ("PodReadyToStartContainers", "True"),
        ("Initialized", "True"),
        ("Ready", word),
        ("ContainersReady", word),
        ("PodScheduled", "True"),
    ]
    .iter()
    .map(|(kind, holds)| json!({"type": kind, "status": holds, "lastProbeTime": null, "lastTransitionTime": now}))
    .collect();
    if !ready {
        for item in &mut all[2..4] {
            item["reason"] = "ContainersNotReady".into();
            item["message"] = "containers with unready status".into();
        }
    }
    Value::Array(all)
}

fn set_ready(pod: &mut Value, ready: bool, now: &str) {
    let word = if ready { "True" } else { "False" };
    for item in pod["status"]["conditions"].as_array_mut().into_iter().flatten() {
        let concerned = matches!(text(item, &["type"]), "Ready" | "ContainersReady");
        if concerned && item["status"] != word {
            item["status"] = word.into();
            item["lastTransitionTime"] = now.into();
            if let (true, Some(map)) = (ready, item.as_object_mut()) {
                map.shift_remove("reason");
                map.shift_remove("message");
            }
        }
    }
}
