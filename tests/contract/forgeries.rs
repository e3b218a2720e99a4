//! Attempts to be somebody else, to do what one may not, and to change what happened: each with the very sentence of its refusal.
//! An attempt breaks one rule only: of several policies that refuse, a server lets any one speak.

use http::{Method, Request};
use kube::client::Body;
use serde_json::{Value, json};

use super::backend::{Answer, Backend};
use super::policies::{denied, with};

/// `sha256:` and 64 times this letter.
fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

/// The refusal is of this policy, with this sentence and no other word.
#[track_caller]
fn assert_denied(answer: Answer, (policy, sentence): (&str, &str)) {
    let forbidden = [
        "IdentityMismatch",
        "VerbDenied",
        "SlotDenied",
        "SelfApproval",
        "SelfReview",
        "EnvironmentFrozen",
        "DigestDenied",
    ];
    let (code, reason) = if forbidden.iter().any(|code| sentence.starts_with(code)) {
        (403, "Forbidden")
    } else {
        (422, "Invalid")
    };
    // the server trims what a policy says
    let words = denied(policy, sentence.trim());
    let body = answer.refused(code, reason, &words);
    assert!(body["message"].as_str().is_some_and(|message| message.ends_with(&words)), "{words}\n  {body}");
    assert_eq!(body["details"]["causes"], json!([{"message": words}]));
}

/// Sends an object that must be refused so.
async fn refused(
    backend: &Backend,
    who: &str,
    plural: &str,
    (object, policy, sentence): (&Value, &str, &str),
) {
    let answer = backend.post(who, &backend.ours(plural), object).await;
    assert_denied(answer, (policy, sentence));
}

/// Sends an object that must be taken, without leaving it there.
async fn taken(backend: &Backend, who: &str, plural: &str, object: &Value) -> Value {
    backend.post(who, &format!("{}?dryRun=All", backend.ours(plural)), object).await.ok()
}

pub async fn releases_of_others(backend: &Backend) {
    backend.environment().await;
    let named = |name: &str| with(backend.release("one", "v1.0.0"), "/spec/requestedBy", json!(name));
    // another's, look-alikes in Cyrillic, capitals, with spaces and with what cannot be seen
    for name in [
        "bob",
        "\u{430}lice",
        "Alice",
        "ALICE",
        "alice\u{200b}",
        " alice",
        "alice ",
        "system:masters",
        "alice,bob",
    ] {
        let sentence = format!("IdentityMismatch: spec.requestedBy must be alice, not {name}");
        refused(backend, "alice", "releases", (&named(name), "release", &sentence)).await;
    }
    // cluster administrators are no exception
    let sentence = "IdentityMismatch: spec.requestedBy must be admin, not alice";
    refused(backend, "admin", "releases", (&named("alice"), "release", sentence)).await;
    let generated = with(named("bob"), "/metadata", json!({"generateName": "forged-"}));
    let answer = backend.post("alice", &backend.ours("releases"), &generated).await;
    assert_denied(answer, ("release", "IdentityMismatch: spec.requestedBy must be alice, not bob"));
    // nor is a creation by apply
    let path = backend.ours("releases/applied?fieldManager=test");
    let applied = with(named("alice"), "/metadata/name", json!("applied"));
    let answer = backend.patch("admin", &path, ("apply", &applied)).await;
    assert_denied(answer, ("release", sentence));
    backend.patch("alice", &path, ("apply", &applied)).await.refused(
        403,
        "Forbidden",
        "cannot patch resource \"releases\"",
    );
    // who says nothing is stamped
    let mut silent = named("");
    assert_eq!(taken(backend, "alice", "releases", &silent).await["spec"]["requestedBy"], "alice");
    silent["spec"].as_object_mut().expect("a spec").remove("requestedBy");
    assert_eq!(taken(backend, "alice", "releases", &silent).await["spec"]["requestedBy"], "alice");
}

