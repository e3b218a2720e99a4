//! Events as the components of a cluster write them.

use serde_json::{Value, json};

use super::World;
use crate::sim::kinds::{EVENTS, text};
use crate::sim::store::{Key, micro_stamp, stamp};

/// Oldest Events are dropped beyond this number, as a real cluster drops them after an hour.
const MOST: usize = 2_000;

impl World {
    /// Writes an Event about an object, or counts it up when the same was written before.
    pub(super) fn emit(
        &mut self,
        about: &Value,
        component: &str,
        kind: &str,
        (reason, message): (&str, &str),
    ) {
        let namespace = match text(about, &["metadata", "namespace"]) {
            "" => "default",
            namespace => namespace,
        };
        let name = text(about, &["metadata", "name"]);
        let mark = self.seed.child(name).child(reason).child(message).child(component).0;
        let key = Key::new(namespace, &format!("{name}.{mark:016x}"));
        let now = self.now;
        let seen = self.store.change(EVENTS, &key, |event| {
            let count = event["count"].as_i64().unwrap_or(1) + 1;
            event["count"] = count.into();
            event["lastTimestamp"] = stamp(now).into();
            event["series"] = json!({"count": count, "lastObservedTime": micro_stamp(now)});
        });
        if seen.is_some() {
            return;
        }
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": &*key.name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": about["apiVersion"], "kind": about["kind"], "name": name,
                "namespace": about["metadata"]["namespace"], "uid": about["metadata"]["uid"]
            },
            "reason": reason, "message": message, "type": kind, "count": 1,
            "source": {"component": component},
            "reportingComponent": component, "reportingInstance": "",
            "firstTimestamp": stamp(now), "lastTimestamp": stamp(now), "eventTime": null
        });
        self.store.create(EVENTS, event, now);
        self.forget_old_events();
    }

    fn forget_old_events(&mut self) {
        if self.store.list(EVENTS, None).count() <= MOST {
            return;
        }
        let oldest = self
            .store
            .list(EVENTS, None)
            .min_by_key(|event| event.version)
            .map(|event| Key::of(&event.value));
        if let Some(oldest) = oldest {
            self.store.remove(EVENTS, &oldest);
        }
    }
}
