//! Events as rows. They are written in two forms, by two generations of clients; both become the same row.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, Time};
use serde::{Deserialize, Serialize};

use super::slim;
use crate::api::time::{from_micro_time, from_time};
use crate::domain::event_row::{EventKey, EventRow};
use crate::sanitize;

/// An event, without what no row needs.
#[derive(kube::Resource, Clone, Debug, Serialize, Deserialize)]
#[resource(inherit = "k8s_openapi::api::core::v1::Event")]
#[serde(rename_all = "camelCase")]
pub(crate) struct SlimEvent {
    #[serde(deserialize_with = "slim::metadata")]
    metadata: ObjectMeta,
    #[serde(default)]
    involved_object: About,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default, rename = "type")]
    type_: Option<String>,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    last_timestamp: Option<Time>,
    #[serde(default)]
    event_time: Option<MicroTime>,
    #[serde(default)]
    series: Option<Series>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct About {
    kind: String,
    name: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Series {
    count: u32,
    last_observed_time: Option<MicroTime>,
}

/// Key and row of an event, for a feed.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "a feed hands its objects over")]
pub(crate) fn entry(event: SlimEvent) -> (EventKey, EventRow) {
    let line = |text: Option<&str>| -> Box<str> { sanitize::line(text.unwrap_or_default().trim()).into() };
    let metadata = &event.metadata;
    let key =
        EventKey { namespace: line(metadata.namespace.as_deref()), name: line(metadata.name.as_deref()) };
    let series = event.series.as_ref();
    let stamps = [
        series.and_then(|series| series.last_observed_time.as_ref()).map(from_micro_time),
        event.last_timestamp.as_ref().map(from_time),
        event.event_time.as_ref().map(from_micro_time),
    ];
    let created = metadata.creation_timestamp.as_ref().map(from_time);
    let row = EventRow {
        at: stamps.into_iter().flatten().max().or(created),
        warning: event.type_.as_deref() == Some("Warning"),
        reason: line(event.reason.as_deref()),
        kind: line(Some(&event.involved_object.kind)),
        name: line(Some(&event.involved_object.name)),
        message: line(event.message.as_deref()),
        count: series.map(|series| series.count).max(event.count).unwrap_or(1).max(1),
    };
    (key, row)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(event: serde_json::Value) -> EventRow {
        entry(serde_json::from_value(event).unwrap()).1
    }

    #[test]
    fn both_forms_become_the_same() {
        let old = row(
            json!({"metadata": {"name": "a", "namespace": "b"}, "type": "Warning", "reason": "BackOff",
            "involvedObject": {"kind": "Pod", "name": "x"}, "message": "again\u{1b}[31m", "count": 4,
            "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:09Z", "eventTime": null}),
        );
        let new = row(
            json!({"metadata": {"name": "a", "namespace": "b"}, "type": "Warning", "reason": "BackOff",
            "involvedObject": {"kind": "Pod", "name": "x"}, "message": "again", "eventTime": "2026-01-01T00:00:00.000000Z",
            "series": {"count": 4, "lastObservedTime": "2026-01-01T00:00:09.000000Z"}}),
        );
        assert_eq!(old, new);
        assert_eq!((old.count, old.warning, &*old.message), (4, true, "again"));
    }

    #[test]
    fn an_event_that_says_nothing_is_a_row_too() {
        let bare = row(json!({"metadata": {"name": "a", "creationTimestamp": "2026-01-01T00:00:09Z"}}));
        assert_eq!((bare.count, bare.warning, bare.at.is_some()), (1, false, true));
    }
}
