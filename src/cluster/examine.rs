//! Looking closer at what is not well: warnings about a pod, the last line of its log; everything that tells why a workload is stuck.
//!
//! Read when somebody wants to know, never followed: a busy cluster has more events than pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::api::ListParams;
use kube::{Api, Client};
use serde_json::Value;

use super::Cluster;
use super::client::READ_TIMEOUT;
use super::error::{Error, Kind};
use super::pod_row::{self, SlimPod};
use super::workload_row::{self, SlimWorkload};
use crate::api::Stored;
use crate::api::environment::WorkloadKind;
use crate::domain::diagnosis::{self, Case, Evidence, Facts, Warning, WorkloadFacts};
use crate::domain::pod_row::{PodKey, PodRow};
use crate::domain::workload_kind::{self, Revisions};
use crate::domain::workload_row::WorkloadRow;
use crate::sanitize;

/// Warnings that are kept of one pod.
const MOST_WARNINGS: usize = 12;
/// Pods of one workload that are looked at closer: the others tell the same.
const MOST_PODS: usize = 3;
/// Longest text that is kept of a sentence or a line, in characters.
const LONGEST: usize = 500;

impl Cluster {
    /// What there is to know about a pod besides itself. What may not be read is left out.
    pub async fn examine(&self, pod: &PodKey, crashed: bool) -> Evidence {
        pod_evidence(&self.client(), pod, crashed).await
    }

    /// The pods of a namespace.
    pub async fn pod_rows(&self, namespace: &str) -> Result<Vec<PodRow>, Error> {
        pods(&self.client(), namespace).await
    }

    /// One workload, with what holds back those of its pods that are to leave; nothing where there is none.
    pub async fn workload_row(
        &self,
        namespace: &str,
        kind: WorkloadKind,
        name: &str,
    ) -> Result<Option<WorkloadRow>, Error> {
        let found = workload(&self.client(), namespace, kind, name).await?;
        let Some((mut row, labels)) = found else { return Ok(None) };
        let is_own = |pod: &PodRow| *pod.owner_kind == *kind.as_str() && *pod.owner == *name;
        let budgets = self.holding(namespace, &labels, is_own).await;
        if !budgets.is_empty() {
            row.facts = Arc::new(WorkloadFacts { budgets: budgets.into(), ..(*row.facts).clone() });
        }
        Ok(Some(row))
    }
}

/// What keeps a workload from getting on, in one sentence, without lines of logs, which are not for everybody who sees the sentence; nothing where no cause is found or nothing may be read.
pub(crate) async fn why_stuck(
    client: &Client,
    namespace: &str,
    (kind, name, tag): (WorkloadKind, &str, &str),
    replaced: Option<(String, String)>,
) -> Option<String> {
    let found = workload(client, namespace, kind, name).await.ok().flatten();
    let replaced = replaced.map(|(wanted, present)| (wanted.into(), present.into()));
    let facts = found.map(|(row, _)| WorkloadFacts { replaced, ..(*row.facts).clone() });
    let all = pods(client, namespace).await.unwrap_or_default();
    let sick = |pod: &&PodRow| {
        *pod.owner_kind == *kind.as_str()
            && *pod.owner == *name
            && *pod.version == *tag
            && pod.facts.is_some()
    };
    let mut looked_at = Vec::new();
    for (index, pod) in all.iter().filter(sick).enumerate() {
        let evidence = match index {
            0..MOST_PODS => pod_evidence(client, &pod.key, false).await,
            _ => Evidence::default(),
        };
        looked_at.push((pod, evidence));
    }
    let pods = looked_at.iter().filter_map(|(pod, evidence)| {
        Some((&*pod.key.name, Facts::of_pod(pod.facts.as_deref()?, Some(evidence))))
    });
    let own = facts.iter().map(|facts| (&*facts.name, Facts::of_workload(facts)));
    let case: Case<&str> = diagnosis::foremost(pods.chain(own))?;
    Some(case.sentence(case.subject))
}

async fn pods(client: &Client, namespace: &str) -> Result<Vec<PodRow>, Error> {
    let api: Api<Stored<SlimPod>> = Api::namespaced(client.clone(), namespace);
    let list = bounded(api.list(&ListParams::default()), "pods").await?;
    Ok(list.items.into_iter().filter_map(|pod| pod.readable().ok()).map(|pod| pod_row::row(&pod)).collect())
}

