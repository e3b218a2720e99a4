//! Counting: which intervals are due, and what they add to the evidence of a release.
//!
//! Intervals are aligned and disjoint, and end one scrape ago. The evidence is kept in the status together with the end of the last
//! interval in it: whoever reads the status goes on from there, and an interval that was counted is never counted again.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::rules::{Counters, Rules};
use super::subject::{self, Subject};
use crate::api::Environment;
use crate::api::environment::{Analysis, StatisticalTest};
use crate::api::names::ComponentName;
use crate::api::release::{Counts, Evidence, Release, Spread};
use crate::domain::health::{Answers, Question};
use crate::domain::measure::{Rise, What};
use crate::domain::span;
use crate::domain::statistics::dispersion::Dispersion;
use crate::domain::statistics::errors::Split;
use crate::domain::statistics::mixture::Mixture;
use crate::domain::statistics::trial::{Durations, Interval, Trial};

/// Comparisons of one release that are counted.
const MOST: usize = 64;
/// No scrape takes longer to arrive.
const SCRAPE: TimeDelta = TimeDelta::seconds(15);
/// How long a new version warms up before its latency is compared.
const WARM_UP: TimeDelta = TimeDelta::seconds(30);
/// How far an interval may grow while a track has no requests, or nobody looks, at least.
const LONGEST: TimeDelta = TimeDelta::minutes(2);

/// One comparison of a release: an analysis with a test, and a component.
struct Process<'a> {
    analysis: &'a Analysis,
    rules: Rules<'a>,
    subject: Subject<'a>,
}

impl Process<'_> {
    fn name(&self) -> String {
        name_of(self.analysis, self.subject.component)
    }

    fn counters(&self) -> Option<&Counters<'_>> {
        self.rules.counters.as_ref()?.as_ref().ok()
    }
}

/// Name of the answers from which an analysis counts a component.
pub(super) fn name_of(analysis: &Analysis, component: &ComponentName) -> String {
    format!("count/{}/{component}", analysis.name)
}

/// Every comparison of a release that can be counted.
fn processes<'a>(environment: &'a Environment, release: &'a Release) -> Vec<Process<'a>> {
    let mut all = Vec::new();
    for analysis in environment.spec.analysis.iter().filter(|analysis| analysis.test.is_some()) {
        for subject in subject::of(environment, release, analysis) {
            let Ok(rules) = Rules::of(&environment.spec, analysis) else { continue };
            let process = Process { analysis, rules, subject };
            if process.counters().is_some() {
                all.push(process);
            }
        }
    }
    all
}

/// The entry of an analysis and a component.
pub(super) fn of<'a>(
    evidence: &'a [Evidence],
    analysis: &str,
    component: &ComponentName,
) -> Option<&'a Evidence> {
    evidence.iter().find(|entry| entry.analysis == analysis && entry.component == *component)
}

/// The intervals that are due to be counted, with the names under which the answers are kept.
pub(super) fn questions(
    environment: &Environment,
    release: &Release,
    answers: &Answers,
    now: DateTime<Utc>,
) -> Vec<(String, Question)> {
    let status = release.status.as_ref();
    let evidence = status.map_or(&[][..], |status| &status.evidence);
    let mut due = Vec::new();
    for process in processes(environment, release) {
        let name = process.name();
        let Some(entry) = of(evidence, &process.analysis.name, process.subject.component) else { continue };
        let interval = process.rules.interval;
        let Some((from, until)) = interval_due(entry.until, interval, now) else { continue };
        if !process.subject.is_beside
            || (entry.traffic, entry.verified) != process.subject.traffic
            || !answers.is_due(&name, interval, now)
        {
            continue;
        }
        if let Some(Ok(count)) =
            process.counters().map(|counters| process.subject.count(counters, from, until))
        {
            due.push((name, Question::Count(count)));
        }
    }
    due
}

/// The next interval after `from`: what is missing up to the last aligned instant that has been scraped. What is too old is lost.
fn interval_due(
    from: DateTime<Utc>,
    interval: TimeDelta,
    now: DateTime<Utc>,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let until = aligned(span::before(now, interval.min(SCRAPE)), interval);
    let age = until.signed_duration_since(from);
    let from = if age > span::times(interval, 4).max(LONGEST) { span::before(until, interval) } else { from };
    (until.signed_duration_since(from) >= interval).then_some((from, until))
}

/// The last multiple of the interval.
fn aligned(at: DateTime<Utc>, interval: TimeDelta) -> DateTime<Utc> {
    let step = interval.num_milliseconds().max(1);
    let millis = at.timestamp_millis().div_euclid(step).saturating_mul(step);
    DateTime::from_timestamp_millis(millis).unwrap_or(at)
}

