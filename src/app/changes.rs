//! What has changed in an environment lately: releases, weights, approvals, pauses, ways back, freezes, alerts, restarts. The panes
//! mark it on their time axes, and a view lists it.
//!
//! Owns which entries of releases' records count as a change. Must not know how a marker looks.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::environment::Component;
use crate::api::release::TimelineEntry;
use crate::api::{ActionKind, ActionResult, Phase, Release, ReleaseAction};
use crate::app::state::changes::{Change, ChangeKind};
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::located::EnvironmentId;
use crate::app::state::store::Store;
use crate::app::state::view::{Focus, Listed, View};
use crate::app::state::view_row::{PlaceRow, ViewRow};
use crate::app::{components, needs, views};
use crate::domain::alert_history::Episode;
use crate::domain::component;
use crate::domain::pod_row::PodRow;

/// How far back changes are listed, unless a view shows a longer time.
pub(crate) const REACH: TimeDelta = TimeDelta::hours(1);

/// Name of the view.
pub(crate) const NAME: &str = "changes";

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: NAME,
    is: |view| view.is_list(NAME),
    panes: &[Focus::Changes],
    environment: |store| match store.ui.view() {
        View::Listed(list) => Some(list.environment.clone()),
        _ => None,
    },
    go: |store, step, height| {
        let Store { ui, rows, .. } = store;
        if let Some(View::Listed(list)) = ui.views.last_mut() {
            list.offset = step.scroll(list.offset, rows.changes.len(), height);
        }
    },
    place: Some(PlaceRow {
        go: |store, arrival| {
            if let Some(environment) = arrival.environment.clone() {
                views::push(store, View::Listed(Listed { name: NAME, environment, offset: 0 }));
            }
            Some(())
        },
        ..PlaceRow::ROW
    }),
    ..ViewRow::ROW
};

/// Opens the list of an environment's changes, once.
pub(super) fn open(store: &mut Store, environment: EnvironmentId) {
    if !store.ui.view().is_list(NAME) {
        views::push(store, View::Listed(Listed { name: NAME, environment, offset: 0 }));
    }
}

/// What has changed in that environment within the last `reach`, newest first.
pub(super) fn list(store: &Store, id: &EnvironmentId, reach: TimeDelta) -> Vec<Change> {
    let Some(cluster) = store.cluster(id.cluster) else { return Vec::new() };
    let since = store.now - reach;
    let alone = Alone::of(store, id);
    let mut changes: Vec<Change> = releases(cluster, id)
        .filter(|release| ended(release).is_none_or(|at| at >= since))
        .filter(|release| alone.is_none_or(|alone| alone.concerns_release(release)))
        .flat_map(|release| {
            let timeline = release.status.as_ref().map(|status| status.timeline.as_slice());
            timeline.unwrap_or_default().iter().filter_map(|entry| of_release(release, entry))
        })
        .collect();
    let actions = cluster.actions.values().filter(|action| {
        action.metadata.namespace.as_deref() == Some(&*id.key.namespace)
            && *action.spec.environment == *id.key.name
            && alone.is_none_or(|alone| alone.concerns_action(action))
    });
    changes.extend(actions.filter_map(|action| of_action(action)));
    let episodes = cluster.alert_history.get(&id.key).into_iter().flatten();
    let episodes = episodes.filter(|episode| alone.is_none_or(|alone| alone.concerns_alert(episode)));
    changes.extend(episodes.flat_map(of_alert));
    changes.extend(restarts(cluster, &id.key.namespace, (since, alone)));
    changes.retain(|change| change.at >= since);
    changes.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.kind.cmp(&b.kind)));
    changes
}

/// The component that is shown alone, among all of its environment: what is known to concern others only is left out.
#[derive(Clone, Copy)]
struct Alone<'a> {
    component: &'a Component,
    all: &'a [Component],
}

impl<'a> Alone<'a> {
    fn of(store: &'a Store, id: &EnvironmentId) -> Option<Self> {
        let component = components::alone(store, id)?;
        Some(Self { component, all: &store.environment(id)?.spec.components })
    }

    fn is_or_nobody(self, found: Option<&Component>) -> bool {
        found.is_none_or(|found| found.name == self.component.name)
    }

    fn concerns_release(self, release: &Release) -> bool {
        let images = &release.spec.images;
        images.is_empty() || images.iter().any(|image| image.component == self.component.name)
    }

    fn concerns_action(self, action: &ReleaseAction) -> bool {
        let named = action.spec.parameters.as_ref().and_then(|with| with.component.as_deref());
        named.is_none_or(|name| name == self.component.name.as_str())
    }

    fn concerns_alert(self, episode: &Episode) -> bool {
        self.is_or_nobody(component::of_labels(self.all, &episode.labels))
    }

