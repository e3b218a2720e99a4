//! The controller's own metrics in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::attempt::Counts;
use super::lock::locked;

/// Upper bounds of the decision histogram, in seconds.
const BOUNDS: [f64; 8] = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.1];

/// Counters of one process.
#[derive(Debug, Default)]
pub(super) struct Counters {
    leads: AtomicBool,
    queue: AtomicU64,
    reconciles: AtomicU64,
    errors: AtomicU64,
    races: AtomicU64,
    refused: AtomicU64,
    decisions: AtomicU64,
    decision_nanos: AtomicU64,
    buckets: [AtomicU64; BOUNDS.len()],
    /// Whether the admission policies are in force, by namespace.
    policies: Mutex<BTreeMap<String, bool>>,
    /// Stops judged, those of them that were late, and how long they all took.
    stops: Mutex<Stops>,
    /// Objects that cannot be decoded, or only in part, by kind.
    undecodable: Mutex<BTreeMap<String, usize>>,
    /// News told, and not told, by channel.
    told: Mutex<BTreeMap<(String, bool), u64>>,
}

/// Channels and results that are counted each by itself; all others are counted together.
const CHANNELS: usize = 256;
/// The name under which the others are counted.
const OTHERS: &str = "(others)";

/// Upper bounds of the histogram of stops, in seconds.
const STOP_BOUNDS: [f64; 7] = [0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

#[derive(Debug, Default)]
struct Stops {
    count: u64,
    late: u64,
    seconds: f64,
    buckets: [u64; STOP_BOUNDS.len()],
}

impl Counters {
    /// A stop was judged.
    pub(super) fn stopped(&self, took: Duration, is_late: bool) {
        let mut stops = locked(&self.stops);
        stops.count += 1;
        stops.late += u64::from(is_late);
        stops.seconds += took.as_secs_f64();
        for (bucket, bound) in stops.buckets.iter_mut().zip(STOP_BOUNDS) {
            *bucket += u64::from(took.as_secs_f64() <= bound);
        }
    }

    pub(super) fn leads(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
    }

    pub(super) fn waiting(&self, releases: usize) {
        self.queue.store(u64::try_from(releases).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn reconciled(&self, well: bool) {
        self.reconciles.fetch_add(1, Ordering::Relaxed);
        if !well {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Somebody else's write came first.
    pub(super) fn raced(&self) {
        self.races.fetch_add(1, Ordering::Relaxed);
    }

    /// The API server refused a write.
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn decided(&self, took: Duration) {
        self.decisions.fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.decision_nanos.fetch_add(nanos, Ordering::Relaxed);
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            if took.as_secs_f64() <= bound {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn policies_enforced(&self, by_namespace: BTreeMap<String, bool>) {
        *locked(&self.policies) = by_namespace;
    }

    /// Objects of that kind that this controller cannot decode, or only in part.
    pub(super) fn undecodable(&self, kind: &str, count: usize) {
        locked(&self.undecodable).insert(kind.to_owned(), count);
    }

    /// A channel was told, or was not after every try.
    pub(super) fn told(&self, channel: &str, well: bool) {
        let mut told = locked(&self.told);
        let known = told.contains_key(&(channel.to_owned(), well)) || told.len() < CHANNELS;
        let channel = if known { channel } else { OTHERS };
        *told.entry((channel.to_owned(), well)).or_default() += 1;
    }

    fn write_stops(&self, out: &mut String) {
        let stops = locked(&self.stops);
        let name = "release_cockpit_controller_stop_seconds";
        let help = "Time from the report of a stop to its answer.";
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} histogram");
        for (bucket, bound) in stops.buckets.iter().zip(STOP_BOUNDS) {
            let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {bucket}");
        }
        let (count, sum) = (stops.count, stops.seconds);
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}");
        write_value(
            out,
            ("stops_late_total", "counter", "Stops that were judged after their deadline."),
            stops.late,
        );
    }

    /// The numbers in Prometheus' text format.
    pub(super) fn text(&self, counts: Counts) -> String {
        let mut out = String::new();
        let leader = u64::from(self.leads.load(Ordering::Relaxed));
        let values = [
            ("leader", "gauge", "Whether this replica leads.", leader),
            ("queue", "gauge", "Releases that wait.", self.queue.load(Ordering::Relaxed)),
            ("reconciles_total", "counter", "Reconciliations.", self.reconciles.load(Ordering::Relaxed)),
            (
                "reconcile_errors_total",
                "counter",
                "Reconciliations that failed.",
                self.errors.load(Ordering::Relaxed),
            ),
            (
                "lost_races_total",
                "counter",
                "Writes that came after somebody else's.",
                self.races.load(Ordering::Relaxed),
            ),
            (
                "refused_writes_total",
                "counter",
                "Writes that the API server refused.",
                self.refused.load(Ordering::Relaxed),
            ),
        ];
        for (name, kind, help, value) in values {
            let _ = writeln!(
                out,
                "# HELP release_cockpit_controller_{name} {help}\n# TYPE release_cockpit_controller_{name} {kind}\nrelease_cockpit_controller_{name} {value}"
            );
        }
        let name = "release_cockpit_policies_enforced";
        let help = "Whether the admission policies are in force.";
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (namespace, enforced) in &*locked(&self.policies) {
            let _ = writeln!(out, "{name}{{namespace=\"{}\"}} {}", escaped(namespace), u64::from(*enforced));
        }
        let name = "release_cockpit_undecodable_objects";
        let help = "Objects that this controller cannot decode, or only in part.";
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (kind, count) in &*locked(&self.undecodable) {
            let _ = writeln!(out, "{name}{{kind=\"{kind}\"}} {count}");
        }
        let name = "release_cockpit_notices_total";
        let _ = writeln!(out, "# HELP {name} News told to channels.\n# TYPE {name} counter");
        for ((channel, well), count) in &*locked(&self.told) {
            let result = if *well { "told" } else { "failed" };
            let channel = escaped(channel);
            let _ = writeln!(out, "{name}{{channel=\"{channel}\",result=\"{result}\"}} {count}");
        }
        self.write_stops(&mut out);
        write_counts(&mut out, counts);
        let name = "release_cockpit_controller_decision_seconds";
        let _ = writeln!(out, "# HELP {name} Time that a decision takes.\n# TYPE {name} histogram");
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {}", bucket.load(Ordering::Relaxed));
        }
        let count = self.decisions.load(Ordering::Relaxed);
        let sum = Duration::from_nanos(self.decision_nanos.load(Ordering::Relaxed)).as_secs_f64();
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}");
        out
    }
}

/// The value of a label as the exposition format wants it: backslash, quote and line feed escaped, all else as it is.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn write_counts(out: &mut String, counts: Counts) {
    let values = [
        (
            "reconcile_oldest_seconds",
            "gauge",
            "Age of the oldest reconcile that runs.",
            counts.oldest.as_secs_f64(),
        ),
        (
            "stop_oldest_seconds",
            "gauge",
            "Age of the oldest stop that waits to be judged.",
            counts.oldest_stop.as_secs_f64(),
        ),
    ];
    for (name, kind, help, value) in values {
        write_value(out, (name, kind, help), value);
    }
    write_value(out, ("stops_waiting", "gauge", "Stops that wait to be judged."), counts.stops);
    let help = "Reconciles that missed their deadline.";
    write_value(out, ("reconcile_timeouts_total", "counter", help), counts.timeouts);
    write_value(out, ("reconcile_panics_total", "counter", "Reconciles that panicked."), counts.panics);
}

fn write_value(out: &mut String, (name, kind, help): (&str, &str, &str), value: impl std::fmt::Display) {
    let name = format!("release_cockpit_controller_{name}");
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let counters = Counters::default();
        counters.decided(Duration::from_micros(200));
        counters.decided(Duration::from_secs(1));
        counters.reconciled(false);
        counters.raced();
        counters.refused();
        counters.policies_enforced([("shop".to_owned(), false)].into());
        counters.told("slack", false);
        counters.undecodable("Release", 2);
        let text = counters.text(Counts::default());
        assert!(
            text.contains("release_cockpit_notices_total{channel=\"slack\",result=\"failed\"} 1\n"),
            "{text}"
        );
        assert!(text.contains("decision_seconds_bucket{le=\"0.0001\"} 0\n"), "{text}");
        assert!(text.contains("decision_seconds_bucket{le=\"0.00025\"} 1\n"));
        assert!(text.contains("decision_seconds_bucket{le=\"0.1\"} 1\n"));
        assert!(text.contains("decision_seconds_bucket{le=\"+Inf\"} 2\n"));
        assert!(text.contains("reconcile_errors_total 1\n"));
        assert!(text.contains("controller_lost_races_total 1\n"));
        assert!(text.contains("controller_refused_writes_total 1\n"));
        assert!(text.contains("controller_leader 0\n"));
        assert!(text.contains("release_cockpit_undecodable_objects{kind=\"Release\"} 2\n"));
        assert!(text.contains("release_cockpit_policies_enforced{namespace=\"shop\"} 0\n"));
    }

    #[test]
    fn labels_are_escaped_as_the_format_wants_and_are_bounded() {
        let counters = Counters::default();
        counters.told("caf\u{e9}\u{200b} \"a\\b\"\nc", true);
        for number in 0..2_000 {
            counters.told(&format!("c{number}"), true);
        }
        let text = counters.text(Counts::default());
        let expected = "{channel=\"caf\u{e9}\u{200b} \\\"a\\\\b\\\"\\nc\",result=\"told\"} 1\n";
        assert!(text.contains(expected), "{text}");
        assert!(
            text.lines().filter(|line| line.starts_with("release_cockpit_notices_total")).count()
                <= CHANNELS + 1
        );
        assert!(
            text.contains(&format!("{{channel=\"(others)\",result=\"told\"}} {}\n", 2_001 - CHANNELS)),
            "{text}"
        );
    }

    #[test]
    fn late_stops_are_counted() {
        let counters = Counters::default();
        counters.stopped(Duration::from_millis(300), false);
        counters.stopped(Duration::from_secs(7), true);
        let text = counters.text(Counts::default());
        for line in [
            "stop_seconds_bucket{le=\"0.25\"} 0",
            "stop_seconds_bucket{le=\"0.5\"} 1",
            "stop_seconds_bucket{le=\"10\"} 2",
            "stop_seconds_count 2",
            "stops_late_total 1",
            "reconcile_oldest_seconds 0",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line}: {text}");
        }
    }
}
