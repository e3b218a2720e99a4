//! Disruption budgets: what their controller counts, and whom the eviction lets go.

use serde_json::{Value, json};

use super::backend::Backend;

fn budgets(backend: &Backend, name: &str) -> String {
    format!("/apis/policy/v1/namespaces/{}/poddisruptionbudgets{name}", backend.namespace)
}

/// A budget over the pods of `backend`.
async fn budget(backend: &Backend, name: &str, demand: &Value) {
    let labels = backend.deployment("backend", 2, "x:v1")["spec"]["selector"].clone();
    let mut object = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": backend.namespace}, "spec": {"selector": labels}});
    json_patch::merge(&mut object["spec"], demand);
    backend.post("admin", &budgets(backend, ""), &object).await.ok();
}

async fn running(backend: &Backend) {
    backend.post("admin", &backend.apps("deployments"), &backend.deployment("backend", 2, "x:v1")).await.ok();
    let one = backend.apps("deployments/backend");
    backend.until_is(&one, "available", |found| found["status"]["availableReplicas"] == 2).await;
}

/// Needed, healthy, expected, allowed.
fn counts(budget: &Value) -> [i64; 4] {
    ["desiredHealthy", "currentHealthy", "expectedPods", "disruptionsAllowed"]
        .map(|field| budget["status"][field].as_i64().unwrap_or_default())
}

async fn evict(backend: &Backend) -> super::backend::Answer {
    let pods = backend.get("admin", &backend.core("pods")).await.ok();
    let pod = pods["items"][0]["metadata"]["name"].as_str().expect("a pod").to_owned();
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": pod, "namespace": backend.namespace}});
    backend.post("admin", &backend.core(&format!("pods/{pod}/eviction")), &eviction).await
}

pub async fn budgets_are_counted(backend: &Backend) {
    running(backend).await;
    for (name, demand, expected) in [
        ("all", json!({"minAvailable": 2}), [2, 2, 2, 0]),
        ("most", json!({"minAvailable": "51%"}), [2, 2, 2, 0]),
        ("one", json!({"maxUnavailable": 1}), [1, 2, 2, 1]),
        ("half", json!({"maxUnavailable": "50%"}), [1, 2, 2, 1]),
        ("few", json!({"minAvailable": 1}), [1, 2, 2, 1]),
    ] {
        budget(backend, name, &demand).await;
        let path = budgets(backend, &format!("/{name}"));
        let found = backend.until_is(&path, "counted", |found| counts(found) == expected).await;
        let condition = &found["status"]["conditions"][0];
        let (status, reason) =
            if expected[3] > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        assert_eq!(condition["type"], "DisruptionAllowed");
        assert_eq!((&condition["status"], &condition["reason"]), (&json!(status), &json!(reason)), "{found}");
        assert_eq!(found["status"]["observedGeneration"], found["metadata"]["generation"]);
    }
    let listed = backend.get("dave", &budgets(backend, "")).await.ok();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(5), "a viewer may list them");
}

pub async fn a_budget_refuses_evictions(backend: &Backend) {
    running(backend).await;
    budget(backend, "all", &json!({"minAvailable": 2})).await;
    let path = budgets(backend, "/all");
    backend.until_is(&path, "counted", |found| counts(found) == [2, 2, 2, 0]).await;
    let words = "Cannot evict pod as it would violate the pod's disruption budget.";
    let refused = evict(backend).await.refused(429, "TooManyRequests", words);
    let cause = &refused["details"]["causes"][0];
    assert_eq!(cause["reason"], "DisruptionBudget");
    assert_eq!(cause["message"], "The disruption budget all needs 2 healthy pods and has 2 currently");
    // with one to spare it goes, and another one comes
    let fewer = json!({"spec": {"minAvailable": 1}});
    backend.patch("admin", &path, ("merge", &fewer)).await.ok();
    backend.until_is(&path, "counted", |found| counts(found) == [1, 2, 2, 1]).await;
    assert_eq!(evict(backend).await.code, 201);
}
