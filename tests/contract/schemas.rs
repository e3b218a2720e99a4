//! What the definitions refuse: unknown fields, wrong values, broken rules.

use serde_json::{Value, json};

use super::backend::Backend;

/// Changes one place of an object.
fn with(mut object: Value, at: &str, value: Value) -> Value {
    let (parent, key) = at.rsplit_once('/').expect("a pointer");
    object.pointer_mut(parent).expect("the place exists")[key] = value;
    object
}

pub async fn unknown_fields(backend: &Backend) {
    backend.environment().await;
    let path = backend.ours("releases");
    let odd = with(backend.release("one", "v1.0.0"), "/spec/nonsense", json!(1));
    backend.post("alice", &format!("{path}?fieldValidation=Strict"), &odd).await.refused(
        400,
        "BadRequest",
        "strict decoding error: unknown field \"spec.nonsense\"",
    );
    let warned = backend.post("alice", &format!("{path}?fieldValidation=Warn&dryRun=All"), &odd).await;
    assert!(
        warned.warnings.iter().any(|w| w.contains("unknown field \\\"spec.nonsense\\\"")),
        "{:?}",
        warned.warnings
    );
    assert_eq!(warned.ok()["spec"].get("nonsense"), None);
    let silent = backend.post("alice", &format!("{path}?fieldValidation=Ignore"), &odd).await;
    assert_eq!(silent.warnings, Vec::<String>::new());
    assert_eq!(silent.ok()["spec"].get("nonsense"), None);
    let deployment = with(backend.deployment("backend", 1, "x:v1"), "/spec/replica", json!(1));
    backend
        .post("admin", &format!("{}?fieldValidation=Strict", backend.apps("deployments")), &deployment)
        .await
        .refused(400, "BadRequest", "strict decoding error: unknown field \"spec.replica\"");
}

pub async fn wrong_values(backend: &Backend) {
    backend.environment().await;
    let path = backend.ours("releases");
    let release = || backend.release("one", "v1.0.0");
    for (at, value, field, words) in [
        (
            "/spec/kind",
            json!("Explode"),
            "spec.kind",
            "Unsupported value: \"Explode\": supported values: \"Deploy\", \"Promote\", \"Rollback\"",
        ),
        ("/spec/version", json!(7), "spec.version", "must be of type string: \"integer\""),
        ("/spec/version", json!(""), "spec.version", "should be at least 1 chars long"),
        ("/spec/version", json!("v".repeat(129)), "spec.version", "Too long: may not be more than 128"),
        ("/spec/version", json!("-x"), "spec.version", "should match '^[0-9A-Za-z][0-9A-Za-z._+-]*$'"),
        ("/spec/environment", Value::Null, "spec.environment", "Required value"),
        ("/spec/images", json!([]), "spec.images", "should have at least 1 items"),
    ] {
        let refused = backend
            .post("alice", &path, &with(release(), at, value.clone()))
            .await
            .refused(422, "Invalid", words);
        let causes = refused["details"]["causes"].as_array().cloned().unwrap_or_default();
        assert!(causes.iter().any(|cause| cause["field"] == field), "{at} {value}: {causes:?}");
        let message = refused["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("Release.release-cockpit.dev \"one\" is invalid: "), "{message}");
    }
    for (name, words) in [("One", "a lowercase RFC 1123 subdomain"), ("", "name or generateName is required")]
    {
        let refused = backend.post("alice", &path, &with(release(), "/metadata/name", json!(name))).await;
        refused.refused(422, "Invalid", words);
    }
    let elsewhere = with(release(), "/metadata/namespace", json!("elsewhere"));
    backend.post("alice", &path, &elsewhere).await.refused(
        400,
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
    );
    let other = with(release(), "/kind", json!("Environment"));
    backend.post("alice", &path, &other).await.refused(
        422,
        "Invalid",
        "kind: Invalid value: \"Environment\": must be Release",
    );
    let twice = json!([{"component": "backend", "image": "a:b"}, {"component": "backend", "image": "a:c"}]);
    backend.post("alice", &path, &with(release(), "/spec/images", twice)).await.refused(
        422,
        "Invalid",
        "Duplicate value",
    );
    let long = with(release(), "/metadata/name", json!("n".repeat(64)));
    backend.post("alice", &path, &long).await.refused(422, "Invalid", "metadata.name: at most 63 characters");
}

pub async fn rules_of_releases(backend: &Backend) {
    backend.environment().await;
    let path = backend.ours("releases");
    let rollback = with(backend.release("one", "v1.0.0"), "/spec/kind", json!("Rollback"));
    backend.post("alice", &path, &rollback).await.refused(422, "Invalid", "a rollback needs spec.reason");
    let emergency = with(backend.release("one", "v1.0.0"), "/spec/emergency", json!(true));
    let emergency = with(emergency, "/spec/ticket", json!("INC-1"));
    backend.post("alice", &path, &emergency).await.refused(
        422,
        "Invalid",
        "an emergency release needs spec.reason (10 characters or more)",
    );
    backend.post("alice", &path, &with(rollback, "/spec/reason", json!("errors"))).await.ok();
}

