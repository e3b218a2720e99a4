//! Feeds over a server that breaks in every known way: what is shown stays true, or says that it is not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use kube::Api;
use release_cockpit::api::Stored;
use release_cockpit::cluster::pod_row::{SlimPod, entry};
use release_cockpit::cluster::watch::{Pulse, Update, WatchMessage, WatchTarget};
use release_cockpit::cluster::{Cluster, ConnectOptions, Source};
use release_cockpit::domain::pod_row::{PodKey, PodRow};
use release_cockpit::domain::watch_state::WatchState;
use release_cockpit::time::Clock;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::double::{Asked, Double, Reply};

struct Watched {
    server: Double,
    updates: mpsc::Receiver<WatchMessage<PodKey, PodRow>>,
    pulse: watch::Sender<Pulse>,
}

impl Watched {
    /// Follows the pods of a server whose nth list and nth watch (from 0) are answered so.
    async fn start(answer: impl Fn(bool, usize) -> Reply + Send + Sync + 'static) -> Self {
        let (lists, watches) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let server = Double::start(move |asked: &Asked| {
            let is_watch = asked.path.contains("watch=true");
            let nth = if is_watch { &watches } else { &lists }.fetch_add(1, Ordering::SeqCst);
            answer(is_watch, nth)
        });
        let options =
            ConnectOptions { source: Source::Server(server.url.clone()), ..ConnectOptions::default() };
        let cluster = Cluster::connect(&options).await.unwrap();
        let (sink, updates) = mpsc::channel(64);
        let (pulse, beat) = watch::channel(Pulse::Unknown);
        let api: Api<Stored<SlimPod>> = Api::namespaced(cluster.watch_client(), "shop");
        let feed = WatchTarget {
            api,
            what: "pods".into(),
            scope: "shop".into(),
            row: std::sync::Arc::new(entry),
            sink,
        };
        tokio::spawn(feed.follow(beat, Clock::system()));
        Self { server, updates, pulse }
    }

    /// Reads on until an update fits, and gives all that came, it included.
    async fn until(&mut self, fits: impl Fn(&Update<PodKey, PodRow>) -> bool) -> Vec<Update<PodKey, PodRow>> {
        let mut came = Vec::new();
        while let Some(heard) = self.updates.recv().await {
            let done = fits(&heard.update);
            came.push(heard.update);
            if done {
                return came;
            }
        }
        panic!("the feed ended after {came:?}");
    }
}

fn pod(name: &str, version: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "resourceVersion": version}, "spec": {}, "status": {"phase": "Running"}})
}

fn list(names: &[&str], version: &str) -> Reply {
    page(names, version, "")
}

