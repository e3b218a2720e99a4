//! Creating and changing objects.

use serde_json::{Value, json};

use super::backend::Backend;

const V1: &str = "ghcr.io/acme/contract-backend:v1.0.0";

pub async fn objects_are_created_once(backend: &Backend) {
    backend.environment().await;
    let path = backend.ours("releases");
    let created = backend.post("alice", &path, &backend.release("one", "v1.0.0")).await;
    assert_eq!(created.code, 201);
    let created = created.body;
    let metadata = &created["metadata"];
    assert_eq!(metadata["uid"].as_str().map(str::len), Some(36));
    assert_eq!(metadata["generation"], 1);
    assert!(
        metadata["resourceVersion"].as_str().is_some_and(|version| version.parse::<u64>().is_ok()),
        "{metadata}"
    );
    assert!(
        metadata["creationTimestamp"].as_str().is_some_and(|at| at.ends_with('Z') && at.len() == 20),
        "{metadata}"
    );
    assert_eq!(created["spec"]["requestedBy"], "alice");
    let found = backend.get("dave", &format!("{path}/one")).await.ok();
    assert_eq!(found, created);
    backend.post("alice", &path, &backend.release("one", "v1.0.0")).await.refused(
        409,
        "AlreadyExists",
        "releases.release-cockpit.dev \"one\" already exists",
    );
    let missing = backend.get("alice", &format!("{path}/two")).await.refused(
        404,
        "NotFound",
        "releases.release-cockpit.dev \"two\" not found",
    );
    assert_eq!(
        (&missing["details"]["name"], &missing["details"]["kind"]),
        (&json!("two"), &json!("releases"))
    );
    let mut named = backend.release("", "v1.0.0");
    named["metadata"] = json!({"generateName": "one-"});
    let named = backend.post("alice", &path, &named).await.ok();
    assert!(
        named["metadata"]["name"].as_str().is_some_and(|name| name.len() == 9 && name.starts_with("one-")),
        "{named}"
    );
    let listed = backend.get("dave", &path).await.ok();
    assert_eq!((&listed["kind"], listed["items"].as_array().map(Vec::len)), (&json!("ReleaseList"), Some(2)));
}

pub async fn a_dry_run_changes_nothing(backend: &Backend) {
    backend.environment().await;
    let releases = backend.ours("releases");
    let tried = backend
        .post("alice", &format!("{releases}?dryRun=All"), &backend.release("dry", "v1.0.0"))
        .await
        .ok();
    assert_eq!(tried["metadata"]["uid"].as_str().map(str::len), Some(36));
    backend.get("alice", &format!("{releases}/dry")).await.refused(404, "NotFound", "");
    let deployments = backend.apps("deployments");
    let made = backend.post("admin", &deployments, &backend.deployment("backend", 1, V1)).await.ok();
    let one = format!("{deployments}/backend");
    let patch = json!({"spec": {"replicas": 7}});
    let tried = backend.patch("admin", &format!("{one}?dryRun=All"), ("merge", &patch)).await.ok();
    assert_eq!((&tried["spec"]["replicas"], &tried["metadata"]["generation"]), (&json!(7), &json!(2)));
    let found = backend.get("admin", &one).await.ok();
    assert_eq!((&found["spec"]["replicas"], &found["metadata"]["generation"]), (&json!(1), &json!(1)));
    assert_eq!(found["metadata"]["uid"], made["metadata"]["uid"]);
    backend.delete("admin", &format!("{one}?dryRun=All"), &Value::Null).await.ok();
    backend.get("admin", &one).await.ok();
    backend
        .post("alice", &format!("{releases}?dryRun=Some"), &backend.release("dry", "v1.0.0"))
        .await
        .refused(422, "Invalid", "dryRun");
}

