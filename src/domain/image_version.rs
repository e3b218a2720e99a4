//! Whether an image carries the version under which it is released.
//!
//! Owns `versions.pattern`, which the whole version matches, and `versions.tag`, which maps a version to the tag of its images. The
//! admission policies decide the same in CEL. What a registry has under a tag is asked elsewhere (`gate`).

use regex::Regex;

use super::version;
use crate::api::environment::{EnvironmentSpec, Versions};
use crate::api::release::{ComponentImage, ReleaseSpec};

/// The mapping where the environment names none: the tag is the version.
const VERBATIM: &str = "{{version}}";

/// Whether the whole version matches the pattern.
///
/// # Errors
/// The pattern cannot be read.
pub(crate) fn matches(pattern: &str, version: &str) -> Result<bool, regex::Error> {
    // by itself first: no pattern gets its sense from the anchors
    Regex::new(pattern)?;
    Ok(Regex::new(&format!("^(?:{pattern})$"))?.is_match(version))
}

/// The tag of images that carry that version. Nothing where the mapping asks for a commit and the version does not end with one.
///
/// `{{version}}` is the version, `{{semver}}` the version without a leading `v`, `{{sha}}` the commit at its end. Tags have no `+`:
/// it becomes `_`, as Helm writes it.
#[must_use]
pub(crate) fn tag_of(versions: Option<&Versions>, version: &str) -> Option<String> {
    let template = template(versions);
    let commit = if template.contains("{{sha}}") { commit_in(version)? } else { "" };
    let tag = template
        .replace("{{version}}", version)
        .replace("{{semver}}", version.strip_prefix('v').unwrap_or(version))
        .replace("{{sha}}", commit);
    Some(tag.replace('+', "_"))
}

/// What a source repository calls that version: the commit where the mapping takes one from it, else the version.
#[must_use]
pub(crate) fn revision_of<'a>(versions: Option<&Versions>, version: &'a str) -> &'a str {
    if template(versions).contains("{{sha}}") { commit_in(version).unwrap_or(version) } else { version }
}

fn template(versions: Option<&Versions>) -> &str {
    versions.and_then(|versions| versions.tag.as_deref()).unwrap_or(VERBATIM)
}

/// The commit that a version ends with: 7 to 40 hexadecimal digits, behind `.`, `_`, `+`, `-` or nothing.
fn commit_in(version: &str) -> Option<&str> {
    let commit = version.rsplit(['.', '_', '+', '-']).next()?;
    let is_hex = commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && (7..=40).contains(&commit.len())).then_some(commit)
}

/// Why an image does not carry a version. Nothing where its tag does, or where only a registry can tell what its digest is.
#[must_use]
pub(crate) fn mismatch(versions: Option<&Versions>, version: &str, image: &str) -> Option<String> {
    let Some(tag) = tag_of(versions, version) else {
        return Some(format!(
            "version {version} does not end with a commit, which versions.tag {} takes from it",
            template(versions)
        ));
    };
    match version::parse(image).tag {
        Some(found) if found != tag => {
            Some(format!("{image} does not carry version {version}: its tag must be {tag}"))
        }
        _ => None,
    }
}

/// The images of a release whose tag says another version, for everybody who decides on it.
#[must_use]
pub(crate) fn strangers<'a>(spec: &EnvironmentSpec, release: &'a ReleaseSpec) -> Vec<&'a ComponentImage> {
    let versions = spec.versions.as_ref();
    let is_stranger = |image: &&ComponentImage| mismatch(versions, &release.version, &image.image).is_some();
    release.images.iter().filter(is_stranger).collect()
}

