//! The decision in the making: the status as it will be, and what has been decided so far.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::patience::Wait;
use super::{Decision, Effect, Observed, Requeue};
use crate::api::condition::{Condition, ConditionStatus};
use crate::api::environment::Component;
use crate::api::names::ComponentName;
use crate::api::release::{ComponentState, Phase, Plan, ReleaseStatus, StepProgress};
use crate::domain::attested;
use crate::domain::rollout_verdict::tolerance;
use crate::domain::timeline::{self, CONTROLLER};

/// A decision in the making.
#[derive(Debug)]
pub struct Draft<'a> {
    pub(super) observed: &'a Observed,
    pub(super) now: DateTime<Utc>,
    /// What is stored.
    pub(super) stored: ReleaseStatus,
    /// What will be stored.
    pub(super) status: ReleaseStatus,
    /// Actions that were applied in this very decision.
    pub(super) just_applied: BTreeSet<String>,
    /// What bounds the present wait.
    pub(super) wait: Wait,
    effects: Vec<Effect>,
    requeue: Requeue,
}

impl<'a> Draft<'a> {
    pub(super) fn new(observed: &'a Observed, now: DateTime<Utc>) -> Self {
        let stored = observed.release.status.clone().unwrap_or_default();
        let mut draft = Self {
            observed,
            now,
            status: stored.clone(),
            stored,
            just_applied: BTreeSet::new(),
            wait: Wait::default(),
            effects: Vec::new(),
            requeue: Requeue::OnChange,
        };
        if draft.status.timeline.is_empty() {
            let release = &observed.release;
            let at = release.created_at().unwrap_or(now);
            let reason = release.spec.reason.as_deref().unwrap_or("no reason given");
            let message = format!("{} requested: {reason}", release.spec.version);
            timeline::push(&mut draft.status, at, &release.spec.requested_by, "Requested", message);
        }
        draft
    }

    /// Enters a phase. The only way in which a phase changes.
    pub(super) fn enter(&mut self, phase: Phase, by: &str, reason: &str, message: &str) {
        self.status.phase = phase;
        message.clone_into(&mut self.status.message);
        if phase.is_final() {
            self.status.finished_at = Some(self.now);
            self.status.paused = None;
            self.status.policy = None;
        }
        self.note(by, reason, message);
        let is_warning = matches!(phase, Phase::RollingBack | Phase::Held | Phase::Failed | Phase::Errored);
        self.do_after(Effect::EmitEvent {
            reason: reason.to_owned(),
            message: message.to_owned(),
            is_warning,
        });
        self.look_again();
    }

    /// Enters a phase on the controller's own account.
    pub(super) fn enter_by_itself(&mut self, phase: Phase, reason: &str, message: &str) {
        self.enter(phase, CONTROLLER, reason, message);
    }

    /// Records what happened without a change of phase.
    pub(super) fn note(&mut self, by: &str, reason: &str, message: &str) {
        timeline::push(&mut self.status, self.now, by, reason, message);
    }

    /// One sentence: what it waits for and who can clear it.
    pub(super) fn say(&mut self, message: impl Into<String>) {
        self.status.message = message.into();
    }

    pub(super) fn do_after(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Whether anything is to be changed of a component.
    pub(super) fn wants_change_of(&self, component: &ComponentName) -> bool {
        self.effects.iter().any(|effect| effect.component() == Some(component))
    }

    /// Leaves what would be changed of a component for a later look.
    pub(super) fn postpone(&mut self, component: &ComponentName) {
        self.effects.retain(|effect| effect.component() != Some(component));
    }

    pub(super) fn look_again(&mut self) {
        self.requeue = Requeue::Now;
    }

    pub(super) fn requeue_after(&mut self, span: TimeDelta) {
        self.requeue = match self.requeue {
            Requeue::Now => Requeue::Now,
            Requeue::After(sooner) => Requeue::After(sooner.min(span)),
            Requeue::OnChange => Requeue::After(span),
        };
    }

    /// Looks again at that instant, if it lies ahead.
    pub(super) fn requeue_at(&mut self, at: DateTime<Utc>) {
        if at > self.now {
            self.requeue_after(at.signed_duration_since(self.now).max(TimeDelta::milliseconds(100)));
        }
    }

    pub(super) fn plan(&self) -> Plan {
        self.status.plan.clone().unwrap_or_default()
    }

    /// Index of the present step.
    pub(super) fn step(&self) -> usize {
        self.status.step.as_ref().and_then(|step| usize::try_from(step.index).ok()).unwrap_or(0)
    }

    /// What people call it.
    pub(super) fn step_number(&self) -> usize {
        self.step().saturating_add(1)
    }

    /// When the present step began (again).
    pub(super) fn step_started_at(&self) -> DateTime<Utc> {
        self.status.step.as_ref().map_or(self.now, |step| step.started_at)
    }

    pub(super) fn set_step(&mut self, index: usize) {
        let index = i32::try_from(index).unwrap_or(i32::MAX);
        self.status.step = Some(StepProgress { index, started_at: self.now, until: None, paused_for: None });
    }

    /// Begins the present step anew when its intent is older than a moment: deadlines then count from the change that is about to be
    /// made, however late a controller came to it. Like every intent, it is stored before the change.
    /// `deadline` is the shortest of the workloads that are changed.
    pub(super) fn freshen_step(&mut self, deadline: TimeDelta) {
        if self.now.signed_duration_since(self.step_started_at()) > tolerance(deadline) {
            self.set_step(self.step());
        }
    }

    /// The environment's description of a component, while the environment exists.
    pub(super) fn component(&self, name: &ComponentName) -> Option<&'a Component> {
        self.observed.environment.as_ref()?.spec.component(name.as_str())
    }

