//! The ReplicaSet controller: as many pods as wanted, the least useful ones first to go.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Task, World};
use crate::sim::kinds::{self, PODS, REPLICA_SETS, int, list, text};
use crate::sim::pod_facts;
use crate::sim::store::{Key, Object, instant};

impl World {
    pub(super) fn reconcile_replica_set(&mut self, key: &Key) {
        let Some(set) = self.store.get(REPLICA_SETS, &key.namespace, &key.name).cloned() else { return };
        if kinds::is_terminating(&set.value) {
            return;
        }
        let pods = self.pods_of(&set);
        let wanted = int(&set.value, &["spec", "replicas"]).unwrap_or(1).max(0);
        let present = i64::try_from(pods.len()).unwrap_or(i64::MAX);
        if present == wanted {
            return self.write_set_status_of(&set, &pods);
        }
        if present < wanted {
            for _ in present..wanted {
                self.create_pod(&set);
            }
        } else {
            let mut ranked = pods;
            ranked.sort_by_key(|pod| usefulness(&pod.value));
            for pod in ranked.iter().take(usize::try_from(present - wanted).unwrap_or(0)) {
                let message = format!("Deleted pod: {}", pod.name());
                self.emit(&set.value, "replicaset-controller", "Normal", ("SuccessfulDelete", &message));
                self.terminate_pod(&Key::of(&pod.value), None);
            }
        }
        self.write_set_status(&set);
    }

    /// Pods of a set that are not on their way out.
    fn pods_of(&self, set: &Arc<Object>) -> Vec<Arc<Object>> {
        self.store
            .list(PODS, Some(set.namespace()))
            .filter(|pod| pod.pod().is_active && pod.pod().set.as_deref() == Some(set.name()))
            .cloned()
            .collect()
    }

    /// A name that no other pod has: among ten thousand, some come up twice.
    pub(super) fn free_pod_name(&mut self, namespace: &str, set: &str) -> String {
        loop {
            let name = self.generate_name(&format!("{set}-"));
            if self.store.get(PODS, namespace, &name).is_none() {
                return name;
            }
        }
    }

    fn create_pod(&mut self, set: &Arc<Object>) {
        let name = self.free_pod_name(set.namespace(), set.name());
        let template = &set.value["spec"]["template"];
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "generateName": format!("{}-", set.name()), "namespace": set.namespace(),
                "labels": template["metadata"]["labels"], "annotations": template["metadata"]["annotations"],
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set.name(), "uid": set.uid(),
                    "controller": true, "blockOwnerDeletion": true
                }]
            },
            "spec": template["spec"],
            "status": {"phase": "Pending", "qosClass": "Burstable"}
        });
        let pod = without_nulls(pod);
        self.store.create(PODS, pod, self.now);
        let message = format!("Created pod: {name}");
        self.emit(&set.value, "replicaset-controller", "Normal", ("SuccessfulCreate", &message));
    }

    pub(super) fn write_set_status(&mut self, set: &Arc<Object>) {
        let pods = self.pods_of(set);
        self.write_set_status_of(set, &pods);
    }

    fn write_set_status_of(&mut self, set: &Arc<Object>, pods: &[Arc<Object>]) {
        let ready: Vec<_> = pods.iter().filter_map(|pod| pod.pod().ready_since).collect();
        let patience = TimeDelta::seconds(int(&set.value, &["spec", "minReadySeconds"]).unwrap_or(0));
        let available = ready.iter().filter(|since| **since + patience <= self.now).count();
        if let Some(next) = ready.iter().map(|since| *since + patience).filter(|at| *at > self.now).min() {
            let wait = next - self.now;
            self.after(wait, Task::ReplicaSet(Key::of(&set.value)));
        }
        let mut status = json!({
            "replicas": pods.len(),
            "observedGeneration": int(&set.value, &["metadata", "generation"]).unwrap_or(1)
        });
        for (field, count) in [
            ("fullyLabeledReplicas", pods.len()),
            ("readyReplicas", ready.len()),
            ("availableReplicas", available),
        ] {
            if count > 0 {
                status[field] = count.into();
            }
        }
        let key = Key::of(&set.value);
        self.store.change(REPLICA_SETS, &key, |value| value["status"] = status);
    }
}

/// Drops what a template left open.
fn without_nulls(mut pod: Value) -> Value {
    if let Some(metadata) = pod["metadata"].as_object_mut() {
        metadata.retain(|_, value| !value.is_null());
    }
    pod
}

/// Order in which pods are given up: the first is the least useful.
fn usefulness(pod: &Value) -> (bool, bool, bool, i64, std::cmp::Reverse<i64>, String) {
    let restarts = list(pod, &["status", "containerStatuses"])
        .iter()
        .filter_map(|container| int(container, &["restartCount"]))
        .max()
        .unwrap_or(0);
    let created = instant(pod, &["metadata", "creationTimestamp"]).map_or(0, |at| at.timestamp());
    (
        !text(pod, &["spec", "nodeName"]).is_empty(),
        text(pod, &["status", "phase"]) != "Pending",
        pod_facts::ready_since(pod).is_some(),
        -restarts,
        std::cmp::Reverse(created),
        text(pod, &["metadata", "name"]).to_owned(),
    )
}
