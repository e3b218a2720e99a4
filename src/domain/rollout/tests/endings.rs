//! How releases end that change nothing, or that nobody answers.

use std::sync::Arc;

use super::super::world::{World, healthy};
use super::super::*;
use super::canary::{canary, weight};
use crate::api::Duration;
use crate::api::environment::{Gates, OnFailure, WorkloadKind};
use crate::api::release::{GateState, Release, ReleaseKind};
use crate::api::strategy::{AnalysisStep, BlueGreen, Canary, Rolling, Step, Strategy, Weight};
use crate::domain::containers::ContainerImage;
use crate::domain::fixtures::*;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A world that runs what its release brings, named in these two ways.
fn running(environment: Environment, running: &str, asked: &str) -> World {
    let mut world = World::new(environment);
    let of = |component: &str, rest: &str| format!("ghcr.io/acme/{component}{rest}");
    for (component, workload) in &mut world.observed.workloads {
        workload.image = Some(of(component, running));
    }
    for image in &mut world.observed.release.spec.images {
        image.image = of(image.component.as_str(), asked);
    }
    world
}

fn every_strategy() -> [Strategy; 3] {
    let canary = Canary { steps: vec![Step::SetWeight(Weight::new(50).unwrap())], ..Canary::default() };
    [
        Strategy::Rolling(Rolling::default()),
        Strategy::Canary(canary),
        Strategy::BlueGreen(BlueGreen::default()),
    ]
}

#[test]
fn what_runs_already_ends_at_once_whatever_is_asked_for_and_however() {
    let by_digest = format!("@{DIGEST}");
    let by_both = format!(":v2@{DIGEST}");
    let names =
        [(":v2", ":v2"), (by_digest.as_str(), by_digest.as_str()), (by_digest.as_str(), by_both.as_str())];
    for kind in [ReleaseKind::Deploy, ReleaseKind::Promote, ReleaseKind::Rollback] {
        for strategy in every_strategy() {
            for (found, asked) in names {
                for checked in [false, true] {
                    let mut environment = guarded();
                    environment.spec.strategy = Some(strategy.clone());
                    environment.spec.gates = checked.then(|| healthy(2));
                    environment.spec.bake = Some(Duration::from_mins(60));
                    let mut world = running(environment, found, asked);
                    world.observed.release.spec.kind = kind;
                    let told = format!("{kind:?} {strategy:?} {found} {asked} {checked}");
                    assert_eq!(world.turns(1), Phase::Succeeded, "{told}: {}", world.status().message);
                    assert_eq!(world.reasons(), ["Requested", "AlreadyRunning"], "{told}");
                    assert_eq!((world.writes.len(), world.asked.len()), (0, 0), "{told}");
                    let status = world.status();
                    assert!(status.started_at.is_none() && status.finished_at.is_some(), "{told}");
                    assert_eq!(status.message, "v2 already runs in production: nothing was changed");
                }
            }
        }
    }
}

#[test]
fn what_may_be_another_image_is_not_taken_for_what_runs() {
    let (tag, both) = (":v2".to_owned(), format!(":v2@{DIGEST}"));
    for (found, asked) in [(&tag, &both), (&both, &tag)] {
        let mut world = running(environment(), found, asked);
        assert_eq!(world.run(), Phase::Succeeded);
        assert_eq!(world.writes.len(), 2, "{found} {asked}");
    }
}

#[test]
fn one_component_that_runs_already_is_left_alone_and_the_other_is_changed() {
    let mut environment = environment();
    environment.spec.gates = Some(healthy(2));
    let mut world = World::new(environment);
    world.observed.workloads.insert("backend".into(), deployment("backend", "v2"));
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    let written: Vec<_> = world.writes.iter().map(|(component, _)| component.as_str()).collect();
    assert_eq!(written, ["frontend"]);
}

fn other(version: &str, phase: Phase, secs: i64) -> Release {
    let mut other = release_at("planera-1", version, secs);
    other.status.get_or_insert_default().phase = phase;
    other
}

