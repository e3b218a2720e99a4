//! What exporters really expose (`tests/fixtures/expositions`), as Prometheus keeps it after a usual scrape, and what the shipped queries must
//! make of it: kept by the real Prometheus and by the embedded world's. What a counter was recorded with, it gains in every minute.

use std::collections::BTreeMap;

use serde_json::json;

use super::query::{self, Values};
use super::{EnvironmentSpec, Preset, WorkloadKind, WorkloadRef};

/// The namespace that the recordings tell of.
pub(super) const NAMESPACE: &str = "shop";

const APPLICATION: &str = include_str!("../fixtures/expositions/application.txt");
const INGRESS_NGINX: &str = include_str!("../fixtures/expositions/ingress-nginx.txt");
const TRAEFIK: &str = include_str!("../fixtures/expositions/traefik.txt");
const ISTIO: &str = include_str!("../fixtures/expositions/istio.txt");
const KUBE_STATE_METRICS: &str = include_str!("../fixtures/expositions/kube-state-metrics.txt");
const CADVISOR: &str = include_str!("../fixtures/expositions/kubelet-cadvisor.txt");
const RESOURCE: &str = include_str!("../fixtures/expositions/kubelet-resource.txt");

/// Labels by name.
pub(super) type Labels = BTreeMap<String, String>;
/// What a query gives: the labels and the number of each series.
pub(super) type Answer = Vec<(Labels, f64)>;

/// One line of an exposition.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// The metric's name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its number.
    pub value: f64,
    /// Whether it is a counter.
    pub counts: bool,
}

impl Sample {
    /// What it is some seconds after the recording. What was restarted is restarted twice more: after 15 s, and after 30.
    pub(super) fn after(&self, seconds: f64) -> f64 {
        match &*self.name {
            "kube_pod_container_status_restarts_total" if self.value > 0.0 => {
                self.value + (seconds / 15.0).floor().min(2.0)
            }
            "kube_pod_container_status_restarts_total" => self.value,
            _ if self.counts => self.value * (1.0 + seconds / 60.0),
            _ => self.value,
        }
    }
}

/// One exporter in a Prometheus' scrape configuration.
#[derive(Debug)]
pub(super) struct Target {
    /// What it exposes.
    pub exposition: &'static str,
    /// What discovery adds.
    pub labels: &'static [(&'static str, &'static str)],
    /// `honor_labels`.
    pub honors: bool,
}

/// A way to scrape, and what the shipped queries give then.
#[derive(Debug)]
pub(super) struct Case {
    /// For sentences, and a part of names.
    pub name: &'static str,
    /// Who counts the requests.
    pub preset: Preset,
    /// What is scraped.
    pub targets: &'static [Target],
    /// Of each track, what was counted in the recording.
    pub counted: &'static [Counted],
}

/// What was recorded of one track of `backend`.
#[derive(Debug)]
pub(super) struct Counted {
    track: &'static str,
    requests: f64,
    errors: f64,
    /// p50, p95 and p99 in seconds, as they follow from the buckets.
    quantiles: [f64; 3],
    /// One bucket: a bound in seconds and how many answers are within.
    bucket: (f64, f64),
}

/// A target.
pub(super) const fn target(
    exposition: &'static str,
    labels: &'static [(&'static str, &'static str)],
    honors: bool,
) -> Target {
    Target { exposition, labels, honors }
}

/// What the Prometheus Operator's `ServiceMonitor` adds, what its `PodMonitor` does, and what a static list does.
const SERVICE: &[(&str, &str)] =
    &[("namespace", "edge"), ("service", "edge-metrics"), ("pod", "edge-0"), ("container", "edge")];
const POD: &[(&str, &str)] = &[("namespace", "edge"), ("pod", "edge-0"), ("container", "edge")];
const STATIC: &[(&str, &str)] = &[];
const APP: &[(&str, &str)] = &[
    ("namespace", NAMESPACE),
    ("pod", "backend-68d69bb4f-d6p82"),
    ("component", "backend"),
    ("track", "stable"),
];

/// 95 within 0.05 s and five within half a second; sixteen within 0.1 s and four within one.
const BOUNDED: [[f64; 3]; 2] =
    [[0.025 + 0.025 * 50.0 / 95.0, 0.05, 0.25 + 0.25 * 0.8], [0.05 + 0.05 * 10.0 / 16.0, 0.875, 0.975]];
