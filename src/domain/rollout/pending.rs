//! Pending: a release waits for its gates, and holds nothing meanwhile.

use super::{Draft, Effect, SLOW};
use crate::api::release::{
    ContainerRecord, GateState, GateStatus, Phase, Plan, PolicyChange, RevisionRecord,
};
use crate::api::stored;
use crate::domain::gate::{self, Evaluation, Moment};
use crate::domain::labelled::labelled;
use crate::domain::timeline::CONTROLLER;
use crate::domain::{containers, governing, lane, plan, track};

impl Draft<'_> {
    /// The plan follows the environment's policy until execution begins; then it stays.
    pub(super) fn refresh_plan(&mut self) {
        if self.status.phase != Phase::Pending {
            return;
        }
        let Some(environment) = self.observed.environment.as_ref() else { return };
        // a plan made without the parts that are missing would make every approval stale
        if !stored::is_understood(environment) {
            return;
        }
        let old = self.status.plan.clone();
        let fresh = plan::renewed(environment, &self.observed.release, old.as_ref());
        if old.is_some_and(|old| old.digest != fresh.digest) {
            let what = fresh.changed.as_ref().map_or("the plan changed".to_owned(), governing::sentence);
            let message = format!("{what}; approvals of the earlier plan no longer count");
            self.note(CONTROLLER, "PlanChanged", &message);
        }
        self.status.plan = Some(fresh);
    }

    /// Notes once that the policy has changed under a release that has begun, which keeps the policy that it began with.
    pub(super) fn note_policy_change(&mut self) {
        let Some(plan) = self.status.plan.as_mut().filter(|_| self.status.phase.holds_lane()) else { return };
        let Some(governs) = &self.observed.governs else { return };
        if plan.policy.is_empty() || plan.policy == governs.hashes {
            return;
        }
        let change = PolicyChange {
            sections: governing::difference(&plan.policy, &governs.hashes),
            ..governs.change.clone()
        };
        if plan.changed.as_ref().is_some_and(|told| told.hash == change.hash) {
            return;
        }
        let message =
            format!("{}; this release keeps the policy that it began with", governing::sentence(&change));
        plan.changed = Some(change);
        self.note(CONTROLLER, "PolicyChanged", &message);
        self.do_after(Effect::EmitEvent { reason: "PolicyChanged".into(), message, is_warning: true });
    }

    /// Evaluates every gate, and begins when all of them pass.
    pub(super) fn wait_for_gates(&mut self) {
        if self.ends_as_running() || self.is_superseded() {
            return;
        }
        let evaluation = self.evaluate(Moment::Waiting);
        self.status.gates.clone_from(&evaluation.gates);
        self.ask(&evaluation);
        if let Some((phase, why)) = &evaluation.fatal {
            self.enter_by_itself(*phase, phase.as_str(), why);
        } else if evaluation.passes() {
            self.begin();
        } else if !self.has_expired() {
            self.wait_for(&evaluation);
        }
    }

    pub(super) fn evaluate(&self, moment: Moment) -> Evaluation {
        let tally = self.tally();
        gate::evaluate(self.observed, &self.status, tally.as_ref(), moment, self.now)
    }

    /// Asks the questions that are due.
    pub(super) fn ask(&mut self, evaluation: &Evaluation) {
        for (name, question) in &evaluation.questions {
            self.do_after(Effect::Ask { name: name.clone(), question: question.clone() });
            self.requeue_after(super::FAST);
        }
    }

    fn wait_for(&mut self, evaluation: &Evaluation) {
        if let Some(gate) = evaluation.foremost() {
            let mut message = sentence(gate);
            for remark in self.remarks(evaluation) {
                message = format!("{message}; {remark}");
            }
            self.say(message);
        }
        for instant in self.instants(evaluation) {
            self.requeue_at(instant);
        }
        self.requeue_after(SLOW);
    }

    /// What everybody should know of a release besides what it waits for.
    fn remarks(&self, evaluation: &Evaluation) -> Vec<String> {
        let of = |name: &str| evaluation.gates.iter().find(|gate| gate.name == name);
        let is_foremost = |gate: &GateStatus| evaluation.foremost().is_some_and(|f| f.name == gate.name);
        let turn = of(lane::GATE).filter(|gate| gate.state != GateState::Pass && !is_foremost(gate));
        let told = [of(gate::DOWNGRADE), of(gate::ROLLED_BACK)];
        let lapsed = gate::emergency_ends(&self.observed.release).filter(|end| *end <= self.now);
        let lapsed = lapsed.map(|end| format!("no longer an emergency since {}", end.format("%H:%M:%SZ")));
        let details = turn.into_iter().chain(told.into_iter().flatten()).map(|gate| gate.detail.clone());
        details.chain(lapsed).collect()
    }

    /// The instants at which time alone can change the verdict.
    fn instants(&self, evaluation: &Evaluation) -> Vec<chrono::DateTime<chrono::Utc>> {
        let gates = evaluation.gates.iter().filter_map(|gate| gate.clears_at);
        let forced = self.status.overrides.iter().map(|forced| forced.until);
        gates.chain(forced).chain(gate::emergency_ends(&self.observed.release)).collect()
    }

    /// Records what runs now and takes the lane. Nothing is changed before this is stored.
    fn begin(&mut self) {
        let plan = self.plan();
        let is_beside = track::of(plan.strategy).is_some();
        let release = &self.observed.release;
        self.status.before = plan::components(&plan)
            .filter_map(|name| {
                let workload = self.observed.workloads.get(name.as_str())?;
                Some(RevisionRecord {
                    component: name.clone(),
                    image: workload.image.clone()?,
                    revision: workload.revision,
                    replicas: is_beside.then_some(workload.desired),
                    partition: workload.partition,
                })
            })
            .collect();
        self.status.containers = self.containers_before(&plan);
        let environment = self.observed.environment.as_ref().and_then(|found| found.status.as_ref());
        self.status.configs = environment.map(|found| found.configs.clone()).unwrap_or_default();
        self.status.policy = self.observed.environment.as_ref().map(|found| governing::sections(&found.spec));
        self.status.started_at = Some(self.now);
        self.status.attempt = self.status.attempt.max(1);
        self.list_components(&plan);
        self.list_tracks();
        self.set_step(0);
        self.rearm_step();
        let downgrade = self.status.gates.iter().find(|gate| gate.name == gate::DOWNGRADE);
        let remark = downgrade.map_or(String::new(), |gate| format!("; it {}", gate.detail));
        let message = format!("{} begins: every gate passes{remark}", release.spec.version);
        self.enter_by_itself(Phase::Progressing, "Started", &message);
    }

    /// What the further containers of each component run now.
    fn containers_before(&self, plan: &Plan) -> Vec<ContainerRecord> {
        let mut records = Vec::new();
        for name in plan::components(plan) {
            let found = self.component(name).zip(self.observed.workloads.get(name.as_str()));
            let Some((component, workload)) = found else { continue };
            records.extend(containers::further(component, workload).map(|found| ContainerRecord {
                component: name.clone(),
                container: found.name.clone(),
                image: found.image.clone(),
            }));
        }
        records
    }

    /// Goes back to waiting before anything was changed: the world moved between the verdict and the act.
    pub(super) fn step_back(&mut self, gate: &GateStatus) {
        self.status.before.clear();
        self.status.containers.clear();
        self.status.configs.clear();
        self.status.components.clear();
        self.status.tracks.clear();
        self.status.weight = None;
        self.status.step = None;
        self.status.started_at = None;
        self.status.policy = None;
        let message = format!("back in the queue before anything was changed: {}", sentence(gate));
        self.enter_by_itself(Phase::Pending, "GatesReopened", &message);
    }

    fn is_superseded(&mut self) -> bool {
        let understood = self.observed.environment.as_ref().filter(|env| stored::is_understood(*env));
        let supersedes = understood.is_some_and(|env| env.spec.supersede);
        if !supersedes {
            return false;
        }
        let Some(newer) = lane::superseded_by(&self.observed.release, &self.observed.others) else {
            return false;
        };
        let name = newer.metadata.name.clone().unwrap_or_default();
        let message = format!("superseded by {name} ({})", newer.spec.version);
        self.status.superseded_by = Some(name);
        self.enter_by_itself(Phase::Superseded, "Superseded", &message);
        true
    }

    /// Nobody approved in time: neither since the request nor since the last approval.
    fn has_expired(&mut self) -> bool {
        let limit = self
            .observed
            .environment
            .as_ref()
            .filter(|environment| stored::is_understood(*environment))
            .and_then(|environment| environment.spec.approval.as_ref())
            .and_then(|approval| approval.expires_after);
        let (Some(limit), Some(last), true) = (limit, self.last_sign_of_life(), self.waits_for_approval())
        else {
            return false;
        };
        let Some(end) = last.checked_add_signed(limit.to_delta()) else { return false };
        if end > self.now {
            self.requeue_at(end);
            return false;
        }
        self.enter_by_itself(Phase::Expired, "Expired", &format!("nobody approved within {limit}"));
        true
    }
}

/// `waits for NAME: DETAIL; cleared by WHO`.
pub(super) fn sentence(gate: &GateStatus) -> String {
    let verb = match gate.state {
        GateState::Fail => "is stopped by",
        GateState::NoData => "is held by",
        GateState::Wait | GateState::Pass => "waits for",
    };
    let who = gate.cleared_by.as_deref().map_or(String::new(), |who| format!("; cleared by {who}"));
    format!("{verb} {}{who}", labelled(&gate.name, &gate.detail))
}
