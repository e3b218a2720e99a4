//! Paused: nothing further is started; what runs is still watched, since customers do not pause.

use super::progress::Running;
use super::tracks::{TrackGoal, TrackOutcome};
use super::{Draft, FAST};
use crate::api::release::ComponentState;
use crate::domain::plan;
use crate::domain::rollout_status::RolloutStatus;
use crate::domain::timeline::CONTROLLER;

impl Draft<'_> {
    /// Held: a person decides, unless nobody can any more.
    pub(super) fn stay_held(&mut self) {
        if !self.is_orphaned() {
            self.requeue_after(super::SLOW);
        }
    }

    /// Keeps the second workloads where they are meant to be, and follows what was begun.
    pub(super) fn stand_still(&mut self) {
        if self.is_orphaned() || self.watch() {
            return;
        }
        let by_hand = self.status.weight.as_ref().is_some_and(|weight| weight.by.is_some());
        let by_plan = self.status.paused.as_ref().is_none_or(|paused| paused.by == CONTROLLER);
        let track_goal = self.track_goal();
        let track_goal = if track_goal == TrackGoal::Weight && (by_hand || by_plan) {
            track_goal
        } else {
            TrackGoal::Stay
        };
        if self.has_changed_anything() {
            match self.shift(track_goal) {
                TrackOutcome::Failed(why) => return self.fail_rollout(&why),
                TrackOutcome::Stopped(reason, why) => return self.hold(reason, &why),
                TrackOutcome::Drifted(why) => self.say(format!("paused: {why}; resume takes it over")),
                TrackOutcome::Reached | TrackOutcome::Underway(_) => {}
            }
        }
        self.follow_what_was_begun();
    }

    /// Changes nothing; goes back when what was begun fails.
    pub(super) fn follow_what_was_begun(&mut self) {
        let plan = self.plan();
        for name in plan::components(&plan) {
            let state = self.state_of(name);
            if !matches!(state, Some(ComponentState::Progressing | ComponentState::Done)) {
                continue;
            }
            let Running::New(workload) = self.sight(name) else { continue };
            match self.follow(name, &workload) {
                RolloutStatus::Done(_) => self.set_state(name, ComponentState::Done),
                RolloutStatus::Waiting(_) => {}
                RolloutStatus::Failed(message) => {
                    self.set_state(name, ComponentState::Failed);
                    return self.fail_rollout(&message);
                }
            }
        }
        self.requeue_after(FAST);
    }
}
