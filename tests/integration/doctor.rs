//! `doctor` against worlds that are well, silent, closed and badly configured.

use std::net::TcpListener;
use std::path::PathBuf;

use assert_cmd::Command;
use chrono::{SecondsFormat, TimeDelta, Utc};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::task::AbortOnDropHandle;

use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{Running, start};
use release_cockpit::time::Clock;

async fn world() -> Running {
    world_at(Clock::system()).await
}

async fn world_at(clock: Clock) -> Running {
    start(Scenario::builtin("planera").unwrap(), clock).await.unwrap()
}

/// The lease of a controller that renews it twice a second, by a clock that is so far from the server's.
async fn leads_with_a_clock(world: &Running, ahead: TimeDelta) -> AbortOnDropHandle<()> {
    let config = Kubeconfig::from_yaml(&world.kubeconfig_yaml("admin")).unwrap();
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    let leases: Api<Lease> = Api::namespaced(Client::try_from(config).unwrap(), "release-cockpit");
    let lease = move || {
        let renewed = (Utc::now() + ahead).to_rfc3339_opts(SecondsFormat::Micros, true);
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "release-cockpit-controller", "namespace": "release-cockpit"},
            "spec": {"holderIdentity": "elsewhere", "leaseDurationSeconds": 15, "renewTime": renewed}})
    };
    leases.create(&PostParams::default(), &serde_json::from_value(lease()).unwrap()).await.unwrap();
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            let renewed = Patch::Merge(json!({"spec": {"renewTime": lease()["spec"]["renewTime"]}}));
            leases.patch("release-cockpit-controller", &PatchParams::default(), &renewed).await.unwrap();
        }
    }))
}

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs `doctor -o json` and gives its exit code and its checks.
    async fn doctor(&self, world: Option<&Running>, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_release-cockpit"));
        command
            .env_clear()
            .env("HOME", self.0.path())
            .env("PATH", "/usr/bin:/bin")
            .current_dir(self.0.path());
        if let Some(world) = world {
            let mirror = format!("*={}", world.registry_url.as_str().trim_end_matches('/'));
            command.env("RELEASE_COCKPIT_REGISTRY_MIRRORS", mirror);
        }
        command.args(arguments).args(["doctor", "-o", "json"]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let answer: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {said}"));
        (output.status.code(), answer["checks"].as_array().unwrap().clone())
    }
}

/// The verdicts of one check of a cluster, the worst word of all.
fn verdict<'a>(checks: &'a [Value], check: &str, cluster: &str) -> &'a str {
    let of = checks.iter().filter(|found| found["check"] == check && found["cluster"] == cluster);
    let mut words: Vec<&str> = of.map(|found| found["verdict"].as_str().unwrap()).collect();
    words.sort_by_key(|word| ["fail", "warn", "skipped", "ok"].iter().position(|known| known == word));
    words.first().copied().unwrap_or("absent")
}

