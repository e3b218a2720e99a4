//! A probe fails.
//!
//! Event `Unhealthy`, `Startup|Readiness|Liveness probe failed: …`: `pkg/kubelet/prober/prober.go`; the answers' words:
//! `pkg/probe/http/http.go` (`HTTP probe failed with statuscode: 503`), `pkg/probe/{tcp,grpc,exec}`.

use super::facts::{Facts, Warning};
use super::words::{between, joined, word_after};
use super::{Cause, Found, Jump};

const UNHEALTHY: [&str; 2] = ["Unhealthy", "ProbeWarning"];

pub(super) const CAUSE: Cause = Cause { id: "probe-failing", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    if facts.containers().all(|container| container.ready) {
        return None;
    }
    // a probe whose container is being killed for it matters more than one that keeps traffic away
    let of = |kind: &str| facts.warned(&UNHEALTHY).find(|warning| warning.message.starts_with(kind));
    let (kind, warning) =
        ["Liveness", "Startup", "Readiness"].iter().find_map(|kind| Some((*kind, of(kind)?)))?;
    let crashed = facts
        .containers()
        .any(|container| container.last.as_ref().is_some_and(|last| !matches!(last.code, 0 | 137 | 143)));
    // what ends by itself fails its probes as well, and for that reason
    if crashed {
        return None;
    }
    let (follows, remedy) = match kind {
        "Liveness" => (
            "it is restarted",
            "see whether it hangs or only answers late: timeoutSeconds and failureThreshold of its livenessProbe",
        ),
        "Startup" => (
            "it is restarted before it is up",
            "give it more time: failureThreshold times periodSeconds of its startupProbe",
        ),
        _ => (
            "it gets no traffic",
            "read its log: what does it wait for? The path and port of its readinessProbe must answer",
        ),
    };
    let kind = kind.to_ascii_lowercase();
    Some(Found {
        sentence: format!("{kind} probe fails: {}; {follows}", answer(warning)),
        evidence: joined(&warning.reason, &warning.message),
        remedy: remedy.to_owned(),
        jump: Some(Jump::Log),
    })
}

/// What the probe got, in few words.
fn answer(warning: &Warning) -> String {
    let message = &*warning.message;
    if let Some(status) = word_after(message, "statuscode: ") {
        return format!("HTTP {status}");
    }
    let (_, words) = message
        .split_once("probe failed: ")
        .or(message.split_once("probe errored: "))
        .unwrap_or(("", message));
    let place = between(words, "Get \"", "\"").or(between(words, "dial tcp ", ": "));
    let place = place.map_or(String::new(), |place| format!(" at {place}"));
    for (part, said) in [
        ("connection refused", "connection refused"),
        ("context deadline exceeded", "no answer in time"),
        ("Client.Timeout", "no answer in time"),
        ("connection reset", "connection reset"),
        ("no route to host", "no route to the pod"),
    ] {
        if words.contains(part) {
            return format!("{said}{place}");
        }
    }
    words.trim().to_owned()
}
