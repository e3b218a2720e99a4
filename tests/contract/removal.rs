//! Deleting, and what becomes of the children.

use serde_json::{Value, json};

use super::backend::Backend;

async fn running(backend: &Backend) -> String {
    backend.post("admin", &backend.apps("deployments"), &backend.deployment("backend", 1, "x:v1")).await.ok();
    let one = backend.apps("deployments/backend");
    backend.until_is(&one, "available", |found| found["status"]["availableReplicas"] == 1).await;
    one
}

async fn count(backend: &Backend, path: &str) -> usize {
    backend.get("admin", path).await.ok()["items"].as_array().map_or(0, Vec::len)
}

pub async fn children_follow_their_owner(backend: &Backend) {
    for policy in ["Background", "Foreground"] {
        let one = running(backend).await;
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy});
        let answer = backend.delete("admin", &one, &options).await.ok();
        if policy == "Foreground" {
            assert_eq!(answer["metadata"]["finalizers"], json!(["foregroundDeletion"]), "{answer}");
            assert!(answer["metadata"]["deletionTimestamp"].is_string());
        } else {
            assert_eq!(
                (&answer["kind"], &answer["status"]),
                (&json!("Status"), &json!("Success")),
                "{answer}"
            );
        }
        backend
            .until("everything is gone", || async {
                let left = count(backend, &backend.apps("deployments")).await
                    + count(backend, &backend.apps("replicasets")).await
                    + count(backend, &backend.core("pods")).await;
                (left == 0).then_some(())
            })
            .await;
    }
}

pub async fn orphans_stay(backend: &Backend) {
    let one = running(backend).await;
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Orphan"});
    backend.delete("admin", &one, &options).await.ok();
    backend
        .until("the deployment is gone", || async {
            (backend.get("admin", &one).await.code == 404).then_some(())
        })
        .await;
    let sets = backend.get("admin", &backend.apps("replicasets")).await.ok();
    assert_eq!(sets["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(sets["items"][0]["metadata"].get("ownerReferences"), None);
    assert_eq!(count(backend, &backend.core("pods")).await, 1);
}

pub async fn preconditions_protect(backend: &Backend) {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "finalizers": ["example.com/wait"]}});
    let made = backend.post("admin", &backend.core("configmaps"), &map).await.ok();
    let one = backend.core("configmaps/m");
    let options = |preconditions: Value| json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions});
    for (wrong, words) in [
        (
            json!({"uid": "00000000-0000-4000-8000-000000000000"}),
            "the UID in the precondition (00000000-0000-4000-8000-000000000000) does not match the UID in record (",
        ),
        (
            json!({"resourceVersion": "1"}),
            "the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (",
        ),
    ] {
        backend.delete("admin", &one, &options(wrong)).await.refused(409, "Conflict", words);
    }
    // a finalizer keeps it until it is taken away
    let answer = backend.delete("admin", &one, &options(json!({"uid": made["metadata"]["uid"]}))).await.ok();
    assert!(answer["metadata"]["deletionTimestamp"].is_string(), "{answer}");
    backend.get("admin", &one).await.ok();
    backend.patch("admin", &one, ("merge", &json!({"metadata": {"finalizers": null}}))).await.ok();
    backend.get("admin", &one).await.refused(404, "NotFound", "configmaps \"m\" not found");
    backend.delete("admin", &one, &Value::Null).await.refused(404, "NotFound", "configmaps \"m\" not found");
}
