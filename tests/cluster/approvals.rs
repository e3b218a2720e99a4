//! Who may agree to what: the API server's part, and what only the controller can see.

use kube::api::{Patch, PatchParams};
use release_cockpit::api::Phase;
use release_cockpit::api::environment::Environment;
use release_cockpit::api::release::ApprovalState;
use serde_json::json;

use crate::controller::Controller;
use crate::space::{Space, action, approval, message};
use crate::world;

fn refusal(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status
            .message
            .rsplit_once("denied request: ")
            .map_or(status.message.clone(), |(_, rest)| rest.to_owned()),
        other => other.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_slots_need_two_people() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "two-slots").await;
    let slots = json!([{"name": "leads", "group": "team-leads"}, {"name": "any"}]);
    space.application(&["backend"], json!({"approval": {"slots": slots}})).await;
    let _controller = Controller::start(&[&space], "only").await;
    space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    let seen = space.until_waiting("one").await;
    space.act(approval("by-bob", "bob", &seen, slots.clone())).await.expect("accepted");
    assert_eq!(space.verdict("by-bob").await.0, "Applied");
    // one person fills one slot, however many they could fill
    let waiting = space
        .until_release("one", "half approved", |release| {
            release.status.as_ref().is_some_and(|s| s.approvals.len() == 1)
        })
        .await;
    assert_eq!(waiting.phase(), Phase::Pending, "{}", message(&waiting));
    space.act(approval("again", "bob", &waiting, slots.clone())).await.expect("accepted");
    assert_eq!(
        space.verdict("again").await,
        ("Refused".to_owned(), "bob has already approved this plan".to_owned())
    );
    assert_eq!(space.runs("backend").await.1, 1);
    space.act(approval("by-carol", "carol", &waiting, slots)).await.expect("accepted");
    assert_eq!(space.verdict("by-carol").await.0, "Applied");
    let ended = space.until_phase("one", Phase::Succeeded).await;
    let mut actors: Vec<_> =
        ended.status.unwrap_or_default().approvals.into_iter().map(|a| (a.actor, a.state)).collect();
    actors.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        actors,
        [("bob".to_owned(), ApprovalState::Counted), ("carol".to_owned(), ApprovalState::Counted)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_approves_their_own_release() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "self-approval").await;
    let slots = json!([{"name": "leads", "group": "team-leads"}]);
    space.application(&["backend"], json!({"approval": {"slots": slots}})).await;
    let _controller = Controller::start(&[&space], "only").await;
    space.ask("bob", "one", "v1.1.0", &["backend"]).await;
    let seen = space.until_waiting("one").await;
    let refused = space.act(approval("own", "bob", &seen, slots.clone())).await.expect_err("a refusal");
    assert_eq!(refusal(&refused), "SelfApproval: bob requested release one and may not approve it");
    // another name for the requester passes the policy, which cannot see the release; the controller can
    let mut lie = approval("lie", "bob", &seen, slots.clone());
    lie["spec"]["release"]["requestedBy"] = json!("alice");
    space.act(lie).await.expect("accepted");
    let told = "it names alice as requester, while one was requested by bob".to_owned();
    assert_eq!(space.verdict("lie").await, ("Refused".to_owned(), told));
    let mut other = approval("other", "carol", &seen, slots.clone());
    other["spec"]["release"]["uid"] = json!("00000000-0000-4000-8000-000000000000");
    space.act(other).await.expect("accepted");
    assert_eq!(
        space.verdict("other").await,
        ("Refused".to_owned(), "it means another release of the name one: the uid differs".to_owned())
    );
    // the name of an author cannot be borrowed
    let mut forged = approval("forged", "carol", &seen, slots.clone());
    let actions: kube::Api<release_cockpit::api::ReleaseAction> = space.as_seen_by("alice").await;
    let sent = actions
        .create(&kube::api::PostParams::default(), &serde_json::from_value(forged.clone()).unwrap())
        .await;
    assert_eq!(
        refusal(&sent.expect_err("a refusal")),
        "IdentityMismatch: spec.actor must be alice, not carol"
    );
    forged["metadata"]["name"] = json!("honest");
    assert_eq!(space.until_waiting("one").await.phase(), Phase::Pending);
    space.act(forged).await.expect("accepted");
    assert_eq!(space.verdict("honest").await.0, "Applied");
    space.until_phase("one", Phase::Succeeded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_for_one_plan() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "stale").await;
    let slots = json!([{"name": "leads", "group": "team-leads", "minimum": 2}]);
    space.application(&["backend"], json!({"approval": {"slots": slots}})).await;
    let _controller = Controller::start(&[&space], "only").await;
    space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    let first = space.until_waiting("one").await;
    let slots = json!([{"name": "leads", "group": "team-leads"}]);
    space.act(approval("early", "bob", &first, slots.clone())).await.expect("accepted");
    assert_eq!(space.verdict("early").await.0, "Applied");
    let digest = |release: &release_cockpit::api::Release| {
        release.status.clone().unwrap_or_default().plan.map(|plan| plan.digest)
    };
    let patch = json!({"spec": {"bake": "2s"}});
    space
        .api::<Environment>()
        .patch("production", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .expect("a change");
    let second =
        space.until_release("one", "planned anew", |release| digest(release) != digest(&first)).await;
    let states: Vec<_> =
        second.status.clone().unwrap_or_default().approvals.into_iter().map(|a| (a.actor, a.state)).collect();
    assert_eq!(states, [("bob".to_owned(), ApprovalState::Stale)]);
    space.act(approval("late", "carol", &first, slots.clone())).await.expect("accepted");
    let (result, why) = space.verdict("late").await;
    assert!(
        result == "Refused" && why.starts_with("the plan has changed: its author saw "),
        "{result} {why}"
    );
    for who in ["bob", "carol"] {
        space.act(approval(&format!("anew-{who}"), who, &second, slots.clone())).await.expect("accepted");
        assert_eq!(space.verdict(&format!("anew-{who}")).await.0, "Applied");
    }
    let ended = space.until_phase("one", Phase::Succeeded).await;
    space.act(action("too-late", "Abort", "alice", &ended)).await.expect("accepted");
    assert_eq!(
        space.verdict("too-late").await,
        ("Refused".to_owned(), "Abort does not fit: it has already ended as Succeeded".to_owned())
    );
}
