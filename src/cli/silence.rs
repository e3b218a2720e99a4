//! `silence`, `expire-silence`: what the terminal's own keys do among alerts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::confirm::confirm;
use super::error::CliError;
use super::exit::Exit;
use super::grammar::{ExpireSilence, Format, How, Silence};
use super::output;
use super::session::Session;
use crate::api::environment::AlertmanagerRef;
use crate::api::{Duration, Environment};
use crate::app::alertmanagers::NOBODY;
use crate::config::Settings;
use crate::domain::action_rule::Confirmation;
use crate::domain::age::Age;
use crate::domain::alert_row::{AlertRow, owners};
use crate::domain::silence::{self, Matcher, NewSilence, all_match, proposed};
use crate::metrics::{ActiveAlert, Alertmanager, Changed, Target, alertmanager_of};
use crate::sanitize;
use crate::time::Clock;

/// An Alertmanager that answers, and how people call it.
struct Manager {
    name: String,
    client: Alertmanager,
}

/// `silence`.
pub(super) async fn silence(settings: &Settings, wanted: &Silence) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[&wanted.environment]).await?;
    let environment = session.environment(&wanted.environment).await?;
    let address = super::doctor::alertmanager(settings);
    let reference =
        alertmanager_of(&environment, &address).ok_or_else(|| CliError::new(Exit::Error, NOBODY))?;
    let manager = reach(&session, &reference).await?;
    let active = active(settings, &session, &environment).await;
    let matchers = match &wanted.alert {
        Some(name) => of_alert(&environment, &active.clone()?, name)?,
        None => wanted.matchers.clone(),
    };
    let from = Clock::system().now();
    let silence = NewSilence {
        matchers,
        from,
        until: from + wanted.span.to_delta(),
        by: session.author().user.to_owned(),
        comment: wanted.reason.clone(),
    };
    // numbers that are missing do not keep anybody from silencing by labels of their own
    let meant = active.ok().map(|active| matched(&active, &silence.matchers));
    let asked = told(&silence, &manager.name, meant.as_deref());
    confirm(
        Some(&environment),
        Confirmation::Light,
        &how(wanted),
        &format!("silence {}\n{asked}", environment.key()),
    )?;
    if wanted.dry_run {
        return tell(wanted.output, &format!("would be silenced; nothing was sent\n{asked}"), || {
            as_json(&silence, (&manager.name, meant.as_deref()), ("NotSent", None))
        });
    }
    let id = done(manager.client.silence(&silence).await)?;
    tell(wanted.output, &format!("silence {id}\n{asked}"), || {
        as_json(&silence, (&manager.name, meant.as_deref()), ("Done", Some(&id)))
    })
}

/// `expire-silence`: of whichever Alertmanager in sight keeps it.
pub(super) async fn expire(settings: &Settings, wanted: &ExpireSilence) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[]).await?;
    let address = super::doctor::alertmanager(settings);
    let environments = session.environments().await?;
    let references = environments.iter().filter_map(|environment| alertmanager_of(environment, &address));
    let mut known = BTreeSet::new();
    // each once, wherever environments between two of them name another one
    let references: Vec<AlertmanagerRef> = references
        .filter(|reference| known.insert((reference.url.clone(), reference.service.clone())))
        .collect();
    if references.is_empty() {
        return Err(CliError::new(Exit::Error, NOBODY));
    }
    let (mut known, mut failures) = (BTreeSet::new(), Vec::new());
    for reference in &references {
        let asked = async {
            let manager = reach(&session, reference).await?;
            let silences = manager.client.silences().await;
            let silences = silences.map_err(|error| failed(&manager.name, &error.to_string()))?;
            Ok::<_, CliError>((manager, silences))
        };
        match asked.await {
            Ok((manager, silences)) => {
                if let Some(found) = silences.iter().find(|silence| *silence.id == *wanted.id) {
                    return end(&manager, found, wanted).await;
                }
                known.extend(silences.into_iter().map(|silence| silence.id.to_string()));
            }
            Err(error) => failures.push(error),
        }
    }
    if let Some(failure) = failures.into_iter().next() {
        return Err(failure);
    }
    let known: Vec<String> = known.into_iter().collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(CliError::new(Exit::Error, format!("no silence in force is called {}; there are {known}", wanted.id)))
}

