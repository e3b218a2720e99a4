//! What goes wrong with pods, in the words of the scheduler, the kubelet and containerd.

use serde_json::{Value, json};

use super::{Run, Stage, each_container, image_of, set_ready, waiting_status};
use crate::sim::kinds::{PODS, list, text};
use crate::sim::store::{Key, stamp};
use crate::sim::world::World;

impl World {
    /// No node takes it; the scheduler looks again.
    pub(super) fn stay_unscheduled(&mut self, key: &Key, uid: &str, pod: &Value, nodes: usize) {
        let message = match nodes {
            0 => "no nodes available to schedule pods".to_owned(),
            nodes => format!(
                "0/{nodes} nodes are available: {nodes} Insufficient cpu. preemption: 0/{nodes} nodes are available: {nodes} No \
                 preemption victims found for incoming pod."
            ),
        };
        let now = stamp(self.now);
        self.store.change(PODS, key, |pod| {
            pod["status"]["conditions"] = json!([{
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
                "lastProbeTime": null, "lastTransitionTime": now
            }]);
        });
        self.emit(pod, "default-scheduler", "Warning", ("FailedScheduling", &message));
        self.later(key, uid, Stage::Schedule, 10.0);
    }

    pub(super) fn pull_failed(&mut self, key: &Key, uid: &str, pod: &Value, run: &Run) {
        let image = image_of(pod);
        let why = not_found(&image);
        self.wait(key, run, ("ErrImagePull", Some(&why)));
        let message = format!("Failed to pull image \"{image}\": {why}");
        self.emit(pod, "kubelet", "Warning", ("Failed", &message));
        self.emit(pod, "kubelet", "Warning", ("Failed", "Error: ErrImagePull"));
        if let Some(run) = self.runs.get_mut(uid) {
            run.pulls += 1;
        }
        self.later(key, uid, Stage::PullBackOff, 1.5);
    }

    pub(super) fn pull_back_off(&mut self, key: &Key, uid: &str, pod: &Value, run: &Run) {
        let image = image_of(pod);
        let message = format!("Back-off pulling image \"{image}\"");
        // since 1.32 the container says as well what the pull met
        let why = format!("{message}: ErrImagePull: {}", not_found(&image));
        self.wait(key, run, ("ImagePullBackOff", Some(&why)));
        self.emit(pod, "kubelet", "Normal", ("BackOff", &message));
        self.emit(pod, "kubelet", "Warning", ("Failed", "Error: ImagePullBackOff"));
        self.later(key, uid, Stage::Pull, back_off(run.pulls));
    }

    pub(super) fn wait(&mut self, key: &Key, run: &Run, why: (&str, Option<&str>)) {
        let (now, seed) = (stamp(self.now), run.seed);
        self.store.change(PODS, key, |pod| pod["status"] = waiting_status(pod, &now, seed, why));
    }

    /// The container is not created, since a key is missing; the kubelet tries again.
    pub(super) fn lack_configuration(&mut self, key: &Key, uid: &str, pod: &Value, run: &Run) {
        let why = format!("couldn't find key DATABASE_URL in Secret {}/app", key.namespace);
        self.wait(key, run, ("CreateContainerConfigError", Some(&why)));
        let message = format!("Error: {why}");
        self.emit(pod, "kubelet", "Warning", ("Failed", &message));
        self.later(key, uid, Stage::Start, 12.0);
    }

    pub(super) fn crash(&mut self, key: &Key, uid: &str, pod: &Value, run: &Run) {
        let now = stamp(self.now);
        let restarts = run.restarts + 1;
        let wait = back_off(restarts);
        let container =
            list(pod, &["spec", "containers"]).first().map_or("", |first| text(first, &["name"])).to_owned();
        let message = format!(
            "back-off {}s restarting failed container={container} pod={}_{}({uid})",
            wait as i64, key.name, key.namespace
        );
        self.store.change(PODS, key, |pod| {
            each_container(pod, |status| {
                let started = status["state"]["running"]["startedAt"].clone();
                status["lastState"] = json!({"terminated": {
                    "exitCode": 137, "reason": "OOMKilled", "startedAt": started, "finishedAt": now
                }});
                status["state"] = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
                status["restartCount"] = restarts.into();
                status["ready"] = false.into();
                status["started"] = false.into();
            });
            set_ready(pod, false, &now);
        });
        if let Some(run) = self.runs.get_mut(uid) {
            run.restarts = restarts;
            run.ready_since = None;
        }
        let message = format!("Back-off restarting failed container {container} in pod {}", key.name);
        self.emit(pod, "kubelet", "Warning", ("BackOff", &message));
        self.later(key, uid, Stage::Start, wait);
    }
}

/// Seconds until the n-th try: 10, 20, 40 … at most 300.
fn back_off(tries: u32) -> f64 {
    (10.0 * f64::from(2_u32.saturating_pow(tries.saturating_sub(1).min(10)))).min(300.0)
}

/// What containerd says of an image that its registry does not have.
fn not_found(image: &str) -> String {
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve reference \
         \"{image}\": {image}: not found"
    )
}