/// The evidence after everything that was answered: each interval once, the one in which the weight changes not at all.
#[must_use]
pub(crate) fn advance(
    environment: &Environment,
    release: &Release,
    answers: &Answers,
    now: DateTime<Utc>,
) -> Vec<Evidence> {
    let mut all = release.status.as_ref().map(|status| status.evidence.clone()).unwrap_or_default();
    let processes = processes(environment, release);
    if all.is_empty() && processes.iter().any(|process| process.subject.is_beside) {
        // the comparisons of a release are fixed before the first of them counts
        all = processes.iter().take(MOST).map(|process| begun(process, now)).collect();
    }
    for process in processes.iter().filter(|process| process.subject.is_beside) {
        let is_its = |entry: &&mut Evidence| {
            entry.analysis == process.analysis.name && entry.component == *process.subject.component
        };
        if let Some(entry) = all.iter_mut().find(is_its) {
            follow(entry, process, answers, now);
        }
    }
    all
}

fn begun(process: &Process<'_>, now: DateTime<Utc>) -> Evidence {
    let test = process.analysis.test.unwrap_or(StatisticalTest::TwoProportion);
    let difference = process.rules.smallest_difference.filter(|_| test == StatisticalTest::TwoProportion);
    let trial = match test {
        StatisticalTest::TwoProportion => Trial::of_errors(difference.is_some()),
        StatisticalTest::MannWhitney => Trial::of_durations(),
    };
    let mut entry = Evidence {
        analysis: process.analysis.name.clone(),
        component: process.subject.component.clone(),
        test,
        until: now,
        counted: None,
        traffic: -1,
        verified: None,
        elapsed: 0.0,
        begun: 0.0,
        logs: Vec::new(),
        highest: 0.0,
        run: 0.0,
        difference,
        bound: Vec::new(),
        spread: Spread::default(),
        total: Counts::default(),
        recent: Counts::default(),
        at_highest: Counts::default(),
    };
    store(&mut entry, &trial);
    entry
}

/// Counts the newest answer, unless it is in the evidence already or the weight changed meanwhile.
fn follow(entry: &mut Evidence, process: &Process<'_>, answers: &Answers, now: DateTime<Utc>) {
    let (interval, rules) = (process.rules.interval, &process.rules);
    if (entry.traffic, entry.verified) != process.subject.traffic {
        let is_first = entry.traffic <= 0 && entry.test == StatisticalTest::MannWhitney;
        (entry.traffic, entry.verified) = process.subject.traffic;
        let warm = if is_first { span::after(now, WARM_UP) } else { now };
        entry.until = entry.until.max(span::after(aligned(warm, interval), interval));
        return;
    }
    let difference = rules.smallest_difference.filter(|_| entry.test == StatisticalTest::TwoProportion);
    if entry.difference != difference {
        // another question about a pass: it is answered from now on
        entry.difference = difference;
        entry.bound = Trial::of_errors(difference.is_some()).bound;
    }
    let answer = answers.last(&process.name());
    let Some(rise) = answer.and_then(|answer| answer.rise()) else { return };
    if rise.from < entry.until || rise.until > now {
        return;
    }
    let what = match entry.test {
        StatisticalTest::TwoProportion => What::Requests,
        StatisticalTest::MannWhitney => What::Durations,
    };
    if [true, false].iter().any(|is_new| rise.of(*is_new, what).is_empty()) {
        // pods whose counters were not there at the beginning count from the end of this interval on
        entry.until = rise.until;
        return;
    }
    let mut trial = loaded(entry);
    match process.counters() {
        Some(Counters::Errors { by_pod, .. }) if entry.test == StatisticalTest::TwoProportion => {
            let interval = errors_of(rise, *by_pod);
            if interval.split.requests <= 0.0 || interval.split.stable_requests <= 0.0 {
                return;
            }
            trial.count(&interval, difference);
        }
        Some(Counters::Durations { by_pod, .. }) if entry.test == StatisticalTest::MannWhitney => {
            let durations = durations_of(rise, *by_pod);
            let none = |counts: &[f64]| counts.iter().sum::<f64>() <= 0.0;
            if none(&durations.canary) || durations.pods.iter().all(|pod| none(pod)) {
                return;
            }
            trial.count_durations(&durations);
        }
        // the analysis asks something else by now: what was counted stays as it is
        _ => return,
    }
    store(entry, &trial);
    entry.until = rise.until;
    entry.counted = Some(rise.until);
}

fn seconds(rise: &Rise) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "the milliseconds of an interval fit 53 bits")]
    let seconds = rise.until.signed_duration_since(rise.from).num_milliseconds() as f64 / 1_000.0;
    seconds
}

