//! What the numbers say of a new version: what must be measured, and what the measurements mean.
//!
//! Owns the verdicts (`status.analysis`), the evidence of comparisons (`status.evidence`) and the observed share of the traffic.
//! Everything here is a function of what was answered: how a Prometheus is asked is `gate`'s business, and what follows from a verdict
//! is `rollout`'s. No data is never green: an empty answer, one that is not a number, an old one and one with too few requests are
//! different sentences of `NoData`.

use chrono::{DateTime, TimeDelta, Utc};

use super::health::{Answers, Question};
use super::plan;
use crate::api::environment::{Analysis, Environment};
use crate::api::names::ComponentName;
use crate::api::release::{AnalysisVerdict, Evidence, GateState, Phase, PlanStep, Release, ReleaseStatus};
use crate::api::strategy::{Step, Strategy, StrategyName};
use crate::domain::span;

mod compared;
pub(crate) mod comparison;
mod distribution;
mod evidence;
mod expression;
mod measured;
mod over_time;
mod rules;
mod subject;
mod tested;

pub(crate) use evidence::advance;

use rules::Rules;
use subject::Subject;
use tested::{Stake, Tested};

/// Time between two measurements, where an analysis does not say.
const INTERVAL: TimeDelta = TimeDelta::seconds(15);
/// No interval is shorter.
const SHORTEST: TimeDelta = TimeDelta::milliseconds(500);

/// What must be measured now, with the names under which the answers are kept.
#[must_use]
pub(crate) fn questions(
    environment: &Environment,
    release: &Release,
    answers: &Answers,
    now: DateTime<Utc>,
) -> Vec<(String, Question)> {
    let mut due = Vec::new();
    for analysis in &environment.spec.analysis {
        let Ok(rules) = Rules::of(&environment.spec, analysis) else { continue };
        for subject in subject::of(environment, release, analysis) {
            let name = name_of(analysis, subject.component);
            if subject.is_judged(&rules)
                && answers.is_due(&name, interval_of(analysis), now)
                && let Ok(measure) = subject.measure(&rules, now)
            {
                due.push((name, Question::Measure(measure)));
            }
        }
    }
    due.extend(evidence::questions(environment, release, answers, now));
    due.extend(subject::shares(environment, release).filter_map(|(component, measure)| {
        let name = share_name(component);
        answers.is_due(&name, INTERVAL, now).then_some((name, Question::Measure(measure)))
    }));
    due
}

/// Everything from which verdicts are made.
struct Case<'a> {
    environment: &'a Environment,
    release: &'a Release,
    evidence: &'a [Evidence],
    answers: &'a Answers,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
}

