//! Who drives a release, and who else has been at it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::Release;
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::located::ReleaseId;
use crate::app::state::store::Store;
use crate::domain::age::Age;
use crate::domain::identity::is_same_in;

/// How long somebody counts as present after they have acted.
const PRESENT: TimeDelta = TimeDelta::minutes(10);
/// The author of what the controller does by itself.
const CONTROLLER: &str = "controller";

/// Who drives a release now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Driving<'a> {
    /// Who; empty when the wheel was left to nobody in particular.
    pub by: &'a str,
    /// For how long the claim holds still; absent: until it is handed over.
    pub left: Option<Age>,
    /// The note that the one before has left.
    pub note: Option<&'a str>,
}

/// Who drives that release; absent when nobody does and nobody has left a note.
#[must_use]
pub(crate) fn of(release: &Release, now: DateTime<Utc>) -> Option<Driving<'_>> {
    let driver = release.status.as_ref()?.driver.as_ref()?;
    let over = driver.until.is_some_and(|until| until <= now);
    let by = if over { "" } else { driver.by.as_str() };
    let note = driver.note.as_deref().filter(|note| !note.is_empty());
    let left = driver.until.filter(|_| !over).map(|until| Age::between(now, until));
    (!by.is_empty() || note.is_some()).then_some(Driving { by, left, note })
}

/// That somebody else drives, for whoever is about to act.
#[must_use]
pub(crate) fn warning(store: &Store, id: &ReleaseId) -> Option<String> {
    let me = store.cluster(id.cluster)?.identity.as_ref()?;
    let driving = of(store.release(id)?, store.now)?;
    let environment = store.environment_of(id).and_then(|id| store.environment(&id));
    let mine = is_same_in(environment.map(|environment| &**environment), driving.by, &me.user);
    if driving.by.is_empty() || mine {
        return None;
    }
    let left = driving.left.map(|left| format!(" for another {left}")).unwrap_or_default();
    Some(format!("{} drives this release{left}: speak with them first", driving.by))
}

/// Who has acted on that release in the last ten minutes, the last one first, with how long ago; the controller is nobody.
#[must_use]
pub(crate) fn present<'a>(
    cluster: &'a ClusterState,
    release: &'a Release,
    now: DateTime<Utc>,
) -> Vec<(&'a str, Age)> {
    let mut seen: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
    let mut saw = |who: &'a str, at: DateTime<Utc>| {
        if who != CONTROLLER && !who.is_empty() && now - at <= PRESENT {
            let last = seen.entry(who).or_insert(at);
            *last = at.max(*last);
        }
    };
    if let Some(at) = release.created_at() {
        saw(&release.spec.requested_by, at);
    }
    let status = release.status.as_ref();
    for entry in status.map(|status| status.timeline.as_slice()).unwrap_or_default() {
        saw(&entry.by, entry.at);
    }
    let key = release.key();
    for action in cluster.actions.values().filter(|action| action.release_key().as_ref() == Some(&key)) {
        if let Some(at) = action.created_at() {
            saw(&action.spec.actor, at);
        }
    }
    let mut present: Vec<_> = seen.into_iter().collect();
    present.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
    present.into_iter().map(|(who, at)| (who, Age::between(at, now))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::Driver;
    use crate::app::fixtures::{ago, now, planera, release, release_id};

    fn driven(by: &str, until: i64, note: Option<&str>) -> Release {
        let mut driven: Release = release("production", "production-v1-8-2-cc").waiting_for_approval().into();
        driven.status.get_or_insert_default().driver = Some(Driver {
            by: by.into(),
            since: ago(60),
            until: Some(ago(-until)),
            note: note.map(Into::into),
        });
        driven
    }

    #[test]
    fn a_claim_ends_by_itself_and_a_note_stays() {
        for (by, until, note, expected) in [
            ("bob", 240, None, Some(("bob", Some(240), None))),
            ("bob", 0, None, None),
            ("bob", -5, Some("watch the queue"), Some(("", None, Some("watch the queue")))),
            ("", 240, Some("yours"), Some(("", Some(240), Some("yours")))),
        ] {
            let release = driven(by, until, note);
            let told = of(&release, now());
            assert_eq!(told.map(|d| (d.by, d.left.map(Age::seconds), d.note)), expected);
        }
    }

    #[test]
    fn only_others_are_warned_of() {
        let id = release_id("production", "production-v1-8-2-cc");
        let world = planera().with_release(driven("bob", 240, None));
        assert_eq!(
            warning(&world.store, &id).as_deref(),
            Some("bob drives this release for another 4m: speak with them first")
        );
        let world = planera().with_release(driven("alice", 240, None));
        assert_eq!(warning(&world.store, &id), None);
    }

    #[test]
    fn present_is_who_has_acted_lately() {
        let world = planera();
        let release: Release = release("production", "x")
            .by("bob")
            .asked(900)
            .planned()
            .happened(700, "dave", "Paused", "long ago")
            .happened(300, "carol", "Approved", "slot any")
            .happened(60, "controller", "Started", "")
            .happened(20, "alice", "Resumed", "")
            .into();
        let present = present(&world.store.clusters[0], &release, now());
        let told: Vec<_> = present.iter().map(|(who, age)| (*who, age.seconds())).collect();
        assert_eq!(told, [("alice", 20), ("carol", 300)]);
    }
}
