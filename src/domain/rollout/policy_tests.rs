//! What environments demand, as a waiting release meets it.

use super::world::World;
use super::*;
use crate::api::Duration;
use crate::api::environment::{CurrentVersion, EnvironmentRef, EnvironmentStatus};
use crate::api::environment::{Gates, Preflight, Promotion, SecretKeys};
use crate::api::release::{GateState, ReleaseKind};
use crate::domain::fixtures::*;

#[test]
fn promotion_needs_success_and_soak_elsewhere() {
    let mut environment = environment();
    let from = EnvironmentRef { namespace: "staging".into(), name: "staging".into() };
    environment.spec.promotion = Some(Promotion { from, soak: Some(Duration::from_mins(1)) });
    let mut world = World::new(environment.clone());
    world.turn();
    let detail =
        |world: &World| world.status().gates.iter().find(|g| g.name == "promotion").cloned().unwrap();
    assert_eq!(detail(&world).state, GateState::NoData);

    let mut there = release_at("planera-1", "v2", 0);
    there.status = Some(ReleaseStatus { phase: Phase::Progressing, ..ReleaseStatus::default() });
    let current = |healthy_since| {
        ["backend", "frontend"].map(|name| CurrentVersion {
            component: name.into(),
            version: "v2".into(),
            image: format!("ghcr.io/acme/{name}:v2"),
            digest: None,
            revision: None,
            since: None,
            healthy_since,
        })
    };
    let mut staging = crate::domain::fixtures::environment();
    staging.status =
        Some(EnvironmentStatus { current: current(Some(at(0))).to_vec(), ..EnvironmentStatus::default() });
    world.observed.source = Some(source(staging.clone(), vec![there.clone()]));
    world.turn();
    assert!(detail(&world).detail.contains("not succeeded"));
    there.status.as_mut().unwrap().phase = Phase::Succeeded;
    world.observed.source = Some(source(staging.clone(), vec![there.clone()]));
    world.turn();
    assert!(detail(&world).detail.contains("soaks"), "{}", detail(&world).detail);
    staging.status.as_mut().unwrap().current = current(None).to_vec();
    world.observed.source = Some(source(staging.clone(), vec![there.clone()]));
    world.turn();
    assert!(detail(&world).detail.contains("not healthy"));
    staging.status.as_mut().unwrap().current = current(Some(at(0))).to_vec();
    world.observed.source = Some(source(staging, vec![there]));
    world.secs = 61;
    assert_eq!(world.run(), Phase::Succeeded);
}

#[test]
fn what_no_waiting_can_mend_ends_at_once() {
    type Change = fn(&mut World);
    let changes: [(&str, Phase, Change); 6] = [
        ("does not match", Phase::Failed, |w| {
            w.spec().versions = Some(crate::api::environment::Versions {
                pattern: Some(r"^v\d+\.\d+$".into()),
                ..Default::default()
            });
        }),
        ("states no weights", Phase::Failed, |w| {
            w.spec().allowed_strategies.push(crate::api::strategy::StrategyName::Canary);
            w.observed.release.spec.strategy = Some(crate::api::strategy::StrategyName::Canary);
        }),
        ("does not allow", Phase::Failed, |w| {
            w.observed.release.spec.strategy = Some(crate::api::strategy::StrategyName::BlueGreen);
        }),
        ("no component", Phase::Failed, |w| w.observed.release.spec.images[0].component = "other".into()),
        ("not from the repository", Phase::Failed, |w| {
            w.observed.release.spec.images[0].image = "evil/backend:v2".into();
        }),
        ("never ran", Phase::Failed, |w| w.observed.release.spec.kind = ReleaseKind::Rollback),
    ];
    for (text, phase, change) in changes {
        let mut world = World::new(environment());
        change(&mut world);
        assert_eq!(world.run(), phase, "{text}");
        assert!(world.status().message.contains(text), "{}", world.status().message);
        assert!(world.writes.is_empty());
    }
}

#[test]
fn preflight_answers_are_asked_for_and_must_be_fresh() {
    let keys = SecretKeys { secret: "app".into(), keys: vec!["DATABASE_URL".into()] };
    let mut environment = guarded();
    environment.spec.gates = Some(Gates { preflight: vec![Preflight::SecretKeys(keys)], ..Gates::default() });
    let mut world = World::new(environment);
    world.turn();
    assert_eq!(world.asked, ["preflight/0/secret-keys"]);
    world.turn();
    assert_eq!(world.asked.len(), 1);
    let state =
        |world: &World| world.status().gates.iter().find(|g| g.name.starts_with("preflight")).unwrap().state;
    assert_eq!(state(&world), GateState::Pass);
    world.answer = GateState::Fail;
    world.secs += 31;
    world.turns(2);
    assert_eq!((world.asked.len(), state(&world)), (2, GateState::Fail));
}

