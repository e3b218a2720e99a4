//! Rollback: the order in which changes are undone, and which rollback of somebody else a request joins.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::plan;
use crate::api::names::{ComponentName, EnvironmentKey};
use crate::api::release::{ComponentImage, Phase, Plan, Release, ReleaseKind};

/// How long after a rollback another one without a target is taken for the same decision.
const SAME_INCIDENT: TimeDelta = TimeDelta::seconds(60);

/// The components of a plan in the order in which they are undone: the last changed comes first.
#[must_use]
pub(crate) fn undo_order(plan: &Plan) -> Vec<&ComponentName> {
    plan::components(plan).rev().collect()
}

/// A rollback that somebody else began, so that another request for one has nothing left to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Already<'a> {
    /// It waits or is under way: whoever rolls back meanwhile means the same thing and joins it.
    InProgress(&'a Release),
    /// It ended moments ago, and what it restored runs now.
    JustDone(&'a Release),
}

impl<'a> Already<'a> {
    /// The release that does it, or did it: a rollback, or the release that is being undone.
    #[must_use]
    pub(crate) const fn release(self) -> &'a Release {
        match self {
            Self::InProgress(release) | Self::JustDone(release) => release,
        }
    }

    /// One sentence: who rolls back what, and by which release.
    #[must_use]
    pub(crate) fn sentence(self) -> String {
        let release = self.release();
        let name = release.metadata.name.as_deref().unwrap_or_default();
        let (by, what) = if release.spec.kind == ReleaseKind::Rollback {
            (release.spec.requested_by.as_str(), format!("to {}", release.spec.version))
        } else {
            let undo = release.status.as_ref().and_then(|status| status.undo.as_ref());
            (undo.map_or("controller", |undo| undo.by.as_str()), release.spec.version.clone())
        };
        match self {
            Self::InProgress(_) => format!("{by} is already rolling back {what} (release {name})"),
            Self::JustDone(_) => format!("{by} has just rolled back {what} (release {name})"),
        }
    }
}

/// The rollback that a new request without a target repeats, if there is one.
///
/// An emergency rollback joins only what executes already or is an emergency itself: a waiting rollback may wait for approvals.
#[must_use]
pub(crate) fn already<'a>(
    releases: impl IntoIterator<Item = &'a Release>,
    environment: &EnvironmentKey,
    is_emergency: bool,
    now: DateTime<Utc>,
) -> Option<Already<'a>> {
    let ours: Vec<&Release> =
        releases.into_iter().filter(|release| release.environment_key() == *environment).collect();
    let joins = |release: &&&Release| match (release.phase(), release.spec.kind) {
        (Phase::RollingBack, kind) => kind != ReleaseKind::Rollback,
        (Phase::Progressing | Phase::Paused | Phase::Verifying, ReleaseKind::Rollback) => true,
        (Phase::Pending, ReleaseKind::Rollback) => {
            !is_emergency || release.spec.emergency.unwrap_or_default()
        }
        _ => false,
    };
    let in_progress = ours.iter().filter(joins).min_by_key(|release| {
        (release.phase() == Phase::Pending, release.created_at(), release.metadata.name.clone())
    });
    in_progress.map(|release| Already::InProgress(release)).or_else(|| just_done(&ours, now))
}

/// The last release that began here, where it was a rollback, or was undone, moments ago.
fn just_done<'a>(ours: &[&'a Release], now: DateTime<Utc>) -> Option<Already<'a>> {
    let status = |release: &Release| release.status.clone().unwrap_or_default();
    let last = ours.iter().max_by_key(|release| status(release).started_at)?;
    let is_done = match last.phase() {
        Phase::Succeeded => last.spec.kind == ReleaseKind::Rollback,
        Phase::RolledBack => last.spec.kind != ReleaseKind::Rollback,
        _ => false,
    };
    let is_recent = status(last).finished_at.is_some_and(|at| now.signed_duration_since(at) < SAME_INCIDENT);
    // whoever asks after a newer release means that one
    let is_newer = |other: &&Release| {
        !other.phase().is_final()
            && other.spec.kind != ReleaseKind::Rollback
            && other.created_at() > last.created_at()
    };
    (is_done && is_recent && !ours.iter().any(is_newer)).then_some(Already::JustDone(last))
}

/// The releases that wait in front of an environment and are no rollbacks, oldest first. A rollback neither undoes nor cancels them.
#[must_use]
pub(crate) fn waiting<'a>(
    releases: impl IntoIterator<Item = &'a Release>,
    environment: &EnvironmentKey,
) -> Vec<&'a Release> {
    let waits = |release: &&Release| {
        release.environment_key() == *environment
            && release.phase() == Phase::Pending
            && release.spec.kind != ReleaseKind::Rollback
    };
    let mut found: Vec<&Release> = releases.into_iter().filter(waits).collect();
    found.sort_by_key(|release| (release.created_at(), release.metadata.name.clone()));
    found
}

