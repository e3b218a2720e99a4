//! Watches: every change, in order, from where one left off.

use std::time::Duration;

use futures::{AsyncBufReadExt as _, StreamExt as _};
use http::Request;
use serde_json::{Value, json};

use super::backend::Backend;

/// Reads events until one is of this type, or says which came instead.
async fn events(backend: &Backend, path: &str, wanted: usize) -> Vec<Value> {
    let request = Request::get(path).body(Vec::new()).expect("a request");
    let stream = backend.people["admin"].request_stream(request).await.expect("a watch");
    let mut lines = Box::pin(stream.lines());
    let mut found = Vec::new();
    while found.len() < wanted {
        let line = tokio::time::timeout(Duration::from_secs(30), lines.next()).await;
        let line = line
            .unwrap_or_else(|_| panic!("{path}: only {found:#?}"))
            .expect("an open watch")
            .expect("a line");
        found.push(serde_json::from_str(&line).expect("an event"));
    }
    found
}

fn told(events: &[Value]) -> Vec<(&str, &str)> {
    events
        .iter()
        .map(|event| {
            (
                event["type"].as_str().unwrap_or_default(),
                event["object"]["metadata"]["name"].as_str().unwrap_or_default(),
            )
        })
        .collect()
}

async fn change(backend: &Backend, name: &str, patch: Value) {
    backend.patch("admin", &backend.core(&format!("configmaps/{name}")), ("merge", &patch)).await.ok();
}

async fn create(backend: &Backend, name: &str, labels: Value) -> Value {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}});
    backend.post("admin", &backend.core("configmaps"), &map).await.ok()
}

pub async fn changes_are_told_in_order(backend: &Backend) {
    let path = backend.core("configmaps");
    create(backend, "before", json!({})).await;
    let list = backend.get("admin", &path).await.ok();
    let from = list["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
    create(backend, "a", json!({})).await;
    change(backend, "a", json!({"data": {"k": "1"}})).await;
    create(backend, "b", json!({})).await;
    backend.delete("admin", &backend.core("configmaps/a"), &Value::Null).await.ok();
    let found = events(backend, &format!("{path}?watch=true&resourceVersion={from}"), 4).await;
    assert_eq!(told(&found), [("ADDED", "a"), ("MODIFIED", "a"), ("ADDED", "b"), ("DELETED", "a")]);
    let versions: Vec<u64> = found
        .iter()
        .filter_map(|event| event["object"]["metadata"]["resourceVersion"].as_str()?.parse().ok())
        .collect();
    assert!(versions.len() == 4 && versions.is_sorted(), "{versions:?}");
    assert_eq!(
        (&found[1]["object"]["kind"], &found[1]["object"]["data"]),
        (&json!("ConfigMap"), &json!({"k": "1"}))
    );
    // from the middle
    let found = events(backend, &format!("{path}?watch=true&resourceVersion={}", versions[1]), 2).await;
    assert_eq!(told(&found), [("ADDED", "b"), ("DELETED", "a")]);
    // without a version: what is there first
    let found = events(backend, &format!("{path}?watch=true&fieldSelector=metadata.name%3Dbefore"), 1).await;
    assert_eq!(told(&found), [("ADDED", "before")]);
}

pub async fn watches_are_selective(backend: &Backend) {
    let path = backend.core("configmaps");
    let list = backend.get("admin", &path).await.ok();
    let from = list["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
    create(backend, "a", json!({"x": "1"})).await;
    create(backend, "b", json!({})).await;
    change(backend, "b", json!({"metadata": {"labels": {"x": "1"}}})).await;
    change(backend, "a", json!({"metadata": {"labels": {"x": null}}})).await;
    change(backend, "b", json!({"data": {"k": "1"}})).await;
    // entering and leaving the selection look like creation and deletion
    let found =
        events(backend, &format!("{path}?watch=true&labelSelector=x%3D1&resourceVersion={from}"), 4).await;
    assert_eq!(told(&found), [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a"), ("MODIFIED", "b")]);
    backend.environment().await;
    let releases = backend.ours("releases");
    let list = backend.get("admin", &releases).await.ok();
    let from = list["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
    backend.post("alice", &releases, &backend.release("one", "v1.0.0")).await.ok();
    backend.post("alice", &releases, &backend.release("two", "v2.0.0")).await.ok();
    let path = format!("{releases}?watch=true&fieldSelector=spec.version%3Dv2.0.0&resourceVersion={from}");
    assert_eq!(told(&events(backend, &path, 1).await), [("ADDED", "two")]);
}

pub async fn a_forgotten_version_is_gone(backend: &Backend) {
    create(backend, "a", json!({})).await;
    // only who can make a server forget can check this
    let Some(from) = (backend.forgotten)() else { return };
    let found =
        events(backend, &backend.core(&format!("configmaps?watch=true&resourceVersion={from}")), 1).await;
    let gone = &found[0]["object"];
    assert_eq!(
        (&found[0]["type"], &gone["kind"], &gone["code"], &gone["reason"]),
        (&json!("ERROR"), &json!("Status"), &json!(410), &json!("Expired"))
    );
    let message = gone["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("too old resource version") || message.contains("has been compacted"),
        "{message}"
    );
}
