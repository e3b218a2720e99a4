//! Image references: repository, tag and digest, and the version that people read in them.
//!
//! Owns the syntax of references only. Must not ask a registry what they mean.

/// An image reference in its parts, borrowed from the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageRef<'a> {
    /// Repository with its registry, without tag and digest.
    pub repository: &'a str,
    /// Tag, where there is one.
    pub tag: Option<&'a str>,
    /// `sha256:…`, where there is one.
    pub digest: Option<&'a str>,
}

/// Splits a reference. A port in the registry's name is not a tag.
#[must_use]
pub(crate) fn parse(image: &str) -> ImageRef<'_> {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => ImageRef { repository, tag: Some(tag), digest },
        _ => ImageRef { repository: name, tag: None, digest },
    }
}

/// The version that people read in a reference: its tag, else the first twelve digits of its digest, else `latest`.
#[must_use]
pub(crate) fn version_of(image: &str) -> &str {
    let parts = parse(image);
    match (parts.tag, parts.digest) {
        (Some(tag), _) => tag,
        (None, Some(digest)) => {
            let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
            hex.get(..12).unwrap_or(hex)
        }
        (None, None) => "latest",
    }
}

/// The digest in a reference.
#[must_use]
pub(crate) fn digest_of(image: &str) -> Option<&str> {
    parse(image).digest
}

/// A repository with another tag: what a version means where nobody named an image.
#[must_use]
pub(crate) fn with_tag(repository: &str, tag: &str) -> String {
    format!("{}:{tag}", parse(repository).repository)
}

/// Whether the image comes from that repository, by tag or by digest.
#[must_use]
pub(crate) fn is_from(image: &str, repository: &str) -> bool {
    let parts = parse(image);
    parts.repository == repository && (parts.tag.is_some() || parts.digest.is_some())
}

/// Whether two references surely mean the same content: equal digests, or the same tag where neither tells a digest.
#[must_use]
pub(crate) fn same_content(one: &str, other: &str) -> bool {
    let (one, other) = (parse(one), parse(other));
    match (one.digest, other.digest) {
        (Some(a), Some(b)) => a == b,
        (None, None) => one.repository == other.repository && one.tag == other.tag,
        _ => false,
    }
}

/// Whether `one` comes before `other` in the order of semantic versions, with or without a `v`; never where either is not one.
#[must_use]
pub(crate) fn is_older(one: &str, other: &str) -> bool {
    matches!((semantic(one), semantic(other)), (Some(one), Some(other)) if one.cmp_precedence(&other).is_lt())
}

fn semantic(text: &str) -> Option<semver::Version> {
    semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_where_both_have_an_order() {
        for (one, other, expected) in [
            ("v1.8.2", "v1.9.0", true),
            ("v1.9.0", "v1.10.0", true),
            ("1.9.0", "v1.10.0", true),
            ("v2.0.0-rc.1", "v2.0.0", true),
            ("v1.9.0", "v1.8.2", false),
            ("v1.9.0", "v1.9.0", false),
            ("v1.9.0+build.1", "v1.9.0+build.2", false),
            ("main-4f2a", "v1.9.0", false),
            ("v1.9", "v1.10.0", false),
        ] {
            assert_eq!(is_older(one, other), expected, "{one} {other}");
        }
    }

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_reference_is_split_at_the_right_colon() {
        let with_digest = format!("ghcr.io/acme/api:v1@{DIGEST}");
        for (image, repository, tag, digest) in [
            ("nginx", "nginx", None, None),
            ("nginx:1.27", "nginx", Some("1.27"), None),
            ("localhost:5000/api", "localhost:5000/api", None, None),
            ("localhost:5000/api:v1", "localhost:5000/api", Some("v1"), None),
            (with_digest.as_str(), "ghcr.io/acme/api", Some("v1"), Some(DIGEST)),
        ] {
            assert_eq!(parse(image), ImageRef { repository, tag, digest }, "{image}");
        }
    }

    #[test]
    fn a_version_is_the_tag_or_the_short_digest() {
        assert_eq!(version_of("a:v1.2.3"), "v1.2.3");
        assert_eq!(version_of(&format!("a@{DIGEST}")), "0123456789ab");
        assert_eq!(version_of("a"), "latest");
        assert_eq!(with_tag("localhost:5000/a:old", "new"), "localhost:5000/a:new");
    }

    #[test]
    fn only_the_very_repository_counts() {
        for (image, repository, expected) in [
            ("ghcr.io/acme/api:v1", "ghcr.io/acme/api", true),
            ("ghcr.io/acme/api@sha256:0", "ghcr.io/acme/api", true),
            ("ghcr.io/acme/api-evil:v1", "ghcr.io/acme/api", false),
            ("ghcr.io/acme/api/v1", "ghcr.io/acme/api", false),
            ("ghcr.io/acme/api", "ghcr.io/acme/api", false),
        ] {
            assert_eq!(is_from(image, repository), expected, "{image}");
        }
    }

    #[test]
    fn a_tag_never_equals_a_digest() {
        assert!(same_content("a:v1", "a:v1"));
        assert!(!same_content("a:v1", "b:v1"));
        assert!(!same_content("a:v1", &format!("a:v1@{DIGEST}")));
        assert!(same_content(&format!("mirror/a@{DIGEST}"), &format!("a:v1@{DIGEST}")));
    }
}