#[test]
fn it_queues_behind_nobody_but_a_release_that_is_about_to_change_what_runs() {
    for (version, phase, tracks, expected) in [
        ("v2", Phase::Progressing, false, Phase::Succeeded),
        ("v2", Phase::Paused, false, Phase::Succeeded),
        ("v3", Phase::Pending, false, Phase::Succeeded),
        ("v3", Phase::Held, false, Phase::Succeeded),
        ("v3", Phase::Held, true, Phase::Pending),
        ("v3", Phase::Progressing, false, Phase::Pending),
        ("v3", Phase::RollingBack, false, Phase::Pending),
    ] {
        let mut world = running(environment(), ":v2", ":v2");
        let mut holder = other(version, phase, -5);
        if tracks {
            let mut beside = canary(vec![weight(50)], false);
            beside.turns(4);
            holder.status.as_mut().unwrap().tracks.clone_from(&beside.status().tracks);
        }
        world.observed.others = vec![Arc::new(holder)];
        assert_eq!(world.turns(1), expected, "{version} {phase}");
    }
}

#[test]
fn what_runs_but_is_denied_or_forbidden_is_not_waved_through() {
    let mut world = running(environment(), ":v2", ":v2");
    world.spec().versions =
        Some(crate::api::environment::Versions { pattern: Some("^x$".into()), ..Default::default() });
    assert_eq!(world.turns(1), Phase::Failed);
    let by_digest = format!("@{DIGEST}");
    let mut world = running(environment(), &by_digest, &by_digest);
    let status = world.observed.environment.as_mut().unwrap().status.as_mut().unwrap();
    status.denied =
        vec![crate::api::environment::DeniedDigest { digest: DIGEST.into(), ..Default::default() }];
    assert_eq!(world.turns(1), Phase::Pending);
}

#[test]
fn what_is_set_but_not_complete_is_followed_and_its_health_is_asked() {
    let mut environment = environment();
    environment.spec.gates = Some(Gates { smoke: Vec::new(), ..healthy(2) });
    let mut world = running(environment, ":v2", ":v2");
    world.observed.workloads.get_mut("backend").unwrap().updated = 1;
    assert_eq!(world.turns(1), Phase::Progressing);
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    assert!(world.asked.contains(&"health/0".to_owned()), "{:?}", world.asked);
    assert_eq!(world.writes, []);
}

#[test]
fn a_release_that_no_pod_runs_says_so() {
    for (already, expected) in [
        (false, "v2 is set in production; no pod of backend, frontend runs (replicas 0)"),
        (
            true,
            "v2 is already set in production: nothing was changed; no pod of backend, frontend runs (replicas 0)",
        ),
    ] {
        let mut world =
            if already { running(environment(), ":v2", ":v2") } else { World::new(environment()) };
        for workload in world.observed.workloads.values_mut() {
            (workload.desired, workload.replicas, workload.updated) = (0, 0, 0);
            (workload.ready, workload.available) = (0, 0);
            assert!(!workload.is_healthy());
        }
        assert_eq!(world.run(), Phase::Succeeded);
        assert_eq!(world.status().message, expected);
    }
}

/// A minute a turn, for at most a day.
fn wait_out(world: &mut World) -> (Phase, i64) {
    let began = world.secs;
    for _ in 0..1440 {
        world.turn();
        world.roll();
        if world.phase().is_final() || matches!(world.phase(), Phase::Held | Phase::Paused) {
            break;
        }
        world.secs += 60;
    }
    (world.phase(), (world.secs - began) / 60)
}

#[test]
fn verifying_without_an_answer_ends_as_the_environment_says() {
    for answer in [GateState::NoData, GateState::Wait] {
        for (on_failure, counts, expected) in [
            (OnFailure::Hold, true, Phase::Held),
            (OnFailure::Rollback, true, Phase::RollingBack),
            (OnFailure::Rollback, false, Phase::Held),
        ] {
            let mut environment = environment();
            environment.spec.gates = Some(Gates { smoke: Vec::new(), ..healthy(2) });
            environment.spec.on_failure = on_failure;
            environment.spec.rollback_on.health_checks = counts;
            let mut world = World::new(environment);
            world.run_for(12);
            assert_eq!(world.phase(), Phase::Succeeded, "the world itself is well");
            let mut world = World { answer, ..World::new(world.observed.environment.clone().unwrap()) };
            let mut said = Vec::new();
            for _ in 0..30 {
                world.turns(4);
                world.roll();
                world.secs += 60;
                said.push(world.status().message.clone());
                if matches!(world.phase(), Phase::RollingBack | Phase::Held) || world.phase().is_final() {
                    break;
                }
            }
            assert_eq!(world.phase(), expected, "{answer:?} {on_failure:?}: {said:#?}");
            assert!((11..=16).contains(&said.len()), "{said:#?}");
            assert!(world.reasons().contains(&"HealthUnanswered"), "{:?}", world.reasons());
            let countdown = if expected == Phase::Held { "held in 2 min" } else { "rolled back in 2 min" };
            assert!(said.iter().any(|message| message.contains(countdown)), "{said:#?}");
        }
    }
}

