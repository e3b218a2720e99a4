//! The opt-in policies: workloads of a managed namespace, the label that opts in, and the definitions.

use std::collections::BTreeMap;

use release_cockpit::api::strategy::Track;
use release_cockpit::workload::track::{self, Copy};
use release_cockpit::workload::{Target, Written};
use serde_json::{Value, json};

use super::backend::Backend;
use super::policies::denied;

const V1: &str = "ghcr.io/acme/contract-backend:v1.0.0";
const V2: &str = "ghcr.io/acme/contract-backend:v2.0.0";

fn space(backend: &Backend) -> String {
    format!("/api/v1/namespaces/{}", backend.namespace)
}

fn label(value: &Value) -> Value {
    json!({"metadata": {"labels": {"release-cockpit.dev/managed": value}}})
}

fn template(part: &Value) -> Value {
    json!({"spec": {"template": part}})
}

fn image(name: &str, image: &str) -> Value {
    template(&json!({"spec": {"containers": [{"name": name, "image": image}]}}))
}

fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [{"name": name, "image": V1}]}})
}

/// A Deployment that runs in a namespace that is locked afterwards; the names of its ReplicaSet and its pod.
async fn locked(backend: &Backend) -> (String, String) {
    backend.post("admin", &backend.apps("deployments"), &backend.deployment("backend", 1, V1)).await.ok();
    let first = async |plural: String| -> String {
        let path = format!("{plural}?labelSelector=app%3Dbackend");
        backend
            .until("a ReplicaSet and a pod", || async {
                let found = backend.get("admin", &path).await.ok();
                found["items"][0]["metadata"]["name"].as_str().map(str::to_owned)
            })
            .await
    };
    let names = (first(backend.apps("replicasets")).await, first(backend.core("pods")).await);
    backend
        .until_is(&backend.apps("deployments/backend"), "available", |found| {
            found["status"]["availableReplicas"] == 1
        })
        .await;
    backend.patch("admin", &space(backend), ("merge", &label(&json!("true")))).await.ok();
    backend
        .until("the lock is in force", || async {
            let tried =
                backend.post("frank", &format!("{}?dryRun=All", backend.core("pods")), &pod("bare")).await;
            (tried.code == 403).then_some(())
        })
        .await;
    names
}

fn words(backend: &Backend, what: &str) -> String {
    let sentence = format!(
        "WorkloadLocked: {what} in {}: this namespace is managed; images and templates change through a Release",
        backend.namespace
    );
    denied("workloads", &sentence)
}