    pub(super) fn state_of(&self, name: &ComponentName) -> Option<ComponentState> {
        self.status.components.iter().find(|progress| progress.component == *name).map(|p| p.state)
    }

    /// The decision. Whatever would touch a workload is dropped when the stored intent is not yet this one: it is decided again
    /// once the status is stored.
    pub(super) fn finish(mut self) -> Decision {
        self.status.observed_generation = self.observed.release.metadata.generation;
        self.status.message = timeline::cut(std::mem::take(&mut self.status.message), 1024);
        self.measure_weight();
        self.set_conditions();
        if !is_same_intent(&self.stored, &self.status) {
            let before = self.effects.len();
            self.effects.retain(|effect| !effect.changes_world());
            if self.effects.len() != before || self.status.phase.holds_lane() {
                self.requeue = Requeue::Now;
            }
        }
        Decision { status: self.status, effects: self.effects, requeue: self.requeue }
    }

    fn set_conditions(&mut self) {
        let phase = self.status.phase;
        let gates_pass = !self.status.gates.is_empty()
            && self.status.gates.iter().all(|g| g.state == crate::api::release::GateState::Pass);
        let gates = if gates_pass { ConditionStatus::True } else { ConditionStatus::False };
        let executing = if phase.holds_lane() { ConditionStatus::True } else { ConditionStatus::False };
        let succeeded = match phase {
            Phase::Succeeded => ConditionStatus::True,
            phase if phase.is_final() => ConditionStatus::False,
            _ => ConditionStatus::Unknown,
        };
        let gates_reason = if gates_pass { "AllGatesPass" } else { "GatesHold" };
        self.set_condition("GatesPassed", gates, gates_reason);
        self.set_condition("Executing", executing, phase.as_str());
        self.set_condition("Succeeded", succeeded, phase.as_str());
        self.tell_attested();
    }

    /// Whether the policies attest who asked for this release and who acts on it.
    fn tell_attested(&mut self) {
        let Some(environment) = self.observed.environment.as_ref() else { return };
        let told = attested::condition(environment);
        let (status, reason) = match told.map(|told| told.status) {
            Some(ConditionStatus::True)
                if !attested::is_attested(environment, self.observed.release.created_at()) =>
            {
                (ConditionStatus::False, "AskedForBefore")
            }
            Some(status) => (status, told.map_or("NotAskedYet", |told| told.reason.as_str())),
            None => (ConditionStatus::False, "NotAskedYet"),
        };
        self.set_condition("Attested", status, reason);
    }

    fn set_condition(&mut self, type_: &str, status: ConditionStatus, reason: &str) {
        let message = self.status.message.clone();
        let observed_generation = self.status.observed_generation;
        let new = Condition {
            type_: type_.to_owned(),
            status,
            reason: reason.to_owned(),
            message,
            last_transition_time: self.now,
            observed_generation,
        };
        match self.status.conditions.iter_mut().find(|condition| condition.type_ == type_) {
            Some(old) => {
                let since = if old.status == status { old.last_transition_time } else { self.now };
                *old = Condition { last_transition_time: since, ..new };
            }
            None => self.status.conditions.push(new),
        }
    }
}

/// Whether two statuses intend the same changes of workloads and traffic. An effect is carried out only while the stored status
/// intends what it was decided on.
#[must_use]
pub fn is_same_intent(one: &ReleaseStatus, other: &ReleaseStatus) -> bool {
    intent(one) == intent(other)
}

fn intent(status: &ReleaseStatus) -> impl PartialEq {
    let step = status.step.as_ref().map(|step| (step.index, step.started_at));
    let components: Vec<_> = status.components.iter().map(|p| (p.component.clone(), p.state)).collect();
    let asked: Vec<_> = status.rollouts.iter().map(|r| (r.component.clone(), r.asked.clone())).collect();
    let tracks: Vec<_> = status
        .tracks
        .iter()
        .map(|track| {
            // behind a router the own workload's size is seen, not meant
            let is_seen = track.place.as_ref().is_some_and(|place| place.routing.is_some());
            let own = if is_seen { 0 } else { track.stable_desired };
            (track.component.clone(), track.desired, own, track.traffic)
        })
        .collect();
    (status.phase, step, components, tracks, (status.attempt, status.undo.is_some()), asked)
}
