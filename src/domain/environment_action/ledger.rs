//! What a release leaves behind in its environment: debts when it begins by break-glass, denied images when it failed.
//!
//! Written down before the release's own status says so: whoever is stopped in between finds it there, and adds nothing.

use chrono::{DateTime, Utc};

use crate::api::environment::{Debt, DeniedDigest, EnvironmentStatus, Versions};
use crate::api::release::{Phase, Release, ReleaseKind, ReleaseStatus, Undo};
use crate::domain::rollout::freeze;
use crate::domain::timeline::{CONTROLLER, cut};
use crate::domain::{debt, version};

use super::DENIED;

/// The environment's status with what this release adds as it goes over to `next`; nothing where it adds nothing.
#[must_use]
pub(crate) fn accounted(
    versions: Option<&Versions>,
    status: &EnvironmentStatus,
    release: &Release,
    next: &ReleaseStatus,
) -> Option<EnvironmentStatus> {
    let mut new = status.clone();
    for debt in new_debts(release, next) {
        if new.debts.len() < debt::ROOM && !new.debts.iter().any(|known| known.id == debt.id) {
            new.debts.push(debt);
        }
    }
    let allows = versions.is_some_and(|versions| versions.allow_rolled_back);
    for entry in denied_images(release, next).into_iter().filter(|_| !allows) {
        let has_room = new.denied.len() < DENIED;
        match new.denied.iter_mut().find(|known| known.digest == entry.digest) {
            Some(known) if known.until.is_some() => *known = entry,
            None if has_room => new.denied.push(entry),
            Some(_) | None => {}
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

/// The digests that may not come here again as the release goes over to `next`: those of a release that was rolled back, by the
/// controller or by a person, and those that a successful rollback left. A person takes them off the list again (`allow`).
///
/// Neither an abort nor a freeze is a verdict on the version, and nothing that ran before is denied.
fn denied_images(release: &Release, next: &ReleaseStatus) -> Vec<DeniedDigest> {
    let name = release.metadata.name.as_deref().unwrap_or_default();
    if release.spec.kind == ReleaseKind::Rollback {
        let succeeds = release.phase() != Phase::Succeeded && next.phase == Phase::Succeeded;
        let left = next.before.iter().map(|record| record.image.as_str()).filter(|_| succeeds);
        let stays = release.spec.images.iter().map(|image| image.image.as_str());
        let (by, to) = (&release.spec.requested_by, &release.spec.version);
        let why = release.spec.reason.as_deref().unwrap_or("no reason given");
        return denials(
            left,
            stays,
            (by, next.finished_at),
            &format!("{by} rolled back from it to {to} ({name}): {why}"),
        );
    }
    let ends =
        release.phase() == Phase::RollingBack && matches!(next.phase, Phase::RolledBack | Phase::Errored);
    let is_verdict = |undo: &&Undo| undo.ends_as == Phase::RolledBack && !freeze::is_cause_of(undo);
    let Some(undo) = next.undo.as_ref().filter(|_| ends).filter(is_verdict) else { return Vec::new() };
    let brought = release.spec.images.iter().map(|image| image.image.as_str());
    let ran_before = next.before.iter().map(|record| record.image.as_str());
    let verdict = if undo.by == CONTROLLER { "failed: " } else { "" };
    let why = format!("{name} ({}) {verdict}{}", release.spec.version, undo.reason);
    denials(brought, ran_before, (&undo.by, next.finished_at), &why)
}

/// Denials of the digests of these images, except of those that stay.
fn denials<'a>(
    images: impl Iterator<Item = &'a str>,
    stays: impl Iterator<Item = &'a str>,
    (by, at): (&str, Option<DateTime<Utc>>),
    why: &str,
) -> Vec<DeniedDigest> {
    let stays: Vec<&str> = stays.filter_map(version::digest_of).collect();
    let mut digests: Vec<&str> =
        images.filter_map(version::digest_of).filter(|digest| !stays.contains(digest)).collect();
    digests.dedup();
    let entry = |digest: &str| DeniedDigest {
        digest: digest.to_owned(),
        reason: Some(cut(why.to_owned(), 1024)),
        by: Some(by.to_owned()),
        at,
        until: None,
    };
    digests.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::{OverrideRecord, RevisionRecord, Undo};
    use crate::domain::fixtures::{at, release, uid};

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
        assert_eq!(accounted(None, &empty, &release, &ReleaseStatus::default()), None, "it waits");
        let owes = accounted(None, &empty, &release, &begun).unwrap();
        assert_eq!(owes.debts[0].id, format!("release/{}", uid("planera-2")));
        assert_eq!(accounted(None, &owes, &release, &begun), None, "the controller was stopped in between");
        release.status = Some(begun.clone());
        let reviewed = empty;
        assert_eq!(accounted(None, &reviewed, &release, &begun), None, "somebody has reviewed it");
        let mut forced = begun;
        forced.overrides.push(OverrideRecord {
            gate: "windows".into(),
            by: "erin".into(),
            at: at(6),
            until: at(100),
            reason: "customers are down".into(),
            incident: "INC-1".into(),
            action: "a1".into(),
            uid: Some(uid("a1")),
        });
        let owes = accounted(None, &reviewed, &release, &forced).unwrap();
        assert_eq!(
            owes.debts.iter().map(|debt| debt.id.as_str()).collect::<Vec<_>>(),
            [format!("action/{}", uid("a1"))]
        );
    }

    #[test]
    fn a_version_that_was_rolled_back_is_denied() {
        type Change = fn(&mut Release, &mut ReleaseStatus);
        let (bad, same) = (digest('a'), digest('b'));
        let cases: [(&str, Change, bool); 8] = [
            ("failed and put back", |_, _| {}, true),
            ("not wholly put back", |_, next| next.phase = Phase::Errored, true),
            ("rolled back by a person", |_, next| next.undo.as_mut().unwrap().by = "erin".into(), true),
            ("aborted", |_, next| next.undo.as_mut().unwrap().ends_as = Phase::Aborted, false),
            ("frozen", |_, next| next.undo.as_mut().unwrap().reason = "frozen by erin: audit".into(), false),
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
            let allows = Versions { allow_rolled_back: true, ..Versions::default() };
            assert_eq!(accounted(Some(&allows), &status, &release, &next), None, "{name}: not denied here");
            let new = accounted(Some(&Versions::default()), &status, &release, &next);
            assert_eq!(accounted(None, &status, &release, &next), new, "denied by default");
            let denied: Vec<_> = new.iter().flat_map(|new| &new.denied).collect();
            assert_eq!(denied.len(), usize::from(expected), "{name}: {denied:?}");
            if let [entry] = denied[..] {
                let by = next.undo.as_ref().map(|undo| undo.by.as_str());
                assert_eq!((entry.digest.as_str(), entry.by.as_deref()), (bad.as_str(), by));
                assert!(entry.reason.as_ref().unwrap().contains("pods crash"));
                assert_eq!(accounted(None, new.as_ref().unwrap(), &release, &next), None, "{name}");
            }
        }
    }

    #[test]
    fn what_a_rollback_left_is_denied_once_it_succeeds() {
        let (bad, good, same) = (digest('a'), digest('b'), digest('c'));
        let record = |image: String| RevisionRecord {
            component: "backend".into(),
            image,
            revision: None,
            replicas: None,
            partition: None,
        };
        let mut release = release("v1");
        release.spec.kind = ReleaseKind::Rollback;
        release.spec.images[0].image = format!("ghcr.io/acme/backend:v1@{good}");
        release.spec.images[1].image = format!("ghcr.io/acme/frontend:v1@{same}");
        release.status = Some(ReleaseStatus { phase: Phase::Verifying, ..ReleaseStatus::default() });
        let before = vec![
            record(format!("ghcr.io/acme/backend:v2@{bad}")),
            record(format!("ghcr.io/acme/frontend@{same}")),
        ];
        let next = |phase| ReleaseStatus { phase, before: before.clone(), ..ReleaseStatus::default() };
        let empty = EnvironmentStatus::default();
        for phase in [Phase::Verifying, Phase::Held, Phase::RollingBack, Phase::Aborted] {
            assert_eq!(accounted(None, &empty, &release, &next(phase)), None, "{phase}");
        }
        let allows = Versions { allow_rolled_back: true, ..Versions::default() };
        assert_eq!(accounted(Some(&allows), &empty, &release, &next(Phase::Succeeded)), None);
        let new = accounted(None, &empty, &release, &next(Phase::Succeeded)).unwrap();
        assert_eq!(new.denied.iter().map(|denied| &denied.digest).collect::<Vec<_>>(), [&bad]);
        release.status = Some(next(Phase::Succeeded));
        assert_eq!(accounted(None, &empty, &release, &next(Phase::Succeeded)), None, "allowed again since");
    }
}
