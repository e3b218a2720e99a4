//! The other people of a scenario: they act at a time or in reaction to a release, through the same API as everybody.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use chrono::{DateTime, TimeDelta, Utc};
use http::Request;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::apiserver::{Shared, serve};
use super::kinds::{list, text};
use super::scenario::{Deploy, Reaction, Scenario, ScriptLine};
use crate::time::Clock;

/// World time between two looks at the script.
const LOOK: Duration = Duration::from_millis(500);

/// Plays the script until it is over or the world ends.
pub async fn play(shared: Arc<Shared>, scenario: Arc<Scenario>, clock: Clock, stop: CancellationToken) {
    let start = clock.now();
    let mut left: Vec<ScriptLine> = scenario.script.clone();
    let mut seen: HashMap<(String, String), DateTime<Utc>> = HashMap::new();
    while !left.is_empty() {
        let pause = clock.wall(LOOK).max(Duration::from_millis(20)).min(LOOK);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let now = clock.now();
        let mut still = Vec::new();
        for line in left {
            let due = line.at.is_none_or(|at| TimeDelta::from_std(at).is_ok_and(|at| start + at <= now));
            if !due || !act(&shared, &line, now, &mut seen).await {
                still.push(line);
            }
        }
        left = still;
    }
}

/// Does what a line says; whether it is done.
async fn act(
    shared: &Arc<Shared>,
    line: &ScriptLine,
    now: DateTime<Utc>,
    seen: &mut HashMap<(String, String), DateTime<Utc>>,
) -> bool {
    let release = match &line.when {
        None => None,
        Some(reaction) => match awaited(shared, &line.user, reaction, now, seen).await {
            Some(release) => Some(release),
            None => return false,
        },
    };
    if let Some(deploy) = &line.deploy {
        return request_release(shared, line, deploy).await;
    }
    if let (Some(action), Some(release)) = (&line.action, &release) {
        return request_action(shared, line, action, release).await;
    }
    true
}

async fn awaited(
    shared: &Arc<Shared>,
    user: &str,
    reaction: &Reaction,
    now: DateTime<Utc>,
    seen: &mut HashMap<(String, String), DateTime<Utc>>,
) -> Option<Value> {
    let path = format!("/apis/release-cockpit.dev/v1alpha1/namespaces/{}/releases", reaction.namespace);
    let releases = send(shared, user, "GET", &path, None).await?;
    let patience = TimeDelta::from_std(reaction.after).unwrap_or_default();
    list(&releases, &["items"])
        .iter()
        .find(|release| {
            let version = text(release, &["spec", "version"]);
            let phase = match text(release, &["status", "phase"]) {
                "" => "Pending",
                phase => phase,
            };
            if reaction.version.as_deref().is_some_and(|wanted| wanted != version) || phase != reaction.phase
            {
                return false;
            }
            let mark = (text(release, &["metadata", "uid"]).to_owned(), phase.to_owned());
            now - *seen.entry(mark).or_insert(now) >= patience
        })
        .cloned()
}

async fn request_release(shared: &Arc<Shared>, line: &ScriptLine, deploy: &Deploy) -> bool {
    let base = format!("/apis/release-cockpit.dev/v1alpha1/namespaces/{}", deploy.namespace);
    let path = format!("{base}/environments/{}", deploy.environment);
    let Some(environment) = send(shared, &line.user, "GET", &path, None).await else { return false };
    let images: Vec<_> = list(&environment, &["spec", "components"])
        .iter()
        .map(|component| {
            json!({
                "component": component["name"],
                "image": format!("{}:{}", text(component, &["image"]), deploy.version)
            })
        })
        .collect();
    let prefix = format!("{}-{}-", deploy.environment, deploy.version.replace('.', "-"));
    let mut release = json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
        "metadata": {"generateName": prefix},
        "spec": {
            "environment": deploy.environment, "version": deploy.version, "images": images, "kind": deploy.kind,
            "requestedBy": line.user
        }
    });
    if let Some(reason) = &line.reason {
        release["spec"]["reason"] = reason.clone().into();
    }
    if let Some(changelog) = &deploy.changelog {
        release["spec"]["changelog"] = changelog.clone().into();
    }
    send(shared, &line.user, "POST", &format!("{base}/releases"), Some(&release)).await;
    true
}

async fn request_action(shared: &Arc<Shared>, line: &ScriptLine, action: &str, release: &Value) -> bool {
    let namespace = text(release, &["metadata", "namespace"]);
    let base = format!("/apis/release-cockpit.dev/v1alpha1/namespaces/{namespace}");
    let name = text(release, &["spec", "environment"]);
    let path = format!("{base}/environments/{name}");
    let Some(environment) = send(shared, &line.user, "GET", &path, None).await else { return false };
    let groups = shared.authorizer_groups(&line.user);
    let mut spec = json!({
        "environment": name, "action": action, "actor": line.user,
        "release": {
            "name": release["metadata"]["name"], "uid": release["metadata"]["uid"],
            "requestedBy": release["spec"]["requestedBy"]
        },
        "expected": {"generation": release["metadata"]["generation"]}
    });
    if let Some(step) = release["status"]["step"].get("index") {
        spec["expected"]["step"] = step.clone();
    }
    if let Some(digest) = release["status"]["plan"].get("digest") {
        spec["expected"]["planDigest"] = digest.clone();
    }
    if let Some(reason) = &line.reason {
        spec["reason"] = reason.clone().into();
    }
    if action == "Approve" {
        let slots: Vec<_> = list(&environment, &["spec", "approval", "slots"])
            .iter()
            .filter(|slot| {
                let group = text(slot, &["group"]);
                group.is_empty() || groups.iter().any(|own| own == group)
            })
            .map(|slot| match slot.get("group") {
                Some(group) => json!({"name": slot["name"], "group": group}),
                None => json!({"name": slot["name"]}),
            })
            .collect();
        spec["slots"] = slots.into();
    }
    let body = json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction",
        "metadata": {"generateName": format!("{}-", action.to_lowercase())}, "spec": spec
    });
    send(shared, &line.user, "POST", &format!("{base}/releaseactions"), Some(&body)).await.is_some()
}

/// One request in a person's name; the answer's body when it was granted.
async fn send(
    shared: &Arc<Shared>,
    user: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Option<Value> {
    let request = Request::builder()
        .method(method)
        .uri(format!("/as/{user}{path}"))
        .header("content-type", "application/json")
        .header("user-agent", "release-cockpit-script/1")
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
        .ok()?;
    let response = serve(shared.clone(), request).await;
    let granted = response.status().is_success();
    let bytes = to_bytes(response.into_body(), 64 << 20).await.ok()?;
    if !granted {
        tracing::debug!(user, path, answer = %String::from_utf8_lossy(&bytes), "a scripted request was refused");
        return None;
    }
    serde_json::from_slice(&bytes).ok()
}
