//! One environment with a long history and a flood of actions, two hundred environments that release at once, and a person who freezes
//! another environment meanwhile: how long their action waits, how often the controller lists anything, and how much memory it takes.
//! The controller runs in a process of its own.
//!
//! `cargo bench --bench crowded`; fails where the 99th percentile is above the target, or a look costs a list.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kube::Client;
use kube::api::{Api, PostParams};
use kube::client::Body;
use kube::runtime::wait::await_condition;
use release_cockpit::api::{Release, ReleaseAction};
use release_cockpit::sim::scenario::{Namespace, ObjectText, Scenario, Workload};
use release_cockpit::time::Clock;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use self::world::{Failure, World, say, tell};

#[allow(dead_code, reason = "other benches act by the world's own calls")]
#[path = "embedded/world.rs"]
mod world;

/// Where the model of the workloads stands.
const MODEL: &str = "shop-production";
/// Namespaces over which the environments are spread; the first environment of the first one is the crowded one.
const SPACES: usize = 20;
/// Environments that release at once.
const LIVE: usize = if cfg!(debug_assertions) { 20 } else { 200 };
/// Releases and actions of the past in the crowded environment, and actions that come all at once.
const FINISHED: usize = if cfg!(debug_assertions) { 30 } else { 300 };
const JUDGED: usize = if cfg!(debug_assertions) { 270 } else { 2_700 };
const FLOOD: usize = if cfg!(debug_assertions) { 30 } else { 300 };
/// Actions elsewhere that are measured.
const MEASURED: usize = if cfg!(debug_assertions) { 10 } else { 100 };
/// The 99th percentile of an action's answer must lie below.
const TARGET: Duration = Duration::from_secs(1);
/// The controller's memory must lie below, in MiB.
const MEMORY: u64 = 256;
/// Lists per environment that a controller may need once: at its start, at the first seal, and before a release begins and ends.
const LISTS: u64 = 12;
const CROWDED: &str = "shop-0";
const ELSEWHERE: &str = "shop-1";

/// Tells the bench's child process, which is the controller, where the API server listens and what time it is there.
const CHILD: &str = "RELEASE_COCKPIT_BENCH_CONTROLLER";

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match std::env::var(CHILD) {
        Ok(told) => runtime.block_on(control(&told)),
        Err(_) => runtime.block_on(measure()),
    }
}

/// The child: a controller that answers each line on its standard input with its requests, its lists and its memory in MiB.
async fn control(told: &str) -> Result<(), Failure> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let (url, now) = told.split_once(' ').ok_or("no instant")?;
    let asked = Arc::new(Asked::default());
    let client = counting(&world::client(url, "controller")?, &asked);
    let clock = Clock::scaled(chrono::DateTime::parse_from_rfc3339(now)?.to_utc(), 1.0);
    let controller = world::controller(client, clock)?;
    let (sender, mut lines) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || {
        let lines = std::io::stdin().lines().map_while(Result::ok);
        lines.map_while(|line| sender.blocking_send(line).ok()).for_each(drop);
    });
    while lines.recv().await.is_some() {
        let (all, lists) = (asked.all.load(Ordering::Relaxed), asked.lists.load(Ordering::Relaxed));
        say(&format!("{all} {lists} {}", memory()?));
    }
    controller.stop().await
}

/// The controller's process.
struct Process {
    child: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(world: &World) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(CHILD, format!("{} {}", world.url(), world.now().to_rfc3339()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let answers = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        Ok(Self { child, answers })
    }

    /// Requests, lists, and memory in MiB.
    async fn count(&mut self) -> Result<[u64; 3], Failure> {
        self.child.stdin.as_mut().ok_or("no input")?.write_all(b"count\n").await?;
        let line = self.answers.next_line().await?.ok_or("the controller has ended")?;
        let counts: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        counts.try_into().map_err(|_| "not three counts".into())
    }

    async fn stop(mut self) -> Result<(), Failure> {
        drop(self.child.stdin.take());
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await??;
        if ended.success() { Ok(()) } else { Err("the controller failed".into()) }
    }
}

/// The namespace of an environment.
fn space(number: usize) -> String {
    format!("shop-{}", number % SPACES)
}

fn environment(number: usize, workload: &str) -> Value {
    json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
        "metadata": {"name": format!("shop-{number}"), "namespace": space(number)},
        "spec": {
            "application": "shop", "tier": "development", "bake": "1s",
            "components": [{
                "name": "backend", "workload": {"kind": "Deployment", "name": workload}, "container": workload,
                "image": "ghcr.io/acme/shop-backend",
            }],
        },
    })
}

/// The canary world with an application and an environment for each release that is wanted, and the history of the crowded one.
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
        let yaml = environment(number, &name).to_string();
        scenario.objects.push(ObjectText { yaml, age: Duration::from_secs(3600) });
    }
    for number in 0..FINISHED {
        scenario.objects.push(object(&finished(number), 3000));
    }
    for number in 0..JUDGED {
        scenario.objects.push(object(&judged(number), 2000));
    }
    Ok(scenario)
}

fn object(value: &Value, age: u64) -> ObjectText {
    ObjectText { yaml: value.to_string(), age: Duration::from_secs(age) }
}

fn finished(number: usize) -> Value {
    json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
        "metadata": {"name": format!("past-{number}"), "namespace": CROWDED},
        "spec": {
            "environment": "shop-0", "version": "v1.0.0", "kind": "Deploy", "requestedBy": "bob", "reason": "a bench",
            "images": [{"component": "backend", "image": "ghcr.io/acme/shop-backend:v1.0.0"}],
        },
        "status": {"phase": "Aborted", "message": "aborted by bob: a bench"},
    })
}

