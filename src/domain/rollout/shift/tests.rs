//! Whatever goals follow one another, and wherever it is stopped: capacity stays, and traffic never points at nothing.

use proptest::prelude::*;

use super::*;
use crate::domain::fixtures::deployment;
use crate::domain::weight::split;

const PODS: i32 = 4;

struct Site {
    own: WorkloadState,
    second: Option<WorkloadState>,
    router: Option<TrafficState>,
    intent: Split,
    verified: Option<i32>,
    /// Effects since the start.
    writes: usize,
}

impl Site {
    fn new(is_routed: bool) -> Self {
        let read =
            || TrafficState { weight: Some(Weight::ZERO), is_accepted: true, ..TrafficState::default() };
        Self {
            own: deployment("backend", "v1"),
            second: None,
            router: is_routed.then(read),
            intent: Split::home(PODS),
            verified: None,
            writes: 0,
        }
    }

    fn stated(&self) -> i32 {
        self.router.as_ref().and_then(|state| state.weight).map_or(0, |weight| i32::from(weight.percent()))
    }

    fn decide(&self, goal: Split, is_urgent: bool) -> Move {
        let scene = Scene {
            track: Track::Canary,
            own: &self.own,
            second: self.second.as_ref(),
            image: "ghcr.io/acme/backend:v2",
            router: self.router.as_ref().map_or(Router::None, Router::Read),
            intent: self.intent,
            verified: self.verified,
            capacity: PODS,
            conditions: ShiftConditions::default(),
            is_urgent,
        };
        scene.next_move(goal)
    }

    fn serving(&self) -> i32 {
        self.own.available + self.second.as_ref().map_or(0, |second| second.available)
    }

    /// One move, done unless it is stopped before its effect.
    fn turn(&mut self, goal: Split, is_urgent: bool, is_done: bool) -> Move {
        if self.stated() == self.intent.traffic && self.router.is_some() {
            self.verified = Some(self.intent.traffic);
        }
        let next = self.decide(goal, is_urgent);
        if let Move::Intend(split) = next {
            self.intent = split;
        }
        if !is_done || matches!(next, Move::Intend(_) | Move::Wait(_) | Move::Reached | Move::Drifted(_)) {
            return next;
        }
        self.writes += 1;
        let available = self.second.as_ref().map_or(0, |second| second.available);
        match &next {
            Move::SetSecond => {
                let fresh = || WorkloadState {
                    desired: 0,
                    replicas: 0,
                    updated: 0,
                    available: 0,
                    ..deployment("backend", "v2")
                };
                let second = self.second.get_or_insert_with(fresh);
                second.desired = self.intent.second;
                // pods that are too many go at once
                second.available = second.available.min(second.desired);
                assert!(self.intent.second > 0);
            }
            Move::Remove => {
                assert_eq!(self.stated(), 0, "traffic points at what is removed");
                assert!(is_urgent || self.own.available >= PODS.min(self.serving()) || available == 0);
                self.second = None;
            }
            Move::SetOwn(from) => {
                assert_eq!(*from, self.own.desired);
                self.own.desired = self.intent.own;
                self.own.available = self.own.available.min(self.own.desired);
            }
            Move::SetTraffic(from) => {
                assert_eq!(i32::from(from.percent()), self.stated());
                let more = self.intent.traffic > self.stated();
                assert!(
                    !more || available >= self.intent.second.max(1),
                    "traffic to pods that are not there"
                );
                assert!(more || self.own.available > 0, "traffic back to pods that are not there");
                self.router.as_mut().unwrap().weight = Some(weight(self.intent.traffic));
            }
            _ => {}
        }
        next
    }

    fn roll(&mut self) {
        for workload in [Some(&mut self.own), self.second.as_mut()].into_iter().flatten() {
            (workload.replicas, workload.updated, workload.available) =
                (workload.desired, workload.desired, workload.desired);
        }
    }
}

