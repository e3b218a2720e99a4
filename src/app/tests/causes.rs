//! What is told of sick pods and stuck releases, what is asked about them, and where the key jumps to.

use std::sync::Arc;

use chrono::TimeDelta;
use kube::ResourceExt as _;

use crate::api::Phase;
use crate::api::environment::WorkloadKind;
use crate::app::fixtures::{World, burning, chords, now, planera, pod, release, release_id};
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::{Effect, FetchText, YamlOf};
use crate::app::state::event::{ClusterEvent, Delta, Event};
use crate::app::state::located::ClusterId;
use crate::app::state::logs::LogSubject;
use crate::app::state::store::Store;
use crate::app::state::view::View;
use crate::app::{update, update_all, why};
use crate::domain::diagnosis::{
    Condition, ContainerFacts, Evidence, PodFacts, Warning, WorkloadEvidence, WorkloadFacts,
};
use crate::domain::disruption_budget::{Budget, Held, Leaves};
use crate::domain::pod_row::{PodHealth, PodRow};
use crate::domain::workload_row::WorkloadKey;

const RELEASE: &str = "production-v1-8-2-cc";

fn examined(effects: &[Effect]) -> Vec<(&str, bool)> {
    let of = |effect: &'_ Effect| match effect {
        Effect::Background(BackgroundEffect::Examine { pod, crashed, .. }) => {
            Some((pod.name.to_string(), *crashed))
        }
        _ => None,
    };
    let mut found: Vec<_> = effects.iter().filter_map(of).collect();
    found.sort();
    found.into_iter().map(|(name, crashed)| (&*Box::leak(name.into_boxed_str()), crashed)).collect()
}

fn tick(store: &mut Store, seconds: i64) -> Vec<Effect> {
    update(store, Event::Tick(now() + TimeDelta::seconds(seconds)))
}

fn told(store: &mut Store, pod: &PodRow, evidence: Evidence) {
    let event = ClusterEvent::Examined(pod.key.clone(), evidence);
    update(store, Event::Cluster(ClusterId(0), event));
}

fn press(store: &mut Store, keys: &str) -> Vec<Effect> {
    chords(keys).into_iter().flat_map(|chord| update(store, Event::Key { chord, repeat: false })).collect()
}

/// A pod of the new version that runs and is not ready.
fn unready(name: &str) -> PodRow {
    let mut unready = pod("production", "backend", name, "v1.8.2");
    (unready.health, unready.ready, unready.template_hash) = (PodHealth::Starting, 0, "5b8f77".into());
    let containers = Box::new([ContainerFacts { name: "backend".into(), ..ContainerFacts::default() }]);
    unready.facts = Some(Arc::new(PodFacts { containers, ..PodFacts::default() }));
    unready
}

fn rolling() -> World {
    let stuck =
        release("production", RELEASE).version("v1.8.2", &["backend"]).planned().phase(Phase::Progressing);
    planera().with_release(stuck.at_step(0).after("v1.8.1"))
}

#[test]
fn a_sick_pod_in_sight_is_looked_at_closer_and_not_again_before_long() {
    let mut store = burning().store();
    let asked = tick(&mut store, 1);
    let again = tick(&mut store, 5);
    let later = tick(&mut store, 40);
    let first =
        if examined(&asked).is_empty() { store.clusters[0].examined.len() } else { examined(&asked).len() };
    assert_eq!(first, 1, "asked when it came into sight");
    assert_eq!(examined(&again), []);
    assert_eq!(examined(&later), [("backend-5b8f77-t7vzd", true)]);
}

#[test]
fn what_was_read_changes_the_line_and_stays_while_the_pod_changes() {
    let mut store = burning().store();
    let key = store.clusters[0].pods.rows().keys().find(|key| key.name.ends_with("t7vzd")).cloned().unwrap();
    let row = store.clusters[0].pods.rows()[&key].clone();
    let last_line = Some("heap out of memory".into());
    told(&mut store, &row, Evidence { warnings: Vec::new(), last_line });
    let line = "exit 137 OOMKilled, limit 256Mi, last log: \"heap out of memory\"";
    assert_eq!(&*store.clusters[0].pods.rows()[&key].cause, line);
    let changed = PodRow { restarts: 5, ..row.clone() };
    let delta = ClusterEvent::Pods(Delta::Applied(key.clone(), changed));
    update(&mut store, Event::Cluster(ClusterId(0), delta));
    assert_eq!(&*store.clusters[0].pods.rows()[&key].cause, line);
    // once it is well, nothing is kept
    let well = PodRow { facts: None, cause: "".into(), health: PodHealth::Ready, ..row };
    update(&mut store, Event::Cluster(ClusterId(0), ClusterEvent::Pods(Delta::Applied(key, well))));
    assert!(store.clusters[0].examined.is_empty());
}

