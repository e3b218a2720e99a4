//! The cockpit itself in a pseudo-terminal of 80x24, on the embedded world with 10,000 pods in the environment that is looked at: start to
//! pods, change to screen, key to highlight, bytes to the terminal, memory and CPU, idle and under 50 pod updates a second.
//!
//! `cargo bench --bench terminal`. The world runs in this process, the cockpit in one of its own, whose memory and time are told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot build its world has nothing to measure"
)]

use std::io::Write as _;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt as _};
use release_cockpit::api::Environment;
use release_cockpit::sim::scenario::{Scenario, Workload};
use release_cockpit::sim::server::{StartOptions, start_with};
use release_cockpit::time::Clock;
use serde_json::json;

use self::terminal::Terminal;

#[path = "../pty/terminal.rs"]
mod terminal;

const SPACE: &str = "planera-production";
/// Pods of the environment that is looked at.
const PODS: i64 = if cfg!(debug_assertions) { 200 } else { 10_000 };
/// Over how long bytes and time are counted.
const SPAN: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 30 });
/// Until the panes are full and everything was asked for once.
const SETTLED: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 20 });
/// Pods that change while it is under load: those in sight.
const CHANGING: usize = 6;
const UPDATES_PER_SECOND: u32 = 50;
const SAMPLES: usize = 50;
/// Between two changes that are measured alone.
const PAUSE: Duration = Duration::from_millis(400);
/// Of the clock in which Linux counts a process' time.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    rustls::crypto::ring::default_provider().install_default().ok();
    let options = StartOptions { without_script: true, ..StartOptions::default() };
    let running = runtime.block_on(start_with(scenario(), Clock::system(), options)).unwrap();
    let home = tempfile::tempdir().unwrap();
    let kubeconfig = home.path().join("config");
    std::fs::write(&kubeconfig, running.kubeconfig_yaml("alice")).unwrap();
    let mut config = kube::Config::new(running.kube_url.as_str().parse().unwrap());
    config.root_cert = Some(Vec::new());
    config.auth_info.token = Some("admin".to_owned().into());
    let client = {
        let _inside = runtime.enter();
        kube::Client::try_from(config).unwrap()
    };
    let pods: Api<Pod> = Api::namespaced(client.clone(), SPACE);
    runtime.block_on(adopt(&Api::namespaced(client, SPACE)));

    let began = Instant::now();
    let arguments = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    let mut cockpit = Terminal::start(&arguments, (24, 80));
    cockpit.until("pods", |screen| screen.contents().contains("bulk-"));
    say(&format!("start to pods on screen: {:?}", began.elapsed()));
    std::thread::sleep(SETTLED);
    let process = Process(cockpit.child.process_id().unwrap());
    process.measure("idle", &cockpit, || std::thread::sleep(SPAN));

    tell("key to highlight", highlights(&mut cockpit));
    let mut sight = runtime.block_on(async {
        let all = pods.list(&ListParams::default()).await.unwrap().items;
        Sight::new(all, pods)
    });
    let changes: Vec<_> = (0..SAMPLES).map(|_| runtime.block_on(sight.change_seen(&cockpit))).collect();
    tell("change to a watch of our own: the world's part", changes.iter().map(|seen| seen.watch).collect());
    tell("change to screen", changes.iter().map(|seen| seen.screen).collect());
    tell("change to screen, without the world's part", changes.iter().map(Seen::ours).collect());
    process.measure(&format!("{UPDATES_PER_SECOND} updates a second"), &cockpit, || {
        runtime.block_on(sight.change_often());
    });
    cockpit.press("q");
    let _ended = cockpit.child.wait();
}

fn scenario() -> Scenario {
    let mut scenario = Scenario::builtin("planera").unwrap();
    let model = scenario.workloads.iter().find(|found| found.namespace == SPACE).unwrap().clone();
    scenario.workloads.push(Workload {
        name: "bulk".into(),
        component: None,
        replicas: PODS,
        requests_per_second: 0.0,
        history: Vec::new(),
        ..model
    });
    scenario
}

/// Makes the many pods a component of the environment.
async fn adopt(environments: &Api<Environment>) {
    let mut environment = environments.get("production").await.unwrap();
    let mut many = environment.spec.components[0].clone();
    many.name = "bulk".into();
    many.workload.name = "bulk".into();
    many.container = "bulk".into();
    environment.spec.components.push(many);
    environments.replace("production", &PostParams::default(), &environment).await.unwrap();
}

