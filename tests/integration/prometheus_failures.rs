//! Prometheus that is down, slow, behind a login page, or something else altogether; and one behind the API server.

use release_cockpit::cluster::{Cluster, ConnectOptions, Source};
use release_cockpit::metrics::{Curves, Kind, Prometheus, instant};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use crate::double::{Asked, Double, Reply};

const VECTOR: &str = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"component":"backend"},"value":[100,"0.25"]}]}}"#;

fn prometheus(url: &str) -> Prometheus {
    rustls::crypto::ring::default_provider().install_default().ok();
    Prometheus::direct(url).unwrap()
}

#[tokio::test]
async fn each_failure_is_told_in_one_sentence() {
    let wrong_query =
        r#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected end of input"}"#;
    for (reply, kind, part) in [
        (Reply::Html(200, "<html>Sign in</html>".into()), Kind::NotPrometheus, "login page"),
        (Reply::Html(503, "<html>no upstream</html>".into()), Kind::Down, "behind its proxy"),
        (Reply::Html(401, "who are you".into()), Kind::Denied, "login"),
        (Reply::Json(400, wrong_query.into()), Kind::Query, "query errorRate: parse error"),
        (Reply::Torn, Kind::Down, "broke"),
        (Reply::Silence, Kind::Slow, "no answer within 5 s"),
    ] {
        let server = Double::start(move |_| reply.clone());
        let error = instant(&prometheus(&server.url), "errorRate", "up", 100.0).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = instant(&prometheus("http://127.0.0.1:1"), "errorRate", "up", 100.0).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Down);
    assert!(error.to_string().contains("connection refused"), "{error}");
}

#[tokio::test]
async fn a_path_with_a_slash_at_its_end_and_a_service_behind_the_api_server_are_reached() {
    let server = Double::start(|_| Reply::Json(200, VECTOR.into()));
    let found = instant(&prometheus(&format!("{}/prom/", server.url)), "q", "up", 100.0).await.unwrap();
    assert_eq!((&*found[0].label, found[0].points[0]), ("backend", (100.0, 0.25)));

    let options = ConnectOptions { source: Source::Server(server.url.clone()), ..ConnectOptions::default() };
    let cluster = Cluster::connect(&options).await.unwrap();
    let proxied = Prometheus::through(cluster, "monitoring/prometheus:9090").unwrap();
    instant(&proxied, "q", "a + b", 100.0).await.unwrap();
    let asked: Vec<_> = server.asked().into_iter().filter(|asked| asked.starts_with("GET ")).collect();
    assert!(asked[0].starts_with("GET /prom/api/v1/query?"), "{asked:?}");
    let expected = "GET /api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query=a+%2B+b&time=100.000";
    assert_eq!(asked[1], expected);
}

#[tokio::test]
async fn who_may_not_ask_through_the_api_server_does_not_try() {
    let server = Double::start(|asked: &Asked| {
        assert!(asked.path.contains("/selfsubjectaccessreviews"), "{}", asked.path);
        let review = r#"{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{},"status":{"allowed":false}}"#;
        Reply::Json(201, review.into())
    });
    let options = ConnectOptions { source: Source::Server(server.url.clone()), ..ConnectOptions::default() };
    let cluster = Cluster::connect(&options).await.unwrap();
    let proxied = Prometheus::through(cluster, "monitoring/prometheus:9090").unwrap();
    let error = instant(&proxied, "errorRate", "up", 1.0).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Denied);
    assert!(
        error.to_string().contains("services/proxy of prometheus:9090 in namespace monitoring"),
        "{error}"
    );
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn through_the_api_server_prometheus_own_words_come_through() {
    let server = Double::start(|asked: &Asked| {
        if asked.path.contains("bad") {
            return Reply::Json(
                400,
                r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#.into(),
            );
        }
        let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","code":503,"reason":"ServiceUnavailable","message":"no endpoints available for service \"prometheus\""}"#;
        Reply::Json(503, status.into())
    });
    let options = ConnectOptions { source: Source::Server(server.url.clone()), ..ConnectOptions::default() };
    let cluster = Cluster::connect(&options).await.unwrap();
    let proxied = Prometheus::through(cluster, "monitoring/prometheus:9090").unwrap();
    let error = instant(&proxied, "latency", "bad", 1.0).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Query, "query latency: parse error"));
    let error = instant(&proxied, "latency", "up", 1.0).await.unwrap_err();
    assert!(error.kind() == Kind::Down && error.to_string().contains("no ready pod"), "{error}");
}

#[tokio::test]
async fn curves_ask_for_what_is_new_only() {
    let server = Double::start(|asked: &Asked| {
        let first = asked.path.contains("start=8210");
        let values = if first { "[9990,\"1\"],[10000,\"2\"]" } else { "[10000,\"3\"],[10010,\"4\"]" };
        let body = format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":[{values}]}}]}}}}"#
        );
        Reply::Json(200, body)
    });
    let prometheus = prometheus(&server.url);
    let mut curves = Curves::new("errorRate", "up", 1_800.0);
    curves.fetch(&prometheus, 10_003.0).await.unwrap();
    let series = curves.fetch(&prometheus, 10_012.0).await.unwrap();
    assert_eq!(series[0].points, [(10_000.0, 3.0), (10_010.0, 4.0)]);
    let asked = server.asked();
    assert!(asked[1].contains("start=9970&end=10010&step=10"), "{asked:?}");
}

/// Every answer waits for a second question: with one question at a time none would ever come.
#[tokio::test]
async fn no_more_questions_at_once_than_are_allowed() {
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, kept) = (Arc::clone(&inside), Arc::clone(&most));
    let pair = Barrier::new(2);
    let server = Double::start(move |_: &Asked| {
        kept.fetch_max(counted.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        pair.wait();
        counted.fetch_sub(1, Ordering::SeqCst);
        Reply::Json(200, r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#.to_owned())
    });
    let prometheus = prometheus(&server.url).at_once(2);
    let asked = (0..8).map(|_| instant(&prometheus, "up", "up", 1.0));
    let answers = futures::future::join_all(asked).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(most.load(Ordering::SeqCst), 2);
}