proptest! {
    #[test]
    fn every_goal_is_reached_without_a_gap(
        is_routed in any::<bool>(),
        goals in prop::collection::vec((0..=100u8, prop::collection::vec((any::<bool>(), any::<bool>()), 0..12)), 1..6),
        is_urgent in any::<bool>(),
    ) {
        let mut site = Site::new(is_routed);
        let goals = goals.into_iter().map(|(percent, turns)| (split(Weight::new(percent).unwrap(), PODS, is_routed), turns));
        for (goal, turns) in goals.chain([(Split::home(PODS), Vec::new())]) {
            for (is_done, rolls) in turns {
                site.turn(goal, false, is_done);
                if rolls {
                    site.roll();
                }
                prop_assert!(site.serving() >= PODS, "{} serve", site.serving());
                prop_assert!(site.stated() == 0 || site.second.as_ref().is_some_and(|second| second.available > 0));
            }
            if goal != Split::home(PODS) {
                continue;
            }
            let mut last = Move::Remove;
            for _ in 0..20 {
                last = site.turn(goal, is_urgent, true);
                prop_assert!(site.stated() == 0 || site.second.is_some());
                site.roll();
            }
            prop_assert_eq!(last, Move::Reached);
            prop_assert!(site.second.is_none() && site.own.desired == PODS && site.stated() == 0);
            let writes = site.writes;
            site.turn(goal, is_urgent, true);
            prop_assert_eq!(site.writes, writes);
        }
    }
}

#[test]
fn what_a_person_takes_back_before_it_is_done_is_never_done() {
    let mut site = Site::new(true);
    let up = split(Weight::new(50).unwrap(), PODS, true);
    while site.intent.traffic == 0 {
        site.turn(up, false, true);
        site.roll();
    }
    assert_eq!((site.stated(), site.intent.traffic), (0, 50));
    assert_eq!(site.turn(Split::home(PODS), true, true), Move::Intend(Split { traffic: 0, ..site.intent }));
    assert_eq!(site.turn(Split::home(PODS), true, true), Move::Intend(Split::home(PODS)));
    assert_eq!(site.turn(Split::home(PODS), true, true), Move::Remove);
}

#[test]
fn a_router_that_cannot_be_read_or_was_changed_stops_everything() {
    let mut site = Site::new(true);
    site.router.as_mut().unwrap().weight = None;
    assert!(
        matches!(site.decide(Split::home(PODS), true), Move::Wait(why) if why.contains("cannot be read"))
    );
    site.router.as_mut().unwrap().weight = Weight::new(7);
    assert!(matches!(site.decide(Split::home(PODS), true), Move::Drifted(why) if why.contains("7%")));
    site.verified = Some(7);
    assert_eq!(site.decide(Split::home(PODS), true), Move::SetTraffic(Weight::new(7).unwrap()));
}

#[test]
fn a_service_that_somebody_removed_is_made_again_unless_all_goes_home() {
    let mut site = Site::new(true);
    let up = split(Weight::new(50).unwrap(), PODS, true);
    while site.turn(up, false, true) != Move::Reached {
        site.roll();
    }
    site.router.as_mut().unwrap().lacks = Some("backend-canary".into());
    assert_eq!(site.decide(up, false), Move::SetSecond);
    assert_eq!(site.decide(Split::home(PODS), true), Move::Intend(Split { traffic: 0, ..site.intent }));
    site.router.as_mut().unwrap().weight = Some(Weight::ZERO);
    site.intent = Split { traffic: 0, ..site.intent };
    assert_ne!(site.decide(Split::home(PODS), true), Move::SetSecond, "what goes away is not mended");
}

#[test]
fn a_larger_own_workload_behind_a_router_is_nobodys_business() {
    let mut site = Site::new(true);
    site.own.desired = 9;
    assert_eq!(site.decide(Split::home(PODS), false), Move::Reached);
    // nor that an autoscaler made it smaller
    site.own.desired = 2;
    assert_eq!(site.decide(Split::home(PODS), false), Move::Reached);
    let mut unrouted = Site::new(false);
    unrouted.own.desired = 9;
    assert_eq!(unrouted.decide(Split::home(PODS), false), Move::SetOwn(9));
}
