//! Whatever people, the world, the clock and crashes do, in any order: some things never happen.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use self::events::{Event, GATES, PEOPLE, Policy, event};
use super::world::World;
use super::*;
use crate::api::condition::ConditionStatus;
use crate::api::environment::{Debt, Frozen, Gates, InFlight, OnFailure, Window, WindowKind};
use crate::api::release::{ApprovalState, GateState};
use crate::api::release_action::{ActionKind, Expected, Parameters};
use crate::domain::fixtures::*;
use crate::domain::gate::force;
use crate::domain::{identity, window};

mod beside;
mod endings;
mod events;
mod model;

fn person(account: &str) -> &str {
    account.trim_end_matches("-admin")
}

struct Watcher {
    world: World,
    names: usize,
    /// (attempt and direction, component) to the image that was written.
    written: BTreeMap<(i32, bool, String), String>,
    approvers: BTreeSet<&'static str>,
    /// A phase that was stored and out of which nothing leads.
    over: Option<Phase>,
}

impl Watcher {
    fn new(on_failure: OnFailure) -> Self {
        let mut environment = guarded();
        environment.spec.on_failure = on_failure;
        environment.spec.identity = Some(identity_rule());
        Self {
            world: World::new(environment),
            names: 0,
            written: BTreeMap::new(),
            approvers: BTreeSet::new(),
            over: None,
        }
    }

    fn environment(&self) -> &Environment {
        self.world.observed.environment.as_ref().unwrap()
    }

    fn environment_status(&mut self) -> &mut crate::api::environment::EnvironmentStatus {
        self.world.observed.environment.as_mut().unwrap().status.as_mut().unwrap()
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Turn => self.decide(usize::MAX, true),
            Event::CrashBeforeStatus => self.decide(0, false),
            Event::CrashAfter(count) => self.decide(*count, true),
            Event::StaleRead => self.read_stale(),
            Event::Act(kind, who, step) => self.act(*kind, PEOPLE[*who], *step),
            Event::Force(gate, who) => self.force(GATES[*gate], PEOPLE[*who]),
            Event::Roll => self.world.roll(),
            Event::Break(broken) => self.world.broken = if *broken { vec!["frontend"] } else { Vec::new() },
            Event::Freeze(how) => {
                let at = Some(at(self.world.secs));
                let frozen =
                    how.map(|in_flight| Frozen { by: "erin".into(), at, in_flight, ..Frozen::default() });
                self.environment_status().frozen = frozen;
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
            Event::Policy(policy) => self.decree(policy),
            Event::Newer(there) => {
                let mut newer = release_at("planera-3", "v3", 5);
                newer.status.get_or_insert_default().gates = vec![crate::api::release::GateStatus::default()];
                self.world.observed.others =
                    if *there { vec![std::sync::Arc::new(newer)] } else { Vec::new() };
            }
            Event::Owe(owes) => {
                let debt = Debt {
                    id: "planera-1".into(),
                    by: "dave".into(),
                    at: at(0),
                    what: "emergency release of v1".into(),
                    reason: "down".into(),
                    incident: None,
                };
                self.environment_status().debts = if *owes { vec![debt] } else { Vec::new() };
            }
        }
    }

    fn decree(&mut self, policy: &Policy) {
        let now = at(self.world.secs);
        let environment = self.world.observed.environment.as_mut().unwrap();
        let spec = &mut environment.spec;
        match policy {
            Policy::Minimum(minimum) => spec.approval.as_mut().unwrap().slots[1].minimum = *minimum,
            Policy::Checklist(on) => {
                let checklist = if *on { vec!["Tested".into()] } else { Vec::new() };
                spec.gates = Some(Gates { checklist, ..Gates::default() });
            }
            Policy::Window(on) => {
                let closed = Window {
                    kind: WindowKind::Deny,
                    schedule: "*/3 * * * *".into(),
                    duration: crate::api::Duration::from_mins(1),
                    time_zone: None,
                    reason: None,
                };
                spec.windows = if *on { vec![closed] } else { Vec::new() };
            }
            Policy::Supersede(on) => spec.supersede = *on,
            Policy::Attests(on) => {
                let told = if *on { at(-3600) } else { now };
                let status = if *on { ConditionStatus::True } else { ConditionStatus::False };
                environment.status.as_mut().unwrap().conditions = vec![policies(status, told)];
            }
            Policy::Bake(on) => spec.bake = on.then(|| crate::api::Duration::from_secs(5)),
        }
    }