const NGINX_COUNTED: &[Counted] = &[
    Counted { track: "stable", requests: 100.0, errors: 5.0, quantiles: BOUNDED[0], bucket: (0.05, 95.0) },
    Counted { track: "canary", requests: 20.0, errors: 4.0, quantiles: BOUNDED[1], bucket: (0.1, 16.0) },
];
/// 111 within 0.1 s, one more within 0.3 s, ten within 1.2 s; 23 within 0.1 s, two within 1.2 s.
const TRAEFIK_COUNTED: &[Counted] = &[
    Counted {
        track: "stable",
        requests: 122.0,
        errors: 14.0,
        quantiles: [
            0.1 * 61.0 / 111.0,
            0.3 + 0.9 * (115.9 - 112.0) / 10.0,
            0.3 + 0.9 * (120.78 - 112.0) / 10.0,
        ],
        bucket: (0.1, 111.0),
    },
    Counted {
        track: "canary",
        requests: 25.0,
        errors: 2.0,
        quantiles: [0.1 * 12.5 / 23.0, 0.3 + 0.9 * 0.75 / 2.0, 0.3 + 0.9 * 1.75 / 2.0],
        bucket: (0.3, 23.0),
    },
];

/// Every way to scrape that the presets are made for.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "application",
        preset: Preset::Application,
        targets: &[target(APPLICATION, APP, false)],
        counted: &[Counted {
            track: "stable",
            requests: 100.0,
            errors: 5.0,
            quantiles: [0.025 + 0.025 * 50.0 / 95.0, 0.05, 0.25 + 0.25 * 0.8],
            bucket: (0.05, 95.0),
        }],
    },
    Case {
        name: "nginx-servicemonitor",
        preset: Preset::IngressNginx,
        targets: &[target(INGRESS_NGINX, SERVICE, false)],
        counted: NGINX_COUNTED,
    },
    Case {
        name: "nginx-honored",
        preset: Preset::IngressNginx,
        targets: &[target(INGRESS_NGINX, SERVICE, true)],
        counted: NGINX_COUNTED,
    },
    Case {
        name: "nginx-podmonitor",
        preset: Preset::IngressNginx,
        targets: &[target(INGRESS_NGINX, POD, false)],
        counted: NGINX_COUNTED,
    },
    Case {
        name: "nginx-static",
        preset: Preset::IngressNginx,
        targets: &[target(INGRESS_NGINX, STATIC, false)],
        counted: NGINX_COUNTED,
    },
    Case {
        name: "traefik-servicemonitor",
        preset: Preset::Traefik,
        targets: &[target(TRAEFIK, SERVICE, false)],
        counted: TRAEFIK_COUNTED,
    },
    Case {
        name: "traefik-podmonitor",
        preset: Preset::Traefik,
        targets: &[target(TRAEFIK, POD, false)],
        counted: TRAEFIK_COUNTED,
    },
    Case {
        name: "istio",
        preset: Preset::Istio,
        targets: &[target(ISTIO, POD, false)],
        counted: &[
            Counted {
                track: "stable",
                requests: 100.0,
                errors: 5.0,
                quantiles: [0.025 + 0.025 * 50.0 / 95.0, 0.05, 0.25 + 0.25 * 0.8],
                bucket: (0.05, 95.0),
            },
            Counted {
                track: "canary",
                requests: 20.0,
                errors: 4.0,
                quantiles: [0.05 + 0.05 * 10.0 / 16.0, 0.875, 0.975],
                bucket: (0.1, 16.0),
            },
        ],
    },
];

/// What the usage of pods is computed from: the kubelet's two endpoints, both scraped, and two replicas of kube-state-metrics.
pub(super) const USAGE: &[Target] = &[
    target(CADVISOR, &[("node", "d6p82"), ("metrics_path", "/metrics/cadvisor")], true),
    target(RESOURCE, &[("node", "d6p82"), ("metrics_path", "/metrics/resource")], true),
    target(KUBE_STATE_METRICS, &[("namespace", "monitoring"), ("pod", "kube-state-metrics-0")], true),
    target(KUBE_STATE_METRICS, &[("namespace", "monitoring"), ("instance", "second")], true),
];

