//! The outcome of the last release of an environment, and the message shown for a release.

use std::borrow::Cow;

use crate::api::release::{Phase, Release, ReleaseStatus};
use crate::domain::labelled::unlabelled;
use crate::domain::timeline::CONTROLLER;

/// The last release if it ended as `Errored` or `Failed`.
///
/// Ignores releases that ended before they changed anything: rejected, superseded, expired, or aborted while pending. All `releases` are of one environment.
pub(crate) fn failed<'a>(releases: impl IntoIterator<Item = &'a Release>) -> Option<&'a Release> {
    let ended = |release: &&Release| {
        let started = release.status.as_ref().is_some_and(|status| status.started_at.is_some());
        match release.phase() {
            Phase::Rejected | Phase::Superseded | Phase::Expired => false,
            Phase::Aborted => started,
            phase => phase.is_final(),
        }
    };
    let at = |release: &&Release| {
        let finished = release.status.as_ref().and_then(|status| status.finished_at);
        (finished.or(release.created_at()), release.created_at(), release.metadata.name.clone())
    };
    let last = releases.into_iter().filter(ended).max_by_key(at)?;
    is_failure(last.phase()).then_some(last)
}

/// Whether this ending counts as a failure of the environment's last release.
#[must_use]
pub(crate) const fn is_failure(phase: Phase) -> bool {
    matches!(phase, Phase::Errored | Phase::Failed)
}

/// The message of a release, else the last entry of its timeline; never empty for a held or failed release. Omits the phase, which is
/// always shown beside it.
#[must_use]
pub(crate) fn message(release: &Release) -> Cow<'_, str> {
    let said = release.status.as_ref().and_then(|status| {
        let last = || status.timeline.last().map(|entry| entry.message.trim());
        Some(status.message.trim()).filter(|text| !text.is_empty()).or_else(last)
    });
    let said = said.map(|text| unlabelled(words(release.phase()), text)).filter(|text| !text.is_empty());
    match (said, release.phase()) {
        (Some(said), _) => Cow::Borrowed(said),
        (None, phase) if is_failure(phase) || phase == Phase::Held => {
            Cow::Owned(format!("no reason recorded. See release-cockpit events {}", release.spec.environment))
        }
        (None, _) => Cow::Borrowed(""),
    }
}

/// How the release of a version ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The phase that it is in.
    pub phase: Phase,
    /// The person who aborted it or rolled it back; `None` if the controller did.
    pub by: Option<String>,
}

impl Ending {
    /// The ending of that release.
    #[must_use]
    pub fn of(release: &Release) -> Self {
        let status = release.status.as_ref();
        let undone = || status.and_then(|status| status.undo.as_ref()).map(|undo| undo.by.as_str());
        let by = match release.phase() {
            Phase::Aborted => aborted_by(release),
            Phase::RolledBack | Phase::RollingBack => undone(),
            _ => None,
        };
        Self { phase: release.phase(), by: by.filter(|by| *by != CONTROLLER).map(str::to_owned) }
    }
}

/// Who aborted a release; `None` if it was not aborted or nobody is recorded.
#[must_use]
pub(crate) fn aborted_by(release: &Release) -> Option<&str> {
    release.status.as_ref().filter(|status| status.phase == Phase::Aborted).and_then(aborted)
}

pub(super) fn aborted(status: &ReleaseStatus) -> Option<&str> {
    let undone = status.undo.as_ref().map(|undo| undo.by.as_str());
    undone.or_else(|| last_by(status, "Aborted"))
}

/// The author of the last timeline entry with that reason.
pub(super) fn last_by<'a>(status: &'a ReleaseStatus, reason: &str) -> Option<&'a str> {
    status.timeline.iter().rev().find(|entry| entry.reason == reason).map(|entry| entry.by.as_str())
}

/// The phase as messages spell it.
const fn words(phase: Phase) -> &'static str {
    match phase {
        Phase::RollingBack => "rolling back",
        Phase::RolledBack => "rolled back",
        phase => phase.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::TimelineEntry;
    use crate::domain::fixtures::{at, release};

    fn ended(phase: Phase, started: bool, secs: i64) -> Release {
        let mut release = release(&format!("v{secs}"));
        release.metadata.name = Some(format!("release-{secs}"));
        release.status = Some(ReleaseStatus {
            phase,
            started_at: started.then(|| at(secs)),
            finished_at: phase.is_final().then(|| at(secs)),
            ..ReleaseStatus::default()
        });
        release
    }

    #[test]
    fn the_last_release_that_changed_something_decides() {
        use Phase::{
            Aborted, Errored, Expired, Failed, Paused, Pending, Rejected, RolledBack, Succeeded, Superseded,
        };
        for (story, expected) in [
            (vec![], None),
            (vec![(Errored, true)], Some(0)),
            (vec![(Errored, false)], Some(0)),
            (vec![(Failed, true)], Some(0)),
            (vec![(Succeeded, true), (Errored, true)], Some(1)),
            (vec![(Errored, true), (Succeeded, true)], None),
            (vec![(Errored, true), (RolledBack, true)], None),
            (vec![(Errored, true), (Aborted, true)], None),
            (vec![(Errored, true), (Aborted, false)], Some(0)),
            (vec![(Errored, true), (Rejected, false), (Superseded, false), (Expired, false)], Some(0)),
            (vec![(Errored, true), (Pending, false), (Paused, true)], Some(0)),
        ] {
            let releases: Vec<Release> =
                (1_i64..).zip(&story).map(|(secs, (phase, started))| ended(*phase, *started, secs)).collect();
            let found = failed(&releases).map(|release| release.metadata.name.clone());
            assert_eq!(found, expected.map(|nth| releases[nth].metadata.name.clone()), "{story:?}");
        }
    }

    #[test]
    fn a_failure_always_has_a_reason() {
        for phase in Phase::ALL {
            let mut release = ended(phase, true, 1);
            let must_say = is_failure(phase) || phase == Phase::Held;
            assert_eq!(!message(&release).is_empty(), must_say, "{phase}");
            let status = release.status.as_mut().unwrap();
            status.timeline.push(TimelineEntry {
                at: at(1),
                by: "controller".into(),
                reason: "ChangeRefused".into(),
                message: "quota exceeded".into(),
            });
            assert_eq!(message(&release), "quota exceeded", "{phase}");
            release.status.as_mut().unwrap().message = "said".into();
            assert_eq!(message(&release), "said", "{phase}");
        }
        assert_eq!(message(&release("v1")), "");
        for (phase, text, expected) in [
            (Phase::Held, "held: it fails", "it fails"),
            (Phase::Paused, "paused: it drifts", "it drifts"),
            (Phase::Paused, "paused by bob", "paused by bob"),
            (Phase::RollingBack, "rolling back: it fails", "it fails"),
            (Phase::RolledBack, "rolled back: it fails", "it fails"),
            (Phase::Aborted, "aborted by bob: why", "aborted by bob: why"),
        ] {
            let mut release = ended(phase, true, 1);
            release.status.as_mut().unwrap().message = text.into();
            assert_eq!(message(&release), expected);
        }
    }
}
