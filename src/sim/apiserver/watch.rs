//! WATCH: a stream of changes from the store's history, with bookmarks and streaming lists.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use serde_json::json;
use tokio::sync::watch::Receiver;
use tokio::time::{Interval, MissedTickBehavior, Sleep, interval, sleep};

use super::Shared;
use super::call::{Call, Target};
use super::read::selector;
use super::refusal::{Refusal, json_response};
use super::selector::Selector;
use super::shape::Shape;
use crate::sim::kinds::Resource;
use crate::sim::store::{Change, Event, Object};

/// Wall time between two bookmarks.
const BOOKMARKS: Duration = Duration::from_secs(30);
/// How long a watch lasts when the client does not say.
const LONGEST: u64 = 1_800;

struct Watch {
    shared: Arc<Shared>,
    resource: &'static Resource,
    namespace: Option<String>,
    name: Option<String>,
    selector: Selector,
    shape: Shape,
    bookmarks: bool,
    version: u64,
    ready: VecDeque<String>,
    changed: Receiver<u64>,
    deadline: Pin<Box<Sleep>>,
    bookmark_at: Interval,
    over: bool,
}

/// Starts a watch.
pub(super) fn start(shared: &Arc<Shared>, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let resource = target.resource;
    let asked = call.query.get("resourceVersion").unwrap_or_default();
    let version: u64 = match asked {
        "" => 0,
        text => text.parse().map_err(|_| {
            Refusal::bad_request(format!("invalid resourceVersion: Invalid value: \"{text}\""))
        })?,
    };
    let initial = call.query.flag("sendInitialEvents");
    if initial && call.query.get("resourceVersionMatch") != Some("NotOlderThan") {
        return Err(Refusal::bad_request(
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ));
    }
    let seconds = call.query.get("timeoutSeconds").and_then(|text| text.parse().ok()).unwrap_or(LONGEST);
    let mut bookmark_at = interval(BOOKMARKS);
    bookmark_at.set_missed_tick_behavior(MissedTickBehavior::Delay);
    bookmark_at.reset();
    let mut watch = Watch {
        shared: shared.clone(),
        resource,
        namespace: target.namespace.clone(),
        name: target.name.clone(),
        selector: selector(call, resource)?,
        shape: Shape::of(&call.accept),
        bookmarks: call.query.flag("allowWatchBookmarks"),
        version,
        ready: VecDeque::new(),
        changed: shared.changed.subscribe(),
        deadline: Box::pin(sleep(Duration::from_secs(seconds.max(1)))),
        bookmark_at,
        over: false,
    };
    if version == 0 || initial {
        watch.list(initial, asked);
    }
    let stream = futures::stream::unfold(watch, |mut watch| async move {
        let chunk = watch.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(chunk)), watch))
    });
    Ok(json_response(200, Body::from_stream(stream)))
}

impl Watch {
    fn list(&mut self, with_end: bool, asked: &str) {
        let (version, objects) = {
            let (world, namespace) = (self.shared.world(), self.namespace.as_deref());
            let cached = self.shared.caches.list(&world.store, self.resource, namespace, Some(asked));
            cached.unwrap_or_else(|| {
                (world.store.version(), world.store.list(self.resource, namespace).cloned().collect())
            })
        };
        self.version = version;
        for object in objects.iter().filter(|object| self.concerns(object)).cloned().collect::<Vec<_>>() {
            let line = self.line("ADDED", &object);
            self.ready.push_back(line);
        }
        if with_end {
            let bookmark = self.bookmark(true);
            self.ready.push_back(bookmark);
        }
    }

    fn concerns(&self, object: &Object) -> bool {
        self.name.as_deref().is_none_or(|name| name == object.name()) && self.selector.matches(&object.value)
    }

    fn line(&self, kind: &str, object: &Object) -> String {
        format!(
            "{{\"type\":\"{kind}\",\"object\":{}}}\n",
            self.shape.one(self.resource, object, self.shared.now())
        )
    }

    fn bookmark(&self, end: bool) -> String {
        let mut metadata = json!({"resourceVersion": self.version.to_string(), "creationTimestamp": null});
        if end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object = json!({
            "kind": self.resource.kind, "apiVersion": self.resource.api_version(), "metadata": metadata
        });
        format!("{}\n", json!({"type": "BOOKMARK", "object": object}))
    }

    /// The word for a change as this watch's selector sees it.
    fn word(&self, event: &Event) -> Option<&'static str> {
        let inside = |object: &Arc<Object>| {
            self.namespace.as_deref().is_none_or(|namespace| namespace == object.namespace())
                && self.concerns(object)
        };
        let before = event.previous.as_ref().is_some_and(&inside);
        match event.change {
            Change::Deleted => before.then_some("DELETED"),
            Change::Added | Change::Modified => match (before, inside(&event.object)) {
                (true, true) => Some("MODIFIED"),
                (false, true) => Some("ADDED"),
                (true, false) => Some("DELETED"),
                (false, false) => None,
            },
        }
    }

    fn collect(&mut self) {
        let shared = self.shared.clone();
        let world = shared.world();
        let newest = world.store.version();
        let Ok(events) = world.store.since(self.resource, self.version) else {
            let refusal = Refusal::gone(&format!("too old resource version: {} ({newest})", self.version));
            self.ready.push_back(format!("{}\n", json!({"type": "ERROR", "object": refusal.status()})));
            self.over = true;
            return;
        };
        let events: Vec<Event> = events.cloned().collect();
        drop(world);
        for event in events {
            if let Some(word) = self.word(&event) {
                let line = self.line(word, &event.object);
                self.ready.push_back(line);
            }
        }
        self.version = newest.max(self.version);
    }

    async fn next(&mut self) -> Option<String> {
        loop {
            if !self.ready.is_empty() {
                return Some(self.ready.drain(..).collect());
            }
            if self.over {
                return None;
            }
            self.changed.borrow_and_update();
            self.collect();
            if !self.ready.is_empty() {
                continue;
            }
            let stop = self.shared.stop.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                changed = self.changed.changed() => {
                    if changed.is_err() {
                        return None;
                    }
                }
                () = self.deadline.as_mut() => {
                    self.over = true;
                    if self.bookmarks {
                        return Some(self.bookmark(false));
                    }
                }
                _ = self.bookmark_at.tick() => {
                    if self.bookmarks {
                        return Some(self.bookmark(false));
                    }
                }
            }
        }
    }
}
