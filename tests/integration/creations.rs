//! Creations whose answer is lost: looked up by name, never sent twice.

use std::sync::Mutex;

use release_cockpit::api::Release;
use release_cockpit::cluster::{Cluster, ConnectOptions, Kind, Outcome, Source};
use serde_json::json;

use crate::double::{Asked, Double, Reply};

const PATH: &str = "/apis/release-cockpit.dev/v1alpha1/namespaces/shop/releases";

fn release(version: &str) -> Release {
    serde_json::from_value(json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
        "metadata": {"name": "r1", "namespace": "shop"},
        "spec": {"environment": "staging", "version": version, "kind": "Deploy", "requestedBy": "alice",
            "images": [{"component": "backend", "image": format!("r/backend:{version}")}]},
    }))
    .unwrap()
}

fn status(code: u16, reason: &str, message: &str) -> Reply {
    let body = json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message,
        "details": {"name": "r1", "kind": "releases", "group": "release-cockpit.dev"}});
    Reply::Json(code, body.to_string())
}

/// Creates `r1` on a server that answers the POST and the look-up so; says how it ended and how often it was sent.
async fn create(post: Reply, get: Reply) -> (Outcome, usize) {
    let server = Double::start(move |asked: &Asked| match asked.method.as_str() {
        "POST" => post.clone(),
        _ => get.clone(),
    });
    let options = ConnectOptions { source: Source::Server(server.url.clone()), ..ConnectOptions::default() };
    let cluster = Cluster::connect(&options).await.unwrap();
    let outcome = cluster.create_release(&release("v1"), false).await;
    let sent = server.asked().iter().filter(|line| line.starts_with("POST")).count();
    (outcome, sent)
}

fn stored(version: &str) -> Reply {
    Reply::Json(200, serde_json::to_string(&release(version)).unwrap())
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_nothing_is_sent_twice() {
    let accepted = Outcome::Accepted { name: "r1".into(), existed: false };
    let found = Outcome::Accepted { name: "r1".into(), existed: true };
    let not_found = || status(404, "NotFound", "releases \"r1\" not found");
    let exists = || status(409, "AlreadyExists", "releases \"r1\" already exists");
    let broken = || status(500, "InternalError", "etcd has no leader");

    assert_eq!(create(Reply::Torn, stored("v1")).await, (accepted.clone(), 1), "it had arrived");
    assert_eq!(create(exists(), stored("v1")).await, (found, 1), "it was ours");
    assert_eq!(
        create(broken(), stored("v1")).await,
        (accepted, 1),
        "the server failed after it had stored it"
    );

    let (outcome, sent) = create(exists(), stored("v2")).await;
    assert!(matches!(outcome, Outcome::Refused(error) if error.kind() == &Kind::AlreadyExists));
    assert_eq!(sent, 1);
    let (outcome, sent) = create(broken(), not_found()).await;
    assert!(matches!(outcome, Outcome::Refused(error) if error.to_string().contains("etcd has no leader")));
    assert_eq!(sent, 1);
    for get in [not_found(), Reply::Torn] {
        let (outcome, sent) = create(Reply::Torn, get).await;
        let Outcome::Unknown(sentence) = outcome else { panic!("{outcome:?}") };
        assert!(sentence.contains("releases r1 in namespace shop"), "{sentence}");
        assert_eq!(sent, 1);
    }
}

#[tokio::test]
async fn what_was_never_sent_is_refused_and_not_unknown() {
    let options =
        ConnectOptions { source: Source::Server("http://127.0.0.1:1".into()), ..ConnectOptions::default() };
    let cluster = Cluster::connect(&options).await.unwrap();
    let outcome = cluster.create_release(&release("v1"), false).await;
    assert!(matches!(outcome, Outcome::Refused(error) if error.kind() == &Kind::Unreachable));
}

#[tokio::test]
async fn a_creation_is_strict_and_a_dry_run_says_so() {
    let server = Double::start(|_| stored("v1"));
    let options = ConnectOptions { source: Source::Server(server.url.clone()), ..ConnectOptions::default() };
    let cluster = Cluster::connect(&options).await.unwrap();
    assert_eq!(cluster.create_release(&release("v1"), true).await, Outcome::WouldPass);
    let asked = server.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].starts_with(&format!("POST {PATH}?")), "{asked:?}");
    assert!(asked[0].contains("fieldValidation=Strict") && asked[0].contains("dryRun=All"), "{asked:?}");
}

#[tokio::test]
async fn where_the_whole_cluster_may_not_be_listed_namespaces_are() {
    let server = Double::start(|asked: &Asked| {
        let path = asked.path.split('?').next().unwrap_or_default();
        if path == "/api/v1/namespaces" || path.ends_with("v1alpha1/releases") {
            return status(
                403,
                "Forbidden",
                "User \"dave\" cannot list resource \"releases\" in API group \"release-cockpit.dev\" at the cluster scope",
            );
        }
        let items = if path == PATH { vec![release("v1")] } else { Vec::new() };
        Reply::Json(200, json!({"kind": "ReleaseList", "apiVersion": "v1", "metadata": {"resourceVersion": "5"}, "items": items}).to_string())
    });
    let options = ConnectOptions { source: Source::Server(server.url.clone()), ..ConnectOptions::default() };
    let cluster = Cluster::connect(&options).await.unwrap().with_namespaces(["shop".to_owned()]);
    let found = cluster.releases().await.unwrap();
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn a_release_is_followed_to_its_deletion() {
    let sent = Mutex::new(0);
    let server = Double::start(move |asked: &Asked| {
        if !asked.path.contains("watch=true") {
            return stored("v1");
        }
        let mut sent = sent.lock().unwrap();
        *sent += 1;
        let event = |kind: &str| json!({"type": kind, "object": release("v1")}).to_string();
        // The first watch ends as servers end them; the second tells the rest.
        if *sent == 1 { Reply::Ends(vec![event("MODIFIED")]) } else { Reply::Stream(vec![event("DELETED")]) }
    });
    let options = ConnectOptions { source: Source::Server(server.url.clone()), ..ConnectOptions::default() };
    let cluster = Cluster::connect(&options).await.unwrap();
    let stream = cluster.watch_release(&release("v1").key());
    let seen: Vec<_> = futures::StreamExt::collect(stream).await;
    assert!(seen.len() >= 3 && seen.iter().all(Result::is_ok), "{seen:?}");
}
