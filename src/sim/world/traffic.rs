//! The users of the applications: requests, errors and latencies by version, scraped into samples.

use latency::{below_share, sigma};

mod latency;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::routes::{self, Routes};
use super::{SCRAPE, World};
use crate::api::labels::LABEL_TRACK;
use crate::domain::usage::quantity;
use crate::sim::kinds::{DEPLOYMENTS, PODS, int, label, text};
use crate::sim::prometheus::{Labels, Samples, SeriesId};
use crate::sim::rng::Seed;
use crate::sim::scenario::Behaviour;
use crate::sim::store::Object;
use crate::sim::world::pod::Run;

/// Upper bounds of the latency histogram, in seconds.
pub(super) const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Cores that a container asks for; it may use twice as many.
const REQUESTED_CPU: f64 = 0.25;
/// Bytes that a container asks for; it may use twice as many.
const REQUESTED_MEMORY: f64 = 256.0 * 1_048_576.0;
/// How far back before its start a world's rules are evaluated.
const RULES_LOOK_BACK: TimeDelta = TimeDelta::minutes(10);

/// Counters of everything that serves.
#[derive(Debug)]
pub(super) struct Traffic {
    seed: Seed,
    scrapes: u64,
    meters: HashMap<String, Meter>,
    gauges: HashMap<String, Vec<SeriesId>>,
}

/// The counters of one pod.
#[derive(Debug)]
struct Meter {
    ok: f64,
    failed: f64,
    buckets: [f64; 12],
    sum: f64,
    series: Vec<SeriesId>,
}

impl Traffic {
    /// No traffic yet.
    pub(super) fn new(seed: Seed) -> Self {
        Self { seed, scrapes: 0, meters: HashMap::new(), gauges: HashMap::new() }
    }
}

/// A pod that metrics are kept of.
struct Target {
    uid: String,
    namespace: String,
    name: String,
    component: String,
    track: String,
    object: Arc<Object>,
    run: Run,
}

impl World {
    /// Lets requests happen up to an instant, and scrapes every target.
    pub(super) fn scrape(&mut self, at: DateTime<Utc>) {
        let targets = self.targets();
        let scrape = self.traffic.scrapes;
        self.traffic.scrapes += 1;
        let rates = self.request_rates();
        let shares = self.shares(&targets);
        let samples = self.samples.clone();
        let mut samples = samples.write().unwrap_or_else(PoisonError::into_inner);
        let millis = at.timestamp_millis();
        let mut seen = HashSet::with_capacity(targets.len());
        for target in &targets {
            let place = (target.namespace.clone(), target.component.clone());
            let share = shares.get(&target.uid).copied().unwrap_or_default();
            let chance = self.traffic.seed.child(&target.name).nth(scrape);
            let wave = rates.get(&place).copied().unwrap_or(0.0) * wave(at);
            let wanted = wave * SCRAPE.as_seconds_f64() * share;
            let meter = self
                .traffic
                .meters
                .entry(target.uid.clone())
                .or_insert_with(|| Meter::new(&mut samples, target));
            meter.serve(wanted, target, at, chance);
            meter.write(&mut samples, millis, target);
            seen.insert(target.uid.clone());
        }
        self.traffic.meters.retain(|uid, meter| {
            let stays = seen.contains(uid);
            if !stays {
                for id in &meter.series {
                    samples.mark_stale(*id, millis);
                }
            }
            stays
        });
        self.scrape_deployments(&mut samples, millis);
        super::gauges::scrape(&self.scenario.gauges, &mut samples, at);
        // of the past that a world starts with, only the last minutes can still fire
        if self.now - at <= RULES_LOOK_BACK {
            samples.evaluate_rules(millis);
        }
        samples.forget_before(millis);
    }

    /// What share of its component's requests each serving pod gets, by uid.
    fn shares(&self, targets: &[Target]) -> HashMap<String, f64> {
        let mut serving: BTreeMap<(&str, &str), Vec<&Target>> = BTreeMap::new();
        for target in targets.iter().filter(|target| target.run.serves()) {
            serving.entry((&target.namespace, &target.component)).or_default().push(target);
        }
        let mut routes: HashMap<&str, Routes> = HashMap::new();
        let mut shares = HashMap::with_capacity(targets.len());
        for ((namespace, _), pods) in serving {
            let routes = routes.entry(namespace).or_insert_with(|| Routes::read(&self.store, namespace));
            let objects: Vec<_> = pods.iter().map(|pod| &pod.object.value).collect();
            shares.extend(pods.iter().map(|pod| pod.uid.clone()).zip(routes.shares(&objects)));
        }
        shares
    }

