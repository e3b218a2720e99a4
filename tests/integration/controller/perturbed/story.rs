//! What people do while the controller is perturbed, and what must be so in the end.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};

use super::super::*;
use super::guard::Guard;
use super::transport::Perturber;
use super::{DEADLINES, draw};

const SPACE: &str = "shop";
/// How much faster than the wall the world runs.
const SPEED: f64 = 120.0;
/// Ways to release.
const STRATEGIES: [&str; 3] = [
    "{rolling: {}}",
    "{canary: {trafficRouting: {router: gateway-api, config: {httpRoute: backend}}, steps: [{setWeight: 20}, {pause: {duration: 5s}}, {setWeight: 60}, {pause: {}}]}}",
    "{blueGreen: {keepBlue: 5s, pauseBeforeSwitch: true}}",
];
/// What people ask for at some moment.
const DEEDS: [&str; 7] = ["Pause", "Resume", "Abort", "Rollback", "Promote", "PromoteFull", "Reject"];
/// How long it is perturbed at most.
const STORM: Duration = Duration::from_secs(20);
/// How long everything may take once nothing is perturbed.
const CALM: Duration = Duration::from_secs(60);
/// Between two looks of people.
const BLINK: Duration = Duration::from_millis(40);

/// What a seed decides.
#[derive(Debug)]
pub struct Story {
    pub seed: u64,
    strategy: &'static str,
    is_approved: bool,
    /// After so many writes of the status of a release: what somebody asks for.
    deeds: Vec<(u64, &'static str)>,
    /// A second release is asked for after so many.
    second: Option<u64>,
    /// Before which write the controller dies, for each of its lives.
    deaths: Vec<u64>,
    share: u64,
    limit: u64,
}

impl Story {
    pub fn of(seed: u64) -> Self {
        let number = |what: &str, below: u64| draw(seed, what) % below;
        let deed = |index: u64| {
            let drawn = draw(seed, &format!("deed {index}"));
            (3 + drawn % 25, DEEDS[usize::try_from(drawn / 25 % 7).unwrap()])
        };
        let mut deeds: Vec<_> = (0..number("deeds", 4)).map(deed).collect();
        deeds.sort_unstable();
        Self {
            seed,
            strategy: STRATEGIES[usize::try_from(number("strategy", 3)).unwrap()],
            is_approved: number("approved", 10) > 0,
            deeds,
            second: (number("second", 3) == 0).then(|| 2 + number("when", 20)),
            deaths: (0..number("deaths", 4)).map(|life| 3 + number(&format!("death {life}"), 40)).collect(),
            share: [30, 80, 150, 300][usize::try_from(number("share", 4)).unwrap()],
            limit: 150 + number("limit", 400),
        }
    }

    /// Plays it; what went wrong.
    pub async fn play(&self) -> Result<(), String> {
        let text = include_str!("world.toml").replace("STRATEGY", self.strategy);
        let scenario = Scenario::from_toml(&text, "world.toml").map_err(|error| error.to_string())?;
        let stage = Stage::play(scenario, SPEED, true).await;
        let guard = Guard::new(stage.client("admin"), SPACE);
        let perturber = Perturber::new(self.seed, self.share, self.limit, guard);
        let site = Site { before: Still::of(&stage).await, stage, perturber };
        let lives = tokio::spawn(site.lives(self.deaths.clone()));
        let told = site.told(self).await;
        site.stage.stop.cancel();
        let ended = lives.await.map_err(|error| error.to_string())?;
        site.stage.running.stop().await;
        let log = || format!("{self:?}\nperturbed:\n{}", site.perturber.log().join("\n"));
        told.and(ended).map_err(|why| format!("{why}\n{}", log()))
    }
}

/// What serves, as far as a release changes it.
#[derive(Debug, PartialEq)]
struct Still {
    deployments: Vec<(String, Option<i32>)>,
    services: Vec<(String, Value)>,
    route: Value,
}

impl Still {
    async fn of(stage: &Stage) -> Self {
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

struct Site {
    stage: Stage,
    perturber: Arc<Perturber>,
    before: Still,
}

impl Site {
    /// One controller after the other; each but the last dies before a write.
    fn lives(&self, deaths: Vec<u64>) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let lives: Vec<_> = deaths.into_iter().map(Some).chain([None]).collect();
        let (client, options) = (self.perturber.client(&self.stage.client("controller")), self.options());
        let (admin, stop) = (self.stage.client("admin"), self.stage.stop.clone());
        async move {
            for death in lives {
                let left = std::sync::atomic::AtomicU64::new(death.unwrap_or(u64::MAX));
                let dies =
                    move |_: &controller::Cut| left.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) == 0;
                let faults = if death.is_some() { Faults::kill_when(dies) } else { Faults::default() };
                let leases: Api<Lease> = Api::namespaced(admin.clone(), &options.namespace);
                let _ = leases.delete("release-cockpit-controller", &DeleteParams::default()).await;
                match controller::run_with(client.clone(), options.clone(), faults, stop.clone()).await {
                    Ok(()) => return Ok(()),
                    Err(controller::Error::Killed(_)) if death.is_some() => {}
                    Err(error) => return Err(format!("the controller ended: {error}")),
                }
            }
            Ok(())
        }
    }

