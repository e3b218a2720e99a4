//! A release in flight whose environment this version understands in part only: it stays where it is until the whole of it is
//! understood. People can still pause and abort it, and it goes back where the missing parts do not say how.

use super::{Draft, SLOW};
use crate::api::release::{GateState, Phase};
use crate::api::stored;
use crate::domain::gate;
use crate::domain::timeline::CONTROLLER;

/// Parts of an Environment that say what is changed on the way back.
const NEEDED_TO_GO_BACK: [&str; 3] = ["spec.components", "spec.strateg", "spec.allowedStrategies"];

impl Draft<'_> {
    /// Holds a release that executes, where its environment is not understood; whether that is all there is to do.
    pub(super) fn holds_for_unknown(&mut self) -> bool {
        let Some(environment) = self.observed.environment.as_ref() else { return false };
        let Some(verdict) = gate::not_understood(environment) else {
            self.go_on_understood();
            return false;
        };
        let holds = match self.status.phase {
            Phase::Progressing | Phase::Paused | Phase::Verifying => true,
            Phase::RollingBack => stored::unknown_parts(environment).iter().any(|part| {
                part.path == "spec" || NEEDED_TO_GO_BACK.iter().any(|needed| part.path.starts_with(needed))
            }),
            _ => false,
        };
        if !holds {
            return false;
        }
        if self.gate_state(gate::ENVIRONMENT) != Some(GateState::NoData) {
            self.note(CONTROLLER, "NotUnderstood", &verdict.detail);
        }
        let message = super::pending::sentence(&verdict);
        self.put_gate(verdict);
        self.say(format!("held at step {}: it {message}", self.step_number()));
        self.requeue_after(SLOW);
        true
    }

    /// The whole environment is understood again: the present step goes on, with its whole time.
    fn go_on_understood(&mut self) {
        if self.gate_state(gate::ENVIRONMENT) != Some(GateState::NoData) {
            return;
        }
        if self.status.phase == Phase::Pending {
            return;
        }
        self.keep_clear(gate::ENVIRONMENT, "understood");
        self.note(CONTROLLER, "Understood", "the controller understands the Environment again");
        if matches!(self.status.phase, Phase::Progressing) {
            self.set_step(self.step());
        }
    }

    fn gate_state(&self, name: &str) -> Option<GateState> {
        self.status.gates.iter().find(|held| held.name == name).map(|gate| gate.state)
    }
}
