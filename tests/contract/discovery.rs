//! What the server says of itself, and of those who ask.

use http::{Method, Request};
use kube::client::Body;
use serde_json::{Value, json};

use super::backend::Backend;

pub async fn the_kinds_are_announced(backend: &Backend) {
    let list = backend.get("dave", "/apis/release-cockpit.dev/v1alpha1").await.ok();
    assert_eq!(list["groupVersion"], "release-cockpit.dev/v1alpha1");
    for (name, kind, short) in [
        ("environments", "Environment", "renv"),
        ("releases", "Release", "rel"),
        ("releaseactions", "ReleaseAction", "ract"),
    ] {
        let mut all = list["resources"].as_array().into_iter().flatten();
        let found = all.clone().find(|resource| resource["name"] == name).expect("the resource");
        assert_eq!((&found["kind"], &found["namespaced"]), (&json!(kind), &json!(true)));
        assert_eq!((&found["shortNames"], &found["categories"]), (&json!([short]), &json!(["cockpit"])));
        let verbs = found["verbs"].as_array().cloned().unwrap_or_default();
        for verb in ["create", "delete", "get", "list", "patch", "update", "watch"] {
            assert!(verbs.contains(&json!(verb)), "{name} {verb}");
        }
        assert!(all.any(|resource| resource["name"] == format!("{name}/status")));
    }
    let groups = backend.get("dave", "/apis").await.ok();
    let names: Vec<_> = groups["groups"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|group| group["name"].as_str())
        .collect();
    for group in ["apps", "coordination.k8s.io", "release-cockpit.dev"] {
        assert!(names.contains(&group), "{group} in {names:?}");
    }
    assert!(
        backend.get("dave", "/version").await.ok()["gitVersion"]
            .as_str()
            .is_some_and(|version| version.starts_with("v1."))
    );
}

async fn table(backend: &Backend, path: &str) -> (Vec<String>, Vec<Value>) {
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    let request = Request::get(path).header("accept", accept).body(Body::empty()).expect("a request");
    let table = backend.send("admin", request).await.ok();
    assert_eq!(table["kind"], "Table", "{table}");
    let columns = table["columnDefinitions"].as_array().into_iter().flatten();
    let names = columns
        .filter(|c| c["priority"].as_i64().unwrap_or_default() == 0)
        .filter_map(|c| c["name"].as_str().map(str::to_owned))
        .collect();
    let cells = table["rows"].as_array().into_iter().flatten().map(|row| row["cells"].clone()).collect();
    (names, cells)
}

pub async fn tables_have_the_printer_columns(backend: &Backend) {
    backend.environment().await;
    backend.post("alice", &backend.ours("releases"), &backend.release("one", "v1.0.0")).await.ok();
    backend.post("admin", &backend.apps("deployments"), &backend.deployment("backend", 1, "x:v1")).await.ok();
    backend
        .until_is(&backend.apps("deployments/backend"), "available", |found| {
            found["status"]["availableReplicas"] == 1
        })
        .await;
    let (names, rows) = table(backend, &backend.ours("releases")).await;
    assert_eq!(names, ["Name", "Version", "Phase", "Step", "Weight", "Requested-By", "Age"]);
    assert_eq!((&rows[0][0], &rows[0][1], &rows[0][2]), (&json!("one"), &json!("staging"), &json!("v1.0.0")));
    let (names, _) = table(backend, &backend.ours("environments")).await;
    assert_eq!(names, ["Name", "Application", "Tier", "Version", "Frozen", "Age"]);
    let (names, _) = table(backend, &backend.ours("releaseactions")).await;
    assert_eq!(names, ["Name", "Release", "Action", "Actor", "Result", "Age"]);
    let (names, rows) = table(backend, &backend.core("pods")).await;
    assert_eq!(names, ["Name", "Ready", "Status", "Restarts", "Age"]);
    assert_eq!((&rows[0][1], &rows[0][2]), (&json!("1/1"), &json!("Running")));
    let (names, rows) = table(backend, &backend.apps("deployments")).await;
    assert_eq!(names, ["Name", "Ready", "Up-to-date", "Available", "Age"]);
    assert_eq!(
        (&rows[0][0], &rows[0][1], &rows[0][2], &rows[0][3]),
        (&json!("backend"), &json!("1/1"), &json!(1), &json!(1))
    );
}

pub async fn reviews_tell_who_may_do_what(backend: &Backend) {
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let me = backend.post("bob", "/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).await;
    assert_eq!(me.code, 201);
    let info = &me.body["status"]["userInfo"];
    assert_eq!(info["username"], "bob");
    let groups = info["groups"].as_array().cloned().unwrap_or_default();
    for group in ["operators", "team-leads", "system:authenticated"] {
        assert!(groups.contains(&json!(group)), "{group} in {groups:?}");
    }
    for (who, verb, resource, subresource, name, allowed) in [
        ("alice", "deploy", "environments", "", "staging", true),
        ("alice", "rollback", "environments", "", "staging", true),
        ("alice", "approve", "environments", "", "staging", false),
        ("bob", "approve", "environments", "", "staging", true),
        ("dave", "deploy", "environments", "", "staging", false),
        ("dave", "list", "releases", "", "", true),
        ("alice", "patch", "releases", "status", "", false),
        ("controller", "patch", "releases", "status", "", true),
        ("controller", "delete", "releases", "", "", true),
        ("admin", "override", "environments", "", "staging", true),
    ] {
        let attributes = json!({"namespace": backend.namespace, "group": "release-cockpit.dev", "verb": verb, "resource": resource,
            "subresource": subresource, "name": name});
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}});
        let answer =
            backend.post(who, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await;
        assert_eq!(
            (answer.code, &answer.body["status"]["allowed"]),
            (201, &json!(allowed)),
            "{who} {verb} {resource}/{subresource}"
        );
    }
}

pub async fn strange_requests(backend: &Backend) {
    let maps = backend.core("configmaps");
    let none = backend.get("admin", "/apis/example.com/v1/things").await;
    assert_eq!(none.code, 404, "{none:?}");
    let body = ("application/json", "{".to_owned());
    backend.call("admin", Method::POST, &maps, body).await.refused(400, "BadRequest", "");
    let body = ("application/cbor-of-ours", "{}".to_owned());
    backend.call("admin", Method::POST, &maps, body).await.refused(415, "UnsupportedMediaType", "");
    backend.get("admin", &backend.core("nonsense")).await.refused(
        404,
        "NotFound",
        "the server could not find the requested resource",
    );
    let put = backend.put("admin", &maps, &json!({"apiVersion": "v1", "kind": "ConfigMap"})).await;
    put.refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
}