pub async fn actions_of_others(backend: &Backend) {
    backend.environment().await;
    let named = |name: &str| with(backend.approval("act", "one"), "/spec/actor", json!(name));
    for name in ["carol", "b\u{43e}b", "Bob", "bob\u{200d}", "bob ", "bob-admin"] {
        let sentence = format!("IdentityMismatch: spec.actor must be bob, not {name}");
        refused(backend, "bob", "releaseactions", (&named(name), "action", &sentence)).await;
    }
    for who in ["carol", "bob-admin"] {
        let sentence = format!("IdentityMismatch: spec.actor must be {who}, not bob");
        refused(backend, who, "releaseactions", (&named("bob"), "action", &sentence)).await;
    }
    let mut silent = named("");
    assert_eq!(taken(backend, "bob", "releaseactions", &silent).await["spec"]["actor"], "bob");
    silent["spec"].as_object_mut().expect("a spec").remove("actor");
    assert_eq!(taken(backend, "bob", "releaseactions", &silent).await["spec"]["actor"], "bob");
    // what only the controller can see: a wrong requester, a release that is not there
    let lie =
        with(backend.approval("act", "nothing-of-that-name"), "/spec/release/requestedBy", json!("nobody"));
    taken(backend, "bob", "releaseactions", &lie).await;
}

pub async fn metadata_of_records(backend: &Backend) {
    backend.environment().await;
    let mine = "MetadataRefused: labels and annotations with the prefix release-cockpit.dev/ are set by the controller only";
    let many: serde_json::Map<String, Value> = (0..9).map(|n| (format!("a{n}"), json!("b"))).collect();
    let owner = json!([{"apiVersion": "v1", "kind": "Namespace", "name": "x", "uid": "00000000-0000-4000-8000-000000000000"}]);
    for (who, plural, policy, object, most) in [
        ("alice", "releases", "release", backend.release("one", "v1.0.0"), 32),
        ("bob", "releaseactions", "action", backend.approval("act", "one"), 8),
    ] {
        let full = format!("MetadataRefused: at most 8 annotations of {most} KiB each");
        for (at, value, sentence) in [
            (
                "finalizers",
                json!(["example.com/stay"]),
                "MetadataRefused: metadata.finalizers is set by the controller only",
            ),
            (
                "ownerReferences",
                owner.clone(),
                "MetadataRefused: metadata.ownerReferences is not allowed: a record is not owned",
            ),
            ("labels", json!({"release-cockpit.dev/approved": "true"}), mine),
            ("annotations", json!({"release-cockpit.dev/approved": "true"}), mine),
            ("annotations", json!(many), full.as_str()),
            ("annotations", json!({"a": "b".repeat(most * 1024 + 1)}), full.as_str()),
        ] {
            let odd = with(object.clone(), &format!("/metadata/{at}"), value);
            refused(backend, who, plural, (&odd, policy, sentence)).await;
        }
        let free = with(object.clone(), "/metadata/labels", json!({"team": "shop"}));
        taken(backend, who, plural, &free).await;
        // neither status nor times can be brought along
        let mut ready = object.clone();
        ready["status"] = json!({"phase": "Succeeded", "result": "Applied"});
        ready["metadata"]["creationTimestamp"] = json!("2001-01-01T00:00:00Z");
        let made = taken(backend, who, plural, &ready).await;
        assert!(
            made.get("status").is_none_or(|status| status.get("phase").or(status.get("result")).is_none()),
            "{made}"
        );
        assert_ne!(made["metadata"]["creationTimestamp"], "2001-01-01T00:00:00Z");
    }
}