#[test]
fn a_rollout_that_nobody_carries_out_fails_without_a_deadline_of_its_own() {
    for kind in [WorkloadKind::StatefulSet, WorkloadKind::DaemonSet, WorkloadKind::Deployment] {
        let mut environment = environment();
        environment.spec.on_failure = OnFailure::Hold;
        environment.spec.components.truncate(1);
        environment.spec.components[0].workload.kind = kind;
        let mut world = World::new(environment);
        world.observed.release.spec.images.truncate(1);
        world.observed.workloads.remove("frontend");
        world.observed.workloads.get_mut("backend").unwrap().kind = kind;
        world.is_still = true;
        let (phase, minutes) = wait_out(&mut world);
        assert_eq!(phase, Phase::Held, "{kind}: {}", world.status().message);
        assert!((10..=14).contains(&minutes), "{kind}: {minutes}");
    }
}

#[test]
fn a_smoke_probe_or_a_step_that_nobody_answers_ends() {
    let mut smoke = environment();
    smoke.spec.gates = Some(Gates { health: Vec::new(), ..healthy(2) });
    smoke.spec.on_failure = OnFailure::Hold;
    let mut world = World { answer: GateState::NoData, ..World::new(smoke) };
    assert_eq!(wait_out(&mut world).0, Phase::Held, "{}", world.status().message);
    let mut world = canary(vec![weight(50), Step::Analysis(AnalysisStep::default())], true);
    world.spec().on_failure = OnFailure::Hold;
    let (phase, minutes) = wait_out(&mut world);
    assert_eq!(phase, Phase::Held, "{}", world.status().message);
    assert!(minutes <= 30, "{minutes}");
}

#[test]
fn a_way_back_that_stands_still_is_held() {
    let mut world = World::new(environment());
    world.broken = vec!["frontend"];
    for _ in 0..40 {
        world.turn();
        world.roll();
        world.secs += 1;
        if world.phase() == Phase::RollingBack {
            break;
        }
    }
    world.is_still = true;
    let (phase, minutes) = wait_out(&mut world);
    assert_eq!(phase, Phase::Held, "{}", world.status().message);
    assert!(world.reasons().contains(&"RollbackStuck") && minutes <= 15, "{minutes} {:?}", world.reasons());
    let mut gone = World::new(environment());
    gone.turns(4);
    gone.observed.environment = None;
    assert_eq!(wait_out(&mut gone).0, Phase::Held, "{}", gone.status().message);
}

#[test]
fn a_partition_that_keeps_old_pods_is_no_success() {
    let mut environment = environment();
    environment.spec.on_failure = OnFailure::Hold;
    environment.spec.components.truncate(1);
    environment.spec.components[0].workload.kind = WorkloadKind::StatefulSet;
    let mut world = World::new(environment);
    world.observed.release.spec.images.truncate(1);
    world.observed.workloads.remove("frontend");
    let workload = world.observed.workloads.get_mut("backend").unwrap();
    (workload.kind, workload.partition) = (WorkloadKind::StatefulSet, Some(2));
    assert_eq!(world.turns(1), Phase::Pending);
    let gate = world.status().gates.iter().find(|gate| gate.name == "workloads").unwrap();
    assert_eq!(gate.state, GateState::Fail);
    let expected =
        "StatefulSet backend keeps 2 of its 4 pods at the old version (partition 2): set the partition to 0";
    assert_eq!(gate.detail, expected);
    assert!(gate.command.as_ref().unwrap().contains("patch statefulset/backend"), "{:?}", gate.command);
    // somebody sets it while the release executes
    let workload = world.observed.workloads.get_mut("backend").unwrap();
    workload.partition = None;
    world.turns(4);
    assert_eq!(world.phase(), Phase::Progressing);
    world.observed.workloads.get_mut("backend").unwrap().partition = Some(3);
    let (phase, _) = wait_out(&mut world);
    assert_eq!(phase, Phase::Held, "{}", world.status().message);
    assert!(world.status().message.contains("partition"), "{}", world.status().message);
}