pub async fn stale_writes_conflict(backend: &Backend) {
    let path = backend.core("configmaps");
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"a": "1"}});
    let mut old = backend.post("admin", &path, &map).await.ok();
    let one = format!("{path}/m");
    let new = backend.patch("admin", &one, ("merge", &json!({"data": {"a": "2"}}))).await.ok();
    assert_ne!(old["metadata"]["resourceVersion"], new["metadata"]["resourceVersion"]);
    old["data"]["a"] = json!("3");
    let words = "Operation cannot be fulfilled on configmaps \"m\": the object has been modified; please apply your changes to the latest version and try again";
    backend.put("admin", &one, &old).await.refused(409, "Conflict", words);
    let stale =
        json!({"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}, "data": {"a": "3"}});
    backend.patch("admin", &one, ("merge", &stale)).await.refused(409, "Conflict", words);
    let mut other = new.clone();
    other["metadata"]["uid"] = json!("00000000-0000-4000-8000-000000000000");
    backend.put("admin", &one, &other).await.refused(
        409,
        "Conflict",
        "Precondition failed: UID in precondition",
    );
    // what changes nothing is no new version
    let same = backend.put("admin", &one, &new).await.ok();
    assert_eq!(same["metadata"]["resourceVersion"], new["metadata"]["resourceVersion"]);
    // an update without a version wins over whatever there is
    let free =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"b": "4"}});
    assert_eq!(backend.put("admin", &one, &free).await.ok()["data"], json!({"b": "4"}));
    backend.put("admin", &format!("{path}/n"), &free).await.refused(
        400,
        "BadRequest",
        "the name of the object (m) does not match the name on the URL (n)",
    );
}

