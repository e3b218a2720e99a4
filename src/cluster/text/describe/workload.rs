//! A workload in words: how many, by which strategy, what its conditions say, what it runs.

use serde_json::Value;

use super::super::super::error::Error;
use super::{conditions, container, items, pairs, placement, row, text, told_events, volumes};

/// A Deployment, StatefulSet, DaemonSet or Rollout with its events.
pub(in crate::cluster::text) fn workload(object: &Value, events: Result<&Value, &Error>) -> String {
    let mut out = String::new();
    row(&mut out, text(object, "/kind"), text(object, "/metadata/name"));
    row(&mut out, "Namespace", text(object, "/metadata/namespace"));
    row(&mut out, "Created", text(object, "/metadata/creationTimestamp"));
    row(&mut out, "Revision", revision(object));
    row(&mut out, "Change cause", text(object, "/metadata/annotations/kubernetes.io~1change-cause"));
    row(&mut out, "Replicas", &replicas(object));
    row(&mut out, "Strategy", &strategy(object));
    row(&mut out, "Selector", &pairs(object, "/spec/selector/matchLabels", "=").join(" "));
    row(&mut out, "Labels", &pairs(object, "/metadata/labels", "=").join(" "));
    if object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        row(&mut out, "Paused", "yes: changes of the template do not roll out");
    }
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    if let (Some(generation), Some(seen)) =
        (number("/metadata/generation"), number("/status/observedGeneration"))
        && seen < generation
    {
        row(&mut out, "Not seen yet", "its controller has not taken the newest change in");
    }
    for (kind, pointer) in [
        ("Init container", "/spec/template/spec/initContainers"),
        ("Container", "/spec/template/spec/containers"),
    ] {
        for one in items(object, pointer) {
            container::one(&mut out, kind, one, None);
        }
    }
    conditions(&mut out, object);
    let spec = &object["spec"]["template"]["spec"];
    volumes(&mut out, spec);
    placement(&mut out, spec);
    told_events(&mut out, events);
    out
}

fn revision(object: &Value) -> &str {
    [
        "/metadata/annotations/deployment.kubernetes.io~1revision",
        "/metadata/annotations/rollout.argoproj.io~1revision",
        "/status/updateRevision",
    ]
    .iter()
    .map(|pointer| text(object, pointer))
    .find(|revision| !revision.is_empty())
    .unwrap_or_default()
}

fn replicas(object: &Value) -> String {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    if text(object, "/kind") == "DaemonSet" {
        return format!(
            "{} wanted, {} updated, {} ready, {} available",
            number("/status/desiredNumberScheduled"),
            number("/status/updatedNumberScheduled"),
            number("/status/numberReady"),
            number("/status/numberAvailable")
        );
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    format!(
        "{wanted} wanted, {} in all, {} updated, {} ready, {} available",
        number("/status/replicas"),
        number("/status/updatedReplicas"),
        number("/status/readyReplicas"),
        number("/status/availableReplicas")
    )
}

fn strategy(object: &Value) -> String {
    let kind = ["/spec/strategy/type", "/spec/updateStrategy/type"]
        .iter()
        .map(|pointer| text(object, pointer))
        .find(|kind| !kind.is_empty())
        .unwrap_or_default();
    let bounds = ["/spec/strategy/rollingUpdate", "/spec/updateStrategy/rollingUpdate"]
        .iter()
        .flat_map(|pointer| pairs(object, pointer, " "))
        .collect::<Vec<_>>()
        .join(", ");
    let deadline = object.pointer("/spec/progressDeadlineSeconds").and_then(Value::as_i64);
    let deadline = deadline.map(|seconds| format!("gives up after {seconds}s")).unwrap_or_default();
    [kind.to_owned(), bounds, deadline]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_deployment_says_how_far_it_is() {
        let object = json!({
            "kind": "Deployment", "metadata": {"name": "backend", "generation": 5,
                "annotations": {"deployment.kubernetes.io/revision": "41"}},
            "spec": {"replicas": 3, "paused": true, "progressDeadlineSeconds": 600,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "0"}},
                "selector": {"matchLabels": {"app": "backend"}},
                "template": {"spec": {"containers": [{"name": "backend", "image": "b:1"}]}}},
            "status": {"observedGeneration": 4, "replicas": 4, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 3,
                "conditions": [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}]}
        });
        let words = workload(&object, Ok(&json!({"items": []})));
        for part in [
            "Deployment       backend",
            "Revision         41",
            "Replicas         3 wanted, 4 in all, 1 updated, 3 ready, 3 available",
            "Strategy         RollingUpdate; maxSurge 1, maxUnavailable 0; gives up after 600s",
            "Paused           yes",
            "Not seen yet",
            "Container backend\n  image            b:1",
            "Progressing                True",
        ] {
            assert!(words.contains(part), "{part} in\n{words}");
        }
        assert!(!words.contains("state"), "{words}");
    }
}
