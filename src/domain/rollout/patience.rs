//! No release that holds the lane waits for ever: what stands still for too long fails, or is held for a person.
//!
//! Owns how long that is. Each place that waits says what for; whatever says nothing waits for pods. Time that a plan or a freeze
//! states, and people who are asked at a step, are waited for without a limit.

use chrono::{DateTime, TimeDelta, Utc};

use super::Draft;
use crate::api::environment::OnFailure;
use crate::api::release::{ComponentProgress, GateState, Phase, ReleaseStatus, TrackProgress};
use crate::domain::rollout_status::WorkloadState;
use crate::domain::span;

/// How long an answer, or pods without a deadline of their own, are waited for.
pub(super) const PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// How long an analysis may measure without a verdict.
pub(super) const MEASURING: TimeDelta = TimeDelta::hours(6);
/// How long pods are waited for whose workload states that it has no deadline.
const UNLIMITED: TimeDelta = TimeDelta::hours(1);
/// How long a workload's own controller has to say that its deadline has passed, before it is said here.
const SLACK: TimeDelta = TimeDelta::minutes(1);
/// How long something stands still before the time that is left is shown.
const QUIET: TimeDelta = TimeDelta::minutes(1);

/// What bounds the present wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wait {
    /// Pods: for as long as their workloads may stand still.
    #[default]
    Pods,
    /// Nothing: a person is asked, or an instant is stated.
    Open,
    /// An answer, from that instant for that long.
    AtMost(DateTime<Utc>, TimeDelta, Lapse),
}

/// What fails when nothing comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lapse {
    /// The rollout.
    Rollout,
    /// The health checks.
    Health,
    /// An analysis.
    Analysis,
    /// A smoke probe.
    Smoke,
    /// Nothing: a person must decide.
    People,
}

impl Draft<'_> {
    /// Waits for people or time, however long.
    pub(super) fn waits_openly(&mut self) {
        self.wait = Wait::Open;
    }

    /// Waits for an answer from an instant on, and no longer than that.
    pub(super) fn waits_at_most(&mut self, from: DateTime<Utc>, limit: TimeDelta, lapse: Lapse) {
        self.wait = Wait::AtMost(from, limit, lapse);
    }

    /// Since when an analysis has had no data.
    pub(super) fn unmeasured_since(&self) -> DateTime<Utc> {
        let open = self.status.analysis.iter().filter(|verdict| verdict.state == GateState::NoData);
        open.filter_map(|verdict| verdict.since).min().unwrap_or(self.step_started_at())
    }

    /// Fails what has stood still for too long; tells the time that is left where it has stood still for a while.
    pub(super) fn mind_the_time(&mut self) {
        let phase = self.status.phase;
        if !matches!(phase, Phase::Progressing | Phase::Verifying | Phase::RollingBack) {
            return;
        }
        if self.status.moved_at.is_none() || has_moved(&self.stored, &self.status) {
            self.status.moved_at = Some(self.now);
        }
        let moved = self.status.moved_at.unwrap_or(self.now);
        let (since, limit, lapse) = match self.wait {
            Wait::Open => return,
            Wait::Pods => (moved, self.longest_standstill(), Lapse::Rollout),
            Wait::AtMost(from, limit, lapse) => (moved.max(from), limit, lapse),
        };
        let Some(end) = since.checked_add_signed(limit) else { return };
        if self.now >= end {
            return self.lapse(lapse, limit);
        }
        self.requeue_at(end);
        if self.now.signed_duration_since(since) >= QUIET {
            let minutes = end.signed_duration_since(self.now).num_minutes().saturating_add(1);
            let message = format!(
                "{}; {} in {minutes} min unless it changes",
                self.status.message,
                self.outcome(lapse)
            );
            self.say(message);
        }
    }

    fn lapse(&mut self, lapse: Lapse, limit: TimeDelta) {
        let span = crate::api::Duration::from_secs(limit.num_seconds().unsigned_abs());
        let why = format!("nothing has changed for {span}: {}", self.status.message);
        if self.status.phase == Phase::RollingBack {
            return self.hold("RollbackStuck", &why);
        }
        match lapse {
            Lapse::Rollout => self.fail_rollout(&why),
            Lapse::Smoke => self.fail("SmokeFailed", &why),
            Lapse::Health if self.counts(lapse) => self.fail("HealthUnanswered", &why),
            Lapse::Analysis if self.counts(lapse) => self.fail("AnalysisUnanswered", &why),
            Lapse::Health => self.hold("HealthUnanswered", &why),
            Lapse::Analysis => self.hold("AnalysisUnanswered", &why),
            Lapse::People => self.hold("NobodyCanAnswer", &why),
        }
    }

    /// Whether the environment takes it for a failure.
    fn counts(&self, lapse: Lapse) -> bool {
        self.observed.environment.as_ref().is_none_or(|environment| {
            let on = &environment.spec.rollback_on;
            match lapse {
                Lapse::Rollout => on.rollout_failed,
                Lapse::Health => on.health_checks,
                Lapse::Analysis => on.analysis,
                Lapse::Smoke => true,
                Lapse::People => false,
            }
        })
    }

    fn outcome(&self, lapse: Lapse) -> &'static str {
        let on_failure = self.observed.environment.as_ref().map(|env| env.spec.on_failure);
        let rolls_back = self.status.phase != Phase::RollingBack
            && self.counts(lapse)
            && on_failure.unwrap_or_default() == OnFailure::Rollback;
        if rolls_back { "rolled back" } else { "held" }
    }

    /// How long the workloads of this release may stand still.
    fn longest_standstill(&self) -> TimeDelta {
        if self.status.rollouts.iter().any(|rollout| {
            rollout.analyses.iter().any(|run| matches!(run.phase.as_str(), "Pending" | "Running"))
        }) {
            return MEASURING;
        }
        let all = self.observed.workloads.values().chain(self.observed.tracks.values());
        all.map(|workload| span::sum(deadline(workload), SLACK)).fold(PATIENCE, TimeDelta::max)
    }
}

fn deadline(workload: &WorkloadState) -> TimeDelta {
    if workload.progress_deadline >= TimeDelta::seconds(i32::MAX.into()) {
        UNLIMITED
    } else {
        workload.progress_deadline
    }
}

/// Whether a release has come nearer to its end, or was sent somewhere else.
fn has_moved(before: &ReleaseStatus, after: &ReleaseStatus) -> bool {
    aims(before) != aims(after)
        || after.components.iter().any(|now| {
            let then = before.components.iter().find(|then| then.component == now.component);
            then.is_none_or(|then| now.updated > then.updated || now.available > then.available)
        })
        || after.tracks.iter().any(|now| {
            let then = before.tracks.iter().find(|then| then.component == now.component);
            then.is_none_or(|then| {
                now.available > then.available || now.stable_available > then.stable_available
            })
        })
        || before.rollouts != after.rollouts
}

/// Everything that changes only when something moves on.
fn aims(status: &ReleaseStatus) -> impl PartialEq {
    let track = |track: &TrackProgress| {
        let TrackProgress { component, desired, stable_desired, traffic, verified, .. } = track;
        (component.clone(), *desired, *stable_desired, *traffic, *verified)
    };
    let component = |progress: &ComponentProgress| (progress.component.clone(), progress.state);
    (
        (status.phase, status.step.as_ref().map(|step| step.index), status.attempt),
        (status.undo.as_ref().map(|undo| undo.at), status.verifying_since),
        status.weight.as_ref().map(|weight| weight.desired),
        status.tracks.iter().map(track).collect::<Vec<_>>(),
        status.components.iter().map(component).collect::<Vec<_>>(),
    )
}