pub async fn workloads_are_locked(backend: &Backend) {
    let (set, replica) = locked(backend).await;
    let one = backend.apps("deployments/backend");
    let annotated =
        json!({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-02T03:04:05Z"}}});
    let variable =
        json!({"spec": {"containers": [{"name": "backend", "env": [{"name": "A", "value": "b"}]}]}});
    for (kind, body) in [
        ("strategic-merge", image("backend", V2)),
        ("strategic-merge", template(&variable)),
        ("merge", template(&annotated)),
        ("merge", json!({"spec": {"paused": true}})),
        ("merge", json!({"spec": {"revisionHistoryLimit": 0}})),
        ("json", json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": V2}])),
    ] {
        let refused = backend.patch("frank", &one, (kind, &body)).await;
        refused.refused(403, "Forbidden", &words(backend, "UPDATE of deployments"));
    }
    let found = backend.get("frank", &one).await.ok();
    let mut other = found.clone();
    other["spec"]["template"]["spec"]["containers"][0]["image"] = json!(V2);
    backend.put("frank", &one, &other).await.refused(
        403,
        "Forbidden",
        &words(backend, "UPDATE of deployments"),
    );
    backend.delete("frank", &one, &Value::Null).await.refused(
        403,
        "Forbidden",
        &words(backend, "DELETE of deployments"),
    );
    let second = backend.deployment("second", 1, V1);
    backend.post("frank", &backend.apps("deployments"), &second).await.refused(
        403,
        "Forbidden",
        &words(backend, "CREATE of deployments"),
    );
    let set = backend.apps(&format!("replicasets/{set}"));
    backend
        .patch("frank", &format!("{set}/scale"), ("merge", &json!({"spec": {"replicas": 3}})))
        .await
        .refused(403, "Forbidden", &words(backend, "UPDATE of replicasets/scale"));
    for body in [image("backend", V2), json!({"spec": {"replicas": 3}})] {
        let refused = backend.patch("frank", &set, ("strategic-merge", &body)).await;
        refused.refused(403, "Forbidden", &words(backend, "UPDATE of replicasets"));
    }
    backend.post("frank", &backend.core("pods"), &pod("bare")).await.refused(
        403,
        "Forbidden",
        &words(backend, "CREATE of pods"),
    );
    let running = backend.core(&format!("pods/{replica}"));
    let body = json!({"spec": {"containers": [{"name": "backend", "image": V2}]}});
    let refused = backend.patch("frank", &running, ("strategic-merge", &body)).await;
    refused.refused(403, "Forbidden", &words(backend, "UPDATE of pods"));
    // a dry run tells the same
    let refused = backend
        .patch("frank", &format!("{one}?dryRun=All"), ("strategic-merge", &image("backend", V2)))
        .await;
    refused.refused(403, "Forbidden", &words(backend, "UPDATE of deployments"));
    // nothing moved
    let after = backend.get("frank", &one).await.ok();
    assert_eq!(
        (&after["spec"], &after["metadata"]["generation"]),
        (&found["spec"], &found["metadata"]["generation"])
    );
}

pub async fn workloads_are_free(backend: &Backend) {
    let (_, replica) = locked(backend).await;
    let one = backend.apps("deployments/backend");
    for (kind, body) in [
        ("merge", json!({"spec": {"replicas": 2}})),
        ("merge", json!({"metadata": {"annotations": {"a": "b"}, "labels": {"c": "d"}}})),
        ("merge", json!({"spec": {"progressDeadlineSeconds": 300}})),
    ] {
        backend.patch("frank", &one, (kind, &body)).await.ok();
    }
    backend.patch("frank", &format!("{one}/scale"), ("merge", &json!({"spec": {"replicas": 1}}))).await.ok();
    backend.delete("frank", &backend.core(&format!("pods/{replica}")), &Value::Null).await.ok();
    // what the built-in controllers and the project's own do goes on
    backend.patch("controller", &one, ("strategic-merge", &image("backend", V2))).await.ok();
    backend
        .until_is(&one, "rolled out", |found| {
            found["status"]["updatedReplicas"] == 1 && found["status"]["availableReplicas"] == 1
        })
        .await;
    // whoever has the verb override breaks the glass
    backend.patch("admin", &one, ("strategic-merge", &image("backend", V1))).await.ok();
}

pub async fn the_label_stays(backend: &Backend) {
    locked(backend).await;
    let sentence = format!(
        "LabelLocked: taking release-cockpit.dev/managed off {} needs the verb override on its environments",
        backend.namespace
    );
    for value in [json!(null), json!("false"), json!("True")] {
        let refused = backend.patch("frank", &space(backend), ("merge", &label(&value))).await;
        refused.refused(403, "Forbidden", &denied("managed-label", &sentence));
    }
    let other = json!({"metadata": {"labels": {"team": "shop"}}});
    backend.patch("frank", &space(backend), ("merge", &other)).await.ok();
    backend
        .patch("admin", &format!("{}?dryRun=All", space(backend)), ("merge", &label(&json!(null))))
        .await
        .ok();
}

pub async fn definitions_stay(backend: &Backend) {
    let sentence = "CRDGuard: deleting this definition would delete every record of its kind; delete the policy binding \
                    release-cockpit-crds first if you mean it";
    for plural in ["environments", "releases", "releaseactions"] {
        let path = format!(
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.release-cockpit.dev?dryRun=All"
        );
        backend.delete("admin", &path, &Value::Null).await.refused(
            403,
            "Forbidden",
            &denied("crds", sentence),
        );
    }
}

pub async fn second_workloads_are_locked(backend: &Backend) {
    locked(backend).await;
    let own = Target {
        client: backend.people["controller"].clone(),
        namespace: backend.namespace.clone(),
        name: "backend".into(),
        container: "backend".into(),
    };
    let copy = Copy {
        track: Track::Canary,
        component: "backend".into(),
        image: V2.into(),
        containers: Vec::new(),
        replicas: 1,
        labels: BTreeMap::new(),
        release: format!("{}/one", backend.namespace),
        serves: false,
    };
    assert_eq!(track::set(&own, &copy).await.expect("the controller may"), Written::Now);
    let second = backend.apps("deployments/backend-canary");
    backend.until_is(&second, "available", |found| found["status"]["availableReplicas"] == 1).await;
    backend.patch("frank", &second, ("strategic-merge", &image("backend", V1))).await.refused(
        403,
        "Forbidden",
        &words(backend, "UPDATE of deployments"),
    );
    backend.delete("frank", &second, &Value::Null).await.refused(
        403,
        "Forbidden",
        &words(backend, "DELETE of deployments"),
    );
    let larger = Copy { replicas: 2, ..copy };
    backend.until("no other write comes between", || async { track::set(&own, &larger).await.ok() }).await;
    assert_eq!(track::remove(&own, Track::Canary).await.expect("the controller may"), Written::Now);
}
