//! A model of two controllers that both believe that they lead, explored state by state.
//!
//! Each controller decides on its own copy of what it observed, which may be old by the time it writes. Status writes carry the version
//! that was read and change nothing after a lost race; changes of the world have the preconditions of [`World::carry_out`] and are made only
//! while the stored status still intends them. Controllers crash between any two requests, their clocks jump, and people act at any
//! moment, several at once and twice. Every interleaving within the budgets of a [`Setting`] is explored up to [`BOUND`] states; equal
//! states count once.
//!
//! One thing is taken for granted: a write lands within [`claim::PATIENCE`](crate::domain::lane::claim::PATIENCE), if it lands at all.

use std::collections::{HashMap, HashSet};

use self::moves::Move;
use self::state::{Deed, Hash, Memo, Setting, State};
use super::super::*;
use crate::api::environment::InFlight;
use crate::api::release_action::ActionKind;
use crate::api::strategy::{Canary, Pause, Step, Strategy as Way, TrafficRouting, Weight};
use crate::domain::fixtures::*;

mod ends;
mod moves;
mod state;

/// States of a setting after which no further ones are sought; every setting has more.
const BOUND: usize = 12_000;

/// Everything that can become of a setting.
struct Explorer {
    memo: Memo,
    /// Every state that was reached, with the move and the state that led to it first.
    reached: HashMap<Hash, Option<(Hash, Move)>>,
    /// States from which everything ends without further disturbance.
    end_well: HashSet<Hash>,
    finals: HashSet<Vec<Phase>>,
}

impl Explorer {
    /// Explores a setting and returns how many states it has. Panics at the first state that must not be, with what led to it.
    fn explore(setting: Setting) -> Self {
        let name = setting.name;
        let begin = State::begin(&setting);
        let mut this = Self {
            memo: Memo::new(setting),
            reached: HashMap::new(),
            end_well: HashSet::new(),
            finals: HashSet::new(),
        };
        this.reached.insert(begin.hash(), None);
        let mut open = vec![begin];
        // any of them in turn, so that a bound leaves out none that lie deep
        while let Some(last) = open.len().checked_sub(1) {
            let chosen = usize::try_from(open[last].hash()).unwrap() % open.len();
            let state = open.swap_remove(chosen);
            let hash = state.hash();
            this.finals.insert(state.releases().iter().map(|stored| stored.release.phase()).collect());
            if let Err(why) = this.ends_well(&state) {
                panic!("{name}: {why}\nafter\n{}", this.way_to(hash));
            }
            for (made, next) in state.moves(&mut this.memo) {
                let next = match next {
                    Ok(next) => next,
                    Err(why) => panic!("{name}: {why}\nafter\n{}{made:?}", this.way_to(hash)),
                };
                let reached = next.hash();
                if let std::collections::hash_map::Entry::Vacant(entry) = this.reached.entry(reached) {
                    entry.insert(Some((hash, made)));
                    // further states lie beyond the bound
                    if this.reached.len() < BOUND {
                        open.push(next);
                    }
                }
            }
        }
        this
    }

    fn way_to(&self, mut hash: Hash) -> String {
        let mut way = Vec::new();
        while let Some((before, made)) = &self.reached[&hash] {
            way.push(format!("{made:?}\n"));
            hash = *before;
        }
        way.reverse();
        way.concat()
    }
}

/// An environment of one component that one other person must approve.
fn reviewed() -> Environment {
    let mut environment = guarded();
    environment.spec.components.truncate(1);
    environment.spec.approval.as_mut().unwrap().slots = vec![slot("any", None, 1)];
    environment
}

fn open() -> Environment {
    Environment { spec: crate::api::EnvironmentSpec { approval: None, ..reviewed().spec }, ..reviewed() }
}

fn canary() -> Environment {
    let routing = TrafficRouting { router: "gateway-api".into(), config: BTreeMap::new() };
    let mut environment = open();
    environment.spec.strategy = Some(Way::Canary(Canary {
        steps: vec![Step::SetWeight(Weight::new(50).unwrap()), Step::Pause(Pause::default())],
        traffic_routing: Some(routing),
        ..Canary::default()
    }));
    environment
}

/// Explores a setting and makes sure that enough was explored, and that the release can end in each of those phases.
fn explore(least: usize, setting: Setting, phases: &[Phase]) {
    let name = setting.name;
    let explorer = Explorer::explore(setting);
    let states = explorer.reached.len();
    println!("{name}: {states} states, {} decisions", explorer.memo.decisions());
    assert!(states >= least, "{name}: only {states} states");
    for phase in phases {
        let found = &explorer.finals;
        assert!(found.iter().any(|phases| phases.contains(phase)), "{name}: never {phase}: {found:?}");
    }
}

#[test]
fn two_leaders_execute_nothing_that_nobody_approved() {
    use ActionKind::{Approve, Reject, Withdraw};
    for (name, people) in [
        ("approve and reject", [Deed::Act(Approve, 0, "carol"), Deed::Act(Reject, 0, "dave")]),
        ("approve and withdraw", [Deed::Act(Approve, 0, "carol"), Deed::Act(Withdraw, 0, "carol")]),
        ("approve twice", [Deed::Act(Approve, 0, "carol"), Deed::Act(Approve, 0, "bob")]),
    ] {
        explore(BOUND, Setting::new(name, reviewed(), 1, people.into()).crashes(1), &[Phase::Succeeded]);
    }
}

#[test]
fn two_leaders_write_nothing_forward_after_an_abort() {
    use ActionKind::{Abort, Pause, Resume};
    for (name, people) in [
        ("abort twice", [Deed::Act(Abort, 0, "carol"), Deed::Act(Abort, 0, "erin")]),
        ("pause and abort", [Deed::Act(Pause, 0, "carol"), Deed::Act(Abort, 0, "erin")]),
        ("pause and resume", [Deed::Act(Pause, 0, "carol"), Deed::Act(Resume, 0, "dave")]),
    ] {
        explore(BOUND, Setting::new(name, open(), 1, people.into()).crashes(1), &[Phase::Succeeded]);
    }
}

#[test]
fn two_leaders_start_one_release_of_an_environment_at_a_time() {
    let people = vec![Deed::Act(ActionKind::Abort, 0, "carol")];
    explore(BOUND, Setting::new("lane", open(), 2, people), &[Phase::Aborted]);
}

#[test]
fn two_leaders_with_different_clocks_obey_a_freeze() {
    let people = vec![Deed::Freeze(InFlight::RollBack), Deed::Unfreeze];
    let setting = Setting::new("freeze", open(), 1, people).clocks(1);
    explore(BOUND, setting, &[Phase::Succeeded, Phase::RollingBack]);
}

#[test]
fn two_leaders_move_one_canary() {
    let people = vec![Deed::Act(ActionKind::Promote, 0, "carol"), Deed::Act(ActionKind::Abort, 0, "erin")];
    explore(BOUND, Setting::new("canary", canary(), 1, people), &[Phase::Aborted]);
}
