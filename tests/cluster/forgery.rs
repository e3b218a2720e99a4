//! Forgeries on the real API server, by people with credentials of their own: with kubectl as it comes, and with the program's
//! command line. Each is refused, with the sentence that its author reads.

use kube::api::{Patch, PatchParams};
use release_cockpit::api::{Environment, Phase, Release};
use serde_json::{Value, json};

use crate::cli::cli;
use crate::controller::Controller;
use crate::space::{Space, action, approval, message, release};
use crate::world::{self, Ended, World, until};

const REASON: &str = "because the test says so";

/// The approval of an environment in which `-admin` makes no other person.
fn demands(more: &Value) -> Value {
    let mut demands = json!({
        "identity": {"stripSuffixes": ["-admin"]},
        "versions": {"pattern": r"^v\d+\.\d+\.\d+$"},
        "approval": {"slots": [{"name": "leads", "group": "team-leads"}, {"name": "court", "group": "kings", "minimum": 0}]}
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        demands[key] = value.clone();
    }
    demands
}

/// A namespace, and kubectl in it.
struct Place {
    space: Space,
}

impl Place {
    async fn new(world: &'static World, name: &str, more: &Value) -> Self {
        let space = Space::new(world, name).await;
        space.application(&["backend"], demands(more)).await;
        Self { space }
    }

    async fn kubectl(&self, who: &str, arguments: &[&str], input: &str) -> Ended {
        let mut all = vec!["-n", self.space.namespace.as_str()];
        all.extend(arguments);
        self.space.world.kubectl(who, &all, input).await
    }

    /// kubectl is refused with these words.
    async fn refuses(&self, who: &str, (arguments, input): (&[&str], &str), words: &str) {
        let ended = self.kubectl(who, arguments, input).await;
        assert!(
            ended.code != 0 && ended.stderr.contains(words),
            "{who} {arguments:?}\nexpected {words}\nfound {ended:?}"
        );
    }

    async fn refuses_object(&self, who: &str, object: &Value, words: &str) {
        self.refuses(who, (&["create", "-f", "-"], &object.to_string()), words).await;
    }

    /// The program is refused, with this exit code and these words.
    async fn refuses_cli(&self, who: &str, arguments: &[&str], (code, words): (i32, &str)) {
        let ended = cli(self.space.world, who, arguments).await;
        assert!(
            ended.code == code && ended.stderr.contains(words),
            "{who} {arguments:?}\nexpected {code} {words}\nfound {ended:?}"
        );
    }

    fn environment(&self) -> String {
        format!("{}/production", self.space.namespace)
    }

    /// Writes the environment's status with the controller's rights, where no controller runs; returns when the policies see it.
    async fn status(&self, status: &Value, seen: &(&str, Value)) {
        let environments: kube::Api<Environment> = self.space.as_seen_by("controller").await;
        let patch = Patch::Merge(json!({"status": status}));
        environments.patch_status("production", &PatchParams::default(), &patch).await.expect("a status");
        until(20, "the policies see the status", || async {
            let tried =
                self.kubectl(seen.0, &["create", "--dry-run=server", "-f", "-"], &seen.1.to_string()).await;
            (tried.code != 0).then_some(())
        })
        .await;
    }
}

/// A release as kubectl sends it.
fn asked(name: &str, who: &str) -> Value {
    json!(release(name, "v1.1.0", who, &["backend"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_cannot_speak_in_anothers_name_or_fill_anothers_slot() {
    let Some(world) = world::world().await else { return };
    let place = Place::new(world, "forged-names", &json!({})).await;
    let namespace = place.space.namespace.clone();
    place
        .refuses_object(
            "alice",
            &asked("one", "bob"),
            "IdentityMismatch: spec.requestedBy must be alice, not bob",
        )
        .await;
    place
        .refuses_object(
            "admin",
            &asked("one", "alice"),
            "IdentityMismatch: spec.requestedBy must be admin, not alice",
        )
        .await;
    place
        .refuses_object("dave", &asked("one", "dave"), "User \"dave\" cannot create resource \"releases\"")
        .await;
    let sentence =
        format!("VerbDenied: alice may not override environment production in namespace {namespace}");
    let mut emergency = asked("one", "alice");
    emergency["spec"]["emergency"] = json!(true);
    emergency["spec"]["reason"] = json!(REASON);
    emergency["spec"]["ticket"] = json!("INC-1");
    place.refuses_object("alice", &emergency, &sentence).await;

    let one = place.space.ask("bob", "one", "v1.1.0", &["backend"]).await;
    let digest = format!("sha256:{}", "a".repeat(64));
    let by = |name: &str, who: &str, slots: Value| {
        let mut object = action(name, "Reject", who, &one);
        object["spec"]["action"] = json!("Approve");
        object["spec"]["expected"]["planDigest"] = json!(digest);
        object["spec"]["slots"] = slots;
        object
    };
    let leads = || json!([{"name": "leads", "group": "team-leads"}]);
    for (who, object, words) in [
        ("alice", by("a", "carol", leads()), "IdentityMismatch: spec.actor must be alice, not carol"),
        ("carol", by("a", "bob", leads()), "IdentityMismatch: spec.actor must be carol, not bob"),
        ("admin", by("a", "carol", leads()), "IdentityMismatch: spec.actor must be admin, not carol"),
        ("admin", by("a", "admin", leads()), "SlotDenied: admin is not in group team-leads of slot leads"),
        (
            "carol",
            by("a", "carol", json!([{"name": "court", "group": "kings"}])),
            "SlotDenied: carol is not in group kings of slot court",
        ),
        (
            "carol",
            by("a", "carol", json!([{"name": "court"}])),
            "SlotUnknown: production has no approval slot court without a group",
        ),
        ("bob", by("a", "bob", leads()), "SelfApproval: bob requested release one and may not approve it"),
        (
            "bob-admin",
            by("a", "bob-admin", leads()),
            "SelfApproval: bob-admin, the same person as bob, requested release one and may not approve it",
        ),
    ] {
        place.refuses_object(who, &object, words).await;
    }
    let denied = format!(
        "VerbDenied: Approve needs the verb approve on environment production in namespace {namespace}, which alice does not have"
    );
    let mut hers = by("a", "alice", json!([{"name": "court", "group": "kings"}]));
    hers["spec"]["slots"] = json!([]);
    // she lacks the verb, and the slots are missing: one of the two speaks
    let ended = place.kubectl("alice", &["create", "-f", "-"], &hers.to_string()).await;
    assert!(ended.stderr.contains(&denied) || ended.stderr.contains("SlotMissing: "), "{ended:?}");
    // the name of another as kubectl offers it
    let text = by("a", "carol", leads()).to_string();
    for (who, flags) in [("bob", &["--as=carol"][..]), ("alice", &["--as=carol", "--as-group=team-leads"])] {
        let mut arguments = vec!["create", "--validate=false", "-f", "-"];
        arguments.extend(flags);
        place.refuses(who, (&arguments, &text), "cannot impersonate").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_cannot_change_what_happened() {
    let Some(world) = world::world().await else { return };
    let place = Place::new(world, "forged-records", &json!({})).await;
    let one = place.space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    place.space.act(action("stop", "Abort", "alice", &one)).await.expect("accepted");
    let told = json!({"siblings": ["production"]});
    let environments: kube::Api<Environment> = place.space.as_seen_by("controller").await;
    environments
        .patch_status("production", &PatchParams::default(), &Patch::Merge(json!({"status": told})))
        .await
        .expect("a status");
    let success = r#"{"status":{"phase":"Succeeded","message":"all is well"}}"#;
    let applied = r#"{"status":{"result":"Applied","message":"all is well"}}"#;
    let thawed = r#"{"status":{"frozen":null,"denied":[],"debts":[]}}"#;
    let merge = |kind: &'static str, name: &'static str, body: &'static str| {
        ["patch", kind, name, "--subresource=status", "--type=merge", "-p", body]
    };
    for (kind, name, body, plural) in [
        ("release", "one", success, "releases"),
        ("releaseaction", "stop", applied, "releaseactions"),
        ("environment", "production", thawed, "environments"),
        ("environment", "production", r#"{"status":null}"#, "environments"),
    ] {
        let words = format!(
            "ControllerOnly: {plural}/status is written by the controller; create a ReleaseAction instead"
        );
        place.refuses("admin", (&merge(kind, name, body), ""), &words).await;
        for who in ["alice", "bob", "oscar", "frank", "dave"] {
            let words = format!("User \"{who}\" cannot get resource \"{plural}/status\"");
            place.refuses(who, (&merge(kind, name, body), ""), &words).await;
        }
    }
    records_stay(&place).await;
    let words = "spec is immutable: abort this release and create another";
    place
        .refuses(
            "admin",
            (&["patch", "release", "one", "--type=merge", "-p", r#"{"spec":{"version":"v6.6.6"}}"#], ""),
            words,
        )
        .await;
    let words = "actions are immutable";
    place
        .refuses(
            "admin",
            (&["patch", "releaseaction", "stop", "--type=merge", "-p", r#"{"spec":{"actor":"bob"}}"#], ""),
            words,
        )
        .await;
    for plural in ["environments", "releases", "releaseactions"] {
        let name = format!("{plural}.release-cockpit.dev");
        let words = "CRDGuard: deleting this definition would delete every record of its kind";
        place.refuses("admin", (&["delete", "crd", &name, "--wait=false"], ""), words).await;
    }
    let found: Release = place.space.api().get("one").await.expect("it is there");
    assert_eq!((found.spec, found.metadata.resource_version), (one.spec, one.metadata.resource_version));
}

/// Neither deleted nor marked, by the administrator or by their authors.
async fn records_stay(place: &Place) {
    for (plural, name) in [("releases", "one"), ("releaseactions", "stop")] {
        let full = format!("{plural}.release-cockpit.dev");
        let records = |operation: &str| {
            format!(
                "RecordImmutable: {plural} are records: {operation} is for the controller only; create a ReleaseAction instead"
            )
        };
        for arguments in [
            &["delete", &full, name, "--wait=false"][..],
            &["delete", &full, name, "--force", "--grace-period=0"],
            &["delete", &full, "--all", "--wait=false"],
            &[
                "delete",
                "--raw",
                &format!(
                    "/apis/release-cockpit.dev/v1alpha1/namespaces/{}/{plural}/{name}",
                    place.space.namespace
                ),
            ],
        ] {
            place.refuses("admin", (arguments, ""), &records("DELETE")).await;
        }
        for arguments in [
            &["annotate", &full, name, "release-cockpit.dev/approved=true"][..],
            &["label", &full, name, "team=shop"],
            &[
                "patch",
                &full,
                name,
                "--type=json",
                "-p",
                r#"[{"op":"add","path":"/metadata/finalizers","value":["a.b/c"]}]"#,
            ],
        ] {
            place.refuses("admin", (arguments, ""), &records("UPDATE")).await;
        }
        let (who, words) = ("alice", format!("User \"alice\" cannot delete resource \"{plural}\""));
        place.refuses(who, (&["delete", &full, name], ""), &words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn images_of_a_managed_namespace_are_closed_to_hands() {
    let Some(world) = world::world().await else { return };
    let place = Place::new(world, "forged-images", &json!({})).await;
    let namespace = place.space.namespace.clone();
    let before = place.space.deployment("backend").await;
    place
        .kubectl("frank", &["set", "image", "deployment/backend", "backend=ghcr.io/acme/backend:v1.0.1"], "")
        .await
        .ok();
    place.space.until_complete("backend", 2).await;
    place
        .kubectl("admin", &["label", "namespace", &namespace, "release-cockpit.dev/managed=true"], "")
        .await
        .ok();
    until(20, "the lock is in force", || async {
        let tried = place
            .kubectl("frank", &["set", "env", "deployment/backend", "A=b", "--dry-run=server"], "")
            .await;
        (tried.code != 0).then_some(())
    })
    .await;
    let words = |what: &str| {
        format!(
            "WorkloadLocked: {what} in {namespace}: this namespace is managed; images and templates change through a Release"
        )
    };
    let updates = words("UPDATE of deployments");
    let pods = place.kubectl("frank", &["get", "pods", "-o", "name"], "").await.ok();
    let pod = pods.lines().next().expect("a pod").trim_start_matches("pod/").to_owned();
    let image =
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"backend","image":"evil.io/x:v1"}]}}}}"#;
    let sets = place.kubectl("frank", &["get", "replicasets", "-o", "name"], "").await.ok();
    let set = sets.lines().next().expect("a replica set").to_owned();
    for (arguments, words) in [
        (&["set", "image", "deployment/backend", "backend=evil.io/x:v1"][..], updates.as_str()),
        (&["set", "env", "deployment/backend", "DATABASE_URL=evil"], &updates),
        (&["rollout", "restart", "deployment/backend"], &updates),
        (&["rollout", "undo", "deployment/backend"], &updates),
        (&["rollout", "pause", "deployment/backend"], &updates),
        (&["patch", "deployment", "backend", "-p", image], &updates),
        (&["patch", "deployment", "backend", "-p", r#"{"spec":{"revisionHistoryLimit":0}}"#], &updates),
        (&["delete", "deployment", "backend", "--wait=false"], &words("DELETE of deployments")),
        (&["create", "deployment", "other", "--image=evil.io/x:v1"], &words("CREATE of deployments")),
        (&["run", "bare", "--image=evil.io/x:v1"], &words("CREATE of pods")),
        (&["create", "job", "once", "--image=evil.io/x:v1"], &words("CREATE of jobs")),
        (&["scale", &set, "--replicas=3"], &words("UPDATE of replicasets/scale")),
        (&["set", "image", &format!("pod/{pod}"), "backend=evil.io/x:v1"], &words("UPDATE of pods")),
        (
            &["debug", &pod, "--image=evil.io/x:v1", "--profile=general"],
            &words("UPDATE of pods/ephemeralcontainers"),
        ),
    ] {
        place.refuses("frank", (arguments, ""), words).await;
    }
    let label = format!(
        "LabelLocked: taking release-cockpit.dev/managed off {namespace} needs the verb override on its environments"
    );
    place
        .refuses("frank", (&["label", "namespace", &namespace, "release-cockpit.dev/managed-"], ""), &label)
        .await;
    let overwritten = ["label", "namespace", &namespace, "release-cockpit.dev/managed=false", "--overwrite"];
    place.refuses("frank", (&overwritten, ""), &label).await;
    for arguments in [
        &["scale", "deployment/backend", "--replicas=2"][..],
        &["annotate", "deployment", "backend", "note=seen"],
        &["label", "deployment", "backend", "team=shop"],
        &["delete", "pod", &pod, "--wait=false"],
    ] {
        place.kubectl("frank", arguments, "").await.ok();
    }
    let after = place.space.deployment("backend").await;
    assert_eq!(
        after.spec.template.spec.as_ref().and_then(|spec| spec.containers[0].image.clone()),
        Some("ghcr.io/acme/backend:v1.0.1".into())
    );
    assert_ne!(before.metadata.generation, after.metadata.generation);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_released_into_a_freeze_or_from_the_deny_list() {
    let Some(world) = world::world().await else { return };
    let place = Place::new(world, "forged-freeze", &json!({})).await;
    let bad = format!("sha256:{}", "b".repeat(64));
    let status = json!({
        "frozen": {"by": "oscar", "at": "2026-01-02T03:04:05Z", "reason": "audit", "incident": "INC-7"},
        "denied": [{"digest": bad, "by": "oscar", "at": "2026-01-02T03:04:05Z", "reason": "loses orders"}],
        "debts": [{"id": "burnt", "by": "bob", "at": "2026-01-02T03:04:05Z", "what": "emergency release of v0.9.0", "reason": "fire"}]
    });
    place.status(&status, &("alice", asked("one", "alice"))).await;
    let frozen = "EnvironmentFrozen: production is frozen by oscar (audit)";
    let denied = format!("DigestDenied: {bad} is on the deny list of production (loses orders)");
    let with = |mut object: Value, kind: &str, image: Option<String>| {
        object["spec"]["kind"] = json!(kind);
        object["spec"]["reason"] = json!(REASON);
        if let Some(image) = image {
            object["spec"]["images"][0]["image"] = json!(image);
        }
        object
    };
    let evil = || Some(format!("ghcr.io/acme/backend@{bad}"));
    for kind in ["Deploy", "Promote"] {
        place.refuses_object("alice", &with(asked("one", "alice"), kind, None), frozen).await;
        let mut emergency = with(asked("one", "admin"), kind, evil());
        emergency["spec"]["emergency"] = json!(true);
        emergency["spec"]["ticket"] = json!("INC-1");
        place.refuses_object("admin", &emergency, &denied).await;
    }
    place.refuses_object("alice", &with(asked("one", "alice"), "Rollback", evil()), &denied).await;
    place
        .kubectl(
            "alice",
            &["create", "--dry-run=server", "-f", "-"],
            &with(asked("one", "alice"), "Rollback", None).to_string(),
        )
        .await
        .ok();
    // the same sentence by the program
    let environment = place.environment();
    place
        .refuses_cli("alice", &["deploy", &environment, "v1.1.0", "--confirm", "production"], (3, frozen))
        .await;
    place
        .refuses_cli("dave", &["deploy", &environment, "v1.1.0", "--confirm", "production"], (3, "release"))
        .await;
    // nobody clears a debt of their own, by whatever account
    let review = |who: &str| {
        json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction", "metadata": {"name": format!("review-{who}")},
            "spec": {"environment": "production", "action": "Review", "actor": who, "reason": REASON, "parameters": {"debt": "burnt"}}
        })
    };
    place
        .refuses_object(
            "bob",
            &review("bob"),
            "SelfReview: bob left the debt burnt behind and may not review it",
        )
        .await;
    let words =
        "SelfReview: bob-admin, the same person as bob, left the debt burnt behind and may not review it";
    place.refuses_object("bob-admin", &review("bob-admin"), words).await;
    place.kubectl("carol", &["create", "-f", "-"], &review("carol").to_string()).await.ok();
    freezes_that_roll_back(&place).await;
}

/// A freeze that sends running releases back needs the right to roll back.
async fn freezes_that_roll_back(place: &Place) {
    let namespace = &place.space.namespace;
    for (kind, object) in [
        (
            "Role",
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "freezer", "namespace": namespace}, "rules": [
                {"apiGroups": ["release-cockpit.dev"], "resources": ["releaseactions"], "verbs": ["create"]},
                {"apiGroups": ["release-cockpit.dev"], "resources": ["environments"], "verbs": ["freeze"]}]}),
        ),
        (
            "RoleBinding",
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "freezer", "namespace": namespace},
                "subjects": [{"kind": "User", "name": "frank", "apiGroup": "rbac.authorization.k8s.io"}],
                "roleRef": {"kind": "Role", "name": "freezer", "apiGroup": "rbac.authorization.k8s.io"}}),
        ),
    ] {
        let applied = place.space.world.apply(&object.to_string()).await;
        assert!(applied.contains("freezer"), "{kind}: {applied}");
    }
    let freeze = |flight: &str| {
        json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction", "metadata": {"name": "freeze"},
            "spec": {"environment": "production", "action": "Freeze", "actor": "frank", "reason": REASON, "parameters": {"inFlight": flight}}
        })
    };
    let words = format!(
        "VerbDenied: a Freeze that rolls back needs the verb rollback on environment production in namespace {namespace}, which frank does not have"
    );
    until(20, "frank may freeze", || async {
        let tried = place
            .kubectl("frank", &["create", "--dry-run=server", "-f", "-"], &freeze("Hold").to_string())
            .await;
        (tried.code == 0).then_some(())
    })
    .await;
    place.refuses_object("frank", &freeze("RollBack"), &words).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approvals_that_pass_admission_are_judged_again() {
    let Some(world) = world::world().await else { return };
    let place = Place::new(world, "forged-approvals", &json!({})).await;
    let space = &place.space;
    let _controller = Controller::start(&[space], "only").await;
    let environment = place.environment();
    space.ask("bob", "one", "v1.1.0", &["backend"]).await;
    let seen = space.until_waiting("one").await;
    let leads = || json!([{"name": "leads", "group": "team-leads"}]);
    // by the program: one's own, by one's own second account, without the right, in another's place
    place.refuses_cli("bob", &["approve", &environment], (3, "someone else must approve it")).await;
    place.refuses_cli("alice", &["approve", &environment], (3, "approve")).await;
    place.refuses_cli("dave", &["approve", &environment], (3, "approve")).await;
    // the wrong requester passes the API server, which sees one object at a time; it does not pass the controller
    for who in ["bob", "bob-admin"] {
        let mut lie = approval(&format!("lie-{who}"), who, &seen, leads());
        lie["spec"]["release"]["requestedBy"] = json!("alice");
        place.kubectl(who, &["create", "-f", "-"], &lie.to_string()).await.ok();
        let told = "it names alice as requester, while one was requested by bob".to_owned();
        assert_eq!(space.verdict(&format!("lie-{who}")).await, ("Refused".to_owned(), told));
    }
    let mut other = approval("other", "carol", &seen, leads());
    other["spec"]["release"]["uid"] = json!("00000000-0000-4000-8000-000000000000");
    place.kubectl("carol", &["create", "-f", "-"], &other.to_string()).await.ok();
    assert_eq!(
        space.verdict("other").await,
        ("Refused".to_owned(), "it means another release of the name one: the uid differs".to_owned())
    );
    // a plan that has changed meanwhile
    let patch = json!({"spec": {"bake": "2s"}});
    space
        .api::<Environment>()
        .patch("production", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .expect("a change");
    let digest = |release: &Release| release.status.clone().unwrap_or_default().plan.map(|plan| plan.digest);
    let planned =
        space.until_release("one", "planned anew", |release| digest(release) != digest(&seen)).await;
    place
        .kubectl("carol", &["create", "-f", "-"], &approval("late", "carol", &seen, leads()).to_string())
        .await
        .ok();
    let (result, why) = space.verdict("late").await;
    assert!(
        result == "Refused" && why.starts_with("the plan has changed: its author saw "),
        "{result} {why}"
    );
    assert_eq!(space.until_waiting("one").await.phase(), Phase::Pending);
    // after a rejection
    let rejected = place
        .kubectl("carol", &["create", "-f", "-"], &action("no", "Reject", "carol", &planned).to_string())
        .await;
    rejected.ok();
    assert_eq!(space.verdict("no").await.0, "Applied");
    space.until_phase("one", Phase::Rejected).await;
    place
        .kubectl("carol", &["create", "-f", "-"], &approval("yes", "carol", &planned, leads()).to_string())
        .await
        .ok();
    assert_eq!(
        space.verdict("yes").await,
        ("Refused".to_owned(), "Approve does not fit: it has already ended as Rejected".to_owned())
    );
    assert_eq!(space.runs("backend").await.1, 1, "nothing was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_that_comes_too_late_counts_nothing() {
    let Some(world) = world::world().await else { return };
    let leads = json!([{"name": "leads", "group": "team-leads", "minimum": 2}]);
    let place =
        Place::new(world, "expired", &json!({"approval": {"slots": leads, "expiresAfter": "4s"}})).await;
    let space = &place.space;
    let _controller = Controller::start(&[space], "only").await;
    space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    let seen = space.until_waiting("one").await;
    let slots = || json!([{"name": "leads", "group": "team-leads"}]);
    space.act(approval("early", "bob", &seen, slots())).await.expect("accepted");
    assert_eq!(space.verdict("early").await.0, "Applied");
    let ended = space.until_phase("one", Phase::Expired).await;
    assert_eq!(message(&ended), "nobody approved within 4s");
    place
        .kubectl("carol", &["create", "-f", "-"], &approval("late", "carol", &seen, slots()).to_string())
        .await
        .ok();
    let told = "Approve does not fit: it has already ended as Expired".to_owned();
    assert_eq!(space.verdict("late").await, ("Refused".to_owned(), told));
    assert_eq!(space.runs("backend").await.1, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_role_for_retention_not_even_the_controller_removes_a_record() {
    let Some(world) = world::world().await else { return };
    let place = Place::new(world, "kept", &json!({})).await;
    place.space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    let tried = ["delete", "releases.release-cockpit.dev", "one", "--dry-run=server"];
    // with it the policies let the controller, and nobody else
    place.kubectl("controller", &tried, "").await.ok();
    place.refuses("admin", (&tried, ""), "RecordImmutable: releases are records").await;
    place.kubectl("admin", &["delete", "rolebinding", "retention"], "").await.ok();
    until(20, "the authorizer sees it", || async {
        (place.kubectl("controller", &tried, "").await.code != 0).then_some(())
    })
    .await;
    let words =
        "User \"system:serviceaccount:release-cockpit:controller\" cannot delete resource \"releases\"";
    place.refuses("controller", (&tried[..3], ""), words).await;
    let kept = place.kubectl("dave", &["get", "releases.release-cockpit.dev", "one", "-o", "name"], "").await;
    assert!(kept.ok().contains("/one"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_with_records_outlives_its_owner_and_goes_with_its_namespace() {
    let Some(world) = world::world().await else { return };
    let place = Place::new(world, "retired", &json!({})).await;
    let namespace = place.space.namespace.clone();
    let environments: kube::Api<Environment> = place.space.as_seen_by("controller").await;
    let frozen = json!({"status": {"frozen": {"by": "bob", "reason": "audit", "inFlight": "Finish"}}});
    let params = PatchParams::default();
    environments.patch_status("production", &params, &Patch::Merge(frozen)).await.expect("a status");
    let words = format!(
        "EnvironmentKept: production is frozen: retire it first (release-cockpit retire {namespace}/production)"
    );
    let name = "environments.release-cockpit.dev";
    place.refuses("admin", (&["delete", name, "production"], ""), &words).await;
    place.refuses("admin", (&["delete", name, "--all"], ""), &words).await;
    let stored = place.kubectl("admin", &["get", name, "production", "-o", "json"], "").await;
    let stored = stored.ok();
    place.refuses("admin", (&["replace", "--force", "-f", "-"], &stored), &words).await;
    // an owner that goes takes it along as little
    let collector = "--as=system:serviceaccount:kube-system:generic-garbage-collector";
    place
        .refuses("admin", (&["delete", name, "production", collector, "--dry-run=server"], ""), &words)
        .await;
    // the namespace goes with everything in it
    place.kubectl("admin", &["delete", "namespace", &namespace, "--wait=false"], "").await.ok();
    until(60, "the namespace is gone", || async {
        (place.kubectl("admin", &["get", "namespace", &namespace], "").await.code != 0).then_some(())
    })
    .await;
}
