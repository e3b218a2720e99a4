//! Logs of containers: a stream of stamped lines, at once or for as long as they are written.

use std::time::Duration;

use futures::{AsyncBufReadExt as _, StreamExt as _};
use http::Request;

use super::backend::Backend;

/// The path of the log of a pod that runs.
async fn running(backend: &Backend) -> String {
    backend.post("admin", &backend.apps("deployments"), &backend.deployment("backend", 1, "x:v1")).await.ok();
    let list = backend.core("pods");
    let is_running = |pods: &serde_json::Value| pods["items"][0]["status"]["phase"] == "Running";
    let pods = backend.until_is(&list, "a running pod", is_running).await;
    let name = pods["items"][0]["metadata"]["name"].as_str().expect("a name").to_owned();
    backend.core(&format!("pods/{name}/log"))
}

async fn text(backend: &Backend, path: &str) -> String {
    let request = Request::get(path).body(Vec::new()).expect("a request");
    backend.people["admin"].request_text(request).await.expect("a log")
}

/// The log once it has that many lines.
async fn written(backend: &Backend, path: &str, wanted: usize) -> Vec<String> {
    let probe = || async {
        let lines: Vec<String> = text(backend, path).await.lines().map(str::to_owned).collect();
        (lines.len() >= wanted).then_some(lines)
    };
    backend.until("lines are written", probe).await
}

fn stamp(line: &str) -> chrono::DateTime<chrono::FixedOffset> {
    let stamp = line.split(' ').next().unwrap_or_default();
    chrono::DateTime::parse_from_rfc3339(stamp).unwrap_or_else(|error| panic!("{error} in {line}"))
}

pub async fn logs_are_told_with_their_stamps(backend: &Backend) {
    let path = running(backend).await;
    let lines = written(backend, &format!("{path}?container=backend&timestamps=true"), 3).await;
    let stamps: Vec<_> = lines.iter().map(|line| stamp(line)).collect();
    assert!(stamps.is_sorted(), "{stamps:?}");
    let bare = written(backend, &path, 3).await;
    assert!(lines[0].ends_with(&bare[0]) && lines[0].len() > bare[0].len(), "{:?} {:?}", lines[0], bare[0]);
    let tail = text(backend, &format!("{path}?tailLines=2")).await;
    assert_eq!(tail.lines().count(), 2);
    let none = text(backend, &format!("{path}?tailLines=0")).await;
    assert_eq!(none, "");
}

pub async fn logs_are_followed(backend: &Backend) {
    let path = running(backend).await;
    let before = written(backend, &format!("{path}?timestamps=true"), 3).await;
    let follow = format!("{path}?follow=true&timestamps=true");
    let request = Request::get(&follow).body(Vec::new()).expect("a request");
    let stream = backend.people["admin"].request_stream(request).await.expect("a stream");
    let mut lines = Box::pin(stream.lines());
    for expected in &before {
        let line = tokio::time::timeout(Duration::from_secs(30), lines.next()).await;
        assert_eq!(&line.expect("a line in time").expect("an open stream").expect("a line"), expected);
    }
}

pub async fn strange_logs_are_refused(backend: &Backend) {
    let path = running(backend).await;
    let strange = backend.get("admin", &format!("{path}?container=nobody")).await;
    strange.refused(400, "BadRequest", "container nobody is not valid for pod");
    let absent = backend.get("admin", &backend.core("pods/absent/log")).await;
    absent.refused(404, "NotFound", "pods \"absent\" not found");
}
