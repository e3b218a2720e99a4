//! Without further disturbance every release ends and the lane is free.

use super::moves::Look;
use super::state::{Deed, State};
use super::*;
use crate::api::release::GateState;
use crate::domain::gate;

/// Rounds after which a release counts as lost.
const ROUNDS: usize = 60;
/// Seconds that pass in a round in which nothing happens.
const PASSES: i64 = 30;

impl Explorer {
    /// Starts both controllers anew, answers everything that waits for a person, and looks until everything has ended. What becomes of a write that
    /// is under way is a state of its own.
    pub(super) fn ends_well(&mut self, state: &State) -> Result<(), String> {
        let mut state = State { crashes: 0, clocks: 0, looks: 0, deeds: u32::MAX, ..state.clone() };
        for leader in &mut state.leaders {
            leader.work = None;
            leader.seen = state.reported.clone();
        }
        let mut way = Vec::new();
        for _ in 0..ROUNDS {
            let hash = state.hash();
            if self.end_well.contains(&hash) || is_over(&state) {
                // which states lie within the bound hangs on their hashes; this way was walked, too
                self.finals.insert(state.releases().iter().map(|stored| stored.release.phase()).collect());
                way.push(hash);
                self.end_well.extend(way);
                return Ok(());
            }
            way.push(hash);
            state = self.fair_round(state)?;
            // time passes where nothing else happens
            if state.hash() == hash {
                for leader in &mut state.leaders {
                    leader.clock += PASSES;
                }
            }
        }
        let phases: Vec<_> =
            state.releases().iter().map(|stored| (stored.release.phase(), stored.status().message)).collect();
        let open = state.actions().iter().filter(|action| !action.is_judged()).count();
        Err(format!("it never ends: {phases:?}, {open} actions without an answer"))
    }

    fn fair_round(&mut self, mut state: State) -> Result<State, String> {
        state = attended(state);
        for who in [0, 1] {
            for about in 0..state.releases().len() {
                if let Some(looked) = state.look(who, about, Look::Fresh, &mut self.memo)? {
                    state = finished(looked, who)?;
                }
            }
        }
        Ok(state)
    }
}

fn finished(mut state: State, who: usize) -> Result<State, String> {
    while state.leaders[who].work.is_some() {
        state = state.request(who)?;
    }
    Ok(state)
}

/// People answer what waits for them, once.
fn attended(mut state: State) -> State {
    if let Some(thawed) = state.after(Deed::Unfreeze) {
        state = thawed;
    }
    for about in 0..state.releases().len() {
        let name = state.releases()[about].release.metadata.name.clone();
        let is_open = state.actions().iter().any(|action| {
            !action.is_judged() && action.spec.release.as_ref().map(|named| &named.name) == name.as_ref()
        });
        let status = state.releases()[about].status();
        let waits =
            status.gates.iter().any(|gate| gate.name == gate::APPROVAL && gate.state != GateState::Pass);
        let kind = match status.phase {
            Phase::Pending if waits => ActionKind::Approve,
            Phase::Paused => ActionKind::Resume,
            Phase::Held => ActionKind::Abort,
            _ => continue,
        };
        if !is_open && let Some(next) = state.after(Deed::Act(kind, about, "frank")) {
            state = next;
        }
    }
    state
}

fn is_over(state: &State) -> bool {
    state.releases().iter().all(|stored| stored.release.phase().is_final())
        && state.actions().iter().all(|action| action.is_judged())
        && state.leaders.iter().all(|leader| leader.work.is_none())
        && state.world.observed.tracks.is_empty()
}
