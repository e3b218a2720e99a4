//! Named alerts: which ones are asked for, and which of them speak against a release.
//!
//! An alert counts only when its condition began after the release did: what burned before is not this release's doing. Must not
//! know how alerts are fetched (`gate`).

use chrono::{DateTime, TimeDelta, Utc};

use super::health::{Answers, Question};
use super::measure::{Alert, AlertsQuestion};
use crate::api::environment::Environment;
use crate::api::release::GateState;
use crate::domain::span;

/// Name under which the answers are kept.
pub(crate) const NAME: &str = "alerts";
/// Time between two asks.
const EVERY: TimeDelta = TimeDelta::seconds(10);
/// How old the newest answer may be.
const FRESH: TimeDelta = TimeDelta::seconds(60);

/// The question, where the environment names alerts.
#[must_use]
pub(crate) fn question(environment: &Environment) -> Option<Question> {
    let names = environment.spec.rollback_on.alerts.clone();
    let metrics = environment.spec.metrics.as_ref();
    (!names.is_empty()).then(|| {
        Question::Alerts(AlertsQuestion {
            prometheus: metrics.and_then(|metrics| metrics.prometheus.clone()),
            names,
            namespace: environment.metadata.namespace.clone().unwrap_or_default(),
        })
    })
}

/// The question with its name, when it is time to ask (again).
#[must_use]
pub(crate) fn due(
    environment: &Environment,
    answers: &Answers,
    now: DateTime<Utc>,
) -> Option<(String, Question)> {
    question(environment)
        .filter(|_| answers.is_due(NAME, EVERY, now))
        .map(|question| (NAME.to_owned(), question))
}

/// What fires among the environment's named alerts and began after `since`: one sentence. Nothing when nothing does, and nothing
/// when nobody knows: see [`state`].
#[must_use]
pub(crate) fn firing_since(
    environment: &Environment,
    answers: &Answers,
    since: DateTime<Utc>,
) -> Option<String> {
    let answer = answers.last_since(NAME, since)?;
    let named = &environment.spec.rollback_on.alerts;
    let counts = |alert: &&Alert| alert.since >= since && named.contains(&alert.name);
    let first = answer.alerts()?.iter().filter(counts).min_by_key(|alert| alert.since)?;
    let about = describe(first).map_or(String::new(), |about| format!(" ({about})"));
    Some(format!(
        "alert {}{about} fires since {}, after the release started",
        first.name,
        first.since.format("%H:%M:%SZ")
    ))
}

/// Whether the named alerts are known to be quiet. Nothing where the environment names none.
#[must_use]
pub(crate) fn state(
    environment: &Environment,
    answers: &Answers,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<(GateState, String)> {
    let named = &environment.spec.rollback_on.alerts;
    if named.is_empty() {
        return None;
    }
    if let Some(why) = firing_since(environment, answers, since) {
        return Some((GateState::Fail, why));
    }
    Some(match answers.last_since(NAME, since) {
        None => (GateState::Wait, "alerts are being asked for".to_owned()),
        Some(answer) if answer.state != GateState::Pass => (GateState::NoData, answer.detail.clone()),
        Some(answer) if span::after(answer.at, FRESH) < now => {
            (GateState::NoData, format!("alerts were last read at {}", answer.at.format("%H:%M:%SZ")))
        }
        Some(_) => (GateState::Pass, format!("none of {} fires", named.join(", "))),
    })
}

/// What tells an alert from others of its name.
fn describe(alert: &Alert) -> Option<String> {
    let told: Vec<String> = ["severity", "component", "track", "pod"]
        .into_iter()
        .filter_map(|label| alert.labels.get(label).map(|value| format!("{label} {value}")))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{at, environment};
    use crate::domain::health::{Answer, Found};

    fn answers(alerts: &[(&str, i64)]) -> Answers {
        let alert = |(name, secs): &(&str, i64)| Alert {
            name: (*name).to_owned(),
            since: at(*secs),
            labels: [("severity".to_owned(), "page".to_owned())].into(),
        };
        let mut answers = Answers::default();
        let found = Some(Found::Alerts(alerts.iter().map(alert).collect()));
        answers.record(NAME, Answer { found, ..Answer::new(at(100), GateState::Pass, "") });
        answers
    }

    fn watched() -> Environment {
        let mut environment = environment();
        environment.spec.rollback_on.alerts = vec!["HighErrorRate".into()];
        environment
    }

    #[test]
    fn only_named_alerts_that_began_after_the_release_count() {
        let environment = watched();
        for (alerts, expected) in [
            (&[][..], None),
            (&[("HighErrorRate", 49)], None),
            (&[("Watchdog", 60)], None),
            (&[("HighErrorRate", 49), ("HighErrorRate", 50)], Some("fires since")),
        ] {
            let found = firing_since(&environment, &answers(alerts), at(50));
            assert_eq!(found.is_some(), expected.is_some(), "{alerts:?}: {found:?}");
        }
        let sentence = firing_since(&environment, &answers(&[("HighErrorRate", 60)]), at(50)).unwrap();
        assert_eq!(
            sentence,
            format!(
                "alert HighErrorRate (severity page) fires since {}, after the release started",
                at(60).format("%H:%M:%SZ")
            )
        );
    }

    #[test]
    fn silence_is_green_only_when_it_was_heard_lately() {
        let environment = watched();
        let quiet = answers(&[]);
        for (answers, now, expected) in [
            (Answers::default(), 100, GateState::Wait),
            (quiet.clone(), 101, GateState::Pass),
            (quiet, 161, GateState::NoData),
            (answers(&[("HighErrorRate", 60)]), 101, GateState::Fail),
        ] {
            assert_eq!(state(&environment, &answers, at(50), at(now)).unwrap().0, expected);
        }
        let mut broken = Answers::default();
        broken.record(NAME, Answer::new(at(100), GateState::NoData, "Prometheus is down"));
        assert_eq!(
            state(&environment, &broken, at(50), at(101)),
            Some((GateState::NoData, "Prometheus is down".to_owned()))
        );
        assert_eq!(state(&crate::domain::fixtures::environment(), &broken, at(50), at(101)), None);
    }

    #[test]
    fn nobody_is_asked_for_nothing() {
        assert_eq!(due(&environment(), &Answers::default(), at(0)), None);
        assert!(due(&watched(), &Answers::default(), at(0)).is_some());
        assert_eq!(due(&watched(), &answers(&[]), at(101)), None);
        assert!(due(&watched(), &answers(&[]), at(110)).is_some());
    }
}
