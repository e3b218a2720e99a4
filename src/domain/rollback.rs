//! Going back: in which order what is undone, and to which version a person had better return.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::plan;
use crate::api::names::ComponentName;
use crate::api::release::{ComponentImage, Phase, Plan, Release};

/// The components of a plan in the order in which they are undone: the last changed comes first.
#[must_use]
pub fn undo_order(plan: &Plan) -> Vec<&ComponentName> {
    plan::components(plan).rev().collect()
}

/// A version that ran here before.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The release that brought it.
    pub release: String,
    /// Its version.
    pub version: String,
    /// Its images.
    pub images: Vec<ComponentImage>,
    /// Who asked for it.
    pub requested_by: String,
    /// When it succeeded, or when it was given up.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub phase: Phase,
    /// It succeeded, nothing of that version failed later, and it is not what runs now.
    pub is_good: bool,
}

/// The versions that past releases of one environment brought, newest first, without the one that runs now.
///
/// `releases` are those of one environment, in any order; `current` is the version that runs.
#[must_use]
pub fn candidates(releases: &[Arc<Release>], current: &str) -> Vec<Candidate> {
    let mut past: Vec<_> = releases
        .iter()
        .filter(|release| {
            let executed = release.status.as_ref().is_some_and(|status| status.started_at.is_some());
            executed && release.phase().is_final() && release.spec.version != current
        })
        .collect();
    past.sort_by_key(|release| std::cmp::Reverse(finished(release)));
    let mut failed = Vec::new();
    let mut seen = Vec::new();
    let mut candidates = Vec::new();
    for release in past {
        let version = release.spec.version.as_str();
        let succeeded = release.phase() == Phase::Succeeded;
        if !succeeded {
            failed.push(version);
        }
        if seen.contains(&version) {
            continue;
        }
        seen.push(version);
        candidates.push(Candidate {
            release: release.metadata.name.clone().unwrap_or_default(),
            version: version.to_owned(),
            images: release.spec.images.clone(),
            requested_by: release.spec.requested_by.clone(),
            finished_at: finished(release),
            phase: release.phase(),
            is_good: succeeded && !failed.contains(&version),
        });
    }
    candidates
}

/// The newest version that succeeded and never failed since: where a rollback should go.
#[must_use]
pub fn last_known_good(candidates: &[Candidate]) -> Option<&Candidate> {
    candidates.iter().find(|candidate| candidate.is_good)
}

fn finished(release: &Release) -> Option<DateTime<Utc>> {
    release.status.as_ref().and_then(|status| status.finished_at)
}

/// Whether exactly these images ran here before: as the outcome of a release that succeeded, or as what a release found and put back.
#[must_use]
pub fn ran_before(images: &[ComponentImage], releases: &[Arc<Release>], environment: &str) -> bool {
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

    #[test]
    fn the_last_known_good_is_the_newest_that_succeeded_and_never_failed_since() {
        let releases = [
            past("v1", Phase::Succeeded, 10),
            past("v2", Phase::Succeeded, 20),
            past("v2", Phase::RolledBack, 30),
            past("v3", Phase::RolledBack, 40),
            past("v4", Phase::Succeeded, 50),
        ];
        let candidates = candidates(&releases, "v4");
        let versions: Vec<_> = candidates.iter().map(|c| (c.version.as_str(), c.is_good)).collect();
        assert_eq!(versions, [("v3", false), ("v2", false), ("v1", true)]);
        assert_eq!(last_known_good(&candidates).unwrap().version, "v1");
    }

    #[test]
    fn what_never_executed_is_no_candidate() {
        let mut rejected = (*past("v1", Phase::Rejected, 10)).clone();
        rejected.status.as_mut().unwrap().started_at = None;
        assert!(candidates(&[Arc::new(rejected), past("v2", Phase::Progressing, 5)], "v9").is_empty());
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