pub async fn generations_count_specs(backend: &Backend) {
    let one = backend.apps("deployments/backend");
    let made =
        backend.post("admin", &backend.apps("deployments"), &backend.deployment("backend", 1, V1)).await.ok();
    assert_eq!(made["metadata"]["generation"], 1);
    for (patch, expected) in [
        (json!({"metadata": {"labels": {"x": "y"}}}), 1),
        (json!({"spec": {"replicas": 2}}), 2),
        (json!({"spec": {"replicas": 2}}), 2),
        (json!({"metadata": {"generation": 77}}), 2),
        (json!({"status": {"replicas": 9}}), 2),
        (json!({"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}}), 3),
    ] {
        let found = backend.patch("admin", &one, ("merge", &patch)).await.ok();
        assert_eq!(found["metadata"]["generation"], expected, "{patch}");
        assert_ne!(found["status"]["replicas"], 9);
    }
    backend.until_is(&one, "observed", |found| found["status"]["observedGeneration"] == 3).await;
}

pub async fn status_is_apart(backend: &Backend) {
    let mut environment = backend.environment().await;
    let one = backend.ours("environments/staging");
    // the status of a new object is dropped
    let mut release = backend.release("one", "v1.0.0");
    release["status"] = json!({"phase": "Succeeded", "message": "forged"});
    let made = backend.post("alice", &backend.ours("releases"), &release).await.ok();
    assert_eq!(made.get("status"), None);
    // through the object, status stays
    environment["spec"]["url"] = json!("https://example.com");
    environment["status"] = json!({"activeRelease": "forged"});
    let written = backend.put("admin", &one, &environment).await.ok();
    assert_eq!((&written["spec"]["url"], written.get("status")), (&json!("https://example.com"), None));
    assert_eq!(written["metadata"]["generation"], 2);
    // through the status, everything else stays
    let patch = json!({"metadata": {"labels": {"l": "1"}}, "spec": {"url": "https://other.example.com"}, "status": {"activeRelease": "one", "siblings": ["staging"]}});
    let written = backend.patch("controller", &format!("{one}/status"), ("merge", &patch)).await.ok();
    assert_eq!(written["status"]["activeRelease"], "one");
    assert_eq!(
        (&written["spec"]["url"], &written["metadata"]["generation"]),
        (&json!("https://example.com"), &json!(2))
    );
    assert_eq!(written["metadata"].get("labels"), None);
    assert_eq!(backend.get("admin", &format!("{one}/status")).await.ok()["status"], written["status"]);
}

pub async fn applied_status_has_owners(backend: &Backend) {
    backend.environment().await;
    backend.post("alice", &backend.ours("releases"), &backend.release("one", "v1.0.0")).await.ok();
    let path = backend.ours("releases/one/status");
    let status = |status: Value| json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release", "status": status});
    let apply = async |manager: &str, wanted: Value| {
        backend.patch("controller", &format!("{path}?{manager}"), ("apply", &status(wanted))).await
    };
    let written =
        apply("fieldManager=a", json!({"phase": "Pending", "message": "waits", "observedGeneration": 1}))
            .await
            .ok();
    assert_eq!(
        (&written["status"]["phase"], &written["metadata"]["generation"]),
        (&json!("Pending"), &json!(1))
    );
    let owner = |object: &Value, manager: &str| -> Option<Value> {
        let all = object["metadata"]["managedFields"].as_array()?;
        all.iter().find(|entry| entry["manager"] == manager).cloned()
    };
    let entry = owner(&written, "a").expect("an owner");
    assert_eq!(
        (&entry["operation"], &entry["subresource"], &entry["fieldsType"]),
        (&json!("Apply"), &json!("status"), &json!("FieldsV1"))
    );
    assert!(entry["fieldsV1"]["f:status"]["f:phase"].is_object(), "{entry}");
    // the same again changes nothing
    let again =
        apply("fieldManager=a", json!({"phase": "Pending", "message": "waits", "observedGeneration": 1}))
            .await
            .ok();
    assert_eq!(again["metadata"]["resourceVersion"], written["metadata"]["resourceVersion"]);
    // another owner of another value conflicts, and is told with whom
    let refused = apply("fieldManager=b", json!({"message": "mine"})).await.refused(
        409,
        "Conflict",
        "Apply failed with 1 conflict: conflict with \"a\"",
    );
    let cause = &refused["details"]["causes"][0];
    assert_eq!(
        (&cause["reason"], &cause["field"]),
        (&json!("FieldManagerConflict"), &json!(".status.message"))
    );
    // the same value is shared
    apply("fieldManager=b", json!({"message": "waits"})).await.ok();
    let forced = apply("fieldManager=b&force=true", json!({"message": "mine"})).await.ok();
    assert_eq!(forced["status"]["message"], "mine");
    assert_eq!(owner(&forced, "a").expect("still an owner")["fieldsV1"]["f:status"].get("f:message"), None);
    // what its only owner no longer says goes
    let less = apply("fieldManager=a", json!({"phase": "Pending"})).await.ok();
    assert_eq!(
        (less["status"].get("observedGeneration"), &less["status"]["message"]),
        (None, &json!("mine"))
    );
    backend.patch("controller", &path, ("apply", &status(json!({})))).await.refused(
        422,
        "Invalid",
        "fieldManager: Required value: is required for apply patch",
    );
}

pub async fn json_patches(backend: &Backend) {
    let one = backend.apps("deployments/backend");
    backend.post("admin", &backend.apps("deployments"), &backend.deployment("backend", 1, V1)).await.ok();
    let image = "/spec/template/spec/containers/0/image";
    let operations = |from: &str, to: &str| json!([{"op": "test", "path": image, "value": from}, {"op": "replace", "path": image, "value": to}]);
    let patched = backend.patch("admin", &one, ("json", &operations(V1, "x:v2"))).await.ok();
    assert_eq!(patched.pointer(image), Some(&json!("x:v2")));
    backend.patch("admin", &one, ("json", &operations(V1, "x:v3"))).await.refused(
        422,
        "Invalid",
        "the server rejected our request due to an error in our request",
    );
    assert_eq!(backend.get("admin", &one).await.ok().pointer(image), Some(&json!("x:v2")));
    let beyond = json!([{"op": "replace", "path": "/spec/nothing/here", "value": 1}]);
    backend.patch("admin", &one, ("json", &beyond)).await.refused(
        422,
        "Invalid",
        "the server rejected our request due to an error in our request",
    );
    let version = json!([{"op": "test", "path": "/metadata/resourceVersion", "value": "1"}]);
    backend.patch("admin", &one, ("json", &version)).await.refused(422, "Invalid", "");
    backend.patch("admin", &one, ("json", &json!({"op": "test"}))).await.refused(400, "BadRequest", "");
    let slash = json!([{"op": "add", "path": "/metadata/annotations/release-cockpit.dev~1release", "value": "n/r"}, {"op": "remove", "path": "/metadata/labels"}]);
    let patched = backend.patch("admin", &one, ("json", &slash)).await;
    // a path through a map that is not there is refused
    if patched.code == 200 {
        assert_eq!(patched.body["metadata"]["annotations"]["release-cockpit.dev/release"], "n/r");
    } else {
        patched.refused(422, "Invalid", "");
    }
}

pub async fn merge_patches(backend: &Backend) {
    let one = backend.apps("deployments/backend");
    let mut deployment = backend.deployment("backend", 1, V1);
    deployment["spec"]["template"]["spec"]["containers"] = json!([
        {"name": "backend", "image": V1, "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        {"name": "sidecar", "image": "sidecar:v1"}
    ]);
    backend.post("admin", &backend.apps("deployments"), &deployment).await.ok();
    // strategic: lists of named things are merged by name
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "backend", "image": "x:v2", "env": [{"name": "B", "value": "3"}]}]}}}});
    let patched = backend.patch("admin", &one, ("strategic-merge", &patch)).await.ok();
    let containers =
        patched["spec"]["template"]["spec"]["containers"].as_array().expect("containers").clone();
    let names: Vec<_> = containers
        .iter()
        .map(|c| (c["name"].as_str().unwrap_or_default(), c["image"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(names, [("backend", "x:v2"), ("sidecar", "sidecar:v1")]);
    assert_eq!(containers[0]["env"], json!([{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]));
    let gone =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "sidecar", "$patch": "delete"}]}}}});
    let patched = backend.patch("admin", &one, ("strategic-merge", &gone)).await.ok();
    assert_eq!(patched["spec"]["template"]["spec"]["containers"].as_array().map(Vec::len), Some(1));
    // merge: lists are replaced as a whole, null takes away
    let patch = json!({"metadata": {"labels": {"app": null, "x": "y"}}, "spec": {"template": {"spec": {"containers": [{"name": "backend", "image": "x:v3"}]}}}});
    let patched = backend.patch("admin", &one, ("merge", &patch)).await.ok();
    assert_eq!(patched["metadata"]["labels"], json!({"x": "y"}));
    assert_eq!(patched["spec"]["template"]["spec"]["containers"][0].get("env"), None);
    backend.environment().await;
    let refused = backend
        .patch("admin", &backend.ours("environments/staging"), ("strategic-merge", &json!({"spec": {}})))
        .await;
    refused.refused(415, "UnsupportedMediaType", "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
    backend.patch("admin", &backend.apps("deployments/nobody"), ("merge", &json!({}))).await.refused(
        404,
        "NotFound",
        "deployments.apps \"nobody\" not found",
    );
}

