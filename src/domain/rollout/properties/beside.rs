//! Whatever happens to a canary or a switch, in any order: weights never jump, and traffic never points at nothing.

use proptest::prelude::*;

use super::super::world::World;
use super::super::*;
use crate::api::Duration;
use crate::api::environment::OnFailure;
use crate::api::release::{PlanStep, TimelineEntry, TrackProgress};
use crate::api::release_action::{ActionKind, Parameters};
use crate::api::strategy::{BlueGreen, Canary, Pause, Step, Strategy as Way, TrafficRouting, Weight};
use crate::domain::fixtures::*;

#[derive(Clone, Debug)]
enum Event {
    Turn,
    CrashBeforeStatus,
    CrashAfter(usize),
    Roll,
    Wait(i64),
    Act(ActionKind, i32, i32),
    Break(Option<&'static str>),
    /// Somebody else writes that share into the router.
    Drift(u8),
    /// Somebody else scales the own workload.
    Scale(i32),
    /// Somebody removes the second workload.
    Vanish,
    /// The nodes of its pods are drained.
    Drain,
    /// Somebody changes the pod template.
    Template(u8),
    /// Somebody sets the image of the own workload.
    Hand(&'static str),
    /// The router's object is deleted, or created again without a trace of the second workload.
    Route(bool),
    /// An autoscaler is made for the own workload, or deleted.
    Autoscale(bool),
    /// The environment is deleted.
    Delete,
    /// Somebody removes its Service.
    Lose,
}

fn event() -> impl Strategy<Value = Event> {
    use ActionKind::{Abort, Pause, Promote, PromoteFull, Resume, Retry, Rollback, SetWeight};
    let often = [SetWeight, Promote, Resume].repeat(4);
    let kinds = often.into_iter().chain([Pause, Pause, Retry, Retry, Abort, Rollback, PromoteFull]);
    let kinds = prop::sample::select(kinds.collect::<Vec<_>>());
    prop_oneof![
        20 => Just(Event::Turn),
        3 => Just(Event::CrashBeforeStatus),
        5 => (0..3usize).prop_map(Event::CrashAfter),
        12 => Just(Event::Roll),
        4 => (1..90i64).prop_map(Event::Wait),
        5 => (kinds, 0..9i32, 0..=100i32).prop_map(|(kind, step, weight)| Event::Act(kind, step, weight)),
        1 => prop::sample::select(vec![None, None, Some("backend-canary"), Some("backend")]).prop_map(Event::Break),
        1 => (0..=100u8).prop_map(Event::Drift),
        1 => (0..6i32).prop_map(Event::Scale),
        1 => Just(Event::Vanish),
        2 => Just(Event::Drain),
        1 => (0..3u8).prop_map(Event::Template),
        1 => prop::sample::select(vec!["v1", "v1", "v2", "v7"]).prop_map(Event::Hand),
        1 => any::<bool>().prop_map(Event::Route),
        1 => any::<bool>().prop_map(Event::Autoscale),
        1 => Just(Event::Delete),
        1 => Just(Event::Lose),
    ]
}

struct Site {
    world: World,
    is_routed: bool,
    names: usize,
    /// The router's share is what the controller wrote last.
    is_ours: bool,
    environment: Environment,
}

impl Site {
    fn new(kind: usize, on_failure: OnFailure) -> Self {
        let weight = |percent| Step::SetWeight(Weight::new(percent).unwrap());
        let timed = Step::Pause(Pause { duration: Some(Duration::from_secs(30)) });
        let routing = TrafficRouting { router: "gateway-api".into(), config: BTreeMap::new() };
        let is_routed = kind > 0;
        let way = if kind == 2 {
            Way::BlueGreen(BlueGreen { keep_blue: Some(Duration::from_secs(30)), ..BlueGreen::default() })
        } else {
            let steps = vec![weight(10), timed, weight(50), Step::Pause(Pause::default()), weight(80)];
            let traffic_routing = is_routed.then_some(routing);
            Way::Canary(Canary { traffic_routing, steps, ..Canary::default() })
        };
        let mut environment = environment();
        environment.spec.strategy = Some(way);
        environment.spec.on_failure = on_failure;
        let mut world = World::new(environment.clone());
        world.observed.release.spec.images.truncate(1);
        if is_routed {
            let state = TrafficState {
                weight: Some(Weight::ZERO),
                is_accepted: true,
                detail: "read".into(),
                ..TrafficState::default()
            };
            world.observed.traffic.insert("backend".into(), state);
        }
        Self { world, is_routed, names: 0, is_ours: true, environment }
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Turn => self.decide(usize::MAX, true),
            Event::CrashBeforeStatus => self.decide(0, false),
            Event::CrashAfter(count) => self.decide(*count, true),
            Event::Roll => self.world.roll(),
            Event::Wait(secs) => self.world.secs += secs,
            Event::Act(kind, step, weight) => self.act(*kind, *step, *weight),
            Event::Break(what) => self.world.broken = what.iter().copied().collect(),
            Event::Drift(percent) => {
                // a route that is gone states nothing that somebody could change
                let state = self.world.observed.traffic.get_mut("backend").filter(|state| !state.is_gone);
                if let Some(state) = state {
                    state.weight = Weight::new(*percent);
                    self.is_ours = false;
                }
            }
            Event::Scale(pods) => {
                let own = self.world.observed.workloads.get_mut("backend").unwrap();
                own.desired = *pods;
                own.available = own.available.min(*pods);
                own.generation += 1;
            }
            Event::Vanish => self.world.vanish("backend"),
            Event::Drain => {
                if let Some(second) = self.world.observed.tracks.get_mut("backend") {
                    second.available = 0;
                }
            }
            Event::Template(number) => self.own().template = Some(number.to_string()),
            Event::Hand(version) => {
                let own = self.own();
                own.image = Some(format!("ghcr.io/acme/backend:{version}"));
                own.generation += 1;
            }
            Event::Route(there) => self.route(*there),
            Event::Autoscale(there) => {
                let all = &mut self.world.observed.autoscalers;
                all.clear();
                all.extend(there.then(|| ("backend".to_owned(), "keda-backend".to_owned())));
            }
            Event::Delete => self.world.observed.environment = None,
            Event::Lose => {
                let observed = &mut self.world.observed;
                if let (Some(state), Some(_)) =
                    (observed.traffic.get_mut("backend"), observed.tracks.get("backend"))
                {
                    state.lacks = Some("backend-canary".into());
                }
            }
        }
    }

    fn own(&mut self) -> &mut WorkloadState {
        self.world.observed.workloads.get_mut("backend").unwrap()
    }

    fn route(&mut self, there: bool) {
        let Some(state) = self.world.observed.traffic.get_mut("backend") else { return };
        let lacks = state.lacks.take();
        *state = if there {
            let weight = if state.is_gone { Weight::new(0) } else { state.weight };
            TrafficState {
                weight,
                is_accepted: true,
                lacks,
                remains: state.remains.take(),
                ..TrafficState::default()
            }
        } else {
            TrafficState { is_gone: true, lacks, remains: state.remains.take(), ..TrafficState::default() }
        };
        self.is_ours = false;
    }

    fn act(&mut self, kind: ActionKind, step: i32, weight: i32) {
        self.names += 1;
        let mut action = action_at_step(&format!("a{}", self.names), kind, step, self.world.secs);
        if matches!(kind, ActionKind::Abort | ActionKind::Rollback) {
            action.spec.expected = None;
        }
        action.spec.parameters = Some(Parameters { weight: Some(weight), ..Parameters::default() });
        self.world.observed.actions.push(action);
    }

    fn decide(&mut self, effects: usize, stores: bool) {
        let before = self.world.status_or_default();
        let decision = next(&self.world.observed, at(self.world.secs));
        self.check(&before, &decision);
        if !stores {
            return;
        }
        self.world.observed.release.status = Some(decision.status.clone());
        for effect in decision.effects.iter().take(effects) {
            self.check_effect(effect);
            self.world.carry_out(effect);
        }
    }

    fn track(status: &ReleaseStatus) -> Option<&TrackProgress> {
        status.tracks.first()
    }

    fn check(&self, before: &ReleaseStatus, decision: &Decision) {
        let after = &decision.status;
        let intent = |status: &ReleaseStatus| {
            let own = |t: &TrackProgress| if self.is_routed { 0 } else { t.stable_desired };
            let track = Self::track(status).map(|t| (t.desired, own(t), t.traffic));
            (status.phase, status.step.as_ref().map(|step| step.index), track)
        };
        if decision.effects.iter().any(Effect::changes_world) {
            assert_eq!(intent(before), intent(after), "stored before it is done");
        }
        if before.phase != after.phase {
            let cause = after.timeline.last().unwrap();
            assert!(after.timeline.len() > before.timeline.len() && !cause.message.is_empty());
        }
        self.check_weights(before, after);
        let index = |status: &ReleaseStatus| status.step.as_ref().map_or(-1, |step| step.index);
        // who ends a pause may meet a step that is over at once
        let moved = |status: &ReleaseStatus| {
            let is_move = |entry: &&TimelineEntry| matches!(entry.reason.as_str(), "Promoted" | "Resumed");
            status.timeline.iter().filter(is_move).count()
        };
        let by_a_person = moved(after) > moved(before);
        let goes_back = after.phase == Phase::Pending;
        assert!(index(after) >= index(before) || goes_back, "no step comes twice");
        assert!(index(after) <= index(before) + 1 || by_a_person || after.phase == Phase::Succeeded);
        if after.phase.is_final() && before.phase != after.phase {
            let is_left = !after.tracks.is_empty() || !self.world.observed.tracks.is_empty();
            assert!(!is_left, "{}: {}", after.phase, after.message);
            let stated = self.world.observed.traffic.get("backend").and_then(|state| state.weight);
            assert!(!self.is_routed || !self.is_ours || stated == Some(Weight::ZERO));
        }
    }

    /// The share that is meant changes for a reason: a step, a person, or the way back.
    fn check_weights(&self, before: &ReleaseStatus, after: &ReleaseStatus) {
        let traffic = |status: &ReleaseStatus| Self::track(status).map_or(0, |track| track.traffic);
        let step = |status: &ReleaseStatus| {
            let index = status.step.as_ref().and_then(|step| usize::try_from(step.index).ok())?;
            status.plan.as_ref()?.steps.get(index).cloned()
        };
        let desired = |status: &ReleaseStatus| status.weight.as_ref().map_or(0, |weight| weight.desired);
        if traffic(before) != traffic(after) {
            let leaves = after.undo.is_some() || matches!(step(after), Some(PlanStep::Settle(_)));
            let lost = |status: &ReleaseStatus| Self::track(status).and_then(|track| track.loss.clone());
            let is_restored = lost(before).is_some_and(|loss| loss.traffic == traffic(after));
            // home in proportion to the pods there; away from what lost its pods, and back to it
            let is_right = (leaves && traffic(after) < traffic(before))
                || (traffic(after) == 0 && lost(after).is_some())
                || is_restored
                || traffic(after) == desired(after);
            assert!(is_right, "{} to {} at {:?}", traffic(before), traffic(after), step(after));
            assert!(self.is_routed);
        }
        let weight = after.weight.clone().unwrap_or_default();
        if desired(before) != weight.desired && after.undo.is_none() && weight.by.is_none() {
            // a person may lead over steps that are reached at once: the last one that says a weight counts
            let passed = after.plan.iter().flat_map(|plan| &plan.steps);
            let passed =
                passed.take(usize::try_from(after.step.as_ref().map_or(0, |step| step.index + 1)).unwrap());
            let last = passed
                .filter_map(|step| match step {
                    PlanStep::Canary(Step::SetWeight(weight)) => Some(i32::from(weight.percent())),
                    _ => None,
                })
                .last();
            let by_step = match step(after) {
                Some(PlanStep::Canary(_) | PlanStep::Raise(_)) => last.unwrap_or(0),
                _ if after.phase == Phase::Pending => 0,
                _ => 100,
            };
            assert_eq!(weight.desired, by_step, "{:?} {}", step(after), after.phase);
        }
    }

    fn check_effect(&mut self, effect: &Effect) {
        let own = &self.world.observed.workloads["backend"];
        let second = self.world.observed.tracks.get("backend");
        let stated = self.world.observed.traffic.get("backend").and_then(|state| state.weight);
        let status = self.world.status();
        let acts = status.phase.holds_lane() && status.phase != Phase::Held;
        assert!(acts || !effect.changes_world(), "{effect:?} while {}", status.phase);
        match effect {
            Effect::ScaleStable(_) if self.is_routed || !self.world.observed.autoscalers.is_empty() => {
                panic!("written against whoever sets the size: {effect:?}");
            }
            Effect::SetTraffic(set) => {
                assert_eq!(stated, Some(set.from));
                if set.to > set.from {
                    assert!(second.is_some_and(|second| second.available > 0), "traffic to nothing");
                } else {
                    assert!(own.available > 0 || set.to > Weight::ZERO, "traffic back to nothing");
                }
                self.is_ours = true;
            }
            Effect::RemoveTrack(_) => {
                assert!(stated.is_none_or(|stated| stated == Weight::ZERO), "{stated:?}");
                // a router that states that it gets nothing, or that is gone, leaves nothing to be served
                let serves = !self.is_routed && second.is_some_and(|second| second.available > 0);
                assert!(own.available > 0 || !serves);
            }
            Effect::ScaleStable(set) if set.to < set.from => {
                let whole = status.tracks[0].capacity.or(status.before[0].replicas).unwrap_or(0);
                assert!(set.to >= whole || second.is_some_and(|second| second.available > 0));
            }
            Effect::SetTrack(set) => assert!(set.replicas > 0),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn some_things_never_happen_beside(
        events in prop::collection::vec(event(), 1..150), kind in 0..3usize, hold in any::<bool>(),
    ) {
        let mut site = Site::new(kind, if hold { OnFailure::Hold } else { OnFailure::Rollback });
        for event in &events {
            site.happen(event);
        }
        // left in peace, with somebody who goes on, every release ends or is held
        site.world.broken.clear();
        // without its route a release waits, paused, for whoever makes it again
        site.route(true);
        site.world.observed.autoscalers.clear();
        site.world.observed.environment = Some(site.environment.clone());
        if site.own().desired == 0 {
            site.happen(&Event::Scale(4));
        }
        for _ in 0..200 {
            for _ in 0..3 {
                site.happen(&Event::Turn);
                site.happen(&Event::Roll);
            }
            site.world.secs += 5;
            let status = site.world.status().clone();
            let step = status.step.as_ref().map_or(0, |step| step.index);
            if status.phase == Phase::Paused {
                site.act(ActionKind::Resume, step, 0);
            } else if status.phase == Phase::Held {
                site.act(ActionKind::Rollback, step, 0);
            }
        }
        let phase = site.world.phase();
        prop_assert!(phase.is_final(), "{phase}: {}", site.world.status().message);
        prop_assert!(site.world.observed.tracks.is_empty());
        let left = site.world.observed.traffic.get("backend").and_then(|state| state.remains.clone());
        prop_assert_eq!(left, None, "everything that was made is removed");
    }

    #[test]
    fn wherever_it_is_killed_the_story_is_the_same(
        crashes in prop::collection::vec((0..3usize, any::<bool>(), any::<bool>()), 0..80), kind in 0..3usize,
    ) {
        let told = |crashes: &[(usize, bool, bool)]| {
            let mut site = Site::new(kind, OnFailure::Rollback);
            for (effects, stores, rolls) in crashes {
                site.decide(*effects, *stores);
                if *rolls {
                    site.world.roll();
                }
            }
            for _ in 0..200 {
                site.happen(&Event::Turn);
                site.world.roll();
                site.world.secs += 3;
                if site.world.phase() == Phase::Paused {
                    let step = site.world.status().step.as_ref().map_or(0, |step| step.index);
                    site.act(ActionKind::Resume, step, 0);
                }
            }
            (site.world.phase(), site.world.writes.clone())
        };
        let (phase, writes) = told(&crashes);
        prop_assert_eq!(phase, Phase::Succeeded);
        prop_assert_eq!(writes, told(&[]).1);
    }
}
