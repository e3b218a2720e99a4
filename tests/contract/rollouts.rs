//! Deployments: revisions, ReplicaSets, conditions.

use serde_json::{Value, json};

use super::backend::Backend;

const REVISION: &str = "deployment.kubernetes.io/revision";

/// A Deployment that runs `x:v1`, complete.
async fn running(backend: &Backend, deadline: i64) -> String {
    let mut deployment = backend.deployment("backend", 2, "x:v1");
    deployment["spec"]["progressDeadlineSeconds"] = json!(deadline);
    backend.post("admin", &backend.apps("deployments"), &deployment).await.ok();
    let one = backend.apps("deployments/backend");
    complete(backend, &one, 1).await;
    one
}

fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let mut all = object["status"]["conditions"].as_array().into_iter().flatten();
    all.find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

async fn complete(backend: &Backend, one: &str, generation: i64) -> Value {
    let is_complete = |found: &Value| {
        let status = &found["status"];
        let wanted = &found["spec"]["replicas"];
        status["observedGeneration"] == generation
            && ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"]
                .iter()
                .all(|count| &status[*count] == wanted)
            && condition(found, "Progressing")["reason"] == "NewReplicaSetAvailable"
    };
    backend.until_is(one, "complete", is_complete).await
}

fn image(version: &str) -> Value {
    json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": format!("x:{version}")}])
}

/// Revision, image and size of every ReplicaSet, by revision.
async fn sets(backend: &Backend) -> Vec<(i64, String, i64)> {
    let list = backend.get("admin", &backend.apps("replicasets")).await.ok();
    let mut found: Vec<_> = list["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|set| {
            let revision = set["metadata"]["annotations"][REVISION]
                .as_str()
                .and_then(|text| text.parse().ok())
                .unwrap_or_default();
            let image =
                set["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
            (revision, image.to_owned(), set["spec"]["replicas"].as_i64().unwrap_or_default())
        })
        .collect();
    found.sort();
    found
}

pub async fn a_rollout_makes_revisions(backend: &Backend) {
    let one = running(backend, 600).await;
    let found = backend.get("admin", &one).await.ok();
    assert_eq!(found["metadata"]["annotations"][REVISION], "1");
    let changed = backend.patch("admin", &one, ("json", &image("v2"))).await.ok();
    assert_eq!(changed["metadata"]["generation"], 2);
    let done = complete(backend, &one, 2).await;
    assert_eq!(done["metadata"]["annotations"][REVISION], "2");
    let available = condition(&done, "Available");
    assert_eq!(
        (&available["status"], &available["reason"]),
        (&json!("True"), &json!("MinimumReplicasAvailable"))
    );
    let message = condition(&done, "Progressing")["message"].as_str().unwrap_or_default().to_owned();
    assert!(
        message.starts_with("ReplicaSet \"backend-") && message.ends_with("\" has successfully progressed."),
        "{message}"
    );
    assert_eq!(sets(backend).await, [(1, "x:v1".to_owned(), 0), (2, "x:v2".to_owned(), 2)]);
    let list = backend.get("admin", &backend.apps("replicasets?labelSelector=app%3Dbackend")).await.ok();
    for set in list["items"].as_array().expect("sets") {
        let owner = &set["metadata"]["ownerReferences"][0];
        assert_eq!(
            (&owner["kind"], &owner["controller"], &owner["uid"]),
            (&json!("Deployment"), &json!(true), &found["metadata"]["uid"])
        );
        let hash = &set["metadata"]["labels"]["pod-template-hash"];
        assert!(hash.is_string());
        assert_eq!(&set["spec"]["selector"]["matchLabels"]["pod-template-hash"], hash);
        assert_eq!(set["metadata"]["name"], format!("backend-{}", hash.as_str().unwrap_or_default()));
    }
    let pods = backend.until("only new pods are left", || async {
        let pods = backend.get("admin", &backend.core("pods")).await.ok();
        let items = pods["items"].as_array().cloned().unwrap_or_default();
        let is_new = |pod: &Value| pod["spec"]["containers"][0]["image"] == "x:v2";
        (items.len() == 2 && items.iter().all(is_new)).then_some(items)
    });
    for pod in pods.await {
        assert_eq!(pod["status"]["phase"], "Running");
        assert_eq!(condition(&pod, "Ready")["status"], "True");
        assert_eq!(pod["metadata"]["ownerReferences"][0]["kind"], "ReplicaSet");
        let container = &pod["status"]["containerStatuses"][0];
        assert_eq!((&container["ready"], &container["restartCount"]), (&json!(true), &json!(0)));
        assert!(container["imageID"].as_str().is_some_and(|id| id.contains("sha256:")), "{container}");
    }
}

