//! The records: chained while the controller works and dies, shown by the command line, and never changed without being found.

use assert_cmd::Command;
use kube::api::{ListParams, Patch, PatchParams};
use release_cockpit::domain::audit::{Record, Report, verify};

use super::*;

/// How `audit` ended: code, standard output, standard error.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Stage {
    async fn records(&self, namespace: &str) -> (Environment, Vec<Release>, Vec<ReleaseAction>) {
        let client = self.client("alice");
        let environment = namespace.strip_prefix("planera-").unwrap();
        let environments: Api<Environment> = Api::namespaced(client.clone(), namespace);
        let releases: Api<Release> = Api::namespaced(client.clone(), namespace);
        let actions: Api<ReleaseAction> = Api::namespaced(client, namespace);
        let all = ListParams::default();
        let (releases, actions) =
            (releases.list(&all).await.unwrap().items, actions.list(&all).await.unwrap().items);
        (environments.get(environment).await.unwrap(), releases, actions)
    }

    async fn report(&self, namespace: &str) -> Report {
        let (environment, releases, actions) = self.records(namespace).await;
        let records: Vec<Record> =
            releases.iter().map(Record::of_release).chain(actions.iter().map(Record::of_action)).collect();
        verify(Some(&environment.status.unwrap().chain.unwrap_or_default()), &records)
    }

    /// The chain once so many records have a place and the head counts them.
    async fn when_sealed(&self, namespace: &str, count: i64) -> Report {
        let api: Api<Environment> = Api::namespaced(self.client("alice"), namespace);
        let sequence = |environment: &Environment| {
            environment
                .status
                .as_ref()
                .and_then(|status| status.chain.as_ref())
                .map_or(0, |head| head.sequence)
        };
        let far = |found: Option<&Environment>| found.is_some_and(|found| sequence(found) >= count);
        let name = namespace.strip_prefix("planera-").unwrap();
        let found = tokio::time::timeout(PATIENCE, await_condition(api, name, far)).await;
        found.expect("they were never sealed").unwrap();
        self.report(namespace).await
    }

    async fn audit(&self, arguments: &[&str]) -> Said {
        let home = tempfile::tempdir().unwrap();
        let kubeconfig = home.path().join("kubeconfig");
        std::fs::write(&kubeconfig, self.running.kubeconfig_yaml("alice")).unwrap();
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let output = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_release-cockpit"));
            command.env_clear().env("HOME", home.path()).timeout(Duration::from_secs(60));
            command.arg("audit").arg("--kubeconfig").arg(&kubeconfig).args(&arguments).output().unwrap()
        });
        let output = output.await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// A release that waits for approvals, sealed or not.
    async fn waiting(&self, version: &str) -> Release {
        let asked = self.ask("bob", PRODUCTION, version).await;
        self.when(&asked, |release| release.status.as_ref().is_some_and(|status| status.plan.is_some())).await
    }
}

fn owned_by<'a>(object: &'a Value, manager: &str) -> &'a Value {
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let found = entries.iter().find(|entry| entry["manager"] == manager && entry["subresource"] == "status");
    &found.unwrap_or_else(|| panic!("{manager} owns nothing: {entries:#?}"))["fieldsV1"]["f:status"]
}

