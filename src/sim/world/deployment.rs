//! The Deployment controller: ReplicaSets by template, revisions, rolling updates, conditions, deadline.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::replica_set_shape::{
    DESIRED, HISTORY, MOST, annotate, condition, progressing, revision, set_of, template_key,
};
use super::rolling::{Size, bounds, new_size, old_sizes};
use super::{Task, World};
use crate::api::labels::ANNOTATION_REVISION;
use crate::sim::kinds::{self, DEPLOYMENTS, REPLICA_SETS, int, list, text};
use crate::sim::store::{Key, Object, instant, metadata, stamp};

/// A Deployment with its ReplicaSets, oldest first.
struct Family {
    deployment: Arc<Object>,
    new: Option<Arc<Object>>,
    old: Vec<Arc<Object>>,
}

impl World {
    pub(super) fn reconcile_deployment(&mut self, key: &Key) {
        let Some(mut family) = self.family(key) else { return };
        if kinds::is_terminating(&family.deployment.value) {
            return;
        }
        let paused = family.deployment.value["spec"]["paused"] == Value::Bool(true);
        let recreate = text(&family.deployment.value, &["spec", "strategy", "type"]) == "Recreate";
        let old_alive =
            family.old.iter().any(|set| int(&set.value, &["status", "replicas"]).unwrap_or(0) > 0);
        if !paused {
            let may_create = !recreate || !old_alive;
            self.settle_new_set(&mut family, may_create);
            if recreate {
                self.recreate(&family);
            } else {
                self.roll(&family);
            }
            self.drop_old_history(&family);
        } else if let Some(new) = &family.new {
            let wanted = int(&family.deployment.value, &["spec", "replicas"]).unwrap_or(1);
            let alone = family.old.iter().all(|set| size(set).wanted == 0);
            if alone {
                self.scale(&family.deployment, new, wanted);
            }
        }
        if let Some(family) = self.family(key) {
            self.write_deployment_status(&family, paused);
        }
    }

    fn family(&self, key: &Key) -> Option<Family> {
        let deployment = self.store.get(DEPLOYMENTS, &key.namespace, &key.name)?.clone();
        let mut sets: Vec<_> = self
            .store
            .list(REPLICA_SETS, Some(&key.namespace))
            .filter(|set| {
                list(&set.value, &["metadata", "ownerReferences"])
                    .iter()
                    .any(|owner| text(owner, &["uid"]) == deployment.uid())
            })
            .cloned()
            .collect();
        sets.sort_by_key(|set| (revision(&set.value), set.name().to_owned()));
        let wanted = template_key(&deployment.value["spec"]["template"]);
        let at = sets.iter().position(|set| template_key(&set.value["spec"]["template"]) == wanted);
        let new = at.map(|at| sets.remove(at));
        Some(Family { deployment, new, old: sets })
    }

    /// Makes or finds the ReplicaSet of the present template and gives it the highest revision.
    fn settle_new_set(&mut self, family: &mut Family, may_create: bool) {
        let newest_old = family.old.iter().map(|set| revision(&set.value)).max().unwrap_or(0);
        let next = newest_old + 1;
        let now_revision = match &family.new {
            Some(set) => {
                let present = revision(&set.value);
                if present < next {
                    self.raise_revision(set, next);
                }
                present.max(next)
            }
            None if may_create => {
                let set = self.create_set(family, next);
                family.new = Some(set);
                next
            }
            None => return,
        };
        let key = Key::of(&family.deployment.value);
        let changed = self.store.change(DEPLOYMENTS, &key, |value| {
            annotate(value, ANNOTATION_REVISION, &now_revision.to_string());
        });
        if let Some(changed) = changed {
            family.deployment = changed;
        }
        if let Some(new) = &family.new {
            family.new = self.store.get(REPLICA_SETS, new.namespace(), new.name()).cloned();
        }
    }

    fn raise_revision(&mut self, set: &Arc<Object>, next: i64) {
        self.store.change(REPLICA_SETS, &Key::of(&set.value), |value| {
            let before = revision(value);
            if before > 0 {
                let history = match kinds::annotation(value, HISTORY) {
                    Some(history) if !history.is_empty() => format!("{history},{before}"),
                    _ => before.to_string(),
                };
                annotate(value, HISTORY, &history);
            }
            annotate(value, ANNOTATION_REVISION, &next.to_string());
        });
    }

