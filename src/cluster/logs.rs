//! Logs of containers, as streams: one request for each, which stays open for as long as lines are written.
//!
//! Owns the wire of `pods/log` and the bounds of a line. Every line passes the one door of `sanitize`.

use std::fmt::Write as _;
use std::pin::Pin;

use chrono::{DateTime, Utc};
use futures::{AsyncBufRead, AsyncBufReadExt as _, FutureExt as _};
use kube::Api;
use kube::api::ListParams;

use super::Cluster;
use super::error::{Error, Kind};
use super::event_row::{self, SlimEvent};
use super::pod_row::{self, SlimPod};
use super::text::describe::{items, main_container, text};
use super::text::{get, pod_path};
use crate::api::Stored;
use crate::domain::event_row::EventRow;
use crate::domain::log::{LogLine, LogReach, LogWhat, MOST_LINE, TAIL};
use crate::domain::pod_row::{PodKey, PodRow};
use crate::sanitize;

/// Lines that are handed over at once at most.
const BATCH: usize = 512;

/// One container's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSource {
    /// The pod.
    pub pod: PodKey,
    /// The container.
    pub container: Box<str>,
    /// Which lines.
    pub what: LogWhat,
    /// Only what was written after this, which then counts instead of how far back one wants to see.
    pub after: Option<DateTime<Utc>>,
}

/// What becomes of a container whose stream has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It runs, or will run again.
    GoesOn,
    /// It will write no more: it has completed, or its pod is gone.
    Over,
    /// We may not read it.
    Denied,
}

/// A log that is being read.
pub struct LogStream {
    reader: Pin<Box<dyn AsyncBufRead + Send>>,
    /// The beginning of a line whose end has not come yet.
    begun: Vec<u8>,
    /// Bytes of that line that were left out.
    cut: usize,
}

impl Cluster {
    /// The pods of a namespace as rows.
    pub async fn pods(&self, namespace: &str) -> Result<Vec<PodRow>, Error> {
        let api: Api<Stored<SlimPod>> = Api::namespaced(self.client(), namespace);
        let pods = self.bounded(api.list(&ListParams::default()), "pods").await?;
        let pods = pods.items.into_iter().filter_map(|pod| pod.readable().ok());
        Ok(pods.map(|pod| pod_row::row(&pod)).collect())
    }

    /// The events of a namespace as rows.
    pub async fn events(&self, namespace: &str) -> Result<Vec<EventRow>, Error> {
        let api: Api<Stored<SlimEvent>> = Api::namespaced(self.client(), namespace);
        let events = self.bounded(api.list(&ListParams::default()), "events").await?;
        let events = events.items.into_iter().filter_map(|event| event.readable().ok());
        Ok(events.map(|event| event_row::entry(event).1).collect())
    }

    /// The containers of a pod that have logs: all of them in the order in which they run, or the main one.
    pub async fn log_containers(&self, pod: &PodKey, all: bool) -> Result<Vec<Box<str>>, Error> {
        let object = self.json(&pod_path(pod), "pods").await?;
        if !all {
            return Ok(vec![main_container(&object).into()]);
        }
        let lists = ["/spec/initContainers", "/spec/containers", "/spec/ephemeralContainers"];
        let containers = lists.iter().flat_map(|list| items(&object, list));
        Ok(containers.map(|container| text(container, "/name").into()).collect())
    }

    /// Opens the log of a container.
    pub async fn open_log(&self, source: &LogSource) -> Result<LogStream, Error> {
        let path = format!("{}/log?{}", pod_path(&source.pod), query(source));
        // The client for watches: a log may be silent for as long as nothing happens.
        let client = self.watch_client();
        let reader = self.bounded(client.request_stream(get(&path)?), "pods/log").await?;
        Ok(LogStream { reader: Box::pin(reader), begun: Vec::new(), cut: 0 })
    }

