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
use super::scenario::{Deploy, Place, Reaction, Scenario, ScriptLine};
use super::store::stamp;
use crate::time::Clock;

/// World time between two looks at the script.
const LOOK: Duration = Duration::from_millis(500);

/// Plays the script until it is over or the world ends.
pub(super) async fn play(
    shared: Arc<Shared>,
    scenario: Arc<Scenario>,
    clock: Clock,
    stop: CancellationToken,
) {
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
    let Some(action) = &line.action else { return true };
    let granted = match (&line.on, &release) {
        (Some(place), _) => on_environment(shared, line, (action, place), now).await,
        (None, Some(release)) => on_release(shared, line, (action, release), now).await,
        (None, None) => true,
    };
    granted || line.once
}

async fn awaited(
    shared: &Arc<Shared>,
    user: &str,
    reaction: &Reaction,
    now: DateTime<Utc>,
    seen: &mut HashMap<(String, String), DateTime<Utc>>,
) -> Option<Value> {
    let base = base(&reaction.namespace);
    let releases = send(shared, user, "GET", &format!("{base}/releases"), None).await?;
    let actions = match &reaction.press {
        Some(_) => send(shared, user, "GET", &format!("{base}/releaseactions"), None).await?,
        None => Value::Null,
    };
    let pressed = |release: &Value| {
        reaction.press.as_ref().is_none_or(|press| {
            list(&actions, &["items"]).iter().any(|action| {
                text(action, &["spec", "action"]) == press
                    && text(action, &["spec", "actor"]) != user
                    && text(action, &["spec", "release", "uid"]) == text(release, &["metadata", "uid"])
            })
        })
    };
    let patience = TimeDelta::from_std(reaction.after).unwrap_or_default();
    list(&releases, &["items"])
        .iter()
        .find(|release| {
            let version = text(release, &["spec", "version"]);
            let phase = match text(release, &["status", "phase"]) {
                "" => "Pending",
                phase => phase,
            };
            let fits =
                |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
            if !fits(&reaction.version, version) || !fits(&reaction.phase, phase) || !pressed(release) {
                return false;
            }
            let mark = (text(release, &["metadata", "uid"]).to_owned(), phase.to_owned());
            now - *seen.entry(mark).or_insert(now) >= patience
        })
        .cloned()
}

/// Where the product's objects of a namespace are.
fn base(namespace: &str) -> String {
    format!("/apis/release-cockpit.dev/v1alpha1/namespaces/{namespace}")
}

async fn request_release(shared: &Arc<Shared>, line: &ScriptLine, deploy: &Deploy) -> bool {
    let base = base(&deploy.namespace);
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
    if let Some(incident) = &deploy.emergency {
        release["spec"]["emergency"] = true.into();
        release["spec"]["ticket"] = incident.clone().into();
    }
    send(shared, &line.user, "POST", &format!("{base}/releases"), Some(&release)).await;
    true
}

/// An action on a release: whether it was granted.
async fn on_release(
    shared: &Arc<Shared>,
    line: &ScriptLine,
    (action, release): (&str, &Value),
    now: DateTime<Utc>,
) -> bool {
    let namespace = text(release, &["metadata", "namespace"]);
    let name = text(release, &["spec", "environment"]);
    let path = format!("{}/environments/{name}", base(namespace));
    let Some(environment) = send(shared, &line.user, "GET", &path, None).await else { return false };
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
    if action == "Approve" {
        spec["slots"] = slots(&environment, &shared.authorizer_groups(&line.user)).into();
    }
    if action != "Check" || line.parameters.is_some() {
        return submit(shared, line, (namespace, spec), now).await;
    }
    let mut granted = true;
    for item in list(&environment, &["spec", "gates", "checklist"]) {
        let mut one = spec.clone();
        one["parameters"] = json!({"item": item});
        granted &= submit(shared, line, (namespace, one), now).await;
    }
    granted
}

/// The slots that these groups may fill.
fn slots(environment: &Value, groups: &[String]) -> Vec<Value> {
    list(environment, &["spec", "approval", "slots"])
        .iter()
        .filter(|slot| {
            let group = text(slot, &["group"]);
            group.is_empty() || groups.iter().any(|own| own == group)
        })
        .map(|slot| match slot.get("group") {
            Some(group) => json!({"name": slot["name"], "group": group}),
            None => json!({"name": slot["name"]}),
        })
        .collect()
}

/// An action on an environment: whether it was granted.
async fn on_environment(
    shared: &Arc<Shared>,
    line: &ScriptLine,
    (action, place): (&str, &Place),
    now: DateTime<Utc>,
) -> bool {
    let mut spec = json!({"environment": place.environment, "action": action, "actor": line.user});
    if action == "Review" && line.parameters.is_none() {
        let path = format!("{}/environments/{}", base(&place.namespace), place.environment);
        let Some(environment) = send(shared, &line.user, "GET", &path, None).await else { return false };
        let debts = list(&environment, &["status", "debts"]);
        let Some(debt) = debts.iter().find(|debt| text(debt, &["by"]) != line.user) else { return false };
        spec["parameters"] = json!({"debt": debt["id"]});
    }
    submit(shared, line, (&place.namespace, spec), now).await
}

/// Sends an action with what the line says of it.
async fn submit(
    shared: &Arc<Shared>,
    line: &ScriptLine,
    (namespace, mut spec): (&str, Value),
    now: DateTime<Utc>,
) -> bool {
    if let Some(parameters) = &line.parameters {
        spec["parameters"] = parameters.clone();
    }
    if let Some(until) = line.span.and_then(|span| TimeDelta::from_std(span).ok()) {
        spec["parameters"]["until"] = stamp(now + until).into();
    }
    if let Some(reason) = &line.reason {
        spec["reason"] = reason.clone().into();
    }
    let prefix = format!("{}-", text(&spec, &["action"]).to_lowercase());
    let body = json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction", "metadata": {"generateName": prefix}, "spec": spec
    });
    let path = format!("{}/releaseactions", base(namespace));
    send(shared, &line.user, "POST", &path, Some(&body)).await.is_some()
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