fn context(checks: &[Value]) -> String {
    let found = checks.iter().find(|found| found["check"] == "server").unwrap();
    found["cluster"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_world_without_a_controller_is_told_so_and_the_rest_is_well() {
    let (world, home) = (world().await, Home::new());
    let file = home.file("kubeconfig", &world.kubeconfig_yaml("alice"));
    let (code, checks) = home.doctor(Some(&world), &["--kubeconfig", file.to_str().unwrap()]).await;
    let here = context(&checks);
    for (check, expected) in [
        ("kubeconfig", "ok"),
        ("server", "ok"),
        ("definitions", "ok"),
        ("permissions", "ok"),
        ("controller", "fail"),
        ("prometheus", "ok"),
    ] {
        assert_eq!(verdict(&checks, check, &here), expected, "{check}: {checks:#?}");
    }
    let queries = checks.iter().find(|found| found["check"] == "queries").unwrap();
    assert!(queries["evidence"].as_str().unwrap().contains("queries bring data"), "{queries}");
    for found in &checks {
        let mends = found["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty());
        assert_eq!(mends, matches!(found["verdict"].as_str(), Some("warn" | "fail")), "{found}");
    }
    assert_eq!(code, Some(1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_hangs_is_told_and_delays_no_other() {
    let (world, home) = (world().await, Home::new());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: good\nclusters:\n- name: good\n  cluster: {{server: \"{}\"}}\n\
         - name: dead\n  cluster: {{server: \"http://{}\"}}\ncontexts:\n- name: good\n  context: {{cluster: good, user: u}}\n\
         - name: dead\n  context: {{cluster: dead, user: u}}\nusers:\n- name: u\n  user: {{token: alice}}\n",
        world.kube_url.as_str().trim_end_matches('/'),
        listener.local_addr().unwrap()
    );
    let file = home.file("kubeconfig", &text);
    let arguments = ["--kubeconfig", file.to_str().unwrap(), "--context", "dead", "--context", "good"];
    let (code, checks) = home.doctor(Some(&world), &arguments).await;
    assert_eq!(verdict(&checks, "server", "dead"), "fail", "{checks:#?}");
    for check in ["definitions", "permissions", "controller", "prometheus", "queries", "secrets", "images"] {
        assert_eq!(verdict(&checks, check, "dead"), "skipped", "{check}");
        assert_ne!(verdict(&checks, check, "good"), "absent", "{check}");
    }
    assert_eq!(verdict(&checks, "server", "good"), "ok");
    assert_eq!(verdict(&checks, "prometheus", "good"), "ok");
    assert_eq!(code, Some(1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prometheus_that_is_down_fails_alone() {
    let (world, home) = (world().await, Home::new());
    let file = home.file("kubeconfig", &world.kubeconfig_yaml("alice"));
    let arguments = ["--kubeconfig", file.to_str().unwrap(), "--prometheus", "http://127.0.0.1:1"];
    let (_, checks) = home.doctor(Some(&world), &arguments).await;
    let here = context(&checks);
    assert_eq!(verdict(&checks, "prometheus", &here), "fail", "{checks:#?}");
    assert_eq!(verdict(&checks, "queries", &here), "fail");
    assert_eq!(verdict(&checks, "permissions", &here), "ok");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_wrong_with_the_files_is_a_finding_and_no_end() {
    let home = Home::new();
    let config = home.file("cockpit.toml", "no_such_setting = 1\n");
    let missing = home.0.path().join("nowhere");
    let arguments = ["--config", config.to_str().unwrap(), "--kubeconfig", missing.to_str().unwrap()];
    let (code, checks) = home.doctor(None, &arguments).await;
    let settings = checks.iter().find(|found| found["check"] == "settings").unwrap();
    assert_eq!(settings["verdict"], "fail");
    assert!(settings["evidence"].as_str().unwrap().contains("no_such_setting"), "{settings}");
    assert!(
        checks.iter().any(|found| found["check"] == "kubeconfig" && found["verdict"] == "fail"),
        "{checks:#?}"
    );
    assert_eq!(code, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_look_is_told_which_role_to_ask_for_and_a_stranger_that_nothing_can_be_read() {
    let (world, home) = (world().await, Home::new());
    let file = home.file("kubeconfig", &world.kubeconfig_yaml("dave"));
    let (_, checks) = home.doctor(Some(&world), &["--kubeconfig", file.to_str().unwrap()]).await;
    let here = context(&checks);
    assert_eq!(verdict(&checks, "permissions", &here), "warn", "{checks:#?}");
    let found = checks.iter().find(|found| found["check"] == "permissions").unwrap();
    assert!(found["remedy"].as_str().unwrap().contains("manifests rbac"), "{found}");
    // the token that nobody has given out
    let text = world.kubeconfig_yaml("dave").replace("/as/dave", "").replace("\"dave\"", "\"stranger\"");
    let file = home.file("kubeconfig", &text);
    let (code, checks) = home.doctor(Some(&world), &["--kubeconfig", file.to_str().unwrap()]).await;
    assert!(checks.iter().any(|found| found["verdict"] == "fail") && code == Some(1), "{checks:#?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_not_understood_is_named_and_every_command_goes_on() {
    let (world, home) = (world().await, Home::new());
    let changed = world.tamper("environments", ("planera-production", "production"), |mut found| {
        found["spec"]["onFailure"] = "retry".into();
        Some(found)
    });
    assert!(changed);
    let file = home.file("kubeconfig", &world.kubeconfig_yaml("alice"));
    let (_, checks) = home.doctor(Some(&world), &["--kubeconfig", file.to_str().unwrap()]).await;
    assert_eq!(verdict(&checks, "objects", &context(&checks)), "warn", "{checks:#?}");
    let found = checks.iter().find(|found| found["check"] == "objects").unwrap();
    assert_eq!(found["subject"], "environment planera-production/production");
    assert!(found["evidence"].as_str().unwrap().contains("spec.onFailure: retry"), "{found}");
    for arguments in [&["status"][..], &["queue"], &["inbox"], &["audit"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_release-cockpit"));
        command
            .env_clear()
            .env("HOME", home.0.path())
            .env("PATH", "/usr/bin:/bin")
            .current_dir(home.0.path());
        command.arg("--kubeconfig").arg(&file).args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {err}");
        assert!(err.contains("production") && err.contains("spec.onFailure: retry"), "{arguments:?}: {err}");
        assert!(arguments != ["status"] || out.contains("planera-staging"), "{out}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_differs_from_the_servers_is_found_with_and_without_a_controller() {
    let home = Home::new();
    for (ahead, words) in [(TimeDelta::hours(5), "5h behind"), (TimeDelta::hours(-5), "5h ahead of")] {
        let world = world_at(Clock::scaled(Utc::now() + ahead, 1.0)).await;
        let file = home.file("kubeconfig", &world.kubeconfig_yaml("alice"));
        let (_, checks) = home.doctor(Some(&world), &["--kubeconfig", file.to_str().unwrap()]).await;
        let clock =
            checks.iter().find(|found| found["subject"] == "clock").unwrap_or_else(|| panic!("{checks:#?}"));
        assert_eq!((&clock["check"], &clock["verdict"]), (&json!("controller"), &json!("warn")));
        // seconds pass between the answer and the look at it
        let evidence = clock["evidence"].as_str().unwrap().replace("4h59m", "5h");
        assert!(evidence.contains(words), "{evidence}");
        assert!(clock["remedy"].as_str().unwrap().contains("NTP"), "{clock}");
        world.stop().await;
    }
    let world = world().await;
    let file = home.file("kubeconfig", &world.kubeconfig_yaml("alice"));
    let (_, checks) = home.doctor(Some(&world), &["--kubeconfig", file.to_str().unwrap()]).await;
    assert!(!checks.iter().any(|found| found["subject"] == "clock"), "{checks:#?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_whose_clock_is_wrong_leads_all_the_same_and_is_named() {
    let home = Home::new();
    for (ahead, verdict, words) in [
        (TimeDelta::zero(), "ok", "elsewhere leads"),
        (
            TimeDelta::hours(5),
            "warn",
            "elsewhere leads and renews, but its clock is 5h ahead of the API server's",
        ),
        (
            TimeDelta::hours(-5),
            "warn",
            "elsewhere leads and renews, but its clock is 5h behind the API server's",
        ),
    ] {
        let world = world().await;
        let _leader = leads_with_a_clock(&world, ahead).await;
        let file = home.file("kubeconfig", &world.kubeconfig_yaml("alice"));
        let (_, checks) = home.doctor(Some(&world), &["--kubeconfig", file.to_str().unwrap()]).await;
        let found = checks.iter().find(|found| found["check"] == "controller").unwrap();
        assert_eq!(found["verdict"], verdict, "{found}");
        let evidence = found["evidence"].as_str().unwrap().replace("4h59m", "5h");
        assert!(evidence.contains(words), "{evidence}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_kubernetes_would_refuse_are_found_before_any_release() {
    let (world, home) = (world().await, Home::new());
    let file = home.file("kubeconfig", &world.kubeconfig_yaml("alice"));
    let arguments = ["--kubeconfig", file.to_str().unwrap()];
    let (_, checks) = home.doctor(Some(&world), &arguments).await;
    assert_eq!(verdict(&checks, "names", &context(&checks)), "ok", "{checks:#?}");
    let (long, service) = ("w".repeat(243), "s".repeat(57));
    for (change, words) in [
        (json!({"workload": {"name": long}}), "is too long: 243 characters, at most 242"),
        (json!({}), "-canary is too long: 64 characters, at most 63"),
    ] {
        let changed = world.tamper("environments", ("planera-production", "production"), |mut found| {
            let first = &mut found["spec"]["components"][0];
            json_patch::merge(first, &change);
            let service = if change == json!({}) { service.as_str() } else { "backend" };
            found["spec"]["allowedStrategies"] = json!(["canary"]);
            found["spec"]["strategy"] = json!({"rolling": {}});
            found["spec"]["strategies"] = json!({"canary": {"steps": [{"setWeight": 50}], "trafficRouting": {
                "router": "gateway-api", "config": {"httpRoute": "backend", "service": service}}}});
            Some(found)
        });
        assert!(changed);
        let (code, checks) = home.doctor(Some(&world), &arguments).await;
        let failed: Vec<_> = checks
            .iter()
            .filter(|found| found["check"] == "names" && found["verdict"] == "fail")
            .filter(|found| found["evidence"].as_str().unwrap().contains(words))
            .collect();
        assert!(!failed.is_empty() && code == Some(1), "{words}: {checks:#?}");
        let subject = failed[0]["subject"].as_str().unwrap();
        assert!(subject.starts_with("planera-production/production names/"), "{subject}");
        world.tamper("environments", ("planera-production", "production"), |mut found| {
            found["spec"]["components"][0]["workload"]["name"] = json!("backend");
            Some(found)
        });
    }
    world.stop().await;
}
