//! Commands of people on a world with a controller: freeze, why, drive, scale, stop, and going back in an emergency.

use std::time::{Duration, Instant};

use assert_cmd::Command;
use kube::api::{Api, Patch, PatchParams};
use release_cockpit::api::Environment;
use release_cockpit::cluster::registry::Mirrors;
use release_cockpit::controller::{self, ControllerOptions, Deadlines, LeaseOptions};
use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{Running, StartOptions, start_with};
use release_cockpit::time::Clock;
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::ear::{Ear, text};

mod outcomes;

/// Long enough on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const PHRASE: [&str; 2] = ["--confirm", "deploy-to-production"];

/// Every image of that world is in its own registry.
fn mirror(running: &Running) -> String {
    format!("*={}", running.registry_url)
}

/// A world with its controller; nobody acts by themselves.
struct Stage {
    home: TempDir,
    running: Running,
    stop: CancellationToken,
}

impl Stage {
    async fn open() -> Self {
        Self::of(Scenario::builtin("planera").unwrap()).await
    }

    async fn of(scenario: Scenario) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let options = StartOptions { without_script: true, ..StartOptions::default() };
        let running = start_with(scenario, Clock::system(), options).await.unwrap();
        let mut config = kube::Config::new(running.kube_url.as_str().parse().unwrap());
        config.root_cert = Some(Vec::new());
        config.auth_info.token = Some("controller".to_owned().into());
        let options = ControllerOptions {
            identity: "one".into(),
            namespace: "release-cockpit".into(),
            namespaces: Vec::new(),
            clock: Clock::system(),
            lease: LeaseOptions::default(),
            deadlines: Deadlines::default(),
            http: None,
            concurrency: 4,
            mirrors: Mirrors::parse(&[mirror(&running)]).unwrap(),
            allowed: release_cockpit::domain::address::Allowed::parse(&["127.0.0.1"]).unwrap(),
            audit_export: None,
        };
        let stop = CancellationToken::new();
        tokio::spawn(controller::run(kube::Client::try_from(config).unwrap(), options, stop.clone()));
        Self { home: tempfile::tempdir().unwrap(), running, stop }
    }

    /// Runs the program as that person; its exit code, and what it said on both outputs.
    async fn run(&self, user: &str, arguments: &[&str]) -> (i32, String) {
        self.run_with(user, arguments, &mirror(&self.running)).await
    }

    /// As [`Self::run`], with registries at that address.
    async fn run_with(&self, user: &str, arguments: &[&str], mirrors: &str) -> (i32, String) {
        let path = self.home.path().join(user);
        std::fs::write(&path, self.running.kubeconfig_yaml(user)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_release-cockpit"));
        command.env_clear().env("HOME", self.home.path());
        command.env("RELEASE_COCKPIT_REGISTRY_MIRRORS", mirrors);
        command.env("RELEASE_COCKPIT_ALLOW_HOSTS", "127.0.0.1");
        command.arg("--kubeconfig").arg(path).args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout) + &text(output.stderr))
    }

    /// Runs it and expects this code and these words.
    async fn says(&self, user: &str, arguments: &[&str], code: i32, words: &[&str]) {
        let (found, said) = self.run(user, arguments).await;
        assert_eq!(found, code, "{user}: {arguments:?}\n{said}");
        for word in words {
            assert!(said.contains(word), "{user}: {arguments:?}: no {word:?} in\n{said}");
        }
    }

    /// Repeats what only looks, until it says these words.
    async fn comes_to_say(&self, user: &str, arguments: &[&str], words: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (_, said) = self.run(user, arguments).await;
            if words.iter().all(|word| said.contains(word)) {
                return;
            }
            assert!(Instant::now() < deadline, "{user}: {arguments:?} never says {words:?}:\n{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_guard_an_environment_by_commands() {
    let stage = Stage::open().await;
    stage.comes_to_say("alice", &["status"], &["v1.8.1"]).await;

    let freeze =
        ["freeze", "production", "--for", "2h", "--in-flight", "hold", "--incident", "INC-1", "--wait"];
    let reason = ["--reason", "the database is full"];
    let with_phrase = [&freeze[..], &reason, &PHRASE].concat();
    stage.says("alice", &[&freeze[..], &PHRASE].concat(), 2, &["needs a reason"]).await;
    stage.says("dave", &with_phrase, 3, &[]).await;
    // what stops needs a reason, and never the phrase
    stage.says("alice", &[&freeze[..], &reason].concat(), 0, &["frozen until"]).await;
    stage.comes_to_say("dave", &["status", "production"], &["by alice: the database is full"]).await;
    let deploy = [&["deploy", "production", "v1.8.2"][..], &PHRASE].concat();
    stage.says("alice", &deploy, 3, &["EnvironmentFrozen"]).await;
    let unfreeze = [&["unfreeze", "production", "--reason", "it is over", "--wait"][..], &PHRASE].concat();
    stage.says("alice", &unfreeze, 0, &["may start again"]).await;
    stage.says("alice", &unfreeze, 3, &["refused"]).await;

    let scale = |to: &'static str| [&["scale", "production", "backend", to, "--wait"][..], &PHRASE].concat();
    stage.says("alice", &scale("0"), 0, &["0"]).await;
    stage.says("alice", &scale("back"), 0, &[]).await;
    stage.says("alice", &["scale", "production", "nothing", "1"], 1, &["it has backend, frontend"]).await;
    stage.says("alice", &["check", "production", "--item", "x"], 1, &["no release"]).await;
    stage.stop.cancel();
}

/// Alerts by their environment, and a sentence where nobody tells of them.
#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_told_by_command() {
    let mut scenario = Scenario::builtin("planera").unwrap();
    let rule = |name: &str, labels: serde_json::Value| json!({"alert": name, "expr": "vector(1)", "labels": labels, "annotations": {"summary": "value is {{ $value }}"}});
    scenario.rules = serde_json::from_value(json!([
        rule("Burns", json!({"severity": "critical", "namespace": "planera-production"})),
        rule("Elsewhere", json!({"severity": "critical", "namespace": "kube-system"})),
        rule("Everywhere", json!({"severity": "none"})),
        rule(
            "Slow",
            json!({"severity": "warning", "namespace": "planera-production", "component": "frontend"})
        ),
    ]))
    .unwrap();
    let stage = Stage::of(scenario).await;
    stage
        .comes_to_say(
            "alice",
            &["alerts"],
            &["Burns", "planera-production/production", "value is 1", "Everywhere", "Slow"],
        )
        .await;
    let (_, said) = stage.run("alice", &["alerts"]).await;
    assert!(!said.contains("Elsewhere"), "{said}");
    stage.says("alice", &["alerts", "--all"], 0, &["Elsewhere"]).await;
    let (code, said) = stage.run("alice", &["alerts", "production", "-o", "json"]).await;
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, told["alerts"].as_array().unwrap().len()), (0, 2), "{said}");
    assert_eq!(told["alerts"][0]["environments"], json!(["planera-production/production"]));
    assert_eq!(told["alerts"][0]["labels"]["alertname"], "Burns");
    // what is surely another component's is left out, and said to be
    let backend = ["alerts", "production", "--component", "backend"];
    let (_, said) = stage.run("alice", &backend).await;
    assert!(said.contains("Burns") && !said.contains("Slow"), "{said}");
    assert!(said.contains("1 of other components not shown"), "{said}");
    let nobody = ["alerts", "production", "--component", "nobody"];
    stage.says("alice", &nobody, 2, &["there is no component `nobody`; there are backend, frontend"]).await;
    stage.says("alice", &["alerts", "staging"], 0, &["no alert fires"]).await;
    let nobody = ["--prometheus", "http://127.0.0.1:1", "alerts"];
    stage.says("alice", &nobody, 1, &["Prometheus is down: nothing listens at its address"]).await;
    stage.says("alice", &["alerts", "nowhere"], 1, &["nowhere"]).await;
    stage.stop.cancel();
}

