//! From a person's intent to the controller's first write, and to the first change of a workload, while 500 releases wait in the
//! same environment of the embedded world.
//!
//! Both ends are seen by the person who acts: the clock runs from the moment in which the action is sent, to the moment in which a
//! watch reports what the controller wrote. `cargo bench --bench intent`; fails above the target.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use release_cockpit::api::{Environment, Phase, Release};
use release_cockpit::sim::scenario::Scenario;
use serde_json::{Value, json};

use self::world::{Failure, World, say, tell};

#[path = "embedded/world.rs"]
mod world;

const SPACE: &str = "planera-production";
/// Releases that wait.
const LIVE: usize = if cfg!(debug_assertions) { 40 } else { 500 };
/// Intents on releases that wait, and rollbacks, that are measured.
const INTENTS: usize = if cfg!(debug_assertions) { 10 } else { 120 };
const ROLLBACKS: usize = if cfg!(debug_assertions) { 2 } else { 10 };
/// The 99th percentile of the controller's first write must lie below.
const TARGET: Duration = Duration::from_millis(100);
/// And that of the first change to a workload, for a rollback: before it the intent is stored, and everybody's state read anew.
const WORKLOAD_TARGET: Duration = Duration::from_secs(1);

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<(), Failure> {
    let world = World::open(Scenario::builtin("planera").ok_or("no such world")?).await?;
    let short = Patch::Merge(json!({"spec": {"bake": "1s"}}));
    let environments: Api<Environment> = world.api("admin", SPACE)?;
    environments.patch("production", &PatchParams::default(), &short).await?;
    // a rollback shall end soon: its beginning is measured
    let at_once = Patch::Strategic(json!({"spec": {"strategy": {"rollingUpdate": {"maxSurge": "100%"}}}}));
    for component in ["backend", "frontend"] {
        let deployments: Api<Deployment> = world.api("admin", SPACE)?;
        deployments.patch(component, &PatchParams::default(), &at_once).await?;
    }
    let mut waiting = Vec::new();
    for number in 0..LIVE + INTENTS {
        let version = json!({"version": format!("v2.0.{number}")});
        waiting.push(ask(&world, "bob", SPACE, &format!("waiting-{number}"), version).await?);
    }
    let controller = world.controller()?;
    release_something(&world).await?;
    for release in &waiting {
        world.until(release, |release| release.status.as_ref().is_some_and(|s| !s.gates.is_empty())).await?;
    }
    say(&format!("{} releases wait", waiting.len()));
    let rejections = tell("action to first write", rejections(&world, &waiting[..INTENTS]).await?);
    let (first, workload) = rollbacks(&world).await?;
    let first = tell("rollback to first write", first);
    let workload = tell("rollback to first workload write", workload);
    controller.stop().await?;
    world.close().await;
    let judged = [(rejections, TARGET), (first, TARGET), (workload, WORKLOAD_TARGET)];
    match judged.into_iter().find(|(slowest, target)| slowest > target) {
        Some((_, target)) if !cfg!(debug_assertions) => Err(format!("slower than {target:?}").into()),
        _ => Ok(()),
    }
}

async fn ask(world: &World, user: &str, space: &str, name: &str, spec: Value) -> Result<Release, Failure> {
    let environment = space.strip_prefix("planera-").unwrap_or(space);
    let both = [("backend", "ghcr.io/acme/planera-backend"), ("frontend", "ghcr.io/acme/planera-frontend")];
    world.ask(user, (space, environment), (name, &both), spec).await
}

/// `v1.8.2` succeeds in production, so that there is something to go back from.
async fn release_something(world: &World) -> Result<(), Failure> {
    let staged = ask(world, "ci", "planera-staging", "first", json!({"version": "v1.8.2"})).await?;
    world.until(&staged, |release| release.phase().is_final()).await?;
    let asked = ask(world, "bob", SPACE, "first", json!({"version": "v1.8.2"})).await?;
    let asked =
        world.until(&asked, |release| release.status.as_ref().is_some_and(|s| s.plan.is_some())).await?;
    let digest = asked.status.as_ref().and_then(|s| s.plan.as_ref()).map(|plan| plan.digest.clone());
    let environment: Environment = world.api("admin", SPACE)?.get("production").await?;
    for item in environment.spec.gates.unwrap_or_default().checklist {
        let tick = json!({"expected": {"planDigest": digest}, "parameters": {"item": item}});
        world.act("bob", &asked, "Check", &tick).await?;
    }
    let approval =
        json!({"expected": {"planDigest": digest}, "slots": [{"name": "team-leads", "group": "team-leads"}]});
    world.act("carol", &asked, "Approve", &approval).await?;
    let done = world.until(&asked, |release| release.phase().is_final()).await?;
    if done.phase() == Phase::Succeeded { Ok(()) } else { Err(format!("{:?}", done.status).into()) }
}

/// From sending a Reject to the release's status that says so.
async fn rejections(world: &World, releases: &[Release]) -> Result<Vec<Duration>, Failure> {
    let mut took = Vec::new();
    let mut changes = std::pin::pin!(
        watcher(world.api::<Release>("alice", SPACE)?, watcher::Config::default()).applied_objects()
    );
    for release in releases {
        let began = Instant::now();
        world.act("carol", release, "Reject", &json!({})).await?;
        while let Some(changed) = changes.next().await {
            let found = changed?;
            if found.metadata.uid == release.metadata.uid && found.phase() == Phase::Rejected {
                break;
            }
        }
        took.push(began.elapsed());
    }
    Ok(took)
}

/// From sending a rollback to the first word of the controller in its status, and to the first workload that bears its name.
async fn rollbacks(world: &World) -> Result<(Vec<Duration>, Vec<Duration>), Failure> {
    let (mut first, mut workload) = (Vec::new(), Vec::new());
    let config = watcher::Config::default;
    let mut releases =
        std::pin::pin!(watcher(world.api::<Release>("alice", SPACE)?, config()).applied_objects());
    let mut deployments =
        std::pin::pin!(watcher(world.api::<Deployment>("alice", SPACE)?, config()).applied_objects());
    for number in 0..ROLLBACKS {
        let version = if number % 2 == 0 { "v1.8.1" } else { "v1.8.2" };
        let name = format!("rollback-{number}");
        let began = Instant::now();
        let asked =
            ask(world, "alice", SPACE, &name, json!({"version": version, "kind": "Rollback"})).await?;
        while let Some(changed) = releases.next().await {
            let found = changed?;
            if found.metadata.uid == asked.metadata.uid && found.status.is_some() {
                break;
            }
        }
        first.push(began.elapsed());
        let mark = format!("{SPACE}/{name}");
        while let Some(changed) = deployments.next().await {
            let annotations = changed?.metadata.annotations.unwrap_or_default();
            if annotations.get("release-cockpit.dev/release") == Some(&mark) {
                break;
            }
        }
        workload.push(began.elapsed());
        let done = world.until(&asked, |release| release.phase().is_final()).await?;
        if done.phase() != Phase::Succeeded {
            return Err(format!("{:?}", done.status).into());
        }
    }
    Ok((first, workload))
}
