//! The controller is killed between any two writes, and another one goes on: nothing is done twice, nothing is lost.

use futures::StreamExt as _;
use release_cockpit::api::Phase;
use release_cockpit::controller::{Cut, Faults};
use serde_json::json;

use crate::controller::Controller;
use crate::space::{Space, image};
use crate::world;

const BOTH: [&str; 2] = ["backend", "frontend"];

/// One life of a release: where its controller dies, and whether frontend's new version is good.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    phase: Phase,
    before: &'static str,
    good: bool,
}

const fn case(name: &'static str, phase: Phase, before: &'static str, good: bool) -> Case {
    Case { name, phase, before, good }
}

const CASES: [Case; 12] = [
    case("unclaimed", Phase::Progressing, "lane", true),
    case("started", Phase::Progressing, "status", true),
    case("first-image", Phase::Progressing, "set-image backend", true),
    case("written", Phase::Progressing, "end", true),
    case("second-image", Phase::Progressing, "set-image frontend", true),
    case("rolled-out", Phase::Verifying, "status", true),
    case("verified", Phase::Succeeded, "status", true),
    case("failing", Phase::RollingBack, "status", false),
    case("undo-frontend", Phase::RollingBack, "set-image frontend", false),
    case("undo-backend", Phase::RollingBack, "set-image backend", false),
    case("undone", Phase::RolledBack, "status", false),
    case("told", Phase::RolledBack, "end", false),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_step_is_done_twice_or_lost_wherever_the_controller_dies() {
    let Some(world) = world::world().await else { return };
    let runs =
        CASES.map(|case| async move { tokio::spawn(live(world, case)).await.err().map(|_| case.name) });
    let failed: Vec<_> =
        futures::stream::iter(runs).buffer_unordered(4).filter_map(std::future::ready).collect().await;
    assert!(failed.is_empty(), "{failed:?}");
}

async fn live(world: &'static world::World, case: Case) {
    let space = Space::new(world, &format!("killed-{}", case.name)).await;
    space.application(&BOTH, json!({"bake": "1s"})).await;
    if !case.good {
        space.gives_up_soon_on("frontend").await;
    }
    let version = if case.good { "v1.1.0" } else { "v1.1.0-crash.frontend" };
    let release = crate::space::release("one", version, "alice", &BOTH);
    let is_here =
        move |cut: &Cut| cut.object == "one" && cut.phase == case.phase && cut.before == case.before;
    let first = Controller::start_with(&[&space], "first", Faults::kill_when(is_here)).await;
    let releases: kube::Api<release_cockpit::api::Release> = space.as_seen_by("alice").await;
    releases.create(&kube::api::PostParams::default(), &release).await.expect("a release");
    let place = first.killed().await;
    assert!(place.contains(case.before), "{place}");
    let _second = Controller::start(&[&space], "second").await;
    let ended = space.until_phase("one", if case.good { Phase::Succeeded } else { Phase::RolledBack }).await;
    for component in BOTH {
        let (runs, generation, revision) = space.runs(component).await;
        if case.good {
            assert_eq!(
                (runs, generation, revision.as_str()),
                (image(component, "v1.1.0"), 2, "2"),
                "{case:?}"
            );
        } else {
            // there, back, and the frontend's deadline
            let writes = if component == "frontend" { 4 } else { 3 };
            space.until_complete(component, writes).await;
            assert_eq!((runs, generation), (image(component, "v1.0.0"), writes), "{case:?}");
            assert_eq!(space.runs(component).await.2, "3");
        }
        assert_eq!(space.replica_sets(component).await.len(), 2, "{case:?} {component}");
    }
    let timeline = ended.status.unwrap_or_default().timeline;
    let times = |reason: &str| timeline.iter().filter(|entry| entry.reason == reason).count();
    assert_eq!(times("WaveRolledOut"), if case.good { 2 } else { 1 }, "{timeline:#?}");
    assert_eq!(times("ComponentRolledBack"), if case.good { 0 } else { 2 }, "{timeline:#?}");
}
