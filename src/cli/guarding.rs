//! What stops, guards and takes responsibility: `freeze`, `stop`, `scale`, `deny`, `override`, `review`, `drive` and the like.

use super::act::{no_environment, on_release, send};
use super::error::CliError;
use super::exit::Exit;
use super::foresee;
use super::grammar::{
    Check, Drive, Freeze, HandOver, How, OnDigest, OnEnvironment, Override, ReasonArgs, Replicas, Restart,
    Review, Scale,
};
use super::session::{Session, nonce};
use crate::api::environment::Debt;
use crate::api::release_action::Parameters;
use crate::api::{ActionKind, Duration, Environment, Release};
use crate::config::Settings;
use crate::domain::action_rule;
use crate::domain::intent::{self, Act};
use crate::time::Clock;

/// `freeze`.
pub(super) async fn freeze(settings: &Settings, wanted: &Freeze) -> Result<Exit, CliError> {
    let parameters = Parameters {
        until: wanted.span.map(until),
        in_flight: Some(wanted.in_flight.into()),
        incident: wanted.incident.clone(),
        ..Parameters::default()
    };
    submit(settings, ActionKind::Freeze, &wanted.environment, (Some(parameters), &wanted.said)).await
}

/// `unfreeze`, `stop`.
pub(super) async fn on_environment(
    settings: &Settings,
    kind: ActionKind,
    wanted: &OnEnvironment,
) -> Result<Exit, CliError> {
    submit(settings, kind, &wanted.environment, (None, &wanted.said)).await
}

/// `deny`, `allow`.
pub(super) async fn on_digest(
    settings: &Settings,
    kind: ActionKind,
    wanted: &OnDigest,
) -> Result<Exit, CliError> {
    let parameters = Parameters {
        digest: Some(wanted.digest.clone()),
        until: wanted.span.map(until).filter(|_| kind == ActionKind::Deny),
        ..Parameters::default()
    };
    submit(settings, kind, &wanted.environment, (Some(parameters), &wanted.said)).await
}

/// `scale`.
pub(super) async fn scale(settings: &Settings, wanted: &Scale) -> Result<Exit, CliError> {
    let replicas = match wanted.replicas {
        Replicas::Count(count) => Some(count),
        Replicas::Back => None,
    };
    let parameters =
        Parameters { component: Some(wanted.component.clone()), replicas, ..Parameters::default() };
    submit(settings, ActionKind::Scale, &wanted.environment, (Some(parameters), &wanted.said)).await
}

/// `restart`.
pub(super) async fn restart(settings: &Settings, wanted: &Restart) -> Result<Exit, CliError> {
    let parameters = Parameters { component: Some(wanted.component.clone()), ..Parameters::default() };
    submit(settings, ActionKind::Restart, &wanted.environment, (Some(parameters), &wanted.said)).await
}

/// `review`: without a name, the oldest debt of somebody else.
pub(super) async fn review(settings: &Settings, wanted: &Review) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[&wanted.environment]).await?;
    let environment = session.environment(&wanted.environment).await?;
    let debts = environment.status.as_ref().map(|status| status.debts.as_slice()).unwrap_or_default();
    let debt = debt(debts, wanted.debt.as_deref(), session.author().user)
        .map_err(|sentence| CliError::new(Exit::Error, format!("{}: {sentence}", environment.key())))?;
    let parameters = Parameters { debt: Some(debt.id.clone()), ..Parameters::default() };
    let act = said(Some(parameters), wanted.reason.as_ref());
    confirm_and_send(&session, &environment, ActionKind::Review, (act, &wanted.how)).await
}

fn debt<'a>(debts: &'a [Debt], named: Option<&str>, user: &str) -> Result<&'a Debt, String> {
    let Some(named) = named else {
        let others = debts.iter().filter(|debt| debt.by != user);
        let oldest = others.min_by_key(|debt| debt.at);
        return oldest.ok_or_else(|| "nothing is left for you to review".to_owned());
    };
    let known: Vec<&str> = debts.iter().map(|debt| debt.id.as_str()).collect();
    let is_named =
        |debt: &&Debt| debt.id == named || debt.id.split_once('/').is_some_and(|(_, uid)| uid == named);
    debts.iter().find(is_named).ok_or_else(|| {
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        format!("there is no debt `{}`; there are {known}", crate::sanitize::line(named))
    })
}

/// `override`.
pub(super) async fn override_gate(settings: &Settings, wanted: &Override) -> Result<Exit, CliError> {
    let parameters = Parameters {
        gate: Some(wanted.gate.clone()),
        until: Some(until(wanted.span)),
        incident: wanted.incident.clone(),
        ..Parameters::default()
    };
    let act = said(Some(parameters), wanted.said.reason.as_ref());
    intent::check(ActionKind::Override, &act)?;
    on_release(settings, ActionKind::Override, &wanted.target, (|_, _| Ok(act), &wanted.said.how)).await
}

/// `check`: the item may be cut short.
pub(super) async fn check(settings: &Settings, wanted: &Check) -> Result<Exit, CliError> {
    let chosen = |release: &Release, environment: Option<&Environment>| {
        let environment = environment.ok_or_else(|| no_environment(release))?;
        let item =
            item(environment, &wanted.item).map_err(|sentence| CliError::new(Exit::Usage, sentence))?;
        let parameters = Parameters { item: Some(item.to_owned()), ..Parameters::default() };
        Ok(said(Some(parameters), None))
    };
    on_release(settings, ActionKind::Check, &wanted.target, (chosen, &wanted.how)).await
}

