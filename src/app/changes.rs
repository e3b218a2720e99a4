//! What has changed in an environment lately: releases, weights, approvals, pauses, ways back, freezes. The panes mark it on their
//! time axes, and a view lists it.
//!
//! Owns which entries of releases' records count as a change. Must not know how a marker looks.

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::release::TimelineEntry;
use crate::api::{ActionKind, ActionResult, Phase, Release, ReleaseAction};
use crate::app::cluster_state::ClusterState;
use crate::app::located::EnvironmentId;
use crate::app::store::Store;
use crate::app::ui_state::{ChangesView, View};
use crate::app::{needs, views};

/// How far back changes are listed, unless a view shows a longer time.
pub const REACH: TimeDelta = TimeDelta::hours(1);

/// Something that changed an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// What sort of change.
    pub kind: ChangeKind,
    /// The version that it is about; empty where it is about the environment.
    pub version: Box<str>,
    /// Who.
    pub by: Box<str>,
    /// One sentence.
    pub message: Box<str>,
    /// A word or two beside a marker.
    pub label: Box<str>,
}

/// A sort of change, so that each is told by a word and not by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// A release began to change what runs, or is done.
    Release,
    /// Traffic was shifted.
    Weight,
    /// A person has agreed, or taken it back.
    Approval,
    /// A release was stopped where it is, or goes on.
    Pause,
    /// What was changed is put back.
    Rollback,
    /// Releases were stopped here, or let in again.
    Freeze,
    /// Pods were restarted or their number was changed by hand.
    Pods,
}

impl ChangeKind {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Weight => "weight",
            Self::Approval => "approval",
            Self::Pause => "pause",
            Self::Rollback => "rollback",
            Self::Freeze => "freeze",
            Self::Pods => "pods",
        }
    }

    /// The sort of an entry of a release's record; none for what changes nothing.
    fn of(reason: &str) -> Option<Self> {
        let has = |part: &str| reason.contains(part);
        Some(match reason {
            "Started" | "Succeeded" | "Retried" | "Raised" | "Settled" => Self::Release,
            "Approved" | "Withdrawn" | "Checked" | "Overridden" | "StepApproved" | "StepChecked" => {
                Self::Approval
            }
            "Resumed" | "Promoted" | "HeldByFreeze" | "FreezeEnded" => Self::Pause,
            "RollingBack" | "RolledBack" | "Aborted" | "Failed" | "Held" => Self::Rollback,
            _ if has("Paused") => Self::Pause,
            _ if has("Weight") || has("Switched") || has("Traffic") || has("Router") || has("Drift") => {
                Self::Weight
            }
            _ => return None,
        })
    }
}

/// Opens the list of an environment's changes, once.
pub(super) fn open(store: &mut Store, environment: EnvironmentId) {
    if !matches!(store.ui.view(), View::Changes(_)) {
        views::push(store, View::Changes(ChangesView { environment, offset: 0 }));
    }
}

/// What has changed in that environment within the last `reach`, newest first.
pub(super) fn list(store: &Store, id: &EnvironmentId, reach: TimeDelta) -> Vec<Change> {
    let Some(cluster) = store.cluster(id.cluster) else { return Vec::new() };
    let since = store.now - reach;
    let mut changes: Vec<Change> = releases(cluster, id)
        .filter(|release| ended(release).is_none_or(|at| at >= since))
        .flat_map(|release| {
            let timeline = release.status.as_ref().map(|status| status.timeline.as_slice());
            timeline.unwrap_or_default().iter().filter_map(|entry| of_release(release, entry))
        })
        .collect();
    let actions = cluster.actions.values().filter(|action| {
        action.metadata.namespace.as_deref() == Some(&*id.key.namespace)
            && *action.spec.environment == *id.key.name
    });
    changes.extend(actions.filter_map(|action| of_action(action)));
    changes.retain(|change| change.at >= since);
    changes.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.kind.cmp(&b.kind)));
    changes
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
        ChangeKind::Pause | ChangeKind::Freeze | ChangeKind::Pods => kind.word(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{ago, canary_paused, environment_id, release_action};

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