    fn options(&self) -> ControllerOptions {
        let lease = LeaseOptions { duration: Duration::from_secs(1200), renew: Duration::from_secs(120) };
        ControllerOptions { lease, deadlines: DEADLINES, ..self.stage.options("one") }
    }

    /// People act, then nothing is perturbed any more and people answer whatever waits for them.
    async fn told(&self, story: &Story) -> Result<(), String> {
        let mut steps = self.perturber.steps();
        self.request("v1.9.0").await;
        let mut deeds = story.deeds.clone();
        let mut second = story.second;
        let mut is_approved = !story.is_approved;
        let started = std::time::Instant::now();
        while self.perturber.is_on() && started.elapsed() < STORM && !self.is_over().await {
            let _ = tokio::time::timeout(BLINK, steps.changed()).await;
            let count = *steps.borrow_and_update();
            if !is_approved {
                is_approved = self.approve("v1.9.0").await;
            }
            if second.is_some_and(|at| count >= at) {
                second = None;
                self.request("v1.9.1").await;
            }
            while deeds.first().is_some_and(|(at, _)| count >= *at) {
                let (_, deed) = deeds.remove(0);
                self.act("v1.9.0", deed).await;
            }
            // nothing more will happen by itself
            if deeds.is_empty() && second.is_none() && is_approved && self.waits_for_people().await {
                break;
            }
        }
        self.perturber.calm();
        let calm = tokio::time::timeout(CALM, self.end(story.is_approved)).await;
        let late = async { format!("it never ends: {}", self.state().await) };
        if calm.is_err() {
            return Err(late.await);
        }
        self.check().await
    }

    /// Answers what waits for people until everything has ended.
    async fn end(&self, approves: bool) {
        while !self.is_over().await {
            for release in self.releases().await {
                let version = release.spec.version.clone();
                let status = release.status.clone().unwrap_or_default();
                let waits =
                    status.gates.iter().any(|gate| gate.name == "approval" && gate.cleared_by.is_some());
                if self.has_open_actions(&release).await {
                    continue;
                }
                match release.phase() {
                    Phase::Pending if waits && approves => drop(self.approve(&version).await),
                    Phase::Pending if waits => self.act(&version, "Reject").await,
                    Phase::Paused => self.act(&version, "Resume").await,
                    Phase::Held => self.act(&version, "Abort").await,
                    _ => {}
                }
            }
            tokio::time::sleep(BLINK).await;
        }
    }

