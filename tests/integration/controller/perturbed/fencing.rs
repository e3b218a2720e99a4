//! Safety with two leaders: the claim on a lane, and the read before each change.
//!
//! Each test plays a fixed schedule instead of a random one: the critical window lasts a few milliseconds.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use http::{Request, Response};
use kube::api::{Patch, PatchParams};
use release_cockpit::domain::lane::claim;
use tokio::time::Instant;

use super::super::*;
use super::ending::Still;
use super::guard::Guard;
use super::story::{SPACE, Site};
use super::transport::{Perturber, kind};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A site where nothing is perturbed.
async fn site() -> Site {
    let text = include_str!("world.toml").replace("STRATEGY", "{rolling: {}}");
    let stage = Stage::direct(Scenario::from_toml(&text, "world.toml").unwrap()).await;
    let guard = Guard::new(stage.running.view(), SPACE);
    let perturber = Perturber::new(1, 0, u64::MAX, Some(guard));
    Site { before: Still::of(&stage).await, stage, perturber, clocks: Vec::new() }
}

impl Site {
    fn lead(&self, client: Client) {
        let options = ControllerOptions { lease: LeaseOptions::default(), ..self.stage.options("one") };
        tokio::spawn(controller::run_with(client, options, Faults::default(), self.stage.stop.clone()));
    }

    async fn approved(&self, version: &str) {
        while !self.approve(version).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Writes a status as the controller.
    async fn write_status<K>(&self, name: &str, status: Value)
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.stage.client("controller"), SPACE);
        let patch = Patch::Merge(json!({"status": status}));
        api.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
    }
}

/// Another leader has claimed the lane for a release that it has not started: its write may be in flight.
async fn wait_for_the_claim_of_another_leader() {
    let site = site().await;
    for version in ["v1.9.0", "v1.9.1"] {
        assert!(site.request(version).await);
    }
    let other = site.stage.releases("admin", SPACE).get("v1-9-0").await.unwrap();
    let claimed = json!({
        "release": "v1-9-0", "uid": other.metadata.uid, "process": "elsewhere", "at": site.stage.clock.now(),
    });
    site.write_status::<Environment>("production", json!({"lane": claimed})).await;
    let client = site.perturber.client("one", &site.stage.client("controller"));
    let started = Instant::now();
    site.lead(client);
    site.approved("v1.9.1").await;
    let executes = |release: &Release| release.spec.version == "v1.9.1" && release.phase().holds_lane();
    while !site.releases().await.iter().any(executes) {
        assert!(started.elapsed() < claim::PATIENCE * 10, "the claim holds the lane for ever");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let waited = started.elapsed();
    assert!(waited >= claim::PATIENCE, "started after {waited:?}");
    site.stage.stop.cancel();
    site.stage.running.stop().await;
}

#[test]
fn a_release_waits_for_what_another_leader_may_be_starting() {
    super::runtime(1).block_on(wait_for_the_claim_of_another_leader());
}

/// A client behind which another leader aborts the release right after its `after`th status that holds the lane is stored. Also returns
/// the number of changes made by then.
fn overtaken(site: &Arc<Site>, after: usize) -> (Client, Arc<OnceLock<usize>>) {
    let changes = Arc::new(OnceLock::new());
    let inner = site.perturber.client("one", &site.stage.client("controller"));
    let (site, known, statuses) = (site.clone(), changes.clone(), Arc::new(AtomicUsize::new(0)));
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let (inner, site, known, statuses) = (inner.clone(), site.clone(), known.clone(), statuses.clone());
        let is_status = kind(request.method().as_str(), request.uri()) == "PATCH releases/status";
        async move {
            let answer: Response<Body> = inner.send(request).await?.map(Body::new);
            if is_status
                && site.releases().await.iter().any(|release| release.phase().holds_lane())
                && statuses.fetch_add(1, Ordering::Relaxed) == after
            {
                let aborted = json!({"phase": "Aborted", "finishedAt": site.stage.clock.now()});
                site.write_status::<Release>("v1-9-0", aborted).await;
                known.set(site.perturber.executed().len()).unwrap();
            }
            Ok::<_, BoxError>(answer)
        }
    });
    (Client::new(service, "default"), changes)
}

/// Aborts a release between the write of its status and the change that follows. Returns whether it was aborted before it ended.
async fn abort_before_a_change(after: usize) -> bool {
    let site = Arc::new(site().await);
    assert!(site.request("v1.9.0").await);
    let (client, changes) = overtaken(&site, after);
    site.lead(client);
    site.approved("v1.9.0").await;
    while !site.is_over() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    site.stage.stop.cancel();
    let Some(changes) = changes.get() else { return false };
    assert_eq!(site.perturber.violations(), Vec::<String>::new(), "after status {after}");
    assert_eq!(site.perturber.executed().len(), *changes, "after status {after}");
    true
}

#[test]
fn nothing_is_changed_for_a_release_that_was_aborted_meanwhile() {
    let aborted =
        (0..64).take_while(|after| super::runtime(1).block_on(abort_before_a_change(*after))).count();
    assert!(aborted > 1, "aborted at {aborted} moments only");
}
