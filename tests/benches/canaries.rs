//! Five hundred canaries that one controller has in its hands at once, on the embedded world: until all stand at their first weight,
//! from a person's word to the controller's first write meanwhile, and until all are through.
//!
//! `cargo bench --bench canaries`; fails where an intent's 99th percentile is above the target, or a canary does not succeed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::BoxStream;
use kube::runtime::{WatchStreamExt as _, watcher};
use release_cockpit::api::{Phase, Release};
use release_cockpit::sim::scenario::{Namespace, ObjectText, Scenario, Workload};
use serde_json::json;

use self::world::{Failure, World, say, tell};

#[path = "embedded/world.rs"]
mod world;

/// Where the model of the workloads stands.
const MODEL: &str = "shop-production";
/// Namespaces over which the canaries are spread.
const SPACES: usize = 25;
/// Canaries at once.
const LIVE: usize = if cfg!(debug_assertions) { 20 } else { 500 };
/// Of these, so many are paused while all are live.
const INTENTS: usize = if cfg!(debug_assertions) { 5 } else { 100 };
/// The 99th percentile of the controller's first write after a word must lie below.
const TARGET: Duration = Duration::from_millis(100);
/// How long the embedded world may take in all.
const PATIENCE: Duration = Duration::from_secs(300);

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure())
}

/// The canary world with as many applications as canaries are wanted, each with an environment of its own.
fn scenario() -> Result<Scenario, Failure> {
    let mut scenario = Scenario::builtin("canary").ok_or("no such world")?;
    scenario.script.clear();
    for space in (0..SPACES).map(space) {
        for binding in &mut scenario.bindings {
            if binding.namespaces.iter().any(|known| known == MODEL) {
                binding.namespaces.push(space.clone());
            }
        }
        scenario.namespaces.push(Namespace { name: space, labels: BTreeMap::new() });
    }
    let model =
        scenario.workloads.iter().find(|found| found.namespace == MODEL).ok_or("no workload")?.clone();
    scenario.workloads.clear();
    scenario.services.retain(|service| service.prometheus);
    scenario.objects.clear();
    for number in 0..LIVE {
        let name = format!("backend-{number}");
        scenario.workloads.push(Workload {
            name: name.clone(),
            namespace: space(number),
            replicas: 2,
            history: Vec::new(),
            requests_per_second: 0.1,
            ..model.clone()
        });
        let environment = json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
            "metadata": {"name": format!("shop-{number}"), "namespace": space(number)},
            "spec": {
                "application": "shop", "tier": "development", "bake": "1s",
                "components": [{
                    "name": "backend", "workload": {"kind": "Deployment", "name": name}, "container": name,
                    "image": "ghcr.io/acme/shop-backend",
                }],
                "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}, {"setWeight": 100}]}},
            },
        });
        scenario.objects.push(ObjectText { yaml: environment.to_string(), age: Duration::from_secs(3600) });
    }
    Ok(scenario)
}

/// The namespace of a canary.
fn space(number: usize) -> String {
    format!("shop-{}", number % SPACES)
}

async fn measure() -> Result<(), Failure> {
    let world = World::open(scenario()?).await?;
    let controller = world.controller()?;
    let mut seen = Seen {
        changes: watcher(kube::Api::<Release>::all(world.client("alice")?), watcher::Config::default())
            .applied_objects()
            .boxed(),
        newest: BTreeMap::new(),
    };
    let began = Instant::now();
    let mut asked = Vec::new();
    for number in 0..LIVE {
        let image = [("backend", "ghcr.io/acme/shop-backend")];
        let name = format!("canary-{number}");
        let environment = format!("shop-{number}");
        let spec = json!({"version": "v1.9.0"});
        asked.push(world.ask("bob", (&space(number), &environment), (&name, &image), spec).await?);
    }
    say(&format!("{LIVE} canaries are asked for after {:?}", began.elapsed()));
    let stands = |release: &Release| release.phase() == Phase::Paused;
    seen.until_all(stands).await?;
    say(&format!("all stand at their first weight after {:?}", began.elapsed()));

    let mut took = Vec::new();
    for release in &asked[..INTENTS] {
        let began = Instant::now();
        promote(&world, release).await?;
        while seen.next().await?.metadata.uid != release.metadata.uid || seen.is(release, stands) {}
        took.push(began.elapsed());
    }
    let slowest = tell("promote to first write", took);
    let began = Instant::now();
    for release in &asked[INTENTS..] {
        promote(&world, release).await?;
    }
    seen.until_all(|release| release.phase().is_final()).await?;
    say(&format!("all are through {:?} after they were promoted", began.elapsed()));
    for release in &asked {
        world.until(release, |release| release.phase() == Phase::Succeeded).await?;
    }
    controller.stop().await?;
    world.close().await;
    if slowest > TARGET && !cfg!(debug_assertions) {
        return Err(format!("slower than {TARGET:?}").into());
    }
    Ok(())
}

/// On from the pause, which is the second step.
async fn promote(world: &World, release: &Release) -> Result<(), Failure> {
    world.act("carol", release, "Promote", &json!({"expected": {"step": 1}})).await
}

/// What a watch has reported.
struct Seen {
    changes: BoxStream<'static, Result<Release, watcher::Error>>,
    newest: BTreeMap<String, Release>,
}

impl Seen {
    async fn next(&mut self) -> Result<Release, Failure> {
        let found = self.changes.next().await.ok_or("the watch ended")??;
        self.newest.insert(found.metadata.name.clone().unwrap_or_default(), found.clone());
        Ok(found)
    }

    fn is(&self, release: &Release, holds: impl Fn(&Release) -> bool) -> bool {
        let name = release.metadata.name.as_deref().unwrap_or_default();
        self.newest.get(name).is_some_and(holds)
    }

    /// Reads on until all canaries are like that.
    async fn until_all(&mut self, holds: impl Fn(&Release) -> bool) -> Result<(), Failure> {
        let went = tokio::time::timeout(PATIENCE, async {
            while self.newest.values().filter(|release| holds(release)).count() < LIVE {
                self.next().await?;
            }
            Ok(())
        })
        .await;
        went.unwrap_or_else(|_| {
            let other = self.newest.values().find(|release| !holds(release)).cloned();
            let other = other.and_then(|release| release.status).map(|status| status.message);
            Err(format!("not all canaries went on within {PATIENCE:?}: {other:?}").into())
        })
    }
}
