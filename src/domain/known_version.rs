//! Which versions an environment has seen, how each of them fared, and which one to go back to.

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::release::{ComponentImage, ReleaseKind, RevisionRecord};
use crate::api::{Environment, Phase, Release};
use crate::domain::outcome::Ending;
use crate::domain::timeline::CONTROLLER;

/// A set of images that ran, or tried to run, in one environment.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownVersion {
    /// The version, as people say it; the tag of the first image where no release ever named it.
    pub version: String,
    /// The image of each component.
    pub images: Vec<ComponentImage>,
    /// Name of the newest release that brought it; absent when it was there before the first release.
    pub release: Option<String>,
    /// Who asked for that release.
    pub requested_by: Option<String>,
    /// When it was last rolled out in full, or its release ended.
    pub at: Option<DateTime<Utc>>,
    /// How long it ran before something else was begun; counted to the present while it runs.
    pub soaked: Option<TimeDelta>,
    /// How it fared.
    pub verdict: Verdict,
    /// How its release ended; `None` without a release.
    pub ending: Option<Ending>,
    /// It is what runs now.
    pub current: bool,
    /// One of its digests is on the environment's deny list.
    pub denied: bool,
}

/// How a version fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Its release succeeded.
    Good,
    /// It ran before the first release that is known here.
    RanBefore,
    /// Its release is not decided yet, or ended without effect.
    Undecided,
    /// A rollback left it, and nobody has deployed it again since.
    Left,
    /// Its release failed or was undone.
    Bad,
}

impl KnownVersion {
    /// It may be gone back to: it is another one than what runs, is not denied, and did not fail here.
    #[must_use]
    pub const fn is_way_back(&self) -> bool {
        !self.current && !self.denied && matches!(self.verdict, Verdict::Good | Verdict::RanBefore)
    }
}

/// Every version that the environment has seen, newest first, each set of images once.
#[must_use]
pub(crate) fn known_versions(
    environment: &Environment,
    releases: &[&Release],
    now: DateTime<Utc>,
) -> Vec<KnownVersion> {
    let name = environment.metadata.name.as_deref().unwrap_or_default();
    let mut mine: Vec<&Release> = releases
        .iter()
        .copied()
        .filter(|r| r.metadata.namespace == environment.metadata.namespace && r.spec.environment == name)
        .collect();
    mine.sort_by_key(|release| std::cmp::Reverse((begun(release), release.metadata.name.clone())));

    let mut known: Vec<KnownVersion> = Vec::new();
    for (index, release) in mine.iter().enumerate() {
        let replaced = mine[..index].iter().rev().find_map(|later| started(later)).unwrap_or(now);
        let entry = from_release(release, replaced);
        if !is_inconclusive(release) && !known.iter().any(|other| same(&other.images, &entry.images)) {
            known.push(entry);
        }
    }
    for release in mine.iter().rev() {
        let before = release.status.as_ref().map(|status| from_before(&status.before));
        if let Some(before) = before.flatten()
            && !known.iter().any(|other| same(&other.images, &before.images))
        {
            known.push(before);
        }
    }
    for version in &mut known {
        if mine.iter().any(|release| leaves(release, &version.images) && !is_cleared(release, version, &mine))
        {
            version.verdict = version.verdict.max(Verdict::Left);
            version.soaked = None;
        }
        version.current = is_current(environment, &version.images);
        version.denied = is_denied(environment, &version.images, now);
    }
    known
}

/// A rollback that is under way, that a person ended, or that never began, says nothing about the version that it brings.
fn is_inconclusive(release: &Release) -> bool {
    let by_person = || {
        let undo = release.status.as_ref().and_then(|status| status.undo.as_ref());
        undo.is_none_or(|undo| undo.by != CONTROLLER)
    };
    release.spec.kind == ReleaseKind::Rollback
        && match release.phase() {
            Phase::Pending
            | Phase::Progressing
            | Phase::Paused
            | Phase::Verifying
            | Phase::Rejected
            | Phase::Superseded
            | Phase::Expired => true,
            Phase::Aborted | Phase::RollingBack | Phase::RolledBack => by_person(),
            Phase::Failed => started(release).is_none(),
            _ => false,
        }
}

/// Whether this release is a rollback in effect that leaves exactly these images: somebody judged them worse than an older version.
fn leaves(release: &Release, images: &[ComponentImage]) -> bool {
    let Some(left) = left_images(release) else { return false };
    !left.is_empty() && same(&left, images)
}

