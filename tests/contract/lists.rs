//! Lists: selectors and pages.

use serde_json::{Value, json};

use super::backend::Backend;

fn names(list: &Value) -> Vec<&str> {
    let mut names: Vec<_> = list["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["metadata"]["name"].as_str())
        .collect();
    names.sort_unstable();
    names
}

/// Configuration maps `m0` to `m4` with the labels `n`, and `odd` on the odd ones.
async fn five_maps(backend: &Backend) -> String {
    let path = backend.core("configmaps");
    for n in 0..5 {
        let mut labels = json!({"n": n.to_string(), "of": "five"});
        if n % 2 == 1 {
            labels["odd"] = json!("yes");
        }
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("m{n}"), "labels": labels}});
        backend.post("admin", &path, &map).await.ok();
    }
    path
}

pub async fn selectors(backend: &Backend) {
    let path = five_maps(backend).await;
    for (selector, expected) in [
        ("labelSelector=odd", &["m1", "m3"][..]),
        ("labelSelector=of%3Dfive,%21odd", &["m0", "m2", "m4"]),
        ("labelSelector=n%20in%20(1,2)", &["m1", "m2"]),
        ("labelSelector=of%3Dfive,n%20notin%20(1,2)", &["m0", "m3", "m4"]),
        ("labelSelector=of%3Dfive,odd%21%3Dyes", &["m0", "m2", "m4"]),
        ("labelSelector=n%3D%3D4", &["m4"]),
        ("labelSelector=n%3D9", &[]),
        ("fieldSelector=metadata.name%3Dm3", &["m3"]),
        ("fieldSelector=metadata.name%21%3Dm3&labelSelector=odd", &["m1"]),
    ] {
        let list = backend.get("admin", &format!("{path}?{selector}")).await.ok();
        assert_eq!(names(&list), expected, "{selector}");
        assert!(list["metadata"]["resourceVersion"].is_string());
    }
    backend.get("admin", &format!("{path}?labelSelector=a%3D%3D%3Db")).await.refused(
        400,
        "BadRequest",
        "unable to parse requirement",
    );
    backend.environment().await;
    let releases = backend.ours("releases");
    backend.post("alice", &releases, &backend.release("one", "v1.0.0")).await.ok();
    backend.post("alice", &releases, &backend.release("two", "v2.0.0")).await.ok();
    for (selector, expected) in [
        ("spec.version%3Dv2.0.0", &["two"][..]),
        ("spec.environment%3Dstaging", &["one", "two"]),
        ("spec.environment%3Dstaging,spec.version%21%3Dv2.0.0", &["one"]),
        ("spec.requestedBy%3Dbob", &[]),
    ] {
        let list = backend.get("dave", &format!("{releases}?fieldSelector={selector}")).await.ok();
        assert_eq!(names(&list), expected, "{selector}");
    }
}

pub async fn unknown_fields_select_nothing(backend: &Backend) {
    for (path, label, words) in [
        (backend.ours("releases"), "spec.reason", "field label not supported: spec.reason"),
        (backend.core("pods"), "spec.volumes", "field label not supported: spec.volumes"),
        (
            backend.core("configmaps"),
            "data.a",
            "\"data.a\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        ),
    ] {
        backend.get("admin", &format!("{path}?fieldSelector={label}%3D1")).await.refused(
            400,
            "BadRequest",
            words,
        );
    }
}

pub async fn pages(backend: &Backend) {
    let path = five_maps(backend).await;
    let base = format!("{path}?labelSelector=of&limit=2");
    let first = backend.get("admin", &format!("{path}?limit=2")).await.ok();
    assert!(
        first["metadata"]["remainingItemCount"].as_i64().is_some_and(|left| left >= 3),
        "{}",
        first["metadata"]
    );
    let (mut found, mut next, mut requests, mut versions) = (Vec::new(), base.clone(), 0, Vec::new());
    loop {
        let page = backend.get("admin", &next).await.ok();
        requests += 1;
        found.extend(names(&page).into_iter().map(str::to_owned));
        versions.push(page["metadata"]["resourceVersion"].clone());
        if requests == 1 {
            // what is created between two pages belongs to neither
            let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m9", "labels": {"of": "six"}}});
            backend.post("admin", &path, &map).await.ok();
        }
        match page["metadata"]["continue"].as_str().filter(|token| !token.is_empty()) {
            Some(token) => next = format!("{base}&continue={token}"),
            None => break,
        }
    }
    assert_eq!((found.as_slice(), requests), (&["m0", "m1", "m2", "m3", "m4"].map(str::to_owned)[..], 3));
    versions.dedup();
    assert_eq!(versions.len(), 1, "{versions:?}");
    backend.get("admin", &format!("{base}&continue=nonsense")).await.refused(
        400,
        "BadRequest",
        "continue key is not valid",
    );
}
