//! Second workloads of a release: what is meant of each stands in the status before it is done, and what is seen beside it.

use chrono::{DateTime, Utc};

use super::Draft;
use super::progress::Running;
use crate::api::names::ComponentName;
use crate::api::release::{ComponentState, PlanStep, TrackPlace, TrackProgress, Weights};
use crate::api::strategy::{Step, Strategy, StrategyName, Weight};
use crate::domain::rollout_status::{RolloutStatus, WorkloadState};
use crate::domain::rollout_verdict::rollout_status_since;
use crate::domain::weight::{self, Split};
use crate::domain::{plan, track};

/// Where the second workloads are to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrackGoal {
    /// What the desired weight asks for.
    Weight,
    /// What is meant already, and nothing new.
    Stay,
    /// Full size, without traffic.
    Raise,
    /// All traffic, all components at once.
    Switch,
    /// Away, since the own workloads run the new version.
    Settle,
    /// Away, since the release is undone.
    Back,
}

/// How far they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TrackOutcome {
    /// There, and seen to be there.
    Reached,
    /// On the way, or waiting for that.
    Underway(String),
    /// They cannot get there.
    Failed(String),
    /// Somebody else was here.
    Drifted(String),
    /// A person must decide, for this reason.
    Stopped(&'static str, String),
}