/// Whether exactly these images ran here before: as the outcome of a release that succeeded, or as what a release found and put back.
#[must_use]
pub(crate) fn ran_before(images: &[ComponentImage], releases: &[Arc<Release>], environment: &str) -> bool {
    let history: Vec<_> = releases.iter().filter(|release| release.spec.environment == environment).collect();
    images.iter().all(|wanted| {
        history.iter().any(|release| {
            let brought = release.phase() == Phase::Succeeded && release.spec.images.contains(wanted);
            let found = release.status.as_ref().is_some_and(|status| {
                status.before.iter().any(|b| b.component == wanted.component && b.image == wanted.image)
            });
            brought || found
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::RevisionRecord;
    use crate::domain::fixtures::{at, release_at};

    fn past(version: &str, phase: Phase, secs: i64) -> Arc<Release> {
        let mut release = release_at(&format!("r{secs}"), version, secs);
        let status = release.status.get_or_insert_default();
        status.phase = phase;
        status.started_at = Some(at(secs));
        status.finished_at = Some(at(secs + 1));
        Arc::new(release)
    }

    fn rollback(phase: Phase, secs: i64) -> Release {
        let mut release = (*past("v1", phase, secs)).clone();
        release.spec.kind = ReleaseKind::Rollback;
        release
    }

    #[test]
    fn a_rollback_under_way_is_joined() {
        let here = EnvironmentKey::new("planera", "production");
        let elsewhere = EnvironmentKey::new("planera", "staging");
        for (phase, expected) in [
            (Phase::Pending, true),
            (Phase::Progressing, true),
            (Phase::Paused, true),
            (Phase::Verifying, true),
            (Phase::RollingBack, false),
            (Phase::Held, false),
            (Phase::Aborted, false),
        ] {
            let found = rollback(phase, 10);
            let joined = already([&found], &here, false, at(20));
            assert_eq!(matches!(joined, Some(Already::InProgress(_))), expected, "{phase}");
            assert_eq!(already([&found], &elsewhere, false, at(20)), None, "{phase}");
        }
        let deploy = |phase| (*past("v2", phase, 10)).clone();
        assert_eq!(already([&deploy(Phase::Progressing)], &here, false, at(20)), None);
        let undone = deploy(Phase::RollingBack);
        assert!(matches!(already([&undone], &here, true, at(20)), Some(Already::InProgress(_))));
    }

    #[test]
    fn an_emergency_waits_for_no_approval_of_another_rollback() {
        let here = EnvironmentKey::new("planera", "production");
        let mut waiting = rollback(Phase::Pending, 10);
        assert_eq!(already([&waiting], &here, true, at(20)), None);
        waiting.spec.emergency = Some(true);
        assert!(already([&waiting], &here, true, at(20)).is_some());
    }

    #[test]
    fn a_rollback_of_a_moment_ago_is_the_same_decision() {
        let here = EnvironmentKey::new("planera", "production");
        let deploy = |phase, secs| (*past("v2", phase, secs)).clone();
        for (done, now, expected) in [
            (vec![rollback(Phase::Succeeded, 100)], 130, true),
            (vec![rollback(Phase::Succeeded, 100)], 200, false),
            (vec![rollback(Phase::Succeeded, 100), deploy(Phase::Succeeded, 110)], 130, false),
            (vec![rollback(Phase::RolledBack, 100)], 130, false),
            (vec![deploy(Phase::RolledBack, 100)], 130, true),
            (vec![deploy(Phase::Succeeded, 100)], 130, false),
        ] {
            let found = already(&done, &here, false, at(now));
            assert_eq!(found.is_some(), expected, "{done:?}");
        }
    }

    #[test]
    fn a_release_asked_for_after_a_rollback_is_another_decision() {
        let here = EnvironmentKey::new("planera", "production");
        let next = |secs: i64| (*past("v3", Phase::Pending, secs)).clone();
        let done = rollback(Phase::Succeeded, 100);
        assert!(already([&done], &here, false, at(110)).is_some());
        for (asked, expected) in [(90, true), (105, false)] {
            let mut pending = next(asked);
            pending.status.as_mut().unwrap().started_at = None;
            let found = already([&done, &pending], &here, false, at(110));
            assert_eq!(found.is_some(), expected, "asked for at {asked}");
        }
    }

    #[test]
    fn what_waits_is_listed_oldest_first_and_without_rollbacks() {
        let here = EnvironmentKey::new("planera", "production");
        let (first, second) =
            ((*past("v2", Phase::Pending, 10)).clone(), (*past("v3", Phase::Pending, 20)).clone());
        let others = [rollback(Phase::Pending, 5), (*past("v1", Phase::Progressing, 1)).clone()];
        let found = waiting(others.iter().chain([&second, &first]), &here);
        let versions: Vec<_> = found.iter().map(|release| release.spec.version.as_str()).collect();
        assert_eq!(versions, ["v2", "v3"]);
    }

    #[test]
    fn only_what_ran_here_is_a_rollback() {
        let mut first = (*past("v2", Phase::RolledBack, 10)).clone();
        first.status.as_mut().unwrap().before = vec![RevisionRecord {
            component: "backend".into(),
            image: "ghcr.io/acme/backend:v1".into(),
            revision: Some(1),
            replicas: None,
            partition: None,
        }];
        let releases = [Arc::new(first)];
        let image = |image: &str| vec![ComponentImage { component: "backend".into(), image: image.into() }];
        assert!(ran_before(&image("ghcr.io/acme/backend:v1"), &releases, "production"));
        assert!(!ran_before(&image("ghcr.io/acme/backend:v2"), &releases, "production"));
        assert!(!ran_before(&image("ghcr.io/acme/backend:v1"), &releases, "staging"));
    }
}
