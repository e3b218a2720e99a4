//! `alerts`: what fires or is about to, the worst first, by the very rules of the terminal's own list.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Alerts, Format};
use super::show::{Seen, look};
use super::table::Table;
use super::{choose, output};
use crate::api::Environment;
use crate::app::alerts::Within;
use crate::app::state::alerts::{AlertLine, AlertScope, Handled};
use crate::app::state::event::AlertingEvent;
use crate::app::state::event::{ClusterEvent, Delta, Event};
use crate::app::state::located::{ClusterId, EnvironmentId};
use crate::app::state::store::Store;
use crate::app::{alerts as listed, update_all};
use crate::config::Settings;
use crate::domain::age::Age;
use crate::domain::alert_row::owners;
use crate::metrics::{ActiveAlert, Address, Target, alertmanager_of};
use crate::time::Clock;

/// `alerts`.
pub(super) async fn alerts(settings: &Settings, wanted: &Alerts) -> Result<Exit, CliError> {
    let seen = look(settings).await?;
    let all: Vec<Environment> = seen.iter().flat_map(|seen| seen.environments.clone()).collect();
    let named = match &wanted.environment {
        Some(given) => Some(choose::environment(&all, given)?),
        None => None,
    };
    if let (Some(environment), Some(component)) = (named, &wanted.component) {
        choose::component(&[environment], component)?;
    }
    let named = named.map(Environment::key);
    let address = super::doctor::address(settings);
    let manager = super::doctor::alertmanager(settings);
    let told = join_all(seen.iter().map(|seen| async {
        let (mut events, mut failures) = ask(seen, &address).await;
        let (handled, silent) = ask_managers(seen, &manager).await;
        events.extend(handled);
        failures.extend(silent);
        (events, failures)
    }))
    .await;
    let failures: Vec<String> = told.iter().flat_map(|(_, failures)| failures.clone()).collect();
    let is_told =
        |event: &ClusterEvent| matches!(event, ClusterEvent::Alerting(AlertingEvent::Alerts { .. }));
    if !told.iter().any(|(events, _)| events.iter().any(is_told)) && !all.is_empty() {
        let none = "no Prometheus is named: set spec.metrics.prometheus of the Environment, or --prometheus";
        let sentence = failures.first().cloned().unwrap_or_else(|| none.to_owned());
        return Err(CliError::new(Exit::Error, sentence));
    }
    let mut store = Store::new(seen.iter().map(|seen| seen.context.as_str().into()), "cli");
    let mut events = vec![Event::Tick(Clock::system().now())];
    let mut scope = if wanted.all { AlertScope::Everything } else { AlertScope::Environments };
    for (id, (seen, (told, _))) in (0_u16..).map(ClusterId).zip(seen.iter().zip(told)) {
        let keyed = seen.environments.iter().map(|one| (one.key(), one.clone().into()));
        let known = ClusterEvent::Environments(Delta::Reset(keyed.collect()));
        events.extend(std::iter::once(known).chain(told).map(|event| Event::Cluster(id, event)));
        if let Some(key) = named.as_ref().filter(|key| seen.environments.iter().any(|one| one.key() == **key))
        {
            scope = AlertScope::One(EnvironmentId::new(id, key.clone()));
        }
    }
    // what it would like to fetch is not for us
    let _ = update_all(&mut store, events);
    if let (AlertScope::One(id), Some(component)) = (&scope, &wanted.component) {
        store.ui.alone.insert(id.clone(), component.as_str().into());
    }
    let found = listed::within(&store, &scope);
    print(&store, &found, wanted)?;
    for failure in &failures {
        output::remark(failure);
    }
    Ok(if failures.is_empty() { Exit::Ok } else { Exit::Error })
}

fn print(store: &Store, found: &Within, wanted: &Alerts) -> Result<(), CliError> {
    let Within { lines, hidden, .. } = found;
    if wanted.output == Format::Json {
        let items: Vec<Value> = lines.iter().map(|line| as_json(store, line)).collect();
        return output::json(&json!({"alerts": items, "ofOtherComponents": hidden}));
    }
    let mut table = Table::new(["SEVERITY", "STATE", "FOR", "ALERT", "ENVIRONMENT", "CLUSTER", "SUMMARY"]);
    for line in lines {
        let whose: Vec<String> = line.alert.environments.iter().map(ToString::to_string).collect();
        table.row([
            if line.alert.severity_word().is_empty() { "-" } else { line.alert.severity_word() },
            line.state(),
            &Age::between(line.alert.since, store.now).to_string(),
            &line.alert.name,
            &if whose.is_empty() { "-".to_owned() } else { whose.join(",") },
            store.cluster(line.id.cluster).map_or("", |cluster| &cluster.context),
            line.alert.summary(),
        ]);
    }
    match (table.is_empty(), &wanted.component) {
        (false, _) => output::text(&table.to_string())?,
        (true, Some(component)) => output::remark(&format!("no alert is about {component}")),
        (true, None) => output::remark("no alert fires, and none is pending"),
    }
    if *hidden > 0 {
        output::remark(&format!("{hidden} of other components not shown"));
    }
    Ok(())
}

