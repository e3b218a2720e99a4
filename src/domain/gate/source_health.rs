//! The present health of the environment that a promotion comes from: its error rate against its limit, and its named alerts.
//!
//! Owns what is asked of the source and what the answers mean. Whether its pods are healthy, and whether the version was rolled back
//! there, is the promotion gate's.

use chrono::TimeDelta;

use super::{Case, Evaluation, Gate, Moment};
use crate::api::environment::Environment;
use crate::api::release::GateState;
use crate::domain::alerts;
use crate::domain::analysis::comparison::Unit;
use crate::domain::health::{Answer, Question};
use crate::domain::measure::{Measure, Reading};
use crate::domain::pane::{self, ERROR_RATE};
use crate::domain::query::{self, Values};
use crate::domain::span;

/// Name of the gate and of the question about the error rate.
const NAME: &str = "source-health";
/// Name of the question about alerts.
const ALERTS: &str = "source-alerts";
/// Time between two asks.
const EVERY: TimeDelta = TimeDelta::seconds(15);
/// How old an answer may be.
const FRESH: TimeDelta = TimeDelta::seconds(90);

/// The questions about the source that are due.
pub(super) fn ask(case: &Case<'_>, all: &mut Evaluation) {
    let Some(source) = source(case) else { return };
    let due = |name| case.observed.answers.is_due(name, EVERY, case.now);
    if let Some(measure) = error_rate(source).filter(|_| due(NAME)) {
        all.questions.push((NAME.to_owned(), Question::Measure(measure)));
    }
    if let Some(question) = alerts::question(source).filter(|_| due(ALERTS)) {
        all.questions.push((ALERTS.to_owned(), question));
    }
}

/// Whether the source is healthy now; nothing where the source states neither a limit of its error rate nor alerts.
pub(super) fn judge(case: &Case<'_>) -> Option<Gate> {
    let source = source(case)?;
    let asks_errors = error_rate(source).is_some();
    let asks_alerts = alerts::question(source).is_some();
    let errors = asks_errors.then(|| answered(case, NAME, |answer| of_errors(source, answer)));
    let firing = asks_alerts.then(|| answered(case, ALERTS, |answer| of_alerts(source, answer)));
    let rank = |gate: &Gate| match gate.0.state {
        GateState::Fail => 0,
        GateState::NoData => 1,
        GateState::Wait => 2,
        GateState::Pass => 3,
    };
    let gate = errors.into_iter().chain(firing).min_by_key(rank)?;
    if gate.0.state == GateState::Pass {
        return Some(gate);
    }
    let who = format!("a healthy {}, or {}", source.key(), case.someone_with("override"));
    Some(gate.cleared_by(who).command(case.by_force(NAME)))
}

/// The environment that a promotion comes from. It speaks only while it still runs what is released.
fn source<'a>(case: &'a Case<'_>) -> Option<&'a Environment> {
    let source = case.observed.source.as_ref()?.environment.as_ref()?;
    case.environment.spec.promotion.as_ref().map(|_| source)
}

fn limit(source: &Environment) -> Option<f64> {
    pane::limit(&source.spec, ERROR_RATE)
}

/// The question about the error rate; nothing where the source has no limit or names no Prometheus: its pods alone are judged then.
fn error_rate(source: &Environment) -> Option<Measure> {
    limit(source)?;
    let prometheus = source.spec.metrics.as_ref()?.prometheus.clone()?;
    let template = query::template(&source.spec, ERROR_RATE)?;
    let query = query::render(ERROR_RATE, template, &Values::of(source)).ok()?;
    // one number, also where the query tells components apart
    Some(Measure {
        prometheus: Some(prometheus),
        queries: [(ERROR_RATE.to_owned(), format!("max({query})"))].into(),
    })
}

fn answered(case: &Case<'_>, name: &str, judge: impl Fn(&Answer) -> Gate) -> Gate {
    match case.observed.answers.last_since(name, span::before(case.now, FRESH)) {
        Some(answer) => judge(answer),
        None if case.moment == Moment::Waiting => Gate::wait(NAME, "the source's health is being asked for"),
        None => Gate::no_data(NAME, "the source's health was asked for too long ago"),
    }
}

fn of_errors(source: &Environment, answer: &Answer) -> Gate {
    let (key, limit) = (source.key(), limit(source).unwrap_or_default());
    match answer.measurement().map(|found| found.reading(ERROR_RATE)) {
        Some(Reading::Number(rate)) if *rate > limit => Gate::fail(
            NAME,
            format!("{key} has {} errors now (limit {})", Unit::Ratio.show(*rate), Unit::Ratio.show(limit)),
        ),
        Some(Reading::Number(rate)) => Gate::pass(
            NAME,
            format!("{key} has {} errors now (limit {})", Unit::Ratio.show(*rate), Unit::Ratio.show(limit)),
        ),
        Some(Reading::Empty | Reading::NotANumber) if answer.state != GateState::NoData => {
            Gate::pass(NAME, format!("{key} gets no requests now"))
        }
        _ => Gate::no_data(NAME, format!("the error rate of {key} is unknown: {}", answer.detail)),
    }
}

