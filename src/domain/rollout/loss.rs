//! A canary or green workload that loses all its pods while it serves traffic, as when their node is drained: the traffic goes to the
//! stable workload at once, the pods are waited for, and the release resumes at the same step. What loses them again and again fails.

use chrono::TimeDelta;

use super::{Draft, Effect};
use crate::api::release::{PlanStep, TrackLoss};
use crate::api::strategy::Step;
use crate::domain::rollout_status::WorkloadState;
use crate::domain::timeline::CONTROLLER;
use crate::domain::weight::Split;

/// Losses that a release survives: what crashes again and again has more.
const LOSSES: i32 = 3;

impl Draft<'_> {
    /// Notes that all pods of a second workload are gone, or there again; why the release fails by it, where it does.
    pub(super) fn watch_loss(
        &mut self,
        index: usize,
        own: &WorkloadState,
        second: Option<&WorkloadState>,
    ) -> Option<String> {
        let entry = self.status.tracks.get(index)?;
        let name = entry.workload.clone();
        let stated = entry.verified.unwrap_or(0).max(entry.traffic);
        if let Some(loss) = entry.loss.clone() {
            let Some(second) = second else {
                return Some(format!("somebody removed {name}, which had lost its pods"));
            };
            if let Some(why) = self.observed.crashes.get(entry.component.as_str()) {
                return Some(format!("{name} lost all its pods: {why}"));
            }
            if second.available == 0 && self.now.signed_duration_since(loss.since) > own.progress_deadline {
                let limit =
                    crate::api::Duration::from_secs(own.progress_deadline.num_seconds().unsigned_abs());
                return Some(format!(
                    "no pod of {name} has been available for {limit}; its traffic had gone back"
                ));
            }
            return None;
        }
        if stated == 0 || second.is_some_and(|second| second.available > 0) {
            return None;
        }
        if second.is_none() {
            return Some(format!("somebody removed {name}, while it got {stated}% of the traffic"));
        }
        let traffic = entry.traffic;
        let entry = self.status.tracks.get_mut(index)?;
        entry.losses = entry.losses.saturating_add(1);
        if entry.losses > LOSSES {
            return Some(format!("{name} lost all its pods {} times while it got traffic", entry.losses));
        }
        entry.loss = Some(TrackLoss { since: self.now, traffic });
        let said = format!(
            "no pod of {name} is available: its {stated}% of the traffic go back to {} until there is one again",
            own.name
        );
        self.note(CONTROLLER, "PodsLost", &said);
        self.do_after(Effect::EmitEvent { reason: "PodsLost".into(), message: said, is_warning: true });
        None
    }

    /// Where a second workload that lost its pods is to go: no traffic until they are back, then what it had, or what the step wants.
    pub(super) fn goal_after_loss(
        &mut self,
        index: usize,
        (goal, stays): (Split, bool),
        second: Option<&WorkloadState>,
    ) -> Split {
        let Some(entry) = self.status.tracks.get(index) else { return goal };
        let Some(loss) = entry.loss.clone() else { return goal };
        let (desired, shown) = (entry.desired, (entry.traffic, entry.verified));
        let traffic = if stays { loss.traffic } else { goal.traffic };
        let is_over = traffic == 0 || shown == (traffic, Some(traffic));
        if !second.is_some_and(|second| is_back(second, desired)) && traffic > 0 {
            return Split { traffic: 0, second: goal.second.max(desired), ..goal };
        }
        if is_over {
            self.end_loss(index, &loss, traffic);
        }
        Split { traffic, ..goal }
    }

    fn end_loss(&mut self, index: usize, loss: &TrackLoss, traffic: i32) {
        let away = self.now.signed_duration_since(loss.since).max(TimeDelta::zero());
        let Some(entry) = self.status.tracks.get_mut(index) else { return };
        entry.loss = None;
        let said = format!("{} has pods again and gets {traffic}% of the traffic", entry.workload);
        self.note(CONTROLLER, "PodsBack", &said);
        // a pause lasts as long as it was meant to, with traffic
        let is_timed = matches!(
            self.plan().steps.get(self.step()),
            Some(PlanStep::Canary(Step::Pause(pause))) if pause.duration.is_some()
        );
        if let Some(step) = self.status.step.as_mut().filter(|_| is_timed) {
            step.started_at = step.started_at.checked_add_signed(away).unwrap_or(self.now).min(self.now);
        }
        self.look_again();
    }
}

fn is_back(second: &WorkloadState, wanted: i32) -> bool {
    second.observed_generation >= second.generation && second.updated_available() >= wanted.max(1)
}
