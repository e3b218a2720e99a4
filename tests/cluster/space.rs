//! A namespace of a test's own, with an application of two components in it.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use release_cockpit::api::{Environment, Phase, Release, ReleaseAction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::world::{World, until};

/// How long a release may take.
pub const PATIENCE: u64 = 150;

/// A namespace of a test's own.
pub struct Space {
    pub world: &'static World,
    pub namespace: String,
    pub admin: Client,
}

impl Space {
    pub async fn new(world: &'static World, test: &str) -> Self {
        let namespace = world.namespace(test).await;
        Self::of(world, namespace).await
    }

    /// A namespace that exists.
    pub async fn of(world: &'static World, namespace: String) -> Self {
        Self { world, namespace, admin: world.client("admin").await }
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.admin.clone(), &self.namespace)
    }

    /// The same through the eyes of somebody.
    pub async fn as_seen_by<K>(&self, who: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.world.client(who).await, &self.namespace)
    }

    /// Backend and frontend at v1.0.0, complete, and the environment `production` over them, with more in its spec.
    pub async fn application(&self, components: &[&str], more: Value) {
        let mut list = Vec::new();
        for (wave, name) in components.iter().enumerate() {
            let deployment = json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
                "spec": {
                    "replicas": 1, "progressDeadlineSeconds": 60, "selector": {"matchLabels": {"app": name}},
                    "template": {
                        "metadata": {"labels": {"app": name}},
                        "spec": {"containers": [{"name": name, "image": image(name, "v1.0.0")}]}
                    }
                }
            });
            create::<Deployment>(&self.api(), deployment).await;
            list.push(
                json!({"name": name, "workload": {"kind": "Deployment", "name": name}, "container": name,
                "image": format!("ghcr.io/acme/{name}"), "wave": wave}),
            );
        }
        let mut spec = json!({"application": "shop", "tier": "production", "components": list, "strategy": {"rolling": {}}});
        for (key, value) in more.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        let environment = json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment", "metadata": {"name": "production"}, "spec": spec});
        create::<Environment>(&self.api(), environment).await;
        self.policies_have_long_been_in_force().await;
        for name in components {
            self.until_complete(name, 1).await;
        }
        self.until_seen_by_policies().await;
    }

    /// A component that is about to fail is given up soon; what is only slow keeps its time.
    pub async fn gives_up_soon_on(&self, component: &str) {
        let soon = Patch::Merge(json!({"spec": {"progressDeadlineSeconds": 6}}));
        let deployments: Api<Deployment> = self.api();
        let patched = deployments.patch(component, &PatchParams::default(), &soon).await.expect("a change");
        self.until_complete(component, patched.metadata.generation.expect("a generation")).await;
    }

    /// What a controller has found out before the test begins: only what is asked for afterwards is attested.
    pub async fn policies_have_long_been_in_force(&self) {
        let environments: Api<Environment> = self.as_seen_by("controller").await;
        let told = json!({"status": {"conditions": [{"type": "PoliciesEnforced", "status": "True", "reason": "Enforced",
            "message": "every policy is installed and denies", "lastTransitionTime": "2026-01-02T03:04:05Z"}]}});
        environments
            .patch_status("production", &PatchParams::default(), &Patch::Merge(&told))
            .await
            .expect("a status");
    }

    /// The API server's policies read environments from a cache.
    pub async fn until_seen_by_policies(&self) {
        let releases: Api<Release> = self.as_seen_by("alice").await;
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        let probe = release("probe", "v1.0.0", "alice", &["backend"]);
        until(20, "policies see the environment", || async { releases.create(&dry, &probe).await.ok() })
            .await;
    }

    /// Asks for a release of all components.
    pub async fn ask(&self, who: &str, name: &str, version: &str, components: &[&str]) -> Release {
        let releases: Api<Release> = self.as_seen_by(who).await;
        releases
            .create(&PostParams::default(), &release(name, version, who, components))
            .await
            .expect("a release")
    }

    /// Waits until the release is as wanted; tells what it was when it never is.
    pub async fn until_release(&self, name: &str, what: &str, wanted: impl Fn(&Release) -> bool) -> Release {
        until_is(&self.api::<Release>(), name, what, wanted).await
    }

    pub async fn until_phase(&self, name: &str, phase: Phase) -> Release {
        self.until_release(name, phase.as_str(), |release| {
            let found = release.phase();
            assert!(found == phase || !found.is_final(), "{name} ended as {found}: {}", message(release));
            found == phase
        })
        .await
    }

    /// As [`Space::until_phase`], for what had ended before.
    pub async fn until_phase_again(&self, name: &str, phase: Phase) -> Release {
        self.until_release(name, phase.as_str(), |release| release.phase() == phase).await
    }

    /// Waits until the controller waits for an approval, with a plan to approve.
    pub async fn until_waiting(&self, name: &str) -> Release {
        self.until_release(name, "waiting for approval", |release| {
            let status = release.status.clone().unwrap_or_default();
            status.plan.is_some() && status.gates.iter().any(|gate| gate.name == "approval")
        })
        .await
    }

    pub async fn deployment(&self, name: &str) -> Deployment {
        self.api::<Deployment>().get(name).await.expect("a deployment")
    }

    /// Waits until that generation is rolled out completely.
    pub async fn until_complete(&self, name: &str, generation: i64) -> Deployment {
        until_is(&self.api::<Deployment>(), name, "complete", |deployment| {
            let (wanted, status) = (deployment.spec.replicas, deployment.status.clone().unwrap_or_default());
            deployment.metadata.generation == Some(generation)
                && status.observed_generation == Some(generation)
                && [status.replicas, status.updated_replicas, status.available_replicas]
                    .iter()
                    .all(|count| *count == wanted)
        })
        .await
    }

    /// Image, number of times that the spec was written, and revision of a Deployment.
    pub async fn runs(&self, name: &str) -> (String, i64, String) {
        let deployment = self.deployment(name).await;
        let image = deployment.spec.template.spec.as_ref().and_then(|spec| spec.containers[0].image.clone());
        let revision = deployment.annotations().get("deployment.kubernetes.io/revision").cloned();
        (
            image.unwrap_or_default(),
            deployment.metadata.generation.unwrap_or_default(),
            revision.unwrap_or_default(),
        )
    }

    /// The ReplicaSets of a component, by image.
    pub async fn replica_sets(&self, name: &str) -> Vec<ReplicaSet> {
        let selector = format!("app.kubernetes.io/component={name}");
        let by_component = self
            .api::<ReplicaSet>()
            .list(&ListParams::default().labels(&selector))
            .await
            .expect("replica sets")
            .items;
        if !by_component.is_empty() {
            return by_component;
        }
        self.api::<ReplicaSet>()
            .list(&ListParams::default().labels(&format!("app={name}")))
            .await
            .expect("replica sets")
            .items
    }

    /// Sends an action as its author.
    pub async fn act(&self, action: Value) -> Result<ReleaseAction, kube::Error> {
        let who = action["spec"]["actor"].as_str().expect("an actor").to_owned();
        let actions: Api<ReleaseAction> = self.as_seen_by(&who).await;
        actions.create(&PostParams::default(), &serde_json::from_value(action).expect("an action")).await
    }

    /// The controller's verdict on an action.
    pub async fn verdict(&self, name: &str) -> (String, String) {
        let judged = until_is(&self.api::<ReleaseAction>(), name, "judged", ReleaseAction::is_judged).await;
        let status = judged.status.unwrap_or_default();
        (format!("{:?}", status.result.expect("a result")), status.message.unwrap_or_default())
    }
}

