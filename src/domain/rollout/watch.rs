//! Health checks and smoke probes while a release executes.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Draft, Effect};
use crate::api::environment::{HealthCheck, Probe};
use crate::api::release::GateState;
use crate::domain::health::{Question, health_name, smoke_name};

/// Between two asks of a health check where the environment names no interval.
const HEALTH_INTERVAL: TimeDelta = TimeDelta::seconds(10);
/// Between two asks of a smoke probe that has not passed yet.
const SMOKE_INTERVAL: TimeDelta = TimeDelta::seconds(3);
/// How long a smoke probe may fail where the environment names no deadline.
const SMOKE_DEADLINE: TimeDelta = TimeDelta::seconds(60);

impl Draft<'_> {
    fn health_checks(&self) -> Vec<HealthCheck> {
        let gates = self.observed.environment.as_ref().and_then(|env| env.spec.gates.as_ref());
        gates.map(|gates| gates.health.clone()).unwrap_or_default()
    }

    fn probes(&self) -> Vec<Probe> {
        let gates = self.observed.environment.as_ref().and_then(|env| env.spec.gates.as_ref());
        gates.map(|gates| gates.smoke.clone()).unwrap_or_default()
    }

    /// Answers count from the start of this attempt: failures of the version before are not this one's.
    fn counted_from(&self) -> DateTime<Utc> {
        let started = self.status.started_at.unwrap_or(self.now);
        if self.status.attempt > 1 { started.max(self.step_started_at()) } else { started }
    }

    /// Watches everything that can tell that the new version is bad; whether the release failed by it.
    pub(super) fn watch(&mut self) -> bool {
        self.watch_health()
    }

    /// Asks the health checks that are due and judges them; whether the release failed by them.
    pub(super) fn watch_health(&mut self) -> bool {
        if !self.has_changed_anything() {
            return false;
        }
        let from = self.counted_from();
        let counts = self.observed.environment.as_ref().is_none_or(|env| env.spec.rollback_on.health_checks);
        for (index, check) in self.health_checks().into_iter().enumerate() {
            let name = health_name(index);
            let interval = check.interval.map_or(HEALTH_INTERVAL, crate::api::Duration::to_delta);
            self.ask_when_due(&name, interval, Question::Http(check.http.clone()));
            let failures = self.observed.answers.failures_in_a_row(&name, from);
            let threshold = usize::try_from(check.failure_threshold.max(1)).unwrap_or(1);
            let Some(last) = self.observed.answers.last_since(&name, from).cloned() else { continue };
            if failures >= threshold {
                let why = format!(
                    "{failures} health checks of {} failed in a row: {}",
                    check.http.url, last.detail
                );
                self.keep_gate(&name, GateState::Fail, &last.detail);
                if counts {
                    self.fail("HealthChecksFailed", &why);
                    return true;
                }
            } else if last.state == GateState::Fail {
                let detail = format!("{failures} of {threshold} failures in a row: {}", last.detail);
                self.keep_gate(&name, GateState::Wait, &detail);
            } else {
                self.keep_gate(&name, last.state, &last.detail);
            }
        }
        false
    }

    /// Asks a question if it is time, and makes sure that somebody looks again when it is.
    fn ask_when_due(&mut self, name: &str, interval: TimeDelta, question: Question) {
        // an interval of nothing would never let go
        let interval = interval.max(TimeDelta::milliseconds(500));
        if self.observed.answers.is_due(name, interval, self.now) {
            self.do_after(Effect::Ask { name: name.to_owned(), question });
        }
        self.requeue_after(interval);
    }

    /// The health checks that have not passed since `since`, or not as their last word.
    pub(super) fn health_open_since(&self, since: DateTime<Utc>) -> Option<String> {
        self.health_checks().iter().enumerate().find_map(|(index, check)| {
            let last = self.observed.answers.last_since(&health_name(index), since);
            let passed = last.is_some_and(|answer| answer.state == GateState::Pass);
            (!passed).then(|| check.http.url.clone())
        })
    }

    /// Asks the smoke probes until each has passed, or one has failed for too long.
    pub(super) fn smoke(&mut self) {
        let since = self.step_started_at();
        let mut open = None;
        for (index, probe) in self.probes().into_iter().enumerate() {
            let name = smoke_name(index);
            let last = self.observed.answers.last_since(&name, since).cloned();
            if let Some(answer) = last.as_ref().filter(|answer| answer.state == GateState::Pass) {
                self.keep_gate(&name, GateState::Pass, &answer.detail);
                continue;
            }
            let deadline = probe.deadline.map_or(SMOKE_DEADLINE, crate::api::Duration::to_delta);
            let is_over = since.checked_add_signed(deadline).is_some_and(|end| end <= self.now);
            match &last {
                Some(answer) if answer.state == GateState::Fail && is_over => {
                    self.keep_gate(&name, GateState::Fail, &answer.detail);
                    let why = format!("smoke probe {} failed: {}", probe.http.url, answer.detail);
                    return self.fail("SmokeFailed", &why);
                }
                Some(answer) => self.keep_gate(&name, answer.state, &answer.detail),
                None => {}
            }
            open = open.or(Some(probe.http.url.clone()));
            self.ask_when_due(&name, SMOKE_INTERVAL, Question::Http(probe.http));
        }
        if let Some(url) = open {
            self.say(format!("waits for the smoke probe {url}"));
        } else {
            self.note(crate::domain::timeline::CONTROLLER, "SmokePassed", "every smoke probe passed");
            self.advance_quietly();
        }
    }
}