    fn request_rates(&self) -> HashMap<(String, String), f64> {
        let mut rates = HashMap::new();
        for workload in self.scenario.workloads.iter().filter(|workload| workload.requests_per_second > 0.0) {
            for copy in 0..workload.copies.max(1) {
                let name = if workload.copies > 1 {
                    format!("{}-{copy}", workload.name)
                } else {
                    workload.name.clone()
                };
                let component = workload.component.clone().unwrap_or(name);
                *rates.entry((workload.namespace.clone(), component)).or_default() +=
                    workload.requests_per_second;
            }
        }
        rates
    }

    fn targets(&self) -> Vec<Target> {
        let rates = self.request_rates();
        let busy: HashSet<&str> = rates.keys().map(|(namespace, _)| namespace.as_str()).collect();
        let mut targets: Vec<_> = self
            .runs
            .iter()
            .filter(|(_, run)| busy.contains(&*run.key.namespace))
            .filter_map(|(uid, run)| {
                let pod = self.store.get(PODS, &run.key.namespace, &run.key.name)?;
                let component = label(&pod.value, "app.kubernetes.io/component")?.to_owned();
                rates.get(&(pod.namespace().to_owned(), component.clone()))?;
                (text(&pod.value, &["status", "phase"]) == "Running").then(|| Target {
                    uid: uid.clone(),
                    namespace: pod.namespace().to_owned(),
                    name: pod.name().to_owned(),
                    component,
                    track: label(&pod.value, LABEL_TRACK).unwrap_or("stable").to_owned(),
                    object: pod.clone(),
                    run: run.clone(),
                })
            })
            .collect();
        targets.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        targets
    }

    fn scrape_deployments(&mut self, samples: &mut Samples, millis: i64) {
        let rates = self.request_rates();
        let mut present = HashSet::new();
        for deployment in self.store.list(DEPLOYMENTS, None) {
            let value = &deployment.value;
            let name = deployment.name().to_owned();
            let component = label(value, "app.kubernetes.io/component").unwrap_or(&name).to_owned();
            if !rates.contains_key(&(deployment.namespace().to_owned(), component)) {
                continue;
            }
            let ids = self.traffic.gauges.entry(deployment.uid().to_owned()).or_insert_with(|| {
                let of = |metric: &str| {
                    Labels::new(
                        metric,
                        &[
                            ("namespace", deployment.namespace()),
                            ("deployment", &name),
                            ("job", "kube-state-metrics"),
                        ],
                    )
                };
                GAUGES.iter().map(|(metric, _)| samples.series(of(metric))).collect()
            });
            for (id, (_, path)) in ids.iter().zip(GAUGES) {
                samples.append(*id, millis, int(value, path).unwrap_or(0) as f64);
            }
            present.insert(deployment.uid().to_owned());
        }
        self.traffic.gauges.retain(|uid, ids| {
            let stays = present.contains(uid);
            if !stays {
                for id in ids.iter() {
                    samples.mark_stale(*id, millis);
                }
            }
            stays
        });
    }
}

const GAUGES: [(&str, &[&str]); 5] = [
    ("kube_deployment_spec_replicas", &["spec", "replicas"]),
    ("kube_deployment_status_replicas", &["status", "replicas"]),
    ("kube_deployment_status_replicas_updated", &["status", "updatedReplicas"]),
    ("kube_deployment_status_replicas_available", &["status", "availableReplicas"]),
    ("kube_deployment_status_replicas_unavailable", &["status", "unavailableReplicas"]),
];

