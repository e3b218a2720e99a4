//! What an Environment names is asked within limits: only servers that the rule admits, no redirects, no more of an answer than is needed, and
//! nothing of a foreign answer is repeated.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use kube::{Client, Config};
use release_cockpit::api::environment::{GithubChecks, HttpProbe, ImageExists, Preflight, PrometheusRef};
use release_cockpit::api::release::GateState::{self, Fail, NoData, Pass};
use release_cockpit::cluster::Cluster;
use release_cockpit::cluster::outbound::Outbound;
use release_cockpit::cluster::registry::{Mirrors, Registries};
use release_cockpit::domain::address::Allowed;
use release_cockpit::domain::health::{Answer, PreflightQuestion, Question};
use release_cockpit::domain::measure::{AlertsQuestion, Measure};
use release_cockpit::gate::{Scope, ask};
use release_cockpit::metrics::{Kind, Pool, Prometheus, Target, instant};
use release_cockpit::time::Clock;

use crate::ear::{Ear, json, text};

const SECRET: &str = "AKIA-made-up-credential";
const CHUNK: usize = 64 << 10;
/// Far more than anybody reads, and far less than a machine holds.
const ENDLESS: usize = 100 << 20;

/// A server whose every answer is 100 MB, and how much of them was taken.
async fn endless(status: u16, start: &'static str) -> (String, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = taken.clone();
    let router = Router::new().fallback(move |request: Request<Body>| {
        let counted = counted.clone();
        async move {
            if request.uri().path().contains("accessreviews") {
                let review = serde_json::json!({
                    "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {}, "status": {"allowed": true}
                });
                return Response::builder()
                    .status(201)
                    .header("content-type", "application/json")
                    .body(Body::from(review.to_string()))
                    .unwrap();
            }
            let first = std::iter::once(Bytes::from_static(start.as_bytes()));
            let rest = std::iter::repeat_n(Bytes::from(vec![b' '; CHUNK]), ENDLESS / CHUNK);
            let chunks = first.chain(rest).map(move |chunk| {
                counted.fetch_add(chunk.len(), Ordering::SeqCst);
                Ok::<_, std::io::Error>(chunk)
            });
            let body = Body::from_stream(futures::stream::iter(chunks));
            Response::builder().status(status).header("content-type", "application/json").body(body).unwrap()
        }
    });
    (serve(router).await, taken)
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Asks as a controller at that API server does, which may ask these servers besides the rule.
fn scope(api_server: &str, allowed: &[&str]) -> Scope {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut config = Config::new(api_server.parse().unwrap());
    config.root_cert = Some(Vec::new());
    config.default_retry = false;
    let client = Client::try_from(config).unwrap();
    let outbound = Outbound::new(Allowed::parse(allowed).unwrap());
    let cluster = Cluster::from_client(client.clone(), "test").with_outbound(outbound.clone());
    let clock = Clock::system();
    Scope {
        client,
        registries: Registries::new(Mirrors::default()).with_outbound(outbound.clone()),
        prometheus: Arc::new(Pool::new(cluster, clock.clone())),
        outbound,
        namespace: "prod".into(),
        clock,
    }
}

fn probe(url: &str) -> Question {
    let within = Some("2s".parse().unwrap());
    Question::Http(HttpProbe {
        url: url.into(),
        status: None,
        within,
        body_contains: Some("at its end".into()),
    })
}

fn measure(prometheus: PrometheusRef) -> Question {
    let queries = [("errorRate".to_owned(), "up".to_owned())].into();
    Question::Measure(Measure { prometheus: Some(prometheus), queries })
}

fn at(url: &str) -> PrometheusRef {
    PrometheusRef { url: Some(url.into()), service: None }
}

fn checks(url: &str) -> Question {
    let wanted =
        GithubChecks { repo: "acme/shop".into(), api_url: Some(url.into()), ..GithubChecks::default() };
    let alone = PreflightQuestion::alone(Preflight::GithubChecks(wanted));
    Question::Preflight(PreflightQuestion { revision: "v1".into(), ..alone })
}

fn exists(image: String) -> Question {
    let alone = PreflightQuestion::alone(Preflight::ImageExists(ImageExists::default()));
    Question::Preflight(PreflightQuestion { images: vec![image], ..alone })
}

fn expect(answer: &Answer, state: GateState, part: &str) {
    assert_eq!(answer.state, state, "{}", answer.detail);
    assert!(answer.detail.contains(part), "{}", answer.detail);
    assert!(!answer.detail.contains(SECRET), "{}", answer.detail);
}

#[tokio::test]
async fn nobody_is_redirected_to_another_server() {
    let hidden = Ear::open(|_| text(200, SECRET)).await;
    let target = format!("{}/latest/meta-data/", hidden.url);
    let moved = Ear::open(move |_| Some((302, vec![("location", target.clone())], SECRET.into()))).await;
    let scope = scope("http://127.0.0.1:1", &["127.0.0.1"]);
    expect(&ask(&scope, &measure(at(&moved.url))).await, NoData, "it redirects to another address (302)");
    expect(&ask(&scope, &probe(&moved.url)).await, Fail, "status 302 instead of 200");
    expect(&ask(&scope, &checks(&moved.url)).await, NoData, "has moved to another server");
    // what the user names may move on its own host, and nowhere else
    let direct = Prometheus::direct(&moved.url).unwrap();
    assert_eq!(instant(&direct, "q", "up", 1.0).await.unwrap_err().kind(), Kind::Address);
    assert!(hidden.heard().is_empty(), "{:?}", hidden.heard());
    assert_eq!(moved.heard().len(), 4);
}

#[tokio::test]
async fn nothing_of_a_foreign_answer_is_repeated() {
    for (status, kind) in [
        (200, "text/plain"),
        (200, "application/json"),
        (403, "text/html"),
        (500, "text/plain"),
        (503, "x/y"),
    ] {
        let body = format!("{{\"SecretAccessKey\": \"{SECRET}\"}}");
        let foreign = Ear::open(move |_| {
            Some((status, vec![("content-type", kind.to_owned())], body.clone().into_bytes()))
        })
        .await;
        let scope = scope(&foreign.url, &["127.0.0.1"]);
        expect(&ask(&scope, &measure(at(&foreign.url))).await, NoData, "");
        let behind = PrometheusRef { service: Some("monitoring/prometheus:9090".into()), url: None };
        expect(&ask(&scope, &measure(behind)).await, NoData, "");
        let alerts = AlertsQuestion {
            prometheus: Some(at(&foreign.url)),
            names: vec!["High".into()],
            namespace: "prod".into(),
        };
        expect(&ask(&scope, &Question::Alerts(alerts)).await, NoData, "");
        expect(&ask(&scope, &checks(&foreign.url)).await, NoData, "");
    }
    // a Service behind the API server may imitate it
    let status = serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403, "reason": "Forbidden",
        "message": SECRET, "details": {"kind": "services", "name": SECRET}});
    let imitation = Ear::open(move |_| json(403, &status)).await;
    let scope = scope(&imitation.url, &[]);
    expect(&ask(&scope, &probe("service://backend:80/")).await, NoData, "does not let us use services/proxy");
}