/// What the terminal's keys do among alerts, without the terminal.
#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_silenced_by_command() {
    let mut scenario = Scenario::builtin("planera").unwrap();
    let rule = |labels: serde_json::Value| json!({"alert": "Burns", "expr": "vector(1)", "labels": labels});
    scenario.rules = serde_json::from_value(json!([
        rule(json!({"severity": "critical", "namespace": "planera-production"})),
        rule(json!({"severity": "critical", "namespace": "planera-staging"})),
    ]))
    .unwrap();
    let stage = Stage::of(scenario).await;
    let url = stage.running.alertmanager_url.to_string();
    let with = |arguments: &[&'static str]| [&["--alertmanager", url.as_str()], arguments].concat();
    let alerts = with(&["alerts"]);
    stage.comes_to_say("alice", &alerts, &["planera-production/production", "planera-staging/staging"]).await;
    let silence = ["silence", "production", "Burns", "--for", "2h", "--reason", "INC-1: we are at it"];
    let silence = with(&silence);
    let dry = [&silence, &["--dry-run", "-o", "json"][..]].concat();
    let (code, said) = stage.run("alice", &dry).await;
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &told["verdict"], &told["id"]), (0, &json!("NotSent"), &json!(null)), "{said}");
    assert_eq!(told["matches"], json!(["Burns"]));
    assert!(!stage.run("alice", &alerts).await.1.contains("silenced"), "nothing was sent");
    let confirmed = [&silence, &PHRASE[..], &["-o", "json"]].concat();
    let (code, said) = stage.run("alice", &confirmed).await;
    let made: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &made["verdict"], &made["by"]), (0, &json!("Done"), &json!("alice")), "{said}");
    let namespace = json!("namespace=\"planera-production\"");
    assert!(made["matchers"].as_array().unwrap().contains(&namespace), "{said}");
    stage.comes_to_say("alice", &alerts, &["silenced", "planera-staging/staging"]).await;
    let id = made["id"].as_str().unwrap();
    let expire = ["--alertmanager", &url, "expire-silence", id];
    let dry = [&expire[..], &["--dry-run"]].concat();
    stage.says("alice", &dry, 0, &["alice: INC-1: we are at it", "nothing was sent"]).await;
    stage.says("alice", &expire, 0, &[id, "ended"]).await;
    stage.says("alice", &expire, 1, &["no silence in force is called", "there are none"]).await;
    assert!(!stage.run("alice", &alerts).await.1.contains("silenced"));
    // labels of one's own; what nobody bears is said
    let own = ["silence", "staging", "--matcher", "alertname=~B.*", "--for", "5m", "--reason", "load test"];
    stage
        .says("alice", &with(&own), 0, &["matches       2 active now: Burns, Burns", "alertname=~\"B.*\""])
        .await;
    let unknown = ["silence", "staging", "Slow", "--for", "5m", "--reason", "load test"];
    stage.says("alice", &with(&unknown), 1, &["no alert `Slow` is active", "there are Burns"]).await;
    let nobody = [
        "--alertmanager",
        "http://127.0.0.1:1",
        "silence",
        "staging",
        "Burns",
        "--for",
        "5m",
        "--reason",
        "why",
    ];
    stage.says("alice", &nobody, 1, &["Alertmanager is down", "nothing was sent"]).await;
    stage.stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_look_at_a_release_and_stop_it_by_commands() {
    let stage = Stage::open().await;
    stage.comes_to_say("alice", &["status"], &["v1.8.1"]).await;
    stage.says("bob", &[&["deploy", "production", "v1.8.2"][..], &PHRASE].concat(), 0, &["created"]).await;
    stage.comes_to_say("bob", &["why", "production"], &["wait     approval", "not bob", "server: "]).await;
    stage.says("alice", &["why", "production"], 0, &["server: would accept your approval"]).await;
    stage.says("dave", &["why", "production"], 0, &["server: the server was not asked: needs deploy"]).await;
    stage.says("alice", &["inbox"], 0, &["approve", "production"]).await;
    stage.says("alice", &["inbox", "-o", "json"], 0, &["\"do\": \"approve\"", "\"cluster\""]).await;
    // who asked for it may tick what they know, and not approve
    stage.says("bob", &["inbox"], 0, &["8 of 8 checks open, next: Changes tested locally"]).await;
    let (_, said) = stage.run("bob", &["inbox", "-o", "json"]).await;
    assert!(said.contains("\"do\": \"check\"") && !said.contains("\"do\": \"approve\""), "{said}");
    stage.says("dave", &["inbox"], 0, &["nothing waits for you"]).await;

    stage.says("alice", &["drive", "production", "--for", "1h", "--wait"], 0, &[]).await;
    stage.says("dave", &["drive", "production"], 3, &[]).await;
    stage.says("bob", &["hand-over", "production", "mine", "--wait"], 3, &["alice"]).await;
    stage.says("alice", &["hand-over", "production", "watch p99", "--wait"], 0, &[]).await;
    stage.says("alice", &["withdraw", "production", "--wait"], 3, &["no approval"]).await;
    let incident = ["--incident", "INC-1", "--reason", "customers cannot pay"];
    let force =
        [&["override", "production", "--gate", "nonsense"][..], &incident, &PHRASE, &["--wait"]].concat();
    stage.says("alice", &force, 3, &["VerbDenied"]).await;

    let back = [&["rollback", "production", "--to", "v1.8.0", "--emergency"][..], &PHRASE].concat();
    stage.says("alice", &[&back[..], &["--reason", "burns"]].concat(), 2, &["at least 10 characters"]).await;
    let back = [&back[..], &["--reason", "INC-1: customers cannot pay"]].concat();
    stage.says("alice", &back, 0, &["created"]).await;
    stage.comes_to_say("alice", &["queue", "--all"], &["v1.8.0", "Progressing"]).await;

    let stop = [&["stop", "production", "--reason", "nothing may move", "--wait"][..], &PHRASE].concat();
    stage.says("alice", &stop, 0, &[]).await;
    stage.comes_to_say("alice", &["queue", "--all"], &["v1.8.2", "stopped by alice"]).await;
    stage.stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_roll_back_once_and_never_to_the_version_left() {
    let stage = Stage::open().await;
    stage.comes_to_say("alice", &["status"], &["v1.8.1"]).await;
    for version in ["v1.9.0", "v1.9.1"] {
        let deploy = ["deploy", "staging", version, "--wait", "--timeout", "60s"];
        stage.says("ci", &deploy, 0, &["Succeeded"]).await;
    }
    let back = ["rollback", "staging", "--reason", "loses sessions"];
    stage.says("alice", &back, 0, &["Rollback v1.9.0"]).await;
    // a second person within the same minute joins, whether the first one's release waits, executes or has just ended
    let joins = [&back[..], &["--wait", "--timeout", "60s"]].concat();
    stage.says("bob", &joins, 0, &["alice"]).await;
    stage.comes_to_say("alice", &["status", "staging", "-o", "json"], &["v1.9.0"]).await;
    stage.says("bob", &back, 0, &["alice has just rolled back to v1.9.0", "nothing was sent", "--to"]).await;
    let (_, listed) = stage.run("bob", &["rollback", "staging", "--list"]).await;
    let left = listed.lines().find(|line| line.starts_with("v1.9.1")).unwrap();
    assert!(left.contains("denied"), "{listed}");
    assert!(!listed.contains("Going back to v1.9.1"), "{listed}");
    let (_, all) = stage.run("alice", &["queue", "--all", "-o", "json"]).await;
    assert_eq!(all.matches("\"kind\": \"Rollback\"").count(), 1, "{all}");
    // the digest that was left is denied until somebody allows it
    stage
        .comes_to_say("alice", &["status", "staging", "-o", "json"], &["rolled back from it to v1.9.0"])
        .await;
    stage.says("ci", &["deploy", "staging", "v1.9.1"], 3, &["DigestDenied"]).await;
    stage.stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_is_released_as_what_it_means_now_where_the_registry_says() {
    let stage = Stage::open().await;
    stage.comes_to_say("alice", &["status"], &["v1.8.1"]).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let manifest =
        |tag: &str| format!("{}v2/acme/planera-backend/manifests/{tag}", stage.running.registry_url);
    let answer = client.head(manifest("v1.9.0")).send().await.unwrap();
    let digest = answer.headers()["docker-content-digest"].to_str().unwrap().to_owned();
    let pinned = format!("ghcr.io/acme/planera-backend:v1.9.0@{digest}");
    // the wait ends when it runs: plan, rollout and status know the digest
    let deploy = ["deploy", "staging", "v1.9.0", "--request-id", "one", "-o", "json"];
    stage.says("ci", &deploy, 0, &[&pinned]).await;
    // a second try is the same request, also where no registry answers it
    let (_, again) = stage.run_with("ci", &deploy, "*=http://127.0.0.1:1").await;
    assert!(
        again.contains("warning: backend: digest not resolved (ghcr.io: ") && again.contains(&pinned),
        "{again}"
    );
    stage.says("ci", &deploy[..5], 0, &["exists already", "nothing was sent"]).await;
    stage.says("ci", &["wait", "staging", "--timeout", "60s"], 0, &["Succeeded"]).await;
    stage
        .comes_to_say("alice", &["status", "staging", "-o", "json"], &[&format!("\"digest\": \"{digest}\"")])
        .await;
    // what is promoted is that very content
    let promote = ["promote", "production", "--dry-run", "-o", "json", "--confirm", "deploy-to-production"];
    stage.says("bob", &promote, 0, &[&pinned]).await;
    // and what is denied is that very content, under any tag
    let deny = ["deny", "staging", &digest, "--reason", "loses sessions", "--wait"];
    stage.says("alice", &deny, 0, &[]).await;
    stage.says("ci", &["deploy", "staging", "v1.9.0"], 3, &["DigestDenied"]).await;
    stage.stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_are_tried_by_a_command() {
    let stage = Stage::open().await;
    let ear = Ear::open(|heard| text(if heard.path == "/well" { 200 } else { 403 }, "invalid_token")).await;
    let mut config = kube::Config::new(stage.running.kube_url.as_str().parse().unwrap());
    config.root_cert = Some(Vec::new());
    config.auth_info.token = Some("admin".to_owned().into());
    let admin = kube::Client::try_from(config).unwrap();
    let environments: Api<Environment> = Api::namespaced(admin, "planera-staging");
    let channels = json!([
        {"channel": "webhook", "config": {"url": format!("{}/well", ear.url)}, "events": ["Failed"]},
        {"channel": "slack", "secret": {"name": "absent", "key": "slack"}},
    ]);
    stage.says("alice", &["notify", "--test", "staging"], 1, &["names no channel"]).await;
    let change = Patch::Merge(json!({"spec": {"notify": channels}}));
    environments.patch("staging", &PatchParams::default(), &change).await.unwrap();
    stage
        .says(
            "admin",
            &["notify", "--test", "staging"],
            1,
            &["webhook", "told", "Secret absent does not exist"],
        )
        .await;
    let only = ["notify", "--test", "staging", "--channel", "webhook", "-o", "json"];
    stage.says("admin", &only, 0, &["\"told\": true"]).await;
    // who may not read a Secret learns which right is missing
    let slack = ["notify", "--test", "staging", "--channel", "slack"];
    stage.says("ci", &slack, 1, &["may not be read", "release-cockpit-secret-values"]).await;
    stage.says("alice", &["notify", "staging"], 2, &["--test"]).await;
    let heard = ear.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(
        (heard[0].json()["event"].as_str(), heard[0].json()["by"].as_str()),
        (Some("Test"), Some("admin"))
    );
    stage.stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_and_events_are_read_without_the_terminal() {
    let stage = Stage::open().await;
    stage.comes_to_say("alice", &["status"], &["v1.8.1"]).await;
    let logs = ["logs", "production", "backend", "--since", "5m", "--timestamps"];
    let (code, said) = stage.run("alice", &logs).await;
    assert_eq!(code, 0, "{said}");
    let stamps: Vec<&str> = said.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(stamps.len() > 10 && stamps.is_sorted(), "{said}");
    assert!(said.lines().all(|line| line.contains(" backend-") && line.contains("/backend ")), "{said}");
    let (_, none) = stage.run("alice", &["logs", "production", "backend", "--grep", "!level"]).await;
    assert_eq!(none, "");
    stage
        .says("alice", &["logs", "production", "nobody"], 2, &["there is no component `nobody`; there are"])
        .await;
    stage
        .says("alice", &["logs", "production", "--grep", "("], 2, &["--grep: not a regular expression"])
        .await;
    stage.says("alice", &["events", "production", "-o", "json"], 0, &["\"events\""]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_environments_are_compared_by_a_command() {
    let stage = Stage::open().await;
    let diff = ["diff", "staging", "production"];
    let differs = [
        "FEATURE_BOARD",
        "limits cpu",
        "staging.planera.example",
        "confirmPhrase",
        "~  Secret app",
        " are the same",
    ];
    stage.says("alice", &diff, 1, &differs).await;
    let (_, said) = stage.run("alice", &[&diff[..], &["--all", "-o", "json"]].concat()).await;
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["same"], false);
    let settings = said["settings"].as_array().unwrap();
    let verdict = |section: &str, what: &str| {
        let found = settings.iter().find(|row| row["section"] == section && row["what"] == what);
        found.map(|row| row["verdict"].as_str().unwrap().to_owned())
    };
    for (section, what, expected) in [
        ("component backend", "version", Some("same")),
        ("component backend", "replicas", Some("differs")),
        ("component backend", "env BOARD_API_KEY", Some("onlyLeft")),
        ("ConfigMap app", "DB_POOL_SIZE", Some("differs")),
        ("Secret app", "SECRET_KEY", Some("same")),
        ("Secret app", "DATABASE_URL", Some("differs")),
        ("Secret app", "NOWHERE", None),
    ] {
        assert_eq!(verdict(section, what).as_deref(), expected, "{section} {what}");
    }
    assert!(!said.to_string().contains("made-up"), "no value of a Secret is told");
    // one component alone, and what nobody says is another one's
    let (_, said) = stage.run("alice", &[&diff[..], &["--component", "frontend"]].concat()).await;
    assert!(said.contains("component frontend") && said.contains("confirmPhrase"), "{said}");
    assert!(!said.contains("component backend") && said.contains("of other components not shown"), "{said}");
    let nobody = [&diff[..], &["--component", "nobody"]].concat();
    stage.says("alice", &nobody, 2, &["there is no component `nobody`; there are backend, frontend"]).await;
    // who may not read Secrets is told so, and told the rest
    let denied = ["needs get on secrets/app in planera-staging", "DB_POOL_SIZE"];
    stage.says("dave", &diff, 1, &denied).await;
    stage.says("alice", &["diff", "staging", "planera/staging"], 2, &["name two environments"]).await;
    stage.says("alice", &["diff", "staging", "nowhere"], 2, &["there is no environment `nowhere`"]).await;
    stage.says("alice", &["diff", "staging", "production@elsewhere"], 2, &["elsewhere"]).await;
}
