//! Every shape of failure that an API server is known to give, and the sentence that it must become.

use serde_json::{Value, json};

use super::*;

fn judged(code: u16, reason: &str, message: &str, details: Value) -> Error {
    let status: Status = serde_json::from_value(json!({
        "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message, "details": details,
    }))
    .unwrap();
    Error::of_status(&status, "releases.release-cockpit.dev")
}

fn refusal(code: u16, words: &str) -> Error {
    let text = format!(
        "ValidatingAdmissionPolicy 'release-cockpit-release' with binding 'b' denied request: {words}"
    );
    let message = format!("releases.release-cockpit.dev \"f1\" is forbidden: {text}");
    judged(code, "Invalid", &message, json!({"causes": [{"message": text}]}))
}

#[test]
fn policies_speak_for_themselves() {
    let cases: [(u16, &str, &str); 5] = [
        (403, "IdentityMismatch: spec.requestedBy must be alice, not bob", "IdentityMismatch"),
        (403, "EnvironmentFrozen: frozen by carol until 18:00: release party", "EnvironmentFrozen"),
        (
            422,
            r"VersionRefused: version 1.2.3 does not match ^v\d+\.\d+\.\d+$ of production",
            "VersionRefused",
        ),
        (403, "SelfApproval: bob asked for this release", "SelfApproval"),
        (403, "no code here", ""),
    ];
    for (code, words, expected) in cases {
        let error = refusal(code, words);
        assert_eq!(error.kind(), &Kind::Refused { code: expected.into() }, "{words}");
        assert_eq!(error.to_string(), words);
        assert!(!error.is_transient() && !error.may_have_arrived());
    }
}

#[test]
fn a_missing_environment_has_two_faces() {
    let by_code = refusal(422, "EnvironmentNotFound: no Environment nowhere in prod");
    let own_words =
        "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction";
    let by_words = judged(422, "Invalid", own_words, json!({}));
    assert_eq!(by_code.kind(), &Kind::EnvironmentNotFound);
    assert_eq!(by_words.kind(), &Kind::EnvironmentNotFound);
    assert!(by_words.to_string().contains("no Environment"));
}

#[test]
fn a_broken_policy_is_not_our_fault() {
    let error = refusal(422, "expression 'object.x' resulted in error: no such key: x");
    assert_eq!(error.kind(), &Kind::Server);
    assert!(error.to_string().contains("report this"), "{error}");
}

#[test]
fn rbac_says_what_to_ask_for() {
    for (message, expected) in [
        (
            r#"pods is forbidden: User "dave" cannot list resource "pods" in API group "" in the namespace "prod""#,
            "you may not list pods in namespace prod: ask for the verb `list` on `pods` there",
        ),
        (
            r#"releases.release-cockpit.dev is forbidden: User "dave" cannot create resource "releases" in API group "release-cockpit.dev" in the namespace "prod""#,
            "you may not create releases in namespace prod: ask for the verb `create` on `releases.release-cockpit.dev` there",
        ),
        (
            r#"environments.release-cockpit.dev is forbidden: User "dave" cannot list resource "environments" in API group "release-cockpit.dev" at the cluster scope"#,
            "you may not list environments in the whole cluster: ask for the verb `list` on `environments.release-cockpit.dev` there",
        ),
        ("forbidden by the moon", "you may not do this: forbidden by the moon"),
    ] {
        let error = judged(403, "Forbidden", message, json!({"kind": "pods"}));
        assert_eq!((error.kind(), error.to_string().as_str()), (&Kind::Denied, expected));
    }
}