/// The lines of an exposition; panics where it is not one.
pub(super) fn read(text: &str) -> Vec<Sample> {
    let mut types = BTreeMap::new();
    let mut samples = Vec::new();
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a name and a type");
            types.insert(name, kind);
        }
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let (name, rest) = line.split_once('{').expect("labels");
        let (labels, value) = rest.rsplit_once("} ").expect("a number");
        let family = name.strip_suffix("_bucket").unwrap_or(name);
        let counts = matches!(types.get(family), Some(&("counter" | "histogram")));
        samples.push(Sample {
            name: name.to_owned(),
            labels: labels.split("\",").filter(|pair| !pair.is_empty()).map(pair).collect(),
            // what follows is when it was measured
            value: value.split(' ').next().and_then(|number| number.parse().ok()).expect("a number"),
            counts,
        });
    }
    samples
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once("=\"").expect("a label");
    (name.to_owned(), value.trim_end_matches('"').to_owned())
}

/// A shipped query as it is asked of `backend`, and what it must give.
#[derive(Debug)]
pub(super) struct Question {
    /// For sentences.
    pub what: String,
    /// PromQL.
    pub query: String,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    /// One series with this number, within a part of it; with a label that has this value, if any.
    One { number: f64, within: f64, label: Option<(&'static str, &'static str)> },
    /// Numbers by pod, within a part of each.
    Pods(Vec<(&'static str, f64)>, f64),
    /// A bucket's bound, the part that is within, and how many there are at all, within a part of them.
    Buckets { bound: f64, share: f64, all: f64, within: f64 },
    /// When the newest sample was taken.
    Fresh,
}

/// How the questions are put.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// The namespace that stands for that of the recordings.
    pub namespace: &'a str,
    /// The window as it is written, and its seconds.
    pub window: (&'a str, f64),
    /// How far rates may be off, as a part of them: scrapes are not in time with windows.
    pub within: f64,
}

/// Every shipped query about requests, of each track. A query or a preset of which nothing is known here panics.
pub(super) fn questions(case: &Case, asked: Asked<'_>) -> Vec<Question> {
    let spec = spec(case.preset);
    let about_requests: Vec<&str> =
        query::known(&spec).into_iter().filter(|name| !usage_names().contains(name)).collect();
    assert!(about_requests.len() >= 9, "{about_requests:?}");
    let mut questions = Vec::new();
    for counted in case.counted {
        for name in &about_requests {
            let query = rendered(&spec, name, counted.track, asked);
            let expected = counted.expected(name, case.preset, asked);
            questions.push(Question {
                what: format!("{} {name} of {}", case.name, counted.track),
                query,
                expected,
            });
        }
    }
    questions
}

/// Every shipped query about what pods use.
pub(super) fn usage_questions(asked: Asked<'_>) -> Vec<Question> {
    let spec = spec(Preset::Application);
    let crashing = format!("{}-eu", asked.namespace);
    let ask = |name: &'static str| {
        let namespace = if name == "restarts" { &crashing } else { asked.namespace };
        Question {
            what: name.to_owned(),
            query: rendered(&spec, name, "stable", Asked { namespace, ..asked }),
            expected: used(name, asked.within),
        }
    };
    usage_names().into_iter().map(ask).collect()
}

fn spec(preset: Preset) -> EnvironmentSpec {
    let spec = json!({"application": "shop", "tier": "production", "components": [], "metrics": {"preset": preset.as_str()}});
    serde_json::from_value(spec).expect("a specification")
}

fn rendered(spec: &EnvironmentSpec, name: &str, track: &str, asked: Asked<'_>) -> String {
    let workload = WorkloadRef { kind: WorkloadKind::Deployment, name: "backend".into() };
    let values = Values {
        namespace: asked.namespace,
        components: vec!["backend"],
        workloads: vec![&workload],
        track,
        window: asked.window.0,
    };
    query::render(name, query::template(spec, name).expect("a template"), &values).expect("a query")
}

impl Counted {
    fn expected(&self, name: &str, preset: Preset, asked: Asked<'_>) -> Expected {
        let part = asked.window.1 / 60.0;
        let label = match (preset, self.track) {
            (Preset::Application, _) => ("component", "backend"),
            (_, "canary") => ("workload", "backend-canary"),
            _ => ("workload", "backend"),
        };
        let labelled = |number, within| Expected::One { number, within, label: Some(label) };
        let plain = |number: f64| Expected::One { number, within: asked.within, label: None };
        match name {
            "requestRate" => labelled(self.requests / 60.0, asked.within),
            "errorRate" => labelled(self.errors / self.requests, 1e-6),
            "latencyP50" => labelled(self.quantiles[0], 1e-6),
            "latency" => labelled(self.quantiles[1], 1e-6),
            "latencyP99" => labelled(self.quantiles[2], 1e-6),
            "requests" => plain(self.requests * part),
            "errors" => plain(self.errors * part),
            "latencyBuckets" => Expected::Buckets {
                bound: self.bucket.0,
                share: self.bucket.1 / self.requests,
                all: self.requests * part,
                within: asked.within,
            },
            "newestSample" => Expected::Fresh,
            other => panic!(
                "what {other} gives of {preset:?} is not known: add it to tests/contract/expositions.rs"
            ),
        }
    }
}

/// The shipped queries that are not about requests: all that a preset leaves as they are.
fn usage_names() -> Vec<&'static str> {
    let (plain, other) = (spec(Preset::Application), spec(Preset::Traefik));
    let is_same = |name: &&str| query::template(&plain, name) == query::template(&other, name);
    let all: Vec<String> = query::known(&plain).into_iter().filter(is_same).map(str::to_owned).collect();
    let known = [
        "activePods",
        "cpuLimit",
        "cpuRequest",
        "memoryLimit",
        "memoryRequest",
        "podCpu",
        "podMemory",
        "restarts",
    ];
    assert_eq!(all, known, "what a new query gives is not known: add it to tests/contract/expositions.rs");
    known.to_vec()
}

