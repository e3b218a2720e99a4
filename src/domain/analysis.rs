//! What the numbers say of a new version: what must be measured, and what the measurements mean.
//!
//! Owns the verdicts (`status.analysis`) and the observed share of the traffic. Everything here is a function of what was answered:
//! how a Prometheus is asked is `gate`'s business, and what follows from a verdict is `rollout`'s. No data is never green: an empty
//! answer, one that is not a number, an old one and one with too few requests are different sentences of `NoData`.

use chrono::{DateTime, TimeDelta, Utc};

use super::health::{Answers, Question};
use crate::api::environment::{Analysis, Environment};
use crate::api::names::ComponentName;
use crate::api::release::{AnalysisVerdict, GateState, Release};
use crate::api::strategy::{Step, Strategy, StrategyName};

mod compared;
pub mod comparison;
mod distribution;
mod expression;
mod measured;
mod over_time;
mod rules;
mod subject;

use rules::Rules;

/// Time between two measurements, where an analysis does not say.
const INTERVAL: TimeDelta = TimeDelta::seconds(15);
/// No interval is shorter.
const SHORTEST: TimeDelta = TimeDelta::milliseconds(500);

/// What must be measured now, with the names under which the answers are kept.
#[must_use]
pub fn questions(
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
    due.extend(subject::shares(environment, release).filter_map(|(component, measure)| {
        let name = share_name(component);
        answers.is_due(&name, INTERVAL, now).then_some((name, Question::Measure(measure)))
    }));
    due
}

/// The verdict of every analysis that speaks of this release, over what was answered since `since`.
#[must_use]
pub fn judge(
    environment: &Environment,
    release: &Release,
    answers: &Answers,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<AnalysisVerdict> {
    let before = release.status.as_ref().map_or(&[][..], |status| &status.analysis);
    let mut verdicts = Vec::new();
    for analysis in &environment.spec.analysis {
        let subjects = subject::of(environment, release, analysis);
        let verdict = match Rules::of(&environment.spec, analysis) {
            Err(why) => Some(over_time::no_data(why)),
            Ok(rules) => subjects
                .iter()
                .map(|subject| {
                    let name = name_of(analysis, subject.component);
                    let answers = answers.since(&name, since);
                    if subject.is_judged(&rules) {
                        over_time::judge(&rules, subject, answers, now)
                    } else {
                        over_time::nothing_beside(&rules, subject, now)
                    }
                })
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

/// The first analysis by which a release is failing now without having failed yet: `for` or `failureLimit` has still to decide, which
/// it does by itself: the next answer is a good one, or the failure is there.
#[must_use]
pub fn impending<'a>(
    environment: &'a Environment,
    release: &Release,
    answers: &Answers,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<&'a str> {
    let is_impending = |analysis: &&Analysis| {
        let Ok(rules) = Rules::of(&environment.spec, analysis) else { return false };
        let subjects = subject::of(environment, release, analysis);
        subjects.iter().filter(|subject| subject.is_judged(&rules)).any(|subject| {
            let name = name_of(analysis, subject.component);
            over_time::is_impending(&rules, subject, answers.since(&name, since), now)
        })
    };
    environment.spec.analysis.iter().find(is_impending).map(|analysis| analysis.name.as_str())
}

/// What is wrong with the analyses of an environment, each as one sentence that names the analysis, the field, what was given and
/// what is allowed. Found when the environment is read, and not in the middle of a rollout.
#[must_use]
pub fn problems(environment: &Environment) -> Vec<String> {
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

/// How soon somebody must look again for the analyses' sake. Nothing where there are none.
#[must_use]
pub fn look_again(environment: &Environment) -> Option<TimeDelta> {
    environment.spec.analysis.iter().map(interval_of).min()
}

/// The second workload's share of all requests as it was last measured, in per cent, over all components that have one. Nothing
/// when it is not known.
#[must_use]
pub fn observed_weight(release: &Release, answers: &Answers, now: DateTime<Utc>) -> Option<f64> {
    let tracks = release.status.as_ref().map_or(&[][..], |status| &status.tracks);
    let (mut second, mut all) = (0.0, 0.0);
    for track in tracks {
        let answer = answers.last_since(&share_name(&track.component), now - INTERVAL * 4)?;
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
