//! Gates that ask the world outside of the cluster: registries and GitHub, over their own protocols.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, PostParams};
use kube::{Client, Config};
use release_cockpit::api::environment::{GithubChecks, ImageExists, Preflight, SecretKeyRef};
use release_cockpit::api::release::GateState::{self, Fail, NoData, Pass};
use release_cockpit::cluster::Cluster;
use release_cockpit::cluster::outbound::Outbound;
use release_cockpit::cluster::registry::{Credentials, Error, Mirrors, Registries};
use release_cockpit::domain::address::Allowed;
use release_cockpit::domain::health::{Answer, PreflightQuestion, Question};
use release_cockpit::gate::{Scope, ask};
use release_cockpit::metrics::Pool;
use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{Running, start};
use release_cockpit::time::Clock;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::ear::{Answer as Said, Ear, Heard, json as json_answer, text};

const NAMESPACE: &str = "planera-production";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[allow(clippy::unnecessary_wraps, reason = "an answer may also be silence")]
fn with_digest(kind: &str, bytes: Vec<u8>) -> Said {
    let headers = vec![("content-type", kind.to_owned()), ("docker-content-digest", digest(&bytes))];
    Some((200, headers, bytes))
}

fn index(architectures: &[&str]) -> Vec<u8> {
    let entry = |architecture: &&str| json!({"digest": "sha256:0", "platform": {"os": "linux", "architecture": architecture}});
    let mut manifests: Vec<Value> = architectures.iter().map(entry).collect();
    manifests.push(json!({"digest": "sha256:1", "platform": {"os": "unknown", "architecture": "unknown"}}));
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string().into_bytes()
}

fn config() -> Vec<u8> {
    json!({"os": "linux", "architecture": "arm64", "variant": "v8"}).to_string().into_bytes()
}

fn single() -> Vec<u8> {
    let config =
        json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(&config())});
    json!({"schemaVersion": 2, "config": config, "layers": []}).to_string().into_bytes()
}

/// A registry that shows `open/*` to everybody and `closed/*` to those with a token of its own service.
fn registry(heard: &Heard, host: &str) -> Said {
    let (path, query) = heard.path.split_once('?').unwrap_or((&heard.path, ""));
    if path == "/token" {
        assert!(
            query.contains("service=ours") && query.contains("scope=repository%3Aclosed%2Fapi%3Apull"),
            "{query}"
        );
        // bob:hunter2
        let is_bob = heard.header("authorization") == "Basic Ym9iOmh1bnRlcjI=";
        return if is_bob {
            json_answer(200, &json!({"token": "granted"}))
        } else {
            json_answer(401, &json!({}))
        };
    }
    if path.starts_with("/v2/closed/") && heard.header("authorization") != "Bearer granted" {
        let challenge = format!(
            "Bearer realm=\"http://{host}/token\",service=\"ours\",scope=\"repository:closed/api:pull\""
        );
        return Some((401, vec![("www-authenticate", challenge)], b"{}".to_vec()));
    }
    let both = index(&["amd64", "arm64"]);
    match path {
        "/v2/open/api/manifests/v1" | "/v2/closed/api/manifests/v1" => with_digest(INDEX, both),
        path if path == format!("/v2/open/api/manifests/{}", digest(&both)) => with_digest(INDEX, both),
        "/v2/open/api/manifests/v2" => with_digest(INDEX, index(&["amd64"])),
        "/v2/open/api/manifests/v3" => with_digest("application/vnd.oci.image.manifest.v1+json", single()),
        path if path == format!("/v2/open/api/blobs/{}", digest(&config())) => {
            with_digest("application/json", config())
        }
        "/v2/open/api/manifests/forged" => {
            Some((200, vec![("docker-content-digest", format!("sha256:{}", "0".repeat(64)))], both))
        }
        // old registries tell no digest
        "/v2/open/api/manifests/old" => Some((200, Vec::new(), both)),
        "/v2/open/api/manifests/busy" => json_answer(429, &json!({})),
        "/v2/open/api/manifests/silent" => None,
        "/v2/open/api/manifests/proxy" => text(404, "<html>no such site</html>"),
        "/v2/open/api/manifests/strange" => text(200, "<html>welcome</html>"),
        "/v2/evil/api/manifests/v1" => {
            let challenge = "Bearer realm=\"http://elsewhere.example/token\"".to_owned();
            Some((401, vec![("www-authenticate", challenge)], Vec::new()))
        }
        _ => json_answer(
            404,
            &json!({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}),
        ),
    }
}

