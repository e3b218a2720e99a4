//! Steps in the middle of a rollout that wait for people or for numbers.

use super::Draft;
use super::patience::{Lapse, MEASURING, PATIENCE};
use crate::api::environment::Approval;
use crate::api::release::{GateState, GateStatus, PlanStep};
use crate::api::release_action::{ActionKind, ReleaseAction};
use crate::api::strategy::{AnalysisStep, ApprovalStep, ChecklistStep, Step};
use crate::domain::approval::{self, Review, Tally};
use crate::domain::{gate, plan};

impl Draft<'_> {
    /// The approval that the present step asks for.
    fn approval_step(&self) -> Option<(i32, ApprovalStep)> {
        match plan::present(&self.status)? {
            (index, PlanStep::Canary(Step::Approval(step))) => Some((index, step.clone())),
            _ => None,
        }
    }

    fn policy_of_step(&self, step: &ApprovalStep) -> Option<Approval> {
        let policy = self.observed.environment.as_ref()?.spec.approval.as_ref()?;
        let policy = approval::policy_of_step(policy, step);
        (!policy.slots.is_empty()).then_some(policy)
    }

    /// Counts the approvals that were given for the present step, beside those that let the release begin.
    pub(super) fn count_step_approvals(&mut self) {
        let Some((index, step)) = self.approval_step() else { return };
        let Some(tally) = self.tally_of_step(index, &step) else { return };
        let records = &mut self.status.approvals;
        records.retain(|record| record.step != Some(index));
        records.extend(tally.records.into_iter().map(|mut record| {
            record.step = Some(index);
            record
        }));
        approval::trim(records);
    }

    fn tally_of_step(&self, index: i32, step: &ApprovalStep) -> Option<Tally> {
        let policy = self.policy_of_step(step)?;
        let given: Vec<&ReleaseAction> = self
            .observed
            .actions
            .iter()
            .filter(|action| action.spec.action == ActionKind::Approve && self.means_this_release(action))
            .filter(|action| {
                let name = action.metadata.name.as_deref().unwrap_or_default();
                let is_known = |record: &crate::api::release::ApprovalRecord| {
                    record.step == Some(index) && record.action == name
                };
                let uid = action.metadata.uid.as_deref().unwrap_or_default();
                self.just_applied.contains(uid) || self.status.approvals.iter().any(is_known)
            })
            .collect();
        let environment = self.observed.environment.as_ref()?;
        let release = &self.observed.release;
        let review = Review { policy: &policy, environment, release, status: &self.status };
        Some(approval::tally(&review, &given, self.now))
    }

    /// Waits until enough distinct people have agreed since the step began.
    pub(super) fn await_approval(&mut self, step: &ApprovalStep) {
        let number = self.step_number();
        let who = format!("someone with approve on environments/{}", self.observed.release.spec.environment);
        let tally = self.approval_step().and_then(|(index, step)| self.tally_of_step(index, &step));
        let Some(tally) = tally else {
            self.waits_at_most(self.step_started_at(), PATIENCE, Lapse::People);
            return self.wait_at_gate(GateStatus {
                name: gate::APPROVAL.to_owned(),
                state: GateState::NoData,
                detail: format!(
                    "step {number} asks for an approval, and the environment states no slots for it"
                ),
                cleared_by: Some("a platform owner, who corrects spec.approval, or an abort".to_owned()),
                ..GateStatus::default()
            });
        };
        let (taken, needed) = tally.count();
        if tally.is_enough() {
            self.keep_gate(
                gate::APPROVAL,
                GateState::Pass,
                &format!("step {number}: {taken} of {needed} people"),
            );
            return self.next_step("StepApproved", &format!("step {number} is approved by {taken} people"));
        }
        let policy = self.policy_of_step(step);
        let requester = &self.observed.release.spec.requested_by;
        let but = if policy.is_some_and(|policy| policy.prevent_self_approval) {
            format!(", not {requester}")
        } else {
            String::new()
        };
        let missing = tally.missing().join(", ");
        self.waits_openly();
        self.wait_at_gate(GateStatus {
            name: gate::APPROVAL.to_owned(),
            state: GateState::Wait,
            detail: format!("step {number}: {taken} of {needed} people; open: {missing}"),
            cleared_by: Some(format!("{who}{but}")),
            command: Some(format!("release-cockpit approve {}", self.observed.release.key())),
            ..GateStatus::default()
        });
    }

    /// Waits until every item is ticked that was open when the step began.
    pub(super) fn await_checklist(&mut self, step: &ChecklistStep) {
        let number = self.step_number();
        let since = self.step_started_at();
        let items = gate::step_items(self.observed.environment.as_ref(), step);
        let open: Vec<&str> = items
            .iter()
            .map(String::as_str)
            .filter(|item| gate::ticked_since(&self.status, item, since).is_none())
            .collect();
        let (done, all) = (items.len().saturating_sub(open.len()), items.len());
        let Some(first) = open.first() else {
            let detail = format!("step {number}: {done} of {all} ticked");
            self.keep_gate(gate::CHECKLIST, GateState::Pass, &detail);
            return self.next_step("StepChecked", &detail);
        };
        self.waits_openly();
        let (key, environment) = (self.observed.release.key(), &self.observed.release.spec.environment);
        let command = format!("release-cockpit check {key} --item '{}'", first.replace('\'', r"'\''"));
        let detail = format!("step {number}: {done} of {all} ticked; open: {}", open.join(", "));
        self.wait_at_gate(GateStatus {
            name: gate::CHECKLIST.to_owned(),
            state: GateState::Wait,
            detail: crate::domain::timeline::cut(detail, 512),
            cleared_by: Some(format!("someone with approve on environments/{environment}")),
            command: Some(command).filter(|command| command.chars().count() <= 512),
            ..GateStatus::default()
        });
    }

    /// Waits until every named analysis passes on what was measured since the step began.
    pub(super) fn await_analysis(&mut self, step: &AnalysisStep) {
        let since = self.step_started_at();
        let known = self.observed.environment.as_ref().map_or(&[][..], |env| env.spec.analysis.as_slice());
        let names: Vec<String> = match step.names.as_slice() {
            [] => known.iter().map(|analysis| analysis.name.clone()).collect(),
            named => named.to_vec(),
        };
        let environment = &self.observed.release.spec.environment;
        if names.is_empty() {
            self.waits_at_most(since, PATIENCE, Lapse::Analysis);
            return self.wait_at_gate(GateStatus {
                name: "analysis".to_owned(),
                state: GateState::NoData,
                detail: format!(
                    "step {} asks for an analysis, and {environment} states none",
                    self.step_number()
                ),
                cleared_by: Some(format!("someone with shift (promote) on environments/{environment}")),
                ..GateStatus::default()
            });
        }
        let mut open = None;
        for name in names {
            let verdict = self.status.analysis.iter().find(|verdict| verdict.name == name);
            let (state, detail) = match verdict {
                Some(v) if v.state == GateState::Pass && v.at.is_some_and(|at| at >= since) => continue,
                Some(v) if v.state == GateState::Pass => (GateState::Wait, "is measured again for this step"),
                Some(v) => (v.state, v.detail.as_str()),
                None => (GateState::NoData, "has not been measured yet"),
            };
            let gate = GateStatus {
                name: format!("analysis/{name}"),
                state,
                detail: detail.to_owned(),
                cleared_by: Some(format!(
                    "the numbers, when they are there and good; someone with shift (promote) or rollback on environments/{environment}"
                )),
                ..GateStatus::default()
            };
            open = open.or(Some(gate));
        }
        if let Some(gate) = open {
            let limit = if gate.state == GateState::NoData { PATIENCE } else { MEASURING };
            let from = if gate.state == GateState::NoData { self.unmeasured_since() } else { since };
            self.waits_at_most(from.max(since), limit, Lapse::Analysis);
            return self.wait_at_gate(gate);
        }
        self.clear_gates("analysis");
        self.next_step("AnalysisPassed", &format!("every analysis of step {} passes", self.step_number()));
    }

    fn clear_gates(&mut self, prefix: &str) {
        for gate in &mut self.status.gates {
            if gate.name.starts_with(prefix) && gate.state != GateState::Pass {
                gate.state = GateState::Pass;
                "passes".clone_into(&mut gate.detail);
                (gate.cleared_by, gate.command) = (None, None);
            }
        }
    }
}