/// A backend with a migration before it and a worker beside it, all of one repository, and the worker a version behind.
fn of_three(named: &[&str]) -> World {
    let mut environment = environment();
    environment.spec.components[0].containers = named.iter().map(|name| (*name).to_owned()).collect();
    let mut world = World::new(environment);
    let container = |name: &str, version: &str, is_init| ContainerImage {
        name: name.into(),
        image: format!("ghcr.io/acme/backend:{version}"),
        is_init,
    };
    let images = vec![
        container("migrate", "v1", true),
        container("backend", "v1", false),
        container("worker", "v0", false),
        ContainerImage { name: "mesh".into(), image: "ghcr.io/mesh/proxy:v9".into(), is_init: false },
    ];
    world.observed.workloads.get_mut("backend").unwrap().images = images;
    world
}

fn versions(world: &World) -> Vec<String> {
    let images = &world.observed.workloads["backend"].images;
    images.iter().map(|one| format!("{} {}", one.name, one.image.rsplit(':').next().unwrap())).collect()
}

#[test]
fn every_container_that_is_named_gets_the_image_and_each_its_own_back() {
    for named in [&["migrate", "worker"][..], &["*"]] {
        let mut world = of_three(named);
        assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
        assert_eq!(versions(&world), ["migrate v2", "backend v1", "worker v2", "mesh v9"]);
        assert!(world.image("backend").ends_with(":v2"));
        let mut bad = of_three(named);
        bad.broken = vec!["backend"];
        assert_eq!(bad.run(), Phase::RolledBack, "{}", bad.status().message);
        assert_eq!(versions(&bad), ["migrate v1", "backend v1", "worker v0", "mesh v9"]);
        assert!(bad.image("backend").ends_with(":v1"));
    }
}

#[test]
fn a_container_that_would_stay_behind_holds_a_deploy_and_no_rollback() {
    let mut world = of_three(&["worker"]);
    assert_eq!(world.turns(2), Phase::Pending);
    let gate = world.status().gates.iter().find(|gate| gate.name == "workloads").unwrap();
    assert_eq!(gate.state, GateState::Fail);
    let expected = "init container migrate of Deployment backend would stay at v1: add containers: [worker, migrate] to component backend";
    assert_eq!(gate.detail, expected);
    let mut rollback = of_three(&["worker"]);
    rollback.observed.release.spec.kind = ReleaseKind::Rollback;
    rollback.observed.others = vec![Arc::new(other("v2", Phase::Succeeded, -50))];
    assert_eq!(rollback.run(), Phase::Succeeded, "{}", rollback.status().message);
    let message = &rollback.status().message;
    let expected =
        "v2 runs in production; init container migrate of backend still runs ghcr.io/acme/backend:v1";
    assert_eq!(message, expected);
    let mut absent = of_three(&["*", "seed"]);
    assert_eq!(absent.turns(2), Phase::Pending);
    assert!(absent.status().message.contains("has no container seed, which component backend names"));
}

#[test]
fn what_runs_in_one_container_and_not_in_another_is_brought_to_it() {
    let mut world = of_three(&["*"]);
    world.observed.release.spec.version = "v1".into();
    for image in &mut world.observed.release.spec.images {
        image.image = image.image.replace(":v2", ":v1");
    }
    assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    assert_eq!(versions(&world), ["migrate v1", "backend v1", "worker v1", "mesh v9"]);
    assert_eq!(world.status().message, "v1 runs in production");
    let mut again = World::new(world.observed.environment.clone().unwrap());
    again.observed.workloads = world.observed.workloads.clone();
    again.observed.release.spec = world.observed.release.spec.clone();
    assert_eq!(again.turns(1), Phase::Succeeded);
    assert!(again.reasons().contains(&"AlreadyRunning"));
}

#[test]
fn a_second_workload_gets_the_image_in_every_container() {
    let mut world = canary(vec![weight(50)], false);
    world.observed.workloads.get_mut("backend").unwrap().images =
        of_three(&[]).observed.workloads["backend"].images.clone();
    world.spec().components[0].containers = vec!["*".into()];
    for _ in 0..6 {
        let decision = world.turn();
        let made = decision.effects.iter().find_map(|effect| match effect {
            Effect::SetTrack(set) => Some(set.containers.clone()),
            _ => None,
        });
        if let Some(made) = made {
            assert_eq!(made, ["migrate", "worker"]);
            return;
        }
    }
    panic!("no second workload is made: {}", world.status().message);
}