/// The verdict of every analysis that speaks of this release: limits over what was answered since `since`, comparisons over all of its
/// evidence.
#[must_use]
pub(crate) fn judge(
    environment: &Environment,
    (release, evidence): (&Release, &[Evidence]),
    answers: &Answers,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<AnalysisVerdict> {
    let before = release.status.as_ref().map_or(&[][..], |status| &status.analysis);
    let case = Case { environment, release, evidence, answers, since, now };
    let failed_by = case.cause();
    let mut verdicts = Vec::new();
    for analysis in &environment.spec.analysis {
        let subjects = subject::of(environment, release, analysis);
        let verdict = match Rules::of(&environment.spec, analysis) {
            Err(why) => Some(over_time::no_data(why)),
            Ok(rules) => subjects
                .iter()
                .map(|subject| case.verdict(&rules, subject, failed_by))
                .min_by_key(|verdict| urgency(verdict.state)),
        };
        let Some(mut verdict) = verdict else { continue };
        verdict.name.clone_from(&analysis.name);
        verdict.detail = super::timeline::cut(verdict.detail, 512);
        let known = before.iter().find(|known| known.name == verdict.name && known.state == verdict.state);
        verdict.since = known.and_then(|known| known.since).or(Some(now));
        verdicts.push(verdict);
    }
    verdicts
}

impl<'a> Case<'a> {
    /// The comparison by which the release fails, if it does.
    fn cause(&self) -> Option<&'a Evidence> {
        let mut stakes = Vec::new();
        for analysis in &self.environment.spec.analysis {
            let Ok(rules) = Rules::of(&self.environment.spec, analysis) else { continue };
            for subject in subject::of(self.environment, self.release, analysis) {
                let entry = evidence::of(self.evidence, &analysis.name, subject.component);
                let Some(entry) = entry.filter(|entry| Some(entry.test) == analysis.test) else { continue };
                let counts = rules.judges_by_test()
                    && subject.is_beside
                    && tested::is_enough(&rules, entry, &self.by_limits(&rules, &subject));
                stakes.push(Stake { entry, budget: 1.0 - rules.confidence, counts });
            }
        }
        tested::cause(&stakes, self.evidence.len())
    }

    /// The verdict of limits and expressions, and the numbers that are measured.
    fn by_limits(&self, rules: &Rules<'_>, subject: &Subject<'_>) -> AnalysisVerdict {
        let name = name_of(rules.analysis, subject.component);
        let answers = self.answers.since(&name, self.since);
        over_time::judge(rules, subject, answers, self.confidence(rules, subject), self.now)
    }

    /// What a comparison had shown when the new version took over everything: nothing can change it any more.
    fn last_comparison(&self, rules: &Rules<'_>) -> Option<AnalysisVerdict> {
        let status = self.release.status.as_ref().filter(|status| takes_over(status))?;
        let is_compared = self.evidence.iter().any(|entry| entry.analysis == rules.analysis.name);
        let known = status.analysis.iter().find(|known| known.name == rules.analysis.name)?;
        (is_compared && known.state == GateState::Pass).then(|| known.clone())
    }

    fn confidence(&self, rules: &Rules<'_>, subject: &Subject<'_>) -> Option<f64> {
        let entry = evidence::of(self.evidence, &rules.analysis.name, subject.component);
        entry.filter(|entry| entry.counted.is_some()).map(tested::confidence)
    }

    fn verdict(&self, rules: &Rules<'_>, subject: &Subject<'_>, cause: Option<&Evidence>) -> AnalysisVerdict {
        if !subject.is_judged(rules) {
            return self.last_comparison(rules).unwrap_or_else(|| over_time::nothing_beside(rules, subject));
        }
        let measured = self.by_limits(rules, subject);
        if rules.analysis.test.is_none() || !subject.is_beside {
            return measured;
        }
        let entry = evidence::of(self.evidence, &rules.analysis.name, subject.component);
        let tested = Tested {
            rules,
            subject,
            entry: entry.filter(|entry| Some(entry.test) == rules.analysis.test),
            is_begun: !self.evidence.is_empty(),
            comparisons: self.evidence.len(),
            is_cause: cause.is_some_and(|cause| entry.is_some_and(|entry| std::ptr::eq(cause, entry))),
            measured: &measured,
            answers: self.answers,
            now: self.now,
        };
        let verdict = tested.verdict();
        if !rules.has_limits() {
            return verdict;
        }
        if !rules.judges_by_test() && verdict.state != GateState::NoData {
            // an expression decides what the evidence means
            return AnalysisVerdict { state: measured.state, detail: measured.detail.clone(), ..verdict };
        }
        if urgency(measured.state) < urgency(verdict.state) {
            let detail = format!("{}; {}", measured.detail, verdict.detail);
            return AnalysisVerdict { state: measured.state, detail, ..verdict };
        }
        verdict
    }
}

/// The first analysis whose limit the release exceeds without having failed yet: `for` or `failureLimit` has still to decide, which it
/// does by itself: the next answer is a good one, or the failure is there. A comparison needs no patience.
#[must_use]
pub(crate) fn impending<'a>(
    environment: &'a Environment,
    release: &Release,
    answers: &Answers,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<&'a str> {
    let evidence = release.status.as_ref().map_or(&[][..], |status| &status.evidence);
    let case = Case { environment, release, evidence, answers, since, now };
    let is_impending = |analysis: &&Analysis| {
        let Ok(rules) = Rules::of(&environment.spec, analysis) else { return false };
        let subjects = subject::of(environment, release, analysis);
        subjects.iter().filter(|subject| subject.is_judged(&rules)).any(|subject| {
            let name = name_of(analysis, subject.component);
            let answers = answers.since(&name, since);
            over_time::is_impending(&rules, subject, answers, case.confidence(&rules, subject), now)
        })
    };
    environment.spec.analysis.iter().find(is_impending).map(|analysis| analysis.name.as_str())
}

