//! Each channel says exactly what its receiver understands, and a failure to be heard is one sentence without any secret.

use std::time::Duration;

use chrono::DateTime;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, PostParams};
use kube::{Client, Config};
use release_cockpit::api::environment::{Notify, SecretKeyRef, Tier};
use release_cockpit::api::names::EnvironmentKey;
use release_cockpit::cluster::outbound::Outbound;
use release_cockpit::domain::address::Allowed;
use release_cockpit::domain::notice::{Notice, Severity};
use release_cockpit::notify::{CHANNELS, Error, Sender, tell};
use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{Running, start};
use release_cockpit::time::Clock;
use ring::hmac;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::ear::{Answer, Ear, Heard, json as answer_json, text};

const NAMESPACE: &str = "planera-production";

struct World {
    running: Running,
    sender: Sender,
}

impl World {
    /// A world in which the Secret `channels` holds these values, and may be used for everything on the loopback.
    async fn with(values: &[(&str, &str)]) -> Self {
        let kinds = "slack,pagerduty,email,webhook,github-issue,mqtt";
        let marks = json!({"release-cockpit.dev/use": kinds, "release-cockpit.dev/host": "127.0.0.1"});
        Self::marked(values, marks).await
    }

    /// As [`Self::with`], with these annotations of the Secret.
    async fn marked(values: &[(&str, &str)], marks: Value) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let clock = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let running = start(Scenario::builtin("planera").unwrap(), clock.clone()).await.unwrap();
        let values: serde_json::Map<String, Value> = values
            .iter()
            .map(|(key, value)| {
                let bytes = k8s_openapi::ByteString(value.as_bytes().to_vec());
                ((*key).to_owned(), serde_json::to_value(bytes).unwrap())
            })
            .collect();
        let secret: Secret = serde_json::from_value(
            json!({"metadata": {"name": "channels", "annotations": marks}, "data": values}),
        )
        .unwrap();
        let secrets: Api<Secret> = Api::namespaced(client(&running, "admin"), NAMESPACE);
        secrets.create(&PostParams::default(), &secret).await.unwrap();
        let outbound = Outbound::new(Allowed::parse(&["127.0.0.1"]).unwrap());
        let sender = Sender::new(client(&running, "controller"), clock, outbound);
        Self { running, sender }
    }

    async fn tell(&self, notify: &Notify, notice: &Notice) -> Result<(), Error> {
        tell(&self.sender, notify, notice).await
    }
}

fn client(running: &Running, token: &str) -> Client {
    let mut config = Config::new(running.kube_url.as_str().parse().unwrap());
    config.root_cert = Some(Vec::new());
    config.auth_info.token = Some(token.to_owned().into());
    Client::try_from(config).unwrap()
}

fn channel(name: &str, key: Option<&str>, config: &[(&str, &str)]) -> Notify {
    Notify {
        channel: name.to_owned(),
        secret: key.map(|key| SecretKeyRef { name: "channels".into(), key: key.into() }),
        config: config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        events: Vec::new(),
    }
}

fn rolled_back() -> Notice {
    Notice {
        event: "RollingBack",
        title: "planera production: v1.8.2 is being rolled back".into(),
        sentence: "Rolling back, by controller: errors <12 %> & rising @team".into(),
        application: "planera".into(),
        environment: EnvironmentKey::new(NAMESPACE, "production"),
        tier: Tier::Production,
        release: Some("production-v1-8-2-abc".into()),
        version: Some("v1.8.2".into()),
        by: Some("controller".into()),
        severity: Severity::Error,
        incident: "release/uid-1".into(),
        ends: false,
        key: "RollingBack@1800000000".into(),
        at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        url: Some("https://app.planera.app".into()),
        command: None,
        contacts: vec![("onCall".into(), "PagerDuty primary".into())],
    }
}

fn succeeded() -> Notice {
    Notice {
        event: "Succeeded",
        title: "planera production: v1.8.2 succeeded".into(),
        severity: Severity::Info,
        ends: true,
        key: "Succeeded@1800000100".into(),
        ..rolled_back()
    }
}