#[test]
fn a_release_that_nobody_approves_expires() {
    let mut world = World::new(guarded());
    world.spec().approval.as_mut().unwrap().expires_after = Some(Duration::from_mins(10));
    world.turn();
    let digest = world.digest();
    world.act(approve("a1", "carol", &digest, &["team-leads"], 300));
    world.secs = 700;
    assert_eq!(world.turns(1), Phase::Pending);
    world.secs = 901;
    assert_eq!(world.turns(2), Phase::Expired);
}

#[test]
fn an_emergency_waits_for_nobody_but_policy_and_deny_list() {
    let mut world = World::new(guarded());
    world.observed.release.spec.emergency = Some(true);
    assert_eq!(world.turns(1), Phase::Progressing);
    let gate = world.status().gates.iter().find(|gate| gate.name == "approval").unwrap();
    assert!(gate.detail.contains("waived"));
}

#[test]
fn a_deleted_environment_stops_everything_until_it_is_back() {
    let mut world = World::new(environment());
    world.turns(2);
    let environment = world.observed.environment.take();
    world.roll();
    world.turns(3);
    assert_eq!(world.writes.len(), 1);
    assert!(world.status().message.contains("does not exist"), "{}", world.status().message);
    world.observed.environment = environment;
    assert_eq!(world.run(), Phase::Succeeded);
}

#[test]
fn the_lane_is_taken_while_another_executes() {
    let mut world = World::new(environment());
    let mut other = release_at("planera-1", "v1", 0);
    other.status = Some(ReleaseStatus { phase: Phase::Held, ..ReleaseStatus::default() });
    world.observed.others = vec![Arc::new(other.clone())];
    assert_eq!(world.turns(2), Phase::Pending);
    assert!(world.status().message.contains("planera-1"));
    other.status.as_mut().unwrap().phase = Phase::Aborted;
    world.observed.others = vec![Arc::new(other)];
    assert_eq!(world.turns(1), Phase::Progressing);
}

#[test]
fn the_newest_decision_of_the_source_counts() {
    use ReleaseKind::{Deploy, Rollback};

    let ended = |version: &str, kind: ReleaseKind, phase: Phase, secs: i64| {
        let mut release = release_at(&format!("planera-{secs}"), version, secs);
        release.spec.kind = kind;
        release.spec.reason = Some("loses sessions".into());
        let before = ["backend", "frontend"].map(|name| crate::api::release::RevisionRecord {
            component: name.into(),
            image: format!("ghcr.io/acme/{name}:{}", if version == "v2" { "v1" } else { "v2" }),
            revision: None,
            replicas: None,
            partition: None,
        });
        release.status = Some(ReleaseStatus {
            phase,
            started_at: Some(at(secs)),
            finished_at: Some(at(secs + 5)),
            before: before.to_vec(),
            ..ReleaseStatus::default()
        });
        release
    };
    let deployed = || ended("v2", Deploy, Phase::Succeeded, 10);
    for (releases, expected, text) in [
        (vec![deployed()], GateState::Pass, "v2 succeeded"),
        (
            vec![deployed(), ended("v1", Rollback, Phase::Succeeded, 20)],
            GateState::Fail,
            "v2 was rolled back 80s ago by bob (loses sessions)",
        ),
        (vec![deployed(), ended("v1", Rollback, Phase::Progressing, 20)], GateState::Fail, "rolled back"),
        (vec![deployed(), ended("v1", Rollback, Phase::Aborted, 20)], GateState::Pass, "v2 succeeded"),
        (vec![deployed(), ended("v2", Deploy, Phase::RolledBack, 20)], GateState::Fail, "v2 is RolledBack"),
        (vec![deployed(), ended("v2", Deploy, Phase::Held, 20)], GateState::Fail, "v2 is Held"),
        (vec![ended("v2", Deploy, Phase::RolledBack, 5), deployed()], GateState::Pass, "v2 succeeded"),
        (
            vec![
                deployed(),
                ended("v1", Rollback, Phase::Succeeded, 20),
                ended("v2", Deploy, Phase::Succeeded, 30),
            ],
            GateState::Pass,
            "v2 succeeded",
        ),
    ] {
        let mut environment = environment();
        let from = EnvironmentRef { namespace: "staging".into(), name: "staging".into() };
        environment.spec.promotion = Some(Promotion { from, soak: None });
        let mut world = World::new(environment);
        world.observed.source = Some(source(crate::domain::fixtures::environment(), releases));
        world.secs = 100;
        world.turn();
        let gate = world.status().gates.iter().find(|gate| gate.name == "promotion").unwrap();
        assert_eq!(gate.state, expected, "{}", gate.detail);
        assert!(gate.detail.contains(text), "{}", gate.detail);
    }
}
