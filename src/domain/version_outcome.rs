//! The outcome of a version in an environment, as a word and a sentence.

use crate::api::release::Phase;
use crate::domain::known_version::{KnownVersion, Verdict};

/// One or two words: `succeeded`, `aborted`, `rolled back`, `superseded`.
#[must_use]
pub(crate) fn word(version: &KnownVersion) -> &'static str {
    let phase = version.ending.as_ref().map(|ending| ending.phase);
    match (version.verdict, phase) {
        _ if version.current => "runs now",
        _ if version.denied => "denied",
        (Verdict::Good, _) => "succeeded",
        (Verdict::RanBefore, _) => "ran before",
        (_, Some(Phase::Aborted)) => "aborted",
        (Verdict::Left, _) | (_, Some(Phase::RolledBack)) => "rolled back",
        (_, Some(Phase::RollingBack)) => "rolling back",
        (_, Some(Phase::Held)) => "held",
        (_, Some(Phase::Errored)) => "errored",
        (_, Some(Phase::Superseded)) => "superseded",
        (_, Some(Phase::Rejected)) => "rejected",
        (_, Some(Phase::Expired)) => "expired",
        (Verdict::Bad, _) => "failed",
        (_, Some(Phase::Pending)) => "waiting",
        (Verdict::Undecided, _) => "in progress",
    }
}

/// The word and the person: `aborted by bob`.
#[must_use]
pub(crate) fn sentence(version: &KnownVersion) -> String {
    let word = word(version);
    let by = version.ending.as_ref().and_then(|ending| ending.by.as_deref());
    match by.filter(|_| matches!(word, "aborted" | "rolled back" | "rolling back")) {
        Some(by) => format!("{word} by {by}"),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::{ReleaseStatus, Undo};
    use crate::domain::fixtures::{at, environment, release};
    use crate::domain::known_version::known_versions;
    use crate::domain::timeline::CONTROLLER;

    fn told(phase: Phase, started: bool, undone_by: Option<&str>) -> String {
        let mut release = release("v2");
        release.status = Some(ReleaseStatus {
            phase,
            started_at: started.then(|| at(1)),
            undo: undone_by.map(|by| Undo {
                by: by.into(),
                at: at(2),
                reason: String::new(),
                ends_as: phase,
            }),
            ..ReleaseStatus::default()
        });
        let mut environment = environment();
        environment.status = None;
        let known = known_versions(&environment, &[&release], at(9));
        sentence(known.iter().find(|version| version.version == "v2").unwrap())
    }

    #[test]
    fn every_ending_has_its_own_word() {
        for (phase, started, by, expected) in [
            (Phase::Succeeded, true, None, "succeeded"),
            (Phase::Aborted, true, Some("bob"), "aborted by bob"),
            (Phase::Aborted, false, None, "aborted"),
            (Phase::RolledBack, true, Some("bob"), "rolled back by bob"),
            (Phase::RolledBack, true, Some(CONTROLLER), "rolled back"),
            (Phase::RollingBack, true, Some("bob"), "rolling back by bob"),
            (Phase::Failed, true, None, "failed"),
            (Phase::Errored, true, None, "errored"),
            (Phase::Held, true, None, "held"),
            (Phase::Superseded, false, None, "superseded"),
            (Phase::Rejected, false, None, "rejected"),
            (Phase::Expired, false, None, "expired"),
            (Phase::Pending, false, None, "waiting"),
            (Phase::Progressing, true, None, "in progress"),
        ] {
            assert_eq!(told(phase, started, by), expected, "{phase}");
        }
    }
}