struct World {
    running: Running,
    ear: Ear,
    /// Name of the registry in references.
    host: String,
    scope: Scope,
}

impl World {
    async fn open(answer: impl Fn(&Heard) -> Said + Send + Sync + 'static) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let clock = Clock::manual(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let running = start(Scenario::builtin("planera").unwrap(), clock.clone()).await.unwrap();
        let ear = Ear::open(answer).await;
        let host = ear.url.strip_prefix("http://").unwrap().to_owned();
        let outbound = Outbound::new(Allowed::parse(&["127.0.0.1"]).unwrap());
        let registries = Registries::new(Mirrors::default())
            .with_outbound(outbound.clone())
            .with_patience(Duration::from_millis(500));
        let client = client(&running, "controller");
        let cluster = Cluster::from_client(client.clone(), "test").with_outbound(outbound.clone());
        let prometheus = Arc::new(Pool::new(cluster, clock.clone()));
        let scope = Scope { client, outbound, registries, prometheus, namespace: NAMESPACE.into(), clock };
        Self { running, ear, host, scope }
    }

    async fn registry() -> Self {
        Self::open(|heard| registry(heard, heard.header("host"))).await
    }

    async fn keep(&self, name: &str, key: &str, value: &str) {
        self.keep_marked(name, (key, value), json!({})).await;
    }

    /// With these annotations.
    async fn keep_marked(&self, name: &str, (key, value): (&str, &str), marks: Value) {
        let data = BTreeMap::from([(key, k8s_openapi::ByteString(value.as_bytes().to_vec()))]);
        let secret: Secret =
            serde_json::from_value(json!({"metadata": {"name": name, "annotations": marks}, "data": data}))
                .unwrap();
        let secrets: Api<Secret> = Api::namespaced(client(&self.running, "admin"), NAMESPACE);
        secrets.create(&PostParams::default(), &secret).await.unwrap();
    }

    async fn image(&self, image: &str, wanted: ImageExists) -> Answer {
        let image = format!("{}/{image}", self.host);
        ask(&self.scope, &exists(image, wanted)).await
    }

    async fn checks(&self, wanted: GithubChecks) -> Answer {
        let wanted =
            GithubChecks { repo: "acme/planera".into(), api_url: Some(self.ear.url.clone()), ..wanted };
        let alone = PreflightQuestion::alone(Preflight::GithubChecks(wanted));
        ask(&self.scope, &Question::Preflight(PreflightQuestion { revision: "v1.8.2".into(), ..alone })).await
    }
}

fn client(running: &Running, token: &str) -> Client {
    let mut config = Config::new(running.kube_url.as_str().parse().unwrap());
    config.root_cert = Some(Vec::new());
    config.auth_info.token = Some(token.to_owned().into());
    Client::try_from(config).unwrap()
}

fn exists(image: String, wanted: ImageExists) -> Question {
    let alone = PreflightQuestion::alone(Preflight::ImageExists(wanted));
    Question::Preflight(PreflightQuestion { images: vec![image], ..alone })
}

fn platforms(names: &[&str]) -> ImageExists {
    ImageExists { platforms: names.iter().map(ToString::to_string).collect(), pull_secret: None }
}

