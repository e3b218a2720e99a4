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
    /// Whether a machine that is `linux/arm64` or `linux/arm/v7` runs it, as containerd decides that: names have aliases, an absent
    /// variant is the usual one, and a machine runs older variants of its architecture.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        let mut parts = wanted.trim().splitn(3, '/');
        let (Some(os), Some(architecture)) = (parts.next(), parts.next()) else { return false };
        let wanted = normal(os, architecture, parts.next().unwrap_or_default());
        let own = normal(&self.os, &self.architecture, self.variant.as_deref().unwrap_or_default());
        let is_same_kind = (&own.0, &own.1) == (&wanted.0, &wanted.1);
        is_same_kind
            && match (level(&own.2), level(&wanted.2)) {
                (Some(own), Some(wanted)) => own <= wanted,
                _ => own.2 == wanted.2,
            }
    }

    fn is_known(&self) -> bool {
        !self.os.is_empty() && self.os != "unknown"
    }
}

/// Operating system, architecture and variant in containerd's names.
fn normal(os: &str, architecture: &str, variant: &str) -> (String, String, String) {
    let (os, architecture) = (os.to_lowercase(), architecture.to_lowercase());
    let mut variant = variant.to_lowercase();
    if variant.starts_with(|c: char| c.is_ascii_digit()) {
        variant.insert(0, 'v');
    }
    let (architecture, usual) = match architecture.as_str() {
        "x86_64" | "x86-64" | "amd64" => ("amd64", "v1"),
        "aarch64" | "arm64" => ("arm64", "v8"),
        "armhf" => return (os, "arm".to_owned(), "v7".to_owned()),
        "armel" => return (os, "arm".to_owned(), "v6".to_owned()),
        "arm" => ("arm", "v7"),
        "i386" => ("386", ""),
        other => (other, ""),
    };
    if variant.is_empty() {
        usual.clone_into(&mut variant);
    }
    let os = if os == "macos" { "darwin".to_owned() } else { os };
    (os, architecture.to_owned(), variant)
}

/// The number in a variant: `v8` and `v8.0` are 8.
fn level(variant: &str) -> Option<u32> {
    variant.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// A manifest as far as it matters.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Manifest {
    /// One per platform.
    Index {
        /// Digests of everything that it lists.
        digests: Vec<String>,
        /// Platforms of the images among them.
        platforms: Vec<Platform>,
    },
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
    digest: String,
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
        let digests = entries.iter().map(|entry| entry.digest.clone()).collect();
        let platforms = entries.into_iter().filter_map(|entry| entry.platform);
        // what was signed or attested lies beside the images, on a platform called unknown
        let platforms = platforms.filter(Platform::is_known).collect();
        return Some(Manifest::Index { digests, platforms });
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
    fn a_platform_is_compared_as_containerd_compares_it() {
        for (there, wanted, expected) in [
            ("linux/arm64/v8", "linux/arm64", true),
            ("linux/arm64/v8", "linux/arm64/v8", true),
            ("linux/arm64/8", "linux/arm64/v8", true),
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/arm64", "linux/aarch64", true),
            ("linux/arm64/v8", "linux/arm64/v9", true),
            ("linux/arm64/v9", "linux/arm64", false),
            ("linux/amd64", "linux/amd64/v1", true),
            ("linux/amd64/v1", "linux/amd64", true),
            ("linux/amd64/v3", "linux/amd64", false),
            ("linux/amd64/v2", "linux/amd64/v3", true),
            ("linux/amd64", "Linux/x86_64", true),
            ("linux/arm", "linux/arm/v7", true),
            ("linux/arm/v7", "linux/arm", true),
            ("linux/arm/v6", "linux/arm/v7", true),
            ("linux/arm/v7", "linux/arm/v6", false),
            ("linux/arm64/v8", "linux/amd64", false),
            ("linux/arm64/v8", "linux", false),
            ("windows/amd64", "linux/amd64", false),
            ("linux/s390x", "linux/s390x", true),
            ("linux/mips/x", "linux/mips", false),
        ] {
            let mut parts = there.splitn(3, '/').map(str::to_owned);
            let mut next = || parts.next();
            let platform = Platform {
                os: next().unwrap_or_default(),
                architecture: next().unwrap_or_default(),
                variant: next(),
            };
            assert_eq!(platform.is(wanted), expected, "{there} for {wanted}");
            assert_eq!(platform.to_string(), there);
        }
    }

    #[test]
    fn what_lies_beside_the_images_is_no_platform() {
        let index = br#"{"schemaVersion": 2, "manifests": [
            {"digest": "sha256:0", "platform": {"os": "linux", "architecture": "amd64"}},
            {"digest": "sha256:1", "platform": {"os": "unknown", "architecture": "unknown"}}, {"digest": "sha256:2"}]}"#;
        let Some(Manifest::Index { digests, platforms }) = parse(index) else { panic!("no index") };
        assert_eq!((digests.len(), platforms.len()), (3, 1));
        assert_eq!(parse(b"<html>"), None);
        assert_eq!(parse(br#"{"config": {"digest": "sha256:../x"}}"#), None);
    }
}
