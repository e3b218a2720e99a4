//! Two people at once: exactly one step is taken, and whoever came second is told why.

use std::time::{Duration, Instant};

use futures::future::join_all;
use kube::Api;
use kube::api::PostParams;
use release_cockpit::api::{Environment, Phase, Release};
use serde_json::json;

use crate::controller::Controller;
use crate::space::{Space, action, approval, release, until_is};
use crate::world::{World, world};

/// Namespaces in which people race at the same time.
const SPACES: usize = 10;
/// Races in each of them.
const ROUNDS: usize = 10;

/// How long each race took, as a sentence.
fn told(what: &str, mut took: Vec<Duration>) -> String {
    took.sort();
    let at = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)].as_millis();
    format!("{} {what}: p50 {} ms, p90 {} ms, p99 {} ms", took.len(), at(50), at(90), at(99))
}

/// Spaces with an application each, served by one controller.
async fn spaces(world: &'static World, name: &str, more: serde_json::Value) -> Vec<Space> {
    let prepared = (0..SPACES).map(|number| {
        let (name, more) = (format!("{name}-{number}"), more.clone());
        async move {
            let space = Space::new(world, &name).await;
            space.application(&["backend"], more).await;
            space
        }
    });
    join_all(prepared).await
}

/// Races in all spaces at once, a hundred in total.
async fn race<F>(spaces: Vec<Space>, rounds: fn(Space) -> F, what: &str)
where
    F: Future<Output = Vec<Duration>> + Send + 'static,
{
    let begun = Instant::now();
    let mut took = Vec::new();
    for ended in join_all(spaces.into_iter().map(|space| tokio::spawn(rounds(space)))).await {
        took.extend(ended.expect("every round ends well"));
    }
    assert_eq!(took.len(), SPACES * ROUNDS);
    eprintln!("{} (all in {} s)", told(what, took), begun.elapsed().as_secs());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_release_and_approve_at_once_one_takes_effect_a_hundred_times() {
    let Some(world) = world().await else { return };
    let slots = json!({"approval": {"slots": [{"name": "leads", "group": "team-leads"}]}});
    let spaces = spaces(world, "racing", slots).await;
    let _controller = Controller::start(&spaces.iter().collect::<Vec<_>>(), "only").await;
    // an approval counts once the controller has found the policies in force
    for space in &spaces {
        until_is(&space.api::<Environment>(), "production", "under policies that are in force", |found| {
            let conditions = found.status.iter().flat_map(|status| &status.conditions);
            conditions.into_iter().any(|told| told.message.contains("forged names were refused"))
        })
        .await;
    }
    race(spaces, rollouts, "rollouts after two approvals at once").await;
}

/// Asks twice for the same, approves twice, and looks that the workload was written once.
async fn rollouts(space: Space) -> Vec<Duration> {
    let alice: [Api<Release>; 2] = [space.as_seen_by("alice").await, space.as_seen_by("alice").await];
    let mut took = Vec::new();
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
        // one person twice, or two people: each is enough
        let second = if round % 2 == 0 { "carol" } else { "bob" };
        let begun = Instant::now();
        let sent = tokio::join!(
            space.act(approval(&names[0], "bob", &seen, slots())),
            space.act(approval(&names[1], second, &seen, slots()))
        );
        sent.0.expect("accepted");
        sent.1.expect("accepted");
        let mut verdicts = [space.verdict(&names[0]).await, space.verdict(&names[1]).await];
        verdicts.sort();
        assert_eq!(verdicts[0].0, "Applied", "{verdicts:?}");
        let reason = &verdicts[1].1;
        let is_late = reason.starts_with("Approve does not fit: it ");
        match (verdicts[1].0.as_str(), second) {
            ("Refused", "bob") => {
                assert!(is_late || reason == "bob has already approved this plan", "{verdicts:?}");
            }
            ("Refused", _) => assert!(is_late, "{verdicts:?}"),
            (_, "bob") => panic!("one person was heard twice: {verdicts:?}"),
            (result, _) => assert_eq!(result, "Applied", "{verdicts:?}"),
        }
        let ended = space.until_phase(&name, Phase::Succeeded).await;
        took.push(begun.elapsed());
        let approvals = ended.status.unwrap_or_default().approvals;
        let applied = verdicts.iter().filter(|verdict| verdict.0 == "Applied").count();
        assert_eq!(approvals.len(), applied, "{approvals:?}");
        let generation = i64::try_from(round).expect("few rounds") + 1;
        let (_, written, revision) = space.runs("backend").await;
        assert_eq!((written, revision), (generation, generation.to_string()));
    }
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_promote_at_once_one_takes_effect_a_hundred_times() {
    let Some(world) = world().await else { return };
    let mut steps = vec![json!({"setWeight": 50})];
    steps.extend((0..=ROUNDS).map(|_| json!({"pause": {}})));
    let spaces = spaces(world, "promoting", json!({"strategy": {"canary": {"steps": steps}}})).await;
    let _controller = Controller::start(&spaces.iter().collect::<Vec<_>>(), "only").await;
    race(spaces, promotions, "promotions by two at once").await;
}

/// A canary that stands at one pause after the other; at each of them two people press at once.
async fn promotions(space: Space) -> Vec<Duration> {
    space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    let step = |release: &Release| {
        let status = release.status.clone().unwrap_or_default();
        status.step.map(|step| step.index)
    };
    let mut took = Vec::new();
    let first = space.until_phase("one", Phase::Paused).await;
    let first = step(&first).expect("a step");
    for at in (first..).take(ROUNDS) {
        let stands = |release: &Release| release.phase() == Phase::Paused && step(release) == Some(at);
        let seen = space.until_release("one", "at its next pause", stands).await;
        let names = ["alice", "bob"].map(|who| format!("promote-{at}-{who}"));
        let begun = Instant::now();
        let sent = tokio::join!(
            space.act(action(&names[0], "Promote", "alice", &seen)),
            space.act(action(&names[1], "Promote", "bob", &seen))
        );
        sent.0.expect("accepted");
        sent.1.expect("accepted");
        let mut verdicts = [space.verdict(&names[0]).await, space.verdict(&names[1]).await];
        took.push(begun.elapsed());
        verdicts.sort();
        let results = (verdicts[0].0.as_str(), verdicts[1].0.as_str());
        assert_eq!(results, ("Applied", "Refused"), "{verdicts:?}");
        // people count from one
        assert_eq!(verdicts[1].1, format!("already advanced to step {}", at + 2), "{verdicts:?}");
        let next = space.until_release("one", "one step further", |found| step(found) != Some(at)).await;
        assert_eq!(step(&next), Some(at + 1), "one step, not two");
    }
    let last = space.until_phase("one", Phase::Paused).await;
    let timeline = last.status.clone().unwrap_or_default().timeline;
    let promoted = timeline.iter().filter(|entry| entry.reason == "Promoted").count();
    assert_eq!(promoted, ROUNDS, "{timeline:?}");
    assert_eq!(step(&last), i32::try_from(ROUNDS).ok().map(|rounds| first + rounds), "{timeline:?}");
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_pause_and_resume_at_once_one_takes_effect_a_hundred_times() {
    let Some(world) = world().await else { return };
    let spaces = spaces(world, "toggling", json!({"bake": "30m"})).await;
    let _controller = Controller::start(&spaces.iter().collect::<Vec<_>>(), "only").await;
    race(spaces, toggles, "pauses and resumptions by two at once").await;
}

/// Stops and goes on with a release that is watched after its rollout; each time two people press at once.
async fn toggles(space: Space) -> Vec<Duration> {
    space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    let mut seen = space.until_phase("one", Phase::Verifying).await;
    let mut took = Vec::new();
    for round in 1..=ROUNDS / 2 {
        for (kind, phase, entry) in
            [("Pause", Phase::Paused, "Paused"), ("Resume", Phase::Verifying, "Resumed")]
        {
            let names = ["alice", "bob"].map(|who| format!("{}-{round}-{who}", kind.to_lowercase()));
            let begun = Instant::now();
            let sent = tokio::join!(
                space.act(action(&names[0], kind, "alice", &seen)),
                space.act(action(&names[1], kind, "bob", &seen))
            );
            sent.0.expect("accepted");
            sent.1.expect("accepted");
            let mut verdicts = [space.verdict(&names[0]).await, space.verdict(&names[1]).await];
            took.push(begun.elapsed());
            verdicts.sort();
            assert_eq!(
                (verdicts[0].0.as_str(), verdicts[1].0.as_str()),
                ("Applied", "Refused"),
                "{verdicts:?}"
            );
            assert!(verdicts[1].1.contains(" is already "), "{verdicts:?}");
            seen = space.until_phase("one", phase).await;
            let timeline = seen.status.clone().unwrap_or_default().timeline;
            let last = timeline.iter().rfind(|entry| matches!(entry.reason.as_str(), "Paused" | "Resumed"));
            assert_eq!(last.map(|entry| entry.reason.as_str()), Some(entry), "{timeline:?}");
        }
    }
    assert_eq!(space.runs("backend").await.1, 2, "the workload was written once");
    took
}