fn page(names: &[&str], version: &str, token: &str) -> Reply {
    let items: Vec<Value> = names.iter().map(|name| pod(name, version)).collect();
    let metadata = json!({"resourceVersion": version, "continue": token});
    let body = json!({"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items});
    Reply::Json(200, body.to_string())
}

fn event(kind: &str, object: &Value) -> String {
    json!({"type": kind, "object": object}).to_string()
}

fn refusal(code: u16, reason: &str, message: &str) -> Reply {
    Reply::Json(
        code,
        json!({"kind": "Status", "code": code, "reason": reason, "message": message}).to_string(),
    )
}

fn is_live(update: &Update<PodKey, PodRow>) -> bool {
    matches!(update, Update::State(WatchState::Live { .. }))
}

fn is_reset(update: &Update<PodKey, PodRow>) -> bool {
    matches!(update, Update::Reset(_))
}

fn names(update: &Update<PodKey, PodRow>) -> Vec<String> {
    match update {
        Update::Reset(rows) | Update::Rest(rows) | Update::Part { rows, .. } => {
            rows.iter().map(|(key, _)| key.name.to_string()).collect()
        }
        Update::Applied(key, _) | Update::Deleted(key) => vec![key.name.to_string()],
        Update::State(_) | Update::Undecodable(_) => Vec::new(),
    }
}

#[tokio::test]
async fn a_long_list_is_told_page_by_page_and_anew_where_it_broke_off() {
    let mut watched = Watched::start(|is_watch, nth| match (is_watch, nth) {
        (false, 0) => page(&["a"], "10", "second"),
        (false, 1) => refusal(410, "Expired", "the list is too old"),
        (false, 2) => page(&["b"], "20", "second"),
        (false, 3) => page(&["c"], "20", "third"),
        (false, _) => list(&["d"], "20"),
        (true, _) => Reply::Stream(Vec::new()),
    })
    .await;
    let came = watched.until(|update| matches!(update, Update::Rest(_))).await;
    let told: Vec<(Option<bool>, Vec<String>)> = came
        .iter()
        .filter(|update| !matches!(update, Update::State(_)))
        .map(|update| match update {
            Update::Part { first, .. } => (Some(*first), names(update)),
            _ => (None, names(update)),
        })
        .collect();
    let of = |name: &str| vec![name.to_owned()];
    assert_eq!(told, [(Some(true), of("a")), (Some(true), of("b")), (Some(false), of("c")), (None, of("d"))]);
    assert!(!came.iter().any(is_live), "not before all is known: {came:?}");
    watched.until(is_live).await;
    let asked = watched.server.asked();
    assert!(asked[3].contains("continue=second"), "{asked:?}");
}

#[tokio::test]
async fn lists_watches_and_goes_on_where_the_watch_ended() {
    let mut watched = Watched::start(|is_watch, nth| match (is_watch, nth) {
        (false, _) => list(&["a", "b"], "10"),
        (true, 0) => Reply::Ends(vec![
            event("ADDED", &pod("c", "11")),
            event("DELETED", &pod("a", "12")),
            event(
                "BOOKMARK",
                &json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "20"}}),
            ),
        ]),
        (true, _) => Reply::Stream(vec![event("MODIFIED", &pod("b", "21"))]),
    })
    .await;
    let came = watched.until(|update| names(update) == ["b"] && matches!(update, Update::Applied(..))).await;
    let told: Vec<Vec<String>> = came.iter().map(names).filter(|names| !names.is_empty()).collect();
    assert_eq!(told, [vec!["a", "b"], vec!["c"], vec!["a"], vec!["b"]]);
    assert!(
        came.iter().any(is_live)
            && !came.iter().any(|u| matches!(u, Update::State(WatchState::Stale { .. })))
    );
    let asked = watched.server.asked();
    let lists = asked.iter().filter(|line| !line.contains("watch=true")).count();
    assert_eq!(lists, 1, "nothing is listed twice: {asked:?}");
    assert!(asked.last().unwrap().contains("resourceVersion=20"), "from the bookmark on: {asked:?}");
}

#[tokio::test]
async fn a_forgotten_version_is_listed_again() {
    let gone =
        json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"});
    let mut watched = Watched::start(move |is_watch, nth| match (is_watch, nth) {
        (false, 0) => list(&["a"], "10"),
        (false, _) => list(&["b"], "90"),
        (true, 0) => Reply::Ends(vec![event("ERROR", &gone)]),
        (true, _) => Reply::Stream(Vec::new()),
    })
    .await;
    watched.until(is_reset).await;
    let came = watched.until(is_reset).await;
    assert_eq!(names(came.last().unwrap()), ["b"]);
}

#[tokio::test]
async fn what_may_not_be_read_says_so_and_is_shown_once_it_may() {
    let forbidden = r#"pods is forbidden: User "dave" cannot list resource "pods" in API group "" in the namespace "shop""#;
    let mut watched = Watched::start(move |is_watch, nth| match (is_watch, nth) {
        (false, 0) => refusal(403, "Forbidden", forbidden),
        (false, _) => list(&["a"], "10"),
        (true, _) => Reply::Stream(Vec::new()),
    })
    .await;
    let came = watched.until(is_live).await;
    let Update::State(WatchState::Denied { reason }) = &came[0] else { panic!("{came:?}") };
    assert!(reason.starts_with("you may not list pods in namespace shop"), "{reason}");
    assert!(came.iter().any(is_reset));
}

#[tokio::test]
async fn what_is_not_installed_is_shown_once_it_is() {
    let mut watched = Watched::start(|is_watch, nth| match (is_watch, nth) {
        (false, 0) => Reply::Html(404, "404 page not found\n".into()),
        (false, _) => list(&["a"], "10"),
        (true, _) => Reply::Stream(Vec::new()),
    })
    .await;
    let came = watched.until(is_live).await;
    assert!(
        came.iter().any(|update| matches!(update, Update::State(WatchState::Missing { .. }))),
        "{came:?}"
    );
}