impl Meter {
    fn new(samples: &mut Samples, target: &Target) -> Self {
        let base = [
            ("namespace", target.namespace.as_str()),
            ("pod", &target.name),
            ("component", &target.component),
            ("version", &target.run.version),
            ("track", &target.track),
            ("job", &target.component),
            ("instance", &target.name),
        ];
        let mut series = Vec::new();
        let mut add = |metric: &str, extra: &[(&str, &str)]| {
            let labels: Vec<_> = base.iter().copied().chain(extra.iter().copied()).collect();
            series.push(samples.series(Labels::new(metric, &labels)));
        };
        add("http_requests_total", &[("code", "200")]);
        add("http_requests_total", &[("code", "500")]);
        for bound in BUCKETS {
            add("http_request_duration_seconds_bucket", &[("le", &bound.to_string())]);
        }
        add("http_request_duration_seconds_bucket", &[("le", "+Inf")]);
        add("http_request_duration_seconds_sum", &[]);
        add("http_request_duration_seconds_count", &[]);
        add("up", &[]);
        let kube = [
            ("namespace", target.namespace.as_str()),
            ("pod", &target.name),
            ("container", &target.component),
        ];
        for metric in [
            "kube_pod_container_status_restarts_total",
            "container_memory_working_set_bytes",
            "container_cpu_usage_seconds_total",
        ] {
            series.push(samples.series(Labels::new(metric, &kube)));
        }
        for metric in ["kube_pod_container_resource_requests", "kube_pod_container_resource_limits"] {
            for (resource, unit) in [("cpu", "core"), ("memory", "byte")] {
                let resource = [("resource", resource), ("unit", unit)];
                let labels: Vec<_> = kube.into_iter().chain(resource).collect();
                series.push(samples.series(Labels::new(metric, &labels)));
            }
        }
        let ready = [("namespace", target.namespace.as_str()), ("pod", &target.name), ("condition", "true")];
        series.push(samples.series(Labels::new("kube_pod_status_ready", &ready)));
        Self { ok: 0.0, failed: 0.0, buckets: [0.0; 12], sum: 0.0, series }
    }

    /// Answers some requests.
    fn serve(&mut self, wanted: f64, target: &Target, at: DateTime<Utc>, chance: Seed) {
        if wanted <= 0.0 {
            return;
        }
        let behaviour = &target.run.behaviour;
        let noise = 1.0 + 0.05 * chance.child("rate").normal();
        let requests = whole((wanted * noise).max(0.0), chance.child("whole"));
        let errors = error_rate(behaviour, &target.run, at);
        let failed = binomial(requests, errors, chance.child("errors"));
        self.ok += requests - failed;
        self.failed += failed;
        let drift = 1.0 + 0.06 * chance.child("latency").normal();
        let mut below = 0.0;
        for (n, bound) in BUCKETS.iter().enumerate() {
            let share = below_share(
                *bound,
                behaviour.latency_p50 * drift.max(0.3),
                behaviour.latency_p99 * drift.max(0.3),
            );
            let count = whole(requests * share, chance.child("bucket").nth(n as u64)).clamp(below, requests);
            self.buckets[n] += count;
            below = count;
        }
        self.buckets[11] += requests;
        let sigma = sigma(behaviour.latency_p50, behaviour.latency_p99);
        self.sum += requests * behaviour.latency_p50 * drift.max(0.3) * (sigma * sigma / 2.0).exp();
    }

    fn write(&self, samples: &mut Samples, millis: i64, target: &Target) {
        let wave = 1.0 + 0.03 * (millis as f64 / 90_000.0).sin();
        let memory = 0.94 * REQUESTED_MEMORY * wave;
        let cpu = (self.ok + self.failed) * 0.004;
        let values = [self.ok, self.failed].into_iter().chain(self.buckets).chain([
            self.sum,
            self.buckets[11],
            1.0,
            f64::from(target.run.restarts),
            memory.floor(),
            cpu,
        ]);
        let values =
            values.chain(granted(&target.object.value)).chain([f64::from(u8::from(target.run.serves()))]);
        for (id, value) in self.series.iter().zip(values) {
            samples.append(*id, millis, value);
        }
    }
}

/// Requested cores and bytes of a pod, and their limits: its own, or the usual ones.
fn granted(pod: &Value) -> [f64; 4] {
    let resources = &pod["spec"]["containers"][0]["resources"];
    let amount = |kind: &str, resource: &str, usual: f64| {
        resources[kind][resource].as_str().and_then(quantity).unwrap_or(usual)
    };
    [
        amount("requests", "cpu", REQUESTED_CPU),
        amount("requests", "memory", REQUESTED_MEMORY),
        amount("limits", "cpu", 2.0 * REQUESTED_CPU),
        amount("limits", "memory", 2.0 * REQUESTED_MEMORY),
    ]
}