    fn digest(&self) -> String {
        let status = self.world.observed.release.status.as_ref();
        status.and_then(|status| status.plan.as_ref()).map_or(String::new(), |plan| plan.digest.clone())
    }

    fn next_name(&mut self) -> String {
        self.names += 1;
        format!("a{}", self.names)
    }

    fn act(&mut self, kind: ActionKind, who: &'static str, step: i32) {
        let (name, digest, secs) = (self.next_name(), self.digest(), self.world.secs);
        let action = if kind == ActionKind::Approve {
            self.approvers.insert(person(who));
            approve(&name, who, &digest, &["team-leads", "any"], secs)
        } else {
            let mut action = action(&name, kind, who, secs);
            let by_step = matches!(kind, ActionKind::Pause | ActionKind::Resume | ActionKind::Retry);
            action.spec.expected = Some(Expected {
                step: by_step.then_some(step),
                plan_digest: (kind == ActionKind::Check).then_some(digest),
                generation: None,
            });
            action.spec.parameters = Some(Parameters {
                item: Some("Tested".into()),
                until: Some(at(secs + 600)),
                ..Parameters::default()
            });
            action
        };
        self.world.observed.actions.push(action);
    }

    fn force(&mut self, gate: &str, who: &str) {
        let (name, secs) = (self.next_name(), self.world.secs);
        let mut action = action(&name, ActionKind::Override, who, secs);
        action.spec.parameters = Some(Parameters {
            gate: Some(gate.into()),
            until: Some(at(secs + 200)),
            incident: Some("INC-1".into()),
            ..Parameters::default()
        });
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
        self.check_transition(&before, &decision);
        if !stores {
            return;
        }
        let phase = decision.status.phase;
        if matches!(phase, Phase::Rejected | Phase::Superseded | Phase::Aborted | Phase::Expired) {
            self.over = self.over.or(Some(phase));
        }
        self.world.observed.release.status = Some(decision.status.clone());
        for effect in decision.effects.iter().take(effects) {
            if let Effect::SetImage(set) = effect {
                self.check_write(set);
            }
            self.world.carry_out(effect);
        }
    }