#[tokio::test]
async fn an_image_is_there_for_its_platforms_or_the_sentence_says_what_is_missing() {
    let world = World::registry().await;
    let pinned = format!("open/api:moved@{}", digest(&index(&["amd64", "arm64"])));
    let both = ["linux/amd64", "linux/arm64"];
    for (image, wanted, state, sentence) in [
        ("open/api:v1", &both[..], Pass, "is there for linux/amd64, linux/arm64 (sha256:"),
        (pinned.as_str(), &both, Pass, "is there for linux/amd64, linux/arm64 (sha256:"),
        ("open/api:old", &both, Pass, "is there"),
        ("open/api:v2", &both, Fail, "is not there for linux/arm64; it is for linux/amd64"),
        ("open/api:v3", &["linux/arm64"], Pass, "is there for linux/arm64/v8"),
        ("open/api:v3", &both, Fail, "is not there for linux/amd64; it is for linux/arm64/v8"),
        ("open/api:v9", &both, Fail, "has no open/api:v9"),
        ("open/api:busy", &both, NoData, "asks for patience"),
        ("open/api:silent", &both, NoData, "no answer in time"),
        ("open/api:proxy", &both, NoData, "not as a registry does"),
        ("open/api:strange", &both, NoData, "answers with no manifest"),
        ("open/api:forged", &both, NoData, "not what its digest says"),
        ("closed/api:v1", &both, NoData, "does not answer without credentials: name a pull secret"),
        ("evil/api:v1", &both, NoData, "where it would not be safe"),
    ] {
        let answer = world.image(image, platforms(wanted)).await;
        assert_eq!(answer.state, state, "{image}: {}", answer.detail);
        assert!(answer.detail.contains(sentence), "{image}: {}", answer.detail);
    }
    let nowhere = exists("127.0.0.1:1/open/api:v1".into(), platforms(&[]));
    assert_eq!(ask(&world.scope, &nowhere).await.state, NoData);
}

#[tokio::test]
async fn a_pull_secret_opens_what_is_closed_to_strangers() {
    let world = World::registry().await;
    let file = |auth: &str| json!({"auths": {&world.host: {"auth": auth}}}).to_string();
    world.keep("pull", ".dockerconfigjson", &file("Ym9iOmh1bnRlcjI=")).await;
    world.keep("wrong", ".dockerconfigjson", &file("Ym9iOndyb25n")).await;
    world.keep("none", ".dockerconfigjson", "no json").await;
    for (secret, state, sentence) in [
        ("pull", GateState::Pass, "is there"),
        ("wrong", GateState::NoData, "refuses the pull secret's account"),
        ("none", GateState::NoData, "Secret none is no pull secret"),
        ("absent", GateState::NoData, "Secret absent does not exist"),
    ] {
        let wanted = ImageExists { pull_secret: Some(secret.into()), ..platforms(&["linux/amd64"]) };
        let answer = world.image("closed/api:v1", wanted).await;
        assert_eq!(answer.state, state, "{secret}: {}", answer.detail);
        assert!(answer.detail.contains(sentence), "{secret}: {}", answer.detail);
        assert!(!answer.detail.contains("hunter2"));
    }
}

#[tokio::test]
async fn the_digest_of_a_tag_is_what_the_registry_shows() {
    let world = World::registry().await;
    let nobody = Credentials::none();
    let asked = |image: &str| format!("{}/open/api:{image}", world.host);
    let expected = digest(&index(&["amd64", "arm64"]));
    for tag in ["v1", "old"] {
        let found = world.scope.registries.digest(&asked(tag), &nobody).await.unwrap();
        assert_eq!(found, expected, "{tag}");
    }
    let error = world.scope.registries.digest(&asked("v9"), &nobody).await.unwrap_err();
    assert!(matches!(error, Error::NotThere { .. }), "{error}");
    let methods: Vec<String> = world.ear.heard().into_iter().map(|heard| heard.method).collect();
    // What a registry denies without a body is asked for once more, with one.
    assert_eq!(methods, ["HEAD", "HEAD", "GET", "HEAD", "GET"]);
}

fn run(name: &str, conclusion: &str) -> Value {
    let status = if conclusion.is_empty() { "in_progress" } else { "completed" };
    json!({"name": name, "status": status, "conclusion": Some(conclusion).filter(|c| !c.is_empty())})
}