/// What the queries about usage give, by the numbers in the recordings.
fn used(name: &str, within: f64) -> Expected {
    const POD: &str = "backend-68d69bb4f-d6p82";
    const MEBI: f64 = 1_048_576.0;
    let cores = (9.061_614_54 + 3.100_980_191) / 60.0;
    let bytes = 540_672.0 + 618_496.0;
    let of_pod = |number: f64, within: f64| Expected::Pods(vec![(POD, number)], within);
    match name {
        "podCpu" => of_pod(cores, within),
        "cpuLimit" => of_pod(cores / 0.6, within),
        "cpuRequest" => of_pod(cores / 0.3, within),
        "podMemory" => of_pod(bytes, 0.0),
        "memoryLimit" => of_pod(bytes / (320.0 * MEBI), 1e-6),
        "memoryRequest" => of_pod(bytes / (160.0 * MEBI), 1e-6),
        "restarts" => Expected::Pods(vec![("backend-6566d9f7d5-8dlhl", 2.0)], 0.0),
        "activePods" => Expected::One { number: 2.0, within: 0.0, label: None },
        other => panic!("what {other} gives is not known"),
    }
}

/// Whether a number is another one, but for a part of it.
fn is_about(found: f64, expected: f64, within: f64) -> bool {
    (found - expected).abs() <= expected.abs() * within
}

impl Question {
    /// Why an answer, given at `now` (Unix seconds), is not what it must be.
    pub(super) fn judge(&self, answer: &Answer, now: f64) -> Result<(), String> {
        let wrong =
            || Err(format!("{}: {answer:?} instead of {:?}\n{}", self.what, self.expected, self.query));
        let is_right = match &self.expected {
            Expected::One { number, within, label } => match answer.as_slice() {
                [(labels, found)] => {
                    let is_labelled = match label {
                        Some((name, value)) => labels.get(*name).is_some_and(|found| found == value),
                        None => labels.is_empty(),
                    };
                    is_labelled && is_about(*found, *number, *within)
                }
                _ => false,
            },
            Expected::Pods(pods, within) => {
                answer.len() == pods.len()
                    && pods.iter().all(|(pod, number)| {
                        let found =
                            answer.iter().find(|(labels, _)| labels.get("pod").is_some_and(|one| one == pod));
                        found.is_some_and(|(_, found)| is_about(*found, *number, *within))
                    })
            }
            Expected::Buckets { bound, share, all, within } => {
                let bounds = answer
                    .iter()
                    .filter_map(|(labels, count)| Some((labels.get("le")?.parse::<f64>().ok()?, *count)));
                let bounds: Vec<(f64, f64)> = bounds.collect();
                let at = |wanted: f64| {
                    bounds.iter().find(|(found, _)| {
                        (found.is_infinite() && wanted.is_infinite()) || (found - wanted).abs() < 1e-9
                    })
                };
                match (at(*bound), at(f64::INFINITY)) {
                    (Some((_, low)), Some((_, most))) => {
                        bounds.len() == answer.len()
                            && is_about(*low, most * share, 1e-6)
                            && is_about(*most, *all, *within)
                    }
                    _ => false,
                }
            }
            Expected::Fresh => match answer.as_slice() {
                [(_, found)] => (0.0..=20.0).contains(&(now - found)),
                _ => false,
            },
        };
        if is_right { Ok(()) } else { wrong() }
    }
}
