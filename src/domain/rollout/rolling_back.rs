//! `RollingBack`: every component that was changed is put back, the last one first, each followed until it is complete.

use chrono::TimeDelta;

use super::progress::Running;
use super::tracks::{TrackGoal, TrackOutcome};
use super::verifying::kept_back;
use super::watch::MissingAnswer;
use super::{Draft, FAST, contested};
use crate::api::names::ComponentName;
use crate::api::release::{ComponentProgress, ComponentState, Phase};
use crate::domain::rollback;
use crate::domain::rollout_status::RolloutStatus;
use crate::domain::rollout_verdict::rollout_status_since;
use crate::domain::timeline::CONTROLLER;

/// How long an old version may take to be well again.
const PATIENCE: TimeDelta = TimeDelta::seconds(600);

impl Draft<'_> {
    /// Puts back one component at a time.
    pub(super) fn undo_changes(&mut self) {
        self.requeue_after(FAST);
        if self.observed.environment.is_none() && self.status.tracks.is_empty() {
            let is_open = |p: &ComponentProgress| {
                matches!(
                    p.state,
                    ComponentState::Progressing | ComponentState::Done | ComponentState::RollingBack
                )
            };
            if !self.status.components.iter().any(is_open) {
                return self.end_undo();
            }
            let name = &self.observed.release.spec.environment;
            self.say(format!(
                "cannot go back while environments/{name} does not exist: a platform owner must create it"
            ));
            return;
        }
        // traffic comes home first, wherever the old version is there to take it
        let outcome = self.shift(TrackGoal::Back);
        let plan = self.plan();
        for name in rollback::undo_order(&plan) {
            if self.is_change(name) && !self.put_back(name) {
                return;
            }
        }
        match outcome {
            TrackOutcome::Reached => {
                // a canary or green workload that is gone, and gets no traffic, has nothing left to go home
                let seen = &self.observed.tracks;
                self.status
                    .tracks
                    .retain(|track| track.traffic > 0 || seen.contains_key(track.component.as_str()));
                self.end_undo();
            }
            TrackOutcome::Underway(why) => self.say(format!("rolling back: {why}")),
            TrackOutcome::Drifted(_) => {
                self.take_over_routers(CONTROLLER);
                self.look_again();
            }
            TrackOutcome::Failed(why) => {
                self.hold("OnlyHealthyCopy", &format!("{why}: nobody may remove it"));
            }
            TrackOutcome::Stopped(reason, why) => self.hold(reason, &why),
        }
    }

    /// Puts one component back; whether the next one may follow.
    fn put_back(&mut self, name: &ComponentName) -> bool {
        let state = self.state_of(name).unwrap_or(ComponentState::Waiting);
        if self.observed.environment.is_none() {
            return self.leave_behind(name, state);
        }
        match (self.sight(name), state) {
            (Running::New(workload), ComponentState::RolledBack) => {
                let image = workload.image.unwrap_or_default();
                let why = format!(
                    "somebody else changed {name} to {image} after it was rolled back: left as it is"
                );
                self.give_up(name, &why)
            }
            (_, ComponentState::RolledBack | ComponentState::Failed)
            | (Running::Old(_), ComponentState::Waiting) => true,
            (Running::Old(_), ComponentState::Progressing) if !self.was_written(name) => {
                self.set_state(name, ComponentState::Waiting);
                true
            }
            (Running::New(workload), ComponentState::RollingBack) if self.aborts_first(name, &workload) => {
                self.say(format!("sending the traffic of {name} back to its stable version"));
                false
            }
            (Running::New(workload), ComponentState::RollingBack) => {
                let from = workload.image.unwrap_or_default();
                let to = self.before(name).unwrap_or_default().to_owned();
                self.freshen_step(workload.progress_deadline);
                self.set_image(name, &from, &to, "restored");
                self.say(format!("putting {name} back to {to}"));
                false
            }
            (
                Running::New(_) | Running::Old(_),
                ComponentState::Waiting | ComponentState::Progressing | ComponentState::Done,
            ) => {
                self.set_state(name, ComponentState::RollingBack);
                // deadlines of the undo count from here
                self.set_step(self.step());
                self.say(format!("putting {name} back"));
                false
            }
            (Running::Old(workload), ComponentState::RollingBack) if self.hurries_back(name, &workload) => {
                self.say(format!("rolling back: the steps of {name} are skipped"));
                false
            }
            (Running::Old(workload), ComponentState::RollingBack) if self.is_kept_back(name, &workload) => {
                if let Err(why) = self.contest_partition(name, &workload) {
                    self.hold(contested::REASON, &why);
                    return false;
                }
                let image = workload.image.unwrap_or_default();
                self.set_image(name, &image, &image, "restored");
                self.say(format!("rolling back every pod of {name}"));
                false
            }
            (Running::Old(workload), ComponentState::RollingBack) => match self.follow(name, &workload) {
                RolloutStatus::Done(_) => {
                    self.set_state(name, ComponentState::RolledBack);
                    self.note(
                        CONTROLLER,
                        "ComponentRolledBack",
                        &format!("{name} runs its previous version again"),
                    );
                    true
                }
                RolloutStatus::Waiting(message) => {
                    self.say(format!("rolling back: {message}"));
                    false
                }
                RolloutStatus::Failed(message) => self.give_up(name, &message),
            },
            (Running::Foreign(image), _) => {
                self.give_up(name, &format!("somebody else changed {name} to {image}: left as it is"))
            }
            (Running::Gone, _) => self.give_up(name, &format!("the workload of {name} is gone")),
        }
    }

    /// Without its environment nobody knows the container of a component: what runs the new version already is left as it is.
    fn leave_behind(&mut self, name: &ComponentName, state: ComponentState) -> bool {
        let environment = &self.observed.release.spec.environment;
        let why = match (self.sight(name), state) {
            (_, ComponentState::RolledBack | ComponentState::Failed | ComponentState::Waiting) => {
                return true;
            }
            (Running::Old(_), _) => {
                self.set_state(name, ComponentState::RolledBack);
                return true;
            }
            (Running::New(workload), _) => format!(
                "{name} runs {} and is left as it is, since environments/{environment} does not exist",
                workload.image.unwrap_or_default()
            ),
            (Running::Foreign(image), _) => format!("somebody else changed {name} to {image}: left as it is"),
            (Running::Gone, _) => format!("the workload of {name} is gone"),
        };
        self.give_up(name, &why)
    }

    /// Whether the old version is as well as it was: only then has the release gone back.
    fn is_well_again(&mut self) -> bool {
        let since = *self.status.verifying_since.get_or_insert(self.now);
        let is_over = self.now.signed_duration_since(since) > PATIENCE;
        let names: Vec<ComponentName> = self.status.components.iter().map(|p| p.component.clone()).collect();
        for name in names {
            let Running::Old(workload) = self.sight(&name) else { continue };
            let status = rollout_status_since(&workload, since, self.now);
            let is_kept_back = workload.kept_back() > 0 && self.is_kept_back(&name, &workload);
            if status.is_done() && !is_kept_back {
                continue;
            }
            let message =
                if is_kept_back { kept_back(&name, &workload) } else { status.message().to_owned() };
            if is_over || matches!(status, RolloutStatus::Failed(_)) {
                self.is_not_well(&message);
            } else {
                self.say(format!("restored; waiting for the previous version to be well: {message}"));
            }
            return false;
        }
        match self.old_version_lacks(since) {
            None => true,
            Some(MissingAnswer::Failed(why)) => {
                self.is_not_well(&why);
                false
            }
            Some(MissingAnswer::NotYet(why)) if is_over => {
                self.is_not_well(&format!("nobody could tell for {} minutes: {why}", PATIENCE.num_minutes()));
                false
            }
            Some(MissingAnswer::NotYet(why)) => {
                self.say(format!("restored; waiting for {why}"));
                false
            }
        }
    }

    fn is_not_well(&mut self, why: &str) {
        let reason = self.status.undo.as_ref().map(|undo| undo.reason.clone()).unwrap_or_default();
        let message =
            format!("restored, but the previous version is not well: {why}; restored because of: {reason}");
        self.enter_by_itself(Phase::Errored, "RolledBackUnwell", &message);
    }

    /// One component cannot be put back; the others still can.
    fn give_up(&mut self, name: &ComponentName, why: &str) -> bool {
        if let Some(progress) = self.progress(name) {
            progress.state = ComponentState::Failed;
            why.clone_into(&mut progress.message);
        }
        self.note(CONTROLLER, "ComponentNotRolledBack", why);
        true
    }

    fn end_undo(&mut self) {
        let undo = self.status.undo.clone();
        let (by, why, ends_as) = undo
            .map_or((CONTROLLER.to_owned(), String::new(), Phase::RolledBack), |u| {
                (u.by, u.reason, u.ends_as)
            });
        let failed: Vec<_> = self
            .status
            .components
            .iter()
            .filter(|p| p.state == ComponentState::Failed)
            .map(|p| p.message.clone())
            .collect();
        if !failed.is_empty() {
            let message = format!("could not be restored completely: {}", failed.join("; "));
            return self.enter_by_itself(Phase::Errored, "RollbackIncomplete", &message);
        }
        let touched = self.status.components.iter().any(|p| p.state == ComponentState::RolledBack);
        if touched && !self.is_well_again() {
            return;
        }
        // nothing had been changed: the verdict is all that there is
        let phase = match (touched, ends_as) {
            (false, Phase::RolledBack) if by == CONTROLLER => Phase::Failed,
            (true, Phase::Errored) => Phase::RolledBack,
            _ => ends_as,
        };
        let message =
            if touched { format!("restored: {why}") } else { format!("nothing was changed: {why}") };
        self.enter_by_itself(phase, phase.as_str(), &message);
    }
}
