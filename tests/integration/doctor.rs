//! `doctor` against worlds that are well, silent, closed and badly configured.

use std::net::TcpListener;
use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{Running, start};
use release_cockpit::time::Clock;

async fn world() -> Running {
    start(Scenario::builtin("planera").unwrap(), Clock::system()).await.unwrap()
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