/// A workload, and the labels of its pods.
async fn workload(
    client: &Client,
    namespace: &str,
    kind: WorkloadKind,
    name: &str,
) -> Result<Option<(WorkloadRow, BTreeMap<String, String>)>, Error> {
    let described = workload_kind::row(kind);
    let resource = workload_row::resource(described);
    let api: Api<Stored<SlimWorkload>> = Api::namespaced_with(client.clone(), namespace, &resource);
    let Some(found) = bounded(api.get_opt(name), &resource.plural).await? else { return Ok(None) };
    let found = found.readable().map_err(|odd| {
        Error::new(Kind::Protocol, format!("{} {name} cannot be decoded: {}", resource.plural, odd.reason))
    })?;
    let labels = workload_row::pod_labels(&found).clone();
    let (_, mut row) = workload_row::entry(kind, &found);
    // these have no condition that repeats why their pods are refused
    if described.revisions == Revisions::ControllerRevisions && row.ready < row.desired {
        let events = events(client, namespace, (kind.as_str(), name)).await.unwrap_or_default();
        row.facts = Arc::new(WorkloadFacts { said: since_it_went_well(&events), ..(*row.facts).clone() });
    }
    Ok(Some((row, labels)))
}

async fn pod_evidence(client: &Client, pod: &PodKey, crashed: bool) -> Evidence {
    let (warnings, last_line) = tokio::join!(warnings(client, pod), last_line(client, pod, crashed));
    Evidence { warnings: warnings.unwrap_or_default(), last_line }
}

async fn warnings(client: &Client, pod: &PodKey) -> Option<Vec<Warning>> {
    Some(warnings_of(&events(client, &pod.namespace, ("Pod", &pod.name)).await?))
}

/// The events about one object.
async fn events(client: &Client, namespace: &str, (kind, name): (&str, &str)) -> Option<Vec<Value>> {
    let path = format!(
        "/api/v1/namespaces/{namespace}/events?limit=200&fieldSelector=involvedObject.kind%3D{kind}%2CinvolvedObject.name%3D{name}"
    );
    let mut list: Value = bounded(client.request(get(&path)?), "events").await.ok()?;
    serde_json::from_value(list.pointer_mut("/items")?.take()).ok()
}

/// The warnings that nothing good has followed, newest first.
fn since_it_went_well(events: &[Value]) -> Vec<Warning> {
    let is_normal = |event: &&Value| event.get("type").and_then(Value::as_str) == Some("Normal");
    let well = events.iter().filter(is_normal).map(last_seen).max().unwrap_or_default();
    let since: Vec<Value> = events.iter().filter(|event| last_seen(event) > well).cloned().collect();
    warnings_of(&since)
}

/// The warnings among these events, newest first.
fn warnings_of(events: &[Value]) -> Vec<Warning> {
    let mut found: Vec<&Value> = events.iter().collect();
    found.retain(|event| event.get("type").and_then(Value::as_str) == Some("Warning"));
    found.sort_by_key(|event| std::cmp::Reverse(last_seen(event)));
    let text = |event: &Value, key: &str| line(event.get(key).and_then(Value::as_str).unwrap_or_default());
    let told = |event: &&Value| Warning { reason: text(event, "reason"), message: text(event, "message") };
    found.iter().take(MOST_WARNINGS).map(told).collect()
}

fn last_seen(event: &Value) -> String {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
        .iter()
        .filter_map(|pointer| event.pointer(pointer).and_then(Value::as_str))
        .map(|stamp| stamp.trim_end_matches('Z').to_owned())
        .max()
        .unwrap_or_default()
}

/// The last line that a crashed container wrote.
async fn last_line(client: &Client, pod: &PodKey, crashed: bool) -> Option<Box<str>> {
    if !crashed {
        return None;
    }
    let base = format!("/api/v1/namespaces/{}/pods/{}", pod.namespace, pod.name);
    let object: Value = bounded(client.request(get(&base)?), "pods").await.ok()?;
    let container = super::text::crashed_container(&object)?;
    let path = format!("{base}/log?container={container}&tailLines=5&limitBytes=65536&previous=true");
    let text = bounded(client.request_text(get(&path)?), "pods/log").await.ok()?;
    let last = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line(last.trim()))
}

fn get(path: &str) -> Option<http::Request<Vec<u8>>> {
    http::Request::get(path).body(Vec::new()).ok()
}

fn line(text: &str) -> Box<str> {
    sanitize::line(text).chars().take(LONGEST).collect::<String>().into()
}

async fn bounded<T>(request: impl Future<Output = kube::Result<T>>, what: &str) -> Result<T, Error> {
    match tokio::time::timeout(READ_TIMEOUT, request).await {
        Ok(answer) => answer.map_err(|error| Error::of(error, what)),
        Err(_) => Err(Error::timeout(READ_TIMEOUT.as_secs())),
    }
}

#[cfg(test)]
mod tests;