pub async fn releases_that_do_not_fit(backend: &Backend) {
    backend.environment().await;
    let namespace = &backend.namespace;
    let spec = |at: &str, value: Value| with(backend.release("one", "v1.0.0"), at, value);
    let image = |name: &str| spec("/spec/images", json!([{"component": "backend", "image": name}]));
    let emergency = with(spec("/spec/emergency", json!(true)), "/spec/reason", json!("the house is on fire"));
    let emergency = with(emergency, "/spec/ticket", json!("INC-1"));
    let pattern = r"does not match ^v\d+\.\d+\.\d+$ of staging";
    let foreign =
        |name: &str| format!("ImageRefused: {name} is not from the repository of component backend");
    let look_alikes = [
        "ghcr.io/acme/contract-backend-evil:v1.0.0",
        "ghcr.io/acme/contract-backend/x:v1.0.0",
        "evil.io/ghcr.io/acme/contract-backend:v1.0.0",
    ];
    for name in look_alikes {
        refused(backend, "alice", "releases", (&image(name), "release-environment", &foreign(name))).await;
    }
    for version in ["1.0.0", "v1.0", "v1.0.0-evil", "vv1.0.0"] {
        let sentence = format!("VersionRefused: version {version} {pattern}");
        refused(
            backend,
            "alice",
            "releases",
            (&spec("/spec/version", json!(version)), "release-environment", &sentence),
        )
        .await;
    }
    let sentence = format!("VerbDenied: alice may not override environment staging in namespace {namespace}");
    refused(backend, "alice", "releases", (&emergency, "release", &sentence)).await;
    let promotion = with(emergency.clone(), "/spec/kind", json!("Promote"));
    refused(backend, "alice", "releases", (&promotion, "release", &sentence)).await;
    // an emergency needs no second right when it only goes back
    taken(backend, "alice", "releases", &with(emergency, "/spec/kind", json!("Rollback"))).await;
    let sentence = format!("VerbDenied: oscar may not deploy environment staging in namespace {namespace}");
    let his = spec("/spec/requestedBy", json!("oscar"));
    refused(backend, "oscar", "releases", (&his, "release", &sentence)).await;
    let sentence = format!("EnvironmentNotFound: no Environment nowhere in namespace {namespace}");
    refused(
        backend,
        "alice",
        "releases",
        (&spec("/spec/environment", json!("nowhere")), "environment-exists", &sentence),
    )
    .await;
    let lost = with(backend.approval("act", "one"), "/spec/environment", json!("nowhere"));
    refused(backend, "bob", "releaseactions", (&lost, "action-environment-exists", &sentence)).await;
    // whoever stops a release needs the release alone
    for (kind, who) in [("Pause", "alice"), ("Reject", "erin"), ("Abort", "alice"), ("Rollback", "alice")] {
        let stop = with(backend.action(kind, who, &json!({})), "/spec/environment", json!("nowhere"));
        taken(backend, who, "releaseactions", &stop).await;
    }
    let resume = with(backend.action("Resume", "alice", &json!({})), "/spec/environment", json!("nowhere"));
    refused(backend, "alice", "releaseactions", (&resume, "action-environment-exists", &sentence)).await;
    // where there is no Environment at all, the server finds words of its own
    let elsewhere = with(spec("/spec/requestedBy", json!("admin")), "/metadata/namespace", json!("default"));
    let answer = backend
        .post("admin", "/apis/release-cockpit.dev/v1alpha1/namespaces/default/releases", &elsewhere)
        .await;
    // each policy with a parameter denies, and any of them may answer
    let words = "denied request: failed to configure binding: no params found for policy binding with `Deny` \
                 parameterNotFoundAction";
    answer.refused(422, "Invalid", words);
    let erin = spec("/spec/requestedBy", json!("erin"));
    backend.post("erin", &backend.ours("releases"), &erin).await.refused(
        403,
        "Forbidden",
        "User \"erin\" cannot create resource \"releases\" in API group \"release-cockpit.dev\"",
    );
}

