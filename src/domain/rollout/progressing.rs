//! Progressing: one step of the plan after the other; a wave begins when the one before it is rolled out.

use chrono::TimeDelta;

use super::progress::Running;
use super::{Draft, FAST, contested};
use crate::api::names::ComponentName;
use crate::api::release::{
    ComponentState, GateState, GateStatus, PartStep, Paused, Phase, PlanStep, RollStep,
};
use crate::api::strategy::Strategy;
use crate::domain::gate::{self, Moment};
use crate::domain::rollout_status::RolloutStatus;
use crate::domain::timeline::CONTROLLER;
use crate::domain::{governing, plan, span};

/// How long a started release waits for missing check results before its first change. After that it returns to the queue.
const ANSWERS: TimeDelta = TimeDelta::seconds(15);

impl Draft<'_> {
    /// Carries out the present step as far as the world allows.
    pub(super) fn carry_out_step(&mut self) {
        if self.is_orphaned() || self.watch() {
            return;
        }
        self.requeue_after(FAST);
        if !self.moves_on(self.track_goal()) {
            return;
        }
        let plan = self.plan();
        match plan.steps.get(self.step()) {
            Some(PlanStep::Roll(roll)) => self.roll(roll),
            Some(PlanStep::Part(part)) => self.roll_part(part),
            Some(PlanStep::Smoke(_)) => self.smoke(),
            Some(PlanStep::Bake(_)) | None => self.begin_watch(),
            Some(PlanStep::Canary(step)) => self.canary_step(step),
            Some(PlanStep::Raise(_)) => self.raised(),
            Some(PlanStep::Switch(_)) => self.switched(),
            Some(PlanStep::Keep(keep)) => self.keep(keep),
            Some(PlanStep::Settle(_)) => self.settled(),
        }
    }

    fn roll(&mut self, roll: &RollStep) {
        if self.carry_on(&roll.components) {
            self.advance(roll.wave);
        }
    }

    fn roll_part(&mut self, part: &PartStep) {
        if !self.carry_on(&part.components) {
            return;
        }
        let of = |name: &ComponentName| {
            let progress = self.status.components.iter().find(|progress| progress.component == *name);
            progress.map_or(String::new(), |p| format!("{} of {} pods of {name}", p.updated, p.total))
        };
        let parts: Vec<String> = part.components.iter().map(of).collect();
        self.next_step("PartRolledOut", &format!("{} run the new version", parts.join(", ")));
    }

    /// Changes what is not changed yet, and follows the rest; whether all of it is done.
    fn carry_on(&mut self, components: &[ComponentName]) -> bool {
        let mut untouched = Vec::new();
        let mut message = None;
        for name in components {
            match self.look_at(name) {
                Ok(Some(waiting)) => message = message.or(Some(waiting)),
                Ok(None) => {}
                Err(Trouble::Untouched(image)) => untouched.push((name.clone(), image)),
                Err(Trouble::Contested(why)) => {
                    self.hold(contested::REASON, &why);
                    return false;
                }
                Err(Trouble::Failed(why)) => {
                    self.set_state(name, ComponentState::Failed);
                    if let Some(progress) = self.progress(name) {
                        progress.message.clone_from(&why);
                    }
                    self.fail_rollout(&why);
                    return false;
                }
            }
        }
        if !untouched.is_empty() {
            self.change(&untouched);
            return false;
        }
        let is_done = |name| self.state_of(name) == Some(ComponentState::Done);
        let all = components.iter().all(is_done);
        if let Some(message) = message.filter(|_| !all) {
            self.say(message);
        }
        all
    }

    /// Follows one component; `Ok(Some)` tells what it waits for.
    fn look_at(&mut self, name: &ComponentName) -> Result<Option<String>, Trouble> {
        let written = self.was_written(name);
        match self.sight(name) {
            Running::New(workload) if self.is_kept_back(name, &workload) => {
                self.contest_partition(name, &workload).map_err(Trouble::Contested)?;
                Err(Trouble::Untouched(workload.image.unwrap_or_default()))
            }
            Running::New(workload) => match self.follow(name, &workload) {
                RolloutStatus::Done(_) => {
                    self.set_state(name, ComponentState::Done);
                    Ok(None)
                }
                RolloutStatus::Waiting(message) => Ok(Some(message)),
                RolloutStatus::Failed(message) => Err(Trouble::Failed(message)),
            },
            Running::Old(workload) if written => {
                let image = workload.image.unwrap_or_default();
                Err(Trouble::Failed(format!("somebody else put {name} back to {image}")))
            }
            Running::Old(workload) => Err(Trouble::Untouched(workload.image.unwrap_or_default())),
            Running::Foreign(image) => {
                Err(Trouble::Failed(format!("somebody else changed {name} to {image}")))
            }
            Running::Gone => Err(Trouble::Failed(format!("the workload of {name} is gone"))),
        }
    }

    /// Changes components that still run what they ran before, if nothing has come in between.
    fn change(&mut self, untouched: &[(ComponentName, String)]) {
        if self.has_changed_anything() {
            if let Some(gate) = gate::standing(self.observed, &self.status, self.now) {
                let message = super::pending::sentence(&gate);
                self.say(format!("no further component is started: it {message}"));
                self.put_gate(gate);
                return;
            }
            self.keep_clear(gate::DENY_LIST, "no image is denied");
        } else if !self.may_begin() {
            return;
        }
        let deadlines = untouched.iter().filter_map(|(name, _)| self.observed.workloads.get(name.as_str()));
        let shortest = deadlines.map(|workload| workload.progress_deadline).min();
        self.freshen_step(shortest.unwrap_or(TimeDelta::MAX));
        for (name, from) in untouched {
            let Some(to) = self.target(name).map(ToOwned::to_owned) else { continue };
            self.set_image(name, from, &to, "set to");
        }
        let names: Vec<_> = untouched.iter().map(|(name, _)| name.as_str()).collect();
        self.say(format!("changing {}", names.join(", ")));
    }

    /// Asks every gate again at the moment of execution, before the first change; whether it may be made.
    pub(super) fn may_begin(&mut self) -> bool {
        if let Some(gate) = self.plan_changed() {
            self.step_back(&gate);
            return false;
        }
        let evaluation = self.evaluate(Moment::Executing);
        self.ask(&evaluation);
        if let Some((phase, why)) = &evaluation.fatal {
            self.status.tracks.clear();
            self.enter_by_itself(*phase, phase.as_str(), why);
            return false;
        }
        let holds = evaluation.foremost().cloned();
        self.status.gates.clone_from(&evaluation.gates);
        match &holds {
            Some(gate) if gate.state == GateState::NoData && self.may_still_answer() => {
                self.say(format!(
                    "checking again before the first change: it {}",
                    super::pending::sentence(gate)
                ));
                self.requeue_after(super::FAST);
            }
            Some(gate) => self.step_back(gate),
            None => {}
        }
        holds.is_none()
    }

    /// Whether missing check results may still arrive. A controller that takes over has none yet, and must not requeue a release that
    /// another controller has just started.
    fn may_still_answer(&self) -> bool {
        self.status.started_at.is_some_and(|started| self.now < span::after(started, ANSWERS))
    }

    /// The policy may have changed between the verdict and the act; what was approved is then another plan.
    fn plan_changed(&self) -> Option<GateStatus> {
        let environment = self.observed.environment.as_ref()?;
        let fresh = plan::renewed(environment, &self.observed.release, Some(&self.plan()));
        let what = fresh.changed.as_ref().map(governing::sentence);
        (fresh.digest != self.plan().digest).then(|| GateStatus {
            name: "plan".to_owned(),
            state: GateState::Wait,
            detail: what.unwrap_or_else(|| "the environment's policy has changed the plan".to_owned()),
            cleared_by: Some("the controller, which asks every gate again".to_owned()),
            ..GateStatus::default()
        })
    }

    fn advance(&mut self, wave: i32) {
        let next = self.step().saturating_add(1);
        let plan = self.plan();
        self.note(CONTROLLER, "WaveRolledOut", &format!("wave {wave} is rolled out"));
        self.enter_step(next);
        let pauses =
            matches!(self.settings(), Some(Strategy::Rolling(rolling)) if rolling.pause_between_waves);
        if pauses && matches!(plan.steps.get(next), Some(PlanStep::Roll(_))) {
            let reason = Some("the environment pauses between waves".to_owned());
            self.status.paused =
                Some(Paused { by: CONTROLLER.into(), at: self.now, reason, resume_to: Phase::Progressing });
            let who =
                format!("someone with shift on environments/{}", self.observed.release.spec.environment);
            let message = format!("paused between waves: cleared by {who}, who resumes it");
            self.enter_by_itself(Phase::Paused, "PausedBetweenWaves", &message);
        }
    }

    /// The step after this one, where no wave was rolled.
    pub(super) fn advance_quietly(&mut self) {
        self.enter_step(self.step().saturating_add(1));
    }
}

enum Trouble {
    Untouched(String),
    Contested(String),
    Failed(String),
}