fn github(runs: Vec<Value>, statuses: Vec<Value>) -> impl Fn(&Heard) -> Said + Send + Sync {
    move |heard| {
        let (path, query) = heard.path.split_once('?').unwrap_or((&heard.path, ""));
        let page =
            query.split('&').find_map(|pair| pair.strip_prefix("page=")).unwrap().parse::<usize>().unwrap();
        let shown: Vec<&Value> = runs.iter().skip((page - 1) * 100).take(100).collect();
        match path {
            "/repos/acme/planera/commits/v1.8.2/check-runs" => {
                json_answer(200, &json!({"total_count": runs.len(), "check_runs": shown}))
            }
            "/repos/acme/planera/commits/v1.8.2/status" => {
                let shown: Vec<&Value> = statuses.iter().skip((page - 1) * 100).take(100).collect();
                json_answer(
                    200,
                    &json!({"state": "pending", "total_count": statuses.len(), "statuses": shown}),
                )
            }
            _ => json_answer(404, &json!({"message": "Not Found"})),
        }
    }
}

#[tokio::test]
async fn the_checks_of_a_version_decide() {
    let many: Vec<Value> = (0..150).map(|number| run(&format!("job {number}"), "success")).collect();
    let mut late = many.clone();
    late.push(run("last", "failure"));
    let mut far: Vec<Value> = (0..505).map(|number| run(&format!("job {number}"), "success")).collect();
    far.push(run("security-scan", "failure"));
    let mut statuses: Vec<Value> =
        (0..130).map(|number| json!({"context": format!("status {number}"), "state": "success"})).collect();
    let green = statuses.clone();
    statuses[120] = json!({"context": "audit", "state": "failure"});
    let lint = |state: &str| vec![json!({"context": "lint", "state": state})];
    for (runs, statuses, state, sentence) in [
        (many, lint("success"), GateState::Pass, "151 checks of v1.8.2 are green in acme/planera"),
        (late, vec![], GateState::Fail, "v1.8.2 is not green in acme/planera: last (failure)"),
        (far, vec![], GateState::Fail, "v1.8.2 is not green in acme/planera: security-scan (failure)"),
        (vec![], statuses, GateState::Fail, "v1.8.2 is not green in acme/planera: audit (failure)"),
        (
            vec![run("build", "success")],
            green,
            GateState::Pass,
            "131 checks of v1.8.2 are green in acme/planera",
        ),
        (
            vec![run("build", "")],
            lint("success"),
            GateState::Wait,
            "not decided yet for v1.8.2 in acme/planera: build",
        ),
        (
            vec![run("build", "success")],
            lint("pending"),
            GateState::Wait,
            "not decided yet for v1.8.2 in acme/planera: lint",
        ),
        (vec![], vec![], GateState::NoData, "nothing has checked v1.8.2 in acme/planera"),
    ] {
        let world = World::open(github(runs, statuses)).await;
        let answer = world.checks(GithubChecks::default()).await;
        assert_eq!((answer.state, answer.detail.as_str()), (state, sentence));
    }
}

#[tokio::test]
async fn a_part_of_the_checks_is_no_data_unless_it_is_red() {
    // The server counts more than it shows: pages shift, or it stops showing.
    let counts_more = |conclusion: &'static str| {
        move |heard: &Heard| {
            let is_first = heard.path.contains("page=1&") || heard.path.ends_with("page=1");
            let shown: Vec<Value> = (0..if is_first { 100 } else { 0 })
                .map(|number| run(&format!("job {number}"), if number == 7 { conclusion } else { "success" }))
                .collect();
            if heard.path.contains("/check-runs") {
                json_answer(200, &json!({"total_count": 510, "check_runs": shown}))
            } else {
                json_answer(200, &json!({"total_count": 0, "statuses": []}))
            }
        }
    };
    for (conclusion, state, sentence) in [
        (
            "success",
            GateState::NoData,
            "the checks of v1.8.2 are not known: only 100 of 510 checks were read",
        ),
        ("failure", GateState::Fail, "v1.8.2 is not green in acme/planera: job 7 (failure)"),
    ] {
        let world = World::open(counts_more(conclusion)).await;
        let answer = world.checks(GithubChecks::default()).await;
        assert_eq!((answer.state, answer.detail.as_str()), (state, sentence));
    }
}

