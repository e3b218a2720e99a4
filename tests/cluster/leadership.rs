//! Several replicas: one leads, and when it is gone another one does.

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use release_cockpit::api::Phase;
use release_cockpit::controller::{Faults, lease_name};
use serde_json::json;

use crate::controller::{Controller, LEASE};
use crate::space::{Space, until_is};
use crate::world;

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
