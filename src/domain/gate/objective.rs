//! What the numbers forbid before anything is changed: no new release starts in production while the error budget burns fast, and
//! none anywhere whose analyses cannot be understood.

use chrono::TimeDelta;

use super::{Case, Evaluation, Gate, Moment};
use crate::api::environment::{NoData, Slo, Tier};
use crate::api::release::GateState;
use crate::domain::burn_rate::{self, Assessment};
use crate::domain::health::{Answer, Question};
use crate::domain::span;
use crate::domain::{analysis, measure};

/// Name of the gate and of its question.
const NAME: &str = "slo";
/// Time between two asks: the shortest window is five minutes.
const EVERY: TimeDelta = TimeDelta::seconds(60);
/// How old an answer may be.
const FRESH: TimeDelta = TimeDelta::seconds(180);

/// Whether the analyses can be understood; nothing where they can.
pub(super) fn readable(case: &Case<'_>) -> Option<Gate> {
    let problems = analysis::problems(case.environment);
    let first = problems.first()?;
    let more = match problems.len() {
        1 => String::new(),
        several => format!(" (and {} more)", several.saturating_sub(1)),
    };
    let key = case.environment.key();
    Some(
        Gate::fail("analysis", format!("{first}{more}"))
            .cleared_by(format!("a platform owner, who corrects the Environment {key}")),
    )
}

/// The objective's question, when it is time to ask (again).
pub(super) fn ask(case: &Case<'_>, all: &mut Evaluation) {
    let Some(slo) = objective(case) else { return };
    if case.observed.answers.is_due(NAME, EVERY, case.now)
        && let Ok(measure) = burn_rate::question(case.environment, slo)
    {
        all.questions.push((NAME.to_owned(), Question::Measure(measure)));
    }
}

/// Whether the error budget burns too fast; nothing where there is no objective.
pub(super) fn judge(case: &Case<'_>) -> Option<Gate> {
    let slo = objective(case)?;
    let gate = match case.observed.answers.last_since(NAME, span::before(case.now, FRESH)) {
        None if case.moment == Moment::Waiting => {
            Gate::wait(NAME, "the error budget is being asked for").cleared_by("the controller")
        }
        None => Gate::no_data(NAME, "the last answer is too old").cleared_by("the controller"),
        Some(answer) => of_answer(slo, answer),
    };
    let needs_help = matches!(gate.0.state, GateState::Fail | GateState::NoData);
    Some(if needs_help && gate.0.cleared_by.is_none() {
        let who = format!("whoever mends the application, or {}", case.someone_with("override"));
        gate.cleared_by(who).command(case.by_force(NAME))
    } else {
        gate
    })
}

fn objective<'a>(case: &'a Case<'_>) -> Option<&'a Slo> {
    let spec = &case.environment.spec;
    spec.metrics.as_ref()?.slo.as_ref().filter(|_| spec.tier == Tier::Production)
}

fn of_answer(slo: &Slo, answer: &Answer) -> Gate {
    let nothing = measure::Measurement::default();
    let found = burn_rate::assess(slo, answer.measurement().unwrap_or(&nothing));
    if let Some(burning) = found.fast() {
        return Gate::fail(NAME, burns(slo, &found, burning));
    }
    let budget = found.budget();
    if found.is_known_slow() {
        let budget = budget.map_or(String::new(), |budget| format!("; {budget}"));
        return Gate::pass(NAME, format!("errors are within the objective of {} %{budget}", slo.objective));
    }
    let why = match answer.state {
        GateState::NoData => answer.detail.clone(),
        _ => "too few requests, or none, to tell how fast the error budget burns".to_owned(),
    };
    match slo.no_data {
        NoData::Hold => Gate::no_data(NAME, why),
        NoData::Fail => Gate::fail(NAME, format!("{why} (noData: fail)")),
        NoData::Pass => Gate::pass(NAME, format!("{why} (noData: pass)")),
    }
}

