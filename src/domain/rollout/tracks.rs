//! Second workloads of a release: what is meant of each stands in the status before it is done, and what is seen beside it.

use chrono::{DateTime, Utc};

use super::Draft;
use super::progress::Sight;
use super::shift::{Move, Router, Scene};
use crate::api::names::ComponentName;
use crate::api::release::{PlanStep, TrackProgress, Weights};
use crate::api::strategy::{Step, Strategy, StrategyName, Weight};
use crate::domain::rollout_status::{RolloutStatus, WorkloadState, rollout_status_since};
use crate::domain::weight::{self, Split};
use crate::domain::{plan, track};

/// Where the second workloads are to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
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
pub(super) enum Course {
    /// There, and seen to be there.
    Reached,
    /// On the way, or waiting for that.
    Underway(String),
    /// They cannot get there.
    Failed(String),
    /// Somebody else was here.
    Drifted(String),
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
        let Some(track) = track::of(plan.strategy) else { return };
        for name in plan::components(&plan) {
            let Some(workload) = self.component(name).map(|component| component.workload.name.clone()) else {
                continue;
            };
            let pods = self.pods_before(name);
            if self.is_change(name) && pods > 0 {
                self.status.tracks.push(TrackProgress {
                    component: name.clone(),
                    track,
                    workload: track.workload_name(&workload),
                    desired: 0,
                    available: 0,
                    stable_desired: pods,
                    stable_available: 0,
                    traffic: 0,
                    verified: None,
                    drift: None,
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
    pub(super) fn shift(&mut self, aim: Aim) -> Course {
        if self.status.tracks.is_empty() {
            return Course::Reached;
        }
        let Some(settings) = self.settings() else {
            let name = &self.observed.release.spec.environment;
            return Course::Underway(format!("environments/{name} does not exist: nothing is shifted"));
        };
        let names: Vec<ComponentName> =
            self.status.tracks.iter().map(|track| track.component.clone()).collect();
        let together = aim == Aim::Switch && !names.iter().all(|name| self.is_raised(name));
        let aim = if together { Aim::Stay } else { aim };
        let mut course = Course::Reached;
        for name in names {
            let found = self.shift_one(&name, aim, &settings);
            if found == Course::Reached && matches!(aim, Aim::Settle | Aim::Back) {
                self.forget(&name);
            }
            course = worse(course, found);
        }
        if together && course == Course::Reached {
            return Course::Underway("waiting for every second workload to be ready".to_owned());
        }
        course
    }

    /// Whether the second workload of a component could take all traffic, or takes it already.
    fn is_raised(&self, name: &ComponentName) -> bool {
        let second = self.observed.tracks.get(name.as_str());
        let ready = second.is_some_and(|second| {
            second.observed_generation >= second.generation
                && second.updated_available() >= self.pods_before(name)
        });
        ready || self.status.tracks.iter().any(|track| track.component == *name && track.traffic == 100)
    }

    fn shift_one(&mut self, name: &ComponentName, aim: Aim, settings: &Strategy) -> Course {
        let Some(own) = self.observed.workloads.get(name.as_str()) else {
            return Course::Failed(format!("the workload of {name} is gone"));
        };
        let Some(index) = self.status.tracks.iter().position(|track| track.component == *name) else {
            return Course::Reached;
        };
        let routing = track::routing(settings, name);
        let second = self.observed.tracks.get(name.as_str());
        let stated = self.observed.traffic.get(name.as_str());
        self.see(index, own, second);
        let router = match (&routing, stated) {
            (None, _) => Router::None,
            (Some(_), None) => Router::Unread,
            (Some(_), Some(state)) => Router::Read(state),
        };
        let goal = self.goal(index, aim, routing.is_some());
        let image = self.target(name).unwrap_or_default().to_owned();
        let entry = &self.status.tracks[index];
        let scene = Scene {
            track: entry.track,
            own,
            second,
            image: &image,
            router,
            intent: intent_of(entry),
            verified: entry.verified,
            is_urgent: aim == Aim::Back,
        };
        let next = scene.next_move(goal);
        if let Some(why) = self.has_failed(index, aim, second) {
            return Course::Failed(why);
        }
        if let Move::Wait(why) = &next
            && aim != Aim::Back
            && self.is_shifting()
            && self.now - self.shift_since() > own.progress_deadline
        {
            let limit = crate::api::Duration::from_secs(own.progress_deadline.num_seconds().unsigned_abs());
            return Course::Failed(format!("{why}, and nothing has moved for {limit}"));
        }
        self.take(index, next, routing)
    }

    /// Writes down what is seen of a component's two workloads and its router.
    fn see(&mut self, index: usize, own: &WorkloadState, second: Option<&WorkloadState>) {
        let entry = &mut self.status.tracks[index];
        let available = second.map_or(0, WorkloadState::updated_available);
        let has_moved = available > entry.available || own.available > entry.stable_available;
        entry.available = available;
        entry.stable_available = own.available;
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

    fn goal(&self, index: usize, aim: Aim, is_routed: bool) -> Split {
        let entry = &self.status.tracks[index];
        let pods = self.pods_before(&entry.component);
        match aim {
            Aim::Stay => intent_of(entry),
            Aim::Weight => weight::split(self.desired_weight(), pods, is_routed),
            Aim::Raise => Split { second: pods, own: pods, traffic: 0 },
            Aim::Switch => Split { second: pods, own: pods, traffic: 100 },
            // the old version must be back before anything is sent to it
            Aim::Back if matches!(self.sight(&entry.component), Sight::New(_)) => intent_of(entry),
            Aim::Back | Aim::Settle => Split::home(pods),
        }
    }

    /// The weight that is wanted of the canary.
    pub(super) fn desired_weight(&self) -> Weight {
        let desired = self.status.weight.as_ref().map_or(0, |weight| weight.desired);
        u8::try_from(desired).ok().and_then(Weight::new).unwrap_or_default()
    }

    /// When the present shift began.
    fn shift_since(&self) -> DateTime<Utc> {
        let set = self.status.weight.as_ref().and_then(|weight| weight.since);
        self.step_started_at().max(set.unwrap_or(DateTime::UNIX_EPOCH))
    }

    /// Why the second workload of a component cannot do what is asked of it.
    fn has_failed(&self, index: usize, aim: Aim, second: Option<&WorkloadState>) -> Option<String> {
        if matches!(aim, Aim::Settle | Aim::Back) {
            return None;
        }
        let entry = &self.status.tracks[index];
        let stated = entry.verified.unwrap_or(0).min(entry.traffic);
        if stated > 0 && second.is_none_or(|second| second.available == 0) {
            let name = &entry.workload;
            return Some(format!("no pod of {name} is available, while it gets {stated}% of the traffic"));
        }
        let second = second.filter(|_| entry.desired > 0)?;
        match rollout_status_since(second, self.shift_since(), self.now) {
            RolloutStatus::Failed(message) => Some(message),
            _ => None,
        }
    }

    /// Forgets a second workload that is gone, once everything is where it was before.
    fn forget(&mut self, name: &ComponentName) {
        let home = Split::home(self.pods_before(name));
        self.status.tracks.retain(|entry| entry.component != *name || intent_of(entry) != home);
    }

    /// What somebody else changed in a router is taken over: from here on it is what the next change replaces.
    pub(super) fn take_over_routers(&mut self, by: &str) {
        let mut told = Vec::new();
        for entry in &mut self.status.tracks {
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
        let Some(settings) = self.settings() else { return Vec::new() };
        let is_canary = self.status.plan.as_ref().is_some_and(|plan| plan.strategy == StrategyName::Canary);
        let split = |entry: &TrackProgress| {
            let is_routed = track::routing(&settings, &entry.component).is_some();
            let pods = self.pods_before(&entry.component);
            let wanted = if is_canary {
                weight::split(self.desired_weight(), pods, is_routed)
            } else {
                intent_of(entry)
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
fn worse(one: Course, other: Course) -> Course {
    let rank = |course: &Course| match course {
        Course::Drifted(_) => 0,
        Course::Failed(_) => 1,
        Course::Underway(_) => 2,
        Course::Reached => 3,
    };
    if rank(&other) < rank(&one) { other } else { one }
}