pub async fn verbs_of_actions(backend: &Backend) {
    let environment = backend.environment().await;
    let soon = after(&environment, 1);
    let until = json!({"until": soon});
    let none = json!({});
    let component = json!({"component": "backend", "replicas": 0});
    let gate = json!({"gate": "windows", "until": soon, "incident": "INC-1"});
    for (who, kind, parameters, verb) in [
        ("erin", "Start", &none, "deploy"),
        ("erin", "Pause", &none, "shift"),
        ("erin", "Resume", &none, "shift"),
        ("erin", "SetWeight", &json!({"weight": 50}), "shift"),
        ("erin", "Promote", &none, "shift"),
        ("erin", "PromoteFull", &none, "shift"),
        ("erin", "Retry", &none, "shift"),
        ("erin", "Drive", &until, "shift"),
        ("erin", "HandOver", &none, "shift"),
        ("erin", "Abort", &none, "rollback"),
        ("erin", "AbortAll", &none, "rollback"),
        ("erin", "Rollback", &none, "rollback"),
        ("alice", "Reject", &none, "approve"),
        ("alice", "Withdraw", &none, "approve"),
        ("alice", "Check", &json!({"item": "Migrations tested"}), "approve"),
        ("alice", "Review", &json!({"debt": "one"}), "approve"),
        ("bob", "Freeze", &until, "freeze"),
        ("bob", "Unfreeze", &none, "freeze"),
        ("bob", "Deny", &json!({"digest": digest("a")}), "freeze"),
        ("bob", "Allow", &json!({"digest": digest("a")}), "freeze"),
        ("bob", "Scale", &component, "scale"),
        ("bob", "Restart", &component, "scale"),
        ("oscar", "Override", &gate, "override"),
        ("oscar", "Retire", &none, "override"),
    ] {
        let sentence = format!(
            "VerbDenied: {kind} needs the verb {verb} on environment staging in namespace {}, which {who} does not have",
            backend.namespace
        );
        let action = backend.action(kind, who, parameters);
        refused(backend, who, "releaseactions", (&action, "action", &sentence)).await;
        // whoever has it passes
        let able = match verb {
            "deploy" | "shift" | "rollback" => "alice",
            "approve" => "erin",
            "freeze" | "scale" => "oscar",
            _ => "admin",
        };
        taken(backend, able, "releaseactions", &backend.action(kind, able, parameters)).await;
    }
    let freeze = |in_flight: &str| {
        let parameters = json!({"until": soon, "inFlight": in_flight, "incident": "INC-1"});
        backend.action("Freeze", "grace", &parameters)
    };
    let sentence = format!(
        "VerbDenied: a Freeze that rolls back needs the verb rollback on environment staging in namespace {}, which grace does not \
         have",
        backend.namespace
    );
    let rolls_back = freeze("RollBack");
    refused(backend, "grace", "releaseactions", (&rolls_back, "action-environment", &sentence)).await;
    taken(backend, "grace", "releaseactions", &freeze("Finish")).await;
}

pub async fn slots_of_approvals(backend: &Backend) {
    backend.environment().await;
    let slots = |list: Value| with(backend.approval("act", "one"), "/spec/slots", list);
    for (list, policy, sentence) in [
        (
            json!([{"name": "court", "group": "kings"}]),
            "action",
            "SlotDenied: bob is not in group kings of slot court",
        ),
        (
            json!([{"name": "leads", "group": "team-leads"}, {"name": "court", "group": "kings"}]),
            "action",
            "SlotDenied: bob is not in group kings of slot court",
        ),
        (json!([]), "action", "SlotMissing: Approve names the slots that it fills"),
        (
            json!([{"name": "board"}]),
            "action-environment",
            "SlotUnknown: staging has no approval slot board without a group",
        ),
        // the slot of a group, without its group or under one's own
        (
            json!([{"name": "court"}]),
            "action-environment",
            "SlotUnknown: staging has no approval slot court without a group",
        ),
        (
            json!([{"name": "court", "group": "team-leads"}]),
            "action-environment",
            "SlotUnknown: staging has no approval slot court for group team-leads",
        ),
        (
            json!([{"name": "Leads", "group": "team-leads"}]),
            "action-environment",
            "SlotUnknown: staging has no approval slot Leads for group team-leads",
        ),
    ] {
        refused(backend, "bob", "releaseactions", (&slots(list), policy, sentence)).await;
    }
    backend
        .post(
            "bob",
            &backend.ours("releaseactions"),
            &with(backend.action("Reject", "bob", &json!({})), "/spec/slots", json!([{"name": "leads"}])),
        )
        .await
        .refused(422, "Invalid", "only Approve fills slots");
}

