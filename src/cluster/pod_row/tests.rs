//! Pods as fixtures, and what must be shown of them.

use serde_json::{Value, json};

use super::*;

fn pod(metadata: Value, spec: Value, status: Value) -> PodRow {
    let mut metadata = metadata;
    metadata["name"] = "backend-6d4cf56db6-x2x4z".into();
    metadata["namespace"] = "shop".into();
    metadata["managedFields"] = json!([{"manager": "kubelet", "fieldsV1": {"f:spec": {}}}]);
    let pod: SlimPod =
        serde_json::from_value(json!({"metadata": metadata, "spec": spec, "status": status})).unwrap();
    row(&pod)
}

fn one(status: Value) -> PodRow {
    let spec = json!({"containers": [{"name": "backend", "image": "r/backend:v1", "resources": {"limits": {"memory": "512Mi"}}}]});
    pod(json!({}), spec, status)
}

fn container(state: Value) -> Value {
    json!({"name": "backend", "ready": false, "restartCount": 0, "state": state})
}

#[test]
fn status_reads_as_kubectl_prints_it() {
    let running = json!({"name": "backend", "ready": true, "state": {"running": {}}});
    let cases: [(&str, Value, &str, PodHealth, &str); 12] = [
        (
            "running",
            json!({"phase": "Running", "containerStatuses": [running]}),
            "Running",
            PodHealth::Ready,
            "",
        ),
        (
            "not ready yet",
            json!({"phase": "Running", "containerStatuses": [container(json!({"running": {}}))]}),
            "Running",
            PodHealth::Starting,
            "",
        ),
        (
            "creating",
            json!({"phase": "Pending", "containerStatuses": [container(json!({"waiting": {"reason": "ContainerCreating"}}))]}),
            "ContainerCreating",
            PodHealth::Starting,
            "",
        ),
        (
            "pull",
            json!({"phase": "Pending", "containerStatuses": [container(json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"r/backend:v1\""}}))]}),
            "ImagePullBackOff",
            PodHealth::Failing,
            "image r/backend:v1 cannot be pulled",
        ),
        (
            "oom",
            json!({"phase": "Running", "containerStatuses": [container(json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}))]}),
            "OOMKilled",
            PodHealth::Failing,
            "exit 137 OOMKilled, limit 512Mi",
        ),
        (
            "error",
            json!({"phase": "Failed", "containerStatuses": [container(json!({"terminated": {"exitCode": 2, "reason": "Error", "message": "boot\nno database\n"}}))]}),
            "Error",
            PodHealth::Failing,
            "ended: exit 2, last log: \"no database\"",
        ),
        (
            "signal",
            json!({"phase": "Failed", "containerStatuses": [container(json!({"terminated": {"exitCode": 0, "signal": 9}}))]}),
            "Signal:9",
            PodHealth::Failing,
            "ended: signal 9",
        ),
        (
            "exit code",
            json!({"phase": "Failed", "containerStatuses": [container(json!({"terminated": {"exitCode": 3}}))]}),
            "ExitCode:3",
            PodHealth::Failing,
            "ended: exit 3",
        ),
        (
            "done",
            json!({"phase": "Succeeded", "containerStatuses": [container(json!({"terminated": {"exitCode": 0, "reason": "Completed"}}))]}),
            "Completed",
            PodHealth::Completed,
            "",
        ),
        (
            "evicted",
            json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"}),
            "Evicted",
            PodHealth::Failing,
            "put out by its node, which was low on resources",
        ),
        (
            "gated",
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": "gated"}]}),
            "SchedulingGated",
            PodHealth::Starting,
            "SchedulingGated: gated",
        ),
        (
            "unschedulable",
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}]}),
            "Pending",
            PodHealth::Failing,
            "no node takes it: 0/3 nodes are available",
        ),
    ];
    for (name, status, expected, health, cause) in cases {
        let row = one(status);
        assert_eq!((&*row.status, row.health, &*row.cause), (expected, health, cause), "{name}");
    }
}

#[test]
fn a_crash_loop_shows_how_the_last_run_ended() {
    let row = one(json!({"phase": "Running", "containerStatuses": [{
        "name": "backend", "ready": false, "restartCount": 7,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-03-01T10:00:00Z"}},
    }]}));
    assert_eq!((&*row.status, row.restarts, &*row.cause), ("CrashLoopBackOff", 7, "crashes: exit 1"));
    assert_eq!(row.last_restart.unwrap().to_rfc3339(), "2026-03-01T10:00:00+00:00");
    assert_eq!((row.ready, row.total), (0, 1));
}

#[test]
fn deletion_overrides_the_word_unless_the_pod_has_ended() {
    let deleted = json!({"deletionTimestamp": "2026-03-01T10:00:00Z"});
    for (status, expected) in [
        (json!({"phase": "Running"}), "Terminating"),
        (json!({"phase": "Running", "reason": "NodeLost"}), "Unknown"),
        (json!({"phase": "Failed", "reason": "Evicted"}), "Evicted"),
    ] {
        let row = pod(deleted.clone(), json!({}), status);
        assert_eq!((&*row.status, row.health), (expected, PodHealth::Terminating));
    }
}