    /// What becomes of a container whose stream has ended. While the server cannot be asked it may go on.
    pub async fn log_fate(&self, pod: &PodKey, container: &str) -> Fate {
        match self.json(&pod_path(pod), "pods").await {
            Ok(object) => fate(&object, container),
            Err(error) if error.kind() == &Kind::NotFound => Fate::Over,
            Err(error) if error.kind() == &Kind::Denied => Fate::Denied,
            Err(_) => Fate::GoesOn,
        }
    }
}

fn query(source: &LogSource) -> String {
    let LogWhat { previous, follow, reach, .. } = source.what;
    let mut query = format!("container={}&timestamps=true", source.container);
    if follow && !previous {
        query += "&follow=true";
    }
    if previous {
        query += "&previous=true";
    }
    match (source.after, reach) {
        (Some(after), _) => {
            let _ = write!(query, "&sinceTime={}", after.format("%Y-%m-%dT%H:%M:%SZ"));
        }
        (None, LogReach::Tail) => {
            let _ = write!(query, "&tailLines={TAIL}");
        }
        (None, LogReach::Seconds(seconds)) => {
            let _ = write!(query, "&sinceSeconds={seconds}");
        }
        (None, LogReach::All) => {}
    }
    query
}

fn fate(pod: &serde_json::Value, container: &str) -> Fate {
    let phase = text(pod, "/status/phase");
    if matches!(phase, "Succeeded" | "Failed") {
        return Fate::Over;
    }
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let mut statuses = lists.iter().flat_map(|list| items(pod, list));
    let status = statuses.find(|status| text(status, "/name") == container);
    let completed = status
        .and_then(|status| status.pointer("/state/terminated/exitCode"))
        .is_some_and(|code| code.as_i64() == Some(0) || text(pod, "/spec/restartPolicy") == "Never");
    let leaving = pod.pointer("/metadata/deletionTimestamp").is_some()
        && status.is_none_or(|status| status.pointer("/state/running").is_none());
    if (completed && text(pod, "/spec/restartPolicy") != "Always") || leaving {
        Fate::Over
    } else {
        Fate::GoesOn
    }
}

impl LogStream {
    /// The next lines: waits for the first, and takes as many more as are there. None: the log has ended.
    pub async fn next_lines(&mut self) -> Result<Vec<LogLine>, Error> {
        let Self { reader, begun, cut } = self;
        let mut lines = Vec::new();
        while lines.len() < BATCH {
            let chunk = if lines.is_empty() {
                reader.fill_buf().await
            } else {
                match reader.fill_buf().now_or_never() {
                    Some(chunk) => chunk,
                    None => break,
                }
            };
            // A connection that breaks is told by its own sentence, after the lines that have come.
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(_) if !lines.is_empty() => break,
                Err(error) => {
                    let sentence = format!("the log broke off: {}", sanitize::line(&error.to_string()));
                    return Err(Error::new(Kind::NoAnswer, sentence));
                }
            };
            if chunk.is_empty() {
                if !begun.is_empty() {
                    lines.push(finished(begun, cut));
                }
                break;
            }
            let taken = if let Some(end) = chunk.iter().position(|byte| *byte == b'\n') {
                append(begun, cut, &chunk[..end]);
                lines.push(finished(begun, cut));
                end + 1
            } else {
                append(begun, cut, chunk);
                chunk.len()
            };
            reader.consume_unpin(taken);
        }
        Ok(lines)
    }
}

fn append(begun: &mut Vec<u8>, cut: &mut usize, bytes: &[u8]) {
    let room = (MOST_LINE - begun.len().min(MOST_LINE)).min(bytes.len());
    begun.extend_from_slice(&bytes[..room]);
    *cut += bytes.len() - room;
}

fn finished(begun: &mut Vec<u8>, cut: &mut usize) -> LogLine {
    let mut line = LogLine::parse(String::from_utf8_lossy(begun).trim_end_matches('\r'));
    let mut clean = sanitize::block(&line.text).into_owned();
    if *cut > 0 {
        let _ = write!(clean, " … ({cut} more bytes)");
    }
    line.text = clean.into();
    begun.clear();
    *cut = 0;
    line
}

