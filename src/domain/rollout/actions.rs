//! What people asked for: every action is judged once, in the order in which the API server accepted them.

use super::{Draft, Effect};
use crate::api::release::{ApprovalState, GateState, Paused, Phase};
use crate::api::release_action::{ActionKind, ActionResult, ReleaseAction};
use crate::domain::action::{self, Verdict};
use crate::domain::approval::{self, Review, Tally};
use crate::domain::{environment_action, identity, judged, plan};

/// Actions judged in one decision, so that a flood cannot stop the world.
const AT_ONCE: usize = 16;

/// What orders actions: when the API server accepted them, then their names.
pub(super) fn age(action: &ReleaseAction) -> (Option<chrono::DateTime<chrono::Utc>>, Option<String>) {
    (action.created_at(), action.metadata.name.clone())
}

/// Whether an action makes a release go on.
const fn sets_going(kind: ActionKind) -> bool {
    use ActionKind::{Promote, PromoteFull, Resume, Retry};
    matches!(kind, Resume | Retry | Promote | PromoteFull)
}

impl Draft<'_> {
    /// Judges the actions that nobody has judged yet: a few at once, the stops among them before all others.
    pub(super) fn judge_actions(&mut self) {
        let mut open: Vec<&ReleaseAction> =
            self.observed.actions.iter().filter(|action| !action.is_judged()).collect();
        if open.len() > AT_ONCE {
            self.look_again();
            open.sort_by_key(|action| (!environment_action::stops(action.spec.action), age(action)));
            open.truncate(AT_ONCE);
        }
        open.sort_by_key(|action| age(action));
        self.judge_all(&open);
    }

    pub(super) fn judge_all(&mut self, open: &[&ReleaseAction]) {
        for action in open {
            let name = action.metadata.name.clone().unwrap_or_default();
            let uid = action.metadata.uid.clone().unwrap_or_default();
            // judged and stored, but the answer was lost on its way
            if let Some(result) = judged::verdict(&self.stored.judged_actions, &uid) {
                self.answer_again(action, result);
                continue;
            }
            // an earlier action of this round may have made an approval count
            if matches!(action.spec.action, ActionKind::Approve | ActionKind::Withdraw) {
                self.count_approvals();
                self.count_step_approvals();
            }
            let verdict = self
                .overtaken(action)
                .unwrap_or_else(|| action::judge(self.observed, &self.status, action, self.now));
            judged::remember(&mut self.status.judged_actions, &uid, verdict.result);
            if verdict.is_applied() {
                self.just_applied.insert(uid);
                self.apply(action);
            } else if verdict.is_suspicious {
                let message =
                    format!("{} of {} refused: {}", action.spec.action, action.spec.actor, verdict.message);
                self.note(&action.spec.actor, "ActionRefused", &message);
                self.do_after(Effect::EmitEvent {
                    reason: "ActionRefused".into(),
                    message,
                    is_warning: true,
                });
            }
            self.answer(name, verdict);
        }
    }

    /// The refusal of an action that would set a release going again although somebody has paused it since. Absent where nobody has.
    fn overtaken(&self, action: &ReleaseAction) -> Option<Verdict> {
        if !sets_going(action.spec.action) {
            return None;
        }
        let is_later = |other: &&ReleaseAction| {
            other.spec.action == ActionKind::Pause
                && other.created_at() > action.created_at()
                && self.means_this_release(other)
                && self.was_applied(other)
        };
        let later = self.observed.actions.iter().find(is_later)?;
        let message = format!("{} has paused it since: ask again", later.spec.actor);
        Some(Verdict { result: ActionResult::Refused, message, is_suspicious: false })
    }

    fn answer(&mut self, name: String, verdict: Verdict) {
        self.do_after(Effect::JudgeAction { name, result: verdict.result, message: verdict.message });
    }

    /// Gives the answer that was decided before.
    fn answer_again(&mut self, action: &ReleaseAction, result: ActionResult) {
        let verdict = if result == ActionResult::Applied {
            action::applied(action)
        } else {
            let now = action::judge(self.observed, &self.status, action, self.now);
            let message =
                if now.is_applied() { "it did not fit when it was judged".into() } else { now.message };
            Verdict { result, message, is_suspicious: false }
        };
        self.answer(action.metadata.name.clone().unwrap_or_default(), verdict);
    }

    fn apply(&mut self, action: &ReleaseAction) {
        let by = action.spec.actor.as_str();
        let why = action.spec.reason.as_deref().unwrap_or("no reason given");
        if self.steer_rollouts(action.spec.action, by) {
            return;
        }
        match action.spec.action {
            ActionKind::Approve => {
                let slots = action.spec.slots.as_deref().unwrap_or_default();
                let slots: Vec<_> = slots.iter().map(|slot| slot.name.as_str()).collect();
                let slots = if slots.is_empty() { "any slot".to_owned() } else { slots.join(", ") };
                self.note(by, "Approved", &format!("approved for {slots}"));
                self.look_again();
            }
            ActionKind::Reject => {
                self.enter(Phase::Rejected, by, "Rejected", &format!("rejected by {by}: {why}"));
            }
            ActionKind::Pause => {
                let reason = action.spec.reason.clone();
                let resume_to = self.status.phase;
                self.status.paused = Some(Paused { by: by.to_owned(), at: self.now, reason, resume_to });
                let message = format!("paused by {by}: no further component is started");
                self.enter(Phase::Paused, by, "Paused", &message);
            }
            ActionKind::Resume => {
                self.resume(by);
            }
            ActionKind::Abort => self.abort(by, why),
            ActionKind::Rollback => {
                self.roll_back(by, &format!("rolled back by {by}: {why}"), Phase::RolledBack);
            }
            ActionKind::Retry => self.retry(by),
            ActionKind::SetWeight => {
                let given = action.spec.parameters.as_ref().and_then(|given| given.weight);
                self.set_weight(by, given.unwrap_or_default());
            }
            ActionKind::Promote => self.promote(by, self.step().saturating_add(1), "the next one"),
            ActionKind::PromoteFull => {
                let end = plan::full_step(&self.status).unwrap_or(self.step().saturating_add(1));
                self.promote(by, end, "all weight on the new version");
            }
            _ => self.apply_around(action),
        }
    }

    /// Tries again what the release is held in: the way there, or the way back.
    fn retry(&mut self, by: &str) {
        self.status.refused.clear();
        self.status.contested.clear();
        self.take_over_routers(by);
        self.set_step(self.step());
        if self.status.undo.is_some() {
            self.status.verifying_since = None;
            let message = format!("rolling back is tried again by {by}");
            return self.enter(Phase::RollingBack, by, "Retried", &message);
        }
        self.status.attempt = self.status.attempt.saturating_add(1);
        self.rearm_step();
        self.enter(Phase::Progressing, by, "Retried", &format!("started again by {by}"));
    }

    fn abort(&mut self, by: &str, why: &str) {
        let message = format!("aborted by {by}: {why}");
        if self.status.phase == Phase::Pending {
            self.enter(Phase::Aborted, by, "Aborted", &message);
        } else {
            self.roll_back(by, &message, Phase::Aborted);
        }
    }

    /// Counts approvals while they decide something; afterwards the record stays as it was when execution began.
    pub(super) fn count_approvals(&mut self) {
        if self.status.phase == Phase::Pending {
            let tally = self.tally();
            self.status.approvals = tally.map(|tally| tally.records).unwrap_or_default();
        }
    }

    /// The state of the review at this moment, where the environment asks for one.
    pub(super) fn tally(&self) -> Option<Tally> {
        let environment = self.observed.environment.as_ref()?;
        let policy = environment.spec.approval.as_ref()?;
        let identity = environment.spec.identity.as_ref();
        let release = &self.observed.release;
        let is_requester = |action: &ReleaseAction| {
            identity::is_same(identity, &action.spec.actor, &release.spec.requested_by)
        };
        let given: Vec<&ReleaseAction> = self
            .observed
            .actions
            .iter()
            .filter(|action| matches!(action.spec.action, ActionKind::Approve | ActionKind::Withdraw))
            .filter(|action| self.means_this_release(action))
            .filter(|action| self.was_applied(action) || policy.prevent_self_approval && is_requester(action))
            .collect();
        let review = Review { policy, environment, release, status: &self.status };
        Some(approval::tally(&review, &given, self.now))
    }

    pub(super) fn means_this_release(&self, action: &ReleaseAction) -> bool {
        let uid = self.observed.release.metadata.uid.as_deref();
        action.spec.release.as_ref().is_some_and(|release| Some(release.uid.as_str()) == uid)
    }

    fn was_applied(&self, action: &ReleaseAction) -> bool {
        let uid = action.metadata.uid.as_deref().unwrap_or_default();
        let result = action.status.as_ref().and_then(|status| status.result);
        match result {
            Some(result) => result == ActionResult::Applied,
            None => self.just_applied.contains(uid) || self.stored.judged_actions.iter().any(|j| j == uid),
        }
    }

    /// The last instant at which anybody did anything for this waiting release.
    pub(super) fn last_sign_of_life(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        let approvals = self.status.approvals.iter();
        let counted = approvals.filter(|record| record.state != ApprovalState::SelfApproval).map(|r| r.at);
        counted.chain(self.observed.release.created_at()).max()
    }

    /// Whether the review is what this release waits for.
    pub(super) fn waits_for_approval(&self) -> bool {
        let gate = self.status.gates.iter().find(|gate| gate.name == crate::domain::gate::APPROVAL);
        gate.is_some_and(|gate| gate.state != GateState::Pass)
    }
}