/// Whether two images may be the same content: equal digests; where one of them has none, equal tags. An image by digest alone goes
/// by the tag of the version that it is released under.
#[must_use]
pub(crate) fn may_be_same(versions: Option<&Versions>, one: (&str, &str), other: (&str, &str)) -> bool {
    let parts = (version::parse(one.0), version::parse(other.0));
    if parts.0.repository != parts.1.repository {
        return false;
    }
    if let (Some(one), Some(other)) = (parts.0.digest, parts.1.digest) {
        return one == other;
    }
    let tag = |tag: Option<&str>, version: &str| match tag {
        Some(tag) => Some(tag.to_owned()),
        None => tag_of(versions, version),
    };
    tag(parts.0.tag, one.1) == tag(parts.1.tag, other.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn mapped(tag: &str) -> Versions {
        Versions { tag: Some(tag.into()), ..Versions::default() }
    }

    #[test]
    fn a_pattern_is_for_the_whole_version() {
        for (pattern, version, expected) in [
            (r"v\d+", "v1", Some(true)),
            (r"v\d+", "xv1-evil", Some(false)),
            (r"^v\d+$", "v1", Some(true)),
            ("a|b", "a", Some(true)),
            ("a|b", "ax", Some(false)),
            ("(?i)v1", "V1", Some(true)),
            (r"v\d+\.\d+", "v1.2\n", Some(false)),
            ("a)|(b", "b", None),
            ("(", "b", None),
            ("(?x)v1 #", "v1", None),
        ] {
            assert_eq!(matches(pattern, version).ok(), expected, "{pattern} {version:?}");
        }
    }

    #[test]
    fn a_version_maps_to_one_tag() {
        for (template, version, expected) in [
            (None, "v1.8.2", Some("v1.8.2")),
            (None, "v1.8.2+build.1", Some("v1.8.2_build.1")),
            (Some("{{semver}}"), "v1.8.2", Some("1.8.2")),
            (Some("{{semver}}"), "1.8.2", Some("1.8.2")),
            (Some("{{version}}-alpine"), "v1", Some("v1-alpine")),
            (Some("staging-{{sha}}"), "4f2a9c1", Some("staging-4f2a9c1")),
            (Some("staging-{{sha}}"), "v1.8.2-4f2a9c1", Some("staging-4f2a9c1")),
            (Some("{{semver}}-{{sha}}"), "v1.8.2+4f2a9c1", Some("1.8.2_4f2a9c1-4f2a9c1")),
            (Some("staging-{{sha}}"), "v1.8.2", None),
            (Some("staging-{{sha}}"), "x4f2a9c1", None),
            (Some("staging-{{sha}}"), "v1-4F2A9C1", None),
        ] {
            let versions = template.map(mapped);
            assert_eq!(tag_of(versions.as_ref(), version).as_deref(), expected, "{template:?} {version}");
        }
        assert_eq!(revision_of(Some(&mapped("staging-{{sha}}")), "main-4f2a9c1"), "4f2a9c1");
        assert_eq!(revision_of(None, "main-4f2a9c1"), "main-4f2a9c1");
    }

    #[test]
    fn an_image_carries_its_version_by_its_tag() {
        let semver = mapped("{{semver}}");
        for (versions, version, image, carries) in [
            (None, "v1.8.4", "r/a:v1.8.4".to_owned(), true),
            (None, "v1.8.4", "r/a:pr-666".to_owned(), false),
            (None, "v1.8.4", format!("r/a:pr-666@{DIGEST}"), false),
            (None, "v1.8.4", format!("r/a:v1.8.4@{DIGEST}"), true),
            (None, "v1.8.4", "r/a:v1.8.4-evil".to_owned(), false),
            (None, "v1.8.4", "localhost:5000/a:v1.8.4".to_owned(), true),
            (None, "v1.8.4", format!("r/a@{DIGEST}"), true),
            (Some(&semver), "v1.8.4", "r/a:1.8.4".to_owned(), true),
            (Some(&semver), "v1.8.4", "r/a:v1.8.4".to_owned(), false),
        ] {
            assert_eq!(mismatch(versions, version, &image).is_none(), carries, "{version} {image}");
        }
    }

    #[test]
    fn content_is_compared_by_digest_and_else_by_tag() {
        let other = DIGEST.replace('0', "f");
        for (one, two, expected) in [
            (("r/a:v2", "v2"), ("r/a:v2", "v2"), true),
            (("r/a:v2", "v2"), (&*format!("r/a:v2@{DIGEST}"), "v2"), true),
            (("r/a:v2", "v2"), (&*format!("r/a@{DIGEST}"), "v2"), true),
            (("r/a:v2", "v2"), (&*format!("r/a@{DIGEST}"), "v3"), false),
            ((&*format!("r/a:v2@{DIGEST}"), "v2"), (&*format!("r/a:v3@{DIGEST}"), "v3"), true),
            ((&*format!("r/a:v2@{DIGEST}"), "v2"), (&*format!("r/a:v2@{other}"), "v2"), false),
            (("r/a:v2", "v2"), ("r/b:v2", "v2"), false),
        ] {
            assert_eq!(may_be_same(None, one, two), expected, "{one:?} {two:?}");
            assert_eq!(may_be_same(None, two, one), expected, "{two:?} {one:?}");
        }
    }
}
