//! Alerts as they come in: which each source tells of, what Alertmanagers do with them, and how many each environment has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::api::{Environment, EnvironmentKey};
use crate::app::state::alerts::Handled;
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::event::AlertingEvent;
use crate::app::state::store::Dirty;
use crate::domain::alert_row::{AlertCount, Labels};

/// Applies an event about alerts, silences or alert history.
pub(super) fn apply(cluster: &mut ClusterState, dirty: &mut Dirty, event: AlertingEvent) {
    match event {
        AlertingEvent::AlertSources(sources) => cluster.alerts.retain(|source, _| sources.contains(source)),
        AlertingEvent::Alerts { source, at, result } => {
            let told = cluster.alerts.entry(source).or_default();
            match result {
                Ok(alerts) => {
                    told.alerts = alerts.into_iter().map(Arc::new).collect();
                    (told.at, told.error) = (Some(at), None);
                }
                Err(reason) => told.error = Some(reason),
            }
        }
        AlertingEvent::AlertmanagerSources(names) => {
            cluster.alertmanagers.retain(|name, _| names.contains(name));
        }
        AlertingEvent::Alertmanager { name, reference, environments, at, result } => {
            let managed = cluster.alertmanagers.entry(name).or_default();
            (managed.reference, managed.environments) = (reference, environments);
            match result {
                Ok((handled, silences)) => {
                    (managed.handled, managed.silences) = (handled, silences);
                    (managed.at, managed.error) = (Some(at), None);
                }
                Err(reason) => managed.error = Some(reason),
            }
        }
        AlertingEvent::AlertHistory { environment, found } => {
            dirty.alerts |= cluster.alert_history.get(&environment) != Some(&found);
            cluster.alert_history.insert(environment, found);
            return;
        }
    }
    recount(cluster, dirty);
}

/// Counts anew what each environment has. What is kept quiet is not counted: somebody knows of it.
fn recount(cluster: &mut ClusterState, dirty: &mut Dirty) {
    let mut counts: BTreeMap<EnvironmentKey, AlertCount> = BTreeMap::new();
    // two that tell of the same one are one
    let mut seen: BTreeSet<&Labels> = BTreeSet::new();
    for alert in cluster.alerts.values().flat_map(|told| &told.alerts) {
        let quiet = || handling(cluster, &alert.labels).is_some_and(|handled| handled.word().is_some());
        if seen.insert(&alert.labels) && !alert.environments.is_empty() && !quiet() {
            for key in &alert.environments {
                counts.entry(key.clone()).or_default().add(alert);
            }
        }
    }
    cluster.alert_counts = counts;
    dirty.alerts = true;
    dirty.readings = true;
}

/// How many alerts an environment has; absent where nobody has told yet.
pub(super) fn count(cluster: &ClusterState, environment: &Environment) -> Option<AlertCount> {
    let known = cluster.alerts.values().any(|told| told.at.is_some());
    known.then(|| cluster.alert_counts.get(&environment.key()).copied().unwrap_or_default())
}

/// What becomes of the alert with these labels, as far as an Alertmanager has told.
pub(super) fn handling(cluster: &ClusterState, labels: &Labels) -> Option<Handled> {
    cluster.alertmanagers.values().find_map(|managed| {
        let handling = managed.handled.iter().find(|handling| handling.is_about(labels))?;
        let kept = managed.silences.iter().filter(|silence| handling.silenced_by.contains(&silence.id));
        Some(Handled {
            silences: kept.cloned().collect(),
            is_inhibited: handling.is_inhibited,
            receivers: handling.receivers.clone(),
        })
    })
}
