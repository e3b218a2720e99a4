//! The garbage collector: what belonged to objects that are gone goes too; foreground deletion waits for it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Task, World};
use crate::sim::kinds::{self, PODS, RESOURCES, Resource, list, text};
use crate::sim::store::{Key, Object, metadata, stamp};

/// Finalizer of an object that waits for its dependents.
const FOREGROUND: &str = "foregroundDeletion";
/// Time between two looks.
const PAUSE: TimeDelta = TimeDelta::milliseconds(200);

impl World {
    /// Marks an object for deletion after its dependents.
    pub(crate) fn delete_in_foreground(
        &mut self,
        resource: &'static Resource,
        key: &Key,
        now: DateTime<Utc>,
    ) -> Option<Arc<Object>> {
        let marked = self.store.change(resource, key, |value| {
            let meta = metadata(value);
            meta.entry("deletionTimestamp").or_insert_with(|| stamp(now).into());
            meta.entry("deletionGracePeriodSeconds").or_insert_with(|| 0.into());
            let finalizers = meta.entry("finalizers").or_insert_with(|| json!([]));
            if let Some(finalizers) = finalizers.as_array_mut()
                && !finalizers.iter().any(|one| one == FOREGROUND)
            {
                finalizers.push(FOREGROUND.into());
            }
        });
        self.after(PAUSE, Task::Collect);
        marked
    }

    /// Removes what belonged to objects that are gone, and lets foreground deletions go on.
    pub(super) fn collect_garbage(&mut self) {
        let mut orphans = Vec::new();
        let mut leaving = Vec::new();
        for resource in kept() {
            for object in self.store.list(resource, None) {
                let owners = list(&object.value, &["metadata", "ownerReferences"]);
                if !owners.is_empty() && !owners.iter().any(|owner| self.owner_lives(object, owner)) {
                    orphans.push((resource, Key::of(&object.value)));
                } else if kinds::is_terminating(&object.value)
                    && list(&object.value, &["metadata", "finalizers"]).iter().any(|one| one == FOREGROUND)
                {
                    leaving.push((resource, object.clone()));
                }
            }
        }
        for (resource, key) in orphans {
            if resource.table == PODS.table {
                self.terminate_pod(&key, None);
            } else {
                self.store.remove(resource, &key);
            }
        }
        let waits = !leaving.is_empty();
        for (resource, object) in leaving {
            self.go_on_leaving(resource, &object);
        }
        if waits {
            self.after(PAUSE, Task::Collect);
        }
    }

    fn owner_lives(&self, object: &Object, owner: &Value) -> bool {
        let Some(row) = kinds::by_kind(text(owner, &["apiVersion"]), text(owner, &["kind"])) else {
            return true;
        };
        let namespace = if row.namespaced { object.namespace() } else { "" };
        let found = self.store.get(row, namespace, text(owner, &["name"]));
        found.is_some_and(|found| found.uid() == text(owner, &["uid"]))
    }

    fn go_on_leaving(&mut self, resource: &'static Resource, object: &Arc<Object>) {
        let mut dependents = Vec::new();
        for row in kept() {
            for other in self.store.list(row, None) {
                let owners = list(&other.value, &["metadata", "ownerReferences"]);
                if owners.iter().any(|owner| text(owner, &["uid"]) == object.uid()) {
                    dependents.push((row, Key::of(&other.value), kinds::is_terminating(&other.value)));
                }
            }
        }
        if dependents.is_empty() {
            self.store.remove(resource, &Key::of(&object.value));
            return;
        }
        let now = self.now;
        for (row, key, terminating) in dependents {
            if terminating {
                continue;
            }
            if row.table == PODS.table {
                self.terminate_pod(&key, None);
            } else {
                self.delete_in_foreground(row, &key, now);
            }
        }
    }
}

/// Kinds whose objects can belong to others.
fn kept() -> impl Iterator<Item = &'static Resource> {
    RESOURCES.iter().filter(|row| row.namespaced && row.kind != "Event")
}