fn action(name: &str, environment: &str, kind: &str, parameters: &Value) -> Value {
    let mut action = json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction",
        "metadata": {"name": name, "namespace": environment},
        "spec": {"environment": environment, "action": kind, "actor": "carol", "reason": "a bench"},
    });
    if !parameters.is_null() {
        action["spec"]["parameters"] = parameters.clone();
    }
    action
}

fn judged(number: usize) -> Value {
    let mut action = action(&format!("past-{number}"), CROWDED, "Unfreeze", &Value::Null);
    action["status"] = json!({"result": "Refused", "message": "it is not frozen"});
    action
}

/// What the controller asks.
#[derive(Default)]
struct Asked {
    all: AtomicU64,
    lists: AtomicU64,
}

/// A client that counts; a list is a GET of a collection that does not watch.
fn counting(client: &Client, asked: &Arc<Asked>) -> Client {
    let (inner, asked) = (client.clone(), asked.clone());
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let inner = inner.clone();
        asked.all.fetch_add(1, Ordering::Relaxed);
        let path = request.uri().path().trim_end_matches('/').to_owned();
        let is_collection =
            ["/releases", "/releaseactions", "/environments"].iter().any(|end| path.ends_with(end));
        let watches = request.uri().query().is_some_and(|query| query.contains("watch="));
        if request.method() == http::Method::GET && is_collection && !watches {
            asked.lists.fetch_add(1, Ordering::Relaxed);
        }
        async move { inner.send(request).await }
    });
    Client::new(service, "default")
}

async fn measure() -> Result<(), Failure> {
    let world = World::open(scenario()?).await?;
    let mut controller = Process::start(&world)?;
    // the first answer shows that it leads and has read everything
    judge(&world, "first", "Freeze").await?;
    judge(&world, "second", "Unfreeze").await?;
    let [_, before, resident] = controller.count().await?;
    say(&format!(
        "{FINISHED} finished releases and {JUDGED} judged actions: {before} lists until the first answers, {resident} MiB"
    ));
    let began = Instant::now();
    let mut released = Vec::new();
    for number in 0..LIVE {
        let image = [("backend", "ghcr.io/acme/shop-backend")];
        let (name, environment) = (format!("now-{number}"), format!("shop-{number}"));
        let spec = json!({"version": "v1.9.0"});
        released.push(world.ask("bob", (&space(number), &environment), (&name, &image), spec).await?);
    }
    let actions: Api<ReleaseAction> = world.api("carol", CROWDED)?;
    for number in 0..FLOOD {
        let flood = action(&format!("flood-{number}"), CROWDED, "Unfreeze", &Value::Null);
        actions.create(&PostParams::default(), &serde_json::from_value(flood)?).await?;
    }
    say(&format!("{LIVE} releases and {FLOOD} actions are asked for after {:?}", began.elapsed()));
    let mut took = Vec::new();
    for number in 0..MEASURED {
        let kind = if number % 2 == 0 { "Freeze" } else { "Unfreeze" };
        took.push(judge(&world, &format!("measured-{number}"), kind).await?);
    }
    let slowest = tell("an action elsewhere", took);
    let ended: Api<ReleaseAction> = world.api("alice", CROWDED)?;
    for number in 0..FLOOD {
        let judged = |action: Option<&ReleaseAction>| action.is_some_and(ReleaseAction::is_judged);
        let name = format!("flood-{number}");
        let waits = await_condition(ended.clone(), &name, judged);
        tokio::time::timeout(Duration::from_secs(300), waits).await??;
    }
    say(&format!("the flood is judged after {:?}", began.elapsed()));
    // the frozen one waits for its thaw
    for release in released.iter().filter(|release| release.metadata.namespace.as_deref() != Some(ELSEWHERE))
    {
        world.until(release, |release: &Release| release.phase().is_final()).await?;
    }
    say(&format!("the releases have ended after {:?}", began.elapsed()));
    let environments = u64::try_from(LIVE)?;
    let [all, lists, memory] = controller.count().await?;
    say(&format!("{all} requests, of which {lists} lists, for {environments} environments; {memory} MiB"));
    controller.stop().await?;
    world.close().await;
    if cfg!(debug_assertions) {
        return Ok(());
    }
    if slowest > TARGET {
        return Err(format!("an action elsewhere waits longer than {TARGET:?}").into());
    }
    if lists > environments * LISTS {
        return Err(format!("more than {LISTS} lists for each environment").into());
    }
    if memory > MEMORY {
        return Err(format!("more than {MEMORY} MiB").into());
    }
    Ok(())
}

/// Acts on the environment elsewhere; how long the answer took.
async fn judge(world: &World, name: &str, kind: &str) -> Result<Duration, Failure> {
    let actions: Api<ReleaseAction> = world.api("carol", ELSEWHERE)?;
    let began = Instant::now();
    let asked = action(name, ELSEWHERE, kind, &Value::Null);
    actions.create(&PostParams::default(), &serde_json::from_value(asked)?).await?;
    let judged = |action: Option<&ReleaseAction>| action.is_some_and(ReleaseAction::is_judged);
    let waits = await_condition(actions, name, judged);
    tokio::time::timeout(Duration::from_secs(120), waits).await??;
    Ok(began.elapsed())
}

/// The most memory that this process has had resident, in MiB.
fn memory() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024)
}
