//! What concerns everybody in the cluster, and so runs when nobody else does: `tests/cluster/run` runs it by itself, at the end.

mod ratcheting;
mod skew;

use std::time::Instant;

use kube::ResourceExt as _;
use release_cockpit::api::condition::{Condition, ConditionStatus};
use release_cockpit::api::release::ApprovalState;
use release_cockpit::api::{Environment, Phase};
use serde_json::json;

use crate::controller::Controller;
use crate::space::{Space, approval, message, until_is};
use crate::world;

const BINDING: &str = "release-cockpit-action";

fn condition(environment: &Environment) -> Option<&Condition> {
    let mut all = environment.status.iter().flat_map(|status| &status.conditions);
    all.find(|condition| condition.type_ == "PoliciesEnforced")
}

/// The condition once the controller says so.
async fn told(space: &Space, status: ConditionStatus, words: &str) -> Condition {
    let found = until_is(&space.api::<Environment>(), "production", words, |found| {
        condition(found).is_some_and(|told| told.status == status && told.message.contains(words))
    })
    .await;
    condition(&found).expect("it has just been there").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_binding_the_controller_says_so_and_counts_no_approval() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "unbound").await;
    let slots = || json!([{"name": "leads", "group": "team-leads"}]);
    space.application(&["backend"], json!({"approval": {"slots": slots()}})).await;
    let _controller = Controller::start(&[&space], "only").await;
    told(&space, ConditionStatus::True, "forged names were refused").await;
    space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    let seen = space.until_waiting("one").await;

    let begun = Instant::now();
    world.kubectl("admin", &["delete", "validatingadmissionpolicybinding", BINDING], "").await.ok();
    let open = told(&space, ConditionStatus::False, BINDING).await;
    let noticed = begun.elapsed();
    assert!(open.reason == "PoliciesMissing" && open.message.contains("kubectl apply"), "{open:?}");
    let asked = ["get", "events", "-n", &space.namespace, "-o", "jsonpath={.items[*].reason}"];
    let events = world.kubectl("dave", &asked, "").await.ok();
    assert!(events.contains("PoliciesMissing"), "{events}");
    // now anybody could have written this
    space.act(approval("unattested", "bob", &seen, slots())).await.expect("accepted");
    space.verdict("unattested").await;
    let waiting =
        space.until_release("one", "judged again", |release| release.phase() == Phase::Pending).await;
    let counted = waiting.status.iter().flat_map(|status| &status.approvals);
    assert!(counted.into_iter().all(|found| found.state != ApprovalState::Counted), "{}", message(&waiting));
    assert_eq!(space.runs("backend").await.1, 1, "{}", waiting.name_any());

    let begun = Instant::now();
    let manifests =
        world::run(std::path::Path::new(world::PROGRAM), &["manifests", "policies"], "").await.ok();
    world.apply(&manifests).await;
    told(&space, ConditionStatus::True, "forged names were refused").await;
    eprintln!(
        "a binding that is gone: told after {} ms; one that is back: after {} ms",
        noticed.as_millis(),
        begun.elapsed().as_millis()
    );
    // what was asked for and approved in between counts no more; what is asked for now does
    assert_eq!(space.runs("backend").await.1, 1);
    space.ask("alice", "two", "v1.2.0", &["backend"]).await;
    let seen = space.until_waiting("two").await;
    space.act(approval("attested", "bob", &seen, slots())).await.expect("accepted");
    assert_eq!(space.verdict("attested").await.0, "Applied");
    space.until_phase("two", Phase::Succeeded).await;
    assert_eq!(space.runs("backend").await.1, 2);
}