fn of_alerts(source: &Environment, answer: &Answer) -> Gate {
    let key = source.key();
    let named = &source.spec.rollback_on.alerts;
    match answer.alerts() {
        _ if answer.state == GateState::NoData => {
            Gate::no_data(NAME, format!("the alerts of {key} are unknown: {}", answer.detail))
        }
        Some(firing) => match firing.iter().find(|alert| named.contains(&alert.name)) {
            Some(alert) => Gate::fail(
                NAME,
                format!("alert {} fires in {key} since {}", alert.name, alert.since.format("%H:%M:%SZ")),
            ),
            None => Gate::pass(NAME, format!("no alert fires in {key}")),
        },
        None => Gate::no_data(NAME, format!("the alerts of {key} are unknown")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::{EnvironmentRef, Metrics, Promotion};
    use crate::api::release::ReleaseStatus;
    use crate::domain::fixtures::{at, environment, observed};
    use crate::domain::gate::evaluate;
    use crate::domain::health::Found;
    use crate::domain::measure::{Alert, Measurement};
    use crate::domain::rollout::{Observed, Source};

    /// A promotion out of a staging whose error rate may be 5 %, with an alert.
    fn world() -> Observed {
        let mut into = environment();
        into.spec.promotion = Some(Promotion {
            from: EnvironmentRef { namespace: "planera".into(), name: "staging".into() },
            soak: None,
        });
        let mut staging = environment();
        staging.metadata.name = Some("staging".into());
        let metrics =
            serde_json::json!({"limits": {"errorRate": 0.05}, "prometheus": {"url": "http://prometheus"}});
        staging.spec.metrics = Some(serde_json::from_value::<Metrics>(metrics).unwrap());
        staging.spec.rollback_on.alerts = vec!["HighErrorRate".into()];
        let mut observed = observed(into);
        observed.source = Some(Source { environment: Some(staging), releases: Vec::new() });
        observed
    }

    fn evaluated(observed: &Observed, moment: Moment, secs: i64) -> Evaluation {
        let plan = crate::domain::plan::plan(observed.environment.as_ref().unwrap(), &observed.release);
        let status = ReleaseStatus { plan: Some(plan), ..ReleaseStatus::default() };
        evaluate(observed, &status, None, moment, at(secs))
    }

    fn gate(observed: &Observed, secs: i64) -> (GateState, String) {
        let all = evaluated(observed, Moment::Waiting, secs);
        let gate = all.gates.into_iter().find(|gate| gate.name == NAME).unwrap();
        (gate.state, gate.detail)
    }

    fn answer(reading: Reading, secs: i64) -> Answer {
        let state = if matches!(reading, Reading::Several(_)) { GateState::NoData } else { GateState::Pass };
        let found = Found::Measurement(Measurement([(ERROR_RATE.to_owned(), reading)].into()));
        Answer { at: at(secs), state, detail: "connection refused".into(), found: Some(found) }
    }

    fn alerts(firing: &[&str], secs: i64) -> Answer {
        let alert = |name: &&str| Alert {
            name: (*name).into(),
            since: at(0),
            labels: std::collections::BTreeMap::default(),
        };
        let found = Some(Found::Alerts(firing.iter().map(alert).collect()));
        Answer { at: at(secs), state: GateState::Pass, detail: String::new(), found }
    }

    #[test]
    fn an_unhealthy_source_stops_a_promotion() {
        for (reading, firing, expected, text) in [
            (Reading::Number(0.003), &[][..], GateState::Pass, "0.3 % errors now (limit 5 %)"),
            (Reading::Number(0.11), &[], GateState::Fail, "11 % errors now (limit 5 %)"),
            (Reading::Number(0.003), &["HighErrorRate"], GateState::Fail, "alert HighErrorRate fires"),
            (Reading::Number(0.003), &["DiskFull"], GateState::Pass, "errors now"),
            (Reading::Empty, &[], GateState::Pass, "no requests now"),
            (Reading::NotANumber, &[], GateState::Pass, "no requests now"),
            (Reading::Several(2), &[], GateState::NoData, "connection refused"),
        ] {
            let mut world = world();
            world.observed_answers(answer(reading.clone(), 10), alerts(firing, 10));
            let (state, detail) = gate(&world, 20);
            assert_eq!(state, expected, "{reading:?}: {detail}");
            assert!(detail.contains(text), "{reading:?}: {detail}");
        }
    }

    #[test]
    fn without_a_prometheus_its_error_rate_is_not_asked_for() {
        let mut world = world();
        let source = world.source.as_mut().and_then(|source| source.environment.as_mut()).unwrap();
        source.spec.metrics.as_mut().unwrap().prometheus = None;
        source.spec.rollback_on.alerts.clear();
        let all = evaluated(&world, Moment::Waiting, 10);
        assert!(all.gates.iter().all(|gate| gate.name != NAME), "{:?}", all.gates);
    }

    #[test]
    fn an_answer_is_needed_and_must_be_fresh() {
        let mut world = world();
        assert_eq!(gate(&world, 10).0, GateState::Wait);
        let all = evaluated(&world, Moment::Waiting, 10);
        let asked: Vec<_> = all.questions.iter().map(|(name, _)| name.as_str()).collect();
        assert!(asked.contains(&NAME) && asked.contains(&ALERTS), "{asked:?}");
        world.observed_answers(answer(Reading::Number(0.0), 10), alerts(&[], 10));
        assert_eq!(gate(&world, 20).0, GateState::Pass);
        assert_eq!(gate(&world, 200).0, GateState::Wait);
        let executing = evaluated(&world, Moment::Executing, 200);
        let gate = executing.gates.iter().find(|gate| gate.name == NAME).unwrap();
        assert_eq!(gate.state, GateState::NoData);
    }

    impl Observed {
        fn observed_answers(&mut self, errors: Answer, alerts: Answer) {
            self.answers.record(NAME, errors);
            self.answers.record(ALERTS, alerts);
        }
    }
}
