//! Which of the named alerts fire.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::measure::target;
use super::{Answered, Gate, Scope};
use crate::api::release::GateState;
use crate::domain::health::{Found, Question};
use crate::domain::measure::{Alert, AlertsQuestion};
use crate::metrics::{ActiveAlert, ActiveAlerts};
use crate::sanitize;

/// Which of the named alerts fire.
pub(super) struct AlertsGate;

impl Gate for AlertsGate {
    fn name(&self) -> &'static str {
        "alerts"
    }

    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>> {
        let Question::Alerts(question) = question else { return None };
        Some(read(scope, question).boxed())
    }
}

async fn read(scope: &Scope, question: &AlertsQuestion) -> Answered {
    let target = match target(question.prometheus.as_ref()) {
        Ok(target) => target,
        Err(why) => return Answered::from((GateState::NoData, why)),
    };
    match scope.prometheus.alerts(&target).await {
        Ok(active) if let Some(why) = incomplete(&active, question) => {
            Answered::from((GateState::NoData, why))
        }
        Ok(ActiveAlerts { alerts: active, .. }) => {
            let firing: Vec<Alert> =
                active.iter().filter(|alert| concerns(alert, question)).map(harmless).collect();
            Answered {
                state: GateState::Pass,
                detail: format!("{} of the named alerts fire", firing.len()),
                found: Some(Found::Alerts(firing)),
            }
        }
        Err(error) => Answered::from((GateState::NoData, error.to_string())),
    }
}

/// Why the named alerts are not all known; nothing where they are.
fn incomplete(active: &ActiveAlerts, question: &AlertsQuestion) -> Option<String> {
    if let Some(why) = &active.partial {
        return Some(format!("the alerts are known in part only: {why}"));
    }
    let concerned = active.unread.iter().find(|name| name.is_empty() || question.names.contains(name))?;
    let which = if concerned.is_empty() { "an alert without a name" } else { concerned };
    Some(format!("Prometheus' answer about {which} is not understood"))
}

/// An alert that fires, bears one of the names, and is about this namespace or about none.
fn concerns(alert: &ActiveAlert, question: &AlertsQuestion) -> bool {
    let is_here = alert.labels.get("namespace").is_none_or(|namespace| *namespace == question.namespace);
    alert.is_firing && is_here && question.names.contains(&alert.name)
}

/// Labels come from outside and reach screens.
fn harmless(alert: &ActiveAlert) -> Alert {
    let line = |text: &str| sanitize::line(text).into_owned();
    let labels = alert.labels.iter().map(|(name, value)| (line(name), line(value))).collect();
    Alert { name: line(&alert.name), since: alert.since, labels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_that_is_not_understood_is_no_alert_that_does_not_fire() {
        let question =
            AlertsQuestion { prometheus: None, names: vec!["High".into()], namespace: "prod".into() };
        for (unread, partial, expected) in [
            (&[][..], None, None),
            (&["Low"], None, None),
            (&["Low", "High"], None, Some("answer about High")),
            (&[""], None, Some("an alert without a name")),
            (&[], Some("a warning"), Some("in part only: a warning")),
        ] {
            let active = ActiveAlerts {
                alerts: Vec::new(),
                unread: unread.iter().map(ToString::to_string).collect(),
                partial: partial.map(str::to_owned),
            };
            let why = incomplete(&active, &question);
            assert_eq!(why.is_some(), expected.is_some(), "{active:?}");
            assert!(expected.is_none_or(|part| why.unwrap().contains(part)), "{active:?}");
        }
    }

    #[test]
    fn only_what_fires_here_counts() {
        let question =
            AlertsQuestion { prometheus: None, names: vec!["High".into()], namespace: "prod".into() };
        for (name, is_firing, namespace, expected) in [
            ("High", true, Some("prod"), true),
            ("High", true, None, true),
            ("High", false, Some("prod"), false),
            ("High", true, Some("other"), false),
            ("Low", true, Some("prod"), false),
        ] {
            let labels = namespace.map(|namespace| ("namespace".to_owned(), namespace.to_owned()));
            let alert = ActiveAlert {
                name: name.to_owned(),
                is_firing,
                since: chrono::DateTime::UNIX_EPOCH,
                labels: labels.into_iter().collect(),
                annotations: std::collections::BTreeMap::new(),
            };
            assert_eq!(concerns(&alert, &question), expected, "{alert:?}");
        }
    }
}