pub async fn parameters_of_actions(backend: &Backend) {
    let environment = backend.environment().await;
    let until = |hours: i64| json!(after(&environment, hours));
    let gate = |hours: i64| json!({"gate": "windows", "until": until(hours), "incident": "INC-1"});
    let past = "UntilPast: spec.parameters.until must be in the future";
    for (who, kind, parameters, sentence) in [
        ("oscar", "Freeze", json!({"until": until(-1)}), past),
        ("oscar", "Deny", json!({"digest": digest("a"), "until": until(-1)}), past),
        ("alice", "Drive", json!({"until": until(-1)}), past),
        ("admin", "Override", gate(-1), past),
        ("admin", "Override", gate(5), "UntilTooFar: an Override lasts 4 hours at most"),
        ("alice", "Drive", json!({"until": until(9)}), "UntilTooFar: a Drive lasts 8 hours at most"),
        (
            "oscar",
            "Scale",
            json!({"component": "nobody", "replicas": 1}),
            "ComponentUnknown: staging has no component nobody",
        ),
        (
            "oscar",
            "Restart",
            json!({"component": "nobody"}),
            "ComponentUnknown: staging has no component nobody",
        ),
        (
            "bob",
            "Check",
            json!({"item": "Lunch eaten"}),
            "ItemUnknown: the checklist of staging has no item Lunch eaten",
        ),
    ] {
        let action = backend.action(kind, who, &parameters);
        refused(backend, who, "releaseactions", (&action, "action-environment", sentence)).await;
    }
    for (who, kind, parameters) in [
        ("oscar", "Freeze", json!({"until": until(1000), "inFlight": "RollBack", "incident": "INC-1"})),
        ("oscar", "Freeze", json!({"inFlight": "Hold"})),
        ("alice", "Drive", json!({"until": until(7)})),
        ("alice", "HandOver", json!({"person": "carol"})),
        ("admin", "Override", gate(3)),
        ("oscar", "Scale", json!({"component": "backend"})),
        ("oscar", "AbortAll", json!({})),
        ("bob", "Withdraw", json!({})),
        ("bob", "Check", json!({"item": "Migrations tested"})),
    ] {
        taken(backend, who, "releaseactions", &backend.action(kind, who, &parameters)).await;
    }
    for (who, kind, parameters, words) in [
        ("alice", "Drive", json!({}), "Drive needs spec.parameters.until"),
        (
            "admin",
            "Override",
            json!({"gate": "windows", "until": until(1)}),
            "Override needs spec.parameters.gate, until and incident",
        ),
        ("bob", "Review", json!({}), "Review needs spec.parameters.debt"),
        ("bob", "Check", json!({}), "Check needs spec.parameters.item"),
        ("oscar", "Deny", json!({"digest": "latest"}), "should match '^sha256:[0-9a-f]{64}$'"),
        ("oscar", "Freeze", json!({"inFlight": "Explode"}), "Unsupported value: \"Explode\""),
        ("alice", "SetWeight", json!({"weight": 101}), "should be less than or equal to 100"),
    ] {
        let action = backend.action(kind, who, &parameters);
        backend.post(who, &backend.ours("releaseactions"), &action).await.refused(422, "Invalid", words);
    }
    let speechless = with(backend.action("AbortAll", "oscar", &json!({})), "/spec/reason", json!("  "));
    let words = "this action needs spec.reason";
    backend.post("oscar", &backend.ours("releaseactions"), &speechless).await.refused(422, "Invalid", words);
    let aimed = with(backend.action("Approve", "oscar", &json!({})), "/spec/action", json!("AbortAll"));
    let words = "act on the environment (no spec.release)";
    backend.post("oscar", &backend.ours("releaseactions"), &aimed).await.refused(422, "Invalid", words);
}

pub async fn people_with_two_accounts(backend: &Backend) {
    backend.environment().await;
    let approval = |who: &str, requester: &str| {
        let action = with(backend.approval("act", "one"), "/spec/actor", json!(who));
        with(action, "/spec/release/requestedBy", json!(requester))
    };
    for (who, requester, subject) in [
        ("bob", "bob", "bob"),
        ("bob", "bob-admin", "bob, the same person as bob-admin,"),
        ("bob", "robert", "bob, the same person as robert,"),
        ("bob-admin", "bob", "bob-admin, the same person as bob,"),
        ("bob-admin", "robert-admin", "bob-admin, the same person as robert-admin,"),
        ("bob", "oidc:robert", "bob, the same person as oidc:robert,"),
        ("bob-admin", "oidc:bob-admin", "bob-admin, the same person as oidc:bob-admin,"),
        ("carol", "oidc:carol-admin", "carol, the same person as oidc:carol-admin,"),
        ("carol", "carol-admin", "carol, the same person as carol-admin,"),
    ] {
        let sentence = format!("SelfApproval: {subject} requested release one and may not approve it");
        refused(backend, who, "releaseactions", (&approval(who, requester), "action-environment", &sentence))
            .await;
    }
    for (who, requester) in [
        ("carol", "bob"),
        ("bob-admin", "carol"),
        ("bob", "alice-admin"),
        ("bob", "-admin"),
        ("bob", "bobby"),
    ] {
        taken(backend, who, "releaseactions", &approval(who, requester)).await;
    }
}

