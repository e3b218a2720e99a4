//! Admission: every refusal as a client sees it, and what people may not do at all.

use serde_json::{Value, json};

use super::backend::Backend;

/// The object, changed in one place.
pub fn with(mut object: Value, at: &str, value: Value) -> Value {
    let (parent, key) = at.rsplit_once('/').expect("a pointer");
    object.pointer_mut(parent).expect("the place exists")[key] = value;
    object
}

/// The words before the sentence of a policy.
pub fn denied(policy: &str, sentence: &str) -> String {
    format!(
        "ValidatingAdmissionPolicy 'release-cockpit-{policy}' with binding 'release-cockpit-{policy}' denied request: {sentence}"
    )
}

pub async fn releases_are_admitted_by_policy(backend: &Backend) {
    backend.environment().await;
    let path = backend.ours("releases");
    let release = || backend.release("one", "v1.0.0");
    let alien = json!([{"component": "backend", "image": "evil.example.com/x:v1.0.0"}]);
    let stranger = json!([{"component": "nobody", "image": "ghcr.io/acme/contract-backend:v1.0.0"}]);
    let spec = |at: &str, value: Value| with(release(), at, value);
    let namespace = &backend.namespace;
    let emergency = with(spec("/spec/emergency", json!(true)), "/spec/reason", json!("the house is on fire"));
    let emergency = with(emergency, "/spec/ticket", json!("INC-1"));
    for (object, code, reason, policy, sentence) in [
        (
            spec("/spec/requestedBy", json!("bob")),
            403,
            "Forbidden",
            "release",
            "IdentityMismatch: spec.requestedBy must be alice, not bob".to_owned(),
        ),
        (
            emergency,
            403,
            "Forbidden",
            "release",
            format!("VerbDenied: alice may not override environment staging in namespace {namespace}"),
        ),
        (
            spec("/metadata/finalizers", json!(["a.example.com/b"])),
            422,
            "Invalid",
            "release",
            "MetadataRefused: metadata.finalizers is set by the controller only".to_owned(),
        ),
        (
            spec("/metadata/labels", json!({"release-cockpit.dev/x": "y"})),
            422,
            "Invalid",
            "release",
            "MetadataRefused: labels and annotations".to_owned(),
        ),
        (
            spec("/spec/version", json!("nightly")),
            422,
            "Invalid",
            "release-environment",
            r"VersionRefused: version nightly does not match ^v\d+\.\d+\.\d+$ of staging".to_owned(),
        ),
        (
            spec("/spec/strategy", json!("canary")),
            422,
            "Invalid",
            "release-environment",
            "StrategyRefused: staging does not allow the strategy canary; allowed: rolling".to_owned(),
        ),
        (
            spec("/spec/images", alien),
            422,
            "Invalid",
            "release-environment",
            "ImageRefused: evil.example.com/x:v1.0.0 is not from the repository of component backend"
                .to_owned(),
        ),
        (
            spec("/spec/images", stranger),
            422,
            "Invalid",
            "release-environment",
            "ComponentUnknown: staging has no component nobody".to_owned(),
        ),
    ] {
        backend.post("alice", &path, &object).await.refused(code, reason, &denied(policy, &sentence));
        // a dry run tells the same
        backend.post("alice", &format!("{path}?dryRun=All"), &object).await.refused(
            code,
            reason,
            &denied(policy, &sentence),
        );
    }
}

pub async fn a_freeze_stops_releases(backend: &Backend) {
    backend.environment().await;
    let path = backend.ours("releases");
    let frozen = json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment", "status": {"frozen": {"by": "bob", "reason": "audit", "at": "2026-01-02T03:04:05Z"}}});
    let status = backend.ours("environments/staging/status");
    backend.patch("controller", &status, ("merge", &frozen)).await.ok();
    backend
        .until("the freeze is in force", || async {
            let refused =
                backend.post("alice", &format!("{path}?dryRun=All"), &backend.release("one", "v1.0.0")).await;
            (refused.code == 403).then(|| {
                refused.refused(
                    403,
                    "Forbidden",
                    &denied("release-environment", "EnvironmentFrozen: staging is frozen by bob (audit)"),
                )
            })
        })
        .await;
}