#[tokio::test]
async fn a_server_that_falls_silent_makes_the_feed_stale_and_it_resumes() {
    let mut watched = Watched::start(|is_watch, nth| match (is_watch, nth) {
        (false, _) => list(&["a"], "10"),
        (true, 0) => Reply::Stream(vec![event("ADDED", &pod("b", "11"))]),
        (true, _) => Reply::Stream(vec![event("ADDED", &pod("c", "12"))]),
    })
    .await;
    watched.until(|update| names(update) == ["b"]).await;
    let at = DateTime::from_timestamp(1_000, 0).unwrap();
    watched.pulse.send_replace(Pulse::Silent { reason: "no answer".into(), retry_at: at });
    let came = watched.until(|update| matches!(update, Update::State(WatchState::Stale { .. }))).await;
    let Some(Update::State(WatchState::Stale { since, reason, retry_at })) = came.last() else { panic!() };
    assert_eq!((since.is_some(), reason.as_str(), *retry_at), (true, "no answer", Some(at)));
    watched.pulse.send_replace(Pulse::Alive { heard: at });
    watched.until(is_live).await;
    watched.until(|update| names(update) == ["c"]).await;
    let asked = watched.server.asked();
    assert!(asked.last().unwrap().contains("resourceVersion=11"), "from what was seen on: {asked:?}");
}

#[tokio::test]
async fn a_pulse_of_a_quiet_feed_keeps_it_fresh() {
    let mut watched =
        Watched::start(|is_watch, _| if is_watch { Reply::Stream(Vec::new()) } else { list(&[], "1") }).await;
    watched.until(is_live).await;
    let at = DateTime::from_timestamp(2_000, 0).unwrap();
    // The beat is told to a feed that watches; it may still be opening its watch, so beat until it is heard.
    let pulse = Arc::new(Mutex::new(watched.pulse.clone()));
    pulse.lock().unwrap().send_replace(Pulse::Alive { heard: at });
    watched.until(|update| matches!(update, Update::State(WatchState::Live { heard }) if *heard == at)).await;
}

fn odd(name: &str, version: &str, containers: Value) -> Value {
    let mut pod = pod(name, version);
    pod["spec"]["containers"] = containers;
    pod
}

fn undecodable(update: &Update<PodKey, PodRow>) -> Option<Vec<String>> {
    match update {
        Update::Undecodable(all) => Some(all.iter().map(ToString::to_string).collect()),
        _ => None,
    }
}

#[tokio::test]
async fn one_object_that_cannot_be_decoded_is_named_and_hides_no_other() {
    let mut watched = Watched::start(|is_watch, nth| match (is_watch, nth) {
        (false, _) => {
            let items = if nth == 0 {
                json!([pod("a", "10"), odd("b", "10", json!("text")), odd("c", "10", Value::Null)])
            } else {
                json!([pod("a", "10"), odd("b", "10", json!("text")), odd("c", "11", json!(7))])
            };
            let body = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "10"}, "items": items});
            Reply::Json(200, body.to_string())
        }
        // the row of one that becomes undecodable must go
        (true, 0) => Reply::Stream(vec![event("MODIFIED", &odd("c", "11", json!(7)))]),
        (true, 1) => Reply::Stream(vec![
            event("MODIFIED", &odd("b", "12", json!("text"))),
            event("MODIFIED", &pod("b", "13")),
            event("DELETED", &odd("c", "14", json!(7))),
        ]),
        (true, _) => Reply::Stream(Vec::new()),
    })
    .await;
    let came = watched.until(|update| undecodable(update).is_some()).await;
    assert_eq!(names(came.iter().find(|update| is_reset(update)).unwrap()), ["a", "c"], "null is absent");
    let first = undecodable(came.last().unwrap()).unwrap();
    assert_eq!(first.len(), 1);
    assert!(first[0].starts_with("pods shop/b: spec.containers: invalid type: string"), "{first:?}");
    let came = watched.until(|update| undecodable(update).is_some_and(|all| all.len() == 2)).await;
    assert!(came.iter().any(is_live), "the feed stays live");
    let came = watched.until(is_reset).await;
    assert_eq!(names(came.last().unwrap()), ["a"]);
    let came = watched.until(|update| undecodable(update).is_some_and(|all| all.is_empty())).await;
    assert!(
        came.iter().any(|update| matches!(update, Update::Applied(key, _) if &*key.name == "b")),
        "{came:?}"
    );
}
