//! One component's way to a split of pods and traffic: what is seen, what keeps it from getting there, and what other hands did.
//!
//! What somebody else does in the middle of a release, and what follows at the next look:
//!
//! | change | what follows |
//! | --- | --- |
//! | the stable workload is scaled | both workloads are sized by what it wants now (`sizes`); behind a router it is never written |
//! | an autoscaler appears where replicas carry the weight | the release pauses; nothing is written against it |
//! | the pods of canary or green are evicted | their traffic goes back, they are waited for, the step resumes (`loss`) |
//! | they crash, or are lost too often | the release fails |
//! | the pod template of the stable workload changes | canary or green is brought to it before it gets more traffic |
//! | the stable workload gets another image | the release rolls back and leaves that image alone |
//! | it gets the image of this release, past its steps | the release is held for a person |
//! | canary or green gets another image or size | it is set again |
//! | canary or green is deleted while it serves | the release rolls back; its Services, routes and annotations are restored |
//! | their Service is deleted | it is made again |
//! | the route states another share, or is deleted | the release pauses; `resume` takes it over, a way back does not wait for it |
//! | the stable workload is deleted | the release is held; what serves beside it is not removed |
//! | the Environment is deleted | after 30 seconds the release rolls back by what its status remembers |

use chrono::TimeDelta;

use super::Draft;
use super::progress::Running;
use super::shift::{Move, Router, Scene, ShiftConditions};
use super::sizes::CAPACITY_PATIENCE;
use super::tracks::{TrackGoal, TrackOutcome, intent_of};
use crate::api::names::ComponentName;
use crate::api::release::{ComponentState, Phase, TrackPlace};
use crate::domain::rollout_status::WorkloadState;
use crate::domain::timeline::CONTROLLER;
use crate::domain::track;

/// How long a way back waits for a router whose objects cannot be understood, before a person is asked.
const UNREADABLE: TimeDelta = TimeDelta::seconds(120);
/// How long a release waits for a deleted environment to be created again: replacing an object deletes it for a moment.
const ORPHANED: TimeDelta = TimeDelta::seconds(30);