impl std::fmt::Debug for LogStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogStream").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures::io::{BufReader, Cursor};
    use serde_json::json;

    use super::*;

    async fn read(bytes: &[u8], chunk: usize) -> Vec<LogLine> {
        let reader = BufReader::with_capacity(chunk, Cursor::new(bytes.to_vec()));
        let mut stream = LogStream { reader: Box::pin(reader), begun: Vec::new(), cut: 0 };
        let mut all = Vec::new();
        loop {
            let lines = stream.next_lines().await.unwrap();
            if lines.is_empty() {
                return all;
            }
            all.extend(lines);
        }
    }

    #[tokio::test]
    async fn lines_are_the_same_however_the_bytes_come() {
        let log =
            b"2026-01-05T09:00:00.5Z one\n2026-01-05T09:00:01Z \x1b[31mtwo\x1b[0m\r\nthree \xff\n\nlast";
        let whole = read(log, 4_096).await;
        let texts: Vec<&str> = whole.iter().map(|line| &*line.text).collect();
        assert_eq!(texts, ["one", "two", "three \u{fffd}", "", "last"]);
        assert_eq!(whole[0].at.unwrap().timestamp_subsec_millis(), 500);
        for chunk in 1..9 {
            assert_eq!(read(log, chunk).await, whole, "{chunk} bytes at once");
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut_and_says_so() {
        let mut log = vec![b'x'; MOST_LINE + 1_000];
        log.extend_from_slice(b"\nnext\n");
        let lines = read(&log, 700).await;
        assert_eq!(lines.len(), 2);
        assert!(lines[0].text.ends_with("x … (1000 more bytes)"));
        assert_eq!(&*lines[1].text, "next");
    }

    #[test]
    fn the_question_says_what_is_wanted() {
        let mut source = LogSource {
            pod: PodKey { namespace: "a".into(), name: "b".into() },
            container: "main".into(),
            what: LogWhat { follow: true, ..LogWhat::default() },
            after: None,
        };
        assert_eq!(query(&source), "container=main&timestamps=true&follow=true&tailLines=1000");
        source.what = LogWhat { previous: true, reach: LogReach::Seconds(300), ..LogWhat::default() };
        assert_eq!(query(&source), "container=main&timestamps=true&previous=true&sinceSeconds=300");
        source.what = LogWhat { reach: LogReach::All, ..LogWhat::default() };
        assert_eq!(query(&source), "container=main&timestamps=true");
        source.after = DateTime::from_timestamp(7, 999_000_000);
        assert_eq!(query(&source), "container=main&timestamps=true&sinceTime=1970-01-01T00:00:07Z");
    }

    #[test]
    fn a_stream_is_opened_again_while_the_container_may_write() {
        let pod = |phase: &str, policy: &str, state: serde_json::Value| {
            json!({"spec": {"restartPolicy": policy}, "status": {"phase": phase,
                "containerStatuses": [{"name": "main", "state": state}]}})
        };
        let running = json!({"running": {}});
        let ended = |code: i64| json!({"terminated": {"exitCode": code}});
        for (object, expected) in [
            (pod("Running", "Always", running.clone()), Fate::GoesOn),
            (pod("Running", "Always", ended(1)), Fate::GoesOn),
            (pod("Running", "Always", ended(0)), Fate::GoesOn),
            (pod("Running", "OnFailure", ended(0)), Fate::Over),
            (pod("Running", "OnFailure", ended(1)), Fate::GoesOn),
            (pod("Running", "Never", ended(1)), Fate::Over),
            (pod("Succeeded", "Never", ended(0)), Fate::Over),
            (pod("Failed", "Always", ended(1)), Fate::Over),
        ] {
            assert_eq!(fate(&object, "main"), expected, "{object}");
        }
        let mut leaving = pod("Running", "Always", running);
        leaving["metadata"] = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        assert_eq!(fate(&leaving, "main"), Fate::GoesOn, "it still writes");
        leaving["status"]["containerStatuses"][0]["state"] = ended(0);
        assert_eq!(fate(&leaving, "main"), Fate::Over);
    }
}