/// What is wrong with the analyses of an environment, each as one sentence that names the analysis, the field, what was given and
/// what is allowed. Found when the environment is read, and not in the middle of a rollout.
#[must_use]
pub(crate) fn problems(environment: &Environment) -> Vec<String> {
    let spec = &environment.spec;
    let mut wrong: Vec<String> =
        spec.analysis.iter().filter_map(|analysis| Rules::of(spec, analysis).err()).collect();
    let prometheus = spec.metrics.as_ref().and_then(|metrics| metrics.prometheus.as_ref());
    let slo = spec.metrics.as_ref().and_then(|metrics| metrics.slo.as_ref());
    if prometheus.is_none()
        && (!spec.analysis.is_empty() || !spec.rollback_on.alerts.is_empty() || slo.is_some())
    {
        wrong.push(
            "metrics.prometheus: analyses, alerts and objectives need one: give service or url".to_owned(),
        );
    }
    for (name, template) in spec.metrics.iter().flat_map(|metrics| &metrics.queries) {
        let values = super::query::Values::of(environment);
        wrong.extend(super::query::render(name, template, &values).err().map(|error| error.to_string()));
    }
    wrong.extend(slo.and_then(|slo| super::burn_rate::problem(environment, slo)));
    for (index, analysis) in spec.analysis.iter().enumerate() {
        if spec.analysis[..index].iter().any(|other| other.name == analysis.name) {
            wrong.push(format!("analysis {}: there are two of that name", analysis.name));
        }
    }
    let canary = spec.strategy_of(StrategyName::Canary);
    for name in named_in(&canary).filter(|name| !spec.analysis.iter().any(|known| known.name == **name)) {
        wrong.push(format!("a step judges the analysis `{name}`, which there is not"));
    }
    wrong
}

/// Whether the new version replaces the old one for good at this point: nothing is compared, and nothing waits for a comparison.
#[must_use]
pub(crate) fn takes_over(status: &ReleaseStatus) -> bool {
    let step = plan::present(status).map(|(_, step)| step);
    status.phase == Phase::Verifying
        || matches!(step, Some(PlanStep::Roll(_) | PlanStep::Settle(_) | PlanStep::Bake(_)))
}

/// How soon somebody must look again for the analyses' sake. Nothing where there are none.
#[must_use]
pub(crate) fn look_again(environment: &Environment) -> Option<TimeDelta> {
    environment.spec.analysis.iter().map(interval_of).min()
}

/// The second workload's share of all requests as it was last measured, in per cent, over all components that have one. Nothing
/// when it is not known.
#[must_use]
pub(crate) fn observed_weight(release: &Release, answers: &Answers, now: DateTime<Utc>) -> Option<f64> {
    let tracks = release.status.as_ref().map_or(&[][..], |status| &status.tracks);
    let (mut second, mut all) = (0.0, 0.0);
    for track in tracks {
        let answer =
            answers.last_since(&share_name(&track.component), span::before(now, span::times(INTERVAL, 4)))?;
        let rates = answer.measurement()?;
        let (new, old) = (rates.number(subject::NEW), rates.number(subject::STABLE));
        second += new.unwrap_or(0.0);
        all += new.unwrap_or(0.0) + old.unwrap_or(0.0);
    }
    (all > 0.0).then(|| (second / all * 100.0).clamp(0.0, 100.0))
}

/// The analyses that a canary's steps name.
fn named_in(strategy: &Strategy) -> impl Iterator<Item = &String> {
    let steps = match strategy {
        Strategy::Canary(canary) => canary.steps.as_slice(),
        _ => &[],
    };
    steps.iter().flat_map(|step| match step {
        Step::Analysis(step) => step.names.as_slice(),
        _ => &[],
    })
}

/// The worst first.
const fn urgency(state: GateState) -> u8 {
    match state {
        GateState::Fail => 0,
        GateState::NoData => 1,
        GateState::Wait => 2,
        GateState::Pass => 3,
    }
}

fn name_of(analysis: &Analysis, component: &ComponentName) -> String {
    format!("analysis/{}/{component}", analysis.name)
}

fn share_name(component: &ComponentName) -> String {
    format!("share/{component}")
}

fn interval_of(analysis: &Analysis) -> TimeDelta {
    analysis.interval.map_or(INTERVAL, crate::api::Duration::to_delta).max(SHORTEST)
}

#[cfg(test)]
mod tests;