/// The images that a rollback which is in effect left, one per component; nothing where the release is no such rollback.
///
/// In effect: it is under way, held, or has succeeded. A rollback that was undone or aborted left nothing.
#[must_use]
pub(crate) fn left_images(release: &Release) -> Option<Vec<ComponentImage>> {
    let in_effect = matches!(
        release.phase(),
        Phase::Progressing
            | Phase::Paused
            | Phase::Verifying
            | Phase::Held
            | Phase::Succeeded
            | Phase::Errored
    );
    let status =
        release.status.as_ref().filter(|_| in_effect && release.spec.kind == ReleaseKind::Rollback)?;
    let left = status
        .before
        .iter()
        .map(|record| ComponentImage { component: record.component.clone(), image: record.image.clone() });
    let left: Vec<_> = left.collect();
    // a rollback to what runs already leaves nothing
    (!same(&left, &release.spec.images)).then_some(left)
}

/// The newest of these releases by which the same images were rolled back, and by which nobody has let them in again since: it was rolled
/// back itself, or is a rollback that left them.
#[must_use]
pub(crate) fn rolled_back_by<'a>(
    images: &[ComponentImage],
    releases: impl Iterator<Item = &'a Release> + Clone,
) -> Option<&'a Release> {
    let is_undone = |release: &Release| {
        let undo = release.status.as_ref().and_then(|status| status.undo.as_ref());
        release.phase() == Phase::RolledBack
            && release.spec.kind != ReleaseKind::Rollback
            && undo.is_some_and(|undo| undo.ends_as == Phase::RolledBack)
            && same(&release.spec.images, images)
    };
    let found = releases.clone().filter(|release| is_undone(release) || leaves(release, images));
    let newest = found.max_by_key(|release| begun(release))?;
    let is_good_again = |later: &Release| {
        later.spec.kind != ReleaseKind::Rollback
            && later.phase() == Phase::Succeeded
            && begun(later) > begun(newest)
            && same(&later.spec.images, images)
    };
    let mut later = releases;
    (!later.any(is_good_again)).then_some(newest)
}

/// Whether the version has succeeded by a later decision: somebody deployed or promoted it again after that rollback.
fn is_cleared(rollback: &Release, version: &KnownVersion, all: &[&Release]) -> bool {
    all.iter().any(|later| {
        later.spec.kind != ReleaseKind::Rollback
            && later.phase() == Phase::Succeeded
            && begun(later) > begun(rollback)
            && same(&later.spec.images, &version.images)
    })
}

/// The newest version that succeeded here and is not what runs now; else the newest that ran before any release.
///
/// What a rollback left is bad until it is deployed again and succeeds, so a second rollback goes further back and never forth.
#[must_use]
pub(crate) fn last_known_good(known: &[KnownVersion]) -> Option<&KnownVersion> {
    let way_back = |verdict| known.iter().find(|version| version.is_way_back() && version.verdict == verdict);
    way_back(Verdict::Good).or_else(|| way_back(Verdict::RanBefore))
}

/// The tag of an image reference; empty when it has none.
#[must_use]
pub(crate) fn tag(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let last = name.rsplit_once('/').map_or(name, |(_, last)| last);
    last.split_once(':').map_or("", |(_, tag)| tag)
}

/// The digest of an image reference, `sha256:…`.
#[must_use]
pub(crate) fn digest(image: &str) -> Option<&str> {
    image.split_once('@').map(|(_, digest)| digest)
}

fn started(release: &Release) -> Option<DateTime<Utc>> {
    release.status.as_ref().and_then(|status| status.started_at)
}

fn begun(release: &Release) -> Option<DateTime<Utc>> {
    started(release).or_else(|| release.created_at())
}

fn from_release(release: &Release, replaced: DateTime<Utc>) -> KnownVersion {
    let status = release.status.as_ref();
    let at = status.and_then(|status| status.finished_at.or(status.verifying_since));
    let verdict = match release.phase() {
        Phase::Succeeded => Verdict::Good,
        Phase::RollingBack | Phase::RolledBack | Phase::Held | Phase::Failed | Phase::Errored => Verdict::Bad,
        Phase::Aborted if started(release).is_some() => Verdict::Bad,
        _ => Verdict::Undecided,
    };
    KnownVersion {
        version: release.spec.version.clone(),
        images: release.spec.images.clone(),
        release: release.metadata.name.clone(),
        requested_by: Some(release.spec.requested_by.clone()),
        at: at.or_else(|| release.created_at()),
        soaked: (verdict == Verdict::Good).then(|| at.map(|at| replaced.signed_duration_since(at))).flatten(),
        verdict,
        ending: Some(Ending::of(release)),
        current: false,
        denied: false,
    }
}

