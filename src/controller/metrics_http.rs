//! The controller's own numbers in Prometheus' text format, and its probes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::context::{Core, locked};
use super::error::Error;

/// Upper bounds of the decision histogram, in seconds.
const BOUNDS: [f64; 8] = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.1];

/// Counters of one process.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    leads: AtomicBool,
    queue: AtomicU64,
    reconciles: AtomicU64,
    errors: AtomicU64,
    decisions: AtomicU64,
    decision_nanos: AtomicU64,
    buckets: [AtomicU64; BOUNDS.len()],
    /// Whether the admission policies are in force, by namespace.
    policies: Mutex<BTreeMap<String, bool>>,
    /// News told, and not told, by channel.
    told: Mutex<BTreeMap<(String, bool), u64>>,
}

impl Numbers {
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

    /// A channel was told, or was not after every try.
    pub(super) fn told(&self, channel: &str, well: bool) {
        *locked(&self.told).entry((channel.to_owned(), well)).or_default() += 1;
    }

    /// The numbers in Prometheus' text format.
    pub(super) fn text(&self) -> String {
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
            let _ = writeln!(out, "{name}{{namespace=\"{namespace}\"}} {}", u64::from(*enforced));
        }
        let name = "release_cockpit_notices_total";
        let _ = writeln!(out, "# HELP {name} News told to channels.\n# TYPE {name} counter");
        for ((channel, well), count) in &*locked(&self.told) {
            let result = if *well { "told" } else { "failed" };
            let _ = writeln!(out, "{name}{{channel={channel:?},result=\"{result}\"}} {count}");
        }
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

/// Takes the address, so that a wrong one is told at once.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

/// Serves for as long as it is polled; without a listener it only waits.
pub(super) async fn serve(listener: Option<TcpListener>, core: Arc<Core>) {
    let Some(listener) = listener else { return pending().await };
    let probed = core.clone();
    let metrics = move || {
        let text = core.numbers.text();
        std::future::ready(
            ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        )
    };
    // a replica that waits for its turn is as ready as the one that leads: it can take over
    let ready = move || {
        let well = !probed.kill.is_cancelled();
        std::future::ready(if well {
            (StatusCode::OK, "ok")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "ending")
        })
    };
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| std::future::ready("ok")))
        .route("/readyz", get(ready));
    if let Err(error) = axum::serve(listener, router).await {
        tracing::warn!(%error, "metrics are no longer served");
    }
    pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let numbers = Numbers::default();
        numbers.decided(Duration::from_micros(200));
        numbers.decided(Duration::from_secs(1));
        numbers.reconciled(false);
        numbers.policies_enforced([("shop".to_owned(), false)].into());
        numbers.told("slack", false);
        let text = numbers.text();
        assert!(
            text.contains("release_cockpit_notices_total{channel=\"slack\",result=\"failed\"} 1\n"),
            "{text}"
        );
        assert!(text.contains("decision_seconds_bucket{le=\"0.0001\"} 0\n"), "{text}");
        assert!(text.contains("decision_seconds_bucket{le=\"0.00025\"} 1\n"));
        assert!(text.contains("decision_seconds_bucket{le=\"0.1\"} 1\n"));
        assert!(text.contains("decision_seconds_bucket{le=\"+Inf\"} 2\n"));
        assert!(text.contains("reconcile_errors_total 1\n"));
        assert!(text.contains("controller_leader 0\n"));
        assert!(text.contains("release_cockpit_policies_enforced{namespace=\"shop\"} 0\n"));
    }
}
