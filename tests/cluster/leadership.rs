//! Several replicas: one leads, and when it is gone another one does.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::api::{Patch, PatchParams};
use release_cockpit::api::labels::CONTROLLER_LEASE;
use release_cockpit::api::{Phase, Release};
use release_cockpit::controller::{Faults, lease_name};
use serde_json::json;

use crate::controller::{Controller, LEASE};
use crate::space::{Space, until_is};
use crate::world::{self, until};

async fn lease_of(space: &Space, holder: &str) -> LeaseSpec {
    let held = |lease: &Lease| {
        lease.spec.as_ref().is_some_and(|spec| spec.holder_identity.as_deref() == Some(holder))
    };
    until_is(
        &space.api::<Lease>(),
        &lease_name(std::slice::from_ref(&space.namespace)),
        &format!("held by {holder}"),
        held,
    )
    .await
    .spec
    .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_replica_goes_on_where_the_leader_died() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "leadership").await;
    space.application(&["backend", "frontend"], json!({})).await;
    let first = Controller::start_with(&[&space], "first", Faults::default()).await;
    lease_of(&space, "first").await;
    let second = Controller::start(&[&space], "second").await;
    space.ask("alice", "one", "v1.1.0", &["backend", "frontend"]).await;
    space.until_release("one", "under way", |release| release.phase() == Phase::Progressing).await;
    let last = lease_of(&space, "first").await;
    drop(first);
    let taken = lease_of(&space, "second").await;
    assert_eq!(taken.lease_transitions, Some(last.lease_transitions.unwrap_or_default() + 1));
    // never while the first one could still believe that it leads
    let (renewed, acquired) =
        (last.renew_time.expect("a renewal").0, taken.acquire_time.expect("an acquisition").0);
    let gap = acquired.duration_since(renewed);
    assert!(gap.as_secs_f64() >= LEASE.duration.as_secs_f64(), "taken over after {gap}");
    space.until_phase("one", Phase::Succeeded).await;
    for name in ["backend", "frontend"] {
        assert_eq!(space.runs(name).await, (crate::space::image(name, "v1.1.0"), 2, "2".to_owned()));
    }
    // an orderly end lets go at once
    second.stop().await;
    let lease =
        space.api::<Lease>().get(&lease_name(std::slice::from_ref(&space.namespace))).await.expect("a lease");
    assert_eq!(lease.spec.and_then(|spec| spec.holder_identity).as_deref().unwrap_or_default(), "");
}

/// A controller of an older version: it knows of one lease only, leaves annotations alone, and renews until this is dropped.
struct Older(tokio::task::JoinHandle<()>);

impl Older {
    fn start(space: &Space, identity: &str) -> Self {
        let (leases, identity) = (space.api::<Lease>(), identity.to_owned());
        Self(tokio::spawn(async move {
            loop {
                let renewed = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
                let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": CONTROLLER_LEASE},
                    "spec": {"holderIdentity": identity, "leaseDurationSeconds": 4, "renewTime": renewed}});
                let params = PatchParams::apply("older").force();
                leases.patch(CONTROLLER_LEASE, &params, &Patch::Apply(&lease)).await.expect("its lease");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }))
    }
}

impl Drop for Older {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_controller_is_respected_also_by_a_shard_that_leads_already() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "leadership-older").await;
    space.application(&["backend"], json!({})).await;
    let _controller = Controller::start_with(&[&space], "newer", Faults::default()).await;
    lease_of(&space, "newer").await;
    space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    space.until_phase("one", Phase::Succeeded).await;
    let older = Older::start(&space, "older");
    until_is(&space.api::<Lease>(), CONTROLLER_LEASE, "held by the older one", |lease| lease.spec.is_some())
        .await;
    let noticed = Instant::now();
    until(30, "the shard has had time for two renewals", || async {
        (noticed.elapsed() > LEASE.renew * 3).then_some(())
    })
    .await;
    space.ask("alice", "two", "v1.2.0", &["backend"]).await;
    let begun = Instant::now();
    until(60, "a while in which the older one leads", || async {
        let two = space.api::<Release>().get("two").await.ok()?;
        assert!(two.status.is_none(), "two lead: {:?}", two.status);
        (begun.elapsed() > LEASE.duration * 2).then_some(())
    })
    .await;
    drop(older);
    space.until_phase("two", Phase::Succeeded).await;
}
