//! Where an image is to be asked for.

use crate::domain::version;

/// Docker's own registry, as references and as its server are called.
const DOCKER: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// Where an image is to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The registry as the reference names it.
    pub registry: String,
    /// The server that is asked, with its port.
    pub host: String,
    /// Scheme and server.
    pub base: String,
    /// Repository in the registry.
    pub repository: String,
    /// Digest, else tag.
    pub reference: String,
}

/// Other addresses under which registries are asked, such as a copy in one's own network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mirrors(Vec<(String, String)>);

impl Mirrors {
    /// Reads `registry=url` pairs; `*` is every registry that no other pair names. The error says what is wrong with the first bad one.
    pub fn parse<T: AsRef<str>>(pairs: &[T]) -> Result<Self, String> {
        let mut mirrors = Vec::new();
        for pair in pairs {
            let pair = pair.as_ref();
            let wrong =
                || format!("`{pair}` is not registry=url, such as ghcr.io=https://mirror.example.com");
            let (registry, url) = pair.split_once('=').ok_or_else(wrong)?;
            let parsed: url::Url = url.trim().parse().map_err(|_| wrong())?;
            let is_web = matches!(parsed.scheme(), "http" | "https") && parsed.host().is_some();
            if !is_web || !matches!(parsed.path(), "" | "/") || registry.trim().is_empty() {
                return Err(wrong());
            }
            mirrors.push((registry.trim().to_owned(), url.trim().trim_end_matches('/').to_owned()));
        }
        Ok(Self(mirrors))
    }

    /// Whether a URL is of a server that a pair names.
    pub(super) fn is_of(&self, url: &url::Url) -> bool {
        self.0
            .iter()
            .filter_map(|(_, base)| base.parse::<url::Url>().ok())
            .any(|base| base.origin() == url.origin())
    }

    fn of(&self, registry: &str) -> Option<&str> {
        let named = self.0.iter().find(|(name, _)| name == registry);
        named.or_else(|| self.0.iter().find(|(name, _)| name == "*")).map(|(_, url)| url.as_str())
    }
}

impl Address {
    /// Where a reference is to be asked for; the error is a sentence. A reference without tag and digest means `latest`.
    pub fn parse(image: &str, mirrors: &Mirrors) -> Result<Self, String> {
        let parts = version::parse(image);
        let named = parts.repository.split_once('/').filter(|(first, _)| is_host(first));
        let (registry, repository) = match named {
            Some((registry, repository)) => (registry, repository.to_owned()),
            None if parts.repository.contains('/') => (DOCKER.0, parts.repository.to_owned()),
            None => (DOCKER.0, format!("library/{}", parts.repository)),
        };
        let reference = parts.digest.or(parts.tag).unwrap_or("latest");
        if !is_repository(&repository) || !is_reference(reference) {
            return Err(format!("{image} is not a reference of an image"));
        }
        let base = mirrors.of(registry).map_or_else(
            || {
                let server = if registry == DOCKER.0 { DOCKER.1 } else { registry };
                format!("{}://{server}", if is_loopback(server) { "http" } else { "https" })
            },
            ToOwned::to_owned,
        );
        let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host).to_owned();
        Ok(Self { registry: registry.to_owned(), host, base, repository, reference: reference.to_owned() })
    }
}

/// The first part of a reference is a server if it looks like one, as Docker does it.
fn is_host(first: &str) -> bool {
    let looks = first == "localhost" || first.contains('.') || first.contains(':');
    looks && first.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
}

/// Registries on the machine itself are asked without TLS, as Docker does it.
pub(super) fn is_loopback(server: &str) -> bool {
    let name = server.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(server, |(name, _)| name);
    name == "localhost"
        || name == "[::1]"
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|a| a.is_loopback())
}

fn is_repository(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
    text.chars().all(allowed) && text.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

fn is_reference(text: &str) -> bool {
    let name = text.strip_prefix("sha256:").unwrap_or(text);
    !name.is_empty()
        && name.len() <= 128
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn each_reference_has_one_address() {
        let mirrors = Mirrors::parse(&["quay.io=http://mirror:5000/"]).unwrap();
        let pinned = format!("ghcr.io/acme/api:v1@{DIGEST}");
        for (image, base, repository, reference) in [
            ("nginx", "https://registry-1.docker.io", "library/nginx", "latest"),
            ("acme/api:v1", "https://registry-1.docker.io", "acme/api", "v1"),
            ("docker.io/acme/api:v1", "https://registry-1.docker.io", "acme/api", "v1"),
            ("ghcr.io/acme/api:v1", "https://ghcr.io", "acme/api", "v1"),
            (pinned.as_str(), "https://ghcr.io", "acme/api", DIGEST),
            ("registry.example.com:8443/a/b/c:v1", "https://registry.example.com:8443", "a/b/c", "v1"),
            ("localhost/api:v1", "http://localhost", "api", "v1"),
            ("127.0.0.1:5000/api:v1", "http://127.0.0.1:5000", "api", "v1"),
            ("quay.io/acme/api:v1", "http://mirror:5000", "acme/api", "v1"),
        ] {
            let found = Address::parse(image, &mirrors).unwrap();
            let found = (found.base.as_str(), found.repository.as_str(), found.reference.as_str());
            assert_eq!(found, (base, repository, reference), "{image}");
        }
        for image in [
            "ghcr.io/../etc:v1",
            "ghcr.io/a b:v1",
            "ghcr.io/a?x=y",
            "ghcr.io/a:",
            "ghcr.io//a:v1",
            "a@md5:0/..",
        ] {
            assert!(Address::parse(image, &mirrors).is_err(), "{image}");
        }
    }

    #[test]
    fn a_mirror_is_a_pair_and_a_star_is_everything_else() {
        let mirrors = Mirrors::parse(&["*=http://127.0.0.1:1", "ghcr.io=https://two"]).unwrap();
        let base = |image: &str| Address::parse(image, &mirrors).unwrap().base;
        assert_eq!(
            (base("ghcr.io/a").as_str(), base("nginx").as_str()),
            ("https://two", "http://127.0.0.1:1")
        );
        for wrong in ["ghcr.io", "ghcr.io=", "=http://x", "ghcr.io=ftp://x", "ghcr.io=http://x/path"] {
            assert!(Mirrors::parse(&[wrong]).unwrap_err().contains(wrong), "{wrong}");
        }
    }
}
