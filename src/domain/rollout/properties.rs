//! Whatever people, the world, the clock and crashes do, in any order: some things never happen.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::world::World;
use super::*;
use crate::api::environment::{Frozen, OnFailure};
use crate::api::release::GateState;
use crate::api::release_action::ActionKind;
use crate::domain::fixtures::*;

#[derive(Clone, Debug)]
enum Event {
    /// A decision whose status is stored and whose effects are done.
    Turn,
    /// The status is not stored: nothing after it happens either.
    CrashBeforeStatus,
    /// The status is stored; of the effects only the first few are done.
    CrashAfter(usize),
    /// The controller decides on a status that it read before its own last write; the server refuses that write.
    StaleRead,
    Act(ActionKind, usize, i32),
    Roll,
    Break(bool),
    Freeze(bool),
    Wait(i64),
    Answers(bool),
    OtherHand(bool),
    Policy(i32),
}

fn event() -> impl Strategy<Value = Event> {
    use ActionKind::{Abort, Approve, Pause, Reject, Resume, Retry, Rollback};
    let kinds = prop::sample::select(vec![
        Approve, Approve, Approve, Approve, Pause, Resume, Resume, Abort, Rollback, Retry, Reject,
    ]);
    prop_oneof![
        12 => Just(Event::Turn),
        3 => Just(Event::CrashBeforeStatus),
        4 => (0..3usize).prop_map(Event::CrashAfter),
        2 => Just(Event::StaleRead),
        6 => (kinds, 0..4usize, 0..3i32).prop_map(|(kind, who, step)| Event::Act(kind, who, step)),
        8 => Just(Event::Roll),
        1 => any::<bool>().prop_map(Event::Break),
        1 => any::<bool>().prop_map(Event::Freeze),
        3 => (1..120i64).prop_map(Event::Wait),
        1 => any::<bool>().prop_map(Event::Answers),
        1 => any::<bool>().prop_map(Event::OtherHand),
        1 => (1..3i32).prop_map(Event::Policy),
    ]
}

const PEOPLE: [&str; 4] = ["bob", "carol", "dave", "erin"];

struct Watcher {
    world: World,
    names: usize,
    /// (attempt and direction, component) to the image that was written.
    written: BTreeMap<(i32, bool, String), String>,
    approvers: BTreeSet<&'static str>,
}