#[test]
fn statuses_become_sentences() {
    let named = json!({"name": "x", "group": "release-cockpit.dev", "kind": "releases"});
    let cases: [(u16, &str, &str, Value, Kind, &str); 13] = [
        (401, "Unauthorized", "Unauthorized", json!({}), Kind::Credentials, "log in again"),
        (
            404,
            "Failed to parse error data",
            "404 page not found",
            json!({}),
            Kind::NotInstalled,
            "manifests crds",
        ),
        (404, "NotFound", "releases \"x\" not found", named, Kind::NotFound, "x does not exist"),
        (409, "AlreadyExists", "releases \"x\" already exists", json!({}), Kind::AlreadyExists, "taken"),
        (409, "Conflict", "the object has been modified", json!({}), Kind::Conflict, "first"),
        (410, "Expired", "too old resource version", json!({}), Kind::Gone, "again"),
        (
            413,
            "RequestEntityTooLarge",
            "Request entity too large: limit is 3145728",
            json!({}),
            Kind::Invalid,
            "too large",
        ),
        (
            400,
            "BadRequest",
            "strict decoding error: unknown field \"spec.approved\"",
            json!({}),
            Kind::Invalid,
            "spec.approved",
        ),
        (
            403,
            "Forbidden",
            "x is forbidden: exceeded quota: records, requested: 1",
            json!({}),
            Kind::Quota,
            "records",
        ),
        (429, "TooManyRequests", "slow", json!({"retryAfterSeconds": 7}), Kind::Busy, "wait 7 s"),
        (500, "InternalError", "etcd: no leader", json!({}), Kind::Server, "etcd"),
        (503, "ServiceUnavailable", "shutting down", json!({}), Kind::Server, "503"),
        (418, "Teapot", "short and stout", json!({}), Kind::Server, "418"),
    ];
    for (code, reason, message, details, kind, part) in cases {
        let error = judged(code, reason, message, details);
        assert_eq!(error.kind(), &kind, "{code} {message}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn schema_errors_name_their_fields_and_drop_the_noise() {
    let error = judged(
        422,
        "Invalid",
        "Release.release-cockpit.dev \"f18\" is invalid: [spec.version: …]",
        json!({"causes": [
            {"reason": "FieldValueTooLong", "message": "Too long: may not be more than 128 bytes", "field": "spec.version"},
            {"reason": "FieldValueInvalid", "message": "Invalid value: null: some validation rules were not checked", "field": "<nil>"},
        ]}),
    );
    assert_eq!(error.to_string(), "spec.version: Too long: may not be more than 128 bytes");
    let root = judged(422, "Invalid", "X \"a\" is invalid: <nil>: Invalid value: name too long", json!({}));
    assert_eq!(root.to_string(), "Invalid value: name too long");
}

#[test]
fn nothing_that_a_terminal_obeys_gets_through() {
    let error = refusal(403, "Code: \u{1b}[2Jgone\u{202e}");
    assert_eq!(error.to_string(), "Code: gone");
}

#[test]
fn transport_failures_are_told_apart() {
    let io = |kind| kube::Error::Service(Box::new(io::Error::from(kind)));
    for (error, kind) in [
        (io(io::ErrorKind::ConnectionRefused), Kind::Unreachable),
        (io(io::ErrorKind::TimedOut), Kind::NoAnswer),
        (io(io::ErrorKind::ConnectionReset), Kind::NoAnswer),
        (kube::Error::Service("dns error: failed to lookup address information".into()), Kind::Unreachable),
        (
            kube::Error::Service(Box::new(rustls::Error::InvalidCertificate(
                rustls::CertificateError::UnknownIssuer,
            ))),
            Kind::Tls,
        ),
    ] {
        let translated = Error::of(error, "pods");
        assert_eq!(translated.kind(), &kind, "{translated}");
    }
    assert!(Error::timeout(15).is_transient() && Error::timeout(15).may_have_arrived());
}

#[test]
fn a_failure_of_our_own_passes_through_the_client() {
    let ours = Error::new(Kind::Credentials, "the credential plugin x is not installed: install it");
    assert_eq!(Error::of(kube::Error::Service(Box::new(ours.clone())), "pods"), ours);
}

#[test]
fn a_proxy_that_is_in_the_way_is_named() {
    let proxy = "http://127.0.0.1:9 (HTTPS_PROXY)";
    let refused = kube::Error::Service(Box::new(io::Error::from(io::ErrorKind::ConnectionRefused)));
    let error = Error::of(refused, "pods").behind_proxy(proxy);
    assert_eq!(error.kind(), &Kind::Unreachable);
    assert!(error.to_string().contains(proxy) && error.to_string().contains("connection refused"), "{error}");
    let denied = judged(403, "Forbidden", "no", json!({}));
    assert_eq!(denied.clone().behind_proxy(proxy), denied);
}