async fn end(
    manager: &Manager,
    silence: &silence::Silence,
    wanted: &ExpireSilence,
) -> Result<Exit, CliError> {
    let matchers: Vec<String> = silence.matchers.iter().map(ToString::to_string).collect();
    let as_json = |verdict: &str| {
        json!({
            "verdict": verdict, "id": &*silence.id, "alertmanager": manager.name, "matchers": matchers,
            "by": &*silence.by, "comment": &*silence.comment, "until": silence.until,
        })
    };
    let words = format!("{} of {}: {}", silence.id, silence.by, silence.comment);
    if wanted.dry_run {
        let text = format!("silence {words}: would be ended; nothing was sent");
        return tell(wanted.output, &text, || as_json("NotSent"));
    }
    done(manager.client.expire(&silence.id).await)?;
    tell(wanted.output, &format!("silence {words}: ended"), || as_json("Done"))
}

/// A client of that Alertmanager, once it has answered: what is refused later is refused by it.
async fn reach(session: &Session, reference: &AlertmanagerRef) -> Result<Manager, CliError> {
    let target = Target::of_alertmanager(reference).ok_or_else(|| CliError::new(Exit::Error, NOBODY))?;
    let name = target.words();
    let opened = target.open_alertmanager(&session.cluster);
    let client = opened.map_err(|error| failed(&name, &error.to_string()))?;
    client.version().await.map_err(|error| failed(&name, &error.to_string()))?;
    Ok(Manager { name, client })
}

fn failed(name: &str, reason: &str) -> CliError {
    CliError::new(Exit::Error, format!("{name}: {reason}; nothing was sent"))
}

/// What the environment's Prometheus tells of alerts now, each with the environment where it is of this one.
async fn active(
    settings: &Settings,
    session: &Session,
    environment: &Environment,
) -> Result<Vec<AlertRow>, CliError> {
    let none = "no Prometheus is named: set spec.metrics.prometheus of the Environment, or --prometheus";
    let target = Target::of(environment, &super::doctor::address(settings));
    let target = target.ok_or_else(|| CliError::new(Exit::Error, none))?;
    let asked = async { target.open(&session.cluster)?.alerts().await };
    let found = asked.await.map_err(|error| failed(&target.words(), &error.to_string()))?;
    // whose an alert is depends on who else could have it
    let (all, key) = (session.environments().await?, environment.key());
    let row = |alert: &ActiveAlert| {
        let row = alert.row();
        let own = owners(&all, &row.labels).into_iter().filter(|owner| *owner == key).collect();
        AlertRow { environments: own, ..row }
    };
    Ok(found.alerts.iter().map(row).collect())
}

/// The matchers of the one alert of that name which the environment has.
fn of_alert(environment: &Environment, active: &[AlertRow], name: &str) -> Result<Vec<Matcher>, CliError> {
    let own = || active.iter().filter(|alert| !alert.environments.is_empty());
    let mut found: Vec<Vec<Matcher>> =
        own().filter(|alert| *alert.name == *name).map(|alert| proposed(&alert.labels)).collect();
    let mut known = BTreeSet::new();
    found.retain(|matchers| {
        let words: Vec<String> = matchers.iter().map(ToString::to_string).collect();
        known.insert(words)
    });
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let known: BTreeSet<&str> = own().map(|alert| &*alert.name).collect();
            let known: Vec<&str> = known.into_iter().collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let (given, key) = (sanitize::line(name), environment.key());
            Err(CliError::new(
                Exit::Error,
                format!("no alert `{given}` is active in {key}; there are {known}"),
            ))
        }
        several => {
            let words = |matchers: &Vec<Matcher>| {
                matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            };
            let several: Vec<String> = several.iter().map(words).collect();
            let sentence = format!(
                "several alerts are called {}: say by --matcher which are meant; there are {}",
                sanitize::line(name),
                several.join("; ")
            );
            Err(CliError::new(Exit::Usage, sentence))
        }
    }
}

/// The names of the alerts that are meant now.
fn matched(active: &[AlertRow], matchers: &[Matcher]) -> Vec<String> {
    active
        .iter()
        .filter(|alert| all_match(matchers, &alert.labels))
        .map(|alert| alert.name.to_string())
        .collect()
}

