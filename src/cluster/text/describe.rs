//! A pod in words, in the order in which one looks for a fault.

use std::fmt::Write as _;

use serde_json::Value;

use super::super::error::Error;

pub(in crate::cluster) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(in crate::cluster) fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
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
        ("Node", "/spec/nodeName"),
        ("Service account", "/spec/serviceAccountName"),
        ("Address", "/status/podIP"),
        ("Phase", "/status/phase"),
        ("Reason", "/status/reason"),
        ("Message", "/status/message"),
    ] {
        let value = text(pod, pointer);
        if !value.is_empty() {
            let _ = writeln!(out, "{title:<16} {value}");
        }
    }
    for owner in items(pod, "/metadata/ownerReferences") {
        let _ = writeln!(out, "{:<16} {}/{}", "Controlled by", text(owner, "/kind"), text(owner, "/name"));
    }
    if let Some(labels) = pod.pointer("/metadata/labels").and_then(Value::as_object) {
        let labels: Vec<_> = labels
            .iter()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
            .collect();
        let _ = writeln!(out, "{:<16} {}", "Labels", labels.join(" "));
    }
    containers(&mut out, pod);
    conditions(&mut out, pod);
    match events {
        Ok(events) => list_events(&mut out, items(events, "/items")),
        Err(error) => {
            let _ = writeln!(out, "\nEvents: {error}");
        }
    }
    out
}

fn containers(out: &mut String, pod: &Value) {
    let statuses: Vec<&Value> = ["/status/initContainerStatuses", "/status/containerStatuses"]
        .iter()
        .flat_map(|pointer| items(pod, pointer))
        .collect();
    for pointer in ["/spec/initContainers", "/spec/containers"] {
        for container in items(pod, pointer) {
            let name = text(container, "/name");
            let kind = if pointer.contains("init") { "Init container" } else { "Container" };
            let _ = writeln!(out, "\n{kind} {name}\n  image    {}", text(container, "/image"));
            for bound in ["requests", "limits"] {
                if let Some(resources) =
                    container.pointer(&format!("/resources/{bound}")).and_then(Value::as_object)
                {
                    let pairs: Vec<_> = resources
                        .iter()
                        .map(|(key, value)| format!("{key} {}", value.as_str().unwrap_or_default()))
                        .collect();
                    let _ = writeln!(out, "  {bound:<8} {}", pairs.join(", "));
                }
            }
            let Some(status) = statuses.iter().find(|status| text(status, "/name") == name) else { continue };
            let _ = writeln!(out, "  state    {}", state(status.pointer("/state")));
            if status.pointer("/lastState").and_then(Value::as_object).is_some_and(|last| !last.is_empty()) {
                let _ = writeln!(out, "  last     {}", state(status.pointer("/lastState")));
            }
            let ready = status.pointer("/ready").and_then(Value::as_bool).unwrap_or_default();
            let restarts = status.pointer("/restartCount").and_then(Value::as_u64).unwrap_or_default();
            let _ = writeln!(out, "  ready    {ready}\n  restarts {restarts}");
        }
    }
}

/// `terminated: exit 1 Error at …` and the like.
fn state(state: Option<&Value>) -> String {
    let Some((name, detail)) = state.and_then(Value::as_object).and_then(|state| state.iter().next()) else {
        return "unknown".to_owned();
    };
    let mut words = name.clone();
    if let Some(code) = detail.pointer("/exitCode").and_then(Value::as_i64) {
        let _ = write!(words, ": exit {code}");
    }
    for pointer in ["/reason", "/message"] {
        let value = text(detail, pointer);
        if !value.is_empty() {
            let _ = write!(words, " {value}");
        }
    }
    for (title, pointer) in [("since", "/startedAt"), ("until", "/finishedAt")] {
        let value = text(detail, pointer);
        if !value.is_empty() {
            let _ = write!(words, " {title} {value}");
        }
    }
    words
}

fn conditions(out: &mut String, pod: &Value) {
    out.push_str("\nConditions\n");
    for condition in items(pod, "/status/conditions") {
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

fn list_events(out: &mut String, events: &[Value]) {
    out.push_str("\nEvents\n");
    if events.is_empty() {
        out.push_str("  none\n");
    }
    let when = |event: &Value| {
        ["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
            .iter()
            .map(|pointer| text(event, pointer))
            .find(|stamp| !stamp.is_empty())
            .unwrap_or_default()
            .to_owned()
    };
    let mut sorted: Vec<&Value> = events.iter().collect();
    sorted.sort_by_key(|event| when(event));
    for event in sorted {
        let count = event.pointer("/count").and_then(Value::as_u64).unwrap_or(1);
        let times = if count > 1 { format!(" (x{count})") } else { String::new() };
        let _ = writeln!(
            out,
            "  {} {:<8} {}{times}: {}",
            when(event),
            text(event, "/type"),
            text(event, "/reason"),
            text(event, "/message").trim()
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_can_be_found() {
        let object = json!({
            "metadata": {"name": "backend-1", "ownerReferences": [{"kind": "ReplicaSet", "name": "backend-6d4"}]},
            "spec": {"containers": [{"name": "proxy", "image": "p:1"}, {"name": "backend", "image": "b:2", "resources": {"limits": {"memory": "1Gi"}}}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "backend", "ready": false, "restartCount": 4,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}],
                "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]},
        });
        let events = json!({"items": [
            {"type": "Warning", "reason": "BackOff", "message": "back-off", "count": 3, "lastTimestamp": "2026-01-01T00:00:02Z"},
            {"type": "Normal", "reason": "Pulled", "message": "pulled", "eventTime": "2026-01-01T00:00:01Z"},
        ]});
        let words = pod(&object, Ok(&events));
        for part in [
            "limits   memory 1Gi",
            "last     terminated: exit 1 Error",
            "restarts 4",
            "BackOff (x3): back-off",
        ] {
            assert!(words.contains(part), "{part} in\n{words}");
        }
        assert!(words.find("Pulled").unwrap() < words.find("BackOff (x3)").unwrap());
        assert_eq!(main_container(&object), "backend");
    }
}