#[tokio::test]
async fn what_an_environment_names_is_not_asked_on_the_machine_itself() {
    let here = Ear::open(|_| text(200, "at its end")).await;
    let port = here.url.rsplit_once(':').unwrap().1;
    let strict = scope("http://127.0.0.1:1", &[]);
    for host in
        ["127.0.0.1", "localhost", "LOCALHOST", "2130706433", "0x7f.0.0.1", "0177.1", "[::ffff:7f00:1]"]
    {
        let url = format!("http://{host}:{port}");
        for question in [probe(&url), measure(at(&url)), checks(&url)] {
            expect(&ask(&strict, &question).await, NoData, "a loopback address");
        }
    }
    let image = format!("127.0.0.1:{port}/acme/shop:v1");
    let question = exists(image);
    expect(&ask(&strict, &question).await, NoData, "a loopback address");
    for url in ["http://169.254.169.254/latest/", "http://[fd00:ec2::254]/", "http://0xa9fea9fe/"] {
        let all = scope("http://127.0.0.1:1", &["0.0.0.0/0", "::/0"]);
        for question in [probe(url), measure(at(url)), checks(url)] {
            expect(&ask(&all, &question).await, NoData, "a link-local or metadata address");
        }
    }
    for url in ["?x=", "#x", "/?"] {
        let named = format!("{}{url}", here.url);
        let loose = scope("http://127.0.0.1:1", &["127.0.0.1"]);
        expect(&ask(&loose, &measure(at(&named))).await, NoData, "a query or a fragment");
        assert_eq!(Prometheus::direct(&named).err().unwrap().kind(), Kind::Address);
    }
    assert!(here.heard().is_empty(), "{:?}", here.heard());
    let loose = scope("http://127.0.0.1:1", &[&format!("127.0.0.1:{port}")]);
    expect(&ask(&loose, &probe(&here.url)).await, Pass, "status 200");
}

