//! `pods/log`: what containers write, at once or for as long as they write.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::Shared;
use super::call::{Call, Target};
use super::refusal::{Refusal, json_response};
use crate::sim::kinds::{PODS, list, text};
use crate::sim::store::Key;
use crate::sim::world::log::LogRun;

/// Wall time between two looks at what a container has written.
const BEAT: Duration = Duration::from_millis(50);

/// What is asked for.
struct Wanted {
    key: Key,
    container: String,
    previous: bool,
    stamps: bool,
    tail: Option<usize>,
    bytes: Option<usize>,
    after: DateTime<Utc>,
}

/// The log of a container of a pod.
///
/// # Errors
/// 404 without the pod, 400 where a kubelet has no such log.
pub(super) fn log(shared: &Arc<Shared>, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let wanted = wanted(shared, call, target)?;
    let run = read(shared, &wanted)?;
    let now = shared.now();
    let mut lines = run.lines(wanted.after, now);
    if let Some(tail) = wanted.tail {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let mut text = written(&wanted, &lines);
    if let Some(bytes) = wanted.bytes {
        text.truncate(bytes);
    }
    let body = if call.query.flag("follow") && !run.is_over() {
        let state =
            Following { shared: shared.clone(), wanted, run, until: now, ready: Some(text), over: false };
        let stream = futures::stream::unfold(state, |mut state| async move {
            let chunk = state.next().await?;
            Some((Ok::<_, std::convert::Infallible>(Bytes::from(chunk)), state))
        });
        Body::from_stream(stream)
    } else {
        Body::from(text)
    };
    let mut response = json_response(200, body);
    let plain = http::HeaderValue::from_static("text/plain");
    response.headers_mut().insert(http::header::CONTENT_TYPE, plain);
    Ok(response)
}

fn wanted(shared: &Shared, call: &Call, target: &Target) -> Result<Wanted, Refusal> {
    let name = target.named();
    let pod = pod(shared, &Key::new(target.space(), name)).ok_or_else(|| Refusal::not_found(PODS, name))?;
    let lists = [["spec", "initContainers"], ["spec", "containers"]];
    let known: Vec<&str> =
        lists.iter().flat_map(|path| list(&pod, path)).map(|container| text(container, &["name"])).collect();
    let container = match (call.query.get("container").unwrap_or_default(), known.as_slice()) {
        ("", [only]) => (*only).to_owned(),
        ("", _) => {
            let names = known.join(" ");
            return Err(Refusal::bad_request(format!(
                "a container name must be specified for pod {name}, choose one of: [{names}]"
            )));
        }
        (given, known) if known.contains(&given) => given.to_owned(),
        (given, _) => {
            return Err(Refusal::bad_request(format!("container {given} is not valid for pod {name}")));
        }
    };
    let number = |field: &str| -> Result<Option<i64>, Refusal> {
        let Some(given) = call.query.get(field) else { return Ok(None) };
        given.parse().map(Some).map_err(|_| Refusal::bad_request(format!("invalid {field} \"{given}\"")))
    };
    let since = call.query.get("sinceTime").map(DateTime::parse_from_rfc3339);
    let after = match (since, number("sinceSeconds")?) {
        (Some(Ok(_)), Some(_)) => {
            return Err(Refusal::bad_request("at most one of sinceTime or sinceSeconds may be specified"));
        }
        (Some(Ok(at)), None) => at.to_utc() - TimeDelta::nanoseconds(1),
        (Some(Err(error)), _) => return Err(Refusal::bad_request(format!("invalid sinceTime: {error}"))),
        (None, Some(seconds)) => shared.now() - TimeDelta::seconds(seconds),
        (None, None) => DateTime::UNIX_EPOCH,
    };
    let count = |number: Option<i64>| number.and_then(|number| usize::try_from(number).ok());
    Ok(Wanted {
        key: Key::new(target.space(), name),
        container,
        previous: call.query.flag("previous"),
        stamps: call.query.flag("timestamps"),
        tail: count(number("tailLines")?),
        bytes: count(number("limitBytes")?),
        after,
    })
}

fn pod(shared: &Shared, key: &Key) -> Option<Value> {
    shared.world().store.get(PODS, &key.namespace, &key.name).map(|pod| pod.value.clone())
}

fn read(shared: &Shared, wanted: &Wanted) -> Result<LogRun, Refusal> {
    let pod = pod(shared, &wanted.key).ok_or_else(|| Refusal::not_found(PODS, &wanted.key.name))?;
    shared.world().log_run(&pod, &wanted.container, wanted.previous).map_err(Refusal::bad_request)
}

fn written(wanted: &Wanted, lines: &[(DateTime<Utc>, String)]) -> String {
    let mut text = String::new();
    for (at, line) in lines {
        if wanted.stamps {
            text += &at.format("%Y-%m-%dT%H:%M:%S%.9fZ ").to_string();
        }
        text += line;
        text.push('\n');
    }
    text
}

/// A log that is followed.
struct Following {
    shared: Arc<Shared>,
    wanted: Wanted,
    run: LogRun,
    /// What was written until then is sent.
    until: DateTime<Utc>,
    ready: Option<String>,
    over: bool,
}

impl Following {
    async fn next(&mut self) -> Option<String> {
        loop {
            // An empty chunk would end the body.
            if let Some(text) = self.ready.take().filter(|text| !text.is_empty()) {
                return Some(text);
            }
            if self.over {
                return None;
            }
            let stop = self.shared.stop.clone();
            tokio::select! {
                () = stop.cancelled() => return None,
                () = tokio::time::sleep(BEAT) => {}
            }
            let now = self.shared.now();
            match read(&self.shared, &self.wanted) {
                // The container has ended, or another run has begun: what this run wrote before is all.
                Ok(run) if run.is(&self.run) => {
                    self.over = run.is_over();
                    self.run = run;
                }
                _ => {
                    self.over = true;
                    continue;
                }
            }
            let lines = self.run.lines(self.until, now);
            self.until = now;
            self.ready = Some(written(&self.wanted, &lines));
        }
    }
}
