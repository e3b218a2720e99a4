//! What real exporters expose, scraped by the real Prometheus in each usual way: every shipped query gives what was counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use release_cockpit::api::EnvironmentSpec;
use release_cockpit::api::environment::{Preset, WorkloadKind, WorkloadRef};
use release_cockpit::domain::query;
use serde_json::{Value, json};

use crate::analysis::http;
use crate::world::{World, world};

#[path = "../contract/expositions.rs"]
mod expositions;

use expositions::{Answer, Asked, CASES, NAMESPACE, Question, Sample, Target, USAGE};

/// How long numbers may take until they are right: windows fill, and a busy machine scrapes late.
const PATIENCE: Duration = Duration::from_secs(180);
/// The window, and how far rates may be off.
const WINDOW: (&str, f64) = ("15s", 15.0);
const WITHIN: f64 = 0.2;

/// What is served: samples by path, and since when their counters count.
struct Served {
    samples: BTreeMap<String, Vec<Sample>>,
    since: Instant,
}

/// An exposition as it is now.
async fn exposition(State(served): State<Arc<Served>>, Path(path): Path<String>) -> String {
    let seconds = served.since.elapsed().as_secs_f64();
    let mut text = String::new();
    for sample in &served.samples[&path] {
        let labels: Vec<String> =
            sample.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let _ = writeln!(text, "{}{{{}}} {}", sample.name, labels.join(","), sample.after(seconds));
    }
    text
}

/// The targets of one namespace, as entries of the files that Prometheus discovers them by: those whose labels are honoured, and others.
#[derive(Default)]
struct Discovered {
    samples: BTreeMap<String, Vec<Sample>>,
    entries: [Vec<Value>; 2],
}

impl Discovered {
    fn add(&mut self, namespace: &str, targets: &[Target]) {
        for (index, target) in targets.iter().enumerate() {
            let path = format!("{namespace}-{index}");
            let text = target.exposition.replace(NAMESPACE, namespace);
            self.samples.insert(path.clone(), expositions::read(&text));
            let mut labels = json!({"__metrics_path__": format!("/{path}")});
            for (name, value) in target.labels {
                labels[*name] = value.replace(NAMESPACE, namespace).into();
            }
            self.entries[usize::from(target.honors)].push(labels);
        }
    }

    /// Serves them, and has Prometheus scrape them until the program ends.
    async fn serve(self, run: &str) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let served = Served { samples: self.samples, since: Instant::now() };
        let router = Router::new().route("/{path}", get(exposition)).with_state(Arc::new(served));
        tokio::spawn(async move { axum::serve(listener, router).await });
        for (labels, kind) in self.entries.into_iter().zip(["kept", "honored"]) {
            let entries: Vec<Value> =
                labels.into_iter().map(|labels| json!({"targets": [address], "labels": labels})).collect();
            discover(&format!("{run}.{kind}"), &Value::from(entries));
        }
    }
}

/// Has Prometheus scrape these targets; the name ends in `.kept`, or in `.honored` where their labels are.
pub fn discover(name: &str, entries: &Value) {
    let directory = std::env::var("RELEASE_COCKPIT_TEST_TARGETS_DIR");
    let directory = directory.expect("RELEASE_COCKPIT_TEST_TARGETS_DIR");
    // a file that is read half written is an error
    let (half, whole) = (format!("{directory}/{name}.half"), format!("{directory}/{name}.json"));
    std::fs::write(&half, entries.to_string()).expect("to be written");
    std::fs::rename(&half, &whole).expect("to be renamed");
}

/// What the real Prometheus answers.
pub async fn ask(world: &World, query: &str) -> Answer {
    let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
    let request = http()
        .post(format!("{}/api/v1/query", world.prometheus))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer["status"], "success", "{answer}\n{query}");
    let series = answer["data"]["result"].as_array().expect("series");
    let read = |one: &Value| {
        let labels = serde_json::from_value(one["metric"].clone()).expect("labels");
        (labels, one["value"][1].as_str().and_then(|text| text.parse().ok()).expect("a number"))
    };
    series.iter().map(read).collect()
}

/// Asks until the answer is right.
async fn settled(world: &World, question: &Question) {
    let since = Instant::now();
    loop {
        let answer = ask(world, &question.query).await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs_f64();
        match question.judge(&answer, now) {
            Ok(()) => return,
            Err(why) => assert!(since.elapsed() < PATIENCE, "{why}"),
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shipped_queries_count_what_exporters_expose() {
    let Some(world) = world().await else { return };
    let of_run = |name: &str| format!("exposed-{name}-{}", world.run);
    let mut discovered = Discovered::default();
    for case in CASES {
        discovered.add(&of_run(case.name), case.targets);
    }
    discovered.add(&of_run("usage"), USAGE);
    discovered.serve(&world.run).await;
    for preset in Preset::ALL {
        assert!(CASES.iter().any(|case| case.preset == preset), "{}: no exposition", preset.as_str());
    }
    for case in CASES {
        let namespace = of_run(case.name);
        let asked = Asked { namespace: &namespace, window: WINDOW, within: WITHIN };
        for question in expositions::questions(case, asked) {
            settled(world, &question).await;
        }
    }
    let namespace = of_run("usage");
    for question in
        expositions::usage_questions(Asked { namespace: &namespace, window: WINDOW, within: WITHIN })
    {
        settled(world, &question).await;
    }
}