/// Waits until an object is as wanted; tells what it was when it never is.
pub async fn until_is<K>(api: &Api<K>, name: &str, what: &str, wanted: impl Fn(&K) -> bool) -> K
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Serialize,
{
    let last = std::sync::Mutex::new(None);
    let search = tokio::time::timeout(std::time::Duration::from_secs(PATIENCE), async {
        loop {
            if let Ok(Some(found)) = api.get_opt(name).await {
                if wanted(&found) {
                    return found;
                }
                *last.lock().unwrap() = Some(found);
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });
    if let Ok(found) = search.await {
        return found;
    }
    let last = last.lock().unwrap().take();
    panic!("{name} never was {what}: {}", serde_json::to_string_pretty(&last).unwrap_or_default())
}

pub fn message(release: &Release) -> String {
    release.status.as_ref().map(|status| status.message.clone()).unwrap_or_default()
}

pub fn image(component: &str, version: &str) -> String {
    format!("ghcr.io/acme/{component}:{version}")
}

pub async fn create<K>(api: &Api<K>, object: Value) -> K
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Serialize,
{
    let object = serde_json::from_value(object).expect("an object of its kind");
    api.create(&PostParams::default(), &object).await.expect("to be created")
}

/// A release of `version` into `production`.
pub fn release(name: &str, version: &str, who: &str, components: &[&str]) -> Release {
    let images: Vec<_> =
        components.iter().map(|name| json!({"component": name, "image": image(name, version)})).collect();
    serde_json::from_value(json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release", "metadata": {"name": name},
        "spec": {"environment": "production", "version": version, "kind": "Deploy", "requestedBy": who, "images": images}
    }))
    .expect("a release")
}

/// An action on a release as somebody sees it now.
pub fn action(name: &str, kind: &str, who: &str, release: &Release) -> Value {
    let status = release.status.clone().unwrap_or_default();
    let mut expected = json!({"generation": release.metadata.generation});
    let mut spec = json!({"environment": release.spec.environment, "action": kind, "actor": who, "reason": "the test says so",
        "release": {"name": release.name_any(), "uid": release.uid(), "requestedBy": release.spec.requested_by}});
    match kind {
        "Approve" => expected["planDigest"] = json!(status.plan.expect("a plan").digest),
        "Pause" | "Resume" | "Retry" | "Promote" | "PromoteFull" => {
            expected["step"] = json!(status.step.map_or(0, |step| step.index));
        }
        _ => {}
    }
    spec["expected"] = expected;
    json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction", "metadata": {"name": name}, "spec": spec})
}

/// An approval that fills these slots.
pub fn approval(name: &str, who: &str, release: &Release, slots: Value) -> Value {
    let mut action = action(name, "Approve", who, release);
    action["spec"]["slots"] = slots;
    action
}

/// An action of somebody on the environment `production`.
pub fn on_environment(name: &str, kind: &str, who: &str, parameters: &Value) -> Value {
    json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction", "metadata": {"name": name},
        "spec": {"environment": "production", "action": kind, "actor": who, "reason": "the test says so", "parameters": parameters}
    })
}
