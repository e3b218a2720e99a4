//! What the API server's own log tells of attempts.

use super::*;

fn line(verb: &str, resource: &str, code: u16, more: &Value) -> String {
    let mut line = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "a-1", "stage": "ResponseComplete",
        "requestURI": format!("/apis/release-cockpit.dev/v1alpha1/namespaces/shop/{resource}"), "verb": verb,
        "user": {"username": "mallory", "groups": ["operators"]},
        "objectRef": {"resource": resource, "namespace": "shop", "name": "x", "apiGroup": "release-cockpit.dev"},
        "responseStatus": {"code": code, "message": "denied request: IdentityMismatch: no"},
        "requestReceivedTimestamp": "2026-11-21T10:00:00.123456Z",
    });
    if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
        line.extend(more.clone());
    }
    line.to_string()
}

#[test]
fn refusals_of_changes_to_our_kinds_are_kept_and_nothing_else() {
    for (line, kept) in [
        (line("create", "releases", 403, &json!({})), true),
        (line("create", "releaseactions", 422, &json!({})), true),
        (line("delete", "releaseactions", 403, &json!({})), true),
        (line("patch", "environments", 403, &json!({})), true),
        (line("create", "releases", 403, &json!({"user": {"username": CONTROLLER_USER}})), true),
        (
            line(
                "create",
                "releases",
                403,
                &json!({
                    "user": {"username": CONTROLLER_USER},
                    "objectRef": {"resource": "releases", "name": "release-cockpit-probe", "apiGroup": "release-cockpit.dev"},
                }),
            ),
            false,
        ),
        (line("create", "releases", 201, &json!({})), false),
        (line("create", "releases", 409, &json!({})), false),
        (line("create", "releases", 500, &json!({})), false),
        (line("get", "releases", 403, &json!({})), false),
        (line("create", "pods", 403, &json!({})), false),
        (line("create", "releases", 403, &json!({"stage": "RequestReceived"})), false),
        (
            line(
                "create",
                "releases",
                403,
                &json!({"objectRef": {"resource": "releases", "apiGroup": "other"}}),
            ),
            false,
        ),
    ] {
        assert_eq!(read_server_log(&line).attempts.len(), usize::from(kept), "{line}");
    }
}

#[test]
fn an_attempt_tells_who_when_what_and_why_not() {
    let policy = json!({"annotations": {"release-cockpit-action/verb": "Approve shop/production"},
        "requestURI": "/apis/x?dryRun=All", "impersonatedUser": {"username": "bob"}});
    let rbac = json!({"responseStatus": {"code": 403, "message": "releases is forbidden: User \"dave\" cannot create"},
        "objectRef": {"resource": "releases", "namespace": "shop", "apiGroup": "release-cockpit.dev"}});
    let text = format!(
        "{}\n\nnot json\n{}\n",
        line("create", "releaseactions", 403, &policy),
        line("create", "releases", 403, &rbac)
    );
    let reading = read_server_log(&text);
    assert_eq!(reading.unreadable, 1);
    let [first, second] = reading.attempts.as_slice() else { panic!("{reading:?}") };
    assert_eq!(first.by(), "bob (sent by mallory)");
    assert_eq!(first.what, "create releaseactions: Approve (dry run)");
    assert_eq!((first.environment.as_deref(), first.outcome.as_str()), (Some("production"), "Refused"));
    assert_eq!(first.code, Some(403));
    assert_eq!(first.at.unwrap().to_rfc3339(), "2026-11-21T10:00:00.123456+00:00");
    assert_eq!(
        (second.environment.clone(), second.outcome.as_str(), second.on()),
        (None, "Denied", "shop".into())
    );
}