    fn concerns_pod(self, pod: &PodRow) -> bool {
        component::of_name(self.all, &pod.owner).is_some_and(|found| found.name == self.component.name)
    }
}

fn releases<'a>(cluster: &'a ClusterState, id: &'a EnvironmentId) -> impl Iterator<Item = &'a Release> + 'a {
    cluster.releases.values().map(|release| &**release).filter(|release| needs::is_into(release, &id.key))
}

fn ended(release: &Release) -> Option<DateTime<Utc>> {
    release.status.as_ref().and_then(|status| status.finished_at)
}

fn of_release(release: &Release, entry: &TimelineEntry) -> Option<Change> {
    let kind = ChangeKind::of(&entry.reason)?;
    let version = release.spec.version.as_str();
    let label = match kind {
        ChangeKind::Release if entry.reason == "Started" => version,
        // Their lines say enough: words are kept for what tells one moment from another.
        ChangeKind::Release => "",
        ChangeKind::Pause if entry.reason == "Promoted" => "",
        ChangeKind::Approval => &entry.reason,
        ChangeKind::Weight => percent(&entry.message).unwrap_or(&entry.reason),
        ChangeKind::Rollback if release.phase() == Phase::Aborted => "aborted",
        ChangeKind::Rollback => "rollback",
        ChangeKind::Pause if entry.reason == "Resumed" => "resumed",
        other => other.word(),
    };
    Some(Change {
        at: entry.at,
        kind,
        version: version.into(),
        by: entry.by.as_str().into(),
        message: entry.message.as_str().into(),
        label: label.to_lowercase().into(),
    })
}

/// The share that a sentence is about: `10%` of `weight 10%: 33% with 1 of 3 pods`, `35%` of `went from 10% to 35%`.
fn percent(message: &str) -> Option<&str> {
    if let Some(to) = message.split_once("% to ").and_then(|(_, rest)| percent(rest)) {
        return Some(to);
    }
    let end = message.find('%')?;
    let digits = message[..end].bytes().rev().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| &message[end - digits..=end])
}

fn of_action(action: &ReleaseAction) -> Option<Change> {
    let kind = match action.spec.action {
        ActionKind::Freeze | ActionKind::Unfreeze => ChangeKind::Freeze,
        ActionKind::Scale | ActionKind::Restart => ChangeKind::Pods,
        ActionKind::AbortAll => ChangeKind::Rollback,
        _ => return None,
    };
    let status = action.status.as_ref()?;
    if status.result != Some(ActionResult::Applied) {
        return None;
    }
    let word = match action.spec.action {
        ActionKind::AbortAll => "emergency stop".to_owned(),
        other => other.as_str().to_lowercase(),
    };
    let component = action.spec.parameters.as_ref().and_then(|with| with.component.as_deref());
    let what = component.map_or_else(|| word.clone(), |component| format!("{word} {component}"));
    let message = match action.spec.reason.as_deref() {
        Some(reason) => format!("{what}: {reason}"),
        None => what,
    };
    Some(Change {
        at: action.created_at().or(status.at)?,
        kind,
        version: "".into(),
        by: action.spec.actor.as_str().into(),
        message: message.into(),
        label: word.into(),
    })
}

/// That it began, and that it ceased.
fn of_alert(episode: &Episode) -> impl Iterator<Item = Change> {
    let about = episode.about();
    let about = if about.is_empty() { String::new() } else { format!(": {about}") };
    let change = |at: Option<DateTime<Utc>>, kind: ChangeKind, verb: &str, label: &str| {
        at.map(|at| Change {
            at,
            kind,
            version: "".into(),
            by: "prometheus".into(),
            message: format!("{} {verb}{about}", episode.name).into(),
            label: label.into(),
        })
    };
    let begun = change(episode.began, ChangeKind::Alert, "fires", &episode.name);
    begun.into_iter().chain(change(episode.ended, ChangeKind::AlertEnd, "is over", ""))
}

/// The newest restart among these pods.
type Restarted<'a> = (DateTime<Utc>, Vec<&'a PodRow>);

