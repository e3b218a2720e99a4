//! Planera's day: staging, promotion, approval, a bad version, the way back. By the command line, with the objects of
//! `config/pipelines/planera`, seen in objects, pods and series.

use std::collections::BTreeMap;
use std::path::Path;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use release_cockpit::api::condition::ConditionStatus;
use release_cockpit::api::{Environment, Phase, Release};
use serde_json::{Value, json};

use crate::cli::{cli, told};
use crate::controller::Controller;
use crate::space::{Space, message, until_is};
use crate::world::{self, World, until};

const BOTH: [&str; 2] = ["backend", "frontend"];
const PHRASE: &str = "deploy-to-production";
const CHECKLIST: [&str; 8] =
    ["changes tested", "pr ", "deployed", "staging", "no critical", "database", "breaking", "team"];

struct Planera {
    world: &'static World,
    staging: Space,
    production: Space,
}

fn image(component: &str, version: &str) -> String {
    format!("ghcr.io/acme/planera-{component}:{version}")
}

impl Planera {
    /// The shipped objects, in namespaces of this run, with probes that a machine without a network can answer.
    async fn new(world: &'static World) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let read = |path: &str| {
            let text = std::fs::read_to_string(root.join(path)).expect("a shipped file");
            let mine = text.replace("planera-staging", &format!("planera-staging-{}", world.run));
            let mine = mine.replace("planera-production", &format!("planera-production-{}", world.run));
            let healthy = format!("{}/healthz", world.traffic);
            let mine = mine
                .replace("https://staging-api.planera.app/health", &healthy)
                .replace("https://api.planera.app/health", &healthy);
            mine.replace("bake: 1m", "bake: 1s").replace("bake: 5m", "bake: 2s")
        };
        world.apply(&read("tests/fixtures/planera/workloads.yaml")).await;
        for file in ["access.yaml", "staging.yaml", "production.yaml"] {
            world.apply(&read(&format!("config/pipelines/planera/{file}"))).await;
        }
        let staging = Space::of(world, format!("planera-staging-{}", world.run)).await;
        let production = Space::of(world, format!("planera-production-{}", world.run)).await;
        for space in [&staging, &production] {
            for name in BOTH {
                space.until_complete(name, 1).await;
            }
        }
        Self { world, staging, production }
    }

    fn staging(&self) -> String {
        format!("{}/staging", self.staging.namespace)
    }

    fn production(&self) -> String {
        format!("{}/production", self.production.namespace)
    }

    /// The versions of one component that get traffic, by Prometheus.
    async fn traffic(&self, space: &Space, component: &str) -> Vec<String> {
        let query = format!(
            "sum by (version) (rate(http_requests_total{{namespace=\"{}\",component=\"{component}\"}}[4s])) > 0",
            space.namespace
        );
        let url = url::Url::parse_with_params(
            &format!("{}/api/v1/query", self.world.prometheus),
            [("query", query)],
        )
        .expect("a URL");
        let body: Value = reqwest::get(url).await.expect("an answer").json().await.expect("JSON");
        assert_eq!(body["status"], "success", "{body}");
        let versions = body["data"]["result"].as_array().into_iter().flatten();
        versions.filter_map(|series| series["metric"]["version"].as_str().map(str::to_owned)).collect()
    }

    /// Image, pods, series and the environment's status agree that this version runs, and no other.
    async fn runs(&self, space: &Space, environment: &str, version: &str) {
        for name in BOTH {
            assert_eq!(space.runs(name).await.0, image(name, version));
            let params = ListParams::default().labels(&format!("app.kubernetes.io/component={name}"));
            until(30, "only pods of the version", || async {
                let pods = space.api::<Pod>().list(&params).await.expect("pods").items;
                let is_new = |pod: &Pod| {
                    pod.spec
                        .as_ref()
                        .is_some_and(|spec| spec.containers[0].image.as_ref() == Some(&image(name, version)))
                };
                (!pods.is_empty() && pods.iter().all(is_new)).then_some(())
            })
            .await;
            until(30, "only series of the version", || async {
                (self.traffic(space, name).await == [version.to_owned()]).then_some(())
            })
            .await;
        }
        until_is(&space.api::<Environment>(), environment, "told", |found| {
            let current = found.status.as_ref().map(|status| status.current.clone()).unwrap_or_default();
            current.len() == 2 && current.iter().all(|c| c.version == version && c.healthy_since.is_some())
        })
        .await;
    }

    /// Promotes or deploys into production as alice, and approves as bob; the release when it is over.
    async fn to_production(&self, arguments: &[&str], ends_as: Phase) -> Release {
        let mut all = arguments.to_vec();
        all.extend(["--confirm", PHRASE]);
        let made = told(self.world, "alice", &all).await;
        let name = made["metadata"]["name"].as_str().expect("a name").to_owned();
        self.production.until_waiting(&name).await;
        self.approve().await;
        self.production.until_phase(&name, ends_as).await
    }

    /// Ticks what the checklist asks for, by the beginnings of its items, and approves.
    async fn approve(&self) {
        let production = self.production();
        for item in CHECKLIST {
            let ticked = ["check", &production, "--item", item, "--wait", "--timeout", "30s"];
            cli(self.world, "bob", &ticked).await.ok();
        }
        let approved = cli(
            self.world,
            "bob",
            &["approve", &production, "--confirm", PHRASE, "--wait", "--timeout", "30s"],
        )
        .await;
        approved.ok();
    }
}