#[tokio::test]
async fn slack_is_told_in_its_own_words() {
    let ear = Ear::open(|_| text(200, "ok")).await;
    let world = World::with(&[("slack", &format!("{}/services/T0/B0/token\n", ear.url))]).await;
    world.tell(&channel("slack", Some("slack"), &[]), &rolled_back()).await.unwrap();
    let heard = ear.heard();
    assert_eq!((heard[0].method.as_str(), heard[0].path.as_str()), ("POST", "/services/T0/B0/token"));
    assert_eq!(heard[0].header("content-type"), "application/json");
    let small = "*Environment* planera-production/production (production)  ·  *Version* v1.8.2  ·  *Release* production-v1-8-2-abc  ·  \
                 *By* controller  ·  https://app.planera.app  ·  *onCall* PagerDuty primary";
    let said = "*planera production: v1.8.2 is being rolled back*\nRolling back, by controller: errors &lt;12 %&gt; &amp; rising @team";
    let expected = json!({
        "text": "planera production: v1.8.2 is being rolled back",
        "attachments": [{
            "color": "#e01e5a",
            "blocks": [
                {"type": "section", "text": {"type": "mrkdwn", "text": said}},
                {"type": "context", "elements": [{"type": "mrkdwn", "text": small}]},
            ],
        }],
    });
    assert_eq!(heard[0].json(), expected);
    assert_eq!(world.running.unknown_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_pager_is_triggered_and_resolved_by_one_key() {
    let ear = Ear::open(|_| answer_json(202, &json!({"status": "success"}))).await;
    let world = World::with(&[("pagerduty", "R0UT1NG")]).await;
    let pager = channel("pagerduty", Some("pagerduty"), &[("url", &format!("{}/v2/enqueue", ear.url))]);
    world.tell(&pager, &rolled_back()).await.unwrap();
    world.tell(&pager, &succeeded()).await.unwrap();
    let heard = ear.heard();
    assert_eq!(heard[0].path, "/v2/enqueue");
    let mut first = heard[0].json();
    let details = first["payload"]["custom_details"].take();
    assert_eq!(details["environment"]["tier"], "production");
    let expected = json!({
        "routing_key": "R0UT1NG", "event_action": "trigger", "dedup_key": "release-cockpit/release/uid-1",
        "client": "Release Cockpit",
        "links": [{"href": "https://app.planera.app", "text": "planera"}],
        "payload": {
            "summary": "planera production: v1.8.2 is being rolled back: Rolling back, by controller: errors <12 %> & rising @team",
            "source": "planera-production/production", "severity": "error", "timestamp": "2027-01-15T08:00:00Z",
            "component": "planera", "group": "production", "class": "RollingBack", "custom_details": null,
        },
    });
    assert_eq!(first, expected);
    let resolved = json!({"routing_key": "R0UT1NG", "event_action": "resolve", "dedup_key": "release-cockpit/release/uid-1"});
    assert_eq!(heard[1].json(), resolved);
}

#[tokio::test]
async fn a_webhook_is_told_everything_and_can_tell_who_speaks() {
    let ear = Ear::open(|_| text(204, "")).await;
    let world =
        World::with(&[("signature", "hunter2"), ("address", &format!("{}/secret-path", ear.url))]).await;
    let hook = channel("webhook", Some("address"), &[("signatureKey", "signature")]);
    world.tell(&hook, &rolled_back()).await.unwrap();
    let open = format!("{}/open", ear.url);
    world.tell(&channel("webhook", None, &[("url", &open)]), &rolled_back()).await.unwrap();
    let heard = ear.heard();
    assert_eq!((heard[0].path.as_str(), heard[1].path.as_str()), ("/secret-path", "/open"));
    let expected = json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Notice", "event": "RollingBack",
        "title": "planera production: v1.8.2 is being rolled back",
        "sentence": "Rolling back, by controller: errors <12 %> & rising @team",
        "severity": "error", "application": "planera",
        "environment": {
            "namespace": NAMESPACE, "name": "production", "tier": "production", "url": "https://app.planera.app",
        },
        "release": {"name": "production-v1-8-2-abc", "version": "v1.8.2"},
        "by": "controller", "at": "2027-01-15T08:00:00Z", "incident": "release/uid-1", "ends": false,
        "dedupKey": "release/uid-1/RollingBack@1800000000", "command": null,
        "contacts": {"onCall": "PagerDuty primary"},
    });
    assert_eq!(heard[0].json(), expected);
    let seconds = heard[0].header("x-release-cockpit-timestamp");
    assert_eq!(seconds, "1800000000");
    let signed = [seconds.as_bytes(), b".", heard[0].body.as_ref()].concat();
    let signature = hex(heard[0].header("x-release-cockpit-signature").strip_prefix("sha256=").unwrap());
    let key = |secret: &str| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    assert!(hmac::verify(&key("hunter2"), &signed, &signature).is_ok());
    assert!(hmac::verify(&key("another"), &signed, &signature).is_err());
    assert_eq!(heard[1].header("x-release-cockpit-signature"), "");
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// A GitHub with one repository, which keeps the one issue that was opened.
fn github(opened: std::sync::Mutex<Option<Value>>) -> impl Fn(&Heard) -> Answer + Send + Sync {
    move |heard| {
        if heard.header("authorization") != "Bearer ghp_secret" {
            return answer_json(401, &json!({"message": "Bad credentials"}));
        }
        let mut issue = opened.lock().unwrap();
        match (heard.method.as_str(), heard.path.split('?').next().unwrap()) {
            ("GET", "/repos/acme/planera/issues") => {
                answer_json(200, &json!(issue.iter().collect::<Vec<_>>()))
            }
            ("POST", "/repos/acme/planera/issues") => {
                let mut created = heard.json();
                created["number"] = 7.into();
                created["state"] = "open".into();
                *issue = Some(created.clone());
                answer_json(201, &created)
            }
            ("POST", "/repos/acme/planera/issues/7/comments") => answer_json(201, &json!({})),
            ("PATCH", "/repos/acme/planera/issues/7") => answer_json(200, &json!({})),
            _ => answer_json(404, &json!({"message": "Not Found"})),
        }
    }
}

#[tokio::test]
async fn one_issue_tells_the_story_of_one_release() {
    let ear = Ear::open(github(std::sync::Mutex::default())).await;
    let world = World::with(&[("github", "ghp_secret")]).await;
    let config = [("repo", "acme/planera"), ("labels", "incident, production"), ("url", ear.url.as_str())];
    let issues = channel("github-issue", Some("github"), &config);
    // good news alone opens nothing
    world.tell(&issues, &succeeded()).await.unwrap();
    world.tell(&issues, &rolled_back()).await.unwrap();
    world.tell(&issues, &succeeded()).await.unwrap();
    let heard = ear.heard();
    let steps: Vec<String> = heard
        .iter()
        .map(|heard| {
            format!(
                "{} {}",
                heard.method,
                heard.path.split('?').next().unwrap().trim_start_matches("/repos/acme/planera")
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            "GET /issues",
            "GET /issues",
            "POST /issues",
            "GET /issues",
            "POST /issues/7/comments",
            "PATCH /issues/7",
        ]
    );
    let opened = heard[2].json();
    assert_eq!(opened["title"], "planera production: v1.8.2 is being rolled back");
    assert_eq!(opened["labels"], json!(["release-cockpit", "incident", "production"]));
    let text = opened["body"].as_str().unwrap();
    assert!(text.ends_with("<!-- release-cockpit: release/uid-1 -->"), "{text}");
    assert!(text.contains("- Version: v1.8.2") && text.contains("- onCall: PagerDuty primary"), "{text}");
    assert!(text.contains("&lt;12 %>") && !text.contains("@team"), "nobody is called by name: {text}");
    assert_eq!(heard[5].json(), json!({"state": "closed", "state_reason": "completed"}));

    let strange =
        channel("github-issue", Some("github"), &[("repo", "acme/planera/../x"), ("url", &ear.url)]);
    let error = world.tell(&strange, &rolled_back()).await.unwrap_err();
    assert_eq!(error.to_string(), "config.repo is acme/planera/../x, which is not owner/name");
}

#[tokio::test]
async fn who_does_not_listen_is_told_of_in_one_sentence_without_the_secret() {
    let token = "T0-B0-very-secret";
    let answer = |heard: &Heard| match heard.path.as_str() {
        "/busy/T0-B0-very-secret" => Some((429, vec![("retry-after", "30".into())], Vec::new())),
        "/broken/T0-B0-very-secret" => text(503, "upstream of /broken/T0-B0-very-secret"),
        "/gone/T0-B0-very-secret" => text(404, "no_service"),
        "/elsewhere/T0-B0-very-secret" => {
            Some((302, vec![("location", "http://127.0.0.1:1/".into())], Vec::new()))
        }
        _ => None,
    };
    let ear = Ear::open(answer).await;
    let address = |path: &str| format!("{}/{path}/{token}", ear.url);
    let mut world = World::with(&[
        ("busy", &address("busy")),
        ("broken", &address("broken")),
        ("gone", &address("gone")),
        ("elsewhere", &address("elsewhere")),
        ("silent", &address("silent")),
        ("closed", &format!("http://127.0.0.1:1/{token}")),
        ("nonsense", &format!("ftp://{token}")),
    ])
    .await;
    // the one that never answers is given up at once
    world.sender.patience = Duration::from_millis(300);
    for (key, sentence, is_transient) in [
        ("busy", "asked to wait for 30 s", true),
        ("broken", "failed: status 503 (no content type)", true),
        ("gone", "refused: status 404: no_service", false),
        ("elsewhere", "refused: status 302", false),
        ("silent", "no answer in time", true),
        ("closed", "Connection refused", true),
        ("nonsense", "what Secret channels holds under nonsense is no http(s) URL", false),
        ("absent", "Secret channels lacks the key absent", false),
    ] {
        let error = world.tell(&channel("slack", Some(key), &[]), &rolled_back()).await.unwrap_err();
        assert!(error.to_string().contains(sentence), "{key}: {error}");
        assert_eq!(error.is_transient(), is_transient, "{key}");
        assert!(!format!("{error} {error:?}").contains(token), "{key}: {error:?}");
    }
    let busy = world.tell(&channel("slack", Some("busy"), &[]), &rolled_back()).await.unwrap_err();
    assert_eq!(busy.wait(), Some(Duration::from_secs(30)));
}

/// Whoever may edit an Environment names channel, Secret, key and address; none of it makes a value leave the cluster.
#[tokio::test]
async fn an_environment_alone_sends_no_secret_anywhere() {
    let secret = "postgres://app:hunter2@db/planera";
    let ear = Ear::open(|_| text(200, "ok")).await;
    let (url, unmarked) = (ear.url.as_str(), json!({}));
    let mark = |kinds: &str, hosts: &str| json!({"release-cockpit.dev/use": kinds, "release-cockpit.dev/host": hosts});
    let own = format!("http://{}/", url.trim_start_matches("http://"));
    let to = [("url", own.as_str())];
    let signed = [("url", own.as_str()), ("signatureKey", "DATABASE_URL")];
    let issue = [("url", own.as_str()), ("repo", "acme/planera")];
    let broker = url.replace("http", "mqtts");
    let broker = [("broker", broker.as_str()), ("topic", "t"), ("user", "u")];
    let server = url.replace("http", "smtps");
    let mail = [("server", server.as_str()), ("user", "u"), ("from", "a@acme.test"), ("to", "b@acme.test")];
    for marks in [
        unmarked,
        mark("slack", "127.0.0.1"),
        mark("pagerduty,webhook,github-issue,mqtt,email", "events.pagerduty.com"),
        mark("*", "*"),
    ] {
        let world = World::marked(&[("DATABASE_URL", secret)], marks.clone()).await;
        for (kind, config) in [
            ("pagerduty", &to[..]),
            ("webhook", &signed),
            ("github-issue", &issue),
            ("mqtt", &broker),
            ("email", &mail),
        ] {
            let notify = channel(kind, Some("DATABASE_URL"), config);
            let error = world.tell(&notify, &rolled_back()).await.unwrap_err();
            let said = error.to_string();
            assert!(
                said.starts_with(&format!("Secret channels is not marked for {kind} at 127.0.0.1:")),
                "{said}"
            );
            assert!(
                said.contains("kubectl -n planera-production annotate --overwrite secret channels "),
                "{said}"
            );
            assert!(!error.is_transient());
        }
        // the value is the address itself
        for kind in ["slack", "webhook"] {
            let error =
                world.tell(&channel(kind, Some("DATABASE_URL"), &[]), &rolled_back()).await.unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
    assert!(ear.heard().is_empty(), "{:#?}", ear.heard());
}

#[tokio::test]
async fn a_secret_goes_to_the_host_that_it_permits_and_to_no_other() {
    let ear = Ear::open(|_| text(202, "ok")).await;
    let port = ear.url.rsplit_once(':').unwrap().1;
    let marks = json!({
        "release-cockpit.dev/use": "slack, pagerduty",
        "release-cockpit.dev/host": format!("events.pagerduty.com, 127.0.0.1:{port}"),
    });
    let world = World::marked(&[("key", "R0UT1NG"), ("url", "https://attacker.example/x")], marks).await;
    let permitted = format!("{}/v2", ear.url);
    world.tell(&channel("pagerduty", Some("key"), &[("url", &permitted)]), &rolled_back()).await.unwrap();
    assert_eq!(ear.heard()[0].json()["routing_key"], "R0UT1NG");
    for (kind, key, config, sentence) in [
        ("pagerduty", "key", "http://127.0.0.1:1/", "not marked for pagerduty at 127.0.0.1:1"),
        ("pagerduty", "key", "http://localhost:1/", "not marked for pagerduty at localhost:1"),
        ("pagerduty", "key", "http://2130706433:1/", "not marked for pagerduty at 127.0.0.1:1"),
        ("pagerduty", "key", "http://events.pagerduty.com/", "only sent over https"),
        ("pagerduty", "key", "https://events.pagerduty.com@127.0.0.1/", "name or password"),
        ("pagerduty", "key", "https://events.pagerduty.com/?to=x", "query"),
        ("slack", "url", "", "not marked for slack at attacker.example"),
        ("webhook", "url", "", "not marked for webhook"),
    ] {
        let config = [("url", config)];
        let config = if config[0].1.is_empty() { &[][..] } else { &config };
        let error = world.tell(&channel(kind, Some(key), config), &rolled_back()).await.unwrap_err();
        assert!(error.to_string().contains(sentence), "{error}");
        assert!(!error.to_string().contains("R0UT1NG"), "{error}");
    }
    assert_eq!(ear.heard().len(), 1);
}

#[tokio::test]
async fn a_channel_on_the_machine_itself_is_told_only_where_the_administrator_allows_it() {
    let ear = Ear::open(|_| text(200, "ok")).await;
    let mut world = World::with(&[]).await;
    world.sender.outbound = Outbound::default();
    let port = ear.url.rsplit_once(':').unwrap().1;
    for host in ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{port}/");
        let error =
            world.tell(&channel("webhook", None, &[("url", &url)]), &rolled_back()).await.unwrap_err();
        assert!(error.to_string().contains("a loopback address"), "{host}: {error}");
        assert!(!error.is_transient(), "{host}");
    }
    for (kind, key, address) in
        [("mqtt", "broker", "mqtt://127.0.0.1:1"), ("email", "server", "smtp://localhost:1")]
    {
        let more = [("topic", "t"), ("from", "a@acme.test"), ("to", "b@acme.test")];
        let known = if kind == "mqtt" { &more[..1] } else { &more[1..] };
        let config = [known, &[(key, address)]].concat();
        let error = world.tell(&channel(kind, None, &config), &rolled_back()).await.unwrap_err();
        assert!(error.to_string().contains("a loopback address"), "{kind}: {error}");
    }
    assert!(ear.heard().is_empty());
}

#[tokio::test]
async fn settings_that_cannot_work_are_explained() {
    let world = World::with(&[("key", "value")]).await;
    for (notify, sentence) in [
        (
            channel("pigeon", None, &[]),
            "there is no channel pigeon; there are slack, pagerduty, email, webhook, github-issue, mqtt",
        ),
        (channel("slack", None, &[]), "slack needs a secret"),
        (
            channel("slack", Some("key"), &[("color", "red")]),
            "slack does not know config.color; it takes none",
        ),
        (
            channel("pagerduty", Some("key"), &[("uri", "x")]),
            "pagerduty does not know config.uri; it takes url",
        ),
        (channel("github-issue", Some("key"), &[]), "github-issue needs config.repo"),
    ] {
        let error = world.tell(&notify, &rolled_back()).await.unwrap_err();
        assert!(error.to_string().starts_with(sentence), "{error}");
        assert!(!error.is_transient());
    }
    let mut missing = channel("slack", Some("key"), &[]);
    missing.secret.as_mut().unwrap().name = "nowhere".into();
    let error = world.tell(&missing, &rolled_back()).await.unwrap_err();
    assert_eq!(error.to_string(), "Secret nowhere does not exist");

    // who may not read Secrets is told which right is missing
    let mut sender = world.sender.clone();
    sender.client = client(&world.running, "ci");
    let error = tell(&sender, &channel("slack", Some("key"), &[]), &rolled_back()).await.unwrap_err();
    assert!(error.to_string().starts_with("Secret channels may not be read: grant `get`"), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn every_channel_of_the_registry_has_its_own_name_and_refuses_to_work_without_settings() {
    let world = World::with(&[]).await;
    let mut names = std::collections::BTreeSet::new();
    for kind in CHANNELS {
        assert!(names.insert(kind.name()), "{} twice", kind.name());
        let error = world.tell(&channel(kind.name(), None, &[]), &rolled_back()).await.unwrap_err();
        assert!(matches!(error, Error::Settings(_)), "{}: {error:?}", kind.name());
    }
}

/// A broker that takes one connection, answers with this code, and hands over what it was sent.
async fn broker(code: u8) -> (String, tokio::task::JoinHandle<(Vec<u8>, Option<Vec<u8>>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("mqtt://{}", listener.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let connect = packet(&mut stream).await.unwrap();
        stream.write_all(&[0x20, 2, 0, code]).await.unwrap();
        let publish = packet(&mut stream).await;
        if publish.is_some() {
            stream.write_all(&[0x40, 2, 0, 1]).await.unwrap();
        }
        (connect, publish)
    });
    (address, heard)
}

/// The next packet with its kind, without its length; nothing at the end.
async fn packet(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let kind = stream.read_u8().await.ok()?;
    let (mut length, mut shift) = (0, 0);
    loop {
        let group = usize::from(stream.read_u8().await.unwrap());
        length |= (group & 0x7f) << shift;
        shift += 7;
        if group < 0x80 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    body.insert(0, kind);
    Some(body)
}

#[tokio::test]
async fn a_broker_of_mqtt_is_told_and_acknowledges() {
    let world = World::with(&[("mqtt", "hunter2")]).await;
    let (address, heard) = broker(0).await;
    let config =
        [("broker", address.as_str()), ("topic", "cockpit/planera"), ("user", "ha"), ("retain", "true")];
    let error = world.tell(&channel("mqtt", Some("mqtt"), &config), &rolled_back()).await.unwrap_err();
    assert_eq!(error.to_string(), "a password is only sent over TLS: write mqtts://");
    world.tell(&channel("mqtt", None, &config), &rolled_back()).await.unwrap();
    let (connect, publish) = heard.await.unwrap();
    assert_eq!(connect, b"\x10\x00\x04MQTT\x04\x82\x00\x3c\x00\x00\x00\x02ha");
    let publish = publish.unwrap();
    let start = b"\x33\x00\x0fcockpit/planera\x00\x01";
    assert_eq!(&publish[..start.len()], start);
    let said: Value = serde_json::from_slice(&publish[start.len()..]).unwrap();
    assert_eq!((said["event"].as_str(), said["kind"].as_str()), (Some("RollingBack"), Some("Notice")));

    for (code, sentence, is_transient) in [
        (3, "failed: the broker is not available", true),
        (4, "refused: the broker refuses the user or the password", false),
        (1, "refused: the broker does not speak MQTT 3.1.1", false),
    ] {
        let (address, heard) = broker(code).await;
        let config = [("broker", address.as_str()), ("topic", "t"), ("user", "ha")];
        let error = world.tell(&channel("mqtt", None, &config), &rolled_back()).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.is_transient()), (sentence, is_transient));
        assert_eq!(heard.await.unwrap().1, None, "nothing is told to who has refused");
    }
    for (broker, topic, sentence) in [
        ("mqtt://127.0.0.1:1", "t", "Connection refused"),
        ("http://127.0.0.1", "t", "config.broker is neither"),
        ("mqtt://127.0.0.1", "a/#", "config.topic is no topic"),
    ] {
        let notify = channel("mqtt", None, &[("broker", broker), ("topic", topic)]);
        let error = world.tell(&notify, &rolled_back()).await.unwrap_err();
        assert!(error.to_string().contains(sentence), "{error}");
    }
}

/// A mail server that takes one message and hands over what it was told; it answers recipients with this code.
async fn mail_server(recipient: &'static str) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("smtp://{}", listener.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (reader, mut writer) = stream.into_split();
        let mut lines = tokio::io::BufReader::new(reader).lines();
        let mut heard = Vec::new();
        writer.write_all(b"220 mail.test ready\r\n").await.unwrap();
        let mut is_in_message = false;
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match line.split([' ', ':']).next().unwrap_or_default() {
                "." => {
                    is_in_message = false;
                    "250 taken"
                }
                _ if is_in_message => "",
                "RCPT" => recipient,
                "DATA" => {
                    is_in_message = true;
                    "354 go on"
                }
                "QUIT" => "221 bye",
                _ => "250 mail.test",
            };
            heard.push(line);
            if !answer.is_empty() {
                writer.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
            }
        }
        heard
    });
    (address, heard)
}

#[tokio::test]
async fn people_are_told_by_mail() {
    let world = World::with(&[("mail", "hunter2")]).await;
    let (address, heard) = mail_server("250 ok").await;
    let people = [("from", "Cockpit <cockpit@acme.test>"), ("to", "oncall@acme.test, Lee <lee@acme.test>")];
    let with = |more: &[(&str, &str)], key| channel("email", key, &[&people[..], more].concat());
    let open = [("server", address.as_str()), ("starttls", "never")];
    world.tell(&with(&open, None), &rolled_back()).await.unwrap();
    let heard = heard.await.unwrap();
    for line in [
        "MAIL FROM:<cockpit@acme.test>",
        "RCPT TO:<oncall@acme.test>",
        "RCPT TO:<lee@acme.test>",
        "Subject: planera production: v1.8.2 is being rolled back",
        "Rolling back, by controller: errors <12 %> & rising @team",
        "Version: v1.8.2",
    ] {
        assert!(heard.iter().any(|said| said.starts_with(line)), "{line} in {heard:#?}");
    }

    for (answer, sentence, is_transient) in [
        ("550 nobody@acme.test is unknown", "refused: the mail server takes no such message (550)", false),
        ("451 greylisted", "failed: the mail server cannot take it now (451)", true),
    ] {
        let (address, _heard) = mail_server(answer).await;
        let open = [("server", address.as_str()), ("starttls", "never")];
        let error = world.tell(&with(&open, None), &rolled_back()).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.is_transient()), (sentence, is_transient));
    }
    let (plain, _heard) = mail_server("250 ok").await;
    for (more, key, sentence) in [
        (vec![("server", plain.as_str())], None, "refused: the mail server offers no encryption"),
        (
            vec![("server", "smtp://127.0.0.1:1"), ("starttls", "never")],
            None,
            "the mail server does not answer",
        ),
        (vec![("server", "http://mail.test")], None, "config.server is neither"),
        (vec![("server", "smtp://mail.test"), ("starttls", "maybe")], None, "config.starttls is"),
        (
            vec![("server", "smtp://mail.test"), ("starttls", "never"), ("user", "u")],
            Some("mail"),
            "a password is not sent",
        ),
        (vec![("server", "smtp://mail.test"), ("user", "u")], None, "email needs config.user and a secret"),
    ] {
        let error = world.tell(&with(&more, key), &rolled_back()).await.unwrap_err();
        assert!(error.to_string().contains(sentence), "{error}");
    }
}