pub async fn actions_are_admitted_by_policy(backend: &Backend) {
    backend.environment().await;
    let path = backend.ours("releaseactions");
    let approval = || backend.approval("act", "one");
    let spec = |at: &str, value: Value| with(approval(), at, value);
    let unknown = json!([{"name": "board"}]);
    // a slot that exists: of several policies that refuse, the server lets any one speak
    let foreign = json!([{"name": "court", "group": "kings"}]);
    let namespace = &backend.namespace;
    for (who, object, code, reason, policy, sentence) in [
        (
            "bob",
            spec("/spec/actor", json!("carol")),
            403,
            "Forbidden",
            "action",
            "IdentityMismatch: spec.actor must be bob, not carol".to_owned(),
        ),
        (
            "alice",
            with(spec("/spec/actor", json!("alice")), "/spec/release/requestedBy", json!("carol")),
            403,
            "Forbidden",
            "action",
            format!(
                "VerbDenied: Approve needs the verb approve on environment staging in namespace {namespace}, which alice does not have"
            ),
        ),
        (
            "bob",
            spec("/spec/slots", foreign),
            403,
            "Forbidden",
            "action",
            "SlotDenied: bob is not in group kings of slot court".to_owned(),
        ),
        (
            "bob",
            spec("/spec/slots", json!([])),
            422,
            "Invalid",
            "action",
            "SlotMissing: Approve names the slots that it fills".to_owned(),
        ),
        (
            "bob",
            spec("/spec/slots", unknown),
            422,
            "Invalid",
            "action-environment",
            "SlotUnknown: staging has no approval slot board without a group".to_owned(),
        ),
        (
            "bob",
            spec("/spec/release/requestedBy", json!("bob")),
            403,
            "Forbidden",
            "action-environment",
            "SelfApproval: bob requested release one and may not approve it".to_owned(),
        ),
    ] {
        backend.post(who, &path, &object).await.refused(code, reason, &denied(policy, &sentence));
    }
    // the name of the author binds cluster administrators, too
    backend.post("admin", &path, &approval()).await.refused(403, "Forbidden", "IdentityMismatch");
    let made = backend.post("bob", &path, &approval()).await.ok();
    assert_eq!(made["spec"]["actor"], "bob");
}

pub async fn roles_limit_people(backend: &Backend) {
    backend.environment().await;
    let namespace = &backend.namespace;
    let words = format!(
        "releases.release-cockpit.dev is forbidden: User \"dave\" cannot create resource \"releases\" in API group \"release-cockpit.dev\" in the namespace \"{namespace}\""
    );
    let refused = backend
        .post("dave", &backend.ours("releases"), &backend.release("one", "v1.0.0"))
        .await
        .refused(403, "Forbidden", &words);
    assert_eq!(
        (&refused["details"]["group"], &refused["details"]["kind"]),
        (&json!("release-cockpit.dev"), &json!("releases"))
    );
    backend.post("alice", &backend.ours("releases"), &backend.release("one", "v1.0.0")).await.ok();
    let status = json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release", "status": {"phase": "Succeeded"}});
    for who in ["alice", "bob", "dave"] {
        let words = format!(
            "releases.release-cockpit.dev \"one\" is forbidden: User \"{who}\" cannot patch resource \"releases/status\" in API group \"release-cockpit.dev\" in the namespace \"{namespace}\""
        );
        backend
            .patch(who, &backend.ours("releases/one/status?fieldManager=x"), ("apply", &status))
            .await
            .refused(403, "Forbidden", &words);
        backend.patch(who, &backend.ours("environments/staging"), ("merge", &json!({}))).await.refused(
            403,
            "Forbidden",
            "cannot patch resource \"environments\"",
        );
    }
    // what no role forbids, a policy does
    let words = denied(
        "status",
        "ControllerOnly: releases/status is written by the controller; create a ReleaseAction instead",
    );
    backend.patch("admin", &backend.ours("releases/one/status"), ("merge", &status)).await.refused(
        403,
        "Forbidden",
        &words,
    );
    backend.get("alice", &backend.core("secrets")).await.refused(
        403,
        "Forbidden",
        "cannot list resource \"secrets\" in API group \"\"",
    );
    backend.get("dave", "/api/v1/pods").await.refused(403, "Forbidden", "pods is forbidden: User \"dave\" cannot list resource \"pods\" in API group \"\" at the cluster scope");
}

