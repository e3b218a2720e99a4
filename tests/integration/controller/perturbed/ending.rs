//! How a story has to end.

use std::fmt::Write as _;

use k8s_openapi::api::core::v1::Service;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};

use super::super::*;
use super::story::{SPACE, Site, Story};

/// How long everything may take once nothing is perturbed.
const CALM: Duration = Duration::from_secs(900);
/// Between two looks of people who answer.
const LOOK: Duration = Duration::from_secs(2);
/// More requests than any story needs.
const RESTLESS: u64 = 20_000;
/// The version of the last release.
const ENCORE: &str = "v1.9.2";

/// What serves, as far as a release changes it.
#[derive(Debug, PartialEq)]
pub struct Still {
    deployments: Vec<(String, Option<i32>)>,
    services: Vec<(String, Value)>,
    route: Value,
}

impl Still {
    pub async fn of(stage: &Stage) -> Self {
        let deployments: Api<Deployment> = Api::namespaced(stage.client("admin"), SPACE);
        let services: Api<Service> = Api::namespaced(stage.client("admin"), SPACE);
        let kind = GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute");
        let resource = ApiResource::from_gvk_with_plural(&kind, "httproutes");
        let routes: Api<DynamicObject> = Api::namespaced_with(stage.client("admin"), SPACE, &resource);
        let all = ListParams::default();
        let deployments = deployments.list(&all).await.unwrap().items.into_iter();
        let services = services.list(&all).await.unwrap().items.into_iter();
        Self {
            deployments: deployments.map(|one| (one.metadata.name.unwrap(), one.spec.replicas)).collect(),
            services: services
                .map(|one| (one.metadata.name.unwrap(), json!(one.spec.unwrap().selector)))
                .collect(),
            route: routes.get("backend").await.unwrap().data["spec"]["rules"].clone(),
        }
    }
}

impl Site {
    /// People answer what waits for them until everything has ended, and the lane is free.
    pub async fn end(&self, story: &Story) -> Result<(), String> {
        self.within_calm(story.is_approved).await?;
        if story.has_encore {
            self.request(ENCORE).await;
            self.within_calm(true).await?;
            let last = self.releases().await.into_iter().find(|release| release.spec.version == ENCORE);
            if last.is_none_or(|release| release.phase() != Phase::Succeeded) {
                return Err(format!("the last release does not succeed\n{}", self.state().await));
            }
        }
        Ok(())
    }

    async fn within_calm(&self, approves: bool) -> Result<(), String> {
        let ended = tokio::time::timeout(CALM, async {
            while !self.is_over() || !self.is_idle() {
                self.attend(approves).await;
                tokio::time::sleep(LOOK).await;
                if self.perturber.total() > RESTLESS {
                    return Err("it never rests".to_owned());
                }
            }
            Ok(())
        });
        let why = match ended.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(why)) => why,
            Err(_) => "it never ends".to_owned(),
        };
        Err(format!("{why}: {}", self.state().await))
    }

    /// What must be so after everything.
    pub async fn check(&self) -> Result<(), String> {
        let violations = self.perturber.violations();
        if !violations.is_empty() {
            return Err(format!("{}\n{}", violations.join("\n"), self.state().await));
        }
        let (found, state) = (Still::of(&self.stage).await, self.state().await);
        if found != self.before {
            return Err(format!("{found:#?} instead of {:#?}\n{state}", self.before));
        }
        let all = self.releases().await;
        let has_succeeded = |version: &String| {
            let of = |release: &&Release| release.spec.version == *version;
            all.iter().find(of).is_some_and(|release| release.phase() == Phase::Succeeded)
        };
        let version = self.perturber.executed().into_iter().rfind(has_succeeded);
        let version = version.unwrap_or_else(|| "v1.8.1".to_owned());
        let (_, image) = self.stage.deployment(SPACE, "backend").await;
        if image != format!("ghcr.io/acme/backend:{version}") {
            return Err(format!("{image} runs instead of {version}\n{state}"));
        }
        let actions = self.actions().await;
        let is_applied = |action: &&ReleaseAction| {
            action.status.as_ref().is_some_and(|status| status.result == Some(ActionResult::Applied))
        };
        let applied: Vec<_> = actions.iter().filter(is_applied).collect();
        let stops = ["Abort", "Rollback", "Reject", "Freeze"];
        let stopped = applied.iter().any(|action| stops.contains(&action.spec.action.to_string().as_str()));
        if all.iter().any(|release| release.phase() != Phase::Succeeded) && !stopped {
            return Err(format!("nobody stopped it, and it did not succeed\n{state}"));
        }
        for action in actions.iter().filter(|action| action.spec.release.is_some()) {
            let uid = action.metadata.uid.as_ref().unwrap();
            let is_recorded = all.iter().any(|release| {
                release.status.as_ref().is_some_and(|status| status.judged_actions.contains(uid))
            });
            if is_recorded != is_applied(&action) {
                return Err(format!(
                    "{} is answered otherwise than it was applied\n{state}",
                    action.spec.action
                ));
            }
        }
        Ok(())
    }

    /// Everything that a person needs to find out why.
    async fn state(&self) -> String {
        let mut text = String::new();
        for release in self.releases().await {
            let status = release.status.unwrap_or_default();
            let lines: Vec<_> = status
                .timeline
                .iter()
                .map(|entry| format!("  {} {} by {}: {}", entry.at, entry.reason, entry.by, entry.message))
                .collect();
            let gates: Vec<_> = status
                .gates
                .iter()
                .map(|gate| format!("{} {:?} {}", gate.name, gate.state, gate.detail))
                .collect();
            let _ = write!(
                text,
                "{} {}: {}\n{}\n  gates {gates:?}\n",
                release.spec.version,
                status.phase,
                status.message,
                lines.join("\n")
            );
        }
        for action in self.actions().await {
            let status = action.status.unwrap_or_default();
            let _ = writeln!(text, "{} {:?} {:?}", action.spec.action, status.result, status.message);
        }
        let environment = self.environment().await.status.unwrap_or_default();
        let _ = writeln!(
            text,
            "active {:?}, lane {:?}, frozen {:?}",
            environment.active_release, environment.lane, environment.frozen
        );
        text + &format!("{:?}", Still::of(&self.stage).await)
    }
}