#[tokio::test]
async fn a_renamed_repository_is_named_and_the_token_goes_nowhere_else() {
    let told = |location: &'static str| {
        move |heard: &Heard| match heard.path.as_str() {
            "/repositories/7" => json_answer(200, &json!({"full_name": "acme/atlas"})),
            _ => Some((301, vec![("location", location.to_owned())], Vec::new())),
        }
    };
    for (location, sentence) in [
        ("/repositories/7/commits/v1.8.2/check-runs?page=1", "acme/planera is now called acme/atlas"),
        ("/repositories/8/commits/v1.8.2/check-runs", "acme/planera was renamed or transferred"),
        ("https://elsewhere.example/repositories/7/commits/x/check-runs", "has moved to another server"),
        ("::", "acme/planera"),
    ] {
        let world = World::open(told(location)).await;
        let answer = world.checks(GithubChecks::default()).await;
        assert_eq!(answer.state, GateState::NoData, "{}", answer.detail);
        assert!(answer.detail.contains(sentence), "{}", answer.detail);
    }
}

#[tokio::test]
async fn what_github_does_not_tell_is_no_data_and_the_token_stays_secret() {
    let limited = |headers: &[(&'static str, &str)]| -> Said {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Some((403, headers, b"{\"message\": \"API rate limit exceeded for ghp_secret\"}".to_vec()))
    };
    let until = "GitHub's limit of requests is used up until 2027-01-15 08:10:00Z";
    let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800000600")];
    for (answer, state, sentence) in [
        (limited(&spent), GateState::NoData, until),
        (limited(&[("retry-after", "600")]), GateState::NoData, until),
        (limited(&[]), GateState::NoData, "GitHub's limit of requests is used up"),
        (json_answer(429, &json!({})), GateState::NoData, "GitHub's limit of requests is used up"),
        (
            json_answer(403, &json!({"message": "Resource not accessible"})),
            GateState::NoData,
            "GitHub does not let this token read the checks of acme/planera",
        ),
        (json_answer(401, &json!({})), GateState::NoData, "does not let this token"),
        (json_answer(404, &json!({})), GateState::NoData, "acme/planera is not there, or not for this token"),
        (json_answer(422, &json!({})), GateState::Fail, "acme/planera has no v1.8.2"),
        (json_answer(502, &json!({})), GateState::NoData, "GitHub answers with status 502"),
        (text(200, "<html>"), GateState::NoData, "what answers is not GitHub's REST interface"),
    ] {
        let world = World::open(move |_| answer.clone()).await;
        let marks =
            json!({"release-cockpit.dev/use": "github-checks", "release-cockpit.dev/host": "127.0.0.1"});
        world.keep_marked("github", ("token", "ghp_secret\n"), marks).await;
        let token = Some(SecretKeyRef { name: "github".into(), key: "token".into() });
        let found = world.checks(GithubChecks { token, ..GithubChecks::default() }).await;
        assert_eq!(found.state, state, "{}", found.detail);
        assert!(found.detail.contains(sentence), "{}", found.detail);
        assert!(!found.detail.contains("ghp_secret"));
        assert_eq!(world.ear.heard()[0].header("authorization"), "Bearer ghp_secret");
    }
    let world = World::open(|_| text(200, "")).await;
    let token = Some(SecretKeyRef { name: "absent".into(), key: "token".into() });
    let found = world.checks(GithubChecks { token, ..GithubChecks::default() }).await;
    assert_eq!(found.detail, "the checks of v1.8.2 are not known: Secret absent does not exist");
    assert!(world.ear.heard().is_empty());
}