impl Draft<'_> {
    /// The settings of the strategy in force, while the environment exists.
    pub(super) fn settings(&self) -> Option<Strategy> {
        let strategy = self.status.plan.as_ref()?.strategy;
        Some(self.observed.environment.as_ref()?.spec.strategy_of(strategy))
    }

    /// Writes down, before anything is touched, which components get a second workload.
    pub(super) fn list_tracks(&mut self) {
        self.status.tracks.clear();
        let plan = self.plan();
        let (Some(track), Some(settings)) = (track::of(plan.strategy), self.settings()) else { return };
        for name in plan::components(&plan) {
            let Some(component) = self.component(name) else { continue };
            let pods = self.pods_before(name);
            if self.is_change(name) && pods > 0 {
                let place = TrackPlace {
                    workload: component.workload.clone(),
                    container: component.container.clone(),
                    routing: track::routing(&settings, name),
                    orphaned_since: None,
                };
                self.status.tracks.push(TrackProgress {
                    stable_desired: pods,
                    place: Some(place),
                    ..TrackProgress::new(name.clone(), track, track.workload_name(&component.workload.name))
                });
            }
        }
        self.status.weight = Some(Weights { since: Some(self.now), ..Weights::default() });
    }

    /// Pods wanted of a component when the release began.
    pub(super) fn pods_before(&self, name: &ComponentName) -> i32 {
        let record = self.status.before.iter().find(|record| record.component == *name);
        record.and_then(|record| record.replicas).unwrap_or(0)
    }

    /// Brings every second workload nearer to where it is to go.
    pub(super) fn shift(&mut self, track_goal: TrackGoal) -> TrackOutcome {
        if self.status.tracks.is_empty() {
            return TrackOutcome::Reached;
        }
        if self.settings().is_none() && track_goal != TrackGoal::Back {
            let name = &self.observed.release.spec.environment;
            return TrackOutcome::Underway(format!("environments/{name} does not exist: nothing is shifted"));
        }
        let names: Vec<ComponentName> =
            self.status.tracks.iter().map(|track| track.component.clone()).collect();
        let together = track_goal == TrackGoal::Switch && !names.iter().all(|name| self.is_raised(name));
        let track_goal = if together { TrackGoal::Stay } else { track_goal };
        let mut outcome = TrackOutcome::Reached;
        for name in names {
            let found = self.shift_one(&name, track_goal);
            if found == TrackOutcome::Reached && matches!(track_goal, TrackGoal::Settle | TrackGoal::Back) {
                self.forget(&name);
            }
            outcome = worse(outcome, found);
        }
        if together && outcome == TrackOutcome::Reached {
            return TrackOutcome::Underway("waiting for every second workload to be ready".to_owned());
        }
        outcome
    }

    /// Whether the second workload of a component could take all traffic, or takes it already.
    fn is_raised(&self, name: &ComponentName) -> bool {
        let Some(entry) = self.status.tracks.iter().find(|track| track.component == *name) else {
            return true;
        };
        let second = self.observed.tracks.get(name.as_str());
        let ready = second.is_some_and(|second| {
            second.observed_generation >= second.generation
                && second.updated_available() >= self.capacity(entry)
                && !self.is_outdated(name)
        });
        ready || entry.traffic == 100
    }

    /// Whether the pod template of a component's own workload was changed after the second one was copied from it.
    pub(super) fn is_outdated(&self, name: &ComponentName) -> bool {
        let (Running::Old(own), Some(second)) = (self.sight(name), self.observed.tracks.get(name.as_str()))
        else {
            return false;
        };
        matches!((&own.template, &second.made_of), (Some(now), Some(then)) if now != then)
    }

    /// Writes down what is seen of a component's two workloads and its router.
    pub(super) fn see(&mut self, index: usize, own: &WorkloadState, second: Option<&WorkloadState>) {
        let entry = &mut self.status.tracks[index];
        let available = second.map_or(0, WorkloadState::updated_available);
        let has_moved = available > entry.available || own.available > entry.stable_available;
        entry.available = available;
        entry.stable_available = own.available;
        if let Some(place) = &mut entry.place {
            place.orphaned_since = place.orphaned_since.filter(|_| self.observed.environment.is_none());
        }
        let stated = self.observed.traffic.get(entry.component.as_str()).and_then(|state| state.weight);
        if stated.is_some_and(|stated| i32::from(stated.percent()) == entry.traffic) {
            entry.verified = Some(entry.traffic);
            entry.drift = None;
        }
        // the deadline counts from the last progress, as that of a Deployment does
        if has_moved && self.is_shifting() {
            self.freshen_step(own.progress_deadline);
        }
    }

    /// Whether the present step is one that ends when a split is reached.
    pub(super) fn is_shifting(&self) -> bool {
        matches!(
            self.plan().steps.get(self.step()),
            Some(
                PlanStep::Canary(Step::SetWeight(_))
                    | PlanStep::Raise(_)
                    | PlanStep::Switch(_)
                    | PlanStep::Settle(_)
            )
        )
    }

    pub(super) fn goal(&self, index: usize, track_goal: TrackGoal, is_routed: bool) -> Split {
        let entry = &self.status.tracks[index];
        let capacity = self.capacity(entry);
        // behind a router the own workload has the size that people and autoscalers give it
        let own = if is_routed { entry.stable_desired } else { capacity };
        let weighed = |weight| Split { own, ..weight::split(weight, capacity, true) };
        match track_goal {
            TrackGoal::Stay => self.stay(entry, is_routed),
            TrackGoal::Weight if is_routed => weighed(self.desired_weight()),
            TrackGoal::Weight => weight::split(self.desired_weight(), capacity, false),
            TrackGoal::Raise => Split { second: capacity, own, traffic: 0 },
            TrackGoal::Switch => Split { second: capacity, own, traffic: 100 },
            // the old version must be back before anything is sent to it
            TrackGoal::Back if self.is_to_be_put_back(&entry.component) => intent_of(entry),
            TrackGoal::Back | TrackGoal::Settle => Split::home(own),
        }
    }

    /// Whether the own workload runs the new version and can still be given the old one.
    fn is_to_be_put_back(&self, name: &ComponentName) -> bool {
        let was_put_back =
            matches!(self.state_of(name), Some(ComponentState::RolledBack | ComponentState::Failed));
        self.observed.environment.is_some() && !was_put_back && matches!(self.sight(name), Running::New(_))
    }

    /// The weight that is wanted of the canary.
    pub(super) fn desired_weight(&self) -> Weight {
        let desired = self.status.weight.as_ref().map_or(0, |weight| weight.desired);
        u8::try_from(desired).ok().and_then(Weight::new).unwrap_or_default()
    }

    /// When the present shift began.
    pub(super) fn shift_since(&self) -> DateTime<Utc> {
        let set = self.status.weight.as_ref().and_then(|weight| weight.since);
        self.step_started_at().max(set.unwrap_or(DateTime::UNIX_EPOCH))
    }

    /// Why the second workload of a component cannot do what is asked of it.
    pub(super) fn has_failed(&self, index: usize, second: Option<&WorkloadState>) -> Option<String> {
        let entry = &self.status.tracks[index];
        let second = second.filter(|_| entry.desired > 0)?;
        match rollout_status_since(second, self.shift_since(), self.now) {
            RolloutStatus::Failed(message) => Some(message),
            _ => None,
        }
    }

    /// Forgets a second workload that is gone, once everything is where it was before.
    fn forget(&mut self, name: &ComponentName) {
        let is_home = |entry: &TrackProgress| {
            let has_own = self.routing_of(entry).is_some() || entry.stable_desired >= self.capacity(entry);
            entry.desired == 0 && entry.traffic == 0 && has_own
        };
        let kept = |entry: &TrackProgress| entry.component != *name || !is_home(entry);
        let tracks = self.status.tracks.iter().filter(|entry| kept(entry)).cloned().collect();
        self.status.tracks = tracks;
    }

    /// What somebody else changed in a router is taken over: from here on it is what the next change replaces.
    pub(super) fn take_over_routers(&mut self, by: &str) {
        let mut told = Vec::new();
        for entry in &mut self.status.tracks {
            let own = self.observed.workloads.get(entry.component.as_str()).map(|own| own.desired);
            if entry.drift.is_some() && entry.stable_seen.is_some() {
                entry.stable_seen = own;
            }
            let stated = self.observed.traffic.get(entry.component.as_str()).and_then(|state| state.weight);
            if let (Some(_), Some(stated)) = (entry.drift.take(), stated) {
                entry.verified = Some(i32::from(stated.percent()));
                told.push(format!("{} at {stated}", entry.component));
            }
        }
        if !told.is_empty() {
            let message = format!("{by} took over what the router states: {}", told.join(", "));
            self.note(by, "RouterTakenOver", &message);
        }
    }

    /// What the three weights are while second workloads are there.
    pub(super) fn splits(&self) -> Vec<(Split, bool)> {
        let is_canary = self.status.plan.as_ref().is_some_and(|plan| plan.strategy == StrategyName::Canary);
        let split = |entry: &TrackProgress| {
            let is_routed = self.routing_of(entry).is_some();
            let capacity = self.capacity(entry);
            let wanted = if is_canary {
                weight::split(self.desired_weight(), capacity, is_routed)
            } else {
                Split { own: if is_routed { capacity } else { entry.stable_desired }, ..intent_of(entry) }
            };
            (wanted, is_routed)
        };
        self.status.tracks.iter().map(split).collect()
    }
}

pub(super) fn intent_of(entry: &TrackProgress) -> Split {
    Split { second: entry.desired, own: entry.stable_desired, traffic: entry.traffic }
}

/// What of two is to be told first.
fn worse(one: TrackOutcome, other: TrackOutcome) -> TrackOutcome {
    let rank = |outcome: &TrackOutcome| match outcome {
        TrackOutcome::Drifted(_) => 0,
        TrackOutcome::Failed(_) => 1,
        TrackOutcome::Stopped(..) => 2,
        TrackOutcome::Underway(_) => 3,
        TrackOutcome::Reached => 4,
    };
    if rank(&other) < rank(&one) { other } else { one }
}