    /// What must be so after everything.
    async fn check(&self) -> Result<(), String> {
        let violations = self.perturber.violations();
        if !violations.is_empty() {
            return Err(violations.join("\n"));
        }
        let (found, state) = (Still::of(&self.stage).await, self.state().await);
        if found != self.before {
            return Err(format!("{found:#?} instead of {:#?}\n{state}", self.before));
        }
        let mut all = self.releases().await;
        all.sort_by_key(|release| release.status.as_ref().and_then(|status| status.started_at));
        let runs = all.iter().rev().find(|release| release.phase() == Phase::Succeeded);
        let version = runs.map_or("v1.8.1", |release| release.spec.version.as_str());
        let (_, image) = self.stage.deployment(SPACE, "backend").await;
        if image != format!("ghcr.io/acme/backend:{version}") {
            return Err(format!("{image} runs instead of {version}\n{state}"));
        }
        let is_stop = |action: &ReleaseAction| {
            let kind = action.spec.action.to_string();
            matches!(kind.as_str(), "Abort" | "Rollback" | "Reject")
                && action.status.as_ref().is_some_and(|status| status.result == Some(ActionResult::Applied))
        };
        let stopped = self.actions().await.iter().any(is_stop);
        let ended_badly = all.iter().any(|release| release.phase() != Phase::Succeeded);
        if ended_badly && !stopped {
            return Err(format!("nobody stopped it, and it did not succeed\n{state}"));
        }
        Ok(())
    }

    async fn releases(&self) -> Vec<Release> {
        self.stage.releases("admin", SPACE).list(&ListParams::default()).await.unwrap().items
    }

    async fn actions(&self) -> Vec<ReleaseAction> {
        let api: Api<ReleaseAction> = Api::namespaced(self.stage.client("admin"), SPACE);
        api.list(&ListParams::default()).await.unwrap().items
    }

    async fn has_open_actions(&self, release: &Release) -> bool {
        let is_ours = |action: &ReleaseAction| {
            !action.is_judged()
                && action
                    .spec
                    .release
                    .as_ref()
                    .is_some_and(|named| Some(&named.name) == release.metadata.name.as_ref())
        };
        self.actions().await.iter().any(is_ours)
    }

    async fn is_over(&self) -> bool {
        let releases = self.releases().await;
        !releases.is_empty()
            && releases.iter().all(|release| release.phase().is_final())
            && self.actions().await.iter().all(ReleaseAction::is_judged)
    }

    async fn waits_for_people(&self) -> bool {
        let waits = |release: &Release| {
            matches!(release.phase(), Phase::Paused | Phase::Held) || release.phase().is_final()
        };
        self.releases().await.iter().all(waits) && self.actions().await.iter().all(ReleaseAction::is_judged)
    }

    async fn request(&self, version: &str) {
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
        self.stage.releases("bob", SPACE).create(&PostParams::default(), &release).await.unwrap();
    }

    /// Approves a release once it has a plan; whether it has one.
    async fn approve(&self, version: &str) -> bool {
        let release = self.stage.releases("carol", SPACE).get(&name_of(version)).await.unwrap();
        let plan = release.status.as_ref().and_then(|status| status.plan.as_ref());
        let Some(digest) = plan.map(|plan| plan.digest.clone()) else { return false };
        self.create(
            &release,
            "Approve",
            json!({"expected": {"planDigest": digest}, "slots": [{"name": "any"}]}),
        )
        .await;
        true
    }

    async fn act(&self, version: &str, action: &str) {
        let release = self.stage.releases("carol", SPACE).get(&name_of(version)).await.unwrap();
        let step = release.status.as_ref().and_then(|status| status.step.as_ref()).map(|step| step.index);
        let changes = match action {
            "Pause" | "Resume" | "Promote" | "PromoteFull" => {
                json!({"expected": {"step": step.unwrap_or(0)}})
            }
            _ => json!({}),
        };
        self.create(&release, action, changes).await;
    }

    async fn create(&self, release: &Release, action: &str, changes: Value) {
        let mut object = json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction",
            "metadata": {"generateName": "act-", "namespace": SPACE},
            "spec": {
                "environment": "production", "action": action, "actor": "carol", "reason": "a test",
                "release": {
                    "name": release.metadata.name, "uid": release.metadata.uid, "requestedBy": "bob",
                },
            },
        });
        json_patch::merge(&mut object["spec"], &changes);
        let api: Api<ReleaseAction> = Api::namespaced(self.stage.client("carol"), SPACE);
        let action: ReleaseAction = serde_json::from_value(object).unwrap();
        api.create(&PostParams::default(), &action).await.unwrap();
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
        text + &format!("{:?}", Still::of(&self.stage).await)
    }
}

fn name_of(version: &str) -> String {
    version.replace('.', "-")
}
