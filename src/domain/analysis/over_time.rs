//! What several measurements say together: how long a limit has been exceeded, how often it was.

use chrono::{DateTime, TimeDelta, Utc};

use super::measured::{self, Finding, what};
use super::rules::Rules;
use super::subject::Subject;
use crate::api::environment::NoData;
use crate::api::release::{AnalysisVerdict, GateState};
use crate::domain::health::Answer;
use crate::domain::span;

/// Intervals without an answer after which the last one is too old.
pub(super) const MISSED: i32 = 4;
/// An answer is never too old before this.
pub(super) const LEAST: TimeDelta = TimeDelta::seconds(30);

/// A verdict that says that there is nothing to judge by.
pub(super) fn no_data(detail: String) -> AnalysisVerdict {
    AnalysisVerdict { state: GateState::NoData, detail, ..AnalysisVerdict::default() }
}

/// The verdict of a comparison while the old version does not serve beside the new one.
pub(super) fn nothing_beside(rules: &Rules<'_>, subject: &Subject<'_>) -> AnalysisVerdict {
    let detail = format!(
        "{} cannot be compared: no old version serves beside the new one at this point",
        what(rules, subject)
    );
    let finding = settled(rules, Finding { detail, ..Finding::default() });
    // nothing was measured: an instant of the look would be a new status at every look
    AnalysisVerdict { state: finding.state, detail: finding.detail, ..AnalysisVerdict::default() }
}

/// The verdict over every answer so far, oldest first.
pub(super) fn judge<'a>(
    rules: &Rules<'_>,
    subject: &Subject<'_>,
    answers: impl DoubleEndedIterator<Item = &'a Answer>,
    confidence: Option<f64>,
    now: DateTime<Utc>,
) -> AnalysisVerdict {
    verdict(rules, subject, &found(rules, subject, answers, confidence), now)
}

/// What each answer says by itself, oldest first.
fn found<'a>(
    rules: &Rules<'_>,
    subject: &Subject<'_>,
    answers: impl Iterator<Item = &'a Answer>,
    confidence: Option<f64>,
) -> Vec<(DateTime<Utc>, Finding)> {
    let judge = |answer| measured::judge(rules, subject, answer, confidence);
    answers.map(|answer| (answer.at, settled(rules, judge(answer)))).collect()
}

fn verdict(
    rules: &Rules<'_>,
    subject: &Subject<'_>,
    findings: &[(DateTime<Utc>, Finding)],
    now: DateTime<Utc>,
) -> AnalysisVerdict {
    let Some((at, newest)) = findings.last() else {
        let detail = format!("{} is being measured", what(rules, subject));
        return AnalysisVerdict { state: GateState::Wait, detail, ..AnalysisVerdict::default() };
    };
    let (state, detail) = together(rules, findings, newest);
    let verdict = AnalysisVerdict {
        state,
        detail,
        value: newest.value,
        stable: newest.stable,
        samples: newest.samples,
        confidence: newest.confidence,
        at: Some(*at),
        ..AnalysisVerdict::default()
    };
    let oldest = span::times(rules.interval, MISSED).max(LEAST);
    if span::after(*at, oldest) < now && verdict.state != GateState::Fail {
        let detail =
            format!("{} was last measured at {}", what(rules, subject), at.format("%Y-%m-%d %H:%M:%SZ"));
        return AnalysisVerdict { state: GateState::NoData, detail, ..verdict };
    }
    verdict
}

/// Whether the newest answer speaks against the release, and only time or a further failure is missing.
pub(super) fn is_impending<'a>(
    rules: &Rules<'_>,
    subject: &Subject<'_>,
    answers: impl DoubleEndedIterator<Item = &'a Answer>,
    confidence: Option<f64>,
    now: DateTime<Utc>,
) -> bool {
    let findings = found(rules, subject, answers, confidence);
    let fails = findings.last().is_some_and(|(_, newest)| newest.state == GateState::Fail);
    fails && verdict(rules, subject, &findings, now).state == GateState::Wait
}

/// What the environment makes of an absence of data.
pub(super) fn settled(rules: &Rules<'_>, finding: Finding) -> Finding {
    let (state, word) = match (finding.state, rules.no_data) {
        (GateState::NoData, NoData::Fail) => (GateState::Fail, "failure"),
        (GateState::NoData, NoData::Pass) => (GateState::Pass, "success"),
        _ => return finding,
    };
    let policy = if state == GateState::Fail { "fail" } else { "pass" };
    let detail = format!("{}; that counts as a {word} here (noData: {policy})", finding.detail);
    Finding { state, detail, ..finding }
}

/// State and sentence of the newest finding in the light of those before it.
fn together(
    rules: &Rules<'_>,
    findings: &[(DateTime<Utc>, Finding)],
    newest: &Finding,
) -> (GateState, String) {
    if newest.state != GateState::Fail {
        return (newest.state, newest.detail.clone());
    }
    let failed = || findings.iter().filter(|(_, finding)| finding.state == GateState::Fail);
    let total = failed().count();
    // what gave no data neither fails nor interrupts a failure
    let streak = findings
        .iter()
        .rev()
        .take_while(|(_, finding)| matches!(finding.state, GateState::Fail | GateState::NoData))
        .filter(|(_, finding)| finding.state == GateState::Fail);
    let since = streak.last().map(|(at, _)| *at);
    let lasted = since
        .zip(findings.last())
        .map_or(TimeDelta::zero(), |(since, (at, _))| at.signed_duration_since(since));
    let mut missing = Vec::new();
    if lasted < rules.lasting {
        missing.push(format!("for {} of {}", seconds(lasted), seconds(rules.lasting)));
    }
    if total <= rules.failure_limit {
        missing.push(format!("{total} of {} failures are tolerated", rules.failure_limit));
    }
    if missing.is_empty() {
        let lasting = if rules.lasting > TimeDelta::zero() {
            format!(", for {}", seconds(lasted))
        } else if rules.failure_limit > 0 {
            format!(", {total} times")
        } else {
            String::new()
        };
        (GateState::Fail, format!("{}{lasting}", newest.detail))
    } else {
        (GateState::Wait, format!("{}; {}", newest.detail, missing.join(", ")))
    }
}

fn seconds(span: TimeDelta) -> String {
    crate::api::Duration::from_secs(u64::try_from(span.num_seconds()).unwrap_or(0)).to_string()
}
