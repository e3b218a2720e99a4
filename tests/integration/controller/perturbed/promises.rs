//! The transport perturbs, and keeps what the API promises.

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};

use super::super::*;
use super::transport::Perturber;

const SEEDS: u64 = 16;
/// How many times the object is written while everything is perturbed.
const WRITES: u32 = 60;
/// How long somebody waits for an answer.
const WAITS: Duration = Duration::from_secs(15);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn number(map: &ConfigMap) -> u32 {
    map.data.as_ref().unwrap()["n"].parse().unwrap()
}

async fn write(maps: &Api<ConfigMap>, n: u32) -> bool {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"n": n.to_string()}});
    let (params, patch) = (PatchParams::apply("test"), Patch::Apply(map));
    tokio::time::timeout(WAITS, maps.patch("m", &params, &patch)).await.is_ok_and(|written| written.is_ok())
}

/// A client that gives up on a request without an answer, as every client must.
fn patient(inner: Client) -> Client {
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let inner = inner.clone();
        async move { Ok::<_, BoxError>(tokio::time::timeout(WAITS, inner.send(request)).await??) }
    });
    Client::new(service, "default")
}

/// What a watch has delivered of the object, in order.
fn follow(maps: Api<ConfigMap>) -> Arc<Mutex<Vec<u32>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    tokio::spawn(async move {
        let mut events =
            std::pin::pin!(watcher(maps, watcher::Config::default().timeout(30)).default_backoff());
        while let Some(event) = events.next().await {
            if let Ok(Event::Apply(map) | Event::InitApply(map)) = event
                && map.metadata.name.as_deref() == Some("m")
            {
                sink.lock().unwrap().push(number(&map));
            }
        }
    });
    seen
}

/// Plays it; how often the watch delivered something older than before.
async fn write_and_read(seed: u64) -> usize {
    let scenario =
        Scenario::from_toml(&include_str!("world.toml").replace("STRATEGY", "{rolling: {}}"), "world.toml");
    let stage = Stage::direct(scenario.unwrap()).await;
    let perturber = Perturber::new(seed, 300, u64::MAX, None);
    let maps: Api<ConfigMap> =
        Api::namespaced(patient(perturber.client("one", &stage.client("admin"))), "shop");
    let delivered = follow(maps.clone());
    let mut stored = 0;
    for n in 1..=WRITES {
        if write(&maps, n).await {
            stored = n;
        }
        if let Ok(Ok(found)) = tokio::time::timeout(WAITS, maps.get("m")).await {
            assert!(number(&found) >= stored, "seed {seed}: {} is older than {stored}", number(&found));
            stored = number(&found);
        }
    }
    perturber.calm();
    assert!(write(&maps, WRITES + 1).await);
    let is_up_to_date = async {
        while delivered.lock().unwrap().last() != Some(&(WRITES + 1)) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let caught_up = tokio::time::timeout(Duration::from_secs(300), is_up_to_date).await;
    let delivered = delivered.lock().unwrap().clone();
    assert!(caught_up.is_ok(), "seed {seed}: {delivered:?}");
    stage.running.stop().await;
    delivered.windows(2).filter(|pair| pair[1] <= pair[0]).count()
}

#[test]
fn reads_are_never_stale_and_watches_catch_up_whatever_is_perturbed() {
    let play = |seed| super::runtime(seed).block_on(write_and_read(seed));
    let again: usize = (1..=SEEDS).map(play).sum();
    assert!(again > 0, "no watch has delivered anything again");
}
