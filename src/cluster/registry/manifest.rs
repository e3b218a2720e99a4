//! What registries send: manifests, indexes, configurations, refusals.

use std::fmt;

use serde::Deserialize;

/// The kinds of manifest that are understood.
pub(super) const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// What an image runs on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Platform {
    /// Operating system, such as `linux`.
    #[serde(default)]
    pub os: String,
    /// Processor, such as `arm64`.
    #[serde(default)]
    pub architecture: String,
    /// Its variant, such as `v8`.
    #[serde(default)]
    pub variant: Option<String>,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant
            .as_ref()
            .filter(|variant| !variant.is_empty())
            .map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl Platform {
    /// Whether it is what `linux/arm64` or `linux/arm/v7` asks for; a variant that nobody asks for does not matter.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        let mut parts = wanted.trim().splitn(3, '/');
        let same = |part: Option<&str>, own: &str| part.is_some_and(|part| part.eq_ignore_ascii_case(own));
        let (os, architecture) = (same(parts.next(), &self.os), same(parts.next(), &self.architecture));
        let variant = parts.next().is_none_or(|variant| self.variant.as_deref() == Some(variant));
        os && architecture && variant
    }

    fn is_known(&self) -> bool {
        !self.os.is_empty() && self.os != "unknown"
    }
}

/// A manifest as far as it matters.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Manifest {
    /// One per platform.
    Index(Vec<Platform>),
    /// One image.
    Single {
        /// Digest of its configuration.
        config: String,
    },
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    manifests: Option<Vec<Entry>>,
    #[serde(default)]
    config: Option<Descriptor>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
}

pub(super) fn parse(bytes: &[u8]) -> Option<Manifest> {
    let raw: Raw = serde_json::from_slice(bytes).ok()?;
    if let Some(entries) = raw.manifests {
        let platforms = entries.into_iter().filter_map(|entry| entry.platform);
        // what was signed or attested lies beside the images, on a platform called unknown
        return Some(Manifest::Index(platforms.filter(Platform::is_known).collect()));
    }
    let config = raw.config?.digest;
    let hex = config.strip_prefix("sha256:")?;
    hex.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(Manifest::Single { config })
}

/// The platform in an image's configuration.
pub(super) fn platform_of(config: &[u8]) -> Option<Platform> {
    serde_json::from_slice::<Platform>(config).ok().filter(Platform::is_known)
}

/// Whether these are a registry's own words for no.
pub(super) fn is_refusal(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        errors: Vec<serde_json::Value>,
    }
    serde_json::from_slice::<Refusal>(body).is_ok_and(|refusal| !refusal.errors.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_compared_as_far_as_it_is_asked_for() {
        let arm = Platform { os: "linux".into(), architecture: "arm64".into(), variant: Some("v8".into()) };
        for (wanted, expected) in [
            ("linux/arm64", true),
            ("linux/arm64/v8", true),
            ("linux/arm64/v9", false),
            ("linux/amd64", false),
            ("linux", false),
        ] {
            assert_eq!(arm.is(wanted), expected, "{wanted}");
        }
        assert_eq!(arm.to_string(), "linux/arm64/v8");
    }

    #[test]
    fn what_lies_beside_the_images_is_no_platform() {
        let index = br#"{"schemaVersion": 2, "manifests": [
            {"digest": "sha256:0", "platform": {"os": "linux", "architecture": "amd64"}},
            {"digest": "sha256:1", "platform": {"os": "unknown", "architecture": "unknown"}}, {"digest": "sha256:2"}]}"#;
        let Some(Manifest::Index(platforms)) = parse(index) else { panic!("no index") };
        assert_eq!(platforms.len(), 1);
        assert_eq!(parse(b"<html>"), None);
        assert_eq!(parse(br#"{"config": {"digest": "sha256:../x"}}"#), None);
    }
}