impl Draft<'_> {
    /// Brings the second workload of one component nearer to where it is to go.
    pub(super) fn shift_one(&mut self, name: &ComponentName, track_goal: TrackGoal) -> TrackOutcome {
        let Some(index) = self.status.tracks.iter().position(|track| track.component == *name) else {
            return TrackOutcome::Reached;
        };
        let Some(own) = self.observed.workloads.get(name.as_str()) else {
            return self.without_own(index, track_goal);
        };
        let entry = &self.status.tracks[index];
        let routing = self.routing_of(entry);
        let second = self.observed.tracks.get(name.as_str());
        let stated = self.observed.traffic.get(name.as_str());
        let is_forward = !matches!(track_goal, TrackGoal::Settle | TrackGoal::Back);
        let may_shrink = is_forward && entry.loss.is_none();
        self.follow_size(index, own, may_shrink);
        self.see(index, own, second);
        if is_forward {
            if let Some(stopped) = self.changed_by_hand(name) {
                return stopped;
            }
            if let Some(why) = self.watch_loss(index, own, second).or_else(|| self.has_failed(index, second))
            {
                return TrackOutcome::Failed(why);
            }
        }
        let router = match (&routing, stated) {
            (None, _) => Router::None,
            (Some(_), None) => Router::Unread,
            (Some(_), Some(state)) => Router::Read(state),
        };
        let mut goal = self.goal(index, track_goal, routing.is_some());
        if is_forward {
            goal = self.goal_after_loss(index, (goal, track_goal == TrackGoal::Stay), second);
        }
        let image = self.target(name).unwrap_or_default().to_owned();
        let entry = &self.status.tracks[index];
        let conditions = ShiftConditions {
            is_autoscaled: self.observed.autoscalers.contains_key(name.as_str()),
            is_all_or_nothing: routing.as_ref().is_some_and(|one| one.router == track::SERVICE_SELECTOR),
            is_outdated: is_forward && self.is_outdated(name),
            is_overdue: entry
                .short_since
                .is_some_and(|since| self.now.signed_duration_since(since) >= CAPACITY_PATIENCE),
        };
        let scene = Scene {
            track: entry.track,
            own,
            second,
            image: &image,
            router,
            intent: intent_of(entry),
            verified: entry.verified,
            capacity: self.capacity(entry),
            conditions,
            is_urgent: track_goal == TrackGoal::Back || entry.loss.is_some(),
        };
        let (next, is_short) = (scene.next_move(goal), scene.is_short(goal));
        if is_forward && let Some(why) = self.scaled_by_others(index, own) {
            return self.take(index, Move::Drifted(why), routing);
        }
        let next = self.wait_for_capacity(index, next, is_short);
        if let Some(failed) = self.waits_too_long(index, &next, own, track_goal) {
            return failed;
        }
        self.take(index, next, routing)
    }

    /// Remembers since when traffic waits for the own workload to grow, and says when it goes back even so.
    fn wait_for_capacity(&mut self, index: usize, next: Move, is_short: bool) -> Move {
        let now = self.now;
        let Some(entry) = self.status.tracks.get_mut(index) else { return next };
        if !is_short {
            entry.short_since = None;
            return next;
        }
        let since = *entry.short_since.get_or_insert(now);
        let end = since.checked_add_signed(CAPACITY_PATIENCE).unwrap_or(now);
        let serves = entry.stable_available > 0;
        self.requeue_at(end);
        match next {
            Move::Wait(why) if end > now && serves => {
                Move::Wait(format!("{why}; all traffic goes back at {} even so", end.format("%H:%M:%SZ")))
            }
            next => next,
        }
    }

    /// Whether a move has been waited for longer than a rollout may stand still.
    fn waits_too_long(
        &self,
        index: usize,
        next: &Move,
        own: &WorkloadState,
        track_goal: TrackGoal,
    ) -> Option<TrackOutcome> {
        let Move::Wait(why) = next else { return None };
        let entry = self.status.tracks.get(index)?;
        let (is_lost, is_short) = (entry.loss.is_some(), entry.short_since.is_some());
        if track_goal == TrackGoal::Back {
            let state = self.observed.traffic.get(entry.component.as_str());
            let is_unreadable = state.is_some_and(|state| state.weight.is_none() && !state.is_gone);
            let begun = self.status.undo.as_ref().map_or(self.now, |undo| undo.at);
            let is_overdue = entry
                .short_since
                .is_some_and(|since| self.now.signed_duration_since(since) >= CAPACITY_PATIENCE);
            if is_overdue && own.available == 0 {
                let why = format!("{why}, and only {} serves", entry.workload);
                return Some(TrackOutcome::Stopped("OnlyHealthyCopy", why));
            }
            return (is_unreadable && self.now.signed_duration_since(begun) > UNREADABLE)
                .then(|| TrackOutcome::Stopped("RouterUnreadable", why.clone()));
        }
        if is_lost
            || is_short
            || !self.is_shifting()
            || self.now.signed_duration_since(self.shift_since()) <= own.progress_deadline
        {
            return None;
        }
        let limit = crate::api::Duration::from_secs(own.progress_deadline.num_seconds().unsigned_abs());
        Some(TrackOutcome::Failed(format!("{why}, and nothing has moved for {limit}")))
    }

    /// The own workload is gone: what serves beside it stays, and what does not is removed on the way back.
    fn without_own(&mut self, index: usize, track_goal: TrackGoal) -> TrackOutcome {
        let entry = &mut self.status.tracks[index];
        (entry.stable_desired, entry.stable_available) = (0, 0);
        let entry = entry.clone();
        let second = self.observed.tracks.get(entry.component.as_str());
        self.status.tracks[index].available = second.map_or(0, WorkloadState::updated_available);
        let state = self.observed.traffic.get(entry.component.as_str());
        let gone = format!("the workload of {} is gone", entry.component);
        let is_abandoned = self.observed.environment.is_none();
        if track_goal == TrackGoal::Back
            && (is_abandoned || second.is_none_or(|second| second.available == 0))
        {
            let routing = self.routing_of(&entry);
            if second.is_some() || state.is_some_and(|state| state.remains.is_some()) {
                return self.take(index, Move::Remove, routing);
            }
            self.status.tracks.remove(index);
            return TrackOutcome::Reached;
        }
        let stated = state.and_then(|state| state.weight).map_or(entry.traffic, |w| i32::from(w.percent()));
        if stated == 0 || self.routing_of(&entry).is_none() {
            return TrackOutcome::Failed(gone);
        }
        TrackOutcome::Failed(format!(
            "{gone}: {} serves its {stated}% of the traffic, and nobody serves the other {}%",
            entry.workload,
            100_i32.saturating_sub(stated)
        ))
    }

    /// Somebody else gave the own workload another image before the plan did.
    fn changed_by_hand(&self, name: &ComponentName) -> Option<TrackOutcome> {
        if self.state_of(name) != Some(ComponentState::Waiting) {
            return None;
        }
        match self.sight(name) {
            Running::Foreign(image) => {
                Some(TrackOutcome::Failed(format!("somebody else changed {name} to {image}")))
            }
            Running::New(workload) => Some(TrackOutcome::Stopped(
                "ChangedByHand",
                format!(
                    "somebody else changed {} to {} before step {} was over",
                    workload.name,
                    workload.image.unwrap_or_default(),
                    self.step_number()
                ),
            )),
            Running::Old(_) | Running::Gone => None,
        }
    }

    /// The environment was deleted while something stands beside the own workloads: unless it is created again, everything that the
    /// release made is removed, by what the status remembers. Whether there is nothing else to do.
    pub(super) fn is_orphaned(&mut self) -> bool {
        let environment = self.observed.release.spec.environment.clone();
        let now = self.now;
        let places: Vec<&mut TrackPlace> =
            self.status.tracks.iter_mut().filter_map(|track| track.place.as_mut()).collect();
        if self.observed.environment.is_some() || places.is_empty() {
            return false;
        }
        let known = places.iter().find_map(|place| place.orphaned_since);
        let since = known.unwrap_or(now);
        for place in places {
            place.orphaned_since = Some(since);
        }
        if known.is_none() {
            let said = format!("environments/{environment} was deleted in the middle of this release");
            self.note(CONTROLLER, "EnvironmentDeleted", &said);
            self.do_after(super::Effect::EmitEvent {
                reason: "EnvironmentDeleted".into(),
                message: said,
                is_warning: true,
            });
        }
        let end = since.checked_add_signed(ORPHANED).unwrap_or(now);
        if end <= now {
            let why = format!("environments/{environment} was deleted");
            self.roll_back(CONTROLLER, &why, Phase::RolledBack);
            return true;
        }
        self.say(format!(
            "environments/{environment} does not exist: nothing is shifted. Unless it is created again by {}, traffic goes back to the stable workloads and everything made for this release is removed",
            end.format("%H:%M:%SZ")
        ));
        self.requeue_at(end);
        self.requeue_after(super::FAST);
        true
    }
}