pub async fn names_and_labels_have_limits(backend: &Backend) {
    let (label, name) = ("a".repeat(64), "a".repeat(254));
    let service = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": "a"}, "ports": [{"port": 80}]}})
    };
    let (services, deployments) = (backend.core("services"), backend.apps("deployments"));
    backend.post("admin", &services, &service(&label[1..])).await.ok();
    let long = format!("metadata.name: Invalid value: \"{label}\": must be no more than 63 characters");
    backend.post("admin", &services, &service(&label)).await.refused(
        422,
        "Invalid",
        &format!("Service \"{label}\" is invalid: {long}"),
    );
    backend.post("admin", &services, &service("a.b")).await.refused(
        422,
        "Invalid",
        "metadata.name: Invalid value: \"a.b\": must not contain dots",
    );
    let words = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'";
    backend.post("admin", &services, &service("A")).await.refused(422, "Invalid", words);
    let mut wrong = service("labels");
    wrong["spec"]["selector"] = json!({"app": label});
    let too_long = format!("Invalid value: \"{label}\": must be no more than 63 bytes");
    backend.post("admin", &services, &wrong).await.refused(
        422,
        "Invalid",
        &format!("spec.selector: {too_long}"),
    );
    backend.post("admin", &deployments, &backend.deployment(&name, 1, V1)).await.refused(
        422,
        "Invalid",
        &format!("metadata.name: Invalid value: \"{name}\": must be no more than 253 characters"),
    );
    for (pointer, words) in [
        ("/metadata/labels/app", format!("metadata.labels: {too_long}")),
        ("/spec/template/metadata/labels/app", "`selector` does not match template `labels`".to_owned()),
        ("/spec/template/metadata/labels/app", format!("spec.template.labels: {too_long}")),
        ("/spec/selector/matchLabels/app", format!("spec.selector.matchLabels: {too_long}")),
        (
            "/spec/selector/matchLabels/app",
            format!(
                "spec.selector: Invalid value: {{\"matchLabels\":{{\"app\":\"{label}\"}}}}: invalid label selector"
            ),
        ),
    ] {
        let mut wrong = backend.deployment("backend", 1, V1);
        *wrong.pointer_mut(pointer).expect("a place") = json!(label);
        backend.post("admin", &deployments, &wrong).await.refused(422, "Invalid", &words);
    }
    backend.post("admin", &deployments, &backend.deployment("backend", 1, V1)).await.ok();
    let one = backend.apps("deployments/backend");
    for (kind, key) in [("labels", label.clone()), ("annotations", format!("before.test/{label}"))] {
        let patch = json!({"metadata": {kind: {key.clone(): "x"}}});
        let words =
            format!("metadata.{kind}: Invalid value: \"{key}\": name part must be no more than 63 bytes");
        backend.patch("admin", &one, ("merge", &patch)).await.refused(422, "Invalid", &words);
    }
    backend.environment().await;
    let mut release = backend.release("long", "v1.0.0");
    release["metadata"]["labels"] = json!({"x": label});
    backend.post("alice", &backend.ours("releases"), &release).await.refused(
        422,
        "Invalid",
        &format!("metadata.labels: {too_long}"),
    );
}