fn as_json(store: &Store, line: &AlertLine) -> Value {
    let alert = &line.alert;
    json!({
        "cluster": store.cluster(line.id.cluster).map(|cluster| &*cluster.context),
        "environments": alert.environments.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "name": &*alert.name,
        "state": line.state(),
        "handling": line.handled.as_ref().map(handling),
        "severity": Some(alert.severity_word()).filter(|word| !word.is_empty()),
        "since": alert.since,
        "summary": Some(alert.summary()).filter(|text| !text.is_empty()),
        "labels": plain(&alert.labels),
        "annotations": plain(&alert.annotations),
        "toldBy": line.told_by.join(" "),
    })
}

fn handling(handled: &Handled) -> Value {
    let silences: Vec<Value> = handled
        .silences
        .iter()
        .map(|one| json!({"id": &*one.id, "until": one.until, "by": &*one.by, "comment": &*one.comment}))
        .collect();
    json!({"receivers": handled.receivers, "inhibited": handled.is_inhibited, "silences": silences})
}

fn plain(words: &crate::domain::alert_row::Labels) -> BTreeMap<&str, &str> {
    words.iter().map(|(name, value)| (&**name, &**value)).collect()
}

/// What each Alertmanager of that cluster's environments does with them, and a sentence for each that does not say.
async fn ask_managers(seen: &Seen, address: &Address) -> (Vec<ClusterEvent>, Vec<String>) {
    let (mut events, mut failures) = (Vec::new(), Vec::new());
    for environment in &seen.environments {
        let Some(reference) = alertmanager_of(environment, address) else { continue };
        let Some(target) = Target::of_alertmanager(&reference) else { continue };
        let name: Box<str> = target.words().into();
        let is_known = |event: &ClusterEvent| matches!(event, ClusterEvent::Alerting(AlertingEvent::Alertmanager { name: known, .. }) if *known == name);
        if events.iter().any(is_known) {
            continue;
        }
        let answer = match target.open_alertmanager(&seen.cluster) {
            Ok(client) => tokio::try_join!(client.handled(), client.silences()),
            Err(error) => Err(error),
        };
        let environments = seen.environments.iter().map(Environment::key).collect();
        match answer {
            Ok(found) => {
                let at = Clock::system().now();
                events.push(ClusterEvent::Alerting(AlertingEvent::Alertmanager {
                    name,
                    reference,
                    environments,
                    at,
                    result: Ok(found),
                }));
            }
            Err(error) => failures.push(format!("{name}: {error}")),
        }
    }
    let mut told = BTreeSet::new();
    failures.retain(|failure| told.insert(failure.clone()));
    (events, failures)
}

/// What each Prometheus of that cluster's environments tells, and a sentence for each that does not.
async fn ask(seen: &Seen, address: &Address) -> (Vec<ClusterEvent>, Vec<String>) {
    let targets: BTreeSet<Target> =
        seen.environments.iter().filter_map(|one| Target::of(one, address)).collect();
    let answers = join_all(targets.into_iter().map(|target| async move {
        let answer = match target.open(&seen.cluster) {
            Ok(prometheus) => prometheus.alerts().await,
            Err(error) => Err(error),
        };
        (target.words(), answer)
    }))
    .await;
    let (mut events, mut failures) = (Vec::new(), Vec::new());
    for (source, answer) in answers {
        match answer {
            Ok(active) => {
                if let Some(why) = active.missing() {
                    failures.push(format!("{source}: {why}"));
                }
                let mut alerts: Vec<_> = active.alerts.iter().map(ActiveAlert::row).collect();
                for alert in &mut alerts {
                    alert.environments = owners(&seen.environments, &alert.labels);
                }
                let (source, at) = (source.into(), Clock::system().now());
                events.push(ClusterEvent::Alerting(AlertingEvent::Alerts { source, at, result: Ok(alerts) }));
            }
            Err(error) => failures.push(format!("{source}: {error}")),
        }
    }
    (events, failures)
}
