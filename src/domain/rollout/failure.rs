//! What follows a failure: going back, or holding still for a person.

use super::Draft;
use super::progress::Running;
use crate::api::environment::OnFailure;
use crate::api::release::{ComponentState, Phase, ReleaseKind, Undo};
use crate::domain::rollout_verdict::rollout_status;
use crate::domain::timeline::CONTROLLER;

const ROLLOUT_FAILED: &str = "RolloutFailed";

impl Draft<'_> {
    /// A rollout that cannot finish.
    pub(super) fn fail_rollout(&mut self, why: &str) {
        let counts = self.observed.environment.as_ref().is_none_or(|env| env.spec.rollback_on.rollout_failed);
        let why = match self.observed.causes.values().next() {
            Some(cause) => format!("{why}: {cause}"),
            None => why.to_owned(),
        };
        if counts { self.fail(ROLLOUT_FAILED, &why) } else { self.hold(ROLLOUT_FAILED, &why) }
    }

    /// A change that nobody lets the controller make.
    pub(super) fn fail_for_good(&mut self, reason: &str, why: &str) {
        let counts = self.observed.environment.as_ref().is_none_or(|env| env.spec.rollback_on.rollout_failed);
        if counts { self.fail_as(reason, why, Phase::Errored) } else { self.hold(reason, why) }
    }

    /// A failure, followed by what the environment wants.
    pub(super) fn fail(&mut self, reason: &str, why: &str) {
        self.fail_as(reason, why, Phase::RolledBack);
    }

    /// `ends_as`: the phase that follows where nothing had to be undone.
    fn fail_as(&mut self, reason: &str, why: &str, ends_as: Phase) {
        let on_failure =
            self.observed.environment.as_ref().map(|env| env.spec.on_failure).unwrap_or_default();
        self.note(CONTROLLER, reason, why);
        match on_failure {
            // undoing a rollback would bring the version back that somebody has just left
            OnFailure::Rollback if self.observed.release.spec.kind == ReleaseKind::Rollback => {
                self.hold(
                    reason,
                    &format!("{why}; not undone, because that would restore the version that was left"),
                );
            }
            OnFailure::Rollback => match self.only_healthy_copy(reason) {
                Some(copy) => self.hold("OnlyHealthyCopy", &format!("{why}; not rolled back, since {copy}")),
                None => self.roll_back(CONTROLLER, why, ends_as),
            },
            OnFailure::Hold => self.hold(reason, why),
        }
    }

    /// Going back would leave the only copy that serves. Whoever goes back by hand is not stopped: traffic follows only when the old
    /// version is there again.
    fn only_healthy_copy(&self, reason: &str) -> Option<String> {
        self.status.tracks.iter().find_map(|track| {
            let second = self.observed.tracks.get(track.component.as_str())?;
            let is_healthy = second.available > 0 && second.available >= second.desired;
            let own = self.observed.workloads.get(track.component.as_str());
            // what its pods say counts for the second one; what its numbers say may not
            let is_rolled = reason == ROLLOUT_FAILED
                && own.is_some_and(|own| !rollout_status(own).is_done())
                && matches!(self.sight(&track.component), Running::New(_));
            let why = if self.is_dead(&track.component) {
                "no pod of the environment's own workload is available"
            } else if is_rolled {
                "the environment's own workload is being replaced"
            } else {
                return None;
            };
            is_healthy
                .then(|| format!("{} is the only healthy copy of {}: {why}", track.workload, track.component))
        })
    }

    pub(super) fn hold(&mut self, reason: &str, why: &str) {
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
        self.status.verifying_since = None;
        self.status.refused.clear();
        self.status.contested.clear();
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