/// The last restart of each pod; those of one workload within a minute are one.
fn restarts(
    cluster: &ClusterState,
    namespace: &str,
    (since, alone): (DateTime<Utc>, Option<Alone<'_>>),
) -> Vec<Change> {
    let mut restarted: BTreeMap<(&str, i64), Restarted<'_>> = BTreeMap::new();
    let restarts = cluster.pods.restarted(namespace);
    for pod in restarts.filter(|pod| alone.is_none_or(|alone| alone.concerns_pod(pod))) {
        let Some(at) = pod.last_restart.filter(|at| *at >= since) else { continue };
        let (last, pods) = restarted.entry((&pod.owner, at.timestamp() / 60)).or_insert((at, Vec::new()));
        *last = at.max(*last);
        pods.push(pod);
    }
    let change = |((owner, _), (at, pods)): ((&str, i64), Restarted<'_>)| {
        let what = match pods.as_slice() {
            [one] => format!("{} was restarted, {} in all", one.key.name, times(one.restarts)),
            several => format!("{} pods of {owner} were restarted", several.len()),
        };
        let cause = pods.iter().map(|pod| &*pod.cause).find(|cause| !cause.is_empty());
        let message = cause.map_or_else(|| what.clone(), |cause| format!("{what}: {cause}"));
        Change {
            at,
            kind: ChangeKind::Restart,
            version: pods.first().map_or("", |pod| &pod.version).into(),
            by: "kubelet".into(),
            message: message.into(),
            label: "restart".into(),
        }
    };
    restarted.into_iter().map(change).collect()
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{ago, canary_paused, environment_id, pod, release_action};
    use crate::app::state::event::AlertingEvent;
    use crate::app::state::event::{ClusterEvent, Event};
    use crate::app::state::located::ClusterId;

    #[test]
    fn records_and_actions_become_changes_newest_first() {
        let mut freeze =
            release_action("production", "f", ActionKind::Freeze, Some((ActionResult::Applied, "frozen")));
        freeze.metadata.creation_timestamp = Some(crate::api::time::to_time(ago(30)));
        freeze.spec.reason = Some("the database is full".into());
        let mut refused = freeze.clone();
        refused.metadata.name = Some("g".into());
        refused.status.as_mut().unwrap().result = Some(ActionResult::Refused);
        let mut old = freeze.clone();
        old.metadata.name = Some("h".into());
        old.metadata.creation_timestamp = Some(crate::api::time::to_time(ago(3_700)));
        let world = canary_paused().with_action(freeze).with_action(refused).with_action(old);
        let found = list(&world.store, &environment_id("production"), REACH);
        let told: Vec<(&str, &str, &str)> =
            found.iter().map(|c| (c.kind.word(), &*c.label, &*c.by)).collect();
        assert_eq!(
            told,
            [
                ("freeze", "freeze", "alice"),
                ("weight", "10%", "controller"),
                ("release", "v1.8.2", "controller"),
                ("approval", "approved", "carol"),
            ]
        );
        assert_eq!(&*found[0].message, "freeze: the database is full");
        assert!(list(&world.store, &environment_id("staging"), REACH).is_empty());
    }

    #[test]
    fn alerts_and_restarts_are_changes_and_restarts_of_one_minute_are_one() {
        let mut world = canary_paused();
        let restarted = |name: &str, seconds: i64, cause: &str| {
            let mut pod = pod("production", "backend", name, "v1.8.2");
            (pod.restarts, pod.last_restart) = (2, Some(ago(seconds)));
            pod.cause = cause.into();
            pod
        };
        for (name, seconds) in [("backend-b-1", 205), ("backend-b-2", 210), ("backend-b-3", 700)] {
            world = world.with_pod(restarted(name, seconds, "exit 137 OOMKilled"));
        }
        let labels = [("component", "backend"), ("severity", "critical")];
        let episode = |began: Option<i64>, ended: Option<i64>| Episode {
            name: "HighErrorRate".into(),
            severity: crate::domain::alert_row::Severity::Critical,
            labels: labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            began: began.map(ago),
            ended: ended.map(ago),
        };
        let found = vec![episode(Some(100), None), episode(None, Some(150)), episode(Some(4_000), None)];
        let environment = environment_id("production").key;
        world.send(Event::Cluster(
            ClusterId(0),
            ClusterEvent::Alerting(AlertingEvent::AlertHistory { environment, found }),
        ));
        let told: Vec<(&str, &str)> = world
            .store
            .rows
            .changes
            .iter()
            .filter(|change| change.kind >= ChangeKind::Alert)
            .map(|change| (change.kind.word(), &*change.message))
            .collect();
        assert_eq!(
            told,
            [
                ("alert", "HighErrorRate fires: component backend"),
                ("alert end", "HighErrorRate is over: component backend"),
                ("restart", "2 pods of backend were restarted: exit 137 OOMKilled"),
                ("restart", "backend-b-3 was restarted, 2 times in all: exit 137 OOMKilled"),
            ]
        );
    }

    #[test]
    fn a_weight_is_found_in_its_sentence() {
        for (message, expected) in [
            ("weight 10%: 33% with 1 of 3 pods", Some("10%")),
            ("alice went from 10% to 35% of the traffic, 2 pods beside 4", Some("35%")),
            ("all traffic goes to green", None),
            ("odd %", None),
        ] {
            assert_eq!(percent(message), expected);
        }
    }
}
