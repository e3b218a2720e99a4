//! Two clients at once: exactly one takes effect, and the other one is told why.

use futures::future::join_all;
use kube::Api;
use kube::api::PostParams;
use release_cockpit::api::{Phase, Release};
use serde_json::json;

use crate::controller::Controller;
use crate::space::{Space, approval, release};
use crate::world;

const SPACES: usize = 4;
const ROUNDS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_equal_requests_and_two_equal_approvals_one_takes_effect() {
    let Some(world) = world::world().await else { return };
    let runs = (0..SPACES).map(|number| tokio::spawn(rounds(world, number)));
    for ended in join_all(runs).await {
        ended.expect("every round ends well");
    }
}

async fn rounds(world: &'static world::World, number: usize) {
    let space = Space::new(world, &format!("racing-{number}")).await;
    space
        .application(&["backend"], json!({"approval": {"slots": [{"name": "leads", "group": "team-leads"}]}}))
        .await;
    let _controller = Controller::start(&[&space], "only").await;
    let alice: [Api<Release>; 2] = [space.as_seen_by("alice").await, space.as_seen_by("alice").await];
    for round in 1..=ROUNDS {
        let (name, version) = (format!("round-{round}"), format!("v1.{round}.0"));
        let wanted = release(&name, &version, "alice", &["backend"]);
        let params = PostParams::default();
        let asked = tokio::join!(alice[0].create(&params, &wanted), alice[1].create(&params, &wanted));
        let refused = [asked.0.err(), asked.1.err()].into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(matches!(&refused[0], kube::Error::Api(status) if status.is_already_exists()), "{refused:?}");
        let seen = space.until_waiting(&name).await;
        let slots = || json!([{"name": "leads", "group": "team-leads"}]);
        let names = [format!("{name}-a"), format!("{name}-b")];
        let sent = tokio::join!(
            space.act(approval(&names[0], "bob", &seen, slots())),
            space.act(approval(&names[1], "bob", &seen, slots()))
        );
        sent.0.expect("accepted");
        sent.1.expect("accepted");
        let mut verdicts = [space.verdict(&names[0]).await, space.verdict(&names[1]).await];
        verdicts.sort();
        assert_eq!((verdicts[0].0.as_str(), verdicts[1].0.as_str()), ("Applied", "Refused"), "{verdicts:?}");
        let reason = &verdicts[1].1;
        assert!(
            reason == "bob has already approved this plan" || reason.starts_with("Approve does not fit: it "),
            "{reason}"
        );
        let ended = space.until_phase(&name, Phase::Succeeded).await;
        let approvals = ended.status.unwrap_or_default().approvals;
        assert_eq!(approvals.len(), 1, "{approvals:?}");
        let generation = i64::try_from(round).expect("few rounds") + 1;
        let (_, written, revision) = space.runs("backend").await;
        assert_eq!((written, revision), (generation, generation.to_string()));
    }
}