/// A whole number near a fraction, up or down by chance.
fn whole(value: f64, chance: Seed) -> f64 {
    let floor = value.floor();
    if chance.unit() < value - floor { floor + 1.0 } else { floor }
}

/// How many of so many requests happen to be of a kind that has this share: each by itself where they are few, so that pods with few
/// requests have no more of them than pods with many.
fn binomial(requests: f64, share: f64, chance: Seed) -> f64 {
    let mean = requests * share;
    if requests > 2_000.0 && mean > 50.0 {
        let spread = (mean * (1.0 - share)).sqrt();
        return whole((mean + spread * chance.normal()).clamp(0.0, requests), chance.child("whole"))
            .min(requests);
    }
    (0..requests as u64).filter(|n| chance.nth(*n).unit() < share).count() as f64
}

/// The share of requests that fail, at an instant of a pod's life.
fn error_rate(behaviour: &Behaviour, run: &Run, at: DateTime<Utc>) -> f64 {
    let base = behaviour.error_rate.min(0.002);
    let Some(since) = run.ready_since else { return base };
    let age = (at - since).as_seconds_f64() - behaviour.errors_after.as_secs_f64();
    if age < 0.0 {
        return base;
    }
    let ramp = behaviour.errors_ramp.as_secs_f64();
    let part = if ramp <= 0.0 { 1.0 } else { (age / ramp).min(1.0) };
    base + (behaviour.error_rate - base) * part
}

/// The day's wave with smaller ones on it, around 1.
pub(super) fn wave(at: DateTime<Utc>) -> f64 {
    let seconds = at.timestamp_millis() as f64 / 1000.0;
    let turn = std::f64::consts::TAU;
    1.0 + 0.2 * (seconds / 86_400.0 * turn).sin()
        + 0.1 * (seconds / 1_500.0 * turn).sin()
        + 0.04 * (seconds / 210.0 * turn).sin()
}

/// Whether any pod behind a selector serves, and with which health status: the worst that their versions give.
pub(crate) fn health(world: &World, namespace: &str, selector: &Value) -> Option<u16> {
    let selector = routes::selector(selector);
    world
        .runs
        .values()
        .filter(|run| run.serves() && *run.key.namespace == *namespace)
        .filter(|run| {
            let pod = world.store.get(PODS, &run.key.namespace, &run.key.name);
            let bears =
                |pod: &Arc<Object>, (key, value): (&String, &String)| label(&pod.value, key) == Some(value);
            !selector.is_empty() && pod.is_some_and(|pod| selector.iter().all(|pair| bears(pod, pair)))
        })
        .map(|run| run.behaviour.health_status)
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_requests_are_below_the_median_and_99_in_100_below_the_p99() {
        assert!((below_share(0.05, 0.05, 0.4) - 0.5).abs() < 1e-6);
        assert!((below_share(0.4, 0.05, 0.4) - 0.99).abs() < 1e-3);
        assert!(below_share(0.005, 0.05, 0.4) < 0.01);
    }

    #[test]
    fn errors_climb_after_a_while() {
        let behaviour = Behaviour {
            error_rate: 0.12,
            errors_after: std::time::Duration::from_secs(40),
            errors_ramp: std::time::Duration::from_secs(20),
            ..Behaviour::default()
        };
        let pod = serde_json::json!({"metadata": {"namespace": "a", "name": "b"}});
        let mut run = Run::new(&pod, behaviour.clone(), Seed(1));
        let start = DateTime::UNIX_EPOCH;
        run.ready_since = Some(start);
        let at = |seconds| start + chrono::TimeDelta::seconds(seconds);
        assert!(error_rate(&behaviour, &run, at(30)) < 0.01);
        assert!((error_rate(&behaviour, &run, at(50)) - 0.061).abs() < 0.002);
        assert!((error_rate(&behaviour, &run, at(90)) - 0.12).abs() < 1e-9);
    }
}