pub async fn records_never_change(backend: &Backend) {
    backend.environment().await;
    let made = backend.post("alice", &backend.ours("releases"), &backend.release("one", "v1.0.0")).await.ok();
    let one = backend.ours("releases/one");
    backend.delete("alice", &one, &Value::Null).await.refused(
        403,
        "Forbidden",
        "cannot delete resource \"releases\"",
    );
    let words = |operation: &str| {
        denied(
            "records",
            &format!(
                "RecordImmutable: releases are records: {operation} is for the controller only; create a ReleaseAction instead"
            ),
        )
    };
    backend.delete("admin", &one, &Value::Null).await.refused(403, "Forbidden", &words("DELETE"));
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    backend.patch("admin", &one, ("merge", &label)).await.refused(403, "Forbidden", &words("UPDATE"));
    let changed = with(made.clone(), "/spec/version", json!("v9.9.9"));
    let refused = backend.put("admin", &one, &changed).await;
    refused.refused(422, "Invalid", "spec is immutable: abort this release and create another");
    let found = backend.get("alice", &one).await.ok();
    assert_eq!(found["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    backend.post("bob", &backend.ours("releaseactions"), &backend.approval("act", "one")).await.ok();
    let other = json!({"spec": {"reason": "another reason"}});
    backend.patch("admin", &backend.ours("releaseactions/act"), ("merge", &other)).await.refused(
        422,
        "Invalid",
        "actions are immutable",
    );
}

pub async fn images_carry_their_version(backend: &Backend) {
    backend.environment().await;
    let path = format!("{}?dryRun=All", backend.ours("releases"));
    let digest = format!("@sha256:{}", "a".repeat(64));
    let repository = "ghcr.io/acme/contract-backend";
    let release = |kind: &str, version: &str, image: &str| {
        let images = json!([{"component": "backend", "image": format!("{repository}{image}")}]);
        let release = with(backend.release("one", version), "/spec/images", images);
        with(with(release, "/spec/kind", json!(kind)), "/spec/reason", json!("because of the check"))
    };
    let refused = async |version: &str, image: &str, sentence: &str| {
        for kind in ["Deploy", "Promote"] {
            let answer = backend.post("alice", &path, &release(kind, version, image)).await;
            answer.refused(422, "Invalid", &denied("release-environment", sentence));
        }
    };
    for tag in [":pr-666", ":v1.0.0-evil", ":v1.0", ":1.0.0", ":pr-666@"] {
        let image = tag.replace('@', &digest);
        let sentence = format!(
            "VersionMismatch: {repository}{image} does not carry version v1.0.0: its tag must be v1.0.0"
        );
        refused("v1.0.0", &image, &sentence).await;
    }
    // what a digest is only a registry can tell, and what ran before may be called otherwise
    for (kind, image) in [
        ("Deploy", format!(":v1.0.0{digest}")),
        ("Deploy", digest.clone()),
        ("Rollback", ":pr-666".to_owned()),
    ] {
        backend.post("alice", &path, &release(kind, "v1.0.0", &image)).await.ok();
    }
    let versions = json!({"pattern": r"v\d+|v\d+-[0-9a-f]+", "tag": "stage-{{sha}}", "requireDigest": true});
    let change = json!({"spec": {"versions": versions}});
    backend.patch("admin", &backend.ours("environments/staging"), ("merge", &change)).await.ok();
    let fitting = release("Deploy", "v1-4f2a9c1", &format!(":stage-4f2a9c1{digest}"));
    backend
        .until("the policies see the mapping", || async {
            (backend.post("alice", &path, &fitting).await.code == 201).then_some(())
        })
        .await;
    for (version, image, sentence) in [
        (
            "xv1-4f2a9c1",
            format!(":stage-4f2a9c1{digest}"),
            r"VersionRefused: version xv1-4f2a9c1 does not match v\d+|v\d+-[0-9a-f]+ of staging".to_owned(),
        ),
        (
            "v1",
            format!(":stage-{digest}"),
            "VersionMismatch: version v1 does not end with a commit, which versions.tag stage-{{sha}} takes from it"
                .to_owned(),
        ),
        (
            "v1-4f2a9c1",
            format!(":stage-4f2a9c2{digest}"),
            format!(
                "VersionMismatch: {repository}:stage-4f2a9c2{digest} does not carry version v1-4f2a9c1: its tag must be stage-4f2a9c1"
            ),
        ),
        (
            "v1-4f2a9c1",
            ":stage-4f2a9c1".to_owned(),
            format!("DigestMissing: {repository}:stage-4f2a9c1 has no digest, which staging requires"),
        ),
    ] {
        refused(version, &image, &sentence).await;
    }
}

pub async fn an_environment_that_holds_anything_stays(backend: &Backend) {
    backend.environment().await;
    let (one, all) = (backend.ours("environments/staging"), backend.ours("environments"));
    let digest = format!("sha256:{}", "a".repeat(64));
    let at = "2026-01-02T03:04:05Z";
    let debt = json!({"id": "release/1", "by": "bob", "at": at, "what": "emergency", "reason": "fire"});
    let chain = json!({"sequence": 1, "hash": digest, "removed": 0, "removedHash": ""});
    let write = async |status: Value| {
        let status = json!({"status": status});
        backend.patch("controller", &format!("{one}/status"), ("merge", &status)).await.ok();
    };
    for (status, why) in [
        (json!({"frozen": {"by": "oscar", "reason": "audit", "inFlight": "Finish"}}), "is frozen"),
        (json!({"frozen": null, "debts": [debt]}), "has debts to review"),
        (json!({"debts": [], "denied": [{"digest": digest}]}), "denies images"),
        (json!({"denied": [], "chain": chain}), "has records"),
    ] {
        write(status).await;
        let namespace = &backend.namespace;
        let sentence = format!(
            "EnvironmentKept: staging {why}: retire it first (release-cockpit retire {namespace}/staging)"
        );
        // a request for a collection names no object
        for (path, name) in [(&one, "staging"), (&all, "Unknown")] {
            let answer = backend.delete("admin", path, &Value::Null).await;
            let refused = answer.refused(403, "Forbidden", &denied("environment-deletion", &sentence));
            let message = refused["message"].as_str().unwrap_or_default();
            let start = format!("environments.release-cockpit.dev \"{name}\" is forbidden: ");
            assert!(message.starts_with(&start), "{message}");
        }
    }
    backend.get("admin", &one).await.ok();
    let retired = json!({"by": "oscar", "at": at, "until": "2026-01-02T04:04:05Z", "reason": "it is gone"});
    write(json!({"retired": retired})).await;
    backend.delete("admin", &one, &Value::Null).await.ok();
    backend.get("admin", &one).await.refused(404, "NotFound", "\"staging\" not found");
    // one that holds nothing goes as it came
    backend.environment().await;
    backend.delete("admin", &one, &Value::Null).await.ok();
}