pub async fn what_the_status_forbids(backend: &Backend) {
    let environment = backend.environment().await;
    let (bad, pardoned) = (digest("a"), digest("b"));
    let at = after(&environment, -2);
    let status = json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment", "status": {
        "frozen": {"by": "oscar", "at": at, "until": after(&environment, 5), "reason": "audit", "incident": "INC-7"},
        "denied": [
            {"digest": bad, "reason": "loses orders", "by": "oscar", "at": at},
            {"digest": pardoned, "by": "oscar", "at": at, "until": after(&environment, -1)}
        ],
        "debts": [{"id": "burnt", "by": "bob", "at": at, "what": "emergency release of v0.9.0", "reason": "fire", "incident": "INC-1"}]
    }});
    backend.patch("controller", &backend.ours("environments/staging/status"), ("merge", &status)).await.ok();
    let release = |kind: &str, image: &str| release_of(backend, kind, image);
    let frozen =
        format!("EnvironmentFrozen: staging is frozen by oscar until {} (audit)", after(&environment, 5));
    backend
        .until("the freeze is in force", || async {
            let answer = backend
                .post(
                    "alice",
                    &format!("{}?dryRun=All", backend.ours("releases")),
                    &release("Deploy", ":v1.0.0"),
                )
                .await;
            (answer.code == 403).then_some(())
        })
        .await;
    for kind in ["Deploy", "Promote"] {
        refused(backend, "alice", "releases", (&release(kind, ":v1.0.0"), "release-environment", &frozen))
            .await;
    }
    // a freeze stands in nobody's way back, nor in that of break-glass
    taken(backend, "alice", "releases", &release("Rollback", ":v1.0.0")).await;
    let mut emergency = with(release("Deploy", ":v1.0.0"), "/spec/emergency", json!(true));
    emergency["spec"]["ticket"] = json!("INC-1");
    emergency["spec"]["requestedBy"] = json!("admin");
    taken(backend, "admin", "releases", &emergency).await;
    // a denied digest stops all, the way back and break-glass included
    let denial = format!("DigestDenied: {bad} is on the deny list of staging (loses orders)");
    refused(
        backend,
        "alice",
        "releases",
        (&release("Rollback", &format!("@{bad}")), "release-environment", &denial),
    )
    .await;
    refused(
        backend,
        "alice",
        "releases",
        (&release("Rollback", &format!(":v1.0.0@{bad}")), "release-environment", &denial),
    )
    .await;
    emergency["spec"]["images"][0]["image"] = json!(format!("ghcr.io/acme/contract-backend@{bad}"));
    refused(backend, "admin", "releases", (&emergency, "release-environment", &denial)).await;
    taken(backend, "alice", "releases", &release("Rollback", &format!("@{pardoned}"))).await;
    // nobody clears a debt of their own, by whatever account
    let review = |who: &str, debt: &str| backend.action("Review", who, &json!({"debt": debt}));
    for (who, subject) in [("bob", "bob"), ("bob-admin", "bob-admin, the same person as bob,")] {
        let sentence = format!("SelfReview: {subject} left the debt burnt behind and may not review it");
        refused(backend, who, "releaseactions", (&review(who, "burnt"), "action-environment", &sentence))
            .await;
    }
    taken(backend, "carol", "releaseactions", &review("carol", "burnt")).await;
    a_freeze_that_is_over(backend, &environment).await;
}

/// A release of that kind and image, with a reason.
fn release_of(backend: &Backend, kind: &str, image: &str) -> Value {
    let release = with(backend.release("one", "v1.0.0"), "/spec/kind", json!(kind));
    let release = with(release, "/spec/reason", json!("because of the check"));
    let image = format!("ghcr.io/acme/contract-backend{image}");
    with(release, "/spec/images", json!([{"component": "backend", "image": image}]))
}

