//! Paused: nothing further is started; what runs is still watched, since customers do not pause.

use super::progress::Sight;
use super::{Draft, FAST};
use crate::api::release::ComponentState;
use crate::domain::plan;
use crate::domain::rollout_status::RolloutStatus;

impl Draft<'_> {
    /// Follows what was begun, and goes back when it fails.
    pub(super) fn stand_still(&mut self) {
        if self.watch_health() {
            return;
        }
        let plan = self.plan();
        for name in plan::components(&plan) {
            let state = self.state_of(name);
            if !matches!(state, Some(ComponentState::Progressing | ComponentState::Done)) {
                continue;
            }
            let Sight::New(workload) = self.sight(name) else { continue };
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
