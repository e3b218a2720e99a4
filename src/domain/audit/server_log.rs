//! The API server's own audit log: the only place where attempts exist that admission or authorization refused, since they never became
//! objects.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::collections::BTreeMap;

use super::{Intent, IntentKind, Origin};
use crate::api::GROUP;
use crate::api::labels::CONTROLLER_USER;

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogReading {
    /// The attempts that were refused, in the log's order.
    pub attempts: Vec<Intent>,
    /// Lines that are no events of the API server.
    pub unreadable: usize,
}

/// One line, as far as it matters here (`audit.k8s.io/v1`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(rename = "auditID", default)]
    audit_id: String,
    #[serde(default)]
    stage: String,
    #[serde(rename = "requestURI", default)]
    request_uri: String,
    verb: String,
    user: Account,
    impersonated_user: Option<Account>,
    object_ref: Option<ObjectRef>,
    response_status: Option<Status>,
    request_received_timestamp: Option<DateTime<Utc>>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Account {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    resource: String,
    namespace: String,
    name: String,
    api_group: String,
    subresource: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
    message: String,
}

/// Reads the lines of a log. Kept are attempts to change our three kinds that the server answered with a refusal; what was not found, lost a
/// race or came too often is no refusal.
#[must_use]
pub fn read_server_log(text: &str) -> LogReading {
    let mut reading = LogReading::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str::<Line>(line) {
            Ok(line) => reading.attempts.extend(attempt(line)),
            Err(_) => reading.unreadable = reading.unreadable.saturating_add(1),
        }
    }
    reading
}

fn attempt(line: Line) -> Option<Intent> {
    let (object, status) = (line.object_ref?, line.response_status?);
    let is_ours = object.api_group == GROUP
        && matches!(object.resource.as_str(), "environments" | "releases" | "releaseactions");
    let is_change =
        matches!(line.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection");
    let is_refusal = matches!(status.code, 400..=499) && !matches!(status.code, 401 | 404 | 409 | 429);
    // a request appears once per stage
    let is_last = line.stage.is_empty() || line.stage == "ResponseComplete" || line.stage == "Panic";
    if !(is_ours && is_change && is_refusal && is_last) || is_probe(&line.user, &object) {
        return None;
    }
    let told = line
        .annotations
        .iter()
        .find(|(key, _)| key.starts_with("release-cockpit-") && key.ends_with("/verb"));
    let meant = told.and_then(|(_, value)| meant(value));
    let resource = if object.subresource.is_empty() {
        object.resource.clone()
    } else {
        format!("{}/{}", object.resource, object.subresource)
    };
    let is_dry_run = line.request_uri.contains("dryRun=All");
    let by_policy = status.message.contains("denied request") || told.is_some();
    let (author, sender) = match line.impersonated_user {
        Some(author) => (author.username, Some(line.user.username)),
        None => (line.user.username, None),
    };
    let what = match &meant {
        Some((verb, _)) => format!("{} {resource}: {verb}", line.verb),
        None => format!("{} {resource}", line.verb),
    };
    let environment = match object.resource.as_str() {
        "environments" => Some(object.name.clone()).filter(|name| !name.is_empty()),
        _ => meant.map(|(_, environment)| environment),
    };
    let release = (object.resource == "releases" && !object.name.is_empty()).then(|| object.name.clone());
    Some(Intent {
        at: line.request_received_timestamp,
        actor: author,
        impersonated_by: sender,
        kind: IntentKind::Attempt,
        namespace: object.namespace,
        environment,
        name: object.name,
        release,
        what: if is_dry_run { format!("{what} (dry run)") } else { what },
        expected: String::new(),
        saw: String::new(),
        outcome: if by_policy || status.code != 403 { "Refused" } else { "Denied" }.to_owned(),
        found: status.message,
        decided_at: line.request_received_timestamp,
        reason: None,
        ticket: None,
        code: Some(status.code),
        audit_id: Some(line.audit_id).filter(|id| !id.is_empty()),
        sequence: None,
        hash: None,
        timeline: Vec::new(),
        origin: Origin::ServerLog,
    })
}

/// The controller tries again and again whether the policies are in force.
fn is_probe(user: &Account, object: &ObjectRef) -> bool {
    user.username == CONTROLLER_USER && object.name == "release-cockpit-probe"
}

/// What the admission policies note of a request: `VERB NAMESPACE/ENVIRONMENT`.
fn meant(annotation: &str) -> Option<(String, String)> {
    let (verb, place) = annotation.split_once(' ')?;
    let (_, environment) = place.split_once('/')?;
    Some((verb.to_owned(), environment.to_owned()))
}
