//! Objects in words, in the order in which one looks for a fault; what `kubectl describe` tells, without what nobody reads.

mod container;
mod workload;

use std::fmt::Write as _;

use serde_json::Value;

use super::super::error::Error;
use crate::cluster::event_row::{self, SlimEvent};
use crate::domain::event_row::{EventRow, group};

pub(super) use workload::workload;

pub(in crate::cluster) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(in crate::cluster) fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `key=value` of every entry of a map.
fn pairs(value: &Value, pointer: &str, between: &str) -> Vec<String> {
    let entries = value.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    entries
        .map(|(key, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if value.is_empty() { key.clone() } else { format!("{key}{between}{value}") }
        })
        .collect()
}

fn row(out: &mut String, title: &str, value: &str) {
    if !value.is_empty() {
        let _ = writeln!(out, "{title:<16} {value}");
    }
}

/// The container that logs are read from: the annotated one, the one named as the workload, or the first.
pub(in crate::cluster) fn main_container(pod: &Value) -> String {
    let annotated = text(pod, "/metadata/annotations/kubectl.kubernetes.io~1default-container");
    if !annotated.is_empty() {
        return annotated.to_owned();
    }
    let owner = text(pod, "/metadata/ownerReferences/0/name");
    let containers = items(pod, "/spec/containers");
    let named = |container: &&Value| {
        let name = text(container, "/name");
        owner == name || owner.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
    };
    let found = containers.iter().find(named).or(containers.first());
    found.map_or_else(String::new, |container| text(container, "/name").to_owned())
}

/// The container whose last run ended, init containers first.
pub(in crate::cluster) fn crashed_container(pod: &Value) -> Option<String> {
    ["/status/initContainerStatuses", "/status/containerStatuses"]
        .iter()
        .flat_map(|pointer| items(pod, pointer))
        .find(|status| status.pointer("/lastState/terminated").is_some())
        .map(|status| text(status, "/name").to_owned())
}

pub(super) fn pod(pod: &Value, events: Result<&Value, &Error>) -> String {
    let mut out = String::new();
    for (title, pointer) in [
        ("Name", "/metadata/name"),
        ("Namespace", "/metadata/namespace"),
        ("Created", "/metadata/creationTimestamp"),
        ("Deleted", "/metadata/deletionTimestamp"),
        ("Phase", "/status/phase"),
        ("Reason", "/status/reason"),
        ("Message", "/status/message"),
        ("Node", "/spec/nodeName"),
        ("Node's address", "/status/hostIP"),
        ("Address", "/status/podIP"),
        ("QoS class", "/status/qosClass"),
        ("Priority class", "/spec/priorityClassName"),
        ("Service account", "/spec/serviceAccountName"),
    ] {
        row(&mut out, title, text(pod, pointer));
    }
    for owner in items(pod, "/metadata/ownerReferences") {
        row(&mut out, "Controlled by", &format!("{}/{}", text(owner, "/kind"), text(owner, "/name")));
    }
    row(&mut out, "Labels", &pairs(pod, "/metadata/labels", "=").join(" "));
    let secrets: Vec<&str> =
        items(pod, "/spec/imagePullSecrets").iter().map(|one| text(one, "/name")).collect();
    row(&mut out, "Pull secrets", &secrets.join(" "));
    container::all(&mut out, pod);
    conditions(&mut out, pod);
    volumes(&mut out, &pod["spec"]);
    placement(&mut out, &pod["spec"]);
    told_events(&mut out, events);
    out
}