#[test]
fn init_containers_and_sidecars() {
    let spec = json!({
        "containers": [{"name": "backend", "image": "b:v2"}],
        "initContainers": [{"name": "migrate"}, {"name": "proxy", "restartPolicy": "Always"}],
    });
    let cases: [(Value, &str, (u16, u16), u32); 6] = [
        (json!([{"name": "migrate", "state": {"running": {}}}]), "Init:0/2", (0, 2), 0),
        (
            json!([{"name": "migrate", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]),
            "Init:CrashLoopBackOff",
            (0, 2),
            3,
        ),
        (
            json!([{"name": "migrate", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]),
            "Init:Error",
            (0, 2),
            0,
        ),
        (
            json!([{"name": "migrate", "state": {"terminated": {"exitCode": 4}}}]),
            "Init:ExitCode:4",
            (0, 2),
            0,
        ),
        (
            json!([{"name": "migrate", "state": {"terminated": {"exitCode": 0}}}, {"name": "proxy", "started": false, "state": {"waiting": {"reason": "PodInitializing"}}}]),
            "Init:1/2",
            (0, 2),
            0,
        ),
        (
            json!([{"name": "migrate", "restartCount": 5, "state": {"terminated": {"exitCode": 0}}},
                {"name": "proxy", "started": true, "ready": true, "restartCount": 2, "state": {"running": {}}}]),
            "Running",
            (2, 2),
            2,
        ),
    ];
    for (statuses, expected, ready, restarts) in cases {
        let status = json!({"phase": if expected == "Running" {"Running"} else {"Pending"}, "initContainerStatuses": statuses,
            "containerStatuses": [{"name": "backend", "ready": expected == "Running", "state":
                if expected == "Running" { json!({"running": {}}) } else { json!({"waiting": {"reason": "PodInitializing"}}) }}]});
        let row = pod(json!({}), spec.clone(), status);
        assert_eq!(
            (&*row.status, (row.ready, row.total), row.restarts),
            (expected, ready, restarts),
            "{expected}"
        );
    }
}

#[test]
fn one_finished_container_among_running_ones() {
    let spec = json!({"containers": [{"name": "a"}, {"name": "b"}]});
    let containers = json!([
        {"name": "a", "ready": false, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
        {"name": "b", "ready": true, "state": {"running": {}}},
    ]);
    for (ready, expected) in [("True", "Running"), ("False", "NotReady")] {
        let status = json!({"phase": "Running", "containerStatuses": containers, "conditions": [{"type": "Ready", "status": ready}]});
        assert_eq!(&*pod(json!({}), spec.clone(), status).status, expected);
    }
}

#[test]
fn the_owner_is_the_workload() {
    let owner = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u", "controller": true}]);
    for (labels, owners, kind, name) in [
        (
            json!({"pod-template-hash": "6d4cf56db6"}),
            owner("ReplicaSet", "backend-6d4cf56db6"),
            "Deployment",
            "backend",
        ),
        (
            json!({"rollouts-pod-template-hash": "6d4"}),
            owner("ReplicaSet", "backend-6d4"),
            "Rollout",
            "backend",
        ),
        (json!({}), owner("ReplicaSet", "bare"), "ReplicaSet", "bare"),
        (json!({}), owner("StatefulSet", "db"), "StatefulSet", "db"),
        (json!({}), json!([]), "", ""),
    ] {
        let row = pod(json!({"labels": labels, "ownerReferences": owners}), json!({}), json!({}));
        assert_eq!((&*row.owner_kind, &*row.owner), (kind, name));
    }
}

#[test]
fn the_version_is_the_released_containers_tag() {
    for (image, expected) in [
        ("ghcr.io/acme/backend:v1.2.3", "v1.2.3"),
        ("localhost:5000/backend", "latest"),
        ("localhost:5000/backend:v2@sha256:0123456789abcdef0123", "v2"),
        ("backend@sha256:0123456789abcdef0123", "sha256:0123456789ab"),
    ] {
        assert_eq!(tag(image), expected, "{image}");
    }
    let spec =
        json!({"containers": [{"name": "proxy", "image": "p:1"}, {"name": "backend", "image": "b:2"}]});
    let owners = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "backend-5f", "uid": "u"}]);
    let metadata =
        json!({"labels": {"pod-template-hash": "5f", "track": "canary"}, "ownerReferences": owners});
    let row = pod(metadata, spec, json!({}));
    assert_eq!((&*row.version, &*row.track), ("2", "canary"));
    assert_eq!(&*one(json!({})).track, "stable");
}

#[test]
fn hostile_text_is_harmless() {
    let row = one(
        json!({"phase": "Running", "containerStatuses": [container(json!({"waiting": {"reason": "\u{1b}[2JBad", "message": "a\u{202e}b\n"}}))]}),
    );
    assert_eq!((&*row.status, &*row.cause), ("Bad", "Bad: ab "));
}