fn item<'a>(environment: &'a Environment, given: &str) -> Result<&'a str, String> {
    let items = environment.spec.gates.as_ref().map(|gates| gates.checklist.as_slice()).unwrap_or_default();
    let begins = |item: &&String| item.to_lowercase().starts_with(&given.to_lowercase());
    let fitting: Vec<&String> = items.iter().filter(begins).collect();
    match fitting.as_slice() {
        [one] => Ok(one.as_str()),
        several => {
            let exact = several.iter().find(|item| item.as_str() == given).map(|item| item.as_str());
            let known = items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "nothing".to_owned() } else { known };
            exact.ok_or_else(|| {
                format!(
                    "`{}` is no single item of the checklist: it has {known}",
                    crate::sanitize::line(given)
                )
            })
        }
    }
}

/// `drive`.
pub(super) async fn drive(settings: &Settings, wanted: &Drive) -> Result<Exit, CliError> {
    let parameters = Parameters { until: Some(until(wanted.span)), ..Parameters::default() };
    let act = said(Some(parameters), None);
    on_release(settings, ActionKind::Drive, &wanted.target, (|_, _| Ok(act), &wanted.how)).await
}

/// `hand-over`.
pub(super) async fn hand_over(settings: &Settings, wanted: &HandOver) -> Result<Exit, CliError> {
    let parameters =
        wanted.to.clone().map(|person| Parameters { person: Some(person), ..Parameters::default() });
    let act = said(parameters, wanted.note.as_ref());
    on_release(settings, ActionKind::HandOver, &wanted.target, (|_, _| Ok(act), &wanted.how)).await
}

fn said(parameters: Option<Parameters>, reason: Option<&String>) -> Act {
    Act { parameters, reason: reason.cloned(), ..Act::default() }
}

fn until(span: Duration) -> chrono::DateTime<chrono::Utc> {
    Clock::system().now() + span.to_delta()
}

/// What can be said to be wrong without a cluster is said before one is asked.
async fn submit(
    settings: &Settings,
    kind: ActionKind,
    environment: &str,
    (parameters, said): (Option<Parameters>, &ReasonArgs),
) -> Result<Exit, CliError> {
    let act = self::said(parameters, said.reason.as_ref());
    intent::check(kind, &act)?;
    let session = Session::open(settings, &[environment]).await?;
    let environment = session.environment(environment).await?;
    confirm_and_send(&session, &environment, kind, (act, &said.how)).await
}

async fn confirm_and_send(
    session: &Session,
    environment: &Environment,
    kind: ActionKind,
    (act, how): (Act, &How),
) -> Result<Exit, CliError> {
    let component = act.parameters.as_ref().and_then(|with| with.component.as_deref());
    if let Some(stranger) = component.filter(|name| environment.spec.component(name).is_none()) {
        let known: Vec<&str> = environment.spec.components.iter().map(|c| c.name.as_str()).collect();
        let sentence = format!(
            "{} has no component `{}`; it has {}",
            environment.key(),
            crate::sanitize::line(stranger),
            known.join(", ")
        );
        return Err(CliError::new(Exit::Error, sentence));
    }
    let nonce = nonce(how.request_id.as_ref());
    let what = match component {
        Some(component) => format!("{kind} {component} of {}", environment.key()),
        None => format!("{kind} {}", environment.key()),
    };
    let action = intent::environment_action(environment, kind, session.author(), (&act, &nonce))?;
    let confirmation = action_rule::confirmation(kind, act.parameters.as_ref(), None);
    let foreseen = if how.dry_run {
        let releases = session.releases().await?;
        foresee::refusal_of_environment(environment, &releases, (&action, Clock::system().now()))
    } else {
        None
    };
    send(session, (Some(environment), confirmation), (&action, foreseen), (&what, how)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(checklist: &[&str]) -> Environment {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
            "metadata": {"name": "production", "namespace": "shop"},
            "spec": {"application": "shop", "tier": "production", "components": [], "gates": {"checklist": checklist}}
        }))
        .unwrap()
    }

    #[test]
    fn an_item_may_be_cut_short_while_it_is_clear() {
        let environment = environment(&["Team notified", "Team lunch", "Team"]);
        assert_eq!(item(&environment, "team n"), Ok("Team notified"));
        assert_eq!(item(&environment, "Team"), Ok("Team"));
        assert!(item(&environment, "migrations").unwrap_err().contains("`Team lunch`"));
        assert!(item(&environment, "te").is_err());
    }

    #[test]
    fn the_oldest_debt_of_somebody_else_is_meant() {
        let debt_of = |by: &str, id: &str, minute: i64| Debt {
            id: id.into(),
            by: by.into(),
            at: chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute),
            what: "override".into(),
            reason: "it burns".into(),
            incident: None,
        };
        let debts = [debt_of("bob", "b", 3), debt_of("alice", "a", 1), debt_of("carol", "c", 2)];
        assert_eq!(debt(&debts, None, "alice").unwrap().id, "c");
        assert_eq!(debt(&debts, Some("a"), "bob").unwrap().id, "a");
        assert!(debt(&debts, Some("x"), "bob").unwrap_err().contains("b, a, c"));
        assert!(debt(&debts[1..2], None, "alice").is_err());
    }
}