#[test]
fn a_probe_is_told_from_the_events_of_pods_that_are_late() {
    let row = unready("backend-5b8f77-aaaaa");
    let mut store = rolling().with_pod(row.clone()).with_pod(unready("backend-5b8f77-bbbbb")).store();
    tick(&mut store, 30);
    let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    let warnings = vec![Warning { reason: "Unhealthy".into(), message: message.into() }];
    told(&mut store, &row, Evidence { warnings, last_line: None });
    let case = &store.rows.causes[&release_id("production", RELEASE)];
    assert_eq!(case.diagnosis.id, "probe-failing");
    let sentence = "backend-5b8f77-aaaaa: readiness probe fails: HTTP 503; it gets no traffic";
    assert_eq!(case.sentence(case.subject.name()), sentence);
    let reasons = why::reasons(&store, &release_id("production", RELEASE));
    assert_eq!((reasons[0].gate.as_str(), reasons[0].detail.as_str()), ("cause", sentence));
}

#[test]
fn the_key_jumps_to_the_evidence() {
    let of = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Background(BackgroundEffect::Fetch { what, .. }) => Some(what),
            _ => None,
        })
    };
    // the release's pod crashed: its log
    let mut store = burning().store();
    press(&mut store, "J");
    let View::Logs(view) = store.ui.view() else { panic!("no log is opened") };
    assert!(view.what.previous, "its last run is the one that crashed");
    assert!(matches!(&view.subject, LogSubject::Pod(pod) if &*pod.key.name == "backend-5b8f77-t7vzd"));
    // quota: the workload's object
    let mut world = rolling();
    let (key, mut row) = {
        let workloads = &world.store.clusters[0].workloads;
        let found = workloads
            .iter()
            .find(|(key, _)| &*key.namespace == "planera-production" && &*key.name == "backend");
        found.map(|(key, row)| (key.clone(), row.clone())).unwrap()
    };
    let failure = Condition {
        kind: "ReplicaFailure".into(),
        status: "True".into(),
        reason: "FailedCreate".into(),
        message: "pods \"b\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4".into(),
    };
    row.facts = Arc::new(WorkloadFacts {
        name: "backend".into(),
        conditions: vec![failure],
        ..WorkloadFacts::default()
    });
    world.send(Event::Cluster(ClusterId(0), ClusterEvent::Workloads(Delta::Applied(key, row))));
    let mut store = world.store();
    let Some(FetchText::Yaml { of: YamlOf::Workload(workload), .. }) = of(press(&mut store, "J")) else {
        panic!("no YAML is opened")
    };
    assert_eq!(&*workload.name, "backend");
    // nothing is wrong: it says so
    let mut store = planera().store();
    assert!(of(press(&mut store, "J")).is_none());
    assert_eq!(store.toasts.back().unwrap().text, "cause: no cause of trouble is known here");
}

#[test]
fn a_crowd_of_sick_pods_is_not_asked_about_one_by_one() {
    let mut world = rolling();
    for number in 0..200 {
        world = world.with_pod(unready(&format!("backend-5b8f77-{number:05}")));
    }
    let mut store = world.store();
    let asked: usize = (1..=10).map(|second| examined(&tick(&mut store, second)).len()).sum();
    let known = store.clusters[0].examined.len();
    assert!((1..=2).contains(&known) && asked <= 2, "{known} known, {asked} asked");
}