pub async fn going_back_reuses_a_replica_set(backend: &Backend) {
    let one = running(backend, 600).await;
    backend.patch("admin", &one, ("json", &image("v2"))).await.ok();
    complete(backend, &one, 2).await;
    backend.patch("admin", &one, ("json", &image("v1"))).await.ok();
    let done = complete(backend, &one, 3).await;
    assert_eq!(done["metadata"]["annotations"][REVISION], "3");
    assert_eq!(sets(backend).await, [(2, "x:v2".to_owned(), 0), (3, "x:v1".to_owned(), 2)]);
    let list = backend.get("admin", &backend.apps("replicasets")).await.ok();
    let reused = list["items"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|set| set["spec"]["replicas"] == 2)
        .expect("the set in use");
    assert_eq!(reused["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"], "1");
}

pub async fn a_deadline_is_told(backend: &Backend) {
    let one = running(backend, 3).await;
    backend.patch("admin", &one, ("json", &image("v2-crash"))).await.ok();
    let failed = backend
        .until_is(&one, "late", |found| {
            condition(found, "Progressing")["reason"] == "ProgressDeadlineExceeded"
        })
        .await;
    let progressing = condition(&failed, "Progressing");
    assert_eq!(progressing["status"], "False");
    let message = progressing["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("ReplicaSet \"backend-") && message.ends_with("\" has timed out progressing."),
        "{message}"
    );
    // a quarter may be missing: of two, none
    assert_eq!(
        (&failed["status"]["updatedReplicas"], &failed["status"]["availableReplicas"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        (&failed["status"]["unavailableReplicas"], &failed["status"]["replicas"]),
        (&json!(1), &json!(3))
    );
    backend
        .until("the pod crashes", || async {
            let pods = backend.get("admin", &backend.core("pods")).await.ok();
            let all = pods["items"].as_array()?.clone();
            all.iter()
                .any(|pod| {
                    pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
                })
                .then_some(())
        })
        .await;
    backend.patch("admin", &one, ("json", &image("v1"))).await.ok();
    complete(backend, &one, 3).await;
}

pub async fn a_paused_deployment_waits(backend: &Backend) {
    let one = running(backend, 600).await;
    backend.patch("admin", &one, ("merge", &json!({"spec": {"paused": true}}))).await.ok();
    backend
        .until_is(&one, "paused", |found| condition(found, "Progressing")["reason"] == "DeploymentPaused")
        .await;
    let changed = backend.patch("admin", &one, ("json", &image("v2"))).await.ok();
    let generation = changed["metadata"]["generation"].clone();
    backend.until_is(&one, "observed", |found| found["status"]["observedGeneration"] == generation).await;
    assert_eq!(sets(backend).await, [(1, "x:v1".to_owned(), 2)]);
    backend.patch("admin", &one, ("merge", &json!({"spec": {"paused": false}}))).await.ok();
    complete(backend, &one, 4).await;
    assert_eq!(sets(backend).await, [(1, "x:v1".to_owned(), 0), (2, "x:v2".to_owned(), 2)]);
}

pub async fn scaling_is_no_revision(backend: &Backend) {
    let one = running(backend, 600).await;
    backend.patch("admin", &one, ("merge", &json!({"spec": {"replicas": 4}}))).await.ok();
    let done = complete(backend, &one, 2).await;
    assert_eq!(done["metadata"]["annotations"][REVISION], "1");
    assert_eq!(sets(backend).await, [(1, "x:v1".to_owned(), 4)]);
    let scale = backend.get("admin", &format!("{one}/scale")).await.ok();
    assert_eq!(
        (&scale["kind"], &scale["spec"]["replicas"], &scale["status"]["selector"]),
        (&json!("Scale"), &json!(4), &json!("app=backend"))
    );
    let scaled = backend
        .patch("admin", &format!("{one}/scale"), ("merge", &json!({"spec": {"replicas": 1}})))
        .await
        .ok();
    assert_eq!(scaled["spec"]["replicas"], 1);
    complete(backend, &one, 3).await;
}