/// A freeze that is over stops nothing.
async fn a_freeze_that_is_over(backend: &Backend, environment: &Value) {
    let over = json!({"status": {"frozen": {"until": after(environment, -1)}}});
    backend.patch("controller", &backend.ours("environments/staging/status"), ("merge", &over)).await.ok();
    backend
        .until("the freeze is over", || async {
            let answer = backend
                .post(
                    "alice",
                    &format!("{}?dryRun=All", backend.ours("releases")),
                    &release_of(backend, "Deploy", ":v1.0.0"),
                )
                .await;
            (answer.code == 201).then_some(())
        })
        .await;
}

/// Nobody but the controller may write the status of a record, or delete it.
async fn people_have_no_right(backend: &Backend, (plural, name): (&str, &str), owner: &str) {
    let one = backend.ours(&format!("{plural}/{name}"));
    for who in [owner, "erin", "frank", "oscar", "dave"] {
        let refused = backend
            .patch(who, &format!("{one}/status"), ("merge", &json!({"status": {"message": "x"}})))
            .await;
        refused.refused(
            403,
            "Forbidden",
            &format!("User \"{who}\" cannot patch resource \"{plural}/status\""),
        );
        let refused = backend.delete(who, &one, &Value::Null).await;
        refused.refused(403, "Forbidden", &format!("User \"{who}\" cannot delete resource \"{plural}\""));
    }
}

pub async fn writes_of_records(backend: &Backend) {
    backend.environment().await;
    backend.post("alice", &backend.ours("releases"), &backend.release("one", "v1.0.0")).await.ok();
    backend.post("bob", &backend.ours("releaseactions"), &backend.approval("act", "one")).await.ok();
    for (plural, name, owner, kind) in
        [("releases", "one", "alice", "Release"), ("releaseactions", "act", "bob", "ReleaseAction")]
    {
        let (all, one) = (backend.ours(plural), backend.ours(&format!("{plural}/{name}")));
        let records = |operation: &str| {
            let sentence = format!(
                "RecordImmutable: {plural} are records: {operation} is for the controller only; create a ReleaseAction instead"
            );
            denied("records", &sentence)
        };
        let status = denied(
            "status",
            &format!(
                "ControllerOnly: {plural}/status is written by the controller; create a ReleaseAction instead"
            ),
        );
        let label = json!({"metadata": {"labels": {"a": "b"}}});
        let found = backend.get("admin", &one).await.ok();
        for dry in ["", "?dryRun=All"] {
            backend.delete("admin", &format!("{one}{dry}"), &Value::Null).await.refused(
                403,
                "Forbidden",
                &records("DELETE"),
            );
            backend.delete("admin", &format!("{all}{dry}"), &Value::Null).await.refused(
                403,
                "Forbidden",
                &records("DELETE"),
            );
            backend.patch("admin", &format!("{one}{dry}"), ("merge", &label)).await.refused(
                403,
                "Forbidden",
                &records("UPDATE"),
            );
            backend
                .put(
                    "admin",
                    &format!("{one}{dry}"),
                    &with(found.clone(), "/metadata/labels", json!({"a": "b"})),
                )
                .await
                .refused(403, "Forbidden", &records("UPDATE"));
            let claim = json!({"status": {"message": "all is well"}});
            backend.patch("admin", &format!("{one}/status{dry}"), ("merge", &claim)).await.refused(
                403,
                "Forbidden",
                &status,
            );
            let replaced = with(found.clone(), "/status", json!({"message": "all is well"}));
            backend.put("admin", &format!("{one}/status{dry}"), &replaced).await.refused(
                403,
                "Forbidden",
                &status,
            );
        }
        let claim = json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": kind, "status": {"message": "all is well"}});
        let path = format!("{one}/status?fieldManager=release-cockpit&force=true");
        backend.patch("admin", &path, ("apply", &claim)).await.refused(403, "Forbidden", &status);
        people_have_no_right(backend, (plural, name), owner).await;
        assert_eq!(backend.get("admin", &one).await.ok(), found);
    }
    // the controller writes status, and not even it changes what was asked for
    let told = json!({"status": {"message": "it waits"}});
    backend.patch("controller", &backend.ours("releases/one/status"), ("merge", &told)).await.ok();
    let other = json!([{"op": "replace", "path": "/spec/version", "value": "v6.6.6"}]);
    backend.patch("admin", &backend.ours("releases/one"), ("json", &other)).await.refused(
        422,
        "Invalid",
        "spec is immutable: abort this release and create another",
    );
}

