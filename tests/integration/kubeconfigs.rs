//! Kubeconfigs, proxies and credential plugins against a server with TLS: what kubectl accepts works, and plugins run as seldom as theirs.

use std::path::Path;

use assert_cmd::Command;
use release_cockpit::cluster::{Cluster, ConnectOptions, Kind, Source};
use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{Running, start};
use release_cockpit::time::Clock;

use crate::contract::kubeconfigs::{Bench, CLIENT_CERTIFICATE, CLIENT_KEY};

const OURS: &str = env!("CARGO_BIN_EXE_release-cockpit");

async fn bench() -> (Running, Bench) {
    let running = start(Scenario::builtin("quiet").unwrap(), Clock::system()).await.unwrap();
    let bench = Bench::new(running.kube_url.as_str());
    bench.file("ca.crt", crate::contract::kubeconfigs::CA);
    (running, bench)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kubectl_accepts_works() {
    let (running, bench) = bench().await;
    // The cluster suite, which has a kubectl, asks both.
    let kubectl = std::env::var_os("RELEASE_COCKPIT_TEST_KUBECTL").map(std::path::PathBuf::from);
    tokio::task::spawn_blocking(move || bench.compare(Path::new(OURS), kubectl.as_deref())).await.unwrap();
    running.stop().await;
}

/// A plugin that counts its runs and prints what stands in a file.
fn counting(bench: &Bench) -> String {
    let home = bench.home.path().display().to_string();
    bench.file("runs", "");
    let path = bench.plugin("plug/counting.sh", &format!("echo run >> {home}/runs; cat {home}/answer"));
    Bench::kubeconfig(
        &bench.cluster("127.0.0.1"),
        &format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{}', interactiveMode: Never}}",
            path.display()
        ),
    )
}

fn runs(bench: &Bench) -> usize {
    std::fs::read_to_string(bench.home.path().join("runs")).unwrap().lines().count()
}

fn answer(bench: &Bench, status: &serde_json::Value) {
    let text = serde_json::json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status});
    bench.file("answer", text.to_string());
}

fn options(bench: &Bench, kubeconfig: &str) -> ConnectOptions {
    let path = bench.file("kc", kubeconfig);
    ConnectOptions { source: Source::File(path), ..ConnectOptions::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_runs_once_per_start_and_again_after_a_refusal() {
    let (running, bench) = bench().await;
    let kubeconfig = counting(&bench);
    answer(&bench, &serde_json::json!({"token": "alice"}));
    let cluster = Cluster::connect(&options(&bench, &kubeconfig)).await.unwrap();
    let watches = cluster.watch_client();
    let version = http::Request::get("/version").body(Vec::new()).unwrap();
    let (one, other, third) = tokio::join!(
        cluster.server_version(),
        cluster.identity(),
        watches.request::<serde_json::Value>(version)
    );
    one.unwrap();
    assert_eq!(other.unwrap().user, "alice");
    third.unwrap();
    assert_eq!(runs(&bench), 1, "both clients share one run");

    bench.relay.know("Bearer t2");
    answer(&bench, &serde_json::json!({"token": "t2"}));
    let asked = (0..8).map(|_| cluster.server_version());
    for answer in futures::future::join_all(asked).await {
        answer.unwrap();
    }
    assert_eq!(runs(&bench), 2, "one renewal serves everybody who was refused");

    bench.relay.know("Bearer t3");
    for _ in 0..5 {
        let refused = cluster.server_version().await.unwrap_err();
        assert_eq!(refused.kind(), &Kind::Credentials, "{refused}");
    }
    assert!(runs(&bench) <= 3, "{} runs: a refusal that stays is asked about seldom", runs(&bench));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_a_plugin_is_renewed_before_its_end() {
    let (running, bench) = bench().await;
    let kubeconfig = counting(&bench);
    let identity = |expires: chrono::DateTime<chrono::Utc>| {
        serde_json::json!({"clientCertificateData": CLIENT_CERTIFICATE, "clientKeyData": CLIENT_KEY,
            "expirationTimestamp": expires.to_rfc3339()})
    };
    // Its end is passed, so it holds for the shortest time that anything is trusted for.
    answer(&bench, &identity(chrono::Utc::now() - chrono::TimeDelta::hours(1)));
    let cluster = Cluster::connect(&options(&bench, &kubeconfig)).await.unwrap();
    cluster.server_version().await.unwrap();
    assert_eq!(runs(&bench), 1);
    answer(&bench, &identity(chrono::Utc::now() + chrono::TimeDelta::hours(1)));
    let began = std::time::Instant::now();
    while runs(&bench) < 2 {
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "it is not renewed");
        cluster.server_version().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    cluster.server_version().await.unwrap();
    assert_eq!(runs(&bench), 2, "what holds for an hour is not renewed at once");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_runs_its_plugin_once_and_says_what_is_wrong_with_it() {
    let (running, bench) = bench().await;
    let kubeconfig = counting(&bench);
    answer(&bench, &serde_json::json!({"token": "alice"}));
    let path = bench.file("kc", kubeconfig);
    let ours = |path: &Path, arguments: &[&str]| {
        let mut command = Command::new(OURS);
        command
            .env_clear()
            .env("HOME", bench.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("KUBECONFIG", path);
        let output = command.args(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let (code, said) = ours(&path, &["status"]);
    assert_eq!((code, runs(&bench)), (Some(0), 1), "{said}");

    let absent = bench.file(
        "absent",
        Bench::kubeconfig(
            &bench.cluster("127.0.0.1"),
            "exec: {command: no-such-plugin, installHint: 'brew install it', env: [{name: A, value: made-up-s3cret}]}",
        ),
    );
    let (code, said) = ours(&absent, &["status"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("the credential plugin no-such-plugin is not installed: brew install it"),
        "{said}"
    );
    let (_, said) = ours(&absent, &["doctor"]);
    assert!(said.contains("brew install it") && said.contains("credential plugin"), "{said}");
    assert!(!said.contains("--kubeconfig") && !said.contains("s3cret"), "{said}");

    let list = std::env::join_paths([Path::new("/gone/kubeconfig"), &path]).unwrap();
    let (_, said) = ours(Path::new(&list), &["doctor"]);
    assert!(said.contains("/gone/kubeconfig does not exist and is skipped"), "{said}");

    let proxied = bench.file(
        "proxied",
        Bench::kubeconfig(
            &format!("{}, proxy-url: 'http://me:s3cret@127.0.0.1:9'", bench.cluster("127.0.0.1")),
            "token: alice",
        ),
    );
    let (code, said) = ours(&proxied, &["status"]);
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("http://127.0.0.1:9 (proxy-url)") && !said.contains("s3cret"), "{said}");
    running.stop().await;
}
