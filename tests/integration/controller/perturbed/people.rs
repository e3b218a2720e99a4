//! What people see and do in a story.

use super::super::*;
use super::story::{SPACE, Site};

use kube::api::ListParams;

/// What somebody asks for.
#[derive(Clone, Copy, Debug)]
pub enum Ask {
    OfRelease(&'static str),
    Freeze(&'static str),
    Unfreeze,
}

impl Site {
    pub async fn releases(&self) -> Vec<Release> {
        self.stage.releases("admin", SPACE).list(&ListParams::default()).await.unwrap().items
    }

    pub async fn actions(&self) -> Vec<ReleaseAction> {
        let api: Api<ReleaseAction> = Api::namespaced(self.stage.client("admin"), SPACE);
        api.list(&ListParams::default()).await.unwrap().items
    }

    pub async fn environment(&self) -> Environment {
        let api: Api<Environment> = Api::namespaced(self.stage.client("admin"), SPACE);
        api.get("production").await.unwrap()
    }

    fn phases(&self) -> Vec<Phase> {
        let phase = |release: &Value| serde_json::from_value(release["status"]["phase"].clone());
        self.stage.running.view().each("releases", SPACE, |release| phase(release).unwrap_or_default())
    }

    fn is_all_judged(&self) -> bool {
        let is_judged = |action: &Value| !action["status"]["result"].is_null();
        self.stage.running.view().each("releaseactions", SPACE, is_judged).into_iter().all(|it| it)
    }

    /// Whether everything has ended, as far as releases and actions show.
    pub fn is_over(&self) -> bool {
        let phases = self.phases();
        !phases.is_empty() && phases.into_iter().all(Phase::is_final) && self.is_all_judged()
    }

    /// Whether the environment reports that nothing executes, and is not frozen.
    pub fn is_idle(&self) -> bool {
        let is_idle =
            |it: &Value| it["status"]["activeRelease"].is_null() && it["status"]["frozen"].is_null();
        self.stage.running.view().each("environments", SPACE, is_idle).into_iter().all(|it| it)
    }

    pub fn waits_for_people(&self) -> bool {
        let waits = |phase: Phase| matches!(phase, Phase::Paused | Phase::Held) || phase.is_final();
        self.phases().into_iter().all(waits) && self.is_all_judged()
    }

    /// Answers what waits for people, once.
    pub async fn attend(&self, approves: bool) {
        let waits = |phase: Phase| matches!(phase, Phase::Pending | Phase::Paused | Phase::Held);
        if self.is_idle() && !self.phases().into_iter().any(waits) {
            return;
        }
        let actions = self.actions().await;
        let is_open = |about: Option<&Release>| {
            actions.iter().any(|action| {
                let named = action.spec.release.as_ref().map(|named| &named.name);
                !action.is_judged() && named == about.and_then(|release| release.metadata.name.as_ref())
            })
        };
        let frozen = self.environment().await.status.and_then(|status| status.frozen);
        if frozen.is_some() && !is_open(None) {
            self.ask("", Ask::Unfreeze).await;
        }
        for release in self.releases().await {
            let version = &release.spec.version;
            let status = release.status.clone().unwrap_or_default();
            let waits = status.gates.iter().any(|gate| gate.name == "approval" && gate.cleared_by.is_some());
            if is_open(Some(&release)) {
                continue;
            }
            match release.phase() {
                Phase::Pending if waits && approves => drop(self.approve(version).await),
                Phase::Pending if waits => self.ask(version, Ask::OfRelease("Reject")).await,
                Phase::Paused => self.ask(version, Ask::OfRelease("Resume")).await,
                Phase::Held if frozen.is_none() => self.ask(version, Ask::OfRelease("Abort")).await,
                _ => {}
            }
        }
    }

    /// Asks for a release; whether it may be asked for, which it may not while the environment is frozen.
    pub async fn request(&self, version: &str) -> bool {
        let release: Release = serde_json::from_value(json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
            "metadata": {"name": name_of(version), "namespace": SPACE},
            "spec": {
                "environment": "production", "version": version, "kind": "Deploy", "requestedBy": "bob",
                "reason": "a test",
                "images": [{"component": "backend", "image": format!("ghcr.io/acme/backend:{version}")}],
            },
        }))
        .unwrap();
        match self.stage.releases("bob", SPACE).create(&PostParams::default(), &release).await {
            Err(kube::Error::Api(refused)) if refused.message.contains("EnvironmentFrozen") => false,
            asked => {
                asked.unwrap();
                true
            }
        }
    }

    /// Approves a release once it has a plan; whether it has one.
    pub async fn approve(&self, version: &str) -> bool {
        let release = self.stage.releases("carol", SPACE).get(&name_of(version)).await.unwrap();
        let plan = release.status.as_ref().and_then(|status| status.plan.as_ref());
        let Some(digest) = plan.map(|plan| plan.digest.clone()) else { return false };
        let expected = json!({"expected": {"planDigest": digest}, "slots": [{"name": "any"}]});
        self.create("Approve", Some(&release), expected).await;
        true
    }

    pub async fn ask(&self, version: &str, ask: Ask) {
        match ask {
            Ask::Freeze(in_flight) => {
                self.create("Freeze", None, json!({"parameters": {"inFlight": in_flight}})).await;
            }
            Ask::Unfreeze => self.create("Unfreeze", None, json!({})).await,
            Ask::OfRelease(action) => {
                let release = self.stage.releases("carol", SPACE).get(&name_of(version)).await.unwrap();
                let step =
                    release.status.as_ref().and_then(|status| status.step.as_ref()).map(|step| step.index);
                let changes = match action {
                    "Pause" | "Resume" | "Promote" | "PromoteFull" => {
                        json!({"expected": {"step": step.unwrap_or(0)}})
                    }
                    _ => json!({}),
                };
                self.create(action, Some(&release), changes).await;
            }
        }
    }

    async fn create(&self, action: &str, release: Option<&Release>, changes: Value) {
        let mut object = json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction",
            "metadata": {"generateName": "act-", "namespace": SPACE},
            "spec": {"environment": "production", "action": action, "actor": "carol", "reason": "a test"},
        });
        if let Some(release) = release {
            object["spec"]["release"] = json!({
                "name": release.metadata.name, "uid": release.metadata.uid, "requestedBy": "bob",
            });
        }
        json_patch::merge(&mut object["spec"], &changes);
        let api: Api<ReleaseAction> = Api::namespaced(self.stage.client("carol"), SPACE);
        let action: ReleaseAction = serde_json::from_value(object).unwrap();
        api.create(&PostParams::default(), &action).await.unwrap();
    }
}

fn name_of(version: &str) -> String {
    version.replace('.', "-")
}
