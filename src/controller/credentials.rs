//! Whether this replica may write what a controller writes. One that may not does not lead, and says whose credentials it needs.
//!
//! Owns the asking: the rights by access reviews, the admission policies by a dry run of the very write on an Environment. Must not
//! write anything.

use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::watch;

use super::feed;
use super::may::May;
use super::metadata::{name, namespace};
use crate::api::{Environment, GROUP, Stored};
use crate::time::Clock;

/// Between two looks while it may write, and while it may not or nobody can tell.
const EVERY: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(10);
/// What every look must find allowed.
const WRITES: [&str; 3] = ["releases", "releaseactions", "environments"];
/// How the policy refuses everybody but the controller.
const CONTROLLER_ONLY: &str = "ControllerOnly";
/// Field manager of the dry run.
const MANAGER: &str = "release-cockpit-probe";

/// Asks again and again; ends never. What could not be asked changes nothing.
pub(super) async fn keep(
    client: &Client,
    (own, namespaces): (&str, &[String]),
    clock: &Clock,
    may: &watch::Sender<May>,
) {
    let mut last = None;
    loop {
        let found = look(client, own, namespaces).await;
        match &found {
            Ok(May::No(why)) if last.as_ref() != Some(why) => {
                tracing::error!("{why}");
                last = Some(why.clone());
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "whether this replica may write could not be asked"),
        }
        let wait = if matches!(found, Ok(May::Yes)) { EVERY } else { SOON };
        if let Ok(found) = found {
            may.send_if_modified(|may| std::mem::replace(may, found.clone()) != found);
        }
        tokio::time::sleep(clock.wall(wait)).await;
    }
}

async fn look(client: &Client, own: &str, namespaces: &[String]) -> Result<May, kube::Error> {
    let scopes: Vec<Option<&str>> = if namespaces.is_empty() {
        vec![None]
    } else {
        namespaces.iter().map(|name| Some(name.as_str())).collect()
    };
    for scope in scopes {
        for resource in WRITES {
            if !is_allowed(client, resource, scope).await? {
                let place =
                    scope.map_or_else(|| "all namespaces".to_owned(), |scope| format!("namespace {scope}"));
                let why = format!("may not patch {resource}/status in {place}");
                return Ok(May::No(sentence(&who(client).await, &why, own)));
            }
        }
        if let Some(refusal) = refusal(client, scope).await? {
            return Ok(May::No(sentence(
                &who(client).await,
                &format!("may not write status ({refusal})"),
                own,
            )));
        }
    }
    Ok(May::Yes)
}

fn sentence(who: &str, why: &str, own: &str) -> String {
    let who = if who.is_empty() { "this user" } else { who };
    let text = format!(
        "{who} {why}: this replica does not lead. Run it as ServiceAccount controller of namespace {own}: kubectl create token controller -n {own}"
    );
    crate::sanitize::line(&text).into_owned()
}

async fn is_allowed(client: &Client, resource: &str, scope: Option<&str>) -> Result<bool, kube::Error> {
    let attributes = ResourceAttributes {
        group: Some(GROUP.to_owned()),
        resource: Some(resource.to_owned()),
        subresource: Some("status".to_owned()),
        verb: Some("patch".to_owned()),
        namespace: scope.map(str::to_owned),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
    let review = SelfSubjectAccessReview { spec, ..Default::default() };
    let answer =
        Api::<SelfSubjectAccessReview>::all(client.clone()).create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// Why the API server refuses the write of an Environment's status; nothing where it accepts it, or where there is no Environment yet.
async fn refusal(client: &Client, scope: Option<&str>) -> Result<Option<String>, kube::Error> {
    let all = feed::scoped::<Environment>(client, scope);
    let metadata = all.list_metadata(&ListParams::default().limit(1)).await?;
    let Some(found) = metadata.items.first() else { return Ok(None) };
    // the answer is an object that this version may not understand
    let environments: Api<Stored<Environment>> = Api::namespaced(client.clone(), namespace(found));
    let params =
        PatchParams { dry_run: true, field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    match environments.patch_status(name(found), &params, &Patch::Merge(json!({"status": {}}))).await {
        Err(kube::Error::Api(status)) if status.message.contains(CONTROLLER_ONLY) => Ok(Some(status.message)),
        // whatever else is wrong with one object says nothing about who asks
        Err(kube::Error::Api(status)) if (400..500).contains(&status.code) && status.code != 429 => Ok(None),
        answer => answer.map(|_| None),
    }
}

/// Who the API server takes this replica for; empty where it does not tell.
async fn who(client: &Client) -> String {
    let asked = Api::<SelfSubjectReview>::all(client.clone())
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await;
    let user = asked.ok().and_then(|review| review.status).and_then(|status| status.user_info);
    user.and_then(|user| user.username).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_who_why_and_the_remedy() {
        let text = sentence("admin\u{1b}[2J", "may not write status (ControllerOnly)", "ops");
        for part in ["admin", "ControllerOnly", "does not lead", "kubectl create token controller -n ops"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains('\u{1b}'));
        assert!(sentence("", "may not", "ops").starts_with("this user may not"));
    }

    /// The verdict of a server that allows every right and answers the dry run like that.
    async fn judged(code: u16, message: &'static str) -> Result<May, kube::Error> {
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| async move {
            let object = json!({"metadata": {"name": "production", "namespace": "shop"}});
            let (code, body) = match request.uri().path() {
                path if path.ends_with("/selfsubjectaccessreviews") => {
                    (201, json!({"spec": {}, "status": {"allowed": true}}))
                }
                path if path.ends_with("/selfsubjectreviews") => {
                    (201, json!({"status": {"userInfo": {"username": "admin"}}}))
                }
                path if path.ends_with("/environments") => (200, json!({"metadata": {}, "items": [object]})),
                _ => (code, json!({"kind": "Status", "code": code, "message": message, "status": "Failure"})),
            };
            let body = kube::client::Body::from(body.to_string().into_bytes());
            http::Response::builder().status(code).body(body)
        });
        look(&Client::new(service, "shop"), "ops", &[]).await
    }

    #[tokio::test]
    async fn only_the_policy_of_the_controller_says_that_somebody_else_asks() {
        let refused =
            judged(422, "denied: ControllerOnly: environments/status is written by the controller").await;
        assert!(matches!(refused, Ok(May::No(why)) if why.starts_with("admin may not write status")));
        for (code, message) in
            [(422, "spec.bake: Invalid value"), (403, "webhook: not today"), (404, "not found")]
        {
            assert_eq!(judged(code, message).await.unwrap(), May::Yes, "{message}");
        }
        for code in [429, 500, 503] {
            assert!(judged(code, "later").await.is_err(), "{code}: nobody can tell");
        }
    }
}