#[tokio::test]
async fn a_registry_leads_nobody_to_a_forbidden_address() {
    let hidden = Ear::open(|_| text(200, SECRET)).await;
    let port = hidden.url.rsplit_once(':').unwrap().1.to_owned();
    let challenge = format!("Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"x\"");
    let location = format!("http://127.0.0.1:{port}/blob");
    let registry = Ear::open(move |heard| match heard.path.as_str() {
        path if path.contains("realm") => {
            Some((401, vec![("www-authenticate", challenge.clone())], Vec::new()))
        }
        path if path.contains("metadata") => {
            Some((307, vec![("location", "http://169.254.169.254/latest/".into())], Vec::new()))
        }
        _ => Some((307, vec![("location", location.clone())], Vec::new())),
    })
    .await;
    let host = registry.url.strip_prefix("http://").unwrap();
    let scope = scope("http://127.0.0.1:1", &[host]);
    for (image, part) in [
        ("acme/realm:v1", "a loopback address"),
        ("acme/blob:v1", "a loopback address"),
        ("acme/metadata:v1", "a link-local or metadata address"),
    ] {
        expect(&ask(&scope, &exists(format!("{host}/{image}"))).await, NoData, part);
    }
    assert!(hidden.heard().is_empty(), "{:?}", hidden.heard());
}

#[tokio::test]
async fn an_endless_answer_is_read_up_to_a_limit() {
    const MARGIN: usize = 32 << 20;
    for (status, start) in
        [(200, ""), (200, r#"{"status":"success","data":"#), (500, ""), (403, r#"{"kind":"Status""#)]
    {
        let (url, taken) = endless(status, start).await;
        let scope = scope(&url, &["127.0.0.1"]);
        let behind = PrometheusRef { service: Some("monitoring/prometheus:9090".into()), url: None };
        for (question, limit) in [
            (probe("service://backend:80/"), 1 << 20),
            (probe(&url), 1 << 20),
            (measure(behind), 16 << 20),
            (measure(at(&url)), 16 << 20),
            (checks(&url), 8 << 20),
        ] {
            taken.store(0, Ordering::SeqCst);
            let answer = tokio::time::timeout(Duration::from_secs(20), ask(&scope, &question)).await.unwrap();
            assert_ne!(answer.state, Pass, "{question:?}");
            let read = taken.load(Ordering::SeqCst);
            assert!(read < limit + MARGIN, "{status} {question:?}: {read} bytes were taken");
        }
    }
}

#[tokio::test]
async fn a_small_answer_that_unpacks_to_a_large_one_is_read_up_to_a_limit() {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..ENDLESS / CHUNK {
        packed.write_all(&vec![b' '; CHUNK]).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 1 << 20);
    let headers =
        || vec![("content-encoding", "gzip".to_owned()), ("content-type", "application/json".to_owned())];
    let bomb = Ear::open(move |_| Some((200, headers(), packed.clone()))).await;
    let scope = scope("http://127.0.0.1:1", &["127.0.0.1"]);
    expect(&ask(&scope, &measure(at(&bomb.url))).await, NoData, "larger than 16 MiB");
    expect(&ask(&scope, &checks(&bomb.url)).await, NoData, "more than");
}

#[tokio::test]
async fn a_probe_through_the_api_server_fails_only_by_what_is_behind_it() {
    let silent = Ear::open(|_| None).await;
    let scope_of = |url: &str| scope(url, &[]);
    expect(
        &ask(&scope_of(&silent.url), &probe("service://backend:80/")).await,
        NoData,
        "it or the Service is slow",
    );
    // headers have come from behind the API server, and then nothing more
    let stalled = Router::new().fallback(|| async {
        let body =
            futures::stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"a beginning")) });
        let body = futures::StreamExt::chain(body, futures::stream::pending());
        Response::builder().status(200).body(Body::from_stream(body)).unwrap()
    });
    let stalled = serve(stalled).await;
    expect(&ask(&scope_of(&stalled), &probe("service://backend:80/")).await, Fail, "no whole answer within");
    let overloaded = Ear::open(|_| text(429, "Too many requests, please try again.\n")).await;
    expect(&ask(&scope_of(&overloaded.url), &probe("service://backend:80/")).await, NoData, "overloaded");
    let wrong = Ear::open(|_| text(500, "boom")).await;
    expect(
        &ask(&scope_of(&wrong.url), &probe("service://backend:80/")).await,
        Fail,
        "status 500 instead of 200",
    );
    expect(&ask(&scope_of("http://127.0.0.1:1"), &probe("service://backend:80/")).await, NoData, "");
}

