//! What follows a failure: going back, or holding still for a person.

use super::Draft;
use crate::api::environment::OnFailure;
use crate::api::release::{ComponentState, Phase, Undo};
use crate::domain::timeline::CONTROLLER;

impl Draft<'_> {
    /// A rollout that cannot finish.
    pub(super) fn fail_rollout(&mut self, why: &str) {
        let counts = self.observed.environment.as_ref().is_none_or(|env| env.spec.rollback_on.rollout_failed);
        if counts { self.fail("RolloutFailed", why) } else { self.hold("RolloutFailed", why) }
    }

    /// A failure, followed by what the environment wants.
    pub(super) fn fail(&mut self, reason: &str, why: &str) {
        let on_failure =
            self.observed.environment.as_ref().map(|env| env.spec.on_failure).unwrap_or_default();
        self.note(CONTROLLER, reason, why);
        match on_failure {
            OnFailure::Rollback => self.roll_back(CONTROLLER, why, Phase::RolledBack),
            OnFailure::Hold => self.hold(reason, why),
        }
    }

    fn hold(&mut self, reason: &str, why: &str) {
        let environment = &self.observed.release.spec.environment;
        let message = format!(
            "held: {why}; cleared by someone with shift (retry) or rollback (roll back, abort) on environments/{environment}"
        );
        self.enter_by_itself(Phase::Held, reason, &message);
    }

    /// Goes back, whoever wants it.
    pub(super) fn roll_back(&mut self, by: &str, why: &str, ends_as: Phase) {
        self.status.paused = None;
        self.status.finished_at = None;
        self.status.undo = Some(Undo {
            by: by.to_owned(),
            at: self.now,
            reason: crate::domain::timeline::cut(why.to_owned(), 1024),
            ends_as,
        });
        // a component that was never touched has nothing to go back from; one that could not be put back is tried again
        for progress in &mut self.status.components {
            if progress.state != ComponentState::Waiting {
                progress.state = ComponentState::Progressing;
            }
        }
        self.enter(Phase::RollingBack, by, "RollingBack", &format!("rolling back: {why}"));
    }
}
