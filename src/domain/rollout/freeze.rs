//! A freeze that meets a release in flight: it finishes, holds where it is, or goes back, as whoever froze has chosen.

use super::{Draft, FAST};
use crate::api::environment::InFlight;
use crate::api::release::{GateState, Phase, PlanStep, Undo};
use crate::api::strategy::Step;
use crate::domain::timeline::CONTROLLER;
use crate::domain::{gate, plan};

/// How the reason of an undo begins that a freeze demanded.
const CAUSE: &str = "frozen by ";

/// Whether a freeze demanded this undo, so that it says nothing about the version.
pub(in crate::domain) fn is_cause_of(undo: &Undo) -> bool {
    undo.reason.starts_with(CAUSE)
}

impl Draft<'_> {
    /// Does what a freeze asks of a release that has changed something; whether that is all there is to do.
    ///
    /// A release that has changed nothing yet goes back to waiting by itself. Watching the result of what is rolled out changes
    /// nothing, and thus goes on.
    pub(super) fn obeys_freeze(&mut self) -> bool {
        let executes =
            matches!(self.status.phase, Phase::Progressing | Phase::Paused | Phase::Verifying | Phase::Held);
        if !executes || !self.has_changed_anything() {
            return false;
        }
        let Some((frozen, verdict)) = gate::freeze_in_flight(self.observed, &self.status, self.now) else {
            self.thaw();
            return false;
        };
        match frozen.in_flight {
            InFlight::RollBack => {
                let by = if frozen.by.is_empty() { CONTROLLER } else { frozen.by.as_str() };
                let why = if frozen.reason.is_empty() { "no reason given" } else { &frozen.reason };
                self.roll_back(by, &format!("{CAUSE}{by}: {why}"), Phase::RolledBack);
                true
            }
            InFlight::Hold if self.status.phase == Phase::Progressing => {
                if self.frozen_state() != Some(GateState::Wait) {
                    self.note(&frozen.by, "HeldByFreeze", &verdict.detail);
                }
                self.put_gate(verdict.clone());
                if self.watch() {
                    return true;
                }
                self.keep_standing();
                self.follow_what_was_begun();
                self.waits_openly();
                if self.status.phase == Phase::Progressing {
                    let message = super::pending::sentence(&verdict);
                    self.say(format!("held at step {}: it {message}", self.step_number()));
                    if let Some(end) = frozen.until {
                        self.requeue_at(end);
                    }
                    self.requeue_after(FAST);
                }
                true
            }
            InFlight::Finish | InFlight::Hold => false,
        }
    }

    /// A freeze that held this release has ended: its step goes on, with its whole time.
    fn thaw(&mut self) {
        if self.frozen_state() == Some(GateState::Wait) {
            self.keep_clear(gate::FROZEN, "not frozen");
            self.note(CONTROLLER, "FreezeEnded", "the freeze has ended");
            self.status.moved_at = Some(self.now);
            // what people have said since a step began stays said
            let waits_for_people = matches!(
                plan::present(&self.status),
                Some((_, PlanStep::Canary(Step::Approval(_) | Step::Checklist(_))))
            );
            if !waits_for_people {
                self.set_step(self.step());
            }
        }
    }

    fn frozen_state(&self) -> Option<GateState> {
        self.status.gates.iter().find(|held| held.name == gate::FROZEN).map(|gate| gate.state)
    }
}
