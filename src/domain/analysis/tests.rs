//! Verdicts over tables of answers.

use std::collections::BTreeMap;

use super::*;
use crate::api::environment::{Metrics, NoData};
use crate::api::release::{ReleaseStatus, TrackProgress};
use crate::api::strategy::Track;
use crate::domain::fixtures::{at, environment, observed};
use crate::domain::health::{Answer, Found};
use crate::domain::measure::{Measurement, Reading};

pub(super) fn analysis(edit: impl FnOnce(&mut Analysis)) -> Analysis {
    let mut analysis: Analysis = serde_json::from_value(serde_json::json!({
        "name": "error-rate", "query": "errorRate", "failWhen": "> 10%", "components": ["backend"],
    }))
    .unwrap();
    edit(&mut analysis);
    analysis
}

pub(super) fn world(edit: impl FnOnce(&mut Analysis)) -> Environment {
    let mut environment = environment();
    environment.spec.metrics = Some(Metrics::default());
    environment.spec.analysis = vec![analysis(edit)];
    environment
}

/// A release whose backend has a second workload since second 0.
pub(super) fn canary(environment: &Environment) -> Release {
    let mut release = observed(environment.clone()).release;
    release.status = Some(ReleaseStatus {
        started_at: Some(at(0)),
        tracks: vec![TrackProgress {
            component: "backend".into(),
            track: Track::Canary,
            workload: "backend-canary".into(),
            desired: 1,
            available: 1,
            stable_desired: 3,
            stable_available: 3,
            traffic: 10,
            verified: Some(10),
            drift: None,
        }],
        ..ReleaseStatus::default()
    });
    release
}

pub(super) fn readings(pairs: &[(&str, Reading)]) -> Measurement {
    Measurement(pairs.iter().map(|(name, reading)| ((*name).to_owned(), reading.clone())).collect())
}

pub(super) fn record(answers: &mut Answers, secs: i64, pairs: &[(&str, Reading)]) {
    let found = Some(Found::Measurement(readings(pairs)));
    answers.record(
        "analysis/error-rate/backend",
        Answer { found, ..Answer::new(at(secs), GateState::Pass, "") },
    );
}

pub(super) fn number(value: f64) -> Reading {
    Reading::Number(value)
}

/// The only verdict over error rates of 1,203 requests each, one every 15 s.
fn over(environment: &Environment, rates: &[f64]) -> AnalysisVerdict {
    let mut answers = Answers::default();
    for (index, rate) in (1..).zip(rates) {
        let reading = if rate.is_nan() { Reading::Empty } else { number(*rate) };
        record(&mut answers, index * 15, &[("new", reading), ("newSamples", number(1_203.0))]);
    }
    let now = at(15 * i64::try_from(rates.len()).unwrap());
    judge(environment, &canary(environment), &answers, at(0), now).remove(0)
}

#[test]
fn one_number_is_judged_with_its_limits() {
    let environment = world(|_| {});
    let verdict = over(&environment, &[0.124]);
    assert_eq!(verdict.state, GateState::Fail);
    assert_eq!(verdict.detail, "error rate of backend 12.4 % (canary, 1,203 requests): fails when > 10 %");
    assert_eq!((verdict.value, verdict.samples, verdict.at), (Some(0.124), Some(1_203.0), Some(at(15))));
    let verdict = over(&environment, &[0.003]);
    assert_eq!(verdict.state, GateState::Pass);
    assert_eq!(
        verdict.detail,
        "error rate of backend 0.3 % (canary, 1,203 requests): fails only when > 10 %"
    );
    let both = world(|analysis| analysis.pass_when = Some("< 1%".into()));
    for (rate, state) in [(0.2, GateState::Fail), (0.05, GateState::Wait), (0.009, GateState::Pass)] {
        assert_eq!(over(&both, &[rate]).state, state);
    }
}

#[test]
fn each_absence_of_data_is_its_own_sentence_and_holds() {
    let environment = world(|analysis| analysis.min_samples = Some(50));
    let enough = ("newSamples", number(50.0));
    let fresh = ("newNewest", number(1_800_000_000.0));
    for (readings, sentence) in [
        (vec![("new", Reading::Empty), enough.clone()], "gives nothing"),
        (vec![("new", Reading::NotANumber), enough.clone()], "NaN"),
        (vec![("new", Reading::Several(3)), enough.clone()], "3 series"),
        (vec![("new", number(0.0)), ("newSamples", number(4.2))], "too few requests of the canary: 4/50"),
        (vec![("new", number(0.0))], "nothing counts the requests of the canary, and 50 are needed"),
        (
            vec![("new", number(0.0)), enough.clone(), fresh],
            "stale data: the newest sample of the canary is 121 s old",
        ),
    ] {
        let mut answers = Answers::default();
        record(&mut answers, 121, &readings);
        let verdict = judge(&environment, &canary(&environment), &answers, at(0), at(121)).remove(0);
        assert_eq!(verdict.state, GateState::NoData, "{}", verdict.detail);
        assert!(verdict.detail.contains(sentence), "{}", verdict.detail);
    }
    let mut answers = Answers::default();
    answers
        .record("analysis/error-rate/backend", Answer::new(at(15), GateState::NoData, "Prometheus is down"));
    let verdict = judge(&environment, &canary(&environment), &answers, at(0), at(16)).remove(0);
    assert_eq!(verdict.state, GateState::NoData);
    assert_eq!(verdict.detail, "error rate of backend was not measured: Prometheus is down");
}