#[test]
fn why_the_pods_of_a_stateful_set_are_refused_is_asked_of_its_events() {
    let mut world = rolling();
    let found = |world: &World| {
        let cluster = &world.store.clusters[0];
        let environment =
            cluster.environments.values().find(|found| found.name_any() == "production").cloned();
        let row = cluster
            .workloads
            .iter()
            .find(|(key, _)| &*key.namespace == "planera-production" && &*key.name == "backend");
        (environment.unwrap(), row.map(|(_, row)| row.clone()).unwrap())
    };
    let (environment, mut row) = found(&world);
    let mut environment = (*environment).clone();
    environment.spec.components[0].workload.kind = WorkloadKind::StatefulSet;
    (row.key.kind, row.ready, row.desired) = (WorkloadKind::StatefulSet, 1, 3);
    let key = row.key.clone();
    let events = [
        ClusterEvent::Environments(Delta::Applied(environment.key(), Arc::new(environment))),
        ClusterEvent::Workloads(Delta::Applied(key.clone(), row.clone())),
    ];
    let asked = |effects: Vec<Effect>| -> Vec<WorkloadKey> {
        let of = |effect| match effect {
            Effect::Background(BackgroundEffect::ExamineWorkload { workload, .. }) => Some(workload),
            _ => None,
        };
        effects.into_iter().filter_map(of).collect()
    };
    let effects = update_all(&mut world.store, events.map(|event| Event::Cluster(ClusterId(0), event)));
    assert!(asked(effects).contains(&key));
    let mut store = world.store();
    assert_eq!(asked(tick(&mut store, 5)), [], "not again before long");
    assert!(asked(tick(&mut store, 30)).contains(&key));
    let message = "create Pod backend-1 in StatefulSet backend failed error: pods \"backend-1\" is forbidden: \
                   exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4";
    let said = vec![Warning { reason: "FailedCreate".into(), message: message.into() }];
    let read = WorkloadEvidence { said, ..WorkloadEvidence::default() };
    update(&mut store, Event::Cluster(ClusterId(0), ClusterEvent::WorkloadExamined(key.clone(), read)));
    let case = &store.rows.causes[&release_id("production", RELEASE)];
    assert_eq!((case.diagnosis.id, case.subject.name()), ("quota-exceeded", "backend"));
    // it gets on: what was said is no cause any more
    row.ready = 3;
    let well = ClusterEvent::Workloads(Delta::Applied(key, row));
    update(&mut store, Event::Cluster(ClusterId(0), well));
    assert!(!store.rows.causes.contains_key(&release_id("production", RELEASE)));
}

#[test]
fn what_holds_back_pods_that_are_to_leave_is_told_while_a_release_waits() {
    let world = rolling();
    let key = WorkloadKey {
        namespace: "planera-production".into(),
        kind: WorkloadKind::Deployment,
        name: "backend".into(),
    };
    let budget = Budget {
        name: "backend".into(),
        rule: "minAvailable 3".into(),
        needs: 3,
        healthy: 3,
        pods: 3,
        is_counted: true,
        held: Box::new([Held { pod: "backend-1".into(), node: "node-1".into(), leaves: Leaves::Cordoned }]),
        ..Budget::default()
    };
    let mut store = world.store();
    let asked = tick(&mut store, 30);
    let is_asked = |effect: &Effect| matches!(effect, Effect::Background(BackgroundEffect::ExamineWorkload { workload, .. }) if *workload == key);
    assert!(asked.iter().any(is_asked), "{asked:?}");
    // nobody waits at present: a budget that lets none go is no cause
    let told = |budget: Budget, store: &mut Store| {
        let read = WorkloadEvidence { budgets: Box::new([budget]), ..WorkloadEvidence::default() };
        let event = ClusterEvent::WorkloadExamined(key.clone(), read);
        update(store, Event::Cluster(ClusterId(0), event));
        let case = store.rows.causes.get(&release_id("production", RELEASE));
        case.map(|case| (case.diagnosis.id, case.sentence(case.subject.name())))
    };
    let calm = Budget { held: Box::new([]), ..budget.clone() };
    assert_ne!(told(calm, &mut store).map(|(id, _)| id), Some("disruption-budget"));
    let says = "backend: node-1 is cordoned, and 1 pod cannot leave it, since disruption budget backend lets no pod go: \
                it needs all 3 of them healthy";
    assert_eq!(told(budget, &mut store), Some(("disruption-budget", says.to_owned())));
}