fn from_before(before: &[RevisionRecord]) -> Option<KnownVersion> {
    let version = tag(&before.first()?.image).to_owned();
    let images = before
        .iter()
        .map(|record| ComponentImage { component: record.component.clone(), image: record.image.clone() })
        .collect();
    Some(KnownVersion {
        version,
        images,
        release: None,
        requested_by: None,
        at: None,
        soaked: None,
        verdict: Verdict::RanBefore,
        ending: None,
        current: false,
        denied: false,
    })
}

/// The same components with the same images, in whatever order. A digest decides where both have one.
fn same(a: &[ComponentImage], b: &[ComponentImage]) -> bool {
    a.len() == b.len()
        && a.iter().all(|x| b.iter().any(|y| x.component == y.component && same_image(&x.image, &y.image)))
}

fn same_image(a: &str, b: &str) -> bool {
    match (digest(a), digest(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => a == b,
        _ => {
            let name = |image: &str| image.split_once('@').map_or(image, |(name, _)| name).to_owned();
            name(a) == name(b)
        }
    }
}

fn is_current(environment: &Environment, images: &[ComponentImage]) -> bool {
    let Some(status) = &environment.status else { return false };
    !images.is_empty()
        && images.iter().all(|image| {
            status.current.iter().any(|current| {
                current.component == image.component && same_image(&current.image, &image.image)
            })
        })
}

fn is_denied(environment: &Environment, images: &[ComponentImage], now: DateTime<Utc>) -> bool {
    let Some(status) = &environment.status else { return false };
    status.denied.iter().any(|denied| {
        denied.until.is_none_or(|until| until > now)
            && images.iter().any(|image| digest(&image.image) == Some(denied.digest.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::ReleaseStatus;

    fn environment(running: &str) -> Environment {
        let mut environment: Environment = serde_json::from_value(serde_json::json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
            "metadata": {"name": "production", "namespace": "shop"},
            "spec": {"application": "shop", "tier": "production", "components": [
                {"name": "api", "workload": {"kind": "Deployment", "name": "api"}, "container": "api", "image": "r/api"}]},
            "status": {"current": [{"component": "api", "version": running, "image": format!("r/api:{running}")}]}
        }))
        .unwrap();
        environment.metadata.generation = Some(1);
        environment
    }

    fn release(version: &str, phase: Phase, started: i64, before: &str) -> Release {
        let mut release: Release = serde_json::from_value(serde_json::json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
            "metadata": {"name": format!("r-{started}"), "namespace": "shop"},
            "spec": {"environment": "production", "version": version, "kind": "Deploy", "requestedBy": "alice",
                "images": [{"component": "api", "image": format!("r/api:{version}")}]}
        }))
        .unwrap();
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        release.status = Some(ReleaseStatus {
            phase,
            started_at: at(started),
            finished_at: phase.is_final().then(|| at(started + 10)).flatten(),
            before: vec![RevisionRecord {
                component: "api".into(),
                image: format!("r/api:{before}"),
                revision: None,
                replicas: None,
                partition: None,
            }],
            ..ReleaseStatus::default()
        });
        release
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_000, 0).unwrap()
    }

    #[test]
    fn the_way_back_is_the_last_good_one_and_never_the_one_before() {
        // v1 was there, v2 succeeded, v3 failed and was undone: v2 runs; the way back from v2 is v1, not v3
        let all = [release("v2", Phase::Succeeded, 100, "v1"), release("v3", Phase::RolledBack, 200, "v2")];
        let seen: Vec<&Release> = all.iter().collect();
        let known = known_versions(&environment("v2"), &seen, now());
        let told: Vec<_> = known.iter().map(|k| (k.version.as_str(), k.verdict, k.current)).collect();
        assert_eq!(
            told,
            [("v3", Verdict::Bad, false), ("v2", Verdict::Good, true), ("v1", Verdict::RanBefore, false)]
        );
        assert_eq!(last_known_good(&known).unwrap().version, "v1");

        // while v3 runs it is v2
        let known = known_versions(&environment("v3"), &seen, now());
        assert_eq!(last_known_good(&known).unwrap().version, "v2");
        assert_eq!(known[1].soaked, Some(TimeDelta::seconds(90)));
    }

    fn rollback(version: &str, phase: Phase, started: i64, before: &str) -> Release {
        let mut release = release(version, phase, started, before);
        release.spec.kind = ReleaseKind::Rollback;
        release
    }

    fn target(running: &str, all: &[Release]) -> Option<String> {
        let seen: Vec<&Release> = all.iter().collect();
        let known = known_versions(&environment(running), &seen, now());
        last_known_good(&known).map(|version| version.version.clone())
    }

    #[test]
    fn a_second_rollback_goes_further_back_and_never_forth() {
        let mut all = vec![
            release("v1.1", Phase::Succeeded, 100, "v1.0"),
            release("v1.2", Phase::Succeeded, 200, "v1.1"),
        ];
        assert_eq!(target("v1.2", &all).as_deref(), Some("v1.1"));
        all.push(rollback("v1.1", Phase::Progressing, 300, "v1.2"));
        assert_eq!(
            target("v1.2", &all).as_deref(),
            Some("v1.1"),
            "under way: its target is still the target"
        );
        for phase in [Phase::Verifying, Phase::Succeeded] {
            all[2] = rollback("v1.1", phase, 300, "v1.2");
            assert_eq!(target("v1.1", &all).as_deref(), Some("v1.0"), "{phase}: v1.2 was left");
        }
        all.push(rollback("v1.0", Phase::Succeeded, 400, "v1.1"));
        assert_eq!(target("v1.0", &all), None, "nothing older is known: v1.1 and v1.2 were both left");
        // a person deploys v1.2 again, and it succeeds: the verdict is theirs
        all.push(release("v1.2", Phase::Succeeded, 500, "v1.0"));
        assert_eq!(target("v1.0", &all).as_deref(), Some("v1.2"));
    }

    #[test]
    fn an_interrupted_rollback_condemns_neither_its_target_nor_what_it_would_have_left() {
        use crate::api::release::Undo;
        let deployed =
            [release("v1.1", Phase::Succeeded, 100, "v1.0"), release("v1.2", Phase::Succeeded, 200, "v1.1")];
        let ended = |phase, by: &str| {
            let mut ended = rollback("v1.1", phase, 300, "v1.2");
            ended.status.as_mut().unwrap().undo =
                Some(Undo { by: by.into(), at: now(), reason: String::new(), ends_as: phase });
            [deployed.to_vec(), vec![ended]].concat()
        };
        for phase in [Phase::Aborted, Phase::RolledBack, Phase::RollingBack] {
            let all = ended(phase, "carol");
            assert_eq!(target("v1.2", &all).as_deref(), Some("v1.1"), "{phase} by a person");
            let seen: Vec<&Release> = all.iter().collect();
            let known = known_versions(&environment("v1.2"), &seen, now());
            assert_eq!(known[0].version, "v1.2");
            assert_eq!(known[0].verdict, Verdict::Good, "{phase} by a person");
        }
        let all = ended(Phase::RolledBack, CONTROLLER);
        assert_eq!(target("v1.2", &all).as_deref(), Some("v1.0"), "v1.1 could not be rolled out any more");
    }

    #[test]
    fn a_rollback_to_what_runs_leaves_nothing() {
        let all = [
            release("v1.1", Phase::Succeeded, 100, "v1.0"),
            rollback("v1.1", Phase::Succeeded, 200, "v1.1"),
            release("v1.2", Phase::Succeeded, 300, "v1.1"),
        ];
        assert_eq!(target("v1.2", &all).as_deref(), Some("v1.1"));
    }

    #[test]
    fn a_version_that_failed_later_is_no_longer_good() {
        let all = [release("v2", Phase::Succeeded, 100, "v1"), release("v2", Phase::RolledBack, 300, "v3")];
        let seen: Vec<&Release> = all.iter().collect();
        let known = known_versions(&environment("v3"), &seen, now());
        assert_eq!(known[0].verdict, Verdict::Bad);
        assert_eq!(last_known_good(&known).unwrap().version, "v1");
    }

    #[test]
    fn other_environments_and_denied_digests_are_no_way_back() {
        let mut other = release("v2", Phase::Succeeded, 100, "v1");
        other.spec.environment = "staging".into();
        assert!(known_versions(&environment("v3"), &[&other], now()).is_empty());

        let digest = format!("sha256:{}", "a".repeat(64));
        let mut denied = release("v2", Phase::Succeeded, 100, "v1");
        denied.spec.images[0].image = format!("r/api:v2@{digest}");
        let mut environment = environment("v3");
        environment
            .status
            .as_mut()
            .unwrap()
            .denied
            .push(crate::api::environment::DeniedDigest { digest, ..Default::default() });
        let known = known_versions(&environment, &[&denied], now());
        assert!(known[0].denied);
        assert_eq!(last_known_good(&known).unwrap().version, "v1");
    }

    #[test]
    fn references_are_taken_apart() {
        for (image, expected_tag, expected_digest) in [
            ("r/api:v1", "v1", None),
            ("localhost:5000/api", "", None),
            ("localhost:5000/api:v1@sha256:ab", "v1", Some("sha256:ab")),
            ("r/api@sha256:ab", "", Some("sha256:ab")),
        ] {
            assert_eq!((tag(image), digest(image)), (expected_tag, expected_digest), "{image}");
        }
    }
}
