//! Versions and digests of images.

use super::*;

#[test]
fn a_version_is_what_its_images_carry() {
    use crate::api::environment::Versions;
    let versions = |require_digest| Some(Versions { require_digest, ..Versions::default() });
    let other = format!("ghcr.io/acme/frontend:v2@{DIGEST}");
    for (name, image, kind, versions, fatal) in [
        ("its tag", "ghcr.io/acme/frontend:v2", ReleaseKind::Deploy, None, None),
        (
            "another tag",
            "ghcr.io/acme/frontend:pr-666",
            ReleaseKind::Deploy,
            None,
            Some("does not carry version v2"),
        ),
        (
            "another tag",
            "ghcr.io/acme/frontend:pr-666",
            ReleaseKind::Promote,
            None,
            Some("does not carry version v2"),
        ),
        ("required", "ghcr.io/acme/frontend:v2", ReleaseKind::Deploy, versions(true), Some("has no digest")),
        ("given", &other, ReleaseKind::Promote, versions(false), None),
    ] {
        let mut observed = observed(environment());
        observed.release.spec.kind = kind;
        observed.release.spec.images[1].image = image.into();
        if versions.as_ref().is_some_and(|versions| versions.require_digest) {
            observed.release.spec.images.remove(0);
        }
        observed.environment.as_mut().unwrap().spec.versions = versions;
        let found = evaluated(&observed).fatal.map(|(_, why)| why);
        match fatal {
            Some(words) => {
                assert!(found.as_ref().is_some_and(|why| why.contains(words)), "{name}: {found:?}");
            }
            None => assert_eq!(found, None, "{name}"),
        }
    }
    // a rollback brings what ran here, and says what that was
    let mut back = observed(environment());
    back.release.spec.kind = ReleaseKind::Rollback;
    back.release.spec.images.truncate(1);
    back.release.spec.images[0].image = "ghcr.io/acme/backend:pr-666".into();
    let mut past = back.release.clone();
    past.status.get_or_insert_default().phase = Phase::Succeeded;
    back.others = vec![std::sync::Arc::new(past)];
    let policy = gate(&back, "policy");
    assert_eq!(policy.state, GateState::Pass);
    assert!(policy.detail.ends_with(" as ghcr.io/acme/backend:pr-666"), "{}", policy.detail);
}

#[test]
fn a_digest_must_be_what_the_registry_has_under_the_tag() {
    use crate::api::environment::Versions;
    use crate::domain::health::{Answer, Found, ImageIndex};
    const NAME: &str = "image-version/frontend";
    let pinned = || {
        let mut observed = observed(environment());
        observed.release.spec.images[1].image = format!("ghcr.io/acme/frontend@{DIGEST}");
        observed
    };
    let mut asked = pinned();
    assert_eq!(state(&asked, NAME), Some(GateState::Wait));
    assert_eq!(state(&asked, "image-version/backend"), None, "by tag alone it is what the tag is");
    let (_, question) = evaluated(&asked).questions.into_iter().find(|(name, _)| name == NAME).unwrap();
    let Question::ImageTag { image, digest, .. } = question else { panic!("{question:?}") };
    assert_eq!((image.as_str(), digest.as_str()), ("ghcr.io/acme/frontend:v2", DIGEST));
    for answer in [GateState::Fail, GateState::NoData, GateState::Pass] {
        asked.answers.record(NAME, Answer::new(at(10), answer, "asked"));
        assert_eq!(state(&asked, NAME), Some(answer));
    }
    for (name, change) in [
        ("emergency", (|o: &mut Observed| o.release.spec.emergency = Some(true)) as fn(&mut Observed)),
        ("rollback", |o| o.release.spec.kind = ReleaseKind::Rollback),
        ("trusted", |o| {
            let versions = Versions { allow_unverified_digests: true, ..Versions::default() };
            o.environment.as_mut().unwrap().spec.versions = Some(versions);
        }),
    ] {
        let mut observed = pinned();
        change(&mut observed);
        assert_eq!(state(&observed, NAME), None, "{name}");
    }
    // the same digest succeeded here as this version; an emergency proves nothing
    for (emergency, expected) in [(None, GateState::Pass), (Some(true), GateState::Wait)] {
        let mut observed = pinned();
        let mut past = observed.release.clone();
        past.spec.emergency = emergency;
        past.status.get_or_insert_default().phase = Phase::Succeeded;
        observed.others = vec![std::sync::Arc::new(past)];
        assert_eq!(state(&observed, NAME), Some(expected));
    }
    // an index is denied with what it lists, and what it lists with the index
    let other = DIGEST.replace('0', "f");
    for (index, child, denied) in [(DIGEST, &*other, &*other), (&*other, DIGEST, &*other)] {
        let mut observed = pinned();
        let denied = DeniedDigest { digest: denied.into(), ..DeniedDigest::default() };
        observed.release.spec.images.remove(0);
        observed.environment.as_mut().unwrap().status.as_mut().unwrap().denied = vec![denied];
        assert_eq!(state(&observed, "deny-list"), Some(GateState::Pass));
        let index = ImageIndex { digest: index.into(), children: vec![child.into()] };
        let found = Some(Found::Index(index));
        observed.answers.record(NAME, Answer { found, ..Answer::new(at(10), GateState::Pass, "") });
        assert_eq!(state(&observed, "deny-list"), Some(GateState::Fail));
    }
}