#[test]
fn the_environment_may_read_no_data_otherwise() {
    for (policy, state) in
        [(NoData::Hold, GateState::NoData), (NoData::Fail, GateState::Fail), (NoData::Pass, GateState::Pass)]
    {
        let environment = world(|analysis| analysis.no_data = policy);
        let verdict = over(&environment, &[f64::NAN]);
        assert_eq!(verdict.state, state, "{}", verdict.detail);
        assert!(verdict.detail.contains("no data"), "{}", verdict.detail);
    }
}

#[test]
fn failures_must_last_and_be_many_enough() {
    const NAN: f64 = f64::NAN;
    let lasting = world(|analysis| analysis.for_ = Some(crate::api::Duration::from_secs(30)));
    let often = world(|analysis| analysis.failure_limit = Some(2));
    for (environment, rates, state) in [
        (&lasting, &[0.2][..], GateState::Wait),
        (&lasting, &[0.2, 0.2], GateState::Wait),
        (&lasting, &[0.2, 0.2, 0.2], GateState::Fail),
        (&lasting, &[0.2, 0.0, 0.2], GateState::Wait),
        (&lasting, &[0.2, NAN, 0.2], GateState::Fail),
        (&lasting, &[0.2, 0.2, NAN], GateState::NoData),
        (&lasting, &[0.2, 0.2, 0.2, 0.0], GateState::Pass),
        (&often, &[0.2, 0.0, 0.2], GateState::Wait),
        (&often, &[0.2, 0.0, 0.2, 0.2], GateState::Fail),
    ] {
        let verdict = over(environment, rates);
        assert_eq!(verdict.state, state, "{rates:?}: {}", verdict.detail);
    }
    assert!(over(&lasting, &[0.2, 0.2]).detail.ends_with("; for 15s of 30s"));
    assert!(over(&lasting, &[0.2, 0.2, 0.2]).detail.ends_with(", for 30s"));
}

#[test]
fn old_answers_are_no_answers() {
    let environment = world(|_| {});
    let mut answers = Answers::default();
    record(&mut answers, 15, &[("new", number(0.0))]);
    let state = |since: i64, now: i64| {
        judge(&environment, &canary(&environment), &answers, at(since), at(now)).remove(0).state
    };
    assert_eq!(state(0, 75), GateState::Pass);
    assert_eq!(state(0, 76), GateState::NoData);
    assert_eq!(state(16, 20), GateState::Wait, "what came before the step does not count");
}

#[test]
fn a_state_keeps_its_beginning() {
    let environment = world(|_| {});
    let mut release = canary(&environment);
    let mut answers = Answers::default();
    record(&mut answers, 15, &[("new", number(0.0))]);
    let first = judge(&environment, &release, &answers, at(0), at(16));
    release.status.as_mut().unwrap().analysis.clone_from(&first);
    let later = judge(&environment, &release, &answers, at(0), at(20));
    assert_eq!(later[0].since, Some(at(16)));
    record(&mut answers, 30, &[("new", number(0.5))]);
    assert_eq!(judge(&environment, &release, &answers, at(0), at(30))[0].since, Some(at(30)));
}

#[test]
fn what_is_due_is_asked_of_the_right_pods() {
    let environment = world(|_| {});
    let release = canary(&environment);
    let due = questions(&environment, &release, &Answers::default(), at(40));
    let asked: BTreeMap<String, Question> = due.into_iter().collect();
    assert_eq!(asked.keys().collect::<Vec<_>>(), ["analysis/error-rate/backend", "share/backend"]);
    let Question::Measure(measure) = &asked["analysis/error-rate/backend"] else { panic!() };
    assert_eq!(measure.queries.keys().collect::<Vec<_>>(), ["new", "newNewest", "newSamples"]);
    let query = &measure.queries["new"];
    assert!(query.contains(r#"component=~"backend", track=~"canary""#) && query.contains("[40s]"), "{query}");
    let mut answers = Answers::default();
    record(&mut answers, 40, &[]);
    assert_eq!(questions(&environment, &release, &answers, at(54)).len(), 1);
    assert_eq!(questions(&environment, &release, &answers, at(55)).len(), 2);
}

#[test]
fn the_observed_weight_is_the_share_of_the_requests() {
    let environment = world(|_| {});
    let release = canary(&environment);
    let mut answers = Answers::default();
    assert_eq!(observed_weight(&release, &answers, at(15)), None);
    let found = Some(Found::Measurement(readings(&[("new", number(2.0)), ("stable", number(6.0))])));
    answers.record("share/backend", Answer { found, ..Answer::new(at(15), GateState::Pass, "") });
    assert_eq!(observed_weight(&release, &answers, at(15)), Some(25.0));
    assert_eq!(observed_weight(&release, &answers, at(120)), None, "too old");
    assert_eq!(observed_weight(&observed(environment).release, &answers, at(15)), None, "nothing beside it");
}