#[tokio::test]
async fn a_service_of_another_namespace_is_asked_only_where_it_is_allowed() {
    let api_server = Ear::open(|_| text(200, "at its end")).await;
    let strict = scope(&api_server.url, &[]);
    for url in ["service://other/backend:80/", "service://kube-system/metrics:443/"] {
        expect(&ask(&strict, &probe(url)).await, NoData, "is of another namespace");
    }
    assert!(api_server.heard().is_empty());
    expect(&ask(&strict, &probe("service://backend:80/")).await, Pass, "status 200");
    expect(&ask(&strict, &probe("service://prod/backend:80/")).await, Pass, "status 200");
    let loose = scope(&api_server.url, &["service://other/backend"]);
    expect(&ask(&loose, &probe("service://other/backend:80/")).await, Pass, "status 200");
    expect(&ask(&loose, &probe("service://other/db:80/")).await, NoData, "another namespace");
}

#[tokio::test]
async fn a_partial_answer_decides_nothing_on_either_way() {
    let body = r#"{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0.02"]}]}}"#;
    let partial = Ear::open(move |heard| {
        if heard.path.contains("accessreviews") {
            return json(201, &serde_json::json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
                "spec": {}, "status": {"allowed": true}}));
        }
        text(200, body)
    })
    .await;
    let scope = scope(&partial.url, &["127.0.0.1"]);
    expect(&ask(&scope, &measure(at(&partial.url))).await, NoData, "the answer is partial");
    let behind = PrometheusRef { service: Some("monitoring/prometheus:9090".into()), url: None };
    expect(&ask(&scope, &measure(behind)).await, NoData, "the answer is partial");
}

#[tokio::test]
async fn who_named_the_address_decides() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    let here = Ear::open(move |_| text(200, body)).await;
    let config = Config::new("http://127.0.0.1:1".parse().unwrap());
    let cluster = Cluster::from_client(Client::try_from(config).unwrap(), "test");
    let target = Target::Url(here.url.clone());
    let error = target.open(&cluster).err().unwrap();
    assert!(error.to_string().contains("a loopback address"), "{error}");
    assert!(target.open_alertmanager(&cluster).is_err());
    let given = Allowed::default().with_given([here.url.clone()]);
    let cluster = cluster.with_outbound(Outbound::new(given));
    let opened = target.open(&cluster).unwrap();
    assert_eq!(instant(&opened, "q", "up", 1.0).await.unwrap(), []);
    let other = Target::Url(format!("{}/other", here.url));
    assert!(other.open(&cluster).is_err(), "what an Environment names beside it is not the user's");
}