pub async fn rules_of_actions(backend: &Backend) {
    backend.environment().await;
    let path = backend.ours("releaseactions");
    let action = || backend.approval("act", "one");
    let without = |at: &str| {
        let mut action = action();
        let (parent, key) = at.rsplit_once('/').expect("a pointer");
        action.pointer_mut(parent).and_then(Value::as_object_mut).expect("the place exists").remove(key);
        action
    };
    let kind = |kind: &str| {
        let mut action = action();
        action["spec"]["action"] = json!(kind);
        action["spec"].as_object_mut().expect("a spec").remove("slots");
        action
    };
    for (object, words) in [
        (without("/spec/expected"), "Approve and Check need spec.expected.planDigest"),
        (without("/spec/release"), "every other action needs spec.release"),
        (without("/spec/release/requestedBy"), "Approve needs spec.release.requestedBy"),
        (kind("Pause"), "need spec.expected.step"),
        (kind("Abort"), "this action needs spec.reason"),
        (kind("Freeze"), "act on the environment (no spec.release)"),
        (with(action(), "/spec/action", json!("Reject")), "only Approve fills slots"),
        (with(action(), "/spec/release/uid", json!("x")), "spec.release.uid"),
    ] {
        backend.post("bob", &path, &object).await.refused(422, "Invalid", words);
    }
    backend.post("bob", &path, &action()).await.ok();
}

/// Values that no reader takes, or that lead nowhere, are refused where they are written.
pub async fn bounded_values(backend: &Backend) {
    let stored = backend.environment().await;
    let path = backend.ours("releaseactions");
    for at in [
        "2027-01-15T08:00:00+99:99",
        "2027-01-15T08:00:00+24:00",
        "2027-01-15T08:00:00ZTx",
        "2027-13-15T08:00:00Z",
        "0001-01-15T08:00:00Z",
        "2027-01-15T08:00:00",
    ] {
        let odd = with(backend.approval("act", "one"), "/spec/evidence", json!({"at": at}));
        backend.post("bob", &path, &odd).await.refused(422, "Invalid", "spec.evidence.at");
    }
    for number in [json!(1e20), json!(9_007_199_254_740_993_i64), json!(2.5)] {
        let odd = with(backend.approval("act", "one"), "/spec/evidence", json!({"weight": number}));
        backend.post("bob", &path, &odd).await.refused(422, "Invalid", "spec.evidence.weight");
    }
    let path = backend.ours("environments");
    let metadata = json!({"name": "odd", "namespace": backend.namespace});
    let fresh = with(json!({"root": stored}), "/root/metadata", metadata)["root"].clone();
    for bake in ["99999999999999999999d", "100000000d", "3100d", "", "5", "1h1h", "1x"] {
        let odd = with(fresh.clone(), "/spec/bake", json!(bake));
        backend.post("admin", &path, &odd).await.refused(422, "Invalid", "spec.bake");
    }
    for (at, field, names) in [
        (
            "/spec/components/0/name",
            "spec.components[0].name",
            &["Back_End", "back.end", "-x", "x-", "a b", "ä", ""][..],
        ),
        ("/spec/components/0/container", "spec.components[0].container", &["A", "a.b", "../x"]),
        (
            "/spec/components/0/workload/name",
            "spec.components[0].workload.name",
            &["../x", "A", "a..b", "a/b"],
        ),
    ] {
        for name in names {
            let odd = with(fresh.clone(), at, json!(name));
            backend.post("admin", &path, &odd).await.refused(422, "Invalid", field);
        }
    }
    for (metrics, field) in [
        (json!({"limits": {"errorRate": -0.1}}), "spec.metrics.limits.errorRate"),
        (json!({"limits": {"latency": -1}}), "spec.metrics.limits.latency"),
        (json!({"limits": {"latency": 1e13}}), "spec.metrics.limits.latency"),
        (json!({"limits": {"errorRate": 5}}), "errorRate is a ratio"),
        (json!({"panes": [{"name": "queue", "query": "queue", "warn": -1}]}), "spec.metrics.panes[0].warn"),
        (
            json!({"panes": [{"name": "queue", "query": "queue", "critical": -1}]}),
            "spec.metrics.panes[0].critical",
        ),
        (json!({"slo": {"objective": 101}}), "spec.metrics.slo.objective"),
        (json!({"slo": {"objective": 99, "minRequests": -1}}), "spec.metrics.slo.minRequests"),
    ] {
        let odd = with(fresh.clone(), "/spec/metrics", metrics);
        backend.post("admin", &path, &odd).await.refused(422, "Invalid", field);
    }
    let fine = json!({"limits": {"errorRate": 0.05, "latency": 2, "queue": 100_000}});
    let dry = format!("{path}?dryRun=All");
    backend.post("admin", &dry, &with(fresh.clone(), "/spec/metrics", fine)).await.ok();
    // a version must succeed somewhere else first
    let from = |name: &str| json!({"from": {"namespace": backend.namespace, "name": name}});
    let itself = with(fresh.clone(), "/spec/promotion", from("odd"));
    backend.post("admin", &path, &itself).await.refused(422, "Invalid", "PromotionFromItself");
    backend.post("admin", &dry, &with(fresh.clone(), "/spec/promotion", from("staging"))).await.ok();
}
