//! Whatever the world is like, as long as it stays like that: a release that holds the lane ends, or a person is asked.

use proptest::prelude::*;

use super::super::world::{World, healthy};
use super::super::*;
use crate::api::Duration;
use crate::api::environment::{Metrics, OnFailure, PrometheusRef};
use crate::api::release::GateState;
use crate::api::strategy::{
    AnalysisStep, BlueGreen, Canary, Pause, Rolling, Step, Strategy as Way, TrafficRouting, Weight,
};
use crate::domain::fixtures::*;

/// After so many minutes a release has ended or is held: six hours of measuring, and what may come before and after.
const BOUND: usize = 9 * 60;

#[derive(Clone, Debug)]
struct Constant {
    strategy: usize,
    on_failure: OnFailure,
    counts: (bool, bool, bool),
    answer: GateState,
    number: Option<f64>,
    broken: Vec<&'static str>,
    refuses: Vec<(&'static str, &'static str, bool)>,
    is_still: bool,
    has_checks: bool,
    is_unreadable: bool,
    loses_environment: bool,
    /// Turns of a good world before it becomes like that.
    after: usize,
}

fn constant() -> impl Strategy<Value = Constant> {
    let refuses = prop::sample::select(vec![
        vec![],
        vec![],
        vec![("backend", "forbidden", false)],
        vec![("frontend", "unavailable", true)],
        vec![("backend", "unavailable", true), ("frontend", "forbidden", false)],
    ]);
    let broken =
        prop::sample::select(vec![vec![], vec![], vec!["frontend"], vec!["backend-canary"], vec!["backend"]]);
    let answers = vec![GateState::Pass, GateState::Fail, GateState::NoData, GateState::Wait];
    let world = (
        prop::sample::select(answers),
        prop::sample::select(vec![None, Some(0.01), Some(0.5)]),
        broken,
        refuses,
        prop::bool::weighted(0.25),
    );
    let policy = (
        0..3usize,
        prop::sample::select(vec![OnFailure::Rollback, OnFailure::Hold]),
        any::<(bool, bool, bool)>(),
        any::<bool>(),
    );
    (policy, world, prop::bool::weighted(0.1), prop::bool::weighted(0.1), 0..24usize).prop_map(
        |(
            (strategy, on_failure, counts, has_checks),
            (answer, number, broken, refuses, is_still),
            is_unreadable,
            loses_environment,
            after,
        )| Constant {
            strategy,
            on_failure,
            counts,
            answer,
            number,
            broken,
            refuses,
            is_still,
            has_checks,
            is_unreadable,
            loses_environment,
            after,
        },
    )
}

fn world(constant: &Constant) -> World {
    let mut environment = environment();
    let weight = |percent| Step::SetWeight(Weight::new(percent).unwrap());
    let timed = Step::Pause(Pause { duration: Some(Duration::from_mins(5)) });
    let routing = TrafficRouting { router: "gateway-api".into(), config: BTreeMap::new() };
    environment.spec.strategy = Some(match constant.strategy {
        0 => Way::Rolling(Rolling::default()),
        1 => Way::Canary(Canary {
            steps: vec![weight(10), timed, Step::Analysis(AnalysisStep::default()), weight(50)],
            traffic_routing: Some(routing),
            ..Canary::default()
        }),
        _ => Way::BlueGreen(BlueGreen { keep_blue: Some(Duration::from_mins(5)), ..BlueGreen::default() }),
    });
    let spec = &mut environment.spec;
    spec.on_failure = constant.on_failure;
    (spec.rollback_on.health_checks, spec.rollback_on.analysis, spec.rollback_on.rollout_failed) =
        constant.counts;
    spec.gates = constant.has_checks.then(|| healthy(3));
    spec.bake = Some(Duration::from_mins(5));
    if constant.strategy > 0 {
        let queries = [("errorRate".to_owned(), "sum(errors{track=\"{{track}}\"})".to_owned())];
        let service = Some("monitoring/prometheus:9090".to_owned());
        let prometheus = Some(PrometheusRef { service, url: None });
        spec.metrics = Some(Metrics { prometheus, queries: queries.into(), ..Metrics::default() });
        let rule = serde_json::json!({"name": "error-rate", "query": "errorRate", "failWhen": "> 0.10", "interval": "1m"});
        spec.analysis = vec![serde_json::from_value(rule).unwrap()];
    }
    let mut world = World { number: Some(0.01), ..World::new(environment) };
    for component in ["backend", "frontend"] {
        let state = TrafficState {
            weight: Some(Weight::ZERO),
            is_accepted: true,
            detail: "read".into(),
            ..TrafficState::default()
        };
        world.observed.traffic.insert(component.into(), state);
    }
    world
}

fn become_so(world: &mut World, constant: &Constant) {
    world.answer = constant.answer;
    world.number = constant.number;
    world.broken.clone_from(&constant.broken);
    world.refuses.clone_from(&constant.refuses);
    world.is_still = constant.is_still;
    if constant.loses_environment {
        world.observed.environment = None;
    }
    if constant.is_unreadable {
        world.observed.workloads.remove("backend");
        let refusal = Refusal { message: "forbidden".into(), may_pass: false };
        world.observed.unreadable.insert("backend".into(), refusal);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn what_holds_the_lane_ends_or_asks_a_person(constant in constant()) {
        let mut world = world(&constant);
        for _ in 0..constant.after {
            world.turn();
            world.roll();
            world.secs += 20;
        }
        become_so(&mut world, &constant);
        let mut minutes = 0;
        while world.phase().holds_lane() && !matches!(world.phase(), Phase::Held | Phase::Paused) && minutes < BOUND {
            for _ in 0..2 {
                world.turn();
                world.roll();
                world.secs += 30;
            }
            minutes += 1;
        }
        let phase = world.phase();
        let is_over = phase.is_final() || matches!(phase, Phase::Held | Phase::Paused | Phase::Pending);
        prop_assert!(is_over, "{} after {} min: {}", phase, minutes, world.status().message);
        let status = world.status_or_default();
        prop_assert!(!phase.is_final() || !status.message.is_empty());
    }
}