    fn create_set(&mut self, family: &Family, revision: i64) -> Arc<Object> {
        let deployment = &family.deployment.value;
        let replicas = int(deployment, &["spec", "replicas"]).unwrap_or(1);
        let (surge, _) = bounds(&deployment["spec"], replicas);
        let sizes: Vec<_> = family.old.iter().map(size).collect();
        let start = if text(deployment, &["spec", "strategy", "type"]) == "Recreate" {
            replicas
        } else {
            new_size(replicas, surge, Size { wanted: 0, available: 0 }, &sizes)
        };
        let value = set_of(deployment, revision, start);
        let set = self.store.create(REPLICA_SETS, value, self.now);
        if start > 0 {
            let message = format!("Scaled up replica set {} from 0 to {start}", set.name());
            self.emit(deployment, "deployment-controller", "Normal", ("ScalingReplicaSet", &message));
        }
        let message = format!("Created new replica set \"{}\"", set.name());
        self.set_progressing(&Key::of(deployment), "True", ("NewReplicaSetCreated", &message));
        set
    }

    fn roll(&mut self, family: &Family) {
        let Some(new) = &family.new else { return };
        let replicas = int(&family.deployment.value, &["spec", "replicas"]).unwrap_or(1);
        let (surge, unavailable) = bounds(&family.deployment.value["spec"], replicas);
        let old: Vec<_> = family.old.iter().map(size).collect();
        let wanted = new_size(replicas, surge, size(new), &old);
        if self.scale(&family.deployment, new, wanted) {
            return;
        }
        for (set, wanted) in family.old.iter().zip(old_sizes(replicas, unavailable, size(new), &old)) {
            self.scale(&family.deployment, set, wanted);
        }
    }

    fn recreate(&mut self, family: &Family) {
        for set in &family.old {
            self.scale(&family.deployment, set, 0);
        }
        let alive = family.old.iter().any(|set| int(&set.value, &["status", "replicas"]).unwrap_or(0) > 0);
        if let (Some(new), false) = (&family.new, alive) {
            let wanted = int(&family.deployment.value, &["spec", "replicas"]).unwrap_or(1);
            self.scale(&family.deployment, new, wanted);
        }
    }