/// Everything of a silence, one thing a line.
fn told(silence: &NewSilence, manager: &str, meant: Option<&[String]>) -> String {
    let span = Age::of(silence.until - silence.from);
    let meant = match meant {
        None => "not known: Prometheus did not tell of alerts".to_owned(),
        Some([]) => "no alert that is active now".to_owned(),
        Some(names) => format!("{} active now: {}", names.len(), names.join(", ")),
    };
    let mut lines = vec![format!("  alertmanager  {manager}")];
    lines.extend(silence.matchers.iter().map(|matcher| format!("  matcher       {matcher}")));
    lines.push(format!("  matches       {meant}"));
    lines.push(format!("  until         {} ({span})", silence.until.format("%Y-%m-%d %H:%MZ")));
    lines.push(format!("  by            {}: {}", silence.by, silence.comment));
    sanitize::block(&lines.join("\n")).into_owned()
}

fn as_json(
    silence: &NewSilence,
    (manager, meant): (&str, Option<&[String]>),
    (verdict, id): (&str, Option<&str>),
) -> Value {
    json!({
        "verdict": verdict,
        "id": id,
        "alertmanager": manager,
        "matchers": silence.matchers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "matches": meant,
        "until": silence.until,
        "by": silence.by,
        "comment": silence.comment,
    })
}

fn tell(format: Format, text: &str, json: impl FnOnce() -> Value) -> Result<Exit, CliError> {
    match format {
        Format::Json => output::json(&json())?,
        Format::Table => output::text(&format!("{}\n", sanitize::block(text).trim_end()))?,
    }
    Ok(Exit::Ok)
}

fn done(changed: Changed) -> Result<String, CliError> {
    match changed {
        Changed::Done(id) => Ok(id),
        Changed::Refused(reason) => Err(CliError::new(Exit::Refused, reason)),
        Changed::Unknown(reason) => {
            let sentence =
                format!("{reason}; it may or may not have arrived: look at the alerts before you ask again");
            Err(CliError::new(Exit::Unreachable, sentence))
        }
    }
}

/// How it is confirmed, in the words of every other command.
fn how(wanted: &Silence) -> How {
    How {
        dry_run: wanted.dry_run,
        confirm: wanted.confirm.clone(),
        yes: false,
        wait: false,
        timeout: Duration::ZERO,
        output: wanted.output,
        request_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::alert;

    fn environment() -> Environment {
        crate::app::fixtures::environment("production").production().into()
    }

    fn written(matchers: &[Matcher]) -> Vec<String> {
        matchers.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_alert_is_found_by_its_name_where_it_is_clear_which() {
        let rows: Vec<AlertRow> = vec![
            alert("Slow", &[("pod", "backend-1"), ("severity", "warning")]).of("production").into(),
            alert("Slow", &[("pod", "backend-2"), ("severity", "warning")]).of("production").into(),
            alert("Full", &[("component", "db")]).of("production").into(),
            alert("Full", &[("component", "web")]).of("production").into(),
            alert("Elsewhere", &[]).into(),
        ];
        let find =
            |name| of_alert(&environment(), &rows, name).map_err(|error| (error.exit(), error.to_string()));
        let slow = find("Slow").unwrap();
        assert_eq!(
            written(&slow),
            ["alertname=\"Slow\"", "namespace=\"planera-production\"", "severity=\"warning\""]
        );
        assert_eq!(matched(&rows, &slow), ["Slow", "Slow"]);
        let (exit, sentence) = find("Full").unwrap_err();
        assert_eq!(exit, Exit::Usage);
        assert!(
            sentence.contains("component=\"db\"") && sentence.contains("component=\"web\""),
            "{sentence}"
        );
        let (exit, sentence) = find("Elsewhere").unwrap_err();
        assert_eq!(exit, Exit::Error);
        let words = "no alert `Elsewhere` is active in planera-production/production; there are Full, Slow";
        assert_eq!(sentence, words);
    }

    #[test]
    fn how_a_change_ended_is_told_by_the_exit() {
        let end = |changed| done(changed).map_err(|error| error.exit());
        assert_eq!(end(Changed::Done("a".into())), Ok("a".to_owned()));
        assert_eq!(end(Changed::Refused("no".into())), Err(Exit::Refused));
        assert_eq!(end(Changed::Unknown("?".into())), Err(Exit::Unreachable));
    }
}