impl Watcher {
    fn new(on_failure: OnFailure) -> Self {
        let mut environment = guarded();
        environment.spec.on_failure = on_failure;
        Self {
            world: World::new(environment),
            names: 0,
            written: BTreeMap::new(),
            approvers: BTreeSet::new(),
        }
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Turn => self.decide(usize::MAX, true),
            Event::CrashBeforeStatus => self.decide(0, false),
            Event::CrashAfter(count) => self.decide(*count, true),
            Event::StaleRead => self.read_stale(),
            Event::Act(kind, who, step) => self.act(*kind, PEOPLE[*who], *step),
            Event::Roll => self.world.roll(),
            Event::Break(broken) => self.world.broken = if *broken { vec!["frontend"] } else { Vec::new() },
            Event::Freeze(on) => {
                let frozen = on.then(|| Frozen { by: "erin".into(), ..Frozen::default() });
                let environment = self.world.observed.environment.as_mut().unwrap();
                environment.status.get_or_insert_default().frozen = frozen;
            }
            Event::Wait(secs) => self.world.secs += secs,
            Event::Answers(good) => {
                self.world.answer = if *good { GateState::Pass } else { GateState::Fail };
            }
            Event::OtherHand(back) => {
                let version = if *back { "v1" } else { "v7" };
                let workload = self.world.observed.workloads.get_mut("backend").unwrap();
                workload.image = Some(format!("ghcr.io/acme/backend:{version}"));
                workload.generation += 1;
            }
            Event::Policy(minimum) => {
                let environment = self.world.observed.environment.as_mut().unwrap();
                environment.spec.approval.as_mut().unwrap().slots[1].minimum = *minimum;
            }
        }
    }

    fn act(&mut self, kind: ActionKind, who: &'static str, step: i32) {
        let name = format!("a{}", self.names);
        self.names += 1;
        let status = self.world.observed.release.status.clone().unwrap_or_default();
        let digest = status.plan.map_or(String::new(), |plan| plan.digest);
        let action = if kind == ActionKind::Approve {
            self.approvers.insert(who);
            approve(&name, who, &digest, &["team-leads", "any"], self.world.secs)
        } else {
            let mut action = action_at_step(&name, kind, step, self.world.secs);
            action.spec.actor = who.into();
            action
        };
        self.world.observed.actions.push(action);
    }

    fn read_stale(&self) {
        let mut stale = self.world.observed.clone();
        stale.release.status = None;
        let decision = next(&stale, at(self.world.secs));
        // the write of this status carries the resourceVersion that was read, and is refused: nothing else is done
        assert!(!decision.effects.iter().any(|effect| matches!(effect, Effect::SetImage(_))));
    }

    fn decide(&mut self, effects: usize, stores: bool) {
        let before = self.world.observed.release.status.clone().unwrap_or_default();
        let decision = next(&self.world.observed, at(self.world.secs));
        Self::check_transition(&before, &decision);
        if !stores {
            return;
        }
        self.world.observed.release.status = Some(decision.status.clone());
        for effect in decision.effects.iter().take(effects) {
            if let Effect::SetImage(set) = effect {
                self.check_write(set);
            }
            self.world.carry_out(effect);
        }
    }

    fn check_transition(before: &ReleaseStatus, decision: &Decision) {
        let after = &decision.status;
        if after.phase != before.phase {
            assert!(after.timeline.len() > before.timeline.len(), "{} to {}", before.phase, after.phase);
            assert!(!decision.effects.iter().any(|effect| matches!(effect, Effect::SetImage(_))));
        }
        if before.phase.is_final() {
            let goes_back = before.phase == Phase::Succeeded && after.phase == Phase::RollingBack;
            assert!(after.phase == before.phase || goes_back, "{} to {}", before.phase, after.phase);
            if goes_back {
                assert!(
                    after
                        .timeline
                        .iter()
                        .any(|e| e.reason == "RollingBack" && PEOPLE.contains(&e.by.as_str()))
                );
            }
        }
        if before.phase == Phase::Pending && after.phase == Phase::Progressing {
            let people: BTreeSet<_> = after
                .approvals
                .iter()
                .filter(|a| a.state == crate::api::release::ApprovalState::Counted)
                .map(|a| a.actor.as_str())
                .collect();
            assert!(people.len() >= 2, "one person is no quorum: {people:?}");
            assert!(!people.contains("bob"));
            assert!(after.gates.iter().all(|gate| gate.state == GateState::Pass));
            assert_eq!(after.before.len(), 2);
        }
        assert!(after.timeline.len() <= 100 && after.judged_actions.len() <= 64);
        assert!(!after.message.is_empty());
    }

    fn check_write(&mut self, set: &SetImage) {
        let status = self.world.observed.release.status.as_ref().unwrap();
        let undoing = status.phase == Phase::RollingBack;
        assert!(undoing || status.phase == Phase::Progressing, "{}", status.phase);
        let before = status.before.iter().find(|b| b.component == set.component).unwrap();
        let new = format!("ghcr.io/acme/{}:v2", set.component);
        let expected = if undoing { (&new, &before.image) } else { (&before.image, &new) };
        assert_eq!((&set.from, &set.to), expected);
        let begun = !self.written.is_empty();
        let step = (status.attempt, undoing, set.component.to_string());
        let first = self.written.entry(step).or_insert_with(|| set.to.clone());
        assert_eq!(first, &set.to);
        let frozen =
            self.world.observed.environment.as_ref().unwrap().status.as_ref().and_then(|s| s.frozen.as_ref());
        // the freeze here lets finish what has begun
        assert!(undoing || frozen.is_none() || begun, "a frozen environment was changed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn some_things_never_happen(events in prop::collection::vec(event(), 1..120), hold in any::<bool>()) {
        let mut watcher = Watcher::new(if hold { OnFailure::Hold } else { OnFailure::Rollback });
        for event in &events {
            watcher.happen(event);
        }
        // without two people nothing is ever changed
        let mut people = watcher.approvers.clone();
        people.remove("bob");
        if people.len() < 2 {
            prop_assert!(watcher.written.is_empty());
        }
    }

    #[test]
    fn wherever_it_is_killed_it_ends_well(crashes in prop::collection::vec((0..4usize, any::<bool>()), 0..40)) {
        let mut watcher = Watcher::new(OnFailure::Rollback);
        watcher.decide(usize::MAX, true);
        watcher.act(ActionKind::Approve, "carol", 0);
        watcher.act(ActionKind::Approve, "dave", 0);
        for (effects, stores) in crashes {
            watcher.decide(effects, stores);
            watcher.world.roll();
        }
        for _ in 0..30 {
            watcher.decide(usize::MAX, true);
            watcher.world.roll();
        }
        prop_assert_eq!(watcher.world.observed.release.phase(), Phase::Succeeded);
        prop_assert_eq!(watcher.world.writes.len(), 2);
        let unjudged = watcher.world.observed.actions.iter().filter(|action| !action.is_judged()).count();
        prop_assert_eq!(unjudged, 0);
    }
}
