//! Verdicts over tables of answers.

mod counting;

use std::collections::BTreeMap;

use super::*;
use crate::api::environment::{Metrics, NoData, PrometheusRef, StatisticalTest};
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
    let prometheus = PrometheusRef { service: Some("monitoring/prometheus:9090".into()), url: None };
    environment.spec.metrics = Some(Metrics { prometheus: Some(prometheus), ..Metrics::default() });
    environment.spec.analysis = vec![analysis(edit)];
    environment
}

/// A release whose backend has a second workload since second 0.
pub(super) fn canary(environment: &Environment) -> Release {
    let mut release = observed(environment.clone()).release;
    release.status = Some(ReleaseStatus {
        started_at: Some(at(0)),
        tracks: vec![TrackProgress {
            desired: 1,
            available: 1,
            stable_desired: 3,
            stable_available: 3,
            traffic: 10,
            verified: Some(10),
            ..TrackProgress::new("backend".into(), Track::Canary, "backend-canary".into())
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

/// The verdicts of a release over the evidence in its status.
fn judged(
    environment: &Environment,
    release: &Release,
    answers: &Answers,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<AnalysisVerdict> {
    let evidence = release.status.as_ref().unwrap().evidence.clone();
    judge(environment, (release, &evidence), answers, since, now)
}

/// The only verdict over error rates of 1,203 requests each, one every 15 s.
fn over(environment: &Environment, rates: &[f64]) -> AnalysisVerdict {
    let mut answers = Answers::default();
    for (index, rate) in (1..).zip(rates) {
        let reading = if rate.is_nan() { Reading::Empty } else { number(*rate) };
        record(&mut answers, index * 15, &[("new", reading), ("newSamples", number(1_203.0))]);
    }
    let now = at(15 * i64::try_from(rates.len()).unwrap());
    judged(environment, &canary(environment), &answers, at(0), now).remove(0)
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
        let verdict = judged(&environment, &canary(&environment), &answers, at(0), at(121)).remove(0);
        assert_eq!(verdict.state, GateState::NoData, "{}", verdict.detail);
        assert!(verdict.detail.contains(sentence), "{}", verdict.detail);
    }
    let mut answers = Answers::default();
    answers
        .record("analysis/error-rate/backend", Answer::new(at(15), GateState::NoData, "Prometheus is down"));
    let verdict = judged(&environment, &canary(&environment), &answers, at(0), at(16)).remove(0);
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
        judged(&environment, &canary(&environment), &answers, at(since), at(now)).remove(0).state
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
    let first = judged(&environment, &release, &answers, at(0), at(16));
    release.status.as_mut().unwrap().analysis.clone_from(&first);
    let later = judged(&environment, &release, &answers, at(0), at(20));
    assert_eq!(later[0].since, Some(at(16)));
    record(&mut answers, 30, &[("new", number(0.5))]);
    assert_eq!(judged(&environment, &release, &answers, at(0), at(30))[0].since, Some(at(30)));
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

/// 1,203 requests of the canary against 10,911 of the stable track.
fn against(environment: &Environment, new: Reading, stable: Reading) -> AnalysisVerdict {
    let mut answers = Answers::default();
    let samples = [("newSamples", number(1_203.0)), ("stableSamples", number(10_911.0))];
    let all = [&[("new", new), ("stable", stable)][..], &samples].concat();
    record(&mut answers, 15, &all);
    judged(environment, &canary(environment), &answers, at(0), at(15)).remove(0)
}

fn compared(edit: impl FnOnce(&mut Analysis)) -> Environment {
    world(|analysis| {
        analysis.fail_when = None;
        analysis.against = Some(crate::api::environment::Against::Stable);
        analysis.test = Some(StatisticalTest::TwoProportion);
        edit(analysis);
    })
}

#[test]
fn without_a_test_the_difference_decides() {
    let plain = compared(|analysis| {
        analysis.test = None;
        analysis.smallest_difference = Some("1%".into());
    });
    let verdict = against(&plain, number(0.02), number(0.003));
    assert_eq!(verdict.state, GateState::Fail);
    assert!(verdict.detail.ends_with(": worse by 1.7 %"), "{}", verdict.detail);
    assert_eq!(verdict.stable, Some(0.003));
    assert_eq!(against(&plain, number(0.012), number(0.003)).state, GateState::Pass);
}

#[test]
fn a_comparison_needs_both_tracks() {
    let environment = compared(|analysis| {
        analysis.test = None;
        analysis.smallest_difference = Some("1%".into());
    });
    let verdict = against(&environment, number(0.124), Reading::Empty);
    assert_eq!(verdict.state, GateState::NoData);
    assert!(verdict.detail.contains("no data of the stable: the query gives nothing"), "{}", verdict.detail);
    for environment in [environment, compared(|_| {})] {
        let mut release = canary(&environment);
        release.status.as_mut().unwrap().weight =
            Some(crate::api::release::Weights { desired: 100, ..Default::default() });
        let verdict = judged(&environment, &release, &Answers::default(), at(0), at(1)).remove(0);
        assert_eq!(verdict.state, GateState::NoData);
        assert!(verdict.detail.contains("no old version serves beside the new one"), "{}", verdict.detail);
        let later = judged(&environment, &release, &Answers::default(), at(0), at(2)).remove(0);
        assert_eq!((later.at, later.detail), (None, verdict.detail), "nothing was measured at any instant");
        let due = questions(&environment, &release, &Answers::default(), at(40));
        assert!(due.iter().all(|(name, _)| name == "share/backend"), "{due:?}");
    }
}

#[test]
fn expressions_judge_what_limits_cannot() {
    let environment = compared(|analysis| {
        analysis.test = None;
        analysis.fail_if = Some("value > 2.0 * stable && samples > 100.0".into());
    });
    let verdict = against(&environment, number(0.02), number(0.005));
    assert_eq!(verdict.state, GateState::Fail);
    assert!(
        verdict.detail.ends_with("fails if value > 2.0 * stable && samples > 100.0"),
        "{}",
        verdict.detail
    );
    assert_eq!(against(&environment, number(0.009), number(0.005)).state, GateState::Pass);
}

/// A change of a good analysis, and what is said of it.
type Case = (fn(&mut Analysis), &'static str);

#[test]
fn what_is_wrong_is_found_when_the_environment_is_read() {
    assert_eq!(problems(&world(|_| {})), Vec::<String>::new());
    let cases: Vec<Case> = vec![
        (|analysis| analysis.fail_when = Some("10".into()), "failWhen: `10` is not a comparison"),
        (
            |analysis| analysis.query = "errors-rate".into(),
            "query: there is no query `errors-rate`; there are activePods, ",
        ),
        (|analysis| analysis.fail_if = Some("oops(".into()), "failIf: `oops(`"),
        (|analysis| analysis.fail_when = None, "nothing to judge by"),
        (|analysis| analysis.test = Some(StatisticalTest::TwoProportion), "against:"),
        (|analysis| analysis.smallest_difference = Some("much".into()), "smallestDifference: `much`"),
        (
            |analysis| analysis.components = vec!["backnd".into()],
            "there is no `backnd`; there are backend, frontend",
        ),
        (|analysis| analysis.for_ = Some(crate::api::Duration::from_mins(60)), "for: it must be shorter"),
        (|analysis| analysis.samples = Some("nothing".into()), "samples: there is no query `nothing`"),
        (|analysis| analysis.errors = Some("nothing".into()), "errors: there is no query `nothing`"),
    ];
    for (edit, expected) in cases {
        let environment = world(edit);
        let found = problems(&environment);
        assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:?}");
        assert!(found[0].starts_with("analysis error-rate: "), "{found:?}");
        let verdict =
            judged(&environment, &canary(&environment), &Answers::default(), at(0), at(1)).remove(0);
        assert_eq!((verdict.state, &verdict.detail), (GateState::NoData, &found[0]));
    }
    let mut environment = world(|_| {});
    environment.spec.metrics.as_mut().unwrap().queries.insert("mine".into(), "up{x=\"{{cluster}}\"}".into());
    environment.spec.analysis.push(environment.spec.analysis[0].clone());
    environment.spec.strategy = Some(
        serde_json::from_value(serde_json::json!({
            "canary": {"steps": [{"analysis": {"names": ["latency"]}}]}
        }))
        .unwrap(),
    );
    assert_eq!(problems(&environment).len(), 3);
}
