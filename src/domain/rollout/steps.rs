//! The steps of a canary and of a blue-green switch: what each waits for, and when the next one begins.

use chrono::TimeDelta;

use super::patience::{Lapse, PATIENCE};
use super::tracks::{TrackGoal, TrackOutcome};
use super::{Draft, FAST};
use crate::api::Duration;
use crate::api::names::ComponentName;
use crate::api::release::{
    BakeStep, ComponentState, PartStep, Paused, Phase, PlanStep, RollStep, TrackProgress, Weights,
};
use crate::api::strategy::{Pause, Step, StrategyName, Weight};
use crate::domain::timeline::CONTROLLER;
use crate::domain::{gate, plan, resume, weight};

impl Draft<'_> {
    /// Enters a step and writes down what it means to change.
    pub(super) fn enter_step(&mut self, index: usize) {
        self.set_step(index);
        self.rearm_step();
        self.look_again();
    }

    /// What the present step means to change: the intent that stands in the status before the act.
    pub(super) fn rearm_step(&mut self) {
        let plan = self.plan();
        match plan.steps.get(self.step()) {
            Some(
                PlanStep::Roll(RollStep { components, .. }) | PlanStep::Part(PartStep { components, .. }),
            ) => {
                for progress in &mut self.status.components {
                    if components.contains(&progress.component) {
                        progress.state = ComponentState::Progressing;
                        progress.revision = None;
                    }
                }
            }
            // what a person has sent beyond this step already is not taken back by it
            Some(PlanStep::Canary(Step::SetWeight(weight))) if !self.is_set_beyond(*weight) => {
                self.want_weight(*weight, None);
            }
            Some(PlanStep::Switch(_)) => self.want_weight(Weight::FULL, None),
            _ => {}
        }
    }

    fn is_set_beyond(&self, weight: Weight) -> bool {
        let by_hand = self.status.weight.as_ref().is_some_and(|weight| weight.by.is_some());
        by_hand && self.desired_weight() > weight
    }

    /// Wants a weight from now on, for the plan or for a person.
    pub(super) fn want_weight(&mut self, weight: Weight, by: Option<&str>) {
        let desired = i32::from(weight.percent());
        let weights = self.status.weight.get_or_insert_default();
        let since = weights.since.filter(|_| weights.desired == desired);
        *weights = Weights {
            desired,
            since: since.or(Some(self.now)),
            by: by.map(ToOwned::to_owned),
            ..weights.clone()
        };
    }

    /// What a step asks of the second workloads.
    pub(super) fn track_goal(&self) -> TrackGoal {
        let plan = self.plan();
        match plan.steps.get(self.step()) {
            Some(PlanStep::Canary(_)) if plan.strategy == StrategyName::Canary => TrackGoal::Weight,
            Some(PlanStep::Raise(_)) => TrackGoal::Raise,
            Some(PlanStep::Switch(_)) => TrackGoal::Switch,
            Some(PlanStep::Settle(_)) => TrackGoal::Settle,
            _ => TrackGoal::Stay,
        }
    }

    /// Moves the second workloads on; whether the present step may go on.
    pub(super) fn moves_on(&mut self, track_goal: TrackGoal) -> bool {
        if self.status.tracks.is_empty() {
            return true;
        }
        if !self.may_shift() {
            return false;
        }
        match self.shift(track_goal) {
            TrackOutcome::Reached => true,
            TrackOutcome::Underway(why) => {
                self.say(why);
                false
            }
            TrackOutcome::Failed(why) => {
                self.fail_rollout(&why);
                false
            }
            TrackOutcome::Drifted(why) => {
                self.stop_for_drift(&why);
                false
            }
            TrackOutcome::Stopped(reason, why) => {
                self.hold(reason, &why);
                false
            }
        }
    }

    /// Whether anything still stands against sending more to the new version.
    fn may_shift(&mut self) -> bool {
        if !self.has_changed_anything() {
            return self.may_begin();
        }
        let grows = matches!(self.track_goal(), TrackGoal::Weight | TrackGoal::Raise | TrackGoal::Switch);
        let standing = gate::standing(self.observed, &self.status, self.now).filter(|_| grows);
        if let Some(gate) = standing {
            let message = super::pending::sentence(&gate);
            self.say(format!("no further traffic is shifted: it {message}"));
            self.put_gate(gate);
            self.keep_standing();
            return false;
        }
        self.keep_clear(gate::DENY_LIST, "no image is denied");
        true
    }

    /// What serves beside the own workloads is kept as large as its share needs, and left where it lost its pods; a share that was meant
    /// and not reached yet is not reached now.
    pub(super) fn keep_standing(&mut self) {
        let is_there = |track: &TrackProgress| track.verified.unwrap_or(0) >= track.traffic;
        if !self.status.tracks.iter().all(is_there) {
            return;
        }
        if let TrackOutcome::Failed(why) = self.shift(TrackGoal::Stay) {
            self.fail_rollout(&why);
        }
    }

    /// Nothing that somebody else changed is overwritten silently: a person decides.
    fn stop_for_drift(&mut self, why: &str) {
        if self.status.phase == Phase::Paused {
            return;
        }
        let environment = &self.observed.release.spec.environment;
        let message = format!(
            "paused: {why}; cleared by someone with shift (resume, which takes it over) or rollback on environments/{environment}"
        );
        self.pause_by_itself("RouterDrifted", why, &message);
    }

    fn pause_by_itself(&mut self, reason: &str, why: &str, message: &str) {
        let why = crate::domain::timeline::cut(why.to_owned(), 1024);
        let resume_to = Phase::Progressing;
        self.status.paused =
            Some(Paused { by: CONTROLLER.into(), at: self.now, reason: Some(why), resume_to });
        self.enter_by_itself(Phase::Paused, reason, message);
    }

    /// One step out of the environment's canary, or between raising green and the switch.
    pub(super) fn canary_step(&mut self, step: &Step) {
        match step {
            Step::SetWeight(wanted) => {
                let said = weight::sentence(self.desired_weight(), &self.splits());
                let by = self.status.weight.as_ref().and_then(|weight| weight.by.clone());
                let told = if self.desired_weight() == *wanted {
                    said
                } else {
                    format!("{said}, set by {}", by.unwrap_or_default())
                };
                self.next_step("WeightReached", &told);
            }
            Step::Pause(pause) => match pause.duration {
                Some(duration) => self.pass_time(duration.to_delta(), "the pause"),
                None => self.pause_by_plan(),
            },
            Step::Analysis(step) => self.await_analysis(step),
            Step::Approval(step) => self.await_approval(step),
            Step::Checklist(step) => self.await_checklist(step),
        }
    }

    /// The next step begins, since this one is over.
    pub(super) fn next_step(&mut self, reason: &str, why: &str) {
        // no data is never green: what nobody can judge gets no more traffic
        let at = self.desired_weight();
        let grows = matches!(
            self.plan().steps.get(self.step().saturating_add(1)),
            Some(PlanStep::Canary(Step::SetWeight(next))) if *next > at && at > Weight::ZERO
        ) || resume::weight_before_next_step(&self.status).is_some();
        if let Some(gate) = self.held_by_numbers().filter(|_| grows) {
            self.waits_at_most(self.unmeasured_since(), PATIENCE, Lapse::Analysis);
            return self.wait_at_gate(gate);
        }
        self.note(CONTROLLER, reason, why);
        if !self.returns_to_plan() {
            self.enter_step(self.step().saturating_add(1));
        }
    }

    /// Sends what the plan wants at this step, where a person holds the release below it and the next step would send more; whether
    /// that comes first. The step then lasts as long again, except where people have agreed to it already.
    fn returns_to_plan(&mut self) -> bool {
        let Some(planned) = resume::weight_before_next_step(&self.status) else { return false };
        let from = self.desired_weight();
        self.want_weight(planned, None);
        let waits_for_people = matches!(
            plan::present(&self.status),
            Some((_, PlanStep::Canary(Step::Approval(_) | Step::Checklist(_))))
        );
        if !waits_for_people {
            self.set_step(self.step());
        }
        let why = format!(
            "from {from} to the plan's {planned} before step {}",
            self.step_number().saturating_add(1)
        );
        self.note(CONTROLLER, "WeightRestored", &why);
        self.look_again();
        true
    }

    /// A person lets it go on; a pause that the plan made is over with that.
    pub(super) fn resume(&mut self, by: &str) {
        let next = resume::after_resume(&self.status, self.now);
        let paused = self.status.paused.take();
        self.restart_clock(paused.as_ref());
        let resume_to = paused.as_ref().map_or(Phase::Progressing, |paused| paused.resume_to);
        let is_drifted = self.status.tracks.iter().any(|track| track.drift.is_some());
        self.take_over_routers(by);
        self.enter(resume_to, by, "Resumed", &format!("resumed by {by}: {next}"));
        let planned = self.plan();
        let ends_pause = paused.is_some_and(|paused| paused.by == CONTROLLER)
            && matches!(
                planned.steps.get(self.step()),
                Some(PlanStep::Canary(Step::Pause(Pause { duration: None })))
            );
        if ends_pause && !is_drifted && !self.returns_to_plan() {
            self.enter_step(self.step().saturating_add(1));
        }
    }

    /// The plan's clock goes on where it stopped.
    fn restart_clock(&mut self, paused: Option<&Paused>) {
        let (Some(paused), Some(step)) = (paused, &mut self.status.step) else { return };
        let stood = u64::try_from(self.now.signed_duration_since(paused.at).num_milliseconds()).unwrap_or(0);
        let before = step.paused_for.unwrap_or_default().as_millis();
        step.paused_for = Some(Duration::from_millis(before.saturating_add(stood)));
    }

    /// A person goes to a later step.
    pub(super) fn promote(&mut self, by: &str, to: usize, what: &str) {
        self.status.paused = None;
        let message = format!("{by} went from step {} to {what}", self.step_number());
        if self.status.phase == Phase::Progressing {
            self.note(by, "Promoted", &message);
        } else {
            self.enter(Phase::Progressing, by, "Promoted", &message);
        }
        self.enter_step(to);
    }

    /// A person shifts the weight; the next step that sets one takes over.
    pub(super) fn set_weight(&mut self, by: &str, percent: i32) {
        let weight = u8::try_from(percent).ok().and_then(Weight::new).unwrap_or_default();
        let from = self.desired_weight();
        self.want_weight(weight, Some(by));
        let said = weight::sentence(weight, &self.splits());
        self.note(by, "WeightSet", &format!("{by} went from {from} to {said}"));
        self.look_again();
    }

    fn pause_by_plan(&mut self) {
        let environment = &self.observed.release.spec.environment;
        let weight = self.status.weight.as_ref().filter(|_| !self.status.tracks.is_empty());
        let at = weight.map_or(String::new(), |weight| format!(" at {}%", weight.desired));
        let message = format!(
            "paused{at}, as step {} says: cleared by someone with shift (promote, resume) on environments/{environment}",
            self.step_number()
        );
        self.pause_by_itself("PausedByPlan", &format!("step {} of the plan", self.step_number()), &message);
    }

    /// Lets time pass until the step is over.
    fn pass_time(&mut self, span: TimeDelta, what: &str) {
        let end = resume::end_of_step(&self.status, span, self.now);
        if let Some(step) = &mut self.status.step {
            step.until = Some(end);
        }
        if end > self.now {
            self.waits_openly();
            self.say(format!("{what} ends at {}", end.format("%Y-%m-%d %H:%M:%SZ")));
            return self.requeue_at(end);
        }
        self.next_step("PauseEnded", &format!("{what} of step {} is over", self.step_number()));
    }

    /// The second workloads are up; nothing is sent to them yet.
    pub(super) fn raised(&mut self) {
        let names: Vec<_> = self.status.tracks.iter().map(|track| track.workload.clone()).collect();
        let names = if names.is_empty() { "nothing to raise".to_owned() } else { names.join(", ") };
        self.next_step("Raised", &format!("at full size, without traffic: {names}"));
    }

    /// All traffic goes to the second workloads.
    pub(super) fn switched(&mut self) {
        self.next_step("Switched", "all traffic goes to the new version; the old one stays beside it");
    }

    /// The first workloads stay as they are for a time, for an instant way back.
    pub(super) fn keep(&mut self, keep: &BakeStep) {
        self.pass_time(keep.duration.to_delta(), "keeping the old version for an instant way back");
    }

    /// The second workloads are gone, and the own ones serve everything.
    pub(super) fn settled(&mut self) {
        self.next_step(
            "Settled",
            "the environment's own workloads serve everything; the second ones are removed",
        );
    }

    /// What holds the present step stands as a gate, so that whoever can clear it finds it.
    pub(super) fn wait_at_gate(&mut self, gate: crate::api::release::GateStatus) {
        self.say(super::pending::sentence(&gate));
        self.put_gate(gate);
        self.requeue_after(FAST);
    }

    /// Whether a component's own workload carries its old version, and no pod of it is available.
    pub(super) fn is_dead(&self, name: &ComponentName) -> bool {
        self.pods_before(name) > 0
            && self.observed.workloads.get(name.as_str()).is_none_or(|own| own.available == 0)
    }
}