/// Requests and errors of an interval.
fn errors_of(rise: &Rise, by_pod: bool) -> Interval {
    let sum = |is_new: bool, what: What| rise.of(is_new, what).iter().map(|risen| risen.by).sum::<f64>();
    let mut pods: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for risen in rise.of(false, What::Requests) {
        pods.entry(&risen.target).or_default().1 += risen.by;
    }
    for risen in rise.of(false, What::Errors) {
        pods.entry(&risen.target).or_default().0 += risen.by;
    }
    let split = Split {
        requests: sum(true, What::Requests),
        errors: sum(true, What::Errors),
        stable_requests: sum(false, What::Requests),
        stable_errors: sum(false, What::Errors),
    };
    let pods = if by_pod { pods.into_values().collect() } else { Vec::new() };
    Interval { seconds: seconds(rise), split, pods }
}

/// The requests of an interval by their duration, over the bounds that both tracks have.
fn durations_of(rise: &Rise, by_pod: bool) -> Durations {
    let bounds = |is_new: bool| {
        let mut bounds: Vec<f64> =
            rise.of(is_new, What::Durations).iter().filter_map(|risen| risen.bound).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup_by(|a, b| a.total_cmp(b).is_eq());
        bounds
    };
    let other = bounds(false);
    let is_shared = |bound: &f64| other.iter().any(|other| other.total_cmp(bound).is_eq());
    let shared: Vec<f64> = bounds(true).into_iter().filter(is_shared).collect();
    // counters of a histogram count everything up to their bound
    let single = |sums: &[f64]| {
        let mut below = 0.0_f64;
        let count = |sum: &f64| {
            let count = (sum - below).max(0.0);
            below = below.max(*sum);
            count
        };
        sums.iter().map(count).collect::<Vec<f64>>()
    };
    let mut targets: BTreeMap<(bool, &str), Vec<f64>> = BTreeMap::new();
    for is_new in [true, false] {
        for risen in rise.of(is_new, What::Durations) {
            let place =
                shared.iter().position(|bound| risen.bound.is_some_and(|own| own.total_cmp(bound).is_eq()));
            let Some(place) = place else { continue };
            let target = if by_pod && !is_new { risen.target.as_str() } else { "" };
            let sums = targets.entry((is_new, target)).or_insert_with(|| vec![0.0; shared.len()]);
            sums[place] += risen.by;
        }
    }
    let canary = targets.get(&(true, "")).map(|sums| single(sums)).unwrap_or_default();
    let pods = targets.iter().filter(|((is_new, _), _)| !is_new).map(|(_, sums)| single(sums)).collect();
    Durations { seconds: seconds(rise), canary, pods }
}

/// A comparison as it stands in the status.
pub(super) fn loaded(entry: &Evidence) -> Trial {
    let split = |counts: &Counts| Split {
        requests: counts.requests,
        errors: counts.errors,
        stable_requests: counts.stable_requests,
        stable_errors: counts.stable_errors,
    };
    let Spread { squares, events, degrees, errors_before, requests_before } = entry.spread;
    Trial {
        worse: Mixture {
            logs: entry.logs.clone(),
            begun: entry.begun,
            elapsed: entry.elapsed,
            highest: entry.highest,
            run: entry.run,
        },
        bound: entry.bound.clone(),
        dispersion: Dispersion { squares, events, degrees },
        before: errors_before.zip(requests_before),
        total: split(&entry.total),
        recent: split(&entry.recent),
        highest: split(&entry.at_highest),
    }
}

fn store(entry: &mut Evidence, trial: &Trial) {
    let counts = |split: &Split| Counts {
        requests: rounded(split.requests),
        errors: rounded(split.errors),
        stable_requests: rounded(split.stable_requests),
        stable_errors: rounded(split.stable_errors),
    };
    entry.logs.clone_from(&trial.worse.logs);
    entry.begun = trial.worse.begun;
    entry.elapsed = trial.worse.elapsed;
    entry.highest = trial.worse.highest;
    entry.run = trial.worse.run;
    entry.bound.clone_from(&trial.bound);
    entry.spread = Spread {
        squares: rounded(trial.dispersion.squares),
        events: rounded(trial.dispersion.events),
        degrees: trial.dispersion.degrees,
        errors_before: trial.before.map(|(errors, _)| errors),
        requests_before: trial.before.map(|(_, requests)| requests),
    };
    entry.total = counts(&trial.total);
    entry.recent = counts(&trial.recent);
    entry.at_highest = counts(&trial.highest);
}

/// Counts are whole, but for float errors of a counter.
fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}