    /// What stands against execution now, as the world itself tells it: no word of the release's own gates is believed.
    fn standing_against(&self, status: &ReleaseStatus) -> Vec<&'static str> {
        let now = at(self.world.secs);
        let environment = self.environment();
        let told = environment.status.as_ref().unwrap();
        let spec = &environment.spec;
        let people: BTreeSet<&str> = status
            .approvals
            .iter()
            .filter(|record| record.state == ApprovalState::Counted)
            .map(|record| person(&record.actor))
            .filter(|person| *person != "bob")
            .collect();
        let seats: i32 = spec.approval.as_ref().unwrap().slots.iter().map(|slot| slot.minimum).sum();
        let digest = status.plan.as_ref().unwrap().digest.as_str();
        let items = spec.gates.as_ref().map_or(&[][..], |gates| gates.checklist.as_slice());
        let is_ticked = |item: &String| status.checks.iter().any(|c| c.item == *item && c.digest == digest);
        let attests = told.conditions.iter().any(|c| c.status == ConditionStatus::True);
        let held = [
            ("frozen", told.frozen.is_some()),
            ("post-review", !told.debts.is_empty()),
            ("windows", !matches!(window::judge(&spec.windows, now), window::Verdict::Open { .. })),
            ("checklist", !items.iter().all(is_ticked)),
            ("approval", people.len() < usize::try_from(seats).unwrap()),
            ("policies", !attests),
        ];
        let is_forced = |gate: &str| {
            gate != "policies" && status.overrides.iter().any(|o| o.gate == gate && o.until > now)
        };
        held.into_iter().filter(|(gate, holds)| *holds && !is_forced(gate)).map(|(gate, _)| gate).collect()
    }

    fn check_transition(&self, before: &ReleaseStatus, decision: &Decision) {
        let after = &decision.status;
        if after.phase != before.phase {
            let cause = after.timeline.last().unwrap();
            assert!(after.timeline.len() > before.timeline.len(), "{} to {}", before.phase, after.phase);
            assert!(cause.at == at(self.world.secs) && !cause.message.is_empty() && !cause.by.is_empty());
            assert!(!decision.effects.iter().any(|effect| matches!(effect, Effect::SetImage(_))));
        }
        if before.phase.is_final() {
            let goes_back = before.phase == Phase::Succeeded && after.phase == Phase::RollingBack;
            assert!(after.phase == before.phase || goes_back, "{} to {}", before.phase, after.phase);
            if goes_back {
                let by_a_person = |e: &crate::api::release::TimelineEntry| PEOPLE.contains(&e.by.as_str());
                assert!(after.timeline.iter().any(|e| e.reason == "RollingBack" && by_a_person(e)));
            }
        }
        if before.phase == Phase::Pending && after.phase == Phase::Progressing {
            assert_eq!(self.standing_against(after), Vec::<&str>::new());
            assert!(after.gates.iter().all(|gate| gate.state == GateState::Pass));
            assert_eq!(after.before.len(), 2);
        }
        if after.phase == Phase::Superseded {
            assert_eq!(after.superseded_by.as_deref(), Some("planera-3"));
        }
        for record in &after.approvals {
            let bob = person(&record.actor) == "bob";
            assert_eq!(bob, record.state == ApprovalState::SelfApproval, "{record:?}");
            let rule = identity_rule();
            let named = identity::person(Some(&rule), &record.actor);
            assert_eq!(record.person.as_deref().unwrap_or(&record.actor), named);
        }
        let has_a_way_out = |gate: &crate::api::release::GateStatus| {
            gate.state == GateState::Pass || gate.cleared_by.is_some()
        };
        assert!(after.gates.iter().all(has_a_way_out), "{:?}", after.gates);
        assert!(after.overrides.iter().all(|record| force::may_be_forced(&record.gate)));
        assert!(after.timeline.len() <= 100 && after.judged_actions.len() <= 64);
        assert!(after.overrides.len() <= 16 && after.checks.len() <= 1);
        assert!(!after.message.is_empty());
    }

    fn check_write(&mut self, set: &SetImage) {
        let status = self.world.observed.release.status.clone().unwrap();
        let undoing = status.phase == Phase::RollingBack;
        assert!(undoing || status.phase == Phase::Progressing, "{}", status.phase);
        assert_eq!(self.over, None, "what has ended without effect is never carried out");
        let before = status.before.iter().find(|b| b.component == set.component).unwrap();
        let new = format!("ghcr.io/acme/{}:v2", set.component);
        let expected = if undoing { (&new, &before.image) } else { (&before.image, &new) };
        assert_eq!((&set.from, &set.to), expected);
        let step = (status.attempt, undoing, set.component.to_string());
        let first = self.written.entry(step).or_insert_with(|| set.to.clone());
        assert_eq!(first, &set.to);
        if undoing {
            return;
        }
        let is_new = |workload: &WorkloadState| workload.image.as_ref().is_some_and(|i| i.ends_with(":v2"));
        let frozen = self.environment().status.as_ref().unwrap().frozen.clone();
        if !self.world.observed.workloads.values().any(is_new) {
            assert_eq!(self.standing_against(&status), Vec::<&str>::new(), "at the moment of execution");
        } else if let Some(frozen) = frozen {
            let is_forced = status.overrides.iter().any(|record| record.gate == "frozen");
            assert!(frozen.in_flight == InFlight::Finish || is_forced, "{:?}", frozen.in_flight);
        }
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
        // without two people nothing is ever changed, unless someone breaks the glass
        let mut people = watcher.approvers.clone();
        people.remove("bob");
        let forced = events.iter().any(|event| matches!(event, Event::Force(gate, _) if GATES[*gate] == "approval"));
        if people.len() < 2 && !forced {
            prop_assert!(watcher.written.is_empty());
        }
    }

    #[test]
    fn wherever_it_is_killed_it_ends_well(crashes in prop::collection::vec((0..4usize, any::<bool>()), 0..40)) {
        let mut watcher = Watcher::new(OnFailure::Rollback);
        watcher.decide(usize::MAX, true);
        watcher.act(ActionKind::Approve, "carol", 0);
        watcher.act(ActionKind::Withdraw, "carol-admin", 0);
        watcher.act(ActionKind::Approve, "dave", 0);
        watcher.act(ActionKind::Drive, "erin", 0);
        watcher.world.secs += 1;
        for (effects, stores) in crashes {
            watcher.decide(effects, stores);
            watcher.world.roll();
        }
        watcher.decide(usize::MAX, true);
        watcher.decide(usize::MAX, true);
        prop_assert_eq!(watcher.world.observed.release.phase(), Phase::Pending, "carol took hers back");
        watcher.act(ActionKind::Approve, "carol-admin", 0);
        for _ in 0..30 {
            watcher.decide(usize::MAX, true);
            watcher.world.roll();
        }
        prop_assert_eq!(watcher.world.observed.release.phase(), Phase::Succeeded);
        prop_assert_eq!(watcher.world.writes.len(), 2);
        let unjudged = watcher.world.observed.actions.iter().filter(|action| !action.is_judged()).count();
        prop_assert_eq!(unjudged, 0);
    }

    #[test]
    fn a_freeze_at_any_moment_ends_as_its_author_chose(
        steps in 2..40usize, how in prop::sample::select(vec![InFlight::Finish, InFlight::Hold, InFlight::RollBack]),
        crashes in prop::collection::vec(0..3usize, 0..10),
    ) {
        let mut watcher = Watcher::new(OnFailure::Rollback);
        watcher.decide(usize::MAX, true);
        watcher.act(ActionKind::Approve, "carol", 0);
        watcher.act(ActionKind::Approve, "dave", 0);
        for _ in 0..steps {
            watcher.decide(1, true);
            watcher.world.roll();
        }
        let before = watcher.world.observed.release.phase();
        watcher.happen(&Event::Freeze(Some(how)));
        let writes = watcher.world.writes.len();
        for effects in crashes.iter().copied().chain([usize::MAX; 30]) {
            watcher.decide(effects, true);
            watcher.world.roll();
        }
        let after = watcher.world.observed.release.phase();
        let step = watcher.world.status().step.as_ref().map(|step| step.index);
        match (how, before, writes) {
            (_, Phase::Succeeded, _) => prop_assert_eq!(after, Phase::Succeeded),
            (_, _, 0) => prop_assert_eq!(after, Phase::Pending),
            (InFlight::Finish, ..) => prop_assert_eq!(after, Phase::Succeeded),
            (InFlight::RollBack, ..) => prop_assert_eq!(after, Phase::RolledBack),
            (InFlight::Hold, Phase::Progressing, _) => {
                prop_assert_eq!((after, watcher.world.writes.len()), (Phase::Progressing, writes));
                watcher.happen(&Event::Freeze(None));
                for _ in 0..30 {
                    watcher.decide(usize::MAX, true);
                    watcher.world.roll();
                }
                prop_assert_eq!(watcher.world.observed.release.phase(), Phase::Succeeded, "step {:?}", step);
            }
            (InFlight::Hold, ..) => {}
        }
    }
}