/// How long the cursor takes from a key to the next row.
fn highlights(cockpit: &mut Terminal) -> Vec<Duration> {
    let row = |screen: &vt100::Screen| {
        let rows = screen.contents();
        rows.lines().skip(8).position(|line| line.starts_with('▸'))
    };
    cockpit.press("\t");
    cockpit.until("a pod with a cursor", |screen| row(screen).is_some());
    (0..SAMPLES)
        .map(|number| {
            let at = row(cockpit.screen.parser.lock().unwrap().0.screen());
            let key = if number % 2 == 0 { "j" } else { "k" };
            let began = Instant::now();
            cockpit.press(key);
            cockpit.until("the cursor elsewhere", |screen| row(screen) != at);
            began.elapsed()
        })
        .collect()
}

/// How long a change took.
struct Seen {
    watch: Duration,
    screen: Duration,
}

impl Seen {
    fn ours(&self) -> Duration {
        self.screen.saturating_sub(self.watch)
    }
}

/// Pods in sight, whose restarts are counted up.
struct Sight {
    api: Api<Pod>,
    pods: Vec<Pod>,
    next: usize,
    restarts: i32,
    /// What a watch of our own tells, and when.
    watched: std::sync::mpsc::Receiver<(i32, Instant)>,
}

impl Sight {
    /// Inside a runtime.
    fn new(mut pods: Vec<Pod>, api: Api<Pod>) -> Self {
        pods.retain(|pod| pod.metadata.name.as_ref().is_some_and(|name| name.starts_with("bulk-")));
        pods.truncate(CHANGING);
        let (sender, watched) = std::sync::mpsc::channel();
        for pod in &pods {
            let name = format!("metadata.name={}", pod.name_any());
            let events = watcher(api.clone(), watcher::Config::default().fields(&name)).applied_objects();
            let sender = sender.clone();
            tokio::spawn(events.for_each(move |pod| {
                if let Ok(pod) = pod {
                    let _ = sender.send((statuses(&pod)[0].restart_count, Instant::now()));
                }
                std::future::ready(())
            }));
        }
        Self { api, pods, next: 0, restarts: 1_000, watched }
    }

    async fn change(&mut self) -> i32 {
        self.restarts += 1;
        let pod = &self.pods[self.next % CHANGING];
        self.next += 1;
        let mut statuses = statuses(pod).to_vec();
        statuses[0].restart_count = self.restarts;
        let patch = Patch::Merge(json!({"status": {"containerStatuses": statuses}}));
        let name = pod.metadata.name.as_deref().unwrap();
        self.api.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
        self.restarts
    }

    /// A single change, after a pause: where changes keep coming, frames come less often.
    async fn change_seen(&mut self, cockpit: &Terminal) -> Seen {
        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        let restarts = self.change().await;
        let words = restarts.to_string();
        cockpit.until("the change", |screen| screen.contents().contains(&words));
        let screen = began.elapsed();
        let watch = self.watched.iter().find(|(told, _)| *told == restarts).unwrap().1 - began;
        Seen { watch, screen }
    }

    async fn change_often(&mut self) {
        let mut beat = tokio::time::interval(Duration::from_secs(1) / UPDATES_PER_SECOND);
        let began = Instant::now();
        while began.elapsed() < SPAN {
            beat.tick().await;
            self.change().await;
        }
    }
}

fn statuses(pod: &Pod) -> &[ContainerStatus] {
    pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap()
}

/// A process of this machine.
struct Process(u32);

impl Process {
    /// Tells what the process costs meanwhile, and what it writes.
    fn measure(&self, what: &str, cockpit: &Terminal, meanwhile: impl FnOnce()) {
        let (written, time, began) = (cockpit.screen.written().len(), self.seconds(), Instant::now());
        meanwhile();
        let span = began.elapsed().as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "few bytes")]
        let bytes = (cockpit.screen.written().len() - written) as f64 / span;
        let share = (self.seconds() - time) / span * 100.0;
        say(&format!(
            "{what}: {bytes:.0} bytes/s, {share:.1} % of a core, {:.1} MiB resident",
            self.resident()
        ));
    }

    /// Seconds of CPU that it has used.
    fn seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap();
        let (_, rest) = stat.rsplit_once(')').unwrap();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS_PER_SECOND
    }

    /// MiB that it holds.
    fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

fn tell(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
    say(&format!(
        "{what}: {} times, median {:?}, p95 {:?}, slowest {:?}",
        took.len(),
        at(50),
        at(95),
        at(100)
    ));
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
