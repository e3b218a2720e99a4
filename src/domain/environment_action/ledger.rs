//! What a release leaves behind in its environment: debts when it begins by break-glass, denied images when it failed.
//!
//! Written down before the release's own status says so: whoever is stopped in between finds it there, and adds nothing.

use crate::api::environment::{Debt, DeniedDigest, EnvironmentStatus};
use crate::api::release::{Phase, Release, ReleaseKind, ReleaseStatus};
use crate::domain::timeline::{CONTROLLER, cut};
use crate::domain::{debt, version};

use super::DENIED;

/// Debts that an object may hold.
const DEBTS: usize = 64;

/// The environment's status with what this release adds as it goes over to `next`; nothing where it adds nothing.
#[must_use]
pub fn accounted(
    status: &EnvironmentStatus,
    release: &Release,
    next: &ReleaseStatus,
) -> Option<EnvironmentStatus> {
    let mut new = status.clone();
    for debt in new_debts(release, next) {
        if new.debts.len() < DEBTS && !new.debts.iter().any(|known| known.id == debt.id) {
            new.debts.push(debt);
        }
    }
    for entry in failed_images(release, next) {
        let is_known = new.denied.iter().any(|known| known.digest == entry.digest);
        if !is_known && new.denied.len() < DENIED {
            new.denied.push(entry);
        }
    }
    (new != *status).then_some(new)
}

/// What the release owes from now on and did not owe before.
fn new_debts(release: &Release, next: &ReleaseStatus) -> Vec<Debt> {
    let before = debt::owed(release);
    let after = debt::owed(&Release { status: Some(next.clone()), ..release.clone() });
    after.into_iter().filter(|debt| !before.iter().any(|known| known.id == debt.id)).collect()
}

/// The digests of a release that failed and was put back by the controller itself. A failed rollback denies nothing: what it
/// brings ran here before.
fn failed_images(release: &Release, next: &ReleaseStatus) -> Vec<DeniedDigest> {
    let ends =
        release.phase() == Phase::RollingBack && matches!(next.phase, Phase::RolledBack | Phase::Errored);
    let Some(undo) = next.undo.as_ref().filter(|undo| ends && undo.by == CONTROLLER) else {
        return Vec::new();
    };
    if release.spec.kind == ReleaseKind::Rollback {
        return Vec::new();
    }
    let name = release.metadata.name.as_deref().unwrap_or_default();
    let ran_before = |digest: &str| next.before.iter().any(|b| version::digest_of(&b.image) == Some(digest));
    release
        .spec
        .images
        .iter()
        .filter_map(|image| version::digest_of(&image.image))
        .filter(|digest| !ran_before(digest))
        .map(|digest| DeniedDigest {
            digest: digest.to_owned(),
            reason: Some(cut(format!("{name} ({}) failed: {}", release.spec.version, undo.reason), 1024)),
            by: Some(CONTROLLER.to_owned()),
            until: None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::{OverrideRecord, RevisionRecord, Undo};
    use crate::domain::fixtures::{at, release};

    fn digest(c: char) -> String {
        format!("sha256:{}", c.to_string().repeat(64))
    }

    #[test]
    fn a_debt_is_written_when_it_is_made_and_never_again() {
        let mut release = release("v2");
        release.spec.emergency = Some(true);
        release.status = Some(ReleaseStatus::default());
        let begun =
            ReleaseStatus { phase: Phase::Progressing, started_at: Some(at(5)), ..ReleaseStatus::default() };
        let empty = EnvironmentStatus::default();
        assert_eq!(accounted(&empty, &release, &ReleaseStatus::default()), None, "it waits");
        let owes = accounted(&empty, &release, &begun).unwrap();
        assert_eq!(owes.debts[0].id, "planera-2");
        assert_eq!(accounted(&owes, &release, &begun), None, "the controller was stopped in between");
        release.status = Some(begun.clone());
        let reviewed = empty;
        assert_eq!(accounted(&reviewed, &release, &begun), None, "somebody has reviewed it");
        let mut forced = begun;
        forced.overrides.push(OverrideRecord {
            gate: "windows".into(),
            by: "erin".into(),
            at: at(6),
            until: at(100),
            reason: "customers are down".into(),
            incident: "INC-1".into(),
            action: "a1".into(),
        });
        let owes = accounted(&reviewed, &release, &forced).unwrap();
        assert_eq!(owes.debts.iter().map(|debt| debt.id.as_str()).collect::<Vec<_>>(), ["a1"]);
    }

    #[test]
    fn only_what_failed_by_itself_is_denied() {
        type Change = fn(&mut Release, &mut ReleaseStatus);
        let (bad, same) = (digest('a'), digest('b'));
        let cases: [(&str, Change, bool); 6] = [
            ("failed and put back", |_, _| {}, true),
            ("not wholly put back", |_, next| next.phase = Phase::Errored, true),
            ("a person went back", |_, next| next.undo.as_mut().unwrap().by = "erin".into(), false),
            ("on its way", |_, next| next.phase = Phase::RollingBack, false),
            (
                "over since long",
                |release, _| release.status.as_mut().unwrap().phase = Phase::RolledBack,
                false,
            ),
            ("a rollback", |release, _| release.spec.kind = ReleaseKind::Rollback, false),
        ];
        for (name, change, expected) in cases {
            let mut release = release("v2");
            release.spec.images[0].image = format!("ghcr.io/acme/backend@{bad}");
            release.spec.images[1].image = format!("ghcr.io/acme/frontend@{same}");
            release.status = Some(ReleaseStatus { phase: Phase::RollingBack, ..ReleaseStatus::default() });
            let mut next = ReleaseStatus {
                phase: Phase::RolledBack,
                undo: Some(Undo {
                    by: CONTROLLER.into(),
                    at: at(5),
                    reason: "pods crash".into(),
                    ends_as: Phase::RolledBack,
                }),
                before: vec![RevisionRecord {
                    component: "frontend".into(),
                    image: format!("ghcr.io/acme/frontend:v1@{same}"),
                    revision: None,
                    replicas: None,
                    partition: None,
                }],
                ..ReleaseStatus::default()
            };
            change(&mut release, &mut next);
            let status = EnvironmentStatus::default();
            let new = accounted(&status, &release, &next);
            let denied: Vec<_> = new.iter().flat_map(|new| &new.denied).collect();
            assert_eq!(denied.len(), usize::from(expected), "{name}: {denied:?}");
            if let [entry] = denied[..] {
                assert_eq!((entry.digest.as_str(), entry.by.as_deref()), (bad.as_str(), Some(CONTROLLER)));
                assert!(entry.reason.as_ref().unwrap().contains("pods crash"));
                assert_eq!(accounted(new.as_ref().unwrap(), &release, &next), None, "{name}");
            }
        }
    }
}