pub async fn writes_of_environments(backend: &Backend) {
    let made = backend.environment().await;
    let one = backend.ours("environments/staging");
    let status = denied(
        "status",
        "ControllerOnly: environments/status is written by the controller; create a ReleaseAction instead",
    );
    let told = json!({"status": {"siblings": ["staging"]}});
    backend.patch("controller", &format!("{one}/status"), ("merge", &told)).await.ok();
    for body in
        [json!({"status": null}), json!({"status": {"frozen": null}}), json!({"status": {"debts": []}})]
    {
        backend.patch("admin", &format!("{one}/status"), ("merge", &body)).await.refused(
            403,
            "Forbidden",
            &status,
        );
    }
    let removal = json!([{"op": "remove", "path": "/status"}]);
    backend.patch("admin", &format!("{one}/status"), ("json", &removal)).await.refused(
        403,
        "Forbidden",
        &status,
    );
    // by the front door, the status is not touched either
    let mut bare = backend.get("admin", &one).await.ok();
    bare.as_object_mut().expect("an object").remove("status");
    bare["spec"]["tier"] = json!("production");
    let kept = backend.put("admin", &one, &bare).await.ok();
    assert_eq!(kept["status"]["siblings"], json!(["staging"]));
    for who in ["alice", "bob", "oscar", "frank", "dave"] {
        let weaker = json!({"spec": {"approval": null}});
        let words = format!("User \"{who}\" cannot patch resource \"environments\"");
        backend.patch(who, &one, ("merge", &weaker)).await.refused(403, "Forbidden", &words);
        let words = format!("User \"{who}\" cannot delete resource \"environments\"");
        backend.delete(who, &one, &Value::Null).await.refused(403, "Forbidden", &words);
        let words = format!("User \"{who}\" cannot create resource \"environments\"");
        backend.post(who, &backend.ours("environments"), &made).await.refused(403, "Forbidden", &words);
    }
    let broken = json!({"spec": {"versions": {"pattern": "(v"}}});
    let refused = backend.patch("admin", &one, ("merge", &broken)).await;
    assert_eq!((refused.code, &refused.body["reason"]), (422, &json!("Invalid")), "{refused:?}");
}

pub async fn names_that_are_borrowed(backend: &Backend) {
    backend.environment().await;
    let send = async |who: &str, headers: &[(&str, &str)]| {
        let path = format!("{}?dryRun=All", backend.ours("releaseactions"));
        let mut request =
            Request::builder().method(Method::POST).uri(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Body::from(backend.approval("act", "one").to_string().into_bytes());
        backend.send(who, request.body(body).expect("a request")).await
    };
    let refused = send("carol", &[("impersonate-user", "bob")]).await;
    assert_eq!((refused.code, &refused.body["reason"]), (403, &json!("Forbidden")), "{refused:?}");
    assert!(
        refused.body["message"].as_str().is_some_and(|message| message.contains("cannot impersonate")),
        "{refused:?}"
    );
    // impersonation is the right to forge: who has it is taken for the other, groups included
    send(
        "admin",
        &[
            ("impersonate-user", "bob"),
            ("impersonate-group", "operators"),
            ("impersonate-group", "team-leads"),
        ],
    )
    .await
    .ok();
    let answer = send("admin", &[("impersonate-user", "carol"), ("impersonate-group", "team-leads")]).await;
    assert_denied(answer, ("action", "IdentityMismatch: spec.actor must be carol, not bob"));
}

/// The instant so many hours after that object was made, by the server's clock.
fn after(object: &Value, hours: i64) -> String {
    let made = object["metadata"]["creationTimestamp"].as_str().expect("a time");
    let made: chrono::DateTime<chrono::Utc> = made.parse().expect("an instant");
    (made + chrono::TimeDelta::hours(hours)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