fn burns(slo: &Slo, found: &Assessment, burning: &burn_rate::Judged) -> String {
    let of = |burn: Option<burn_rate::Burn>, window| {
        burn.map_or(String::new(), |burn| burn_rate::describe(&burn, window))
    };
    let rate = burning.long.map_or(0.0, |burn| burn.rate);
    let budget = found.budget().map_or(String::new(), |budget| format!("; {budget}"));
    format!(
        "errors use up the budget of the objective of {} % {rate:.1} times too fast (limit {}): {}, {}{budget}",
        slo.objective,
        burning.pair.factor,
        of(burning.long, burning.pair.long),
        of(burning.short, burning.pair.short)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::{Metrics, PrometheusRef};
    use crate::api::release::{ReleaseKind, ReleaseStatus};
    use crate::domain::fixtures::{at, environment, observed};
    use crate::domain::gate::evaluate;
    use crate::domain::health::Found;
    use crate::domain::measure::{Measurement, Reading};
    use crate::domain::rollout::Observed;

    fn world(no_data: NoData) -> Observed {
        let mut environment = environment();
        let slo =
            Slo { objective: 99.9, errors: None, total: None, window: None, min_requests: None, no_data };
        environment.spec.metrics = Some(Metrics {
            prometheus: Some(PrometheusRef { service: Some("m/p:9090".into()), url: None }),
            slo: Some(slo),
            ..Metrics::default()
        });
        observed(environment)
    }

    fn planned(observed: &Observed) -> ReleaseStatus {
        let plan = crate::domain::plan::plan(observed.environment.as_ref().unwrap(), &observed.release);
        ReleaseStatus { plan: Some(plan), ..ReleaseStatus::default() }
    }

    /// Every window has seen a million requests, and this share of them failed.
    fn answer(observed: &mut Observed, ratio: Option<f64>) {
        let environment = observed.environment.clone().unwrap();
        let slo = environment.spec.metrics.as_ref().unwrap().slo.clone().unwrap();
        let queries = burn_rate::question(&environment, &slo).unwrap().queries;
        let number = |name: &String, ratio: f64| {
            Reading::Number(if name.starts_with("errors") { 1e6 * ratio } else { 1e6 })
        };
        let readings = queries
            .keys()
            .map(|name| (name.clone(), ratio.map_or(Reading::Empty, |ratio| number(name, ratio))));
        let found = Some(Found::Measurement(Measurement(readings.collect())));
        observed.answers.record(NAME, Answer { found, ..Answer::new(at(10), GateState::Pass, "") });
    }

    fn gate(observed: &Observed, secs: i64, moment: Moment) -> (GateState, String) {
        let all = evaluate(observed, &planned(observed), None, moment, at(secs));
        let gate = all.gates.into_iter().find(|gate| gate.name == NAME).unwrap();
        (gate.state, gate.detail)
    }

    #[test]
    fn a_fast_burn_stops_new_releases_and_nothing_else() {
        let mut observed = world(NoData::Hold);
        assert_eq!(gate(&observed, 10, Moment::Waiting).0, GateState::Wait);
        assert_eq!(gate(&observed, 10, Moment::Executing).0, GateState::NoData);
        answer(&mut observed, Some(0.02));
        let (state, detail) = gate(&observed, 11, Moment::Waiting);
        assert_eq!(state, GateState::Fail);
        assert!(
            detail.starts_with(
                "errors use up the budget of the objective of 99.9 % 20.0 times too fast (limit 14.4): 2 % of \
                 1,000,000 requests failed within 1h"
            ),
            "{detail}"
        );
        observed.release.spec.kind = ReleaseKind::Rollback;
        assert_eq!(gate(&observed, 11, Moment::Executing).0, GateState::Pass, "a rollback waits for nobody");
        observed.release.spec.kind = ReleaseKind::Deploy;
        answer(&mut observed, Some(0.0005));
        let (state, detail) = gate(&observed, 11, Moment::Executing);
        assert_eq!(state, GateState::Pass);
        assert!(detail.contains("50 % of the error budget is left"), "{detail}");
        assert_eq!(gate(&observed, 191, Moment::Executing).0, GateState::NoData, "too old");
        observed.environment.as_mut().unwrap().spec.tier = Tier::Staging;
        let all = evaluate(&observed, &planned(&observed), None, Moment::Waiting, at(11));
        assert!(all.gates.iter().all(|gate| gate.name != NAME), "only production");
    }

    #[test]
    fn no_data_holds_unless_the_environment_says_otherwise() {
        for (policy, state) in [
            (NoData::Hold, GateState::NoData),
            (NoData::Fail, GateState::Fail),
            (NoData::Pass, GateState::Pass),
        ] {
            let mut observed = world(policy);
            answer(&mut observed, None);
            assert_eq!(gate(&observed, 11, Moment::Waiting).0, state);
        }
    }

    #[test]
    fn the_question_is_asked_in_its_own_time() {
        let mut observed = world(NoData::Hold);
        let asked = |observed: &Observed, secs| {
            let all = evaluate(observed, &planned(observed), None, Moment::Waiting, at(secs));
            all.questions.iter().any(|(name, _)| name == NAME)
        };
        assert!(asked(&observed, 10));
        answer(&mut observed, Some(0.0));
        assert!(!asked(&observed, 69) && asked(&observed, 70));
    }

    #[test]
    fn what_cannot_be_understood_stops_a_release_before_it_begins() {
        let mut observed = world(NoData::Hold);
        let spec = &mut observed.environment.as_mut().unwrap().spec;
        spec.metrics.as_mut().unwrap().slo.as_mut().unwrap().objective = 100.0;
        let all = evaluate(&observed, &planned(&observed), None, Moment::Waiting, at(11));
        let gate = all.gates.iter().find(|gate| gate.name == "analysis").unwrap();
        assert_eq!(gate.state, GateState::Fail);
        assert!(gate.detail.contains("metrics.slo.objective: 100 is not"), "{}", gate.detail);
    }
}