    /// Scales a ReplicaSet; whether that changed it.
    fn scale(&mut self, deployment: &Arc<Object>, set: &Arc<Object>, wanted: i64) -> bool {
        let before = size(set).wanted;
        let replicas = int(&deployment.value, &["spec", "replicas"]).unwrap_or(1);
        let (surge, _) = bounds(&deployment.value["spec"], replicas);
        self.store.change(REPLICA_SETS, &Key::of(&set.value), |value| {
            if before != wanted {
                value["spec"]["replicas"] = wanted.into();
                let generation = int(value, &["metadata", "generation"]).unwrap_or(1) + 1;
                metadata(value).insert("generation".into(), generation.into());
            }
            annotate(value, DESIRED, &replicas.to_string());
            annotate(value, MOST, &(replicas + surge).to_string());
        });
        if before == wanted {
            return false;
        }
        let way = if wanted > before { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {} from {before} to {wanted}", set.name());
        self.emit(&deployment.value, "deployment-controller", "Normal", ("ScalingReplicaSet", &message));
        true
    }

    /// Removes empty old ReplicaSets beyond the history's limit, once the update is complete.
    fn drop_old_history(&mut self, family: &Family) {
        let deployment = &family.deployment.value;
        let complete = progressing(deployment)
            .is_some_and(|condition| text(condition, &["reason"]) == "NewReplicaSetAvailable");
        let most =
            usize::try_from(int(deployment, &["spec", "revisionHistoryLimit"]).unwrap_or(10)).unwrap_or(0);
        if !complete || family.old.len() <= most {
            return;
        }
        for set in &family.old[..family.old.len() - most] {
            let empty = size(set).wanted == 0 && int(&set.value, &["status", "replicas"]).unwrap_or(0) == 0;
            if empty {
                self.store.remove(REPLICA_SETS, &Key::of(&set.value));
            }
        }
    }

    fn write_deployment_status(&mut self, family: &Family, paused: bool) {
        let deployment = &family.deployment.value;
        let key = Key::of(deployment);
        let before = deployment["status"].clone();
        let sum = |field: &str, sets: &mut dyn Iterator<Item = &Arc<Object>>| -> i64 {
            sets.map(|set| int(&set.value, &["status", field]).unwrap_or(0)).sum()
        };
        let everyone = || family.old.iter().chain(&family.new);
        let replicas = sum("replicas", &mut everyone());
        let updated = sum("replicas", &mut family.new.iter());
        let ready = sum("readyReplicas", &mut everyone());
        let available = sum("availableReplicas", &mut everyone());
        let wanted_total: i64 = everyone().map(|set| size(set).wanted).sum();
        let wanted = int(deployment, &["spec", "replicas"]).unwrap_or(1);
        let (_, most_unavailable) = bounds(&deployment["spec"], wanted);
        let mut status = json!({
            "observedGeneration": int(deployment, &["metadata", "generation"]).unwrap_or(1),
            "conditions": before.get("conditions").cloned().unwrap_or_else(|| json!([]))
        });
        for (field, count) in [
            ("replicas", replicas),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", available),
            ("unavailableReplicas", (wanted_total - available).max(0)),
        ] {
            if count > 0 {
                status[field] = count.into();
            }
        }
        let now = stamp(self.now);
        if available >= wanted - most_unavailable {
            let text = "Deployment has minimum availability.";
            condition(&mut status, "Available", "True", ("MinimumReplicasAvailable", text), &now);
        } else {
            let text = "Deployment does not have minimum availability.";
            condition(&mut status, "Available", "False", ("MinimumReplicasUnavailable", text), &now);
        }
        self.judge_progress(family, &before, &mut status, paused);
        self.store.change(DEPLOYMENTS, &key, |value| value["status"] = status);
    }

    /// Keeps the condition `Progressing`.
    fn judge_progress(&mut self, family: &Family, before: &Value, status: &mut Value, paused: bool) {
        let deployment = &family.deployment.value;
        let key = Key::of(deployment);
        let now = stamp(self.now);
        let present = progressing(deployment).cloned();
        let reason =
            present.as_ref().map(|condition| text(condition, &["reason"]).to_owned()).unwrap_or_default();
        if paused {
            if reason != "DeploymentPaused" {
                condition(
                    status,
                    "Progressing",
                    "Unknown",
                    ("DeploymentPaused", "Deployment is paused"),
                    &now,
                );
            }
            return;
        }
        if reason == "DeploymentPaused" {
            condition(status, "Progressing", "Unknown", ("DeploymentResumed", "Deployment is resumed"), &now);
            self.after(TimeDelta::milliseconds(1), Task::Deployment(key));
            return;
        }
        let Some(new) = &family.new else { return };
        let number = |status: &Value, field: &str| int(status, &[field]).unwrap_or(0);
        let (replicas, updated) = (number(status, "replicas"), number(status, "updatedReplicas"));
        if replicas == updated
            && reason == "NewReplicaSetAvailable"
            && before.get("observedGeneration").is_some()
        {
            return;
        }
        let wanted = int(deployment, &["spec", "replicas"]).unwrap_or(1);
        let complete =
            updated == wanted && replicas == wanted && number(status, "availableReplicas") == wanted;
        let old_left = |status: &Value| number(status, "replicas") - number(status, "updatedReplicas");
        let progress = updated > number(before, "updatedReplicas")
            || old_left(status) < old_left(before)
            || number(status, "readyReplicas") > number(before, "readyReplicas")
            || number(status, "availableReplicas") > number(before, "availableReplicas");
        let name = new.name();
        if complete {
            let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
            condition(status, "Progressing", "True", ("NewReplicaSetAvailable", &message), &now);
        } else if progress {
            let message = format!("ReplicaSet \"{name}\" is progressing.");
            condition(status, "Progressing", "True", ("ReplicaSetUpdated", &message), &now);
        } else if present.is_none() {
            let message = format!("Found new replica set \"{name}\"");
            condition(status, "Progressing", "True", ("FoundNewReplicaSet", &message), &now);
        }
        self.watch_deadline(deployment, status, name);
    }

    fn watch_deadline(&mut self, deployment: &Value, status: &mut Value, set: &str) {
        let Some(seconds) = int(deployment, &["spec", "progressDeadlineSeconds"]) else { return };
        let holder = json!({"status": status});
        let Some(present) = progressing(&holder) else { return };
        if matches!(text(present, &["reason"]), "NewReplicaSetAvailable" | "ProgressDeadlineExceeded") {
            return;
        }
        let Some(since) = instant(present, &["lastUpdateTime"]) else { return };
        let due = since + TimeDelta::seconds(seconds) + TimeDelta::seconds(1);
        if due <= self.now {
            let message = format!("ReplicaSet \"{set}\" has timed out progressing.");
            let now = stamp(self.now);
            condition(status, "Progressing", "False", ("ProgressDeadlineExceeded", &message), &now);
        } else {
            let wait = due - self.now;
            self.after(wait, Task::Deployment(Key::of(deployment)));
        }
    }

    fn set_progressing(&mut self, key: &Key, holds: &str, why: (&str, &str)) {
        let now = stamp(self.now);
        self.store.change(DEPLOYMENTS, key, |value| {
            if !value["status"].is_object() {
                value["status"] = json!({});
            }
            condition(&mut value["status"], "Progressing", holds, why, &now);
        });
    }
}

fn size(set: &Arc<Object>) -> Size {
    Size {
        wanted: int(&set.value, &["spec", "replicas"]).unwrap_or(0),
        available: int(&set.value, &["status", "availableReplicas"]).unwrap_or(0),
    }
}
