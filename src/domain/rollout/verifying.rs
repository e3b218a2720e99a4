//! Verifying: everything is rolled out and is watched for a time before it counts as succeeded.

use chrono::TimeDelta;

use super::patience::{Lapse, MEASURING, PATIENCE};
use super::progress::Running;
use super::{Draft, FAST, contested};
use crate::api::names::ComponentName;
use crate::api::release::{ComponentState, Phase, PlanStep};
use crate::domain::rollout_status::{RolloutStatus, WorkloadState};
use crate::domain::span;
use crate::domain::{plan, resume};

impl Draft<'_> {
    /// Every component is rolled out and every smoke probe has passed.
    pub(super) fn begin_watch(&mut self) {
        self.status.verifying_since = Some(self.now);
        if let Some(step) = &mut self.status.step {
            step.paused_for = None;
        }
        let message = match self.bake() {
            Some(bake) => {
                format!("rolled out; watched for {}", crate::api::Duration::from_millis(millis(bake)))
            }
            None => "rolled out".to_owned(),
        };
        self.enter_by_itself(Phase::Verifying, "RolledOut", &message);
    }

    fn bake(&self) -> Option<TimeDelta> {
        self.plan().steps.iter().find_map(|step| match step {
            PlanStep::Bake(bake) => Some(bake.duration.to_delta()),
            _ => None,
        })
    }

    /// Watches until the time is over and everything is well.
    pub(super) fn watch_result(&mut self) {
        if self.watch() {
            return;
        }
        let since = self.status.verifying_since.unwrap_or(self.now);
        let end = resume::end(&self.status, since, self.bake().unwrap_or_default(), self.now);
        if let Some(incomplete) = self.look_at_everything() {
            let message = match incomplete {
                Err(message) => return self.fail_rollout(&message),
                Ok(message) if end.checked_add_signed(PATIENCE).is_some_and(|late| self.now >= late) => {
                    return self.fail_rollout(&message);
                }
                Ok(message) => message,
            };
            self.say(message);
            self.waits_at_most(end, PATIENCE, Lapse::Rollout);
            return self.requeue_after(FAST);
        }
        if self.now < end {
            self.waits_openly();
            self.say(format!("watched until {}", end.format("%Y-%m-%d %H:%M:%SZ")));
            self.requeue_at(end);
            return self.requeue_after(FAST);
        }
        if let Some(open) = self.health_open_since(since) {
            self.say(format!("waits for a passing health check of {open}"));
            self.waits_at_most(end, span::sum(PATIENCE, self.longest_interval()), Lapse::Health);
            return self.requeue_after(FAST);
        }
        if let Some(verdict) = self.impending_failure() {
            self.waits_at_most(end, MEASURING, Lapse::Analysis);
            self.say(format!("watched until analysis {} has decided: {}", verdict.name, verdict.detail));
            return self.requeue_after(FAST);
        }
        self.set_step(self.plan().steps.len());
        let spec = &self.observed.release.spec;
        let (reason, verb) =
            if self.without_pods().is_empty() { ("Succeeded", "runs") } else { ("SetWithoutPods", "is set") };
        let message = format!("{} {verb} in {}{}", spec.version, spec.environment, self.reservations());
        self.enter_by_itself(Phase::Succeeded, reason, &message);
    }

    /// What is not complete: `Ok` may become so, `Err` may not.
    fn look_at_everything(&mut self) -> Option<Result<String, String>> {
        let plan = self.plan();
        let mut waiting = None;
        for name in plan::components(&plan) {
            match self.sight(name) {
                Running::New(workload) => match self.follow(name, &workload) {
                    RolloutStatus::Done(_) if workload.kept_back() > 0 => {
                        waiting = waiting.or(Some(Ok(kept_back(name, &workload))));
                    }
                    RolloutStatus::Done(_) => self.set_state(name, ComponentState::Done),
                    RolloutStatus::Waiting(message) => waiting = waiting.or(Some(Ok(message))),
                    RolloutStatus::Failed(message) => return Some(Err(message)),
                },
                Running::Old(_) => return Some(Err(format!("somebody else put {name} back"))),
                Running::Foreign(image) => {
                    return Some(Err(format!("somebody else changed {name} to {image}")));
                }
                Running::Gone => return Some(Err(format!("the workload of {name} is gone"))),
            }
        }
        waiting
    }
}

/// That a StatefulSet keeps pods at another version, and who has set its partition.
pub(super) fn kept_back(name: &ComponentName, workload: &WorkloadState) -> String {
    let by = workload.partition_by.as_deref().unwrap_or_default();
    format!(
        "{} of {} pods of {name} keep their old version: {} has set its partition to {}",
        workload.kept_back(),
        workload.desired,
        contested::who(by),
        workload.partition.unwrap_or_default()
    )
}

fn millis(span: TimeDelta) -> u64 {
    u64::try_from(span.num_milliseconds()).unwrap_or_default()
}
