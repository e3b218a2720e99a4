//! Health checks, analyses, alerts and smoke probes while a release executes.

use chrono::{DateTime, TimeDelta, Utc};

use super::patience::{Lapse, PATIENCE};
use super::{Draft, Effect};
use crate::api::environment::{HealthCheck, Probe};
use crate::api::release::{AnalysisVerdict, GateState, GateStatus, Phase, PlanStep};
use crate::domain::health::{Question, health_name, smoke_name};
use crate::domain::labelled::labelled;
use crate::domain::span;
use crate::domain::{alerts, analysis, plan};

/// What keeps an old version from being well again.
pub(super) enum MissingAnswer {
    /// It may come.
    NotYet(String),
    /// It has failed as often as the environment tolerates.
    Failed(String),
}

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
        self.watch_health() || self.watch_numbers() || self.watch_alerts()
    }

    /// Measures what is due and judges it; whether the release failed by it. No data fails nothing, and lets nothing grow either:
    /// see [`Draft::held_by_numbers`].
    fn watch_numbers(&mut self) -> bool {
        let Some(environment) = self.observed.environment.as_ref() else { return false };
        if !self.has_changed_anything() {
            return false;
        }
        let (release, answers) = (&self.observed.release, &self.observed.answers);
        for (name, question) in analysis::questions(environment, release, answers, self.now) {
            self.do_after(Effect::Ask { name, question });
        }
        if let Some(span) = analysis::look_again(environment) {
            self.requeue_after(span);
        }
        // what was counted and until when go into the same write: a crash counts no interval twice
        self.status.evidence = analysis::advance(environment, release, answers, self.now);
        let (evidence, since) = (&self.status.evidence, self.counted_from());
        self.status.analysis = analysis::judge(environment, (release, evidence), answers, since, self.now);
        let mut failed = None;
        let takes_over = analysis::takes_over(&self.status);
        for verdict in self.status.analysis.clone() {
            let gate = format!("analysis/{}", verdict.name);
            if takes_over && matches!(verdict.state, GateState::NoData | GateState::Wait) {
                // nothing waits for it any more
                self.status.gates.retain(|other| other.name != gate);
            } else {
                self.keep_gate(&gate, verdict.state, &verdict.detail);
            }
            if verdict.state == GateState::Fail {
                failed = failed.or(Some(format!("analysis {}", labelled(&verdict.name, &verdict.detail))));
            }
        }
        let Some(why) = failed else { return false };
        if environment.spec.rollback_on.analysis {
            self.fail("AnalysisFailed", &why);
        } else {
            self.hold("AnalysisFailed", &why);
        }
        true
    }

    /// The analysis whose limit the release exceeds now, and whose `for` or `failureLimit` has still to decide: nothing succeeds meanwhile.
    pub(super) fn impending_failure(&self) -> Option<AnalysisVerdict> {
        let environment = self.observed.environment.as_ref()?;
        let (release, answers) = (&self.observed.release, &self.observed.answers);
        let name = analysis::impending(environment, release, answers, self.counted_from(), self.now)?;
        self.status.analysis.iter().find(|verdict| verdict.name == name).cloned()
    }

    /// Asks for the named alerts; whether one speaks against the release.
    fn watch_alerts(&mut self) -> bool {
        let Some(environment) = self.observed.environment.as_ref() else { return false };
        if !self.has_changed_anything() {
            return false;
        }
        let answers = &self.observed.answers;
        if let Some((name, question)) = alerts::due(environment, answers, self.now) {
            self.do_after(Effect::Ask { name, question });
        }
        let Some((state, detail)) = alerts::state(environment, answers, self.counted_from(), self.now) else {
            return false;
        };
        self.requeue_after(HEALTH_INTERVAL);
        self.keep_gate(alerts::NAME, state, &detail);
        if state == GateState::Fail {
            self.fail("AlertFiring", &detail);
        }
        state == GateState::Fail
    }

    /// The analysis without data that keeps a canary from getting more traffic.
    pub(super) fn held_by_numbers(&self) -> Option<GateStatus> {
        let verdict = self.status.analysis.iter().find(|verdict| verdict.state == GateState::NoData)?;
        let environment = &self.observed.release.spec.environment;
        let who = format!("data; someone with shift (promote) or rollback on environments/{environment}");
        Some(GateStatus {
            name: format!("analysis/{}", verdict.name),
            state: GateState::NoData,
            detail: verdict.detail.clone(),
            cleared_by: Some(who),
            ..GateStatus::default()
        })
    }

    /// Asks whether the old version is well again; the sentence tells what is missing, and whether it will ever come.
    pub(super) fn old_version_lacks(&mut self, since: DateTime<Utc>) -> Option<MissingAnswer> {
        for (index, check) in self.health_checks().into_iter().enumerate() {
            let name = health_name(index);
            let interval = check.interval.map_or(HEALTH_INTERVAL, crate::api::Duration::to_delta);
            self.ask_when_due(&name, interval, Question::Http(check.http.clone()));
            let threshold = usize::try_from(check.failure_threshold.max(1)).unwrap_or(1);
            let failures = self.observed.answers.failures_in_a_row(&name, since);
            let last = self.observed.answers.last_since(&name, since);
            let detail = last.map_or_else(|| "no answer yet".to_owned(), |answer| answer.detail.clone());
            match last.map(|answer| answer.state) {
                Some(GateState::Pass) => self.keep_gate(&name, GateState::Pass, &detail),
                _ if failures >= threshold => {
                    return Some(MissingAnswer::Failed(format!("{} still fails: {detail}", check.http.url)));
                }
                _ => {
                    return Some(MissingAnswer::NotYet(format!(
                        "a passing health check of {}: {detail}",
                        check.http.url
                    )));
                }
            }
        }
        None
    }

    /// Asks the health checks that are due and judges them; whether the release failed by them.
    pub(super) fn watch_health(&mut self) -> bool {
        if !self.has_changed_anything() && self.status.phase != Phase::Verifying {
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
            let detail = last.map_or("no answer yet", |answer| answer.detail.as_str());
            (!passed).then(|| format!("{}: {detail}", check.http.url))
        })
    }

    /// The longest time between two asks of a health check.
    pub(super) fn longest_interval(&self) -> TimeDelta {
        let intervals = self
            .health_checks()
            .into_iter()
            .map(|check| check.interval.map_or(HEALTH_INTERVAL, crate::api::Duration::to_delta));
        intervals.max().unwrap_or_default().min(TimeDelta::days(1))
    }

    /// The probes of the present step: before a switch, green is asked by its own Service.
    fn probes_of_step(&self) -> Vec<Probe> {
        let plan = self.plan();
        let switch = plan.steps.iter().position(|step| matches!(step, PlanStep::Switch(_)));
        let (Some(environment), Some(settings), true) =
            (&self.observed.environment, self.settings(), switch > Some(self.step()))
        else {
            return self.probes();
        };
        let green = |probe: Probe| {
            let http = plan::previewed(&environment.spec, &settings, &probe.http)?;
            Some(Probe { http, ..probe })
        };
        self.probes().into_iter().filter_map(green).collect()
    }

    /// Asks the smoke probes until each has passed, or one has failed for too long.
    pub(super) fn smoke(&mut self) {
        let since = self.step_started_at();
        let mut open = None;
        for (index, probe) in self.probes_of_step().into_iter().enumerate() {
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
            let detail = last.as_ref().map_or("no answer yet", |answer| answer.detail.as_str());
            open = open.or(Some(format!("{}: {detail}", probe.http.url)));
            self.ask_when_due(&name, SMOKE_INTERVAL, Question::Http(probe.http));
        }
        if let Some(url) = open {
            self.say(format!("waits for the smoke probe {url}"));
            let probes = self.probes().into_iter();
            let deadlines = probes.filter_map(|probe| probe.deadline.map(crate::api::Duration::to_delta));
            let longest = deadlines.max().unwrap_or(SMOKE_DEADLINE).min(TimeDelta::days(1));
            self.waits_at_most(since, span::sum(PATIENCE, longest), Lapse::Smoke);
        } else {
            self.note(crate::domain::timeline::CONTROLLER, "SmokePassed", "every smoke probe passed");
            self.advance_quietly();
        }
    }
}