/// What never became a record stands in the API server's own log.
async fn shows_refused_attempts(stage: &Stage) {
    let attempt = |namespace: &str, message: &str| {
        json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a1", "stage": "ResponseComplete", "verb": "create",
            "requestURI": "/apis/release-cockpit.dev/v1alpha1/x", "user": {"username": "mallory"},
            "objectRef": {"resource": "releases", "namespace": namespace, "apiGroup": "release-cockpit.dev"},
            "responseStatus": {"code": 403, "message": message}, "requestReceivedTimestamp": "2026-11-21T10:00:00.5Z",
        })
    };
    let log = tempfile::NamedTempFile::new().unwrap();
    let lines = [attempt(PRODUCTION, "User \"mallory\" cannot create"), attempt("elsewhere", "not here")];
    std::fs::write(log.path(), lines.map(|line| line.to_string()).join("\n")).unwrap();
    let path = log.path().to_str().unwrap();
    let said = stage.audit(&["planera-production/production", "--server-log", path]).await;
    let denied = said.out.lines().find(|line| line.contains("mallory")).unwrap();
    assert!(denied.contains("Denied (403)") && denied.contains("cannot create"), "{denied}");
    assert!(!said.out.contains("not here") && said.out.contains("Reject"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_meant_is_sealed_shown_and_guarded() {
    let stage = Stage::open().await;
    let controller = stage.controller(Faults::default());
    let staged = stage.ask("ci", STAGING, "v1.8.2").await;
    assert_eq!(stage.when_final(&staged).await.phase(), Phase::Succeeded);
    let before = stage.records(PRODUCTION).await;
    let already = i64::try_from(before.1.len() + before.2.len()).unwrap();
    let waiting = stage.waiting("v1.8.2").await;
    let (result, _) = stage.act("carol", &waiting, "Approve", json!({
        "expected": {"planDigest": format!("sha256:{}", "0".repeat(64))}, "slots": [{"name": "team-leads", "group": "team-leads"}],
    })).await;
    assert_eq!(result, ActionResult::Refused);
    let (result, _) = stage.act("carol", &waiting, "Reject", json!({"reason": "not | tested"})).await;
    assert_eq!(result, ActionResult::Applied);
    let report = stage.when_sealed(PRODUCTION, already + 3).await;
    assert_eq!((report.findings.as_slice(), report.waiting), (&[][..], 0), "{report:#?}");

    let said = stage.audit(&["planera-production/production"]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    let line = |word: &str| {
        said.out.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word}: {}", said.out))
    };
    assert!(line("Deploy v1.8.2").contains("bob"), "{}", said.out);
    assert!(
        line("Approve").contains("carol")
            && line("Approve").contains("Refused")
            && line("Approve").contains("plan 000000000000")
    );
    assert!(line(" Reject ").contains("Applied") && line(" Reject ").contains("not | tested"));
    let said = stage.audit(&["planera-production/production", "--verify"]).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("planera-production/production: whole") && said.out.contains("; head sha256:"),
        "{}",
        said.out
    );
    let said = stage.audit(&["planera-v1-8-2", "-n", PRODUCTION, "--actor", "carol", "-o", "json"]).await;
    let json: Value = serde_json::from_str(&said.out).unwrap();
    let whats: Vec<&str> =
        json["intents"].as_array().unwrap().iter().map(|i| i["what"].as_str().unwrap()).collect();
    assert_eq!(whats, ["Approve as team-leads", "Reject"]);
    let said = stage.audit(&["planera-v1-8-2", "-n", PRODUCTION, "-o", "md"]).await;
    assert!(
        said.out.contains("not \\| tested")
            && said.out.contains("**Timeline of planera-production/planera-v1-8-2**"),
        "{}",
        said.out
    );
    assert!(stage.audit(&["production", "-n", PRODUCTION, "--since", "1s"]).await.out.is_empty());

    shows_refused_attempts(&stage).await;

    // the record itself, then the record gone
    let (_, _, actions) = stage.records(PRODUCTION).await;
    let refused =
        actions.iter().find(|action| action.status.as_ref().unwrap().result == Some(ActionResult::Refused));
    let name = refused.unwrap().metadata.name.clone().unwrap();
    let key = (PRODUCTION, name.as_str());
    assert!(stage.running.tamper("releaseactions", key, |mut action| {
        action["status"]["result"] = json!("Applied");
        Some(action)
    }));
    let said = stage.audit(&["--verify", "-n", PRODUCTION]).await;
    assert_eq!(said.code, 7, "{}", said.out);
    assert!(
        said.out.contains(&format!("action {PRODUCTION}/{name} is not what was sealed at place")),
        "{}",
        said.out
    );
    assert!(stage.running.tamper("releaseactions", key, |_| None));
    let said = stage.audit(&["--verify", "-n", PRODUCTION, "-o", "json"]).await;
    assert_eq!(said.code, 7, "{}", said.out);
    assert!(said.out.contains("is missing: it was removed"), "{}", said.out);
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_manager_disturbs_the_other() {
    let stage = Stage::open().await;
    let controller = stage.controller(Faults::default());
    let asked = stage.ask("ci", STAGING, "v1.8.2").await;
    let sealed = stage
        .when(&asked, |release| release.status.as_ref().is_some_and(|status| status.seal.is_some()))
        .await;
    let seal = sealed.status.unwrap().seal;
    let done = stage.when_final(&asked).await;
    let status = done.status.as_ref().unwrap();
    assert_eq!((done.phase(), &status.seal), (Phase::Succeeded, &seal), "later writes keep the seal");
    let object = serde_json::to_value(&done).unwrap();
    let (mine, others) =
        (owned_by(&object, "release-cockpit-seal"), owned_by(&object, "release-cockpit-controller"));
    assert_eq!(mine.as_object().unwrap().keys().collect::<Vec<_>>(), ["f:seal"]);
    assert!(others.get("f:seal").is_none() && others.get("f:phase").is_some(), "{others:#}");
    let environment = serde_json::to_value(stage.records(STAGING).await.0).unwrap();
    let mine = owned_by(&environment, "release-cockpit-seal");
    assert_eq!(mine.as_object().unwrap().keys().collect::<Vec<_>>(), ["f:chain"]);
    assert!(owned_by(&environment, "release-cockpit-controller").get("f:chain").is_none());
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_seals_it_leaves_one_chain() {
    let stage = Stage::open().await;
    let waiting = async {
        let release = stage.waiting("v1.8.2").await;
        for _ in 0..3 {
            stage
                .act(
                    "carol",
                    &release,
                    "Approve",
                    json!({
                        "expected": {"planDigest": format!("sha256:{}", "0".repeat(64))},
                        "slots": [{"name": "team-leads", "group": "team-leads"}],
                    }),
                )
                .await;
        }
        let (_, releases, actions) = stage.records(PRODUCTION).await;
        stage.when_sealed(PRODUCTION, i64::try_from(releases.len() + actions.len()).unwrap()).await
    };
    let mut waiting = std::pin::pin!(waiting);
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let mut kills = 0;
    let (report, controller) = loop {
        let seen = seen.clone();
        // every seal and every head once, a head behind other seals each time
        let faults = Faults::kill_when(move |cut| {
            let mut seen = seen.lock().unwrap();
            let count = seen.len();
            match cut.before.as_str() {
                "seal" => seen.insert(cut.object.clone()),
                "chain" => seen.insert(format!("head {}", count / 2)),
                _ => false,
            }
        });
        let mut controller = stage.controller(faults);
        tokio::select! {
            ended = &mut controller => {
                assert!(matches!(ended.unwrap(), Err(controller::Error::Killed(_))));
                kills += 1;
            }
            report = &mut waiting => break (report, controller),
        }
    };
    assert_eq!(report.findings, [], "{:?}", seen.lock().unwrap());
    assert!(kills >= 5, "{kills} kills: {:?}", seen.lock().unwrap());
    stage.stop.cancel();
    let _ = controller.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_records_go_only_after_their_export_and_both_together_verify() {
    let stage = Stage::open().await;
    // the scenario's past would be kept as the ways back
    for name in ["production-v1-8-0", "production-v1-8-1"] {
        assert!(stage.running.tamper("releases", (PRODUCTION, name), |_| None));
    }
    let directory = tempfile::tempdir().unwrap();
    let faults = Arc::new(Mutex::new(BTreeSet::new()));
    let start = || {
        let seen = faults.clone();
        // once before each of the three steps, and once in the middle of the deletions
        let faults = Faults::kill_when(move |cut| {
            let is_cut = matches!(cut.before.as_str(), "export" | "removal")
                || cut.before == "delete" && cut.object.contains("v1-9-1");
            is_cut && seen.lock().unwrap().insert(cut.before.clone())
        });
        stage.exporting_controller(faults, Some(directory.path().to_owned()))
    };
    let mut controller = start();
    for number in 0..22 {
        let release = stage.waiting(&format!("v1.9.{number}")).await;
        let (result, message) = stage.act("carol", &release, "Reject", json!({})).await;
        assert_eq!(result, ActionResult::Applied, "{message}");
    }
    let (_, releases, actions) = stage.records(PRODUCTION).await;
    let count = releases.len() + actions.len();
    stage.when_sealed(PRODUCTION, i64::try_from(count).unwrap()).await;
    let environments: Api<Environment> = Api::namespaced(stage.client("admin"), PRODUCTION);
    let patch = json!({"spec": {"retention": "1s"}});
    environments.patch("production", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    let gone = async {
        stage.waiting("v1.9.99").await;
        loop {
            let (environment, releases, _) = stage.records(PRODUCTION).await;
            let removed = environment.status.unwrap().chain.unwrap().removed;
            if removed > 0 && releases.len() == 20 {
                break removed;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let mut gone = std::pin::pin!(gone);
    let removed = loop {
        tokio::select! {
            removed = &mut gone => break removed,
            ended = &mut controller => {
                assert!(matches!(ended.unwrap(), Err(controller::Error::Killed(_))));
                controller = start();
            }
            () = tokio::time::sleep(PATIENCE) => panic!("nothing was removed: {:?}", faults.lock().unwrap()),
        }
    };
    assert_eq!(faults.lock().unwrap().len(), 3, "{:?}", faults.lock().unwrap());
    let report = stage.report(PRODUCTION).await;
    assert_eq!(report.findings, []);
    assert_eq!(report.first, removed + 1);
    let files: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let file = file.to_str().unwrap();
    let both = stage.audit(&["--verify", "production", "-n", PRODUCTION, "--from", file]).await;
    assert_eq!(both.code, 0, "{}{}", both.out, both.err);
    assert!(both.out.contains("at places 1 to "), "{}", both.out);
    let alone = stage.audit(&["--verify", "--from", file]).await;
    assert!(
        alone.code == 0 && alone.out.contains(&format!("{removed} records at places 1 to {removed}")),
        "{}",
        alone.out
    );
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, text.replacen("\"actor\":\"carol\"", "\"actor\":\"dave\"", 1)).unwrap();
    let forged = stage.audit(&["--verify", "production", "-n", PRODUCTION, "--from", file]).await;
    assert_eq!(forged.code, 7, "{}", forged.out);
    stage.stop.cancel();
    let _ = controller.await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_export_nothing_is_ever_removed_and_that_is_said_once() {
    let stage = Stage::open().await;
    let environments: Api<Environment> = Api::namespaced(stage.client("admin"), PRODUCTION);
    let patch = json!({"spec": {"retention": "1s"}});
    environments.patch("production", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    let controller = stage.controller(Faults::default());
    let release = stage.waiting("v1.8.2").await;
    stage.act("carol", &release, "Reject", json!({})).await;
    let (_, releases, actions) = stage.records(PRODUCTION).await;
    stage.when_sealed(PRODUCTION, i64::try_from(releases.len() + actions.len()).unwrap()).await;
    let events: Api<k8s_openapi::api::events::v1::Event> = Api::namespaced(stage.client("alice"), PRODUCTION);
    let told = async {
        loop {
            let all = events.list(&ListParams::default()).await.unwrap().items;
            let told =
                all.iter().filter(|event| event.reason.as_deref() == Some("RetentionWithoutExport")).count();
            if told > 0 {
                break told;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, told).await.unwrap(), 1);
    assert_eq!(stage.report(PRODUCTION).await.first, 1);
    stage.close(controller).await;
}