fn at(release: &Release, reason: &str) -> Vec<String> {
    let timeline = release.status.clone().unwrap_or_default().timeline;
    timeline.into_iter().filter(|entry| entry.reason == reason).map(|entry| entry.message).collect()
}

/// When the newest ReplicaSet of a component was made.
async fn newest(space: &Space, component: &str) -> jiff::Timestamp {
    let sets = space.replica_sets(component).await;
    sets.iter().filter_map(|set| set.creation_timestamp().map(|at| at.0)).max().expect("a replica set")
}

/// When the rollout of a component was complete.
async fn complete_at(space: &Space, component: &str) -> jiff::Timestamp {
    let conditions =
        space.deployment(component).await.status.and_then(|status| status.conditions).unwrap_or_default();
    let progressing =
        conditions.into_iter().find(|c| c.type_.as_deref() == Some("Progressing")).expect("a condition");
    assert_eq!(progressing.reason.as_deref(), Some("NewReplicaSetAvailable"));
    progressing.last_update_time.expect("a time").0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planera_goes_to_production_and_comes_back() {
    let Some(world) = world::world().await else { return };
    let planera = Planera::new(world).await;
    let leases = Space::new(world, "planera-leases").await;
    let _controller = Controller::start(&[&leases, &planera.staging, &planera.production], "only").await;
    for (space, environment) in [(&planera.staging, "staging"), (&planera.production, "production")] {
        let is_told = |found: &Environment| {
            let conditions = found.status.iter().flat_map(|status| &status.conditions);
            conditions
                .into_iter()
                .any(|told| told.type_ == "PoliciesEnforced" && told.status == ConditionStatus::True)
        };
        until_is(&space.api::<Environment>(), environment, "under policies that are in force", is_told).await;
    }

    staging_takes_a_version(&planera).await;
    promotion_needs_another_person(&planera).await;
    a_bad_version_is_undone(&planera).await;
    a_person_goes_back(&planera).await;
}

async fn staging_takes_a_version(planera: &Planera) {
    let (world, staging) = (planera.world, planera.staging());
    let refused = cli(world, "dave", &["deploy", &staging, "v1.8.2"]).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    let ended = told(world, "alice", &["deploy", &staging, "v1.8.2", "--wait", "--timeout", "2m"]).await;
    assert_eq!(
        (&ended["status"]["phase"], &ended["spec"]["requestedBy"]),
        (&json!("Succeeded"), &json!("alice")),
        "{ended}"
    );
    planera.runs(&planera.staging, "staging", "v1.8.2").await;
    planera.runs(&planera.production, "production", "v1.8.1").await;
}

async fn promotion_needs_another_person(planera: &Planera) {
    let (world, production) = (planera.world, planera.production());
    // the phrase first
    let refused = cli(world, "alice", &["promote", &production]).await;
    assert!(refused.code == 2 && refused.stderr.contains(PHRASE), "{refused:?}");
    let made = told(world, "alice", &["promote", &production, "--confirm", PHRASE]).await;
    assert_eq!((&made["spec"]["kind"], &made["spec"]["version"]), (&json!("Promote"), &json!("v1.8.2")));
    let name = made["metadata"]["name"].as_str().expect("a name");
    let seen = planera.production.until_waiting(name).await;
    assert_eq!(seen.phase(), Phase::Pending, "{}", message(&seen));
    let own = cli(world, "alice", &["approve", &production, "--confirm", PHRASE]).await;
    assert!(own.code != 0 && own.stderr.contains("someone else must approve it"), "{own:?}");
    let queue = cli(world, "dave", &["queue", "-n", &planera.production.namespace]).await.ok();
    assert!(queue.contains("v1.8.2") && queue.contains("Pending"), "{queue}");
    planera.approve().await;
    // it may be over before anybody waits for it
    let waited = cli(
        world,
        "alice",
        &["wait", &format!("{}/{name}", planera.production.namespace), "--timeout", "2m"],
    )
    .await;
    assert_eq!(waited.code, 0, "{waited:?}");
    let ended = planera.production.until_phase(name, Phase::Succeeded).await;
    assert_eq!(at(&ended, "WaveRolledOut"), ["wave 0 is rolled out", "wave 1 is rolled out"]);
    let space = &planera.production;
    let (backend, frontend) = (complete_at(space, "backend").await, newest(space, "frontend").await);
    assert!(backend <= frontend, "frontend began at {frontend}, before backend was complete at {backend}");
    planera.runs(space, "production", "v1.8.2").await;
    for component in BOTH {
        assert_eq!(
            space.deployment(component).await.annotations()["release-cockpit.dev/release"],
            format!("{}/{name}", space.namespace)
        );
    }
}

async fn a_bad_version_is_undone(planera: &Planera) {
    let (world, production) = (planera.world, planera.production());
    // a second good version, so that there is something to go back to
    told(world, "alice", &["deploy", &planera.staging(), "v1.8.3", "--wait", "--timeout", "2m"]).await;
    planera.to_production(&["promote", &production], Phase::Succeeded).await;
    planera.runs(&planera.production, "production", "v1.8.3").await;
    // the owners let production take what staging has not seen, and frontend is bad
    let patch = Patch::Merge(json!({"spec": {"promotion": null}}));
    planera
        .production
        .api::<Environment>()
        .patch("production", &PatchParams::default(), &patch)
        .await
        .expect("a change");
    let mut bad = crate::space::release("bad", "v1.9.0-crash.frontend", "alice", &BOTH);
    bad.spec.images[0].image = image("backend", "v1.9.0-crash.frontend");
    bad.spec.images[1].image = image("frontend", "v1.9.0-crash.frontend");
    planera.production.gives_up_soon_on("frontend").await;
    let releases: Api<Release> = planera.production.as_seen_by("alice").await;
    releases.create(&PostParams::default(), &bad).await.expect("a release");
    planera.production.until_waiting("bad").await;
    planera.approve().await;
    let ended = planera.production.until_phase("bad", Phase::RolledBack).await;
    assert_eq!(at(&ended, "WaveRolledOut"), ["wave 0 is rolled out"]);
    assert_eq!(
        at(&ended, "ComponentRolledBack"),
        ["frontend runs its previous version again", "backend runs its previous version again"]
    );
    assert!(message(&ended).contains("frontend"), "{}", message(&ended));
    let space = &planera.production;
    planera.runs(space, "production", "v1.8.3").await;
    let revisions: BTreeMap<_, _> =
        [("backend", space.runs("backend").await), ("frontend", space.runs("frontend").await)].into();
    // v1.8.1, v1.8.2, v1.8.3, v1.9.0 and back; the frontend's deadline was one more write
    for (component, (_, generation, revision)) in revisions {
        let writes = if component == "frontend" { 6 } else { 5 };
        assert_eq!((generation, revision.as_str()), (writes, "5"), "{component}");
    }
    let waited = cli(world, "alice", &["wait", &format!("{}/bad", space.namespace)]).await;
    assert_eq!(waited.code, 4, "{waited:?}");
}

async fn a_person_goes_back(planera: &Planera) {
    let (world, production) = (planera.world, planera.production());
    let reason = ["--reason", "v1.8.3 loses sessions", "--confirm", PHRASE];
    let mut arguments = vec!["rollback", production.as_str()];
    arguments.extend(reason);
    let joined = told(world, "alice", &arguments).await;
    assert_eq!(joined["metadata"]["name"], "bad", "what went back a moment ago goes back once: {joined}");
    arguments.extend(["--to", "v1.8.2"]);
    let made = told(world, "alice", &arguments).await;
    assert_eq!(
        (&made["spec"]["kind"], &made["spec"]["version"]),
        (&json!("Rollback"), &json!("v1.8.2")),
        "{made}"
    );
    let name = made["metadata"]["name"].as_str().expect("a name");
    planera.production.until_phase(name, Phase::Succeeded).await;
    planera.runs(&planera.production, "production", "v1.8.2").await;
    let history = planera
        .world
        .kubectl(
            "dave",
            &["rollout", "history", "deployment/backend", "-n", &planera.production.namespace],
            "",
        )
        .await
        .ok();
    // as after `kubectl rollout undo`: the revision that is used again says what it said
    let last = history.trim_end().lines().last().unwrap_or_default();
    let says = last.contains("planera-backend:v1.8.2 by release production-v1-8-2-") && !last.contains(name);
    assert!(last.starts_with("6 ") && says, "{history}");
    let events = planera
        .world
        .kubectl("dave", &["get", "events", "-n", &planera.production.namespace, "-o", "name"], "")
        .await
        .ok();
    assert!(events.contains(name) && events.contains("bad"), "{events}");
}