fn conditions(out: &mut String, object: &Value) {
    out.push_str("\nConditions\n");
    for condition in items(object, "/status/conditions") {
        let line = format!(
            "  {:<26} {:<8} {} {}",
            text(condition, "/type"),
            text(condition, "/status"),
            text(condition, "/reason"),
            text(condition, "/message")
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// Every volume by its sort and what it is of; contents never.
fn volumes(out: &mut String, spec: &Value) {
    let volumes = items(spec, "/volumes");
    if volumes.is_empty() {
        return;
    }
    out.push_str("\nVolumes\n");
    for volume in volumes {
        let sort = volume.as_object().into_iter().flatten().find(|(key, _)| *key != "name");
        let (sort, detail) = sort.map_or(("unknown", &Value::Null), |(sort, detail)| (sort.as_str(), detail));
        let of = ["/secretName", "/name", "/claimName", "/path", "/driver", "/medium"]
            .iter()
            .map(|pointer| text(detail, pointer))
            .find(|name| !name.is_empty())
            .unwrap_or_default();
        let sources: Vec<String> = items(detail, "/sources")
            .iter()
            .filter_map(|source| source.as_object()?.iter().next())
            .map(|(sort, detail)| format!("{sort} {}", text(detail, "/name")).trim_end().to_owned())
            .collect();
        let line = format!("  {:<26} {sort} {of} {}", text(volume, "/name"), sources.join(", "));
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// Node selector and tolerations; those that every pod gets are left out.
fn placement(out: &mut String, spec: &Value) {
    let selector = pairs(spec, "/nodeSelector", "=").join(" ");
    let tolerations: Vec<String> = items(spec, "/tolerations")
        .iter()
        .filter(|one| !text(one, "/key").starts_with("node.kubernetes.io/"))
        .map(|one| {
            let (key, value, effect) = (text(one, "/key"), text(one, "/value"), text(one, "/effect"));
            let key = if key.is_empty() { "everything" } else { key };
            let value = if value.is_empty() { String::new() } else { format!("={value}") };
            let effect = if effect.is_empty() { String::new() } else { format!(":{effect}") };
            format!("{key}{value}{effect}")
        })
        .collect();
    if selector.is_empty() && tolerations.is_empty() {
        return;
    }
    out.push_str("\nPlacement\n");
    for (title, words) in [("node selector", selector), ("tolerates", tolerations.join(", "))] {
        if !words.is_empty() {
            let _ = writeln!(out, "  {title:<26} {words}");
        }
    }
}

/// Events gathered, the newest last, since that is where one looks when a text ends.
fn told_events(out: &mut String, events: Result<&Value, &Error>) {
    let list = match events {
        Ok(events) => items(events, "/items"),
        Err(error) => {
            let _ = writeln!(out, "\nEvents\n  {error}");
            return;
        }
    };
    out.push_str("\nEvents\n");
    let rows: Vec<EventRow> = list
        .iter()
        .filter_map(|event| serde_json::from_value::<SlimEvent>(event.clone()).ok())
        .map(|event| event_row::entry(event).1)
        .collect();
    if rows.is_empty() {
        out.push_str("  none: a cluster forgets them, mostly after an hour\n");
    }
    for event in group(&rows).iter().rev() {
        let at = event.at.map_or_else(|| "?".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%SZ").to_string());
        let word = if event.warning { "Warning" } else { "Normal" };
        let times = if event.count > 1 { format!(" (x{})", event.count) } else { String::new() };
        let _ = writeln!(out, "  {at} {word:<8} {}{times}: {}", event.reason, event.message);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn broken() -> Value {
        json!({
            "metadata": {"name": "backend-1", "ownerReferences": [{"kind": "ReplicaSet", "name": "backend-6d4"}], "labels": {"app": "b"}},
            "spec": {
                "nodeName": "node-1", "imagePullSecrets": [{"name": "ghcr-secret"}],
                "containers": [{"name": "proxy", "image": "p:1"}, {"name": "backend", "image": "b:2",
                    "resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "100m"}}, "ports": [{"containerPort": 8080, "name": "http"}],
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5, "failureThreshold": 3},
                    "env": [{"name": "MODE", "value": "prod"}, {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "app", "key": "pw"}}}],
                    "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": true}]}],
                "initContainers": [{"name": "migrate", "image": "m:1"}],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "claim"}}, {"name": "tls", "secret": {"secretName": "cert"}}],
                "tolerations": [{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}, {"key": "gpu", "value": "yes", "effect": "NoSchedule"}]
            },
            "status": {"phase": "Running", "qosClass": "Burstable", "containerStatuses": [{"name": "backend", "ready": false, "restartCount": 4,
                "imageID": "ghcr.io/b@sha256:77",
                "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "signal": 9}}}],
                "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]},
        })
    }

    #[test]
    fn a_fault_can_be_found() {
        let events = json!({"items": [
            {"metadata": {"name": "a"}, "type": "Warning", "reason": "BackOff", "message": "back-off", "count": 3, "lastTimestamp": "2026-01-01T00:00:02Z"},
            {"metadata": {"name": "b"}, "type": "Normal", "reason": "Pulled", "message": "pulled", "eventTime": "2026-01-01T00:00:01.000000Z"},
        ]});
        let object = broken();
        let words = pod(&object, Ok(&events));
        for part in [
            "QoS class        Burstable",
            "Pull secrets     ghcr-secret",
            "Init container migrate",
            "limits           memory 1Gi",
            "requests         cpu 100m",
            "last state       terminated: exit 137 OOMKilled signal 9",
            "restarts         4",
            "digest           sha256:77",
            "ports            http 8080/TCP",
            "readiness        GET :8080/ready every 5s, 3 failures",
            "environment      MODE, PASSWORD from secret app",
            "mounts           /data from data (read only)",
            "data                       persistentVolumeClaim claim",
            "tls                        secret cert",
            "tolerates                  gpu=yes:NoSchedule",
            "BackOff (x3): back-off",
        ] {
            assert!(words.contains(part), "{part} in\n{words}");
        }
        assert!(!words.contains("not-ready") && !words.contains("prod\n"), "{words}");
        assert!(words.find("Pulled").unwrap() < words.find("BackOff (x3)").unwrap());
        assert_eq!(main_container(&object), "backend");
    }

    #[test]
    fn a_pod_of_which_nothing_is_known_is_described_too() {
        let words = pod(&json!({}), Ok(&json!({})));
        assert!(words.contains("Events\n  none"), "{words}");
    }
}
